#!/usr/bin/env bash
# kvmtime bench --switch on this machine: both sources are measured, and a SIGKILL of the tool in
# a switched round leaves the original source. Needs root, two sources, and no running VM.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

folder=/sys/devices/system/clocksource/clocksource0
current() { cat $folder/current_clocksource; }
[ "$(id -u)" = 0 ] || skip_all "switching the clock source takes root"
[ -w $folder/current_clocksource ] || skip_all "the clock source cannot be switched here"

# tests that switch the clock source take turns
exec 9>/tmp/clocksource.lock
flock -w 240 9 || skip_all "another program switches the clock source"
original=$(current)
other=$(tr ' ' '\n' <$folder/available_clocksource | grep -vx "$original" | grep . | head -n 1)
[ -n "$other" ] || skip_all "the kernel offers one clock source only"

"$kvmtime" bench --switch --csv >"$tmp/reads.csv" 2>"$tmp/err" 9>&-
status=$?
grep -q 'VMs run here' "$tmp/err" && skip_all "$(cut -c 1-150 "$tmp/err")"
is "reads under every source" $status 0
like "with a row for the current one" "$(cat "$tmp/reads.csv")" "^$original,MONOTONIC,"
like "and for the other, against it with an interval" "$(cat "$tmp/reads.csv")" \
	"^($original|$other),MONOTONIC,.*,-?[0-9.]+,-?[0-9.]+,-?[0-9.]+$"
is "the original is back" "$(current)" "$original"

# ordering of two fast sources, where this machine has them and answers both by the vDSO
interval=$(awk -F, '$1 == "kvm-clock" && $2 == "MONOTONIC" && $3 == "vDSO" { print $12 }' "$tmp/reads.csv")
if [ "$(head -n 2 "$tmp/reads.csv" | tail -n 1 | cut -d, -f 1,3)" = "tsc,vDSO" ] && [ -n "$interval" ]; then
	ok "a read under tsc costs no more than under kvm-clock" awk -v low="$interval" 'BEGIN { exit !(low > 0) }'
else
	skip "a read under tsc costs no more than under kvm-clock" "not both are here and in the vDSO"
fi

wait_until() { # COMMAND...: at most 60 s
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
is_other() { [ "$(current)" = "$other" ]; }
is_original() { [ "$(current)" = "$original" ]; }

for signal in KILL INT; do
	"$kvmtime" bench --switch --sources "$other,$original" --budget 600 -- sleep 300 \
		>"$tmp/out" 2>"$tmp/err" 9>&- &
	pid=$!
	ok "the other source is current in its round ($signal)" wait_until is_other
	kill -"$signal" $pid
	ok "SIG$signal brings the original back" wait_until is_original
	wait $pid 2>/dev/null
done
like "after Ctrl-C the report says what there is" "$(cat "$tmp/out")" 'interrupted'
like "and names the source" "$(cat "$tmp/out")" "The clock source is back on $original\.$"
finish
