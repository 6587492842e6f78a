/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/policy.h"

#include <string.h>

#include "vmdef/os.h"

#define PART(timer, part) KVT_VM_TIMER(KVT_TIMER_##timer, KVT_PART_##part)

#define UTC                                                                      \
	{                                                                        \
		KVT_VM_OFFSET, KVT_OFFSET_UTC, "the system keeps its RTC in UTC" \
	}
#define LOCALTIME                                                                              \
	{                                                                                      \
		KVT_VM_OFFSET, KVT_OFFSET_LOCALTIME, "the system takes its RTC for local time" \
	}
#define CATCHUP                                                                                                  \
	{                                                                                                        \
		PART(RTC, POLICY), KVT_POLICY_CATCHUP,                                                           \
			"lost RTC ticks come later instead of never; without effect where the RTC does not tick" \
	}
#define NO_REINJECT                                                                                 \
	{                                                                                           \
		PART(PIT, POLICY), KVT_POLICY_DISCARD,                                              \
			"nothing counts PIT ticks: re-injection would only keep AVIC and APICv off" \
	}
#define REINJECT                                                                             \
	{                                                                                    \
		PART(PIT, POLICY), KVT_POLICY_DELAY,                                         \
			"the system counts PIT ticks: none may be lost ('delay' re-injects)" \
	}
#define NO_HPET                                                                                                 \
	{                                                                                                       \
		PART(HPET, PRESENT), KVT_NO,                                                                    \
			"each read leaves the guest, no tick policy exists for it, and better clocks are there" \
	}
#define AGENT                                                                                      \
	{                                                                                          \
		KVT_VM_AGENT, KVT_YES,                                                             \
			"the host can set the guest's clock after a pause through the agent alone" \
	}
#define HOST_CLOCK                                                                     \
	{                                                                              \
		PART(RTC, TRACK), KVT_TRACK_WALL,                                      \
			"the RTC goes on through a pause and follows the host's clock" \
	}

static const struct kvt_vm_advice linux_lines[] = {
	UTC,
	HOST_CLOCK,
	CATCHUP,
	NO_REINJECT,
	NO_HPET,
	{ PART(KVMCLOCK, PRESENT), KVT_YES,
	  "the clock source that survives migration and restore" },
	AGENT,
};
static const struct kvt_vm_advice ticks_lines[] = { UTC, HOST_CLOCK, CATCHUP, REINJECT, NO_HPET };
static const struct kvt_vm_advice windows_lines[] = {
	LOCALTIME,
	HOST_CLOCK,
	CATCHUP,
	NO_REINJECT,
	{ PART(HPET, PRESENT), KVT_NO,
	  "the synthetic timer below takes its place: never without it" },
	{ PART(HYPERVCLOCK, PRESENT), KVT_YES,
	  "clock reads stay in the guest; the PM timer's do not" },
	{ KVT_VM_HV_RELAXED, KVT_YES, "no watchdog stop when the vCPU did not run" },
	{ KVT_VM_HV_VAPIC, KVT_YES, "fewer exits for interrupts" },
	{ KVT_VM_HV_VPINDEX, KVT_YES, "synic needs it" },
	{ KVT_VM_HV_SYNIC, KVT_YES, "stimer needs it" },
	{ KVT_VM_HV_STIMER, KVT_YES, "idle costs 1 to 3 percent of a CPU instead of 30 to 40" },
	AGENT,
};
static const struct kvt_vm_advice nt5_lines[] = {
	LOCALTIME,
	HOST_CLOCK,
	CATCHUP,
	NO_REINJECT,
	{ PART(HPET, PRESENT), KVT_NO, "NT 5 does not use it" },
};
static const struct kvt_vm_advice solaris_lines[] = { LOCALTIME, HOST_CLOCK, CATCHUP, REINJECT };
static const struct kvt_vm_advice bsd_lines[] = {
	UTC,
	HOST_CLOCK,
	CATCHUP,
	NO_HPET,
	{ PART(KVMCLOCK, PRESENT), KVT_YES, "FreeBSD 14 and OpenBSD 6.5 read it" },
	AGENT,
};
static const struct kvt_vm_advice dos_lines[] = { LOCALTIME, HOST_CLOCK, CATCHUP, REINJECT };
static const struct kvt_vm_advice other_lines[] = { UTC, HOST_CLOCK, CATCHUP };

#define LINES(name)                      \
	{                                \
		name, G_N_ELEMENTS(name) \
	}

const struct kvt_vm_advice *kvt_vm_policy(enum kvt_vm_family family, guint *ret_count)
{
	static const struct {
		const struct kvt_vm_advice *lines;
		guint count;
	} policies[] = {
		[KVT_FAMILY_LINUX] = LINES(linux_lines),
		[KVT_FAMILY_LINUX_TICKS] = LINES(ticks_lines),
		[KVT_FAMILY_WINDOWS_NT5] = LINES(nt5_lines),
		[KVT_FAMILY_WINDOWS] = LINES(windows_lines),
		[KVT_FAMILY_SOLARIS] = LINES(solaris_lines),
		[KVT_FAMILY_BSD] = LINES(bsd_lines),
		[KVT_FAMILY_DOS] = LINES(dos_lines),
		[KVT_FAMILY_OTHER] = LINES(other_lines),
	};

	*ret_count = policies[family].count;
	return policies[family].lines;
}

struct kvt_vm *kvt_vm_policy_model(enum kvt_vm_family family)
{
	struct kvt_vm *vm = kvt_vm_new(KVT_FORMAT_LIBVIRT, "policy");
	guint count;
	const struct kvt_vm_advice *lines = kvt_vm_policy(family, &count);

	kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, 0);
	kvt_vm_say(vm, KVT_VM_OS_FAMILY, family, 0);
	for (guint i = 0; i < count; i++) {
		if (lines[i].field >= KVT_VM_TIMERS) {
			unsigned timer = (lines[i].field - KVT_VM_TIMERS) / KVT_PART_COUNT;

			kvt_vm_say(vm, KVT_VM_TIMER(timer, KVT_PART_NAMED), KVT_YES, 0);
		}
		kvt_vm_say(vm, lines[i].field, lines[i].number, 0);
	}
	return vm;
}

const struct kvt_vm_peer *kvt_vm_peers(void)
{
	static const struct kvt_vm_peer peers[] = {
		{ "virt-install",
		  { "localtime", "catchup", "delay", "no", "-", "yes", "-" },
		  { "utc", "catchup", "delay", "no", "-", "-", "-" },
		  "virt-install 4.1.0 run for every system; virtinst/domain/clock.py" },
		{ "nova",
		  { "localtime", "catchup", "delay", "no", "-", "yes", "-" },
		  { "utc", "catchup", "delay", "no", "-", "-", "-" },
		  "nova/virt/libvirt/driver.py" },
		{ "oVirt",
		  { "variable", "catchup", "delay", "no", "-", "yes", "-" },
		  { "variable", "catchup", "delay", "no", "-", "-", "-" },
		  "LibvirtVmXmlBuilder.java" },
		{ "Proxmox",
		  { "localtime", "catchup", "discard", "no", "-", "yes", "yes" },
		  { "utc", "-", "-", "-", "-", "-", "-" },
		  "PVE/QemuServer/Cfg2Cmd/Timer.pm, CPUConfig.pm" },
		{ "KubeVirt",
		  { "-", "-", "-", "-", "-", "-", "-" },
		  { "-", "-", "-", "-", "-", "-", "-" },
		  "clock.go: what the user says and no more" },
		{ NULL, { NULL }, { NULL }, NULL },
	};

	return peers;
}

enum kvt_vm_family kvt_os_family_of(const struct kvt_os *os)
{
	static const struct {
		const char *word;
		enum kvt_vm_family family;
	} families[] = {
		{ "linux", KVT_FAMILY_LINUX },     { "winnt", KVT_FAMILY_WINDOWS },
		{ "win9x", KVT_FAMILY_DOS },       { "win16", KVT_FAMILY_DOS },
		{ "msdos", KVT_FAMILY_DOS },       { "netware", KVT_FAMILY_DOS },
		{ "freebsd", KVT_FAMILY_BSD },     { "openbsd", KVT_FAMILY_BSD },
		{ "netbsd", KVT_FAMILY_BSD },      { "dragonflybsd", KVT_FAMILY_BSD },
		{ "solaris", KVT_FAMILY_SOLARIS },
	};
	int family = os->short_id != NULL ? kvt_os_family(os->short_id) : -1;

	if (family < 0 && os->id != NULL)
		family = kvt_os_family(os->id);
	for (gsize i = 0; i < G_N_ELEMENTS(families) && family < 0; i++)
		if (g_strcmp0(os->family, families[i].word) == 0)
			family = (int)families[i].family;
	return family >= 0 ? (enum kvt_vm_family)family : KVT_FAMILY_OTHER;
}
