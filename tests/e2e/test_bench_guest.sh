#!/usr/bin/env bash
# kvmtime bench inside an emulated Linux guest that offers hpet and acpi_pm: both are slow, and
# the vDSO cannot answer them.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
why=$(guest_missing)
[ -z "$why" ] || skip_all "$why"
ldd "$kvmtime" | grep -q libasan && skip_all "an instrumented program does not go into the guest"

# shellcheck disable=SC2016
guest_run 250 '
# the kernel itself goes from tsc-early to tsc once it has refined the rate
i=0
while grep -q early /sys/devices/system/clocksource/clocksource0/current_clocksource && [ $i -lt 100 ]; do
	sleep 0.2
	i=$((i + 1))
done
cat /sys/devices/system/clocksource/clocksource0/current_clocksource
kvmtime bench --switch --csv
echo "reads $?"
kvmtime bench --switch --stability 3 --csv
echo "stability $?"
kvmtime bench --switch --sources acpi_pmtsc 2>&1
echo "refused $?"
cat /sys/devices/system/clocksource/clocksource0/current_clocksource
' "$kvmtime" >"$tmp/out" 2>"$tmp/err"
status=$?
if [ "$status" = 250 ]; then
	tail -n 5 "$tmp/err" | sed 's/^/# /'
	skip_all "the guest did not come to its end on this machine"
fi

column() { # source, clock, column
	awk -F, -v s="$1" -v c="$2" -v n="$3" '$1 == s && $2 == c { print $n; exit }' "$tmp/out"
}

like "the reads are measured in the guest" "$(cat "$tmp/out")" '^reads 0$'
for source in hpet acpi_pm; do
	if [ -z "$(column $source MONOTONIC 1)" ]; then
		skip "$source is measured" "the guest's kernel does not offer it"
		continue
	fi
	is "$source is answered by a system call" "$(column $source MONOTONIC 3)" "system call"
	is "the coarse clock is answered by the vDSO under $source" \
		"$(column $source MONOTONIC_COARSE 3)" vDSO
	ok "a read of $source costs more than the counter alone" awk -v a="$(column $source MONOTONIC 5)" \
		-v b="$(column $source 'ordered TSC alone' 5)" 'BEGIN { exit !(a > 2 * b) }'
	like "$source is an independent witness" "$(cat "$tmp/out")" "^$source,1,"
done
like "the TSC is none for itself" "$(cat "$tmp/out")" '^tsc,0,'
like "a name that the kernel does not offer is refused" "$(cat "$tmp/out")" '^refused 3$'
is "the guest's clock source is what it was" "$(head -n 1 "$tmp/out")" "$(tail -n 1 "$tmp/out")"
finish
