#!/usr/bin/env bash
# core and devices want nothing from below: no symbol that is not theirs, on x86-64 and i386, with
# both compilers; the one-file library is the same code and gives the same numbers on both.
# Only memcpy, memmove, memset and memcmp may be wanted: a compiler emits calls of these for plain
# assignments, and asks every freestanding place to have them.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
cd "$KVT_SOURCE" || exit 1
warn="-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef
	-Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Werror"
free="-std=c17 -ffreestanding -fno-pic -mgeneral-regs-only -fno-stack-protector"
sources=$(ls src/core/*.c src/devices/*.c 2>/dev/null)

wants_nothing() { # compiler, flags: all sources as one object
	local compiler=$1 objects=() undefined
	shift
	for source in $sources; do
		# shellcheck disable=SC2086
		"$compiler" "$@" $free $warn -Iinclude -Isrc -c "$source" -o "$tmp/$(basename "$source").o" || return 1
		objects+=("$tmp/$(basename "$source").o")
	done
	"$compiler" "$@" -r -nostdlib -o "$tmp/all.o" "${objects[@]}" || return 1
	undefined=$(nm -u "$tmp/all.o" | grep -vE ' U mem(cpy|move|set|cmp)$')
	[ -z "$undefined" ] || { printf '%s\n' "$undefined"; return 1; }
}

one_file_wants_nothing() {
	local compiler=$1 undefined
	shift
	# shellcheck disable=SC2086
	"$compiler" "$@" $free $warn -c "$tmp/kvmtime.c" -o "$tmp/one.o" || return 1
	undefined=$(nm -u "$tmp/one.o" | grep -vE ' U mem(cpy|move|set|cmp)$')
	[ -z "$undefined" ] || { printf '%s\n' "$undefined"; return 1; }
}

# shellcheck disable=SC2086
ok "the one-file library is made" \
	/usr/bin/python3 tools/amalgamate.py "$tmp/kvmtime.h" "$tmp/kvmtime.c" include $sources

for compiler in gcc clang; do
	if ! command -v $compiler >/dev/null; then
		skip "$compiler links core and devices to nothing" "$compiler is not installed"
		continue
	fi
	for machine in -m64 -m32; do
		for level in -O1 -O2 -Os; do
			ok "$compiler $machine $level: core and devices want nothing" \
				wants_nothing $compiler $machine $level
		done
		ok "$compiler $machine: the one-file library wants nothing" \
			one_file_wants_nothing $compiler $machine -O2
	done
done

same_numbers() {
	cc -O2 -I"$tmp" -o "$tmp/n64" tests/build/numbers.c "$tmp/kvmtime.c" &&
		cc -m32 -O2 -I"$tmp" -o "$tmp/n32" tests/build/numbers.c "$tmp/kvmtime.c" &&
		"$tmp/n64" >"$tmp/64.txt" && "$tmp/n32" >"$tmp/32.txt" &&
		[ "$(wc -l <"$tmp/64.txt")" -gt 3 ] && diff "$tmp/64.txt" "$tmp/32.txt"
}

if echo 'int main(void){return 0;}' | cc -m32 -x c -o "$tmp/m32" - 2>/dev/null && "$tmp/m32"; then
	ok "i386 and x86-64 compute the same numbers" same_numbers
else
	skip "i386 and x86-64 compute the same numbers" "no 32-bit libc, or no 32-bit programs here"
fi
finish
