#!/usr/bin/env bash
# kvmtime bench on this machine: what needs no switching of its clock source.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

valid() { "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.bench.1; }
current() { cat /sys/devices/system/clocksource/clocksource0/current_clocksource; }
source=$(current) || skip_all "no clock source in sysfs"

# ---- reads ----

text=$("$kvmtime" bench)
is "reads are measured without any option" $? 0
like "the first line says the cost under the current source" "$(head -n 1 <<<"$text")" \
	"^$source: [0-9.]+ [nu]s a read, "
like "the last line says the source" "$(tail -n 1 <<<"$text")" "The clock source stayed on $source\.$"
"$kvmtime" bench --json >"$tmp/reads.json"
valid <"$tmp/reads.json" >"$tmp/out" 2>&1
case $? in
77) skip "reads as JSON are valid" "$(cat "$tmp/out")" ;;
*) ok "reads as JSON are valid" valid <"$tmp/reads.json" ;;
esac
is "CSV has a row for each clock that JSON has" \
	"$("$kvmtime" bench --csv | tail -n +2 | wc -l)" "$(grep -c '"clock"' "$tmp/reads.json")"

# ---- workload ----

text=$("$kvmtime" bench --sources "$source,$source" --budget 1 --precision 50 -- sleep 0.01)
is "an A/A run of a command ends well" $? 0
like "its first line is about the second against the first" "$(head -n 1 <<<"$text")" \
	"^$source \(2nd\) against $source: "
# shellcheck disable=SC2016
"$kvmtime" bench --sources "$source,$source" --budget 1 --metric 'rate ([0-9]+)' --json -- \
	sh -c 'echo "rate $((1000 + $$ % 7))"' >"$tmp/trial.json"
is "a metric of the command's output is taken" $? 0
like "its median is the printed number" "$(cat "$tmp/trial.json")" '"value" : 100[0-9]'
valid <"$tmp/trial.json" >"$tmp/out" 2>&1
case $? in
77) skip "a workload as JSON is valid" "$(cat "$tmp/out")" ;;
*) ok "a workload as JSON is valid" valid <"$tmp/trial.json" ;;
esac

# An A/A run in simulated form: the numbers are set here, with noise of 0.05 % and no difference, and
# the order of the rounds is that of a seed.
cat >"$tmp/noisy" <<'END'
read -r n 2>/dev/null <"$1" || n=0
echo $((n + 1)) >"$1"
echo "rate $((100000 + n * 7919 % 101 + $2 * (n % 2)))"
END
text=$("$kvmtime" bench --seed 1 --sources "$source,$source" --precision 0.05 --metric 'rate ([0-9]+)' \
	-- sh "$tmp/noisy" "$tmp/count" 0)
is "an A/A run whose numbers are known ends well" $? 0
like "it reports no difference larger than a number" "$(head -n 1 <<<"$text")" \
	"^$source \(2nd\) against $source: no difference larger than 0\.0[0-9] %\.$"
like "and reaches its precision" "$text" 'blocks: the precision of 0\.05 % is reached\.'

# interrupted before any round ended
# shellcheck disable=SC2016
"$kvmtime" bench --sources "$source,$source" --budget 600 -- sh -c 'echo >"$0"; exec sleep 300' "$tmp/began" \
	>"$tmp/out" 2>&1 &
pid=$!
for ((tries = 0; tries < 600; tries++)); do
	[ ! -e "$tmp/began" ] || break
	sleep 0.1
done
kill -INT $pid
wait $pid
is "an interrupted run ends well" $? 0
like "and says so" "$(cat "$tmp/out")" '^0 blocks: interrupted\.'
is "no number is made of nothing" "$(grep -ciw nan "$tmp/out")" 0

"$kvmtime" bench --sources "$source,$source" --metric 'rate ([0-9]+)' -- echo none 2>"$tmp/err"
is "output without the number is bad input" $? 4
"$kvmtime" bench --sources "$source,$source" -- sh -c 'echo it broke; exit 9' 2>"$tmp/err"
is "a command that fails ends the run" $? 3
like "with its last words" "$(cat "$tmp/err")" 'ended with status 9: it broke'
"$kvmtime" bench --sources "$source,$source" -- /no/such/program 2>"$tmp/err"
is "a command that is not there ends the run" $? 3

# ---- counted reads ----

if [ -n "${KVT_SANITIZED:-}" ] || ldd "$kvmtime" | grep -q libasan; then
	skip "counted reads" "a preloaded library does not go with the address sanitizer"
else
	reader=$KVT_BUILD/tests/e2e/reader
	"$kvmtime" bench --count-reads --json -- "$reader" 12345 >"$tmp/count.json"
	is "a command's reads are counted" $? 0
	like "exactly" "$(tr -d '\n' <"$tmp/count.json")" \
		'clock_gettime\(MONOTONIC\)", *"reads" : "12345"'
	like "for each clock" "$(tr -d '\n' <"$tmp/count.json")" '"gettimeofday", *"reads" : "7"'
	valid <"$tmp/count.json" >"$tmp/out" 2>&1
	case $? in
	77) skip "counted reads as JSON are valid" "$(cat "$tmp/out")" ;;
	*) ok "counted reads as JSON are valid" valid <"$tmp/count.json" ;;
	esac
	like "a static program is said to be not counted" \
		"$("$kvmtime" bench --count-reads -- "$(command -v busybox)" true)" '^(Not counted: |[0-9]+ clock reads)'
fi

# ---- stability ----

"$kvmtime" bench --stability 1 --json >"$tmp/stability.json"
status=$?
valid <"$tmp/stability.json" >"$tmp/out" 2>&1
case $? in
77) skip "stability as JSON is valid" "$(cat "$tmp/out")" ;;
*) ok "stability as JSON is valid" valid <"$tmp/stability.json" ;;
esac
trust=$(sed -n 's/.*"trust" : "\(.*\)".*/\1/p' "$tmp/stability.json")
is "the exit status says whether the TSC is known to be bad" "$status" \
	"$([ "$trust" = no ] && echo 1 || echo 0)"
if ! grep -q '"independent" : true' "$tmp/stability.json"; then
	is "without an independent reference the TSC is not trusted" "$([ "$trust" = yes ] && echo yes)" ""
else
	skip "without an independent reference the TSC is not trusted" "this machine has one"
fi

# ---- charts ----

if command -v gnuplot >/dev/null; then
	ok "a chart of the reads is drawn" "$kvmtime" bench -q --plot "$tmp/reads.svg"
	like "as SVG" "$(head -c 300 "$tmp/reads.svg")" '<svg'
	ok "a chart of the effects is drawn" "$kvmtime" bench -q --sources "$source,$source" --budget 1 \
		--plot "$tmp/effects.png" -- true
	like "as PNG" "$(head -c 4 "$tmp/effects.png" | tr -d '\211')" 'PNG'
else
	skip "charts" "gnuplot is not installed"
fi

# ---- refusals ----

refused() { # fact, status, options...
	local fact=$1 want=$2
	shift 2
	"$kvmtime" bench "$@" >/dev/null 2>"$tmp/err"
	is "$fact" $? "$want"
}
other=$(tr ' ' '\n' </sys/devices/system/clocksource/clocksource0/available_clocksource |
	grep -vx "$source" | grep . | head -n 1)
if [ -n "$other" ]; then
	refused "another source without --switch is refused" 2 --sources "$other"
else
	skip "another source without --switch is refused" "the kernel offers one source"
fi
refused "a source that the kernel does not offer is refused" 3 --switch --sources acpi_pmtsc
refused "one source is nothing to compare" 2 --sources "$source" -- true
refused "a bad expression is usage" 2 --sources "$source,$source" --metric '(' -- true
refused "a command without -- is usage" 2 true
refused "a bad budget is usage" 2 --budget soon
refused "a chart by another name is usage" 2 --plot x.pdf
refused "a chart of what is not drawn is usage" 2 --stability 1 --plot "$tmp/x.svg"
refused "CSV and JSON at once is usage" 2 --csv --json
refused "an empty name among the sources is usage" 2 --sources "$source,"
refused "--with-running-vms alone is usage" 2 --with-running-vms
refused "--count-reads wants a command" 2 --count-reads
is "the clock source is what it was" "$(current)" "$source"
finish
