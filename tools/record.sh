#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Writes a record of this machine's time facts to standard output, for machines on which kvmtime
# itself cannot run:  ssh old sh <record.sh | kvmtime check -
# Wants a POSIX shell, sed and grep; perl or adjtimex for the kernel's NTP state. Reads only, writes
# no file. Keeps known words and lines about time. Instead of host names, servers, addresses and UUIDs
# stand "host", "server", "ADDRESS" and "UUID", without the numbers by which kvmtime record tells them
# apart. "record.sh --files" prints the list of files, each with its filter; it is that of
# src/check/record_write.c, and a test compares the two.
LC_ALL=C
export LC_ALL
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

words='clocksource|clock|tsc|notsc|no-kvmclock|no-kvmclock-vsyscall|no-steal-acc|divider|lpj|clocksource_failover|emergency|idle|processor.max_cstate|intel_idle.max_cstate|noapictimer|nohz|highres|hpet|nomodule'
flags='tsc|constant_tsc|nonstop_tsc|tsc_reliable|tsc_known_freq|tsc_adjust|tsc_scale|tsc_scaling|hypervisor|rdtscp|vmx|svm'
options='iburst|burst|prefer|require|trust|noselect|xleave|offline|true|nts|minpoll|maxpoll|maxsources|polltarget|version|stratum|minstratum|key'
lines='unstable|clocksource|TSC|tsc:|kvm-clock|kvm-stealtime|kvm-guest: stealtime|lost ticks|timer tick|soft lockup|detected stall|PM-Timer|hctosys|system clock|RTC|rtc interrupts|time\.c|timer period limited|calibration|high-res timesource|vmclock|hypercall|leap second|lpj|HRT compatible|clock=|hrtimer|chronyd|ntpd|Hypervisor detected|Booting paravirtualized kernel on|ACPI: RSDP'

prefix() { sed 's/^/|/'; }

# file and a filter that reads it on standard input; $shown is what to call it, if not by its name
shown=
put() {
	file=$1
	shift
	[ -f "$file" ] || return 0
	if [ ! -r "$file" ]; then
		echo "! ${shown:-$file} Permission denied"
		return 0
	fi
	echo "= ${shown:-$file}"
	"$@" <"$file" 2>/dev/null | prefix
}

# UUIDs and machine ids, network cards, IPv6 (seven colons, or "::"), IPv4
hex='[0-9a-fA-F]'
whole() {
	sed -e "s/$hex\{8\}-$hex\{4\}-$hex\{4\}-$hex\{4\}-$hex\{12\}/UUID/g" -e "s/$hex\{32\}/UUID/g" \
		-e "s/\($hex\{2\}[:-]\)\{5\}$hex\{2\}/ADDRESS/g" \
		-e "s/\($hex\{1,4\}:\)\{7\}$hex\{1,4\}/ADDRESS/g" \
		-e "s/[0-9a-fA-F:]*::[0-9a-fA-F:]*/ADDRESS/g" \
		-e '/Linux version /!s/[0-9]\{1,3\}\.[0-9]\{1,3\}\.[0-9]\{1,3\}\.[0-9]\{1,3\}/ADDRESS/g'
}

# sed commands that replace one name, a word by itself in a line with a space at both ends
name_script() { # name, stand-in
	[ -n "$1" ] && [ "$1" != localhost ] || return 0
	plain=$(printf '%s' "$1" | tr -c 'A-Za-z0-9-' '.')
	command="s/\\([^A-Za-z0-9_.-]\\)$plain\\([^A-Za-z0-9_-]\\)/\\1$2\\2/g"
	printf '%s\n%s\n' "$command" "$command"
}

script=
learn() {
	script="$script
$(name_script "$1" "$2")"
}

# this machine's name, the servers of the configuration, syslog's word for the host, and whatever
# has a domain; behind the kernel's release, which has dots too, nothing is left
names() {
	sed -e 's/^/ /' -e 's/$/ /' -e "$script" \
		-e 's/^\( \(\[[ 0-9.]*\] \)*[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]\{8\} \)[^ :]\{1,\} /\1host /' \
		-e 's/^\( \(\[[ 0-9.]*\] \)*[0-9]\{4\}-[0-9][0-9]-[0-9][0-9]T[0-9:.,+Z-]* \)[^ :]\{1,\} /\1host /' \
		-e '/Linux version /!s/\([A-Za-z0-9-]\{1,\}\.\)\{1,\}[A-Za-z]\{2,\}\([^A-Za-z0-9_-]\)/server\2/g' \
		-e 's/^ //' -e 's/ $//'
}

there() { if [ -e "$1" ]; then echo "= $1/exists"; fi; }

# the words about time of a command line, up to "--"
boot_words() {
	for word in $(sed -e 's/ -- .*//' | tr -d "\"'*?[" | tr '\t' ' '); do
		printf '%s\n' "$word" | grep -E "^($words)(=|\$)"
	done | tr '\n' ' ' | sed 's/ $//'
	echo
}

cpuinfo() {
	while IFS= read -r line; do
		case $line in
		processor* | vendor_id* | 'cpu family'* | model* | 'cpu MHz'* | 'physical id'*)
			printf '%s\n' "$line" ;;
		flags* | 'vmx flags'*)
			if [ "$line" != "${seen:-}" ]; then
				seen=$line
				short="${line%%:*}: $(printf '%s\n' "${line#*:}" | tr ' ' '\n' |
					grep -E "^($flags)\$" | tr '\n' ' ')"
			fi
			printf '%s\n' "$short" ;;
		esac
	done
}

grub() {
	grep -E '^[[:space:]]*GRUB_CMDLINE_LINUX(_DEFAULT)?=' | while IFS= read -r line; do
		printf '%s="%s"\n' "${line%%=*}" "$(printf '%s\n' "${line#*=}" | boot_words)"
	done
}

legacy() {
	grep -E '^[[:space:]]*kernel[[:space:]]' | while IFS= read -r line; do
		printf 'kernel /vmlinuz %s\n' "$(printf '%s\n' "$line" | boot_words)"
	done
}

# a server's name goes, its plain options stay; a remark behind a line goes
server_line() {
	printf '%s' "$1"
	shift
	while case ${1:-} in -*) true ;; *) false ;; esac do shift; done
	case ${1:-} in
	'') ;;
	127.127.*) printf ' %s' "$1" ;;
	*) printf ' server' ;;
	esac
	[ $# = 0 ] || shift
	for word; do
		printf '%s\n' "$word" | grep -E "^($options|[0-9+-]+)\$"
	done | sed 's/^/ /' | tr -d '\n'
	echo
}

time_config() {
	grep -E '^[[:space:]]*(server|pool|peer|makestep|refclock|tinker|rtcsync|rtcfile|fudge|leapsectz|maxslewrate)' |
		sed 's/#.*//' | while IFS= read -r line; do
		set -f
		# shellcheck disable=SC2086 # words
		set -- $line
		case ${1:-} in
		server | pool | peer) server_line "$@" ;;
		*) printf '%s\n' "$line" | names | whole ;;
		esac
	done
}

first_cpu() { grep '^cpu '; }
os_lines() { grep -E '^(ID|VERSION_ID|NAME|PRETTY_NAME)='; }
agent() { grep guest-set-time; }
guests() { grep -E '^[[:space:]]*(ON_SHUTDOWN|SYNC_TIME)='; }
asset() { grep -E '^(7783-7084-3265-9085-8269-3286-77|OracleCloud.com)$'; }

# "synchronised yes|no" and what else the tool at hand says
ntp() {
	# shellcheck disable=SC2016 # it is perl's dollar
	state=$(perl -e '
		$b = "\0" x 256; $n = (`uname -m` =~ /64/) ? 159 : 124; $n == 124 || length(pack("l!", 0)) == 8 || exit 1;
		$r = syscall($n, $b); exit 1 if $r < 0;
		($m, $o, $f, $x, $e, $s) = length(pack("l!", 0)) == 8 ? unpack("L x4 q q q q l", $b) : unpack("L l l l l l", $b);
		printf "synchronised %s\nfrequency_ppm %.3f\nmaxerror_us %d\nesterror_us %d\nstatus %d\n",
			($r == 5 || $s & 64) ? "no" : "yes", $f / 65536, $x, $e, $s;' 2>/dev/null) ||
		state=$(adjtimex 2>/dev/null | sed -n \
			-e 's/.*return value: *5.*/synchronised no/p' -e 's/.*return value: *[0-4].*/synchronised yes/p')
	[ -n "$state" ] || state=$(busybox adjtimex 2>/dev/null | sed -n \
		-e 's/.*return value: *5.*/synchronised no/p' -e 's/.*return value: *[0-4].*/synchronised yes/p')
	[ -n "$state" ] || return 0
	echo '= /kvmtime/adjtimex'
	printf '%s\n' "$state" | prefix
}

processes() {
	echo '= /kvmtime/processes'
	for dir in /proc/[0-9]*; do
		name=$(sed -n 's/^Name:[[:space:]]*//p' "$dir/status" 2>/dev/null)
		case $name in
		chronyd | ntpd | systemd-timesyncd | systemd-timesyn | openntpd | phc2sys | ptp4l | \
			timemaster | ntpd-rs | ntp-daemon | qemu-ga | vmtoolsd | kvmtimed)
			options=$(tr '\000' '\n' <"$dir/cmdline" 2>/dev/null | grep -E '^-[xg]$' | tr '\n' ' ')
			echo "|${dir#/proc/} $name $name $options" ;;
		esac
	done
}

tracking() {
	answer=$(chronyc -n -c tracking 2>/dev/null) || return 0
	rest=${answer#*,}
	name=${rest%%,*}
	case $name in PHC*) ;; *) name=server ;; esac
	echo '= /kvmtime/chronyc-tracking'
	echo "|0,$name,${rest#*,}"
}

log() {
	if text=$(dmesg 2>/dev/null) && [ -n "$text" ]; then
		echo '= /kvmtime/log'
		printf '%s\n' "$text" | sed 's/\(Linux version [^ ]*\).*/\1/' |
			grep -E "Linux version |$lines" | grep -v -i 'command line' | names | whole | prefix
	else
		echo '! /kvmtime/log Permission denied'
	fi
}

host=$(uname -n)
for name in "$host" "${host%%.*}" "$(cat /etc/hostname 2>/dev/null)"; do learn "$name" host; done
for name in $(cat /etc/chrony.conf /etc/chrony/chrony.conf /etc/chrony/*.d/* /etc/chrony.d/* /etc/ntp.conf \
	/etc/ntpsec/ntp.conf 2>/dev/null | tr '\t' ' ' |
	grep -E '^ *(server|pool|peer) ' | sed -e 's/#.*//' -e 's/ *$/ /' |
	sed -n 's/^ *[a-z]*  *\(-[46]  *\)*\([A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*\) .*/\2/p'); do
	learn "$name" server
done

if [ "${1:-}" = --files ]; then
	set -f
	put() { echo "$1 $2"; }
	there() { echo "$1"; }
	log() { exit 0; }
else
	echo 'kvmtime-record 1'
	echo '= /kvmtime/uname'
	echo "|release $(uname -r)"
	echo "|version $(uname -v)"
	echo "|machine $(uname -m)"
	ntp
	processes
	tracking
fi
cs=/sys/devices/system/clocksource/clocksource0
put $cs/current_clocksource whole
put $cs/available_clocksource whole
put /proc/cpuinfo cpuinfo
put /proc/cmdline boot_words
put /proc/stat first_cpu
put /proc/2/comm whole
put /proc/xen/capabilities whole
put /proc/sys/xen/independent_wallclock whole
put /sys/hypervisor/type whole
for f in sys_vendor product_name bios_vendor bios_version; do put /sys/class/dmi/id/$f whole; done
put /sys/class/dmi/id/chassis_asset_tag asset
for f in /sys/class/ptp/*/clock_name; do put "$f" whole; done
for f in /sys/class/rtc/rtc0 /dev/kvm /sys/module/kvm_intel /sys/module/kvm_amd /sys/module/kvm_pvm; do there $f; done
put /sys/module/kvm_intel/refcnt whole
put /sys/module/kvm_amd/refcnt whole
put /sys/module/kvm_amd/parameters/tsc_scaling whole
for f in ignore_msrs kvmclock_periodic_sync min_timer_period_us tsc_tolerance_ppm; do
	put /sys/module/kvm/parameters/$f whole
done
cpu=/sys/devices/system/cpu
put $cpu/cpuidle/current_driver whole
for f in "$cpu"/cpu0/cpuidle/*/name "$cpu"/cpu0/cpuidle/*/disable "$cpu"/*/cpufreq/scaling_governor \
	"$cpu"/*/cpufreq/scaling_min_freq "$cpu"/*/cpufreq/cpuinfo_max_freq; do
	put "$f" whole
done
put /etc/os-release os_lines
for f in /etc/redhat-release /etc/SuSE-release /etc/debian_version; do put $f whole; done
put /etc/default/grub grub
put /boot/grub/grub.conf legacy
put /boot/grub/menu.lst legacy
put /etc/kernel/cmdline boot_words
put /etc/chrony.conf time_config
put /etc/chrony/chrony.conf time_config
for folder in /etc/chrony/conf.d /etc/chrony/sources.d /etc/chrony.d; do
	place=0
	for f in "$folder"/*; do
		place=$((place + 1))
		# people name these files: only the place and the ending are told
		case $f in *.conf) ending=.conf ;; *.sources) ending=.sources ;; *) ending= ;; esac
		shown=$(printf '%s/file-%03d%s' "$folder" "$place" "$ending")
		put "$f" time_config
		shown=
	done
done
put /etc/ntp.conf time_config
put /etc/ntpsec/ntp.conf time_config
put /etc/adjtime whole
for f in /etc/sysconfig/qemu-ga /etc/default/qemu-guest-agent /etc/qemu/qemu-ga.conf; do put $f agent; done
for f in /etc/sysconfig/libvirt-guests /etc/default/libvirt-guests; do put $f guests; done
put /etc/tuned/active_profile whole
put /run/systemd/container whole
log
echo end
