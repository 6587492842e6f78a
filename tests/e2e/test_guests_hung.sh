#!/usr/bin/env bash
# Twenty guests whose agents hang, and one that is well, through one libvirt daemon, which serves
# five calls of a connection and some twenty in all. The twenty are one booted guest, its agent
# stopped, saved and restored under other names. Long: KVT_LONG=1.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
. "${KVT_SOURCE:?}/tests/partners/libvirt.sh"
[ "${KVT_LONG:-0}" = 1 ] || skip_all "takes minutes: ./dev test --long"
why=$(guest_missing)
[ -n "$why" ] || why=$(libvirt_missing)
[ -z "$why" ] || skip_all "$why"
trap 'libvirt_stop "$tmp/v"; rm -rf "$tmp"' EXIT
libvirt_start "$tmp/v" || skip_all "libvirtd did not start"
v() { virsh -q -c "$libvirt_uri" "$@"; }
agent() { v qemu-agent-command "$1" "{\"execute\":\"$2\"${3:+,\"arguments\":$3}}" 2>/dev/null; }
await() { # NAME: its agent answers
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		agent "$1" guest-ping >/dev/null && return 0
		sleep 0.2
	done
	return 1
}
uuid=11111111-2222-3333-4444-5555555555
for name in well hung00; do
	guest_xml $name "$tmp/v/$name.log" >"$tmp/v/$name.xml"
	[ $name = well ] || sed -i "s|<memory .*|<uuid>${uuid}00</uuid><memory unit='MiB'>128</memory>|" "$tmp/v/$name.xml"
	ok "the guest $name starts" v create "$tmp/v/$name.xml"
done
ok "the well one answers" await well
ok "the other one answers" await hung00
# shellcheck disable=SC2016
agent hung00 guest-exec '{"path":"/bin/sh","arg":["-c","sleep 1; kill -STOP $(pidof qemu-ga)"]}' >/dev/null
for _ in $(seq 100); do # until it does not any more
	timeout 1 virsh -q -c "$libvirt_uri" qemu-agent-command hung00 '{"execute":"guest-ping"}' --timeout 1 >/dev/null 2>&1 || break
	sleep 0.2
done
ok "it is saved" v save hung00 "$tmp/v/saved"
restored=0
for n in $(seq -w 01 20); do
	# the definition stands in the file's head; what replaces it is as long
	LC_ALL=C sed "s/hung00/hung$n/g; s/${uuid}00/$uuid$n/g" "$tmp/v/saved" >"$tmp/v/saved.$n"
	v restore "$tmp/v/saved.$n" && restored=$((restored + 1))
	rm "$tmp/v/saved.$n"
done
is "twenty are restored from it" $restored 20
"$kvmtime" watch --all --connect "$libvirt_uri" --count 25 --interval 1 --json >"$tmp/fleet" 2>/dev/null
took=$(/usr/bin/python3 -c '
import json, statistics, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
well = [l for l in lines if l["target"] == "well" and l["status"] == "ok"]
hung = {l["target"] for l in lines if l["target"] != "well" and l["status"] == "hung"}
median = statistics.median(l["took_us"] for l in well)
print(len(hung), len(well) >= 8, median < 200000)
print("# well: %d answers, median %.1f ms, most %.1f ms" % (len(well), median / 1e3,
      max(l["took_us"] for l in well) / 1e3), file=sys.stderr)' "$tmp/fleet")
is "all twenty hang, and the well one answers within 0.2 s (median)" "$took" "20 True True"
virsh_ms=$({ TIMEFORMAT=%R; time v list >/dev/null; } 2>&1)
ok "the daemon serves others meanwhile" [ "${virsh_ms%.*}" -lt 5 ]
finish
