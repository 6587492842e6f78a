/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/wanted.h"

#include <fnmatch.h>
#include <string.h>

#include "sys/root.h"

#define LOG_LIMIT (256u << 20)

/* Shell patterns; a star stays within its step. */
static const char *const files[] = {
	"/boot/grub/grub.conf",
	"/boot/grub/grubenv",
	"/boot/grub/menu.lst",
	"/boot/grub2/grubenv",
	"/boot/loader/entries/*.conf",
	"/dev/kvm/exists", /* of a record: a file may not be below a device */
	"/etc/SuSE-release",
	"/etc/adjtime",
	"/etc/chrony.conf",
	"/etc/chrony.d/*",
	"/etc/chrony/chrony.conf",
	"/etc/chrony/conf.d/*",
	"/etc/chrony/sources.d/*",
	"/etc/debian_version",
	"/etc/default/grub",
	"/etc/default/grub.d/*",
	"/etc/default/libvirt-guests",
	"/etc/default/ntp",
	"/etc/default/ntpsec",
	"/etc/default/qemu-guest-agent",
	"/etc/hostname",
	"/etc/kernel/cmdline",
	"/etc/libvirt/qemu/*.xml",
	"/etc/modprobe.d/*",
	"/etc/ntp.conf",
	"/etc/ntpsec/ntp.conf",
	"/etc/os-release",
	"/etc/qemu/qemu-ga.conf",
	"/etc/rc.d/rc3.d/*",
	"/etc/redhat-release",
	"/etc/sysconfig/cpupower",
	"/etc/sysconfig/cpuspeed",
	"/etc/sysconfig/libvirt-guests",
	"/etc/sysconfig/ntp",
	"/etc/sysconfig/ntpd",
	"/etc/sysconfig/qemu-ga",
	"/etc/sysctl.conf",
	"/etc/sysctl.d/*",
	"/etc/systemd/system/multi-user.target.wants/*",
	"/etc/systemd/timesyncd.conf",
	"/etc/tuned/active_profile",
	"/kvmtime/*",
	"/proc/1/comm",
	"/proc/2/comm",
	"/proc/cmdline",
	"/proc/cpuinfo",
	"/proc/stat",
	"/proc/sys/kernel/hostname",
	"/proc/sys/xen/independent_wallclock",
	"/proc/version",
	"/proc/xen/capabilities",
	"/run/systemd/container",
	"/sys/class/dmi/id/*",
	"/sys/class/ptp/*/clock_name",
	"/sys/class/rtc/rtc0/exists",
	"/sys/class/rtc/rtc0/name",
	"/sys/class/rtc/rtc0/since_epoch",
	"/sys/devices/*/ptp/*/clock_name",
	"/sys/devices/*/*/ptp/*/clock_name",
	"/sys/devices/system/clocksource/clocksource0/*_clocksource",
	"/sys/devices/system/cpu/cpu*/cpufreq/cpuinfo_max_freq",
	"/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
	"/sys/devices/system/cpu/cpu*/cpufreq/scaling_min_freq",
	"/sys/devices/system/cpu/cpu0/cpuidle/*/disable",
	"/sys/devices/system/cpu/cpu0/cpuidle/*/name",
	"/sys/devices/system/cpu/cpuidle/current_driver",
	"/sys/devices/virtual/dmi/id/*",
	"/sys/hypervisor/type",
	"/sys/module/*/exists",
	"/sys/module/*/initstate",
	"/sys/module/kvm*/parameters/*",
	"/sys/module/kvm*/refcnt",
	"/usr/lib/os-release",
	/* a sosreport's own; what they are read for says sos.c */
	"/date",
	"/dmidecode",
	"/hostname",
	"/version.txt",
	"/sos_commands/chrony/chronyc*tracking*",
	"/sos_commands/date/date*",
	"/sos_commands/date/hwclock",
	"/sos_commands/general/date",
	"/sos_commands/general/hostname",
	"/sos_commands/hardware/dmidecode",
	"/sos_commands/host/hostname",
	"/sos_commands/kernel/uname_-a",
	"/sos_commands/libvirt/virsh*dumpxml_*",
	"/sos_commands/ntp/ntp*",
	"/sos_commands/process/ps*",
	"/sos_commands/processor/cpuid_-r",
	"/sos_commands/processor/lscpu",
	"/sos_commands/systemd/timedatectl",
	"/sos_commands/virsh/virsh*dumpxml_*",
};

static const char *const logs[] = {
	"/kvmtime/log",
	"/sos_commands/general/dmesg",
	"/sos_commands/kernel/dmesg",
	"/sos_commands/kernel/dmesg_-T",
	"/sos_commands/logs/journalctl*",
	"/sos_commands/startup/dmesg",
	"/var/log/dmesg",
	"/var/log/kern.log*",
	"/var/log/messages*",
	"/var/log/syslog*",
};

/* Up to the first star both are the same: most paths need no pattern matching at all. */
static bool may_match(const char *pattern, const char *path)
{
	return strncmp(pattern, path, strcspn(pattern, "*")) == 0;
}

static bool matches(const char *const *patterns, gsize count, const char *path)
{
	for (gsize i = 0; i < count; i++)
		if (may_match(patterns[i], path) && fnmatch(patterns[i], path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

gsize kvt_wanted(const char *path)
{
	if (matches(logs, G_N_ELEMENTS(logs), path))
		return LOG_LIMIT;
	return matches(files, G_N_ELEMENTS(files), path) ? 16u * KVT_ROOT_FILE_LIMIT : 0;
}

/* how many slashes, and so steps, a path has */
static guint steps(const char *path)
{
	guint count = 0;

	for (; *path != '\0'; path++)
		count += *path == '/';
	return count;
}

/* the pattern up to its step number @count */
static bool begins_like(const char *pattern, const char *path, guint count)
{
	const char *end = pattern;
	g_autofree char *head = NULL;

	if (strncmp(pattern, path, MIN(strcspn(pattern, "*"), strlen(path))) != 0)
		return false;
	while (*end != '\0' && (*end != '/' || count-- > 0))
		end++;
	if (*end == '\0')
		return false;
	head = g_strndup(pattern, (gsize)(end - pattern));
	return fnmatch(head, path, FNM_PATHNAME) == 0;
}

bool kvt_wanted_parent(const char *path)
{
	const guint count = steps(path);

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
		if (begins_like(files[i], path, count))
			return true;
	for (gsize i = 0; i < G_N_ELEMENTS(logs); i++)
		if (begins_like(logs[i], path, count))
			return true;
	return false;
}
