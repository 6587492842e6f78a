#!/usr/bin/env bash
# What is left of a guest's offset after each way to set its clock, read by a program in the guest and
# not by the agent; and how soon a healthy guest answers among guests that hang. A booted Linux guest
# under emulation, through libvirt: residuals on a real CPU are smaller for each of them.
# Usage: bench_guests.sh [ROUNDS]
set -u
cd "$(dirname "$0")/.." || exit 1
export KVT_SOURCE=$PWD KVT_BUILD=$PWD/build KVT_PARTNERS=$PWD/build/partners
. tests/partners/guest.sh
. tests/partners/libvirt.sh
rounds=${1:-10}
why=$(guest_missing)
[ -n "$why" ] || why=$(libvirt_missing)
[ -z "$why" ] || { echo "bench guests: $why"; exit 0; }
tmp=$(mktemp -d)
trap 'libvirt_stop "$tmp/v"; rm -rf "$tmp"' EXIT
libvirt_start "$tmp/v" || exit 1
guest_xml bench "$tmp/v/bench.log" >"$tmp/v/bench.xml"
virsh -q -c "$libvirt_uri" create "$tmp/v/bench.xml" || exit 1
for _ in $(seq 150); do
	virsh -q -c "$libvirt_uri" domtime bench >/dev/null 2>&1 && break
	sleep 0.2
done
agent() { virsh -q -c "$libvirt_uri" qemu-agent-command bench "$1" >/dev/null; }
naive() { agent "{\"execute\":\"guest-set-time\",\"arguments\":{\"time\":$(date +%s%N)}}"; }
domtime_now() { virsh -q -c "$libvirt_uri" domtime bench --now; }
domtime_sync() { virsh -q -c "$libvirt_uri" domtime bench --sync; }
kvmtime_sync() { # and what it says that the guest is within, in ns
	build/kvmtime sync --connect "$libvirt_uri" --vm bench --apply --settle 0 --json |
		sed -n 's/.*"within_ns" *: *"\([0-9]*\)".*/\1/p' >"$tmp/within"
}
pause_3s() { # the guest is behind by 3 s, as after any pause
	virsh -q -c "$libvirt_uri" suspend bench && sleep 3 && virsh -q -c "$libvirt_uri" resume bench
}

for way in "kvmtime sync" "guest-set-time, naive" "virsh domtime --now" "virsh domtime --sync"; do
	for _ in $(seq "$rounds"); do
		pause_3s
		rm -f "$tmp/within"
		case $way in
		kvmtime*) kvmtime_sync ;;
		guest*) naive ;;
		*--now) domtime_now ;;
		*--sync) domtime_sync ;;
		esac
		printf '%s\t%s\t%s\n' "$way" "$(cat "$tmp/within" 2>/dev/null)" "$(tests/partners/ask.py clock "$tmp/v/bench.clock" | tr ' ' '\t')"
	done
done >"$tmp/residuals"
for n in $(seq 20); do
	hung+=("hung$n:hang")
	agents+=(--agent "$tmp/hung$n.qga")
done
tests/partners/fake_guest.py "$tmp" "${hung[@]}" well:offset=1 >"$tmp/ready" &
fake=$!
until [ -s "$tmp/ready" ]; do sleep 0.1; done
build/kvmtime watch "${agents[@]}" --agent "$tmp/well.qga" --count 20 --interval 0.5 --timeout 2 --json \
	>"$tmp/fleet" 2>/dev/null
kill $fake
/usr/bin/python3 - "$tmp/residuals" "$tmp/fleet" <<'EOT'
import json, statistics, sys
rows, ours, stated, kept = {}, None, [], 0
for line in open(sys.argv[1]):
    way, within, offset, bound = line.rstrip('\n').split('\t')
    if within:
        stated.append(int(within))
        kept += abs(int(offset)) <= int(within) + int(bound)
    rows.setdefault(way, []).append((abs(int(offset)), int(bound)))
print('residual after a pause of 3 s, read inside the guest (n = %d each)' % len(next(iter(rows.values()))))
print('%-24s %12s %12s %12s %8s' % ('way', 'min', 'median', 'max', 'ratio'))
for way, values in rows.items():
    sizes = [v[0] / 1e6 for v in values]
    ours = ours or statistics.median(sizes)
    print('%-24s %9.3f ms %9.3f ms %9.3f ms %7.1fx' %
          (way, min(sizes), statistics.median(sizes), max(sizes), statistics.median(sizes) / ours))
if stated:
    print('kvmtime sync says what is left at most: %.3f ms (median); it was kept in %d of %d' %
          (statistics.median(stated) / 1e6, kept, len(stated)))
print('limit: the reading itself is within %.3f ms (largest)' % (max(v[1] for r in rows.values() for v in r) / 1e6))
lines = [json.loads(l) for l in open(sys.argv[2])]
well = [l['took_us'] / 1e3 for l in lines if l['target'].endswith('well.qga') and l['status'] == 'ok']
print('\na healthy guest among 20 that hang: answered in %d of 20 rounds, %.1f ms median, %.1f ms max '
      '(8 exchanges; limit 200 ms)' % (len(well), statistics.median(well), max(well)))
EOT
