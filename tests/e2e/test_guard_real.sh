#!/usr/bin/env bash
# kvmtimed alone brings real guests back: a booted Linux guest over a plain QEMU's sockets and one of
# libvirt, paused and resumed, saved and restored; libvirtd is restarted on the way. The judge is a
# clock read inside the guests without their agents. A real Prometheus watches, where it is there.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
. "${KVT_SOURCE:?}/tests/partners/libvirt.sh"
ask=$KVT_SOURCE/tests/partners/ask.py
pause_s=20
why=$(guest_missing)
[ -z "$why" ] || skip_all "$why"
prometheus=$KVT_PARTNERS/usr/bin/prometheus
daemon=
watcher=
restored=
finish_all() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null
	[ -z "$restored" ] || kill -KILL "$restored" 2>/dev/null
	guest_stop "$tmp/a"
	libvirt_stop "$tmp/v"
	rm -rf "$tmp"
}
trap finish_all EXIT
eventually() { # COMMAND...: true within 60 s
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		"$@" && return 0
		sleep 0.1
	done
	echo "not within 60 s: $*" >&2
	return 1
}
fetch() { # URL
	/usr/bin/python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())' "$1" 2>/dev/null
}
metric() { fetch "http://127.0.0.1:$port/metrics" | grep -v '^#' | grep -F -e "$1" | sed 's/.* //' | head -n 1; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
right() { # CLOCK-SOCKET: within 0.25 s of the host, says the guest itself (a busy machine's read is late)
	/usr/bin/python3 -c 'import sys; a, b = map(int, sys.argv[1].split()); sys.exit(abs(a) > 2.5e8)' \
		"$("$ask" clock "$1" 3)"
}
wrong() { ! right "$1"; }
# the residual of the metrics (which may be a quarter of a second old) is what the guest itself says:
# both bounds, and 500 ppm of 4 s
confirmed() { # NAME CLOCK-SOCKET
	/usr/bin/python3 -c 'import sys
residual, bound = float(sys.argv[1]), float(sys.argv[2])
offset, own = (int(x) / 1e9 for x in sys.argv[3].split())
print(residual, bound, offset, own)
sys.exit(abs(residual - offset) > bound + own + 0.002)' \
		"$(metric "kvmtime_guest_residual_seconds{vm=\"$1\"")" \
		"$(metric "kvmtime_guest_residual_bound_seconds{vm=\"$1\"")" "$("$ask" clock "$2")"
}
# the log's word of it comes a moment after the clock is right: it is read back first
is_set() { # NAME EVENT, lines of the log before
	tail -n "+$(($3 + 1))" "$tmp/log" | grep -E "kvmtimed: $1: set(, and still wrong)?: -[0-9.]+ s ± .*, behind -> .* ± .* \($2, by"
}
lines() { wc -l <"$tmp/log"; }
ms() { date +%s%3N; }

with_libvirt=$(libvirt_missing)
if grep -q __asan_init "$KVT_BUILD/kvmtimed"; then
	with_libvirt="the address sanitizer takes libtirpc's functions before libvirt brings that library"
fi
# a loaded machine delivers the timer too late for the kernel to see that it works, and to tell the
# rate of its TSC: clocks would run ahead by seconds a minute
guest_append=(no_timer_check clocksource=hpet)
ok "a guest starts" guest_start "$tmp/a"
uri=none
if [ -z "$with_libvirt" ]; then
	libvirt_start "$tmp/v" || with_libvirt="libvirtd did not start"
	uri=$libvirt_uri
	guest_clock_xml="<clock offset='utc'><timer name='rtc' track='guest'/></clock>" \
		guest_xml lv "$tmp/v/lv.log" >"$tmp/v/lv.xml"
	virsh -q -c "$libvirt_uri" create "$tmp/v/lv.xml" >&2 || with_libvirt="the guest did not start"
fi
[ -z "$with_libvirt" ] || uri=none
cat >"$tmp/conf" <<EOT
[guard]
interval=2
policy=step
[find]
libvirt=$uri
qemu=no
proxmox=no
rescan=2
[socket plain]
agent=$tmp/a/qga
qmp=$tmp/a/qmp
[metrics]
listen=127.0.0.1:0
findings=no
EOT
stamp() { while IFS= read -r line; do printf '%(%T)T %s\n' -1 "$line"; done; }
"$KVT_BUILD/kvmtimed" --config "$tmp/conf" --state "$tmp/state" 2> >(stamp >"$tmp/log") &
daemon=$!
eventually grep -q 'metrics on port' "$tmp/log"
port=$(sed -n 's/.*metrics on port \([0-9]*\).*/\1/p' "$tmp/log")
guests=2
[ -z "$with_libvirt" ] || guests=1
ok "the guests answer" eventually metric_is 'kvmtime_guests{status="ok"}' $guests
ok "what booted with an old clock is right" eventually right "$tmp/a/clock"

# ---- Prometheus ----
if [ -x "$prometheus" ]; then
	sed 's/^\( *for:\).*/\1 0s/' "$KVT_SOURCE/deploy/kvmtime.rules.yml" >"$tmp/rules.yml"
	cat >"$tmp/prometheus.yml" <<EOT
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$tmp/rules.yml]
scrape_configs: [{job_name: kvmtimed, static_configs: [{targets: ["127.0.0.1:$port"]}]}]
EOT
	prometheus_port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	"$prometheus" --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
		--web.listen-address="127.0.0.1:$prometheus_port" >"$tmp/prometheus.log" 2>&1 &
	watcher=$!
fi
fires() { # ALERT VM
	fetch "http://127.0.0.1:$prometheus_port/api/v1/alerts" | /usr/bin/python3 -c 'import json, sys
sys.exit(not any(a["state"] == "firing" and a["labels"]["alertname"] == sys.argv[1] and a["labels"].get("vm") == sys.argv[2]
                 for a in json.load(sys.stdin)["data"]["alerts"]))' "$1" "$2" 2>/dev/null
}
quiet() { ! fires "$1" "$2"; }

# ---- paused for twenty seconds, both ----
[ -n "$with_libvirt" ] || virsh -q -c "$libvirt_uri" suspend lv >&2
"$ask" qmp "$tmp/a/qmp" stop >/dev/null
paused_ms=$(ms)
ok "the paused guests are known" eventually metric_is 'kvmtime_guests{status="paused"}' $guests
if [ -n "$watcher" ]; then
	ok "Prometheus scrapes, and fires the alert of a paused guest" eventually fires KvmtimeGuestPaused plain
else
	skip "Prometheus scrapes, and fires the alert of a paused guest" "no prometheus in build/partners (./dev partners)"
fi
until [ "$(ms)" -ge $((paused_ms + pause_s * 1000)) ]; do sleep 0.1; done
from=$(lines)
resumed_ms=$(ms)
"$ask" qmp "$tmp/a/qmp" cont >/dev/null
ok "resumed by QMP, the guest is right again" eventually right "$tmp/a/clock"
echo "# $(($(ms) - resumed_ms)) ms after the order to run on"
ok "the log tells before, after and bound" eventually is_set plain resumed "$from"
ok "the residual is confirmed inside the guest" eventually confirmed plain "$tmp/a/clock"
if [ -n "$watcher" ]; then
	ok "the alert ends" eventually quiet KvmtimeGuestPaused plain
	ok "Prometheus has the residual" eventually sh -c "test -n \"\$(/usr/bin/python3 -c '
import json, urllib.request
d = json.load(urllib.request.urlopen(\"http://127.0.0.1:$prometheus_port/api/v1/query?query=kvmtime_guest_residual_seconds\"))
print(\"yes\" if d[\"data\"][\"result\"] else \"\")')\""
fi
if [ -z "$with_libvirt" ]; then
	from=$(lines)
	resumed_ms=$(ms)
	virsh -q -c "$libvirt_uri" resume lv >&2
	ok "resumed by libvirt, the guest is right again" eventually right "$tmp/v/lv.clock"
	echo "# $(($(ms) - resumed_ms)) ms after the order to run on"
	ok "libvirt's event is the reason" eventually is_set lv resumed "$from"
	ok "the residual through libvirt is confirmed inside the guest" eventually confirmed lv "$tmp/v/lv.clock"
fi

# ---- saved and restored by QMP: another QEMU, with the state of the first ----
"$ask" qmp "$tmp/a/qmp" stop >/dev/null
"$ask" qmp "$tmp/a/qmp" migrate "{\"uri\": \"exec:cat >$tmp/saved\"}" >/dev/null
saved() { "$ask" qmp "$tmp/a/qmp" query-migrate | grep -q '"completed"'; }
ok "a guest is saved by QMP" eventually saved
guest_stop "$tmp/a"
sleep 3
from=$(lines)
restored_ms=$(ms)
guest_arguments "$(guest_image)" "$tmp/a/console"
for name in qga:org.qemu.guest_agent.0 clock:kvmtime.clock; do
	guest_argv+=(-chardev "socket,id=${name%%:*},path=$tmp/a/${name%%:*},server=on,wait=off"
		-device "virtserialport,chardev=${name%%:*},name=${name#*:}")
done
"${guest_argv[@]}" -qmp "unix:$tmp/a/qmp,server=on,wait=off" -incoming "exec:cat $tmp/saved" \
	</dev/null >"$tmp/a/qemu.log" 2>&1 &
restored=$!
running() { "$ask" qmp "$tmp/a/qmp" query-status 2>/dev/null | grep -q '"running": true' || {
	"$ask" qmp "$tmp/a/qmp" cont >/dev/null 2>&1
	false
}; }
ok "it is restored" eventually running
ok "and right again" eventually right "$tmp/a/clock"
echo "# $(date +%T): $(($(ms) - restored_ms)) ms after the start of QEMU"
ok "it was behind by the time it was away" eventually is_set plain '[a-z]+' "$from"
ok "the residual after the restore is confirmed inside the guest" eventually confirmed plain "$tmp/a/clock"

# ---- libvirt: restarted in mid-run, then saved and restored ----
if [ -n "$with_libvirt" ]; then
	skip "the same through libvirt" "$with_libvirt"
	finish
fi
virsh -q -c "$libvirt_uri" suspend lv >&2
ok "libvirtd is restarted" libvirt_restart "$tmp/v"
ok "kvmtimed has said so" eventually grep -q 'libvirt is gone' "$tmp/log"
ok "and connected again" eventually metric_is kvmtime_libvirt_connected 1
sleep 2
virsh -q -c "$libvirt_uri" resume lv >&2
ok "after the restart a resumed guest is set" eventually right "$tmp/v/lv.clock"
from=$(lines)
virsh -q -c "$libvirt_uri" save lv "$tmp/v/saved" >&2
sleep 3
restored_ms=$(ms)
echo "# $(date +%T): restore"
virsh -q -c "$libvirt_uri" restore "$tmp/v/saved" >&2
echo "# $(date +%T): restored"
ok "saved and restored by libvirt, the guest is right again" eventually right "$tmp/v/lv.clock"
echo "# $(date +%T): $(($(ms) - restored_ms)) ms after the order to restore"
ok "it was behind by the time it was saved" eventually is_set lv '(restored|resumed|agent|found)' "$from"
ok "the residual after the restore by libvirt is confirmed inside the guest" eventually confirmed lv "$tmp/v/lv.clock"
ok "every guest is right in the end" eventually metric_is kvmtime_guests_bad 0
is "the domain is not tainted" "$(virsh -c "$libvirt_uri" dominfo lv | grep -c custom-ga)" 0
kill "$daemon"
wait "$daemon"
is "it ends when it is told to" $? 0
daemon=
sed 's/^/# /' "$tmp/log"
finish
