#!/usr/bin/env bash
# watch, sync and check with a booted Linux guest as the judge: over a plain QEMU's sockets and
# through libvirt; paused, saved and restored. Its clock is also read by a program of its own, without the agent.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
. "${KVT_SOURCE:?}/tests/partners/libvirt.sh"
ask=$KVT_SOURCE/tests/partners/ask.py
pause_s=20
why=$(guest_missing)
[ -z "$why" ] || skip_all "$why"
trap 'guest_stop "$tmp/a"; guest_stop "$tmp/b"; libvirt_stop "$tmp/v"; rm -rf "$tmp"' EXIT

field() {
	/usr/bin/python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)' "$1"
}
a() { "$kvmtime" "$1" --agent "$tmp/a/qga" --qmp "$tmp/a/qmp" --json --exchanges 32 "${@:2}"; }
b() { "$kvmtime" "$1" --agent "$tmp/b/qga" --qmp "$tmp/b/qmp" --json "${@:2}"; }
v() { "$kvmtime" "$1" --vm "$2" --connect "$libvirt_uri" --json --exchanges 32 "${@:3}"; }
below() { [ "$1" -le "$2" ] || { echo "$1 is more than $2"; return 1; }; }
near() { # NS, WANTED s, TOLERANCE s
	/usr/bin/python3 -c 'import sys; d = int(sys.argv[1]) / 1e9 - float(sys.argv[2])
print(d); sys.exit(abs(d) > float(sys.argv[3]))' "$@"
}
# two readings of one clock agree if they are no further apart than their bounds together, and what
# the clock drifted from one to the other (500 ppm, 2 s)
agree() { # OFFSET BOUND, OFFSET BOUND
	/usr/bin/python3 -c 'import sys
a, b, c, d = map(int, sys.argv[1:]); print(a, b, c, d); sys.exit(abs(a - c) > b + d + 1e6)' "$@"
}
confirmed() { # sync's JSON, clock socket: the residual is what the guest itself says
	# shellcheck disable=SC2046
	agree "$(echo "$1" | field guests.0.after.offset_ns)" "$(echo "$1" | field guests.0.after.bound_ns)" \
		$("$ask" clock "$2")
}

held() { # sync's JSON, clock socket: the guest is as near to the host as sync states
	local offset bound
	read -r offset bound < <("$ask" clock "$2")
	/usr/bin/python3 -c 'import sys
within, offset, bound = map(int, sys.argv[1:]); print(within, offset, bound)
sys.exit(abs(offset) > within + bound + 5e5)' "$(echo "$1" | field guests.0.within_ns)" "$offset" "$bound"
}

# ---- both guests are started, and stand still together ----
with_libvirt=$(libvirt_missing)
if grep -q __asan_init "$kvmtime"; then
	with_libvirt="the address sanitizer takes libtirpc's functions before libvirt brings that library"
fi
# an RTC that follows the guest's time lags as much as its clock: the trap of domtime --sync
guest_qemu=(-name "plain-$$" -rtc "base=utc,clock=vm")
ok "a guest starts" guest_start "$tmp/a"
if [ -z "$with_libvirt" ]; then
	libvirt_start "$tmp/v" || with_libvirt="libvirtd did not start"
	guest_clock_xml="<clock offset='utc'><timer name='rtc' track='guest'/></clock>" \
		guest_xml lv "$tmp/v/lv.log" >"$tmp/v/lv.xml"
	virsh -q -c "$libvirt_uri" define "$tmp/v/lv.xml" >&2 &&
		virsh -q -c "$libvirt_uri" start lv >&2 || with_libvirt="the guest did not start"
fi
out=$(a watch --count 1)
ok "watch's bound over an agent socket is at most 2 ms" below "$(echo "$out" | field offset.bound_ns)" 2000000
# shellcheck disable=SC2046
ok "watch agrees with the guest's own reading" agree "$(echo "$out" | field offset.offset_ns)" \
	"$(echo "$out" | field offset.bound_ns)" $("$ask" clock "$tmp/a/clock")
like "a plain QEMU's guest is found by its name" "$("$kvmtime" watch --vm "plain-$$" --count 1 --json)" '"status":"ok"'
like "watch tells what its vCPU waited for the host's CPUs" \
	"$(a watch --count 2 --interval 0.5 | tail -n 1 | field steal)" '^[01](\.[0-9]|$)'
before_a=$(echo "$out" | field offset.offset_ns)
if [ -z "$with_libvirt" ]; then
	for _ in $(seq 150); do
		out=$(v watch lv --count 1) && break
		[ "$(echo "$out" | field status)" = ok ] && break
		sleep 0.2
	done
	ok "watch's bound through libvirt is at most 5 ms" below "$(echo "$out" | field offset.bound_ns)" 5000000
	like "and through libvirt" "$(v watch lv --count 2 --interval 0.5 | tail -n 1 | field steal)" '^[01](\.[0-9]|$)'
	before_v=$(echo "$out" | field offset.offset_ns)
	virsh -q -c "$libvirt_uri" suspend lv >&2
	paused_v_ns=$(date +%s%N)
fi
"$ask" qmp "$tmp/a/qmp" stop >/dev/null
paused_a_ns=$(date +%s%N)
resume_at=$((paused_a_ns + pause_s * 1000000000))
is "a paused machine is paused, not hung" "$(a watch --count 1 | field status)" paused
[ -n "$with_libvirt" ] || is "through libvirt too" "$(v watch lv --count 1 | field status)" paused

# ---- meanwhile: agents that refuse ----
guest_qemu=()
guest_append=(kvt.hwclock=no)
guest_qemu=(-rtc base=2020-01-01T00:00:00)
ok "a guest without hwclock starts" guest_start "$tmp/b"
guest_qemu=()
b sync --apply --settle 0 >"$tmp/out"
like "without hwclock the order is judged by reading back" "$(field guests.0.outcome <"$tmp/out")" '^(set|not-set)$'
guest_stop "$tmp/b"
guest_append=("kvt.agent_args=-b,guest-set-time,-b,guest-get-time")
ok "a guest whose agent blocks commands starts" guest_start "$tmp/b"
is "a blocked guest-get-time is refused" "$(b watch --count 1 | field status)" refused
guest_stop "$tmp/b"
guest_append=(kvt.agent=no)
ok "a guest without an agent starts" guest_start "$tmp/b"
is "without an agent the offset is unknown" "$(b watch --count 1 --timeout 1 | field offset)" None
guest_stop "$tmp/b"
guest_append=()

# ---- the pause ends ----
until [ "$(date +%s%N)" -ge "$resume_at" ]; do sleep 0.1; done
"$ask" qmp "$tmp/a/qmp" cont >/dev/null
resumed_a_ns=$(date +%s%N)
# a busy machine makes the pause longer than was asked for: it is measured
ok "after the pause the guest is behind by it" near \
	"$(($(a watch --count 1 | field offset.offset_ns) - before_a + resumed_a_ns - paused_a_ns))" 0 2
out=$(a sync --apply)
is "sync sets it" "$(echo "$out" | field guests.0.outcome)" set
ok "the residual is at most 20 ms" near "$(echo "$out" | field guests.0.after.offset_ns)" 0 0.02
ok "the residual is confirmed inside the guest" confirmed "$out" "$tmp/a/clock"
ok "the guest is within the stated bound of the host, as it says itself" held "$out" "$tmp/a/clock"
is "the RTC's backlog is cleared" "$(echo "$out" | field guests.0.rtc_backlog_cleared)" True

# ---- saved to a file and started again, by QMP alone ----
ok "the guest's state is saved" guest_save "$tmp/a"
is "a guest that has ended is gone" "$(a watch --count 1 | field status)" gone
sleep 2
ok "and restored" guest_restore "$tmp/a"
out=$(a watch --count 1)
ok "restored, the guest is behind" [ "$(echo "$out" | field offset.offset_ns)" -lt -1500000000 ]
out=$(a sync --apply)
is "after save and restore by QMP the clock is set" "$(echo "$out" | field guests.0.outcome)" set
ok "its residual is confirmed inside the guest" confirmed "$out" "$tmp/a/clock"
ok "the restored guest is within the stated bound of the host" held "$out" "$tmp/a/clock"
guest_stop "$tmp/a"

if [ -n "$with_libvirt" ]; then
	skip "the same through libvirt" "$with_libvirt"
	finish
fi
virsh -q -c "$libvirt_uri" resume lv >&2
resumed_v_ns=$(date +%s%N)
ok "after the pause libvirt's guest is behind by it" near \
	"$(($(v watch lv --count 1 | field offset.offset_ns) - before_v + resumed_v_ns - paused_v_ns))" 0 4
"$kvmtime" check --vm lv --connect "$libvirt_uri" --json >"$tmp/checked"
like "check finds through libvirt that the clock is behind" "$(cat "$tmp/checked")" '"KVT-0601"'
like "and what the definition has to do with it" "$(cat "$tmp/checked")" '"KVT-0514"'
out=$(v sync lv --apply)
is "sync sets it, though its RTC lags too" "$(echo "$out" | field guests.0.outcome)" set
ok "the residual through libvirt is at most 20 ms" near "$(echo "$out" | field guests.0.after.offset_ns)" 0 0.02
ok "the residual through libvirt is confirmed inside the guest" confirmed "$out" "$tmp/v/lv.clock"
ok "libvirt's guest is within the stated bound of the host, as it says itself" held "$out" "$tmp/v/lv.clock"
virsh -q -c "$libvirt_uri" managedsave lv >&2
sleep 2
virsh -q -c "$libvirt_uri" start lv >&2
for _ in $(seq 50); do # libvirt connects to the restored guest's agent a moment later
	out=$(v sync lv --apply)
	[ "$(echo "$out" | field guests.0.outcome)" != unknown ] && break
	sleep 0.2
done
is "after a managed save and its restore the clock is set" "$(echo "$out" | field guests.0.outcome)" set
ok "the residual after a managed save is confirmed inside the guest" confirmed "$out" "$tmp/v/lv.clock"
ok "the restored guest is within the stated bound of the host, as it says itself" held "$out" "$tmp/v/lv.clock"
is "the domain is not tainted" "$(virsh -c "$libvirt_uri" dominfo lv | grep -c custom-ga)" 0
like "with --taint check reads the guest's files through libvirt" \
	"$("$kvmtime" check --vm lv --connect "$libvirt_uri" --taint --facts)" 'guest +clocksource.current +[a-z]'
finish
