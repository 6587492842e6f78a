#!/usr/bin/env bash
# The verb sim as a process: its table, its JSON, its chart, its refusals.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

out=$("$kvmtime" sim --guest rtc-1024 --load pause:10 --duration 20)
like "slew keeps time over a pause" "$out" '^slew +keeps time'
like "discard loses what the pause took" "$out" '^discard +-10\.0 s'

valid() {
	"$kvmtime" sim --guest pit-1000 --duration 2 --json >"$tmp/out.json" || return 1
	/usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.sim.1 <"$tmp/out.json"
}
status=0
valid >"$tmp/why" 2>&1 || status=$?
if [ $status = 77 ]; then
	skip "JSON follows its schema" "$(cat "$tmp/why")"
else
	is "JSON follows its schema" "$status $(cat "$tmp/why")" "0 "
fi
is "a seed gives the same run again" "$("$kvmtime" sim --seed 5 --duration 3 --csv)" \
	"$("$kvmtime" sim --seed 5 --duration 3 --csv)"

printf '[sim]\nguest=rtc-64\npolicy=discard\nload=onoff:100,50\nduration=10\n' >"$tmp/scenario"
like "a scenario file is read" "$("$kvmtime" sim "$tmp/scenario")" 'rtc-64 under load onoff:100,50'
printf '[sim]\nguset=rtc-64\n' >"$tmp/wrong"
"$kvmtime" sim "$tmp/wrong" >"$tmp/out" 2>&1
is "an unknown key is bad input" "$?" 4
printf '1000000 2000000\n5000000 0\n' >"$tmp/trace"
like "a recording is a load" "$("$kvmtime" sim --load "trace:$tmp/trace" --duration 1)" 'trace:'
data=$KVT_SOURCE/tests/unit/data
like "a recording of schedstat is a load" \
	"$("$kvmtime" sim --load "schedstat:$data/steal.schedstat" --duration 2.8 --settle 0)" '24.1 % stolen'
like "a trace of the scheduler is a load" \
	"$("$kvmtime" sim --load "sched:7467:$data/steal.sched" --duration 0.509 --settle 0)" '33\.. % stolen'
"$kvmtime" sim --load "sched:1:$data/steal.sched" >"$tmp/out" 2>&1
is "a trace without the thread is bad input" "$?" 4
like "a sleep of the host is lost by a guest on the TSC" \
	"$("$kvmtime" sim --guest tsc --policy delay --load steal:5+sleep:3 --duration 9)" 'delay +-3 s'
"$kvmtime" sim --guest nobody >"$tmp/out" 2>&1
is "an unknown guest is a wrong command line" "$?" 2
"$kvmtime" sim --duration nan >"$tmp/out" 2>&1
is "a duration that is no number is a wrong command line" "$?" 2

if command -v gnuplot >/dev/null; then
	"$kvmtime" sim --duration 2 --plot "$tmp/drift.svg" -q
	ok "a chart is drawn" grep -q '</svg>' "$tmp/drift.svg"
else
	skip "a chart is drawn" "gnuplot is not installed"
fi
# shellcheck disable=SC2016
is "the table in doc/ is what the program prints" \
	"$("$kvmtime" sim --grid)" "$(sed -n '/^```$/,/^```$/p' "$KVT_SOURCE/doc/tick-policies.md" | sed '1d;$d')"
finish
