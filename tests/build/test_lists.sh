#!/usr/bin/env bash
# Lists that exist twice because they must: each pair agrees.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
cd "$KVT_SOURCE" || exit 1

verbs=$("$kvmtime" --help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p' | grep -vx help | sort)
for verb in $verbs; do
	ok "verb $verb has a manual page" test -e "man/kvmtime-$verb.1"
	ok "verb $verb answers --help" "$kvmtime" "$verb" --help
	# a verb whose first argument is a sub-verb still refuses an unknown option as usage
	"$kvmtime" "$verb" --no-such-option >/dev/null 2>&1
	is "verb $verb refuses an unknown option with exit status 2" $? 2
done
pages=$(cd man && ls kvmtime-*.1 2>/dev/null | sed 's/^kvmtime-//; s/\.1$//' | sort)
is "every manual page has its verb" "$(comm -13 <(echo "$verbs") <(echo "$pages"))" ""

targets=$(sed -n "s/^  '\([a-z0-9_]*\)': .*/\1/p" tests/fuzz/meson.build | sort)
is "every fuzz target has a corpus, and every corpus its target" \
	"$(ls tests/fuzz/corpus | sort)" "$targets"
is "every fuzz source is a target" \
	"$(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//' | sort)" "$targets"

tests=$(sed -n "s/^  '\([a-z0-9_]*\)': .*/\1/p" tests/unit/meson.build | sort)
is "every unit test is in the list" \
	"$(cd tests/unit && ls test_*.c | sed 's/^test_//; s/\.c$//' | sort)" "$tests"

is "every header is on the install list or private" \
	"$(find include -name '*.h' | grep -v '^include/kvmtime/')" ""
is "every C file names its licence" \
	"$(git ls-files '*.[ch]' | xargs grep -L 'SPDX-License-Identifier: BSD-2-Clause')" ""
finish
