#!/usr/bin/env bash
# clang finds nothing to warn of in what gcc has compiled, under the same flags.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
command -v clang >/dev/null || skip_all "clang is not installed"
[ -e "$KVT_BUILD/compile_commands.json" ] || skip_all "no compile_commands.json"

# one line an object: its folder, a tab, the same command for clang and without an output
/usr/bin/python3 - "$KVT_BUILD/compile_commands.json" >"$tmp/commands" <<'EOF'
import json, shlex, sys
for entry in json.load(open(sys.argv[1])):
    if not entry['file'].endswith('.c'):
        continue
    words = shlex.split(entry['command'])
    while words[0] in ('ccache', 'sccache'):
        words.pop(0)
    out = words.index('-o')
    del words[out:out + 2]
    words = [w for w in words if w not in ('-c', '-MD', '-fdiagnostics-color=always') and not w.startswith('-fsanitize')]
    for option in ('-MQ', '-MF'):
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
    words[0] = 'clang'
    print('cd %s && %s -fsyntax-only -Werror' % (shlex.quote(entry['directory']), shlex.join(words)))
EOF

warnings() {
	local status=0
	xargs -P 2 -d '\n' -I{} sh -c '{}' <"$tmp/commands" >"$tmp/out" 2>&1 || status=1
	grep -E 'error:|warning:' "$tmp/out" && status=1
	[ "$(wc -l <"$tmp/commands")" -gt 20 ] || status=1
	return $status
}

ok "clang compiles every source without a warning" warnings
finish
