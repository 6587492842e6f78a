/* SPDX-License-Identifier: BSD-2-Clause */
/* One file of a machine, chosen by the first byte, holds anything; the others are plain. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *path, *plain;
} files[] = {
	{ "/proc/cpuinfo",
	  "processor : 0\nvendor_id : GenuineIntel\nflags : tsc constant_tsc hypervisor\n" },
	{ "/proc/cmdline", "ro clocksource=tsc quiet\n" },
	{ "/proc/stat", "cpu 1 2 3 4 5 6 7 8 9 10\n" },
	{ "/proc/version", "Linux version 6.1.0 (Debian) #1\n" },
	{ "/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n" },
	{ "/etc/redhat-release", "Red Hat Enterprise Linux Server release 6.10\n" },
	{ "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"notsc\"\n" },
	{ "/boot/grub/grub.conf", "kernel /vmlinuz ro divider=10\n" },
	{ "/etc/chrony.conf", "server a iburst\nmakestep 1.0 3\nrefclock PHC /dev/ptp0\n" },
	{ "/etc/ntp.conf", "tinker panic 0\nserver a\nserver 127.127.1.0\n" },
	{ "/etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n" },
	{ "/etc/sysconfig/qemu-ga", "BLACKLIST_RPC=guest-set-time\n" },
	{ "/etc/sysconfig/libvirt-guests", "ON_SHUTDOWN=suspend\nSYNC_TIME=1\n" },
	{ "/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n" },
	{ "/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet\n" },
	{ "/sys/class/dmi/id/sys_vendor", "QEMU\n" },
	{ "/sys/class/ptp/ptp0/clock_name", "KVM virtual PTP\n" },
	{ "/sys/module/kvm/parameters/min_timer_period_us", "200\n" },
	{ "/kvmtime/cpuid", "1 0 0 0 80000000 0\n40000000 0 40000001 4b4d564b 564b4d56 4d\n" },
	{ "/kvmtime/adjtimex", "synchronised yes\noffset_ns 5\nfrequency_ppm 1.5\n" },
	{ "/kvmtime/uname", "release 2.6.32-642.el6.x86_64\nversion #1 SMP\nmachine x86_64\n" },
	{ "/kvmtime/processes", "1 chronyd /usr/sbin/chronyd -F 1\n2 ntpd /usr/sbin/ntpd -x\n" },
	{ "/kvmtime/chronyc-tracking", "A,b,2,1.0,0.001,0,0,1,0,0,0,0,0,Normal\n" },
	{ "/kvmtime/log", "[    0.000000] Hypervisor detected: KVM\n" },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_root *root = kvt_root_new_memory("fuzz");
	const size_t chosen = size > 0 ? data[0] % G_N_ELEMENTS(files) : 0;
	struct kvt_answers answers;
	struct kvt_facts *facts;

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		if (i == chosen && size > 0)
			kvt_root_add(root, files[i].path, (const char *)data + 1, size - 1, NULL);
		else
			kvt_root_add(root, files[i].path, files[i].plain, strlen(files[i].plain),
				     NULL);
	kvt_answers_recorded(root, &answers);
	facts = kvt_machine_read(root, &answers, "fuzz");
	for (guint i = 0; i < kvt_facts_count(facts); i++) {
		char *value = kvt_fact_value(kvt_facts_at(facts, i));

		g_assert(g_utf8_validate(value, -1, NULL));
		g_free(value);
	}
	kvt_facts_free(facts);
	kvt_root_free(root);
	return 0;
}
