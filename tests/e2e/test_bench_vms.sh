#!/usr/bin/env bash
# Whoever would switch the clock source of a host whose VMs run is refused, and told their names. The
# host is made up, in a mount namespace of its own: a table of processes, a folder of clock sources.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "a mount namespace takes root"
folder=/sys/devices/system/clocksource/clocksource0
[ -d $folder ] || skip_all "no clock source in sysfs"
unshare -m true 2>"$tmp/err" || skip_all "no mount namespace here: $(head -n 1 "$tmp/err")"

mkdir "$tmp/sources" "$tmp/proc"
echo tsc >"$tmp/sources/current_clocksource"
echo "tsc hpet acpi_pm " >"$tmp/sources/available_clocksource"
vm() { # PID, COMM, words of the command line...
	mkdir -p "$tmp/proc/$1/fd"
	ln -s anon_inode:kvm-vm "$tmp/proc/$1/fd/12"
	echo "$2" >"$tmp/proc/$1/comm"
	printf '%s\0' "${@:3}" >"$tmp/proc/$1/cmdline"
}
# shellcheck disable=SC2016
on_host() { # the words after kvmtime bench
	unshare -m sh -ec 'mount --make-rprivate /
		mount --bind "$1/sources" '$folder'
		mount --bind "$1/proc" /proc
		shift
		exec "$@"' sh "$tmp" "$kvmtime" bench "$@"
}
current() { cat "$tmp/sources/current_clocksource"; }

on_host --switch --sources tsc,acpi_pm --csv --budget 0.1 -- true >"$tmp/out" 2>"$tmp/err"
status=$?
[ $status = 3 ] && grep -q 'mount\|read-only' "$tmp/err" && skip_all "$(head -n 1 "$tmp/err")"
is "a host without VMs is switched" $status 0
like "to the other source" "$(cat "$tmp/out")" '^0,acpi_pm,[0-9.]+,'
is "and back" "$(current)" tsc

vm 4711 qemu-system-x86 qemu-system-x86_64 -name guest=web1,debug-threads=on -S
vm 4712 qemu-system-x86 qemu-system-x86_64 -name db
on_host --switch >"$tmp/out" 2>"$tmp/err"
is "a host whose VMs run is refused" $? 3
like "with the name of one" "$(cat "$tmp/err")" 'web1 \(qemu-system-x86, process 4711\)'
like "and of the other" "$(cat "$tmp/err")" 'db \(qemu-system-x86, process 4712\)'
like "and the option that does it all the same" "$(cat "$tmp/err")" '--with-running-vms'
is "nothing is printed as a result" "$(cat "$tmp/out")" ""
is "nothing was switched" "$(current)" tsc
on_host --switch --stability 1 >"$tmp/out" 2>"$tmp/err"
is "so is a watch of the rates" $? 3
on_host --switch --sources hpet,acpi_pm -- true >"$tmp/out" 2>"$tmp/err"
is "and a command" $? 3
on_host --switch --sources tsc,tsc --csv --budget 0.1 -- true >"$tmp/out" 2>"$tmp/err"
is "the source in use needs no switching, and no refusal" $? 0
on_host --switch --with-running-vms --sources tsc,hpet --csv --budget 0.1 -- true >"$tmp/out" 2>"$tmp/err"
is "--with-running-vms does it" $? 0
like "under the other source, too" "$(cat "$tmp/out")" '^0,hpet,[0-9.]+,'
is "and the first is back" "$(current)" tsc
finish
