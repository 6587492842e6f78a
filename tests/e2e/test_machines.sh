#!/usr/bin/env bash
# Each recorded machine gives exactly the findings that its "# expect:" line names.
. "$KVT_SOURCE/tests/e2e/tap.sh"

ids_of() {
	"$kvmtime" check --json --fail-on critical "$1" | /usr/bin/python3 -c '
import json, sys
print(" ".join(sorted(f["id"] for f in json.load(sys.stdin)["findings"])))'
}

count=0
for machine in "$KVT_SOURCE"/data/machines/*.record; do
	name=$(basename "$machine" .record)
	want=$(sed -n 's/^# expect: *//p' "$machine" | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ *//; s/ *$//')
	is "$name gives exactly what it should" "$(ids_of "$machine")" "$want"
	count=$((count + 1))
done
ok "there are sixteen machines or more" test "$count" -ge 16
ok "each says that it is synthetic, or where it is from" \
	sh -c "! grep -L '^# \(synthetic\|from\):' '$KVT_SOURCE'/data/machines/*.record | grep ."
finish
