#!/usr/bin/env bash
# The Debian packages: they build from the source alone, lintian finds no error, they install into a
# fresh Debian root, the program runs there, and purging leaves nothing behind. Only with --long: it
# makes a Debian root.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
[ "${KVT_LONG:-0}" = 1 ] || skip_all "takes minutes: ./dev test --long"
for tool in dpkg-buildpackage dh lintian debootstrap; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
[ "$(id -u)" = 0 ] || skip_all "a Debian root is made by root"

mkdir -p "$tmp/build/kvmtime"
(cd "$KVT_SOURCE" && git ls-files -z | cpio -0pdm --quiet "$tmp/build/kvmtime") || skip_all "no git tree"
cd "$tmp/build/kvmtime" || exit 1
build() { nice dpkg-buildpackage -us -uc -b >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log"; return 1; }; }
ok "the packages build" build
cd "$tmp/build" || exit 1
is "lintian finds no error" "$(lintian --fail-on none kvmtime_*.changes 2>/dev/null | grep '^E:')" ""

mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\(http[^ ]*debian\) .*/\2/p; s/^URIs: *\(http[^ ]*debian\) *$/\1/p' \
	/etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
root=$tmp/root
fresh_root() {
	debootstrap --variant=minbase bookworm "$root" "${mirror:-http://deb.debian.org/debian}" >"$tmp/root.log" 2>&1 ||
		{ tail -n 5 "$tmp/root.log"; return 1; }
	cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" 2>/dev/null
	mkdir "$root/packages" && cp ./*.deb "$root/packages/" && rm -f "$root"/packages/*dbgsym*
	chroot "$root" apt-get -qq update >>"$tmp/root.log" 2>&1
}
if ! fresh_root; then
	skip "the packages install" "debootstrap found no Debian"
	finish
fi
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
files() { (cd "$root" && find etc usr var/lib opt -xdev -not -path 'var/lib/dpkg/*' -not -path 'var/lib/apt/*' | sort); }
# what they depend on comes first, so that the comparison is of our packages alone
names=$(cd "$root/packages" && for deb in *.deb; do dpkg-deb -f "$deb" Package; done)
# shellcheck disable=SC2086
depends=$(cd "$root/packages" && for deb in *.deb; do dpkg-deb -f "$deb" Depends; done | tr ',' '\n' |
	sed 's/(.*//; s/|.*//; s/ //g' | sort -u | grep -vxF "$names")
# shellcheck disable=SC2086
ok "what they depend on is in Debian" in_root apt-get -qq install --no-install-recommends $depends
files >"$tmp/before"
ok "the packages install" in_root sh -c 'dpkg -i /packages/*.deb'
mount -t proc proc "$root/proc" && trap 'umount "$root/proc"; rm -rf "$tmp"' EXIT
in_root kvmtime check >"$tmp/check" 2>&1
status=$?
ok "kvmtime check runs there: exit $status, $(head -n 1 "$tmp/check")" [ $status -le 1 ]
like "it judges by the installed rules" "$(cat "$tmp/check")" 'rules fit here'
in_root sh -c 'cd /usr/share/doc/libkvmtime-dev/examples && ls' >"$tmp/examples"
ok "the examples are there" grep -q pit_policy.c "$tmp/examples"
umount "$root/proc"
trap 'rm -rf "$tmp"' EXIT
# shellcheck disable=SC2086
ok "they purge" in_root dpkg --purge $names
files >"$tmp/after"
is "purging leaves nothing behind" "$(comm -13 "$tmp/before" "$tmp/after")" ""
finish
