#!/usr/bin/env bash
# A small real Linux guest: Debian's cloud kernel, busybox, the QEMU guest agent and chronyd, under
# QEMU's own CPU emulation (no /dev/kvm needed), up about 4 s after the start.
#
# Sourced (after ../e2e/tap.sh or alone; KVT_PARTNERS is the folder of the unpacked packages) it gives
#   guest_missing             prints which part is missing; nothing if a guest can be booted
#   guest_kernel              the kernel's path
#   guest_image [FILE[:DEST]...]
#                             the path of an initramfs (the common part is cached) that also holds the
#                             files: programs with their libraries, in /bin unless DEST says else
#   guest_run SECONDS COMMAND [FILE[:DEST]...]
#                             boots, runs the shell COMMAND inside, prints its output; its status, or
#                             250 if the guest did not come to the end
#   guest_start FOLDER [FILE[:DEST]...]
#                             boots and returns when it is up: FOLDER/qmp, FOLDER/qga and FOLDER/clock
#                             are its sockets (clock: each byte is answered with the time in ns),
#                             FOLDER/console its messages
#   guest_sh FOLDER COMMAND   runs a shell COMMAND in it by its agent and does not wait for its end
#   guest_save FOLDER         saves its state by QMP, and ends it
#   guest_restore FOLDER      starts it again from that state
#   guest_stop FOLDER         ends it
#   guest_xml NAME CONSOLE    a libvirt definition of it; clock socket: CONSOLE with .clock for .log
# guest_append and guest_qemu (arrays) are added to the kernel's and to QEMU's command line.
# Run, `guest.sh run SECONDS COMMAND [FILE...]` is guest_run.
# shellcheck shell=bash
set -u
partners_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${KVT_PARTNERS:=$partners_source/../../build/partners}"
: "${KVT_BUILD:=$partners_source/../../build}"
guest_append=()
guest_qemu=()
# as the modules need each other
guest_modules="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
	virtio_console failover net_failover virtio_net"

guest_kernel() {
	local k
	for k in "$KVT_PARTNERS"/boot/vmlinuz-*; do
		[ -e "$k" ] && echo "$k" && return
	done
}

guest_missing() {
	local p
	[ -n "$(guest_kernel)" ] || { echo "no kernel in build/partners (./dev partners)"; return; }
	[ -e "$KVT_PARTNERS/usr/sbin/qemu-ga" ] || { echo "no qemu-guest-agent in build/partners"; return; }
	[ -e "$KVT_BUILD/tests/partners/guest-clock" ] || { echo "guest-clock is not built"; return; }
	for p in qemu-system-x86_64 cpio busybox; do
		command -v $p >/dev/null || { echo "$p is not installed"; return; }
	done
	file_is_static "$(command -v busybox)" || echo "busybox is not static"
}

file_is_static() {
	! ldd "$1" >/dev/null 2>&1
}

guest_add() { # ROOT FILE DEST: a program brings its libraries
	local library
	mkdir -p "$1/$(dirname "$3")" && cp -L "$2" "$1/$3" || return 1
	for library in $(ldd "$2" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$1$library" ] && continue
		mkdir -p "$1$(dirname "$library")" && cp -L "$library" "$1$library" || return 1
	done
}

guest_pack() { # ROOT OUT
	(cd "$1" && find . -mindepth 1 | sort | cpio -o -H newc --quiet --reproducible) >"$2.$$" &&
		mv "$2.$$" "$2"
}

guest_common() { # ROOT: the part that every guest has
	local root=$1 name path
	mkdir -p "$root"/{bin,bin.d,modules,etc,lib64}
	cp "$partners_source/guest_init.sh" "$root/init" && chmod +x "$root/init" || return 1
	guest_add "$root" "$(command -v busybox)" bin/busybox
	ln -sf busybox "$root/bin/sh"
	guest_add "$root" "$KVT_BUILD/tests/partners/guest-clock" bin/guest-clock
	guest_add "$root" "$KVT_PARTNERS/usr/sbin/qemu-ga" sbin/qemu-ga || return 1
	for name in usr/sbin/chronyd usr/bin/chronyc; do
		[ ! -e "$KVT_PARTNERS/$name" ] || guest_add "$root" "$KVT_PARTNERS/$name" "$name"
	done
	cp -L /etc/os-release "$root/etc/" 2>/dev/null
	echo "root:x:0:0:root:/:/bin/sh" >"$root/etc/passwd"
	echo "root:x:0:" >"$root/etc/group"
	for name in $guest_modules; do
		path=$(find "$KVT_PARTNERS/lib/modules" -name "$name.ko" | head -n 1)
		[ -n "$path" ] || continue # built in
		cp "$path" "$root/modules/" && echo "$name.ko" >>"$root/modules/order"
	done
}

guest_image() { # [FILE[:DEST]...]
	local cache=$KVT_PARTNERS/guest key base root file dest
	mkdir -p "$cache" || return 1
	key=$(cat "$partners_source"/guest*.sh "$KVT_BUILD/tests/partners/guest-clock" \
		<(ls "$KVT_PARTNERS"/deb/*.deb) | sha256sum | cut -c 1-16)
	base=$cache/base-$key.cpio
	if [ ! -e "$base" ]; then
		root=$(mktemp -d)
		guest_common "$root" && guest_pack "$root" "$base" || return 1
		rm -rf "$root"
	fi
	[ $# -gt 0 ] || { echo "$base"; return; }
	root=$(mktemp -d)
	for file in "$@"; do
		dest=bin/${file##*/}
		[ "${file#*:}" = "$file" ] || dest=${file#*:}
		guest_add "$root" "${file%%:*}" "$dest" || return 1
	done
	key=$cache/$$-$RANDOM.cpio
	guest_pack "$root" "$key.more" && cat "$base" "$key.more" >"$key" || return 1
	rm -rf "$root" "$key.more"
	echo "$key"
}

# no_timer_check: on a busy machine the kernel's test of the emulated timer fails, and it panics
guest_arguments() { # INITRAMFS CONSOLE: what every guest is started with
	guest_argv=(qemu-system-x86_64 -accel tcg -m 256 -display none -nodefaults -no-user-config
		-no-reboot -kernel "$(guest_kernel)" -initrd "$1"
		-append "console=ttyS0 quiet panic=-1 no_timer_check ${guest_append[*]-}"
		-serial "file:$2" -device virtio-serial-pci)
}

guest_run() { # SECONDS COMMAND [FILE[:DEST]...]
	local limit=$1 dir image status
	dir=$(mktemp -d)
	printf '%s\n' "$2" >"$dir/run.sh"
	shift 2
	image=$(guest_image "$dir/run.sh:run.sh" "$@") || return 250
	guest_arguments "$image" "$dir/console"
	timeout -k 5 "$limit" "${guest_argv[@]}" -chardev "file,id=out,path=$dir/out" \
		-device virtserialport,chardev=out,name=kvmtime.out \
		"${guest_qemu[@]+"${guest_qemu[@]}"}" </dev/null >&2
	status=$(sed -n 's/^kvt-status //p' "$dir/out" 2>/dev/null | tail -n 1)
	sed '/^kvt-status /d' "$dir/out" 2>/dev/null
	[ -n "$status" ] || tail -n 20 "$dir/console" >&2
	rm -rf "$dir" "$image"
	return "${status:-250}"
}

guest_start() { # FOLDER [FILE[:DEST]...]
	local dir=$1 tries name
	mkdir -p "$dir" && rm -f "$dir/console" || return 1
	shift
	guest_arguments "$(guest_image "$@")" "$dir/console"
	for name in qga:org.qemu.guest_agent.0 clock:kvmtime.clock; do
		guest_argv+=(-chardev "socket,id=${name%%:*},path=$dir/${name%%:*},server=on,wait=off"
			-device "virtserialport,chardev=${name%%:*},name=${name#*:}")
	done
	guest_argv+=(-qmp "unix:$dir/qmp,server=on,wait=off" "${guest_qemu[@]+"${guest_qemu[@]}"}")
	printf '%s\0' "${guest_argv[@]}" >"$dir/argv"
	guest_launch "$dir" "${guest_argv[@]}"
	for ((tries = 0; tries < 600; tries++)); do
		grep -q 'kvt-guest: up' "$dir/console" 2>/dev/null && return 0
		kill -0 "$(cat "$dir/pid")" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir/qemu.log" "$dir/console" >&2
	guest_stop "$dir"
	return 1
}

guest_launch() { # FOLDER ARGUMENT...
	local dir=$1
	shift
	"$@" </dev/null >"$dir/qemu.log" 2>&1 &
	echo $! >"$dir/pid"
}

guest_qmp() { # FOLDER COMMAND [JSON]
	"$partners_source/ask.py" qmp "$1/qmp" "${@:2}"
}

guest_sh() { # FOLDER COMMAND
	"$partners_source/ask.py" agent "$1/qga" guest-exec "$(/usr/bin/python3 -c 'import json, sys
print(json.dumps({"path": "/bin/sh", "arg": ["-c", sys.argv[1]]}))' "$2")" >/dev/null
}

guest_await() { # FOLDER QMP-COMMAND PATTERN: the answer comes to match it
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		guest_qmp "$1" "$2" 2>/dev/null | grep -q "$3" && return 0
		kill -0 "$(cat "$1/pid")" 2>/dev/null || break
		sleep 0.1
	done
	return 1
}

guest_save() { # FOLDER
	guest_qmp "$1" stop >/dev/null &&
		guest_qmp "$1" migrate "{\"uri\":\"exec:cat >$1/saved\"}" >/dev/null &&
		guest_await "$1" query-migrate '"status": "completed"' || return 1
	guest_stop "$1"
}

guest_restore() { # FOLDER
	local argv
	mapfile -d '' argv <"$1/argv"
	guest_launch "$1" "${argv[@]}" -incoming "exec:cat $1/saved"
	guest_await "$1" query-status '"status": "\(paused\|postmigrate\|prelaunch\)"' || return 1
	guest_qmp "$1" cont >/dev/null
}

guest_stop() { # FOLDER
	local pid tries
	pid=$(cat "$1/pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	for ((tries = 0; tries < 60; tries++)); do # it may be another shell's child
		kill -0 "$pid" 2>/dev/null || break
		[ $tries -ne 40 ] || kill -KILL "$pid" 2>/dev/null
		sleep 0.05
	done
	rm -f "$1/pid"
}

guest_xml() { # NAME CONSOLE [INITRAMFS]
	local image=${3:-}
	[ -n "$image" ] || image=$(guest_image) || return 1
	cat <<-EOT
		<domain type='qemu'>
		  <name>$1</name>
		  <memory unit='MiB'>256</memory>
		  <vcpu>1</vcpu>
		  <os>
		    <type arch='x86_64' machine='pc'>hvm</type>
		    <kernel>$(realpath "$(guest_kernel)")</kernel>
		    <initrd>$(realpath "$image")</initrd>
		    <cmdline>console=ttyS0 quiet panic=-1 no_timer_check ${guest_append[*]-}</cmdline>
		  </os>
		  <features><acpi/></features>
		  ${guest_clock_xml:-<clock offset='utc'/>}
		  <on_reboot>destroy</on_reboot>
		  <devices>
		    <serial type='file'><source path='$2'/><target port='0'/></serial>
		    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
		    <channel type='unix'>
		      <source mode='bind' path='${2%.log}.clock'/><target type='virtio' name='kvmtime.clock'/>
		    </channel>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	EOT
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	[ "${1-}" = run ] || { echo "usage: guest.sh run SECONDS COMMAND [FILE...]" >&2; exit 2; }
	why=$(guest_missing)
	[ -z "$why" ] || { echo "$why" >&2; exit 77; }
	shift
	guest_run "$@"
fi
