#!/usr/bin/env bash
# watch and sync against fake guests: every way in which an agent fails, at the end of a real socket.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
fake=$KVT_SOURCE/tests/partners/fake_guest.py
fakes=()

guests() { # NAME[:KEY=VALUE]...: $tmp/NAME.qga and .qmp
	local fifo=$tmp/ready.$RANDOM
	mkfifo "$fifo"
	"$fake" "$tmp" "$@" >"$fifo" &
	fakes+=($!)
	read -r _ <"$fifo"
	rm "$fifo"
}
end_fakes() {
	[ ${#fakes[@]} = 0 ] || kill "${fakes[@]}" 2>/dev/null
	fakes=()
}
trap 'end_fakes; rm -rf "$tmp"' EXIT

field() { # a jq-like path into the JSON on stdin: field guests.0.outcome
	/usr/bin/python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)' "$1"
}
watch() { # NAME OPTION...: one round over its agent socket
	local name=$1
	shift
	"$kvmtime" watch --agent "$tmp/$name.qga" --count 1 --json --timeout 0.4 "$@" 2>/dev/null
}
sync_() { # NAME OPTION...
	local name=$1
	shift
	"$kvmtime" sync --agent "$tmp/$name.qga" --json --timeout 0.5 --settle 0 --corrections 0 "$@" 2>/dev/null
}
near() { # TEXT, WANTED s, TOLERANCE s: an offset in ns
	/usr/bin/python3 -c 'import sys; sys.exit(abs(int(sys.argv[1]) / 1e9 - float(sys.argv[2])) > float(sys.argv[3]))' "$@"
}
valid() { # SCHEMA DOCUMENT
	printf '%s' "$2" | "$KVT_SOURCE/tests/e2e/validate.py" "$1"
}
orders() { grep -c '^set' "$tmp/$1.log"; }

# ---- watch ----
guests ahead:offset=5 behind:offset=-7200 windows:offset=-3:step=15625000 drift:rate=100000 hang: \
	hung:hang slow:delay=30 text:garbage=hello 'big:garbage={"return": 9223372036854775808}' \
	'wrap:garbage={"return": 18446744073709551617}' 'minus:garbage={"return": -1}' \
	no:refuse cold:frozen still:paused:hang old:stale=3:offset=1 late:delay=0.05:offset=2
ok "a guest ahead is seen with its sign" near "$(watch ahead | field offset.offset_ns)" 5 0.2
ok "a guest behind is seen with its sign" near "$(watch behind | field offset.offset_ns)" -7200 0.2
ok "a coarse clock is seen" near "$(watch windows --exchanges 16 | field offset.offset_ns)" -3 0.2
ok "a clock that moves every 15.6 ms has a bound of half of that" [ "$(watch windows | field offset.bound_ns)" -ge 7812500 ]
ok "a late answer has a wide bound" near "$(watch late --exchanges 2 | field offset.bound_ns)" 0.026 0.02
ok "old answers in the channel are passed over" near "$(watch old | field offset.offset_ns)" 1 0.2
is "an agent that hangs is hung" "$(watch hung | field status)" hung
is "an answer after 30 s is hung" "$(watch slow | field status)" hung
is "a text is garbage" "$(watch text | field status)" garbage
is "a number beyond 2^63 is garbage" "$(watch big | field status)" garbage
is "a number beyond 2^64 does not wrap" "$(watch wrap | field status)" garbage
is "a negative time is garbage" "$(watch minus | field status)" garbage
is "a refusal is told" "$(watch no | field status)" refused
is "a frozen agent is told" "$(watch cold | field status)" frozen
is "a paused machine is told by its monitor" "$(watch still --qmp "$tmp/still.qmp" | field status)" paused
is "a hung agent of a running machine stays hung" "$(watch hung --qmp "$tmp/hung.qmp" | field status)" hung
is "no socket is gone" "$(watch none | field status)" gone
is "unknown is not an offset" "$(watch hung | field offset)" None
watch ahead --limit 1 >/dev/null
is "an offset beyond the limit is exit status 1" $? 1
watch ahead --limit 9 >/dev/null
is "an offset within the limit is exit status 0" $? 0
watch hung >/dev/null
is "an unknown offset is exit status 3" $? 3
like "the text says behind" "$("$kvmtime" watch --agent "$tmp/behind.qga" --count 1)" '-2 h 0 min .*, behind'
ok "watch's JSON keeps to its schema" valid kvmtime.watch.1 "$(watch ahead)"
ok "an unknown guest's JSON too" valid kvmtime.watch.1 "$(watch hung)"

# between two rounds: what the vCPUs waited for, and a clock that was set
watch ahead --qmp "$tmp/ahead.qmp" --count 2 --interval 3 >"$tmp/rounds" &
for _ in $(seq 100); do [ ! -s "$tmp/rounds" ] || break; sleep 0.1; done
"$KVT_SOURCE/tests/partners/ask.py" agent "$tmp/ahead.qga" guest-set-time "{\"time\":$(date +%s)000000000}" >/dev/null
wait $!
is "the first round has nothing to compare with" "$(head -n 1 "$tmp/rounds" | grep -c '"change"')" 0
tail -n 1 "$tmp/rounds" >"$tmp/second"
ok "a clock that was set between two rounds is told" near "$(field change.moved_ns <"$tmp/second")" -5 1.5
like "with the share of time that its vCPUs waited" "$(field steal <"$tmp/second")" '^(0|1)(\.[0-9]|$)'
ok "that JSON keeps to its schema" valid kvmtime.watch.1 "$(cat "$tmp/second")"

# a client that holds the socket
/usr/bin/python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print("held", flush=True); time.sleep(600)' \
	"$tmp/ahead.qga" >"$tmp/held" &
fakes+=($!)
# it is connected a moment later, and accepted another moment after that
for _ in $(seq 100); do
	status=$(watch ahead | field status)
	[ "$status" != busy ] || break
	sleep 0.1
done
is "a socket that serves somebody is busy" "$status" busy
end_fakes

# ---- sync ----
guests a:offset=-60 b:offset=60 c:offset=-60:no-hwclock d:offset=-60:no-set e:offset=-60:dies \
	f:offset=-60:fight=0.2 g:offset=-60:hang-set h:offset=-60:hang-set=no i:offset=-0.0001 \
	j:offset=-60:step=100 k:hang l:offset=-60:frozen m:offset=-60:chrony=good \
	n:offset=-60:chrony=lost o:offset=-60:chrony=slews p:offset=60:chrony=slews q:offset=-60:dies=after r:offset=-60:chrony=lost
is "without --apply nothing is set" "$(sync_ a | field guests.0.outcome) $(orders a)" "would-set 0"
out=$(sync_ a --qmp "$tmp/a.qmp" --apply)
is "a guest behind is set once" "$(echo "$out" | field guests.0.outcome) $(orders a)" "set 1"
ok "the residual is small" near "$(echo "$out" | field guests.0.after.offset_ns)" 0 0.05
is "the RTC's backlog is cleared" "$(grep -c rtc-reset-reinjection "$tmp/a.log")" 1
ok "sync's JSON keeps to its schema" valid kvmtime.sync.1 "$out"
is "a guest ahead is left alone" "$(sync_ b --apply | field guests.0.outcome) $(orders b)" "left-alone 0"
is "a guest ahead is set by --policy step" \
	"$(sync_ b --apply --policy step | field guests.0.outcome) $(orders b)" "set 1"
is "an error without hwclock counts as what it did" "$(sync_ c --apply | field guests.0.outcome) $(orders c)" "set 1"
is "a refusal is not set" "$(sync_ d --apply | field guests.0.outcome) $(orders d)" "not-set 0"
is "death after the order is unconfirmed" "$(sync_ e --apply | field guests.0.outcome) $(orders e)" "unconfirmed 1"
is "death between order and reading back is unconfirmed" "$(sync_ q --apply | field guests.0.outcome) $(orders q)" "unconfirmed 1"
is "what fights back is seen" "$(sync_ f --apply --settle 0.7 | field guests.0.outcome) $(orders f)" "fought 1"
is "an order that hangs is unconfirmed" "$(sync_ g --apply | field guests.0.outcome) $(orders g)" "unconfirmed 1"
is "an order that hangs is not repeated" "$(sync_ h --apply | field guests.0.outcome) $(orders h)" "unconfirmed 1"
is "a clock in order is left alone" "$(sync_ i --apply | field guests.0.outcome) $(orders i)" "in-order 0"
is "an agent like Windows' is set" "$(sync_ j --apply | field guests.0.outcome) $(orders j)" "set 1"
is "a hung agent is unknown" "$(sync_ k --apply | field guests.0.outcome)" unknown
is "a frozen agent is left alone" "$(sync_ l --apply | field guests.0.outcome) $(orders l)" "unknown 0"
out=$(sync_ m --exec --apply)
is "a guest whose own chrony is right by its servers is left alone" "$(echo "$out" | field guests.0.outcome) $(orders m)" "left-alone 0"
like "and the host is named" "$(echo "$out" | field guests.0.why)" "the host's clock that differs"
ok "its JSON keeps to its schema" valid kvmtime.sync.1 "$out"
is "without --exec no program is run in it" "$(sync_ m >/dev/null; grep -c burst "$tmp/m.log")" 1
is "a guest whose chrony has no servers is set" "$(sync_ n --exec --apply | field guests.0.outcome) $(orders n)" "set 1"
is "--policy slew sets nothing, and would tell chrony" \
	"$(sync_ o --policy slew --exec | field guests.0.outcome) $(orders o) $(grep -c burst "$tmp/o.log")" "would-slew 0 0"
out=$(sync_ o --policy slew --exec --apply)
is "--policy slew --apply tells chrony, which slews" "$(echo "$out" | field guests.0.outcome) $(orders o)" "slewing 0"
ok "the rate of it is measured" near "$(echo "$out" | field guests.0.slew_ppm | sed 's/\..*/000000/')" 83.3 30
ok "its JSON keeps to its schema too" valid kvmtime.sync.1 "$out"
is "slewing works back too" "$(sync_ p --policy slew --exec --apply | field guests.0.outcome) $(orders p)" "slewing 0"
is "no chrony in the guest is left alone by slew" "$(sync_ d --policy slew --exec --apply | field guests.0.outcome)" left-alone
is "a chrony without servers is left alone by slew" \
	"$(sync_ r --policy slew --exec --apply | field guests.0.outcome) $(orders r)" "left-alone 0"
"$kvmtime" sync --agent "$tmp/o.qga" --policy slew >/dev/null 2>&1
is "slew without --exec is exit status 2" $? 2
sync_ d --apply >/dev/null
is "what was not set is exit status 3" $? 3
like "sync says that nothing takes it back" "$("$kvmtime" sync --agent "$tmp/a.qga" --limit 0 --apply --settle 0 --policy step 2>&1
	"$kvmtime" sync --help)" 'read|undo'
end_fakes

# ---- Proxmox: a tree of its files, its sockets served ----
pve=$tmp/pve
mkdir -p "$pve"/{etc/pve/qemu-server,run/qemu-server,proc}
printf 'name: web1\nostype: l26\nagent: 1\nlocaltime: 1\n[before]\nname: old\n' >"$pve/etc/pve/qemu-server/100.conf"
printf 'name: web1\nostype: l26\n' >"$pve/etc/pve/qemu-server/101.conf"
printf 'name: off\n' >"$pve/etc/pve/qemu-server/102.conf"
guest_tmp=$tmp
tmp=$pve/run/qemu-server guests 100:offset=-7200 101:offset=3
tmp=$guest_tmp
rm "$pve/run/qemu-server/101.qga"
pve() { "$kvmtime" "$@" --root "$pve" --timeout 1 2>/dev/null; }
is "Proxmox's running machines are found" "$(pve watch --all --count 1 --json | grep -c '"manager":"proxmox"')" 2
ok "a machine is asked by its VMID" near "$(pve watch --vm 100 --count 1 --json | field offset.offset_ns)" -7200 0.2
is "one without an agent socket has none" "$(pve watch --vm 101 --count 1 --json | field status)" no-agent
like "and the step to get one is printed" "$(pve watch --vm 101 --count 1)" 'qm set 101 --agent enabled=1'
pve watch --vm web1 --count 1 >/dev/null
is "a name that two have is exit status 4" $? 4
pve watch --vm off --count 1 >/dev/null
is "a machine that does not run is exit status 4" $? 4
is "it is set" "$(pve sync --vm 100 --apply --json --settle 0 | field guests.0.outcome)" set
like "check reads its definition" "$(pve check --vm 100 --facts)" 'vm +clock.offset +localtime'
end_fakes

# ---- answers without end: memory is bounded ----
guests flood:flood lines:flood=lines
most_kib() { # KiB, COMMAND...: the most memory that the command held
	/usr/bin/python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(most, "KiB"); sys.exit(most > int(sys.argv[1]))' "$@"
}
is "an answer without end is garbage" "$(watch flood --timeout 4 | field status)" garbage
is "answers without end are garbage" "$(watch lines --timeout 4 | field status)" garbage
if grep -q __asan_init "$kvmtime"; then
	skip "the memory for answers without end is bounded" "the address sanitizer takes memory of its own"
else
	# shellcheck disable=SC2046
	ok "the memory for answers without end is bounded" most_kib 65536 "$kvmtime" watch \
		$(for _ in $(seq 20); do printf -- '--agent %s ' "$tmp/flood.qga" "$tmp/lines.qga"; done) \
		--count 3 --interval 0.2 --timeout 1 --json
fi
end_fakes

# ---- a fleet: twenty that hang, one that is well ----
many=()
agents=()
for n in $(seq 20); do
	many+=("hung$n:hang")
	agents+=(--agent "$tmp/hung$n.qga")
done
guests "${many[@]}" well:offset=1
"$kvmtime" watch "${agents[@]}" --agent "$tmp/well.qga" --count 9 --interval 0.5 --timeout 1 --json \
	>"$tmp/fleet" 2>/dev/null
took=$(/usr/bin/python3 -c '
import json, statistics, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
well = [l for l in lines if l["target"].endswith("well.qga") and l["status"] == "ok"]
print(len(well), len(lines) >= 150, statistics.median(l["took_us"] for l in well) < 200000)' "$tmp/fleet")
is "with 20 hung agents a healthy guest answers within 0.2 s (median) in each round" "$took" "9 True True"
end_fakes
ok "a recording is drawn, or gnuplot is named" sh -c \
	"'$kvmtime' watch --plot '$tmp/fleet' --output '$tmp/x.svg' && grep -q svg '$tmp/x.svg' || ! command -v gnuplot"
"$kvmtime" watch --vm nobody-has-this-name >/dev/null 2>&1
is "no such guest is exit status 4" $? 4
"$kvmtime" watch >/dev/null 2>&1
is "no guest named is exit status 2" $? 2
finish
