#!/usr/bin/env bash
# In an emulated Linux guest: the clock source is found, switched, read back, and switched back.
# shellcheck source-path=SCRIPTDIR
. "${KVT_SOURCE:?}/tests/e2e/tap.sh" || exit 1
. "${KVT_SOURCE:?}/tests/partners/guest.sh"

why=$(guest_missing)
[ -z "$why" ] || skip_all "$why"

# A rule of the test's own: shipped ones speak of KVM's guests, and this CPU is emulated.
cat >"$tmp/10-test.rules" <<'EOF'
[KVT-9001]
title    = The guest reads time from {clocksource.current}
scope    = machine
machine.clocksource.current = hpet
severity = high
why      = a test
who      = guest
fix      = use-clocksource acpi_pm
source   = this test
checked  = 2026-11-20

[KVT-9002]
title    = A source that is not there
scope    = machine
machine.clocksource.current = hpet
severity = high
why      = a test
who      = guest
fix      = use-clocksource no-such-source
source   = this test
checked  = 2026-11-20
EOF
cat >"$tmp/inside" <<'EOF'
current=/sys/devices/system/clocksource/clocksource0/current_clocksource
export KVT_DATA=/data HOME=/ TERM=dumb
echo "available $(cat ${current%/*}/available_clocksource)"
echo hpet >$current
echo "before $(cat $current)"
kvmtime fix KVT-9002 --apply | sed 's/^/absent: /'
echo "after-absent $(cat $current)"
kvmtime fix KVT-9001 | sed 's/^/plan: /'
echo "after-plan $(cat $current)"
kvmtime fix KVT-9001 --apply >/dev/null; echo "status $?"
echo "after-fix $(cat $current)"
kvmtime fix KVT-9001 | sed 's/^/again: /'
kvmtime undo >/dev/null; echo "undo $?"
echo "after-undo $(cat $current)"
echo no-such-source >$current; echo "kernel-status $?"
EOF
guest_append=(hpet=force)
answer=$(guest_run 240 'sh /data/inside' "$tmp/inside:data/inside" \
	"$tmp/10-test.rules:data/rules/10-test.rules" \
	"$KVT_SOURCE/data/messages/10-kernel-clock.messages:data/messages/10-kernel-clock.messages" \
	"$kvmtime:bin/kvmtime")
line() { printf '%s\n' "$answer" | tr -d '\r' | sed -n "s/^$1 //p" | head -1; }
case " $(line available) " in
*" hpet "*) ;;
*) skip_all "the guest has no hpet: $(line available)" ;;
esac
is "the guest is on hpet" "$(line before)" hpet
like "a source that is not available is refused" "$answer" '^absent: .*no-such-source is not available'
is "and nothing is switched" "$(line after-absent)" hpet
like "the plan shows the switch" "$answer" '^plan: switch .*: hpet -> acpi_pm'
is "and makes none" "$(line after-plan)" hpet
is "fix ends well" "$(line status)" 0
is "the clock source is another one, read back by the test" "$(line after-fix)" acpi_pm
like "the finding is gone" "$answer" '^again: .*Nothing to do'
is "undo ends well" "$(line undo)" 0
is "the old source is back" "$(line after-undo)" hpet
finish
