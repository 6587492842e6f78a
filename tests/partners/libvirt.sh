#!/usr/bin/env bash
# A real libvirt daemon of the tests' own: private mount, PID and network namespaces, its own
# configuration, state and sockets below one folder. The user's libvirt is neither seen nor touched.
#
# Sourced (after ../e2e/tap.sh or alone) it gives
#   libvirt_missing        prints why the daemon cannot run here; nothing if it can
#   libvirt_start FOLDER   starts it (FOLDER is made; keep its path short: sockets stand below it),
#                          returns when it answers, and sets libvirt_uri; logs are FOLDER/log
#   libvirt_restart FOLDER ends the daemon alone, its guests run on, and starts another
#   libvirt_stop FOLDER    ends it with every guest that it started
# Run, `libvirt.sh start FOLDER` prints the URI, `libvirt.sh stop FOLDER` ends it.
#
# QEMU runs as root: with Debian's default user each call that looks at QEMU's abilities takes 36 s
# where /dev/kvm is root's alone (probed with KVM, found without, probed again).
# shellcheck shell=bash
set -u

libvirt_missing() {
	local p
	[ "$(id -u)" = 0 ] || { echo "a libvirt daemon of one's own needs root"; return; }
	for p in libvirtd virsh qemu-system-x86_64 unshare; do
		PATH=$PATH:/usr/sbin command -v $p >/dev/null || { echo "$p is not installed"; return; }
	done
	unshare -m -p -n -f true 2>/dev/null || echo "namespaces are not permitted here"
}

# In the namespaces, as the first process: it takes in the orphans.
libvirt_inside() { # FOLDER
	local dir=$1 pair place
	mount --make-rprivate / && mount -t proc proc /proc || return 1
	for pair in run:/run/libvirt lib:/var/lib/libvirt cache:/var/cache/libvirt \
		log:/var/log/libvirt etc:/etc/libvirt; do
		place=${pair#*:}
		if [ ! -d "$place" ]; then # nothing may be made in the machine's own folder
			libvirt_cover "$dir" "${place%/*}" && mkdir "$place" || return 1
		fi
		mount --bind "$dir/${pair%%:*}" "$place" || return 1
	done
	mount --bind "$dir/passwd" /etc/passwd && mount --bind "$dir/group" /etc/group || return 1
	ip link set lo up 2>/dev/null || :
	while :; do
		/usr/sbin/libvirtd --config "$dir/libvirtd.conf" &
		wait $!
		[ -e "$dir/again" ] || break
		rm "$dir/again"
	done
}

libvirt_restart() { # FOLDER: ends the daemon and starts another one; its guests run on
	local file tries
	: >"$1/again"
	for file in /proc/[0-9]*/cmdline; do
		case "$(tr '\0' ' ' <"$file" 2>/dev/null)" in
		"/usr/sbin/libvirtd --config $1/libvirtd.conf "*) kill "$(echo "$file" | cut -d / -f 3)" ;;
		esac
	done
	for ((tries = 0; tries < 300; tries++)); do
		[ ! -e "$1/again" ] && virsh -c "$libvirt_uri" version >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

libvirt_cover() { # FOLDER PARENT: what is made below PARENT from here on is private
	local up
	up=$1/cover/$(echo "$2" | tr / _)
	mkdir -p "$up/upper" "$up/work"
	mount -t overlay -o "lowerdir=$2,upperdir=$up/upper,workdir=$up/work" overlay "$2" \
		2>/dev/null || mount -t tmpfs tmpfs "$2"
}

libvirt_configure() { # FOLDER
	mkdir -p "$1"/{run,lib,cache,log,etc} || return 1
	# the driver looks for its default user even where another is configured
	{ cat /etc/passwd; getent passwd libvirt-qemu >/dev/null ||
		echo "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin"; } >"$1/passwd"
	{ cat /etc/group; getent group libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:"; } >"$1/group"
	cat >"$1/etc/qemu.conf" <<-EOT
		user = "root"
		group = "root"
		security_driver = "none"
		stdio_handler = "file"
		cgroup_controllers = []
		namespaces = []
		remember_owner = 0
	EOT
	cat >"$1/libvirtd.conf" <<-EOT
		auth_unix_ro = "none"
		auth_unix_rw = "none"
		log_outputs = "3:file:$1/log/libvirtd.log"
	EOT
}

libvirt_start() { # FOLDER
	local dir tries
	libvirt_configure "$1" || return 1
	dir=$(cd "$1" && pwd) || return 1
	# in the caller's process group, so that a test run that is killed takes it along
	unshare -m -p -n -f --kill-child -- "$BASH" "${BASH_SOURCE[0]}" inside "$dir" \
		</dev/null >"$dir/log/start.log" 2>&1 &
	echo $! >"$dir/pid"
	libvirt_uri="qemu+unix:///system?socket=$dir/run/libvirt-sock"
	for ((tries = 0; tries < 300; tries++)); do
		[ -S "$dir/run/libvirt-sock" ] && virsh -c "$libvirt_uri" version >/dev/null 2>&1 && return 0
		kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir"/log/*.log >&2
	libvirt_stop "$1"
	return 1
}

libvirt_stop() { # FOLDER
	local pid tries
	pid=$(cat "$1/pid" 2>/dev/null) || return 0
	disown "$pid" 2>/dev/null
	kill -KILL "$pid" 2>/dev/null # its PID namespace, guests included, goes with it
	for ((tries = 0; tries < 100; tries++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	rm -f "$1/pid"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	case ${1-} in
	inside) libvirt_inside "$2" ;;
	start)
		why=$(libvirt_missing)
		[ -z "$why" ] || { echo "$why" >&2; exit 77; }
		libvirt_start "$2" && echo "$libvirt_uri"
		;;
	stop) libvirt_stop "$2" ;;
	*) echo "usage: libvirt.sh start|stop FOLDER" >&2; exit 2 ;;
	esac
fi
