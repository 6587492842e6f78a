#!/usr/bin/env bash
# What stands in deploy/: the unit's exposure, Prometheus' rules and dashboard, the example
# configuration, and the metrics' text as promtool sees it.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
deploy=$KVT_SOURCE/deploy
promtool=$KVT_PARTNERS/usr/bin/promtool
kvmtimed=$KVT_BUILD/kvmtimed

exposure() { # UNIT-FILE: below 3.0
	local line
	line=$(systemd-analyze security --offline=true "$1" 2>&1 | grep 'Overall exposure')
	echo "$line"
	line=${line##*: }
	[ "${line%%.*}" -lt 3 ]
}
if command -v systemd-analyze >/dev/null; then
	cp "$deploy/kvmtimed.service" "$tmp/kvmtimed.service"
	ok "the unit's exposure is below 3.0" exposure "$tmp/kvmtimed.service"
	cat "$deploy/kvmtimed.service" "$deploy/kvmtimed.service.d/root-sockets.conf" >"$tmp/both.service"
	ok "with the drop-in too" exposure "$tmp/both.service"
else
	skip "the unit's exposure is below 3.0" "no systemd-analyze"
fi
is "the unit starts what is installed" "$(sed -n 's/^ExecStart=//p' "$deploy/kvmtimed.service")" /usr/sbin/kvmtimed

"$kvmtimed" --check-config --config "$deploy/kvmtimed.conf" >"$tmp/out" 2>&1
is "the example configuration is good" $? 0
# without its comment signs it still is, so that each key and default stands there rightly
sed 's/^#\([a-z_]* =\|\[\)/\1/' "$deploy/kvmtimed.conf" >"$tmp/all.conf"
ok "so is each key in it" "$kvmtimed" --check-config --config "$tmp/all.conf"
keys() { sed -n 's/^	{ "\([a-z]*\)", "\([a-z_]*\)".*/\2/p' "$KVT_SOURCE/src/daemon/conf.c" | sort; }
is "it names every key" "$(sed -n 's/^#\([a-z_]*\) =.*/\1/p' "$deploy/kvmtimed.conf" | sort -u | grep -vxE 'agent|qmp')" "$(keys | sort -u)"
for key in $(keys); do
	ok "the manual page tells of $key" grep -Eq "^\.(It )?Cm .*\b$key\b" "$KVT_SOURCE/man/kvmtimed.conf.5"
done

# every alert leads to a heading of doc/fleet.md
missing() {
	sed -n 's/.*fleet\.md#\([a-z]*\)".*/\1/p' "$deploy/kvmtime.rules.yml" | while read -r anchor; do
		grep -i "^### $anchor\$" "$KVT_SOURCE/doc/fleet.md" >/dev/null || echo "$anchor"
	done
}
is "every runbook link has its heading" "$(missing)" ""
metrics() { grep -oE '\bkvmtime_[a-z_]+' "$@" | sed 's/^[^:]*://' | sort -u; }
# a daemon with one fake guest gives the text
: >"$tmp/metrics"
mkfifo "$tmp/ready"
"$KVT_SOURCE/tests/partners/fake_guest.py" "$tmp" a:offset=-60 >"$tmp/ready" &
fake=$!
read -r _ <"$tmp/ready"
printf '[guard]\ninterval=0.5\n[find]\nlibvirt=none\nqemu=no\nproxmox=no\n[metrics]\nlisten=127.0.0.1:0\n[socket web "1"\\]\nagent=%s\n' "$tmp/a.qga" >"$tmp/conf"
"$kvmtimed" --config "$tmp/conf" --state "$tmp/state" 2>"$tmp/log" &
daemon=$!
trap 'kill $daemon $fake 2>/dev/null; rm -rf "$tmp"' EXIT
for _ in $(seq 300); do
	port=$(sed -n 's/.*metrics on port \([0-9]*\).*/\1/p' "$tmp/log")
	[ -z "$port" ] || /usr/bin/python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen("http://127.0.0.1:%s/metrics" % sys.argv[1], timeout=20).read().decode())' \
		"$port" >"$tmp/metrics" 2>/dev/null
	grep -q '^kvmtime_guest_residual_seconds' "$tmp/metrics" && grep -q '^kvmtime_findings{' "$tmp/metrics" && break
	sleep 0.1
done
ok "the metrics are there, findings too" grep -q '^kvmtime_findings{severity="high"}' "$tmp/metrics"
# what rules and dashboard ask for is what is told (libvirt is not asked here; the host may know less)
unknown() {
	metrics "$deploy/kvmtime.rules.yml" "$deploy/kvmtime.dashboard.json" | grep -vxE 'kvmtime_(libvirt_connected|master_clock_possible|guests_answering|guests|corrections)' |
		while read -r name; do grep -q "^# TYPE $name " "$tmp/metrics" || echo "$name"; done
}
is "rules and dashboard ask for what is told" "$(unknown)" ""
ok "the dashboard is JSON" /usr/bin/python3 -m json.tool "$deploy/kvmtime.dashboard.json"
"$kvmtime" check --prom "$tmp/check.prom" --quiet >/dev/null 2>&1
like "check --prom writes findings" "$(cat "$tmp/check.prom")" '^kvmtime_findings\{severity="high"\} [0-9]+$'
is "readable by everybody" "$(stat -c %a "$tmp/check.prom")" 644
if [ -x "$promtool" ]; then
	ok "promtool finds nothing wrong with the metrics" sh -c "'$promtool' check metrics <'$tmp/metrics'"
	ok "nor with check --prom's" sh -c "'$promtool' check metrics <'$tmp/check.prom'"
	ok "nor with the rules" "$promtool" check rules "$deploy/kvmtime.rules.yml"
	ok "the rules fire when they should" "$promtool" test rules "$deploy/kvmtime.rules.test.yml"
else
	skip "promtool finds nothing wrong" "no promtool in build/partners (./dev partners)"
fi
kill $daemon
wait $daemon
finish
