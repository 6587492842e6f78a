#!/usr/bin/env bash
# Each recorded machine gives exactly the findings, with the evidence, that stand in NAME.expected
# beside it, and the ids that its "# expect:" line names. After a wanted change, with KVT_SOURCE and
# KVT_BUILD set:  KVT_WRITE=1 tests/e2e/test_machines.sh  writes the files anew; read each line
# against the record before it is committed.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

evidence_of() {
	"$kvmtime" check --json --fail-on critical "$1" |
		/usr/bin/python3 "$KVT_SOURCE/tests/e2e/evidence.py"
}

ids_in() { grep -o '^KVT-[0-9]*' "$1" | tr '\n' ' ' | sed 's/ *$//'; }

count=0
for machine in "$KVT_SOURCE"/data/machines/*.record; do
	name=$(basename "$machine" .record)
	expected=${machine%.record}.expected
	[ -z "${KVT_WRITE:-}" ] || evidence_of "$machine" >"$expected"
	evidence_of "$machine" >"$tmp/got"
	ok "$name gives exactly the findings and the evidence that it should" \
		diff -u "$expected" "$tmp/got"
	want=$(sed -n 's/^# expect: *//p' "$machine" | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ *//; s/ *$//')
	is "$name names their ids itself" "$(ids_in "$expected")" "$want"
	count=$((count + 1))
done
ok "there are sixty machines or more" test "$count" -ge 60
ok "each says that it is synthetic, or where it is from" \
	sh -c "! grep -L '^# \(synthetic\|from\):' '$KVT_SOURCE'/data/machines/*.record | grep ."
finish
