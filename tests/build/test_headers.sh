#!/usr/bin/env bash
# Every public header compiles alone, as C and as C++, and includes public headers only.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
include=$KVT_SOURCE/include

alone() { # compiler, header, flags
	local compiler=$1 header=$2
	shift 2
	printf '#include <%s>\n#include <%s>\nextern int nothing;\n' "$header" "$header" |
		"$compiler" "$@" -Wall -Wextra -Werror -I"$include" -fsyntax-only -
}

for path in $(cd "$include" && find kvmtime -name '*.h' | sort); do
	ok "$path alone is C17" alone "${CC:-cc}" "$path" -x c -std=c17 -Wstrict-prototypes -pedantic
	if command -v g++ >/dev/null; then
		ok "$path alone is C++" alone g++ "$path" -x c++ -std=c++11 -pedantic
	else
		skip "$path alone is C++" "no g++"
	fi
	is "$path includes only what a freestanding compiler has" \
		"$(grep -h '^#include' "$include/$path" | grep -vE '<(kvmtime/.*|std(def|int|bool)\.h)>')" ""
done
finish
