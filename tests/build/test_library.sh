#!/usr/bin/env bash
# libkvmtime as its users get it: what it exports is what the headers declare, versioned, with
# nothing below it; installed, pkg-config finds it and a program builds against it.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
cd "$KVT_SOURCE" || exit 1
lib=$KVT_BUILD/libkvmtime.so

declared=$(grep -rhoE '\bkvt_[a-z0-9_]+\(' include | tr -d '(' | sort -u)
inlined=$(grep -rhE '^static inline' include | grep -oE 'kvt_[a-z0-9_]+\(' | tr -d '(' | sort -u)
mapped=$(sed -n 's/^\t\(kvt_[a-z0-9_]*\);$/\1/p' src/kvmtime.map)
is "the symbol map lists what the headers declare" \
	"$mapped" "$(comm -23 <(echo "$declared") <(echo "$inlined"))"
is "the library exports exactly that, versioned" \
	"$(nm -D --defined-only "$lib" | sed -n 's/.* T \(kvt_[a-z0-9_]*\)@@KVMTIME_0\.1$/\1/p' | sort)" "$mapped"
is "the library needs no other one" \
	"$(readelf -d "$lib" | grep NEEDED | grep -vE '\[libc\.so\.6\]')" ""

undocumented=""
for symbol in $declared; do
	grep -rqE "^[ /]\*\*? $symbol\(\) - " include || undocumented="$undocumented $symbol"
done
is "every public function has its header comment" "$undocumented" ""

installs() {
	DESTDIR=$tmp/root meson install -C "$KVT_BUILD" --no-rebuild --quiet
}
ok "meson installs" installs
if found=$(find "$tmp/root" -name kvmtime.pc) && [ -n "$found" ]; then
	pc=$(dirname "$found")
	prefix=$tmp/root$(sed -n 's/^prefix=//p' "$pc/kvmtime.pc")
	pkg() { PKG_CONFIG_PATH=$pc pkg-config --define-variable=prefix="$prefix" "$@" kvmtime; }
	# shellcheck disable=SC2046
	builds() {
		cc -o "$tmp/page" examples/kernel_page.c $(pkg --cflags --libs) &&
			LD_LIBRARY_PATH=$(pkg --variable=libdir) "$tmp/page"
		[ $? -le 3 ]
	}
	ok "a program builds against the installed library" builds
	# shellcheck disable=SC2046
	builds_static() {
		cc -o "$tmp/pit" examples/pit_policy.c $(pkg --cflags) "$(pkg --variable=libdir)/libkvmtime.a" &&
			"$tmp/pit"
	}
	ok "and against the static one" builds_static
	is "every verb's page, every rule file and every schema is installed" \
		"$(for f in man/*.1 data/rules/* data/schemas/* data/messages/* data/terms/*; do
			find "$tmp/root" -name "$(basename "$f")" | grep -q . || echo "$f"; done)" ""
fi
finish
