/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/effective.h"

#include <string.h>

#include "vmdef/qemu.h"

#define PART(timer, part) KVT_VM_TIMER(timer, part)

/*
 * libvirt made -no-kvm-pit-reinjection, and from 1.1.2 lost_tick_policy=discard, of tickpolicy
 * 'delay'; at some release between 2013 and 2020 it began to write lost_tick_policy=delay. QEMU 3.0
 * of August 2018 is taken as the border; what stands right at it is said to be uncertain.
 */
#define LIBVIRT_DELAY_TURNED KVT_QEMU(3, 0)

struct judge {
	const struct kvt_vm *vm;
	int version;
	GPtrArray *effects;
	bool kvm, tcg, x86;
};

static void free_effect(gpointer data)
{
	struct kvt_vm_effect *effect = data;

	g_free(effect->value);
	g_free(effect->why);
	g_free(effect);
}

static void add(struct judge *j, const char *what, const char *value, const char *why)
{
	struct kvt_vm_effect *effect = g_new0(struct kvt_vm_effect, 1);

	effect->what = what;
	effect->value = g_strdup(value);
	effect->why = g_strdup(why);
	g_ptr_array_add(j->effects, effect);
}

static int64_t number(const struct judge *j, enum kvt_vm_field field, int64_t unsaid)
{
	return kvt_vm_number(j->vm, field, unsaid);
}

/* ---- the RTC ---- */

static void judge_base(struct judge *j)
{
	g_autofree char *zone = kvt_vm_print(j->vm, KVT_VM_TIMEZONE);
	g_autofree char *shift = kvt_vm_print(j->vm, KVT_VM_ADJUSTMENT);
	g_autofree char *why = NULL;

	switch (number(j, KVT_VM_OFFSET, KVT_OFFSET_UTC)) {
	case KVT_OFFSET_LOCALTIME:
		add(j, "rtc.base", "localtime", "the RTC starts at the host's local time");
		break;
	case KVT_OFFSET_TIMEZONE:
		add(j, "rtc.base", zone, "the RTC starts at that zone's local time");
		break;
	case KVT_OFFSET_ABSOLUTE:
		add(j, "rtc.base", "absolute", "each start of the VM begins at the same moment");
		break;
	case KVT_OFFSET_VARIABLE:
		why = g_strdup_printf("the RTC starts %s s from %s; what the guest sets is kept",
				      shift != NULL ? shift : "0",
				      number(j, KVT_VM_BASIS, 0) ? "local time" : "UTC");
		add(j, "rtc.base", "variable", why);
		break;
	default:
		add(j, "rtc.base", shift != NULL ? "variable" : "utc", "the RTC starts at UTC");
	}
}

static void judge_track(struct judge *j)
{
	switch (number(j, PART(KVT_TIMER_RTC, KVT_PART_TRACK), KVT_TRACK_WALL)) {
	case KVT_TRACK_GUEST:
		add(j, "rtc.track", "vm", "the RTC stands still while the VM is paused");
		break;
	case KVT_TRACK_REALTIME:
		add(j, "rtc.track", "rt",
		    "the RTC runs on the host's monotonic clock: it misses "
		    "the host's steps");
		break;
	default:
		add(j, "rtc.track", "host",
		    "the RTC follows the host's clock, also through a pause");
	}
}

static void judge_rtc(struct judge *j)
{
	judge_base(j);
	if (!j->kvm && !j->tcg)
		return;
	judge_track(j);
	if (number(j, PART(KVT_TIMER_RTC, KVT_PART_POLICY), -1) == KVT_POLICY_CATCHUP)
		add(j, "rtc.policy", "slew",
		    "lost ticks are delivered later, at up to 8 times the rate");
	else
		add(j, "rtc.policy", "discard",
		    "lost ticks are dropped: a guest that counts them "
		    "falls behind");
}

/* ---- the PIT ---- */

static bool pit_in_kvm(const struct judge *j)
{
	return j->kvm && number(j, KVT_VM_IRQCHIP, KVT_IRQCHIP_ON) == KVT_IRQCHIP_ON;
}

static bool libvirt_discards(const struct judge *j)
{
	return j->vm->format == KVT_FORMAT_LIBVIRT && j->version < LIBVIRT_DELAY_TURNED &&
	       kvt_vm_is(j->vm, PART(KVT_TIMER_PIT, KVT_PART_POLICY), KVT_POLICY_DELAY);
}

static void judge_pit(struct judge *j)
{
	int64_t policy = number(j, PART(KVT_TIMER_PIT, KVT_PART_POLICY), -1);

	if ((!j->kvm && !j->tcg) || !j->x86)
		return;
	if (j->vm->format != KVT_FORMAT_LIBVIRT && j->vm->format != KVT_FORMAT_KUBEVIRT &&
	    number(j, PART(KVT_TIMER_PIT, KVT_PART_PRESENT), KVT_YES) == KVT_NO)
		add(j, "pit.policy", "none", "the VM has no PIT");
	else if (!pit_in_kvm(j))
		add(j, "pit.policy", "none",
		    "the PIT is QEMU's own: it has no lost tick policy, the setting does nothing");
	else if (libvirt_discards(j))
		add(j, "pit.policy", "discard",
		    "libvirt of that time made -no-kvm-pit-reinjection (or kvm-pit "
		    "lost_tick_policy=discard) of tickpolicy 'delay'");
	else if (policy == KVT_POLICY_DISCARD)
		add(j, "pit.policy", "discard",
		    "a tick that cannot be delivered in time is dropped");
	else
		add(j, "pit.policy", "reinject",
		    policy == KVT_POLICY_DELAY
			    ? "'delay' means that KVM keeps lost ticks and delivers them in a "
			      "burst; AVIC and APICv are off while it does"
			    : "KVM's default: lost ticks are kept and delivered in a burst; AVIC "
			      "and APICv are off while it does");
}

/* ---- HPET, paravirtual clocks, TSC ---- */

static void judge_hpet(struct judge *j)
{
	const char *machine = j->vm->at[KVT_VM_MACHINE].text;

	if ((!j->kvm && !j->tcg && number(j, KVT_VM_VIRT, 0) != KVT_VIRT_XEN_HVM) || !j->x86)
		return;
	if (machine != NULL && g_str_has_prefix(machine, "microvm"))
		add(j, "hpet", "no", "microvm has no HPET");
	else if (number(j, PART(KVT_TIMER_HPET, KVT_PART_PRESENT), KVT_YES) == KVT_NO)
		add(j, "hpet", "no", NULL);
	else
		add(j, "hpet", "yes",
		    "present unless it is turned off; it has no lost tick policy");
}

static void judge_kvmclock(struct judge *j)
{
	if (j->tcg)
		add(j, "kvmclock", "no", "without KVM there is none, whatever the definition says");
	if (!j->kvm || !j->x86)
		return;
	if (number(j, KVT_VM_HIDDEN, KVT_NO) == KVT_YES)
		add(j, "kvmclock", "no", "the KVM signature is hidden, so the guest does not look");
	else if (number(j, PART(KVT_TIMER_KVMCLOCK, KVT_PART_PRESENT), KVT_YES) == KVT_NO)
		add(j, "kvmclock", "no", "it is turned off");
	else
		add(j, "kvmclock", "yes", "KVM offers it unless it is turned off");
}

static void judge_hypervclock(struct judge *j)
{
	bool on = number(j, PART(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT), KVT_NO) == KVT_YES ||
		  number(j, KVT_VM_HV_PASSTHROUGH, KVT_NO) == KVT_YES;

	if (j->tcg && on)
		add(j, "hypervclock", "no", "without KVM there is none");
	else if (j->kvm && on && j->version < KVT_QEMU(2, 0))
		add(j, "hypervclock", "no", "QEMU knows hv_time from 2.0 on");
	else if (j->kvm && j->x86)
		add(j, "hypervclock", on ? "yes" : "no", on ? NULL : "absent unless asked for");
}

static void judge_tsc(struct judge *j)
{
	bool invariant = number(j, KVT_VM_INVTSC, KVT_NO) == KVT_YES;
	bool rate = number(j, PART(KVT_TIMER_TSC, KVT_PART_FREQUENCY), 0) > 0;

	if (!j->kvm || !j->x86)
		return;
	add(j, "tsc.invariant", invariant ? "yes" : "no",
	    invariant ? "a Linux 5.1 or later guest then runs on tsc instead of kvm-clock"
		      : "the guest is not told that its TSC is invariant");
	if (!invariant)
		add(j, "migration", "possible", NULL);
	else if (!rate || j->version < KVT_QEMU(2, 9))
		add(j, "migration", "blocked",
		    rate ? "QEMU before 2.9 refuses to migrate an invariant TSC"
			 : "QEMU refuses to migrate an invariant TSC without tsc-frequency");
	else
		add(j, "migration", "possible",
		    "the TSC frequency is pinned: the target must run "
		    "at it or scale to it");
}

static bool is_yes(const struct judge *j, const char *what)
{
	return g_strcmp0(kvt_vm_effect(j->effects, what), "yes") == 0;
}

/* What a guest of the family finds, best first. */
static void judge_sources(struct judge *j)
{
	int64_t family = number(j, KVT_VM_OS_FAMILY, KVT_FAMILY_LINUX);
	GString *list = g_string_new(NULL);

	if ((!j->kvm && !j->tcg) || !j->x86) {
		g_string_free(list, TRUE);
		return;
	}
	if (family == KVT_FAMILY_WINDOWS || family == KVT_FAMILY_WINDOWS_NT5) {
		if (is_yes(j, "hypervclock") && family == KVT_FAMILY_WINDOWS)
			g_string_append(list, "hyperv-reference ");
	} else {
		if (is_yes(j, "tsc.invariant"))
			g_string_append(list, "tsc ");
		if (is_yes(j, "kvmclock"))
			g_string_append(list, "kvm-clock ");
		if (!is_yes(j, "tsc.invariant"))
			g_string_append(list, "tsc ");
	}
	if (is_yes(j, "hpet"))
		g_string_append(list, "hpet ");
	g_string_append(list, number(j, KVT_VM_ACPI, KVT_YES) == KVT_YES ? "acpi_pm" : "rtc");
	add(j, "guest.sources", list->str, "what the guest can read time from, best first");
	g_string_free(list, TRUE);
}

static void judge_agent(struct judge *j)
{
	int64_t agent = number(j, KVT_VM_AGENT, -1);

	if (agent >= 0)
		add(j, "agent", agent ? "yes" : "no",
		    agent ? "a channel for the guest agent is there"
			  : "no channel: the host cannot set this guest's clock after a pause");
}

/* ---- Xen ---- */

static void judge_xen(struct judge *j)
{
	static const char *const modes[] = { "hybrid", "native", "emulated", "pvrdtscp", "hybrid" };
	int64_t mode = number(j, PART(KVT_TIMER_TSC, KVT_PART_MODE), KVT_TSC_AUTO);
	int64_t timer = number(j, KVT_VM_XEN_TIMER_MODE, KVT_XEN_NO_DELAY);

	add(j, "tsc.mode", modes[mode],
	    mode == KVT_TSC_EMULATE    ? "each rdtsc traps: right everywhere, 15 to 20 times slower"
	    : mode == KVT_TSC_NATIVE   ? "never emulated: wrong after a migration to another rate"
	    : mode == KVT_TSC_PARAVIRT ? "removed from current Xen"
				       : "native while the host's TSC is safe, emulated after a "
					 "migration that needs it");
	if (number(j, KVT_VM_VIRT, 0) == KVT_VIRT_XEN_HVM)
		add(j, "timer.mode", kvt_vm_words(KVT_VM_XEN_TIMER_MODE)[timer], NULL);
}

GPtrArray *kvt_vm_effects(const struct kvt_vm *vm, int version)
{
	const char *arch = vm->at[KVT_VM_ARCH].text;
	int64_t virt = kvt_vm_number(vm, KVT_VM_VIRT, KVT_VIRT_KVM);
	struct judge j = { vm,
			   version,
			   g_ptr_array_new_with_free_func(free_effect),
			   virt == KVT_VIRT_KVM,
			   virt == KVT_VIRT_TCG,
			   arch == NULL || strcmp(arch, "x86_64") == 0 ||
				   strcmp(arch, "i386") == 0 || strcmp(arch, "i686") == 0 };

	judge_rtc(&j);
	judge_pit(&j);
	judge_hpet(&j);
	judge_kvmclock(&j);
	judge_hypervclock(&j);
	judge_tsc(&j);
	judge_sources(&j);
	if (virt >= KVT_VIRT_XEN_HVM && virt <= KVT_VIRT_XEN_PVH)
		judge_xen(&j);
	judge_agent(&j);
	return j.effects;
}

const char *kvt_vm_effect(const GPtrArray *effects, const char *what)
{
	for (guint i = 0; i < effects->len; i++) {
		const struct kvt_vm_effect *effect = g_ptr_array_index(effects, i);

		if (strcmp(effect->what, what) == 0)
			return effect->value;
	}
	return NULL;
}
