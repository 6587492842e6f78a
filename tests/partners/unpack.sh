#!/usr/bin/env bash
# unpack.sh FOLDER PACKAGE...: Debian packages into FOLDER, without installing anything and without
# running any script of theirs. @PACKAGE is what that meta-package depends on (a kernel, whose name
# carries its version). A package that cannot be had is left out with a word on stderr.
set -u
folder=$1
shift
mkdir -p "$folder/deb" || exit 1
for name in "$@"; do
	package=$name
	if [ "${name#@}" != "$name" ]; then
		package=$(LC_ALL=C apt-cache depends "${name#@}" 2>/dev/null |
			sed -n 's/^ *Depends: *//p' | head -n 1)
		[ -n "$package" ] || { echo "unpack: ${name#@} is not known to apt" >&2; continue; }
	fi
	[ -e "$folder/deb/$package.done" ] && continue
	echo "unpack: $package to $folder (it is not installed)" >&2
	(cd "$folder/deb" && rm -f "$package"_*.deb &&
		apt-get -q -o APT::Sandbox::User=root download "$package" >&2) || {
		echo "unpack: cannot download $package; what needs it will be skipped" >&2
		continue
	}
	dpkg-deb -x "$folder/deb/$package"_*.deb "$folder" && : >"$folder/deb/$package.done"
done
