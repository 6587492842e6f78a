#!/usr/bin/env bash
# sync and a guest's own chrony, in a booted Linux guest: it fights back, it knows better, it slews.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
why=$(guest_missing)
[ -n "$why" ] || [ -x "$KVT_PARTNERS/usr/sbin/chronyd" ] || why="no chrony in build/partners"
[ -z "$why" ] || skip_all "$why"
"$KVT_SOURCE/tests/partners/ntp_server.py" "$tmp/port" "$tmp/ahead" &
server=$!
trap 'kill $server; guest_stop "$tmp/a"; rm -rf "$tmp"' EXIT
echo 15 >"$tmp/ahead" # the guest's NTP server disagrees with the host by this

field() {
	/usr/bin/python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)' "$1"
}
a() { "$kvmtime" "$1" --agent "$tmp/a/qga" --qmp "$tmp/a/qmp" --json "${@:2}"; }
await() { # LEAST s, MOST s: the guest's offset comes to be between them
	local tries ns
	for ((tries = 0; tries < 300; tries++)); do
		ns=$(a watch --count 1 | field offset.offset_ns)
		[ "$ns" != None ] && [ "$ns" -ge "${1}000000000" ] && [ "$ns" -le "${2}000000000" ] && return 0
		sleep 0.2
	done
	echo "the offset is $ns ns"
	return 1
}

guest_qemu=(-netdev "user,id=net" -device "virtio-net-pci,netdev=net")
ok "a guest starts" guest_start "$tmp/a"
guest_sh "$tmp/a" "printf 'server 10.0.2.2 port $(cat "$tmp/port") iburst minpoll 0 maxpoll 0
makestep 0.1 -1\nuser root\n' >/tmp/chrony.conf; chronyd -f /tmp/chrony.conf"
ok "its chrony sets it by its own server" await 14 16
out=$(a sync --policy step --apply --settle 10)
is "what its chrony sets again after the order is told" "$(echo "$out" | field guests.0.outcome)" fought
ok "chrony has set it" await 14 16
out=$(a sync --policy step --exec --apply)
is "asked, its chrony is right by its server: it is left alone" \
	"$(echo "$out" | field guests.0.outcome) $(echo "$out" | field guests.0.orders)" "left-alone 0"
is "its servers have answered just now" "$(echo "$out" | field guests.0.guest_daemon.fresh)" True
guest_sh "$tmp/a" "chronyc makestep 1 0" # no more steps
echo 0 >"$tmp/ahead"
for _ in $(seq 30); do # it wants some answers before it believes a server that has jumped
	out=$(a sync --policy slew --exec --apply --settle 2)
	[ "$(echo "$out" | field guests.0.outcome)" != left-alone ] && break
	sleep 1
done
is "told to, its chrony slews" "$(echo "$out" | field guests.0.outcome) $(echo "$out" | field guests.0.orders)" "slewing 0"
like "by what chrony may at most, as measured" "$(echo "$out" | field guests.0.slew_ppm)" '^(8[0-9]{4}|[1-7][0-9]{4})'
ok "the offset shrinks" await 0 13
finish
