#!/usr/bin/env bash
# kvmtime explain: rules, messages, pasted lines, terms.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh" || exit 1

# shellcheck disable=SC2013
for id in $(sed -n 's/^\[\(.*\)\]$/\1/p' "$KVT_SOURCE"/data/rules/*.rules | sort | awk 'NR % 9 == 1'); do
	like "$id is explained with its verdict here" "$("$kvmtime" explain "$id")" '^  here:'
done
document_1='[2423264.824259] Clocksource tsc unstable (delta = 6824818792 ns).  Enable clocksource failover by adding clocksource_failover kernel parameter.'
like "the line of document 001 is known, with the kernels that print it" \
	"$("$kvmtime" explain "$document_1" | tr '\n' ' ')" 'M02 .*EL 6'
# shellcheck disable=SC2086
like "it need not be quoted" "$("$kvmtime" explain Switched to clocksource hpet)" '^M18'
like "lines come on standard input too" "$(printf 'nothing\n%s\n' "$document_1" | "$kvmtime" explain -)" '^M02'
sed -n 's/^\[\(.*\)\]$/\1/p' "$KVT_SOURCE/data/terms/10-time.terms" | while read -r term; do
	# shellcheck disable=SC2086
	"$kvmtime" explain $term >/dev/null || echo "$term"
done >"$tmp/unknown"
is "every term is known" "$(cat "$tmp/unknown")" ""
# shellcheck disable=SC2013
for id in $(grep -o 'KVT-[0-9]*' "$KVT_SOURCE/data/terms/10-time.terms" | sort -u); do
	grep -qh "^\[$id\]" "$KVT_SOURCE"/data/rules/*.rules || echo "$id"
done >"$tmp/unknown"
is "every rule that a term names is there" "$(cat "$tmp/unknown")" ""
like "other names of a term do" "$("$kvmtime" explain masterclock)" '^master clock'
"$kvmtime" explain no such thing 2>/dev/null
is "what is unknown is bad input" $? 4
"$kvmtime" explain 2>/dev/null
is "nothing to explain is a usage error" $? 2
for what in KVT-0201 M03 warp; do
	ok "the document for $what is valid" bash -c "\"$kvmtime\" explain --json $what |
		\"$KVT_SOURCE\"/tests/e2e/validate.py kvmtime.explain.1"
done
finish
