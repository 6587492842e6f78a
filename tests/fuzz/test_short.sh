#!/usr/bin/env bash
# Twenty seconds of real fuzzing for every decoder of a time page, beside the corpus replay.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
command -v clang >/dev/null || skip_all "clang (libFuzzer) is not installed"

fuzz() {
	local out
	out=$("$KVT_SOURCE/dev" fuzz "$1" 20 2>&1) && printf '%s\n' "$out" | grep -q ', no fault$' && return 0
	printf '%s\n' "$out"
	return 1
}

for target in pvclock vmclock hyperv xen pairing; do
	ok "20 s of hostile $target records find no fault" fuzz "$target"
done
finish
