#!/usr/bin/env bash
# Five machines with faults in every kind of file: fixed, waiting, mended as configured, undone.
# shellcheck source-path=SCRIPTDIR disable=SC2016
. "${KVT_SOURCE:?}/tests/e2e/tap.sh" || exit 1
export TZ=UTC

ls "$KVT_BUILD"/modules/kvmtime-fix.so >/dev/null 2>&1 || skip_all "kvmtime-fix is not built: no Augeas"
. "$KVT_SOURCE/tests/e2e/fix_tree.sh"

host() { # folder, kernel release, vendor, family, flags
	mkdir -p "$1/etc" "$1/proc" "$1/dev/kvm" "$1/sys/module/kvm/parameters"
	printf 'release %s\nmachine x86_64\n' "$2" | put "$1/kvmtime/uname"
	printf '1 0 0 0 1 0\n80000007 0 0 0 0 0\n' | put "$1/kvmtime/cpuid"
	printf 'processor\t: 0\nvendor_id\t: %s\ncpu family\t: %s\nmodel\t\t: 65\nflags\t\t: %s\n' "$3" "$4" "$5" |
		put "$1/proc/cpuinfo"
	echo hpet | put "$1/sys/devices/system/clocksource/clocksource0/current_clocksource"
	echo "hpet acpi_pm" | put "$1/sys/devices/system/clocksource/clocksource0/available_clocksource"
	for cpu in 0 1; do
		echo ondemand | put "$1/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor"
		echo 1000000 | put "$1/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_min_freq"
		echo 2600000 | put "$1/sys/devices/system/cpu/cpu$cpu/cpufreq/cpuinfo_max_freq"
		echo "2600000 2400000 1000000" |
			put "$1/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_available_frequencies"
		echo C3 | put "$1/sys/devices/system/cpu/cpu$cpu/cpuidle/state3/name"
	done
	printf 'synchronised no\noffset_ns 0\nfrequency_ppm 0\nmaxerror_us 16000000\nesterror_us 16000000\nstatus 64\n' |
		put "$1/kvmtime/adjtimex"
	put "$1/kvmtime/processes" </dev/null
	echo kthreadd | put "$1/proc/2/comm"
}

# ---- RHEL 6, a guest: the boot line of document 001, ntpd with everything wrong ----

m=$tmp/rhel6
guest "$m" 2.6.32-358.18.1.el6.x86_64 "notsc divider=10 clocksource_failover=acpi_pm"
echo "Red Hat Enterprise Linux Server release 6.4 (Santiago)" | put "$m/etc/redhat-release"
echo "812 ntpd ntpd -x -u ntp:ntp" | put "$m/kvmtime/processes"
put "$m/sbin/service" </dev/null
put "$m/boot/grub/grub.conf" <<'EOF'
default=0
title Red Hat Enterprise Linux (2.6.32-358.18.1.el6.x86_64)
        root (hd0,0)
kernel /vmlinuz-2.6.32-358.18.1.el6.x86_64 ro root=UUID=a4eea0d1-3150-4b3f-bc4b-204413280ac7 rd_NO_LUKS notsc divider=10 clocksource_failover=acpi_pm
	initrd /initramfs-2.6.32-358.18.1.el6.x86_64.img
EOF
put "$m/etc/ntp.conf" <<'EOF'
# the site's own
driftfile /var/lib/ntp/drift
server 0.rhel.pool.ntp.org iburst true
server 1.rhel.pool.ntp.org iburst
server	127.127.1.0	# local clock
fudge	127.127.1.0 stratum 10
EOF
echo 'OPTIONS="-x -u ntp:ntp -p /var/run/ntpd.pid"   # kept' | put "$m/etc/sysconfig/ntpd"
printf '0.0 0 0.0\n0\nLOCAL\n' | put "$m/etc/adjtime"
printf 'ZONE="Europe/Berlin"\nUTC=false\n' | put "$m/etc/sysconfig/clock"
printf '# keep\nBLACKLIST_RPC="guest-file-open,guest-set-time"\n' | put "$m/etc/sysconfig/qemu-ga"

# ---- RHEL 6, a host of document 000: no constant TSC, its own grub.conf without the word ----

m=$tmp/rhel6host
host "$m" 2.6.32-330.el6.x86_64 AuthenticAMD 15 "tsc svm"
put "$m/proc/cmdline" <<<"ro root=/dev/VolGroup00/LogVol00 rhgb quiet"
put "$m/sbin/service" </dev/null
put "$m/boot/grub/grub.conf" <<'EOF'
title Red Hat Enterprise Linux (2.6.32-330.x86_64)
        root (hd0,0)
	kernel /vmlinuz-2.6.32-330.x86_64 ro root=/dev/VolGroup00/LogVol00 rhgb \
   quiet
EOF
printf '# speeds\nMIN_SPEED=\nMAX_SPEED=\nGOVERNOR=ondemand\n' | put "$m/etc/sysconfig/cpuspeed"
put "$m/etc/rc.d/rc3.d/S13cpuspeed" </dev/null
put "$m/etc/ntp.conf" <<<"server 127.127.1.0"

# ---- RHEL 7, a guest: document 001's emergency, chrony that steps thrice ----

m=$tmp/rhel7
guest "$m" 3.10.0-1160.el7.x86_64 "emergency no-kvmclock lpj=100"
mkdir -p "$m/etc/systemd/system"
put "$m/etc/default/grub" <<<'GRUB_CMDLINE_LINUX="emergency no-kvmclock lpj=100"'
echo "611 chronyd chronyd" | put "$m/kvmtime/processes"
printf 'pool 2.centos.pool.ntp.org iburst\nmakestep 10 3\n' | put "$m/etc/chrony.conf"
printf 'BLOCK_RPCS=guest-set-time\n' | put "$m/etc/sysconfig/qemu-ga"
printf '0.0 0 0.0\n0\nLOCAL\n' | put "$m/etc/adjtime"

# ---- RHEL 9, a host with entries, grubby, module options and guests that it suspends ----

m=$tmp/rhel9
host "$m" 5.14.0-362.el9.x86_64 GenuineIntel 6 "tsc vmx"
put "$m/proc/cmdline" <<<"ro quiet divider=10 clocksource-failover=x tsc=reliable"
mkdir -p "$m/etc/systemd/system/multi-user.target.wants"
put "$m/usr/sbin/grubby" </dev/null
echo Y | put "$m/sys/module/kvm/parameters/ignore_msrs"
echo N | put "$m/sys/module/kvm/parameters/kvmclock_periodic_sync"
printf '# macOS is gone\noptions kvm ignore_msrs=1 kvmclock_periodic_sync=0\noptions kvm_intel nested=1\n' |
	put "$m/etc/modprobe.d/kvm.conf"
echo intel_idle | put "$m/sys/devices/system/cpu/cpuidle/current_driver"
put "$m/etc/default/grub" <<<'GRUB_CMDLINE_LINUX="quiet divider=10 clocksource-failover=x tsc=reliable"'
put "$m/etc/kernel/cmdline" <<<"ro quiet divider=10 clocksource-failover=x tsc=reliable"
put "$m/boot/loader/entries/1-5.14.0-362.conf" <<'EOF'
title Red Hat Enterprise Linux 9
linux /vmlinuz-5.14.0-362.el9.x86_64
options ro quiet divider=10 clocksource-failover=x tsc=reliable $tuned_params
EOF
echo 'CPUPOWER_START_OPTS="frequency-set -g ondemand"' | put "$m/etc/sysconfig/cpupower"
ln -s /usr/lib/systemd/system/cpupower.service "$m/etc/systemd/system/multi-user.target.wants/cpupower.service"
put "$m/usr/lib/systemd/system/cpupower.service" </dev/null
printf 'ON_SHUTDOWN=suspend\n#SYNC_TIME=1\n' | put "$m/etc/sysconfig/libvirt-guests"

# ---- SLES 15, a guest ----

m=$tmp/sles15
guest "$m" 5.3.18-150300.59-default "clock=pmtmr notsc"
echo "SUSE Linux Enterprise Server 15 SP3" | put "$m/etc/SuSE-release"
mkdir -p "$m/usr/lib/systemd" "$m/usr/bin"
put "$m/usr/lib/systemd/systemd" </dev/null
put "$m/usr/bin/zypper" </dev/null
printf "GRUB_CMDLINE_LINUX_DEFAULT='splash=silent clock=pmtmr'\nGRUB_CMDLINE_LINUX=notsc\n" | put "$m/etc/default/grub"
printf '400 chronyd chronyd\n401 ntpd ntpd -g\n' | put "$m/kvmtime/processes"
printf 'pool a iburst\nmakestep 1.0 3\n' | put "$m/etc/chrony.conf"
printf 'server a\nserver b true\nserver 127.127.1.0\n' | put "$m/etc/ntp.conf"

# ---- Debian 12, a guest ----

m=$tmp/debian12
guest "$m" 6.1.0-18-amd64 "quiet notsc tsc=nowatchdog"
sed -i 's/ constant_tsc//' "$m/proc/cpuinfo"
printf '40000000 0 40000001 4b4d564b 564b4d56 4d\n40000001 0 1000a3b 0 0 0\n1 0 0 0 80000000 0\n80000007 0 0 0 0 0\n' |
	put "$m/kvmtime/cpuid"
echo 12.5 | put "$m/etc/debian_version"
mkdir -p "$m/etc/systemd/system"
put "$m/etc/default/grub" <<<'GRUB_CMDLINE_LINUX_DEFAULT="quiet notsc"'
put "$m/etc/default/grub.d/50-cloud.cfg" <<<'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX tsc=nowatchdog"'
echo "612 ntpd ntpd -x" | put "$m/kvmtime/processes"
printf 'pool 0.debian.pool.ntp.org iburst\n' | put "$m/etc/ntpsec/ntp.conf"
printf 'NTPD_OPTS="-x -N"\nIGNORE_DHCP=""\n' | put "$m/etc/default/ntpsec"
printf '[general]\ndaemon=1\nblock-rpcs=guest-set-time,guest-exec\n' | put "$m/etc/qemu/qemu-ga.conf"

# ---- an old Xen guest: sysctl ----

m=$tmp/xen
mkdir -p "$m/etc"
printf 'release 2.6.18-8.el5xen\nmachine x86_64\n' | put "$m/kvmtime/uname"
put "$m/sys/hypervisor/type" <<<xen
put "$m/proc/cmdline" <<<ro
put "$m/proc/cpuinfo" <<<"flags : hypervisor"
put "$m/proc/sys/xen/independent_wallclock" <<<0
printf '# kernel\nnet.ipv4.ip_forward = 0\nxen/independent_wallclock=0\n' | put "$m/etc/sysctl.conf"

# id lists: what files mend, what commands alone mend
declare -A files=(
	[rhel6]="KVT-0212 KVT-0213 KVT-0215 KVT-0304 KVT-0306 KVT-0307 KVT-0403 KVT-0406 KVT-0413"
	[rhel6host]="KVT-0111 KVT-0112 KVT-0304"
	[rhel7]="KVT-0210 KVT-0215 KVT-0307 KVT-0401 KVT-0402 KVT-0407"
	[rhel9]="KVT-0111 KVT-0112 KVT-0116 KVT-0117 KVT-0119 KVT-0406 KVT-0411 KVT-0412"
	[sles15]="KVT-0210 KVT-0304 KVT-0306 KVT-0403 KVT-0408"
	[debian12]="KVT-0212 KVT-0213 KVT-0215 KVT-0403 KVT-0411"
	[xen]="KVT-0227"
)
declare -A commands=([rhel6]="" [rhel6host]="KVT-0301" [rhel7]="" [rhel9]="KVT-0301" [sles15]="KVT-0302" [debian12]="" [xen]="")

for name in rhel6 rhel6host rhel7 rhel9 sles15 debian12 xen; do
	dir=$tmp/$name
	dress "$dir"
	manifest "$dir" >"$tmp/before"
	plan=$(planned "$dir")
	want=${files[$name]}
	is "$name: what files mend is planned, what commands alone mend is listed, nothing is refused" \
		"$(tr -s ' ' <<<"$plan")" "$(tr -s ' ' <<<"$want | ${commands[$name]} |" | sed 's/ $//')"
	"$kvmtime" fix --apply "$dir" >"$tmp/applied" 2>&1
	is "$name: applying ends well" $? 0
	# libvirt-guests reads its file when it is needed: nothing waits
	is "$name: each of them waits for reboot or restart" "$(waiting "$dir")" "${want/KVT-0119 /}"
	left=$(ids --as-configured "$dir")
	is "$name: as configured there is none" \
		"$(comm -12 <(tr ' ' '\n' <<<"$left" | sort) <(tr ' ' '\n' <<<"$want" | sort))" ""
	is "$name: a changed file keeps owner, mode, label, ACL and attributes" \
		"$(cd "$dir" && find etc boot -newermt 2021-01-01 -type f 2>/dev/null | while read -r f; do
			stat -c '%a %u:%g' "$f"
			getfattr -d -m - -e hex "$f" | grep -v '^#'
		done | sort -u | wc -l)" \
		"$(cd "$dir" && find etc boot -newermt 2021-01-01 -type f 2>/dev/null | head -1 | while read -r f; do
			stat -c '%a %u:%g' "$f"
			getfattr -d -m - -e hex "$f" | grep -v '^#'
		done | sort -u | wc -l)"
	"$kvmtime" undo "$dir" >/dev/null
	is "$name: undo brings back content, mode, owner, attributes, label, ACL and time" \
		"$(manifest "$dir")" "$(cat "$tmp/before")"
	is "$name: and then nothing waits" "$(waiting "$dir")" ""
	"$kvmtime" fix --apply "$dir" >/dev/null
done

# ---- what the files look like then ----

is "rhel6: document 001's line has lost its words" "$(grep '^kernel' "$tmp/rhel6/boot/grub/grub.conf")" \
	"kernel /vmlinuz-2.6.32-358.18.1.el6.x86_64 ro root=UUID=a4eea0d1-3150-4b3f-bc4b-204413280ac7 rd_NO_LUKS"
is "rhel6: ntp.conf" "$(cat "$tmp/rhel6/etc/ntp.conf")" "tinker panic 0
# the site's own
driftfile /var/lib/ntp/drift
server 0.rhel.pool.ntp.org iburst
server 1.rhel.pool.ntp.org iburst"
is "rhel6: sysconfig of ntpd keeps its comment" "$(cat "$tmp/rhel6/etc/sysconfig/ntpd")" \
	'OPTIONS="-u ntp:ntp -p /var/run/ntpd.pid"   # kept'
is "rhel6: the hardware clock in both files" "$(sed -n 3p "$tmp/rhel6/etc/adjtime"; grep UTC "$tmp/rhel6/etc/sysconfig/clock")" \
	"UTC
UTC=true"
is "rhel6: the agent's list" "$(grep -v '#' "$tmp/rhel6/etc/sysconfig/qemu-ga")" 'BLACKLIST_RPC="guest-file-open"'
is "rhel6host: document 000's words on its continued line" "$(tail -2 "$tmp/rhel6host/boot/grub/grub.conf")" \
	"	kernel /vmlinuz-2.6.32-330.x86_64 ro root=/dev/VolGroup00/LogVol00 rhgb \\
   quiet processor.max_cstate=1"
is "rhel6host: document 000's cpuspeed" "$(grep SPEED "$tmp/rhel6host/etc/sysconfig/cpuspeed")" "MIN_SPEED=2600000
MAX_SPEED=2600000"
is "rhel7: emergency is gone" "$(cat "$tmp/rhel7/etc/default/grub")" 'GRUB_CMDLINE_LINUX=""'
is "rhel9: the entry, with intel_idle's own word" "$(grep options "$tmp/rhel9/boot/loader/entries/"*)" \
	'options ro quiet $tuned_params processor.max_cstate=1 intel_idle.max_cstate=0'
is "rhel9: /etc/kernel/cmdline is for kernels to come" "$(cat "$tmp/rhel9/etc/kernel/cmdline")" \
	"ro quiet processor.max_cstate=1 intel_idle.max_cstate=0"
is "rhel9: modprobe.d without the empty line" "$(cat "$tmp/rhel9/etc/modprobe.d/kvm.conf")" \
	"# macOS is gone
options kvm_intel nested=1"
like "rhel9: grubby's line is named" "$("$kvmtime" undo "$tmp/rhel9" >/dev/null; "$kvmtime" fix "$tmp/rhel9")" \
	"^same as +grubby --update-kernel=ALL --remove-args='divider'"
is "debian12: ntpsec's options" "$(head -1 "$tmp/debian12/etc/default/ntpsec")" 'NTPD_OPTS="-N"'
is "debian12: the agent's list" "$(tail -1 "$tmp/debian12/etc/qemu/qemu-ga.conf")" 'block-rpcs=guest-exec'
is "xen: the line that was there is changed" "$(tail -1 "$tmp/xen/etc/sysctl.conf")" 'xen/independent_wallclock=1'

# ---- a machine that was booted since no longer waits ----

mkdir -p "$tmp/rhel7/var/log"
touch -d '+1 hour' "$tmp/rhel7/var/log/wtmp"
is "after a boot the daemon has read its file" "$(waiting "$tmp/rhel7" | grep -c KVT-0210)" 0

# ---- grubby where the boot loader's files are unknown; without it, a word by hand ----

guest "$tmp/other" 5.14.0-362.el9.x86_64 "notsc"
like "no known file: by hand" "$("$kvmtime" fix KVT-0403 "$tmp/other")" 'no boot loader.s file that is known here'
put "$tmp/other/usr/sbin/grubby" </dev/null
like "no known file: grubby's command" "$("$kvmtime" fix KVT-0403 "$tmp/other")" \
	"^by hand +grubby --update-kernel=ALL --remove-args='notsc'"
is "no plan speaks of emergency but to remove it" \
	"$(for name in rhel6 rhel7 rhel9 sles15 debian12; do "$kvmtime" undo -q "$tmp/$name"; "$kvmtime" fix "$tmp/$name"; done 2>/dev/null |
		grep -w emergency | grep -c '^+')" 0
finish
