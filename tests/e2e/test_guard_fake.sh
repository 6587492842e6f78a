#!/usr/bin/env bash
# kvmtimed against fake guests at the end of real sockets: what hangs, what is killed, many at once,
# bad configurations, bad HTTP clients; and what it tells the journal, the manager and Prometheus.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
partners=$KVT_SOURCE/tests/partners
kvmtimed=$KVT_BUILD/kvmtimed
children=()
daemon=

child() { # COMMAND...: runs until the end; its first line of output is waited for
	local fifo=$tmp/ready.$RANDOM
	mkfifo "$fifo"
	"$@" >"$fifo" &
	children+=($!)
	exec {ready}<"$fifo" # kept open: what it prints later is read from there
	read -r _ <&"$ready"
	rm "$fifo"
}
end_children() {
	[ ${#children[@]} = 0 ] || kill "${children[@]}" 2>/dev/null
	children=()
}
guard() { # starts kvmtimed with $tmp/conf and waits until it listens; sets port
	: >"$tmp/log"
	"$kvmtimed" --config "$tmp/conf" --state "$tmp/state" 2>"$tmp/log" &
	daemon=$!
	eventually grep -q 'metrics on port' "$tmp/log"
	port=$(sed -n 's/.*metrics on port \([0-9]*\).*/\1/p' "$tmp/log")
}
end_guard() { # SIGNAL
	[ -n "$daemon" ] || return 0
	kill "-${1:-TERM}" "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
	status=$?
	daemon=
	return 0
}
trap 'end_guard KILL; end_children; rm -rf "$tmp"' EXIT
eventually() { # COMMAND...: true within 30 s
	local tries
	for ((tries = 0; tries < ${patience:-300}; tries++)); do
		"$@" && return 0
		sleep 0.1
	done
	echo "not within 30 s: $*" >&2
	return 1
}
logged() { grep -Eq -e "$1" "$tmp/log"; }
scrape() {
	/usr/bin/python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen("http://127.0.0.1:%s/metrics" % sys.argv[1], timeout=20).read().decode())' "$port"
}
metric() { scrape | grep -v '^#' | grep -F -e "$1" | sed 's/.* //' | head -n 1; } # its value
metric_is() { [ "$(metric "$1" 2>/dev/null)" = "$2" ]; }
orders() { grep -c '^set' "$tmp/$1.log"; }
base() { # what every configuration here begins with
	printf "[guard]\ninterval=0.5\ntimeout=0.5\nhold_off=2\n"
	printf '[find]\nlibvirt=none\nqemu=no\nproxmox=no\n[metrics]\nlisten=127.0.0.1:0\nfindings=no\n'
}
sockets() { # NAME...
	local name
	for name in "$@"; do
		printf '[socket %s]\nagent=%s\nqmp=%s\n' "$name" "$tmp/$name.qga" "$tmp/$name.qmp"
	done
}

# ---- one guest, and every word about it ----
child "$partners/datagrams.py" "$tmp/notify" "$tmp/journal" "$tmp/datagrams"
child "$partners/fake_guest.py" "$tmp" a:offset=-60 b:offset=60 h:hang f:offset=-60:fight=0.2
{ base && sockets a b h f; } >"$tmp/conf"
NOTIFY_SOCKET=$tmp/notify WATCHDOG_USEC=1000000 guard
ok "a guest that is behind is set" eventually logged '^kvmtimed: a: set: -60\.0 s ± .*, behind -> .* \(found, by agent socket\)$'
is "once" "$(orders a)" 1
ok "a guest that is ahead is left alone" eventually logged 'b: wrong, and left alone: \+60\.0 s'
is "really" "$(orders b)" 0
ok "a guest that fights back is given up" eventually logged 'f: wrong again and again: given up'
is "after three sets" "$(orders f)" 3
text=$(scrape)
like "the metrics tell before" "$text" '^kvmtime_guest_corrected_seconds\{vm="a",vm_id="socket:.*"\} -(59\.9|60\.)'
like "and the residual" "$text" '^kvmtime_guest_residual_seconds\{vm="a",.*\} -?0\.0[0-9]*$'
like "and its bound" "$text" '^kvmtime_guest_residual_bound_seconds\{vm="a",.*\} 0\.0[0-9]*$'
like "and who is given up" "$text" '^kvmtime_guest_given_up\{vm="f",.*\} 1$'
like "a hung guest has no offset" "$(echo "$text" | grep -c 'offset_seconds{vm="h"')" '^0$'
like "but a status" "$text" 'kvmtime_guest_info\{vm="h",.*status="hung"'
is "the RTC's backlog is cleared" "$(grep -c rtc-reset-reinjection "$tmp/a.log")" 1
is "no mark is left" "$(find "$tmp/state" -type f | wc -l)" 0
ok "the manager is told of readiness" eventually grep -q '^notify READY=1' "$tmp/datagrams"
ok "and the watchdog is fed" eventually grep -q '^notify WATCHDOG=1' "$tmp/datagrams"

# ---- HTTP ----
is "HEAD and GET alone are answered" "$("$partners/bad_http.py" "$port" post)" "HTTP/1.1 405 Method Not Allowed"
like "5 MB of a body are refused" "$("$partners/bad_http.py" "$port" huge)" '^(HTTP/1.1 4|closed)'
like "2 MB of a header are refused" "$("$partners/bad_http.py" "$port" header)" '^(HTTP/1.1 4|closed)'
ok "two hundred malformed requests are survived" "$partners/bad_http.py" "$port" malformed 200
child "$partners/bad_http.py" "$port" slow 40
ok "forty connections that dawdle are ended, and a scrape comes through" eventually metric_is kvmtime_guests_bad 2
kill "${children[-1]}"
ok "it still runs, in little memory" test "$(metric process_resident_memory_bytes)" -lt 100000000

# ---- configurations while it runs ----
printf '[guard]\nintervall=1\n' >"$tmp/conf"
kill -HUP "$daemon"
ok "a bad configuration is told with file, section and key" eventually logged 'conf: \[guard\] intervall: unknown key.*; the old configuration stays in force'
ok "and in the metrics" eventually metric_is kvmtime_config_reload_success 0
is "the guests stay guarded" "$(metric 'kvmtime_guests{status="ok"}')" 3
{ base && sockets a b && printf '[guest b]\npolicy=step\n'; } | sed '1apolicy=watch' >"$tmp/conf"
kill -HUP "$daemon"
ok "a good one is taken" eventually logged 'configuration read anew'
ok "guests that it does not name are let go" eventually metric_is 'kvmtime_guests{status="ok"}' 2
ok "a guest's own policy is followed" eventually logged 'b: set: \+60\.0 s'
sed -i 's/listen=.*/listen=none\nsocket='"${tmp//\//\\/}"'\/m.sock/' "$tmp/conf"
kill -HUP "$daemon"
over_socket() {
	/usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
print(s.makefile().read())' "$tmp/m.sock" 2>/dev/null | grep -q kvmtime_guests_bad
}
ok "metrics come over a UNIX socket" eventually over_socket
end_guard
is "SIGTERM ends it with exit status 0" "$status" 0
is "and its socket" "$(test -e "$tmp/m.sock" && echo there)" ""
end_children
printf '[guard]\nlimit=x\n' >"$tmp/conf"
"$kvmtimed" --config "$tmp/conf" --state "$tmp/state" 2>/dev/null
is "a bad configuration at the start is exit status 4" $? 4
"$kvmtimed" --check-config --config "$tmp/conf" 2>/dev/null
is "--check-config says so too" $? 4
"$kvmtimed" --no-such-option 2>/dev/null
is "an unknown option is exit status 2" $? 2
"$kvmtimed" --config "$tmp/none" --state "$tmp/state" 2>/dev/null
is "a configuration that is not there is exit status 3" $? 3

# ---- the journal's own protocol ----
child "$partners/datagrams.py" "$tmp/notify" "$tmp/journal" "$tmp/datagrams"
child "$partners/fake_guest.py" "$tmp" a:offset=-60
{ base && sockets a; } >"$tmp/conf"
KVMTIMED_JOURNAL=$tmp/journal "$kvmtimed" --config "$tmp/conf" --state "$tmp/state" 2>/dev/null &
daemon=$!
ok "the journal gets the fields" eventually grep -Eq \
	'^journal .*PRIORITY=5\|MESSAGE=a: set: .*\|KVMTIME_VM=a\|.*KVMTIME_BEFORE_NS=-(59|60)[0-9]{9}\|KVMTIME_AFTER_NS=-?[0-9]+\|KVMTIME_BOUND_NS=[0-9]+\|' "$tmp/datagrams"
end_guard
end_children

# ---- killed between set and verify ----
child "$partners/fake_guest.py" "$tmp" k:offset=-60:late-set=6
# what is carried out late sets a clock to what is then past: 6 s behind is within this limit
{ base && sockets k && printf '[guest k]\nlimit=10\n'; } >"$tmp/conf"
guard
ok "an order leaves" eventually grep -q '^set' "$tmp/k.log"
end_guard KILL
is "its mark is there" "$(find "$tmp/state" -type f | wc -l)" 1
guard
ok "after a restart the guest is known as wrong" eventually metric_is 'kvmtime_guest_bad{vm="k"' 1
ok "the order takes effect late, and is seen" eventually metric_is 'kvmtime_guest_bad{vm="k"' 0
is "it was not given twice" "$(orders k)" 1
is "the mark is gone" "$(find "$tmp/state" -type f | wc -l)" 0
end_guard
end_children

# ---- a healthy guest among agents that hang ----
many=()
for n in $(seq 20); do many+=("hung$n"); done
child "$partners/fake_guest.py" "$tmp" "${many[@]/%/:hang}" well:offset=-60
{ base && sockets "${many[@]}" well; } >"$tmp/conf"
guard
ok "among 20 hung agents a healthy guest is set" eventually logged 'well: set: -60'
ok "the hung are known" eventually metric_is 'kvmtime_guests{status="hung"}' 20
end_guard
end_children

# ---- 200 guests at once ----
mkdir "$tmp/fleet"
child "$KVT_BUILD/tests/partners/fake-fleet" "$tmp/fleet" 200
fleet=${children[-1]}
# a busy machine sets two hundred clocks with residuals above the usual limit, and then twice
{ base && for n in $(seq 0 199); do sockets "fleet/$n"; done; } | sed '1alimit=1' >"$tmp/conf"
guard
ok "200 guests answer" eventually metric_is 'kvmtime_guests{status="ok"}' 200
kill -USR1 "$fleet"
ok "paused, all are known to be" eventually metric_is 'kvmtime_guests{status="paused"}' 200
sleep 4
kill -USR2 "$fleet"
ok "resumed at once, all are set" eventually metric_is kvmtime_corrections_total 200
kill -HUP "$fleet"
read -r line <&"$ready"
like "each once, and none is behind" "$line" '^sets 1 1, behind 0\.[0-9]* s$'
ok "none is wrong in the end" eventually metric_is kvmtime_guests_bad 0
end_guard

# ---- an ordinary user ----
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$tmp" && chmod -R a+rwX "$tmp/fleet"
	mkdir "$tmp/mine" && chown 65534 "$tmp/mine"
	: >"$tmp/log"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$kvmtimed" --config "$tmp/conf" --state "$tmp/mine/state" 2>"$tmp/log" &
	daemon=$!
	eventually logged 'metrics on port'
	port=$(sed -n 's/.*metrics on port \([0-9]*\).*/\1/p' "$tmp/log")
	ok "an ordinary user may run it" eventually metric_is 'kvmtime_guests{status="ok"}' 200
	end_guard
else
	skip "an ordinary user may run it" "not root, or no setpriv"
fi
finish
