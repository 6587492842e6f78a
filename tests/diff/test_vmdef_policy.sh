#!/usr/bin/env bash
# kvmtime vm policy for every system of osinfo-db, beside what virt-install writes: against the
# table of virt-install 4.1.0 that is kept here; with KVT_LONG also that table against the installed
# virt-install, asked for every system through a libvirt daemon of our own.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/libvirt.sh"

here=$KVT_SOURCE/tests/diff
kept=$here/virt_install-4.1.0.tsv
python=/usr/bin/python3
[ -e "$KVT_BUILD/modules/kvmtime-osinfo.so" ] || skip_all "libosinfo was not there at build time"
"$kvmtime" vm policy --os all >"$tmp/ours" 2>"$tmp/why" || skip_all "$(cat "$tmp/why")"

# a newer osinfo-db knows more systems, an older one fewer: those that both know are compared
awk 'NR == FNR { known[$1] = 1; next } /^#/ || $1 in known' "$tmp/ours" "$kept" >"$tmp/known"
"$python" "$here/virt_install.py" compare "$tmp/known" "$tmp/ours" "$here/virt_install.reasons" >"$tmp/compared"
grep '^#' "$tmp/compared"
while read -r line; do
	ok "${line#*- }" [ "${line#not }" = "$line" ]
done < <(grep -E '^(not )?ok' "$tmp/compared")
ok "the systems compared are nearly all of them ($(grep -vc '^#' "$tmp/known"))" \
	[ "$(grep -vc '^#' "$tmp/known")" -ge 700 ]

why=$(libvirt_missing)
if [ -z "${KVT_LONG:-}" ]; then
	skip "virt-install writes what the table says" "KVT_LONG is not set; it takes a minute"
elif ! command -v virt-install >/dev/null || [ -n "$why" ]; then
	skip "virt-install writes what the table says" "${why:-virt-install is not installed}"
else
	work=$(mktemp -d /tmp/kvtXXXXXX)
	trap 'libvirt_stop "$work/lv"; rm -rf "$work" "$tmp"' EXIT
	if libvirt_start "$work/lv"; then
		"$python" "$here/virt_install.py" list "$libvirt_uri" 2>"$tmp/errors" | grep -v '^generic' >"$tmp/theirs"
		awk 'NR == FNR { known[$1] = 1; next } $1 in known' "$tmp/theirs" "$kept" | sort >"$tmp/want"
		awk 'NR == FNR { known[$1] = 1; next } $1 in known' "$kept" "$tmp/theirs" | sort >"$tmp/got"
		ok "virt-install $(virt-install --version) writes what the table says" diff "$tmp/want" "$tmp/got"
		ok "it was asked for $(grep -vc '^#' "$tmp/theirs") systems" [ "$(grep -vc '^#' "$tmp/theirs")" -ge 700 ]
	else
		skip "virt-install writes what the table says" "libvirtd does not start here"
	fi
fi
finish
