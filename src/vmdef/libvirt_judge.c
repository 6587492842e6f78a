/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/libvirt.h"

#include <string.h>

/* libvirt compares the wanted rate with the host's within this many parts per million. */
#define TSC_TOLERANCE_PPM 250

#define PART(timer, part) KVT_VM_TIMER(timer, part)

static void refuse(struct kvt_vm *vm, enum kvt_vm_field field, const char *text)
{
	kvt_vm_note(vm, KVT_NOTE_REFUSED, (int)field, vm->at[field].line, "%s", text);
}

static void refuse_word(struct kvt_vm *vm, enum kvt_vm_field field, const char *format)
{
	g_autofree char *word = kvt_vm_print(vm, field);
	g_autofree char *text = NULL;
	g_auto(GStrv) halves = g_strsplit(format, "%", 2);

	text = g_strconcat(halves[0], word, halves[1], NULL);
	refuse(vm, field, text);
}

static void refuse_part(struct kvt_vm *vm, enum kvt_vm_timer timer, enum kvt_vm_timer_part part,
			const char *what)
{
	g_autofree char *text = g_strdup_printf("timer %s doesn't support setting of timer %s",
						kvt_vm_timer_name(timer), what);

	refuse(vm, PART(timer, part), text);
}

static bool is_x86(const struct kvt_vm *vm)
{
	const char *arch = vm->at[KVT_VM_ARCH].text;

	return arch == NULL || strcmp(arch, "x86_64") == 0 || strcmp(arch, "i686") == 0;
}

/* What libvirt refuses for every hypervisor, while it reads. */
static void judge_parts(struct kvt_vm *vm, enum kvt_vm_timer timer)
{
	bool paravirtual = timer == KVT_TIMER_KVMCLOCK || timer == KVT_TIMER_HYPERVCLOCK;
	bool catchup = kvt_vm_is(vm, PART(timer, KVT_PART_POLICY), KVT_POLICY_CATCHUP);

	if (paravirtual && kvt_vm_said(vm, PART(timer, KVT_PART_POLICY)))
		refuse_part(vm, timer, KVT_PART_POLICY, "tickpolicy");
	for (int part = KVT_PART_THRESHOLD; part <= KVT_PART_LIMIT; part++) {
		if (catchup || kvt_vm_number(vm, PART(timer, part), 0) == 0)
			continue;
		refuse(vm, PART(timer, part),
		       "setting of timer catchup policies is only supported with "
		       "tickpolicy='catchup'");
		break;
	}
	if (timer != KVT_TIMER_TSC && kvt_vm_number(vm, PART(timer, KVT_PART_FREQUENCY), 0) != 0)
		refuse_part(vm, timer, KVT_PART_FREQUENCY, "frequency");
	if (timer != KVT_TIMER_TSC && kvt_vm_said(vm, PART(timer, KVT_PART_MODE)))
		refuse_part(vm, timer, KVT_PART_MODE, "mode");
	if (timer != KVT_TIMER_RTC && timer != KVT_TIMER_PLATFORM &&
	    kvt_vm_said(vm, PART(timer, KVT_PART_TRACK)))
		refuse_part(vm, timer, KVT_PART_TRACK, "track");
}

/* What its QEMU driver refuses. */
static void judge_qemu(struct kvt_vm *vm)
{
	const enum kvt_vm_field rtc = PART(KVT_TIMER_RTC, KVT_PART_POLICY);
	const enum kvt_vm_field pit = PART(KVT_TIMER_PIT, KVT_PART_POLICY);
	const enum kvt_vm_field track = PART(KVT_TIMER_RTC, KVT_PART_TRACK);

	if (kvt_vm_said(vm, PART(KVT_TIMER_PLATFORM, KVT_PART_NAMED)))
		refuse(vm, PART(KVT_TIMER_PLATFORM, KVT_PART_NAMED),
		       "unsupported timer type (name) 'platform'");
	if (kvt_vm_is(vm, rtc, KVT_POLICY_MERGE) || kvt_vm_is(vm, rtc, KVT_POLICY_DISCARD))
		refuse_word(vm, rtc, "unsupported rtc timer tickpolicy '%'");
	if (kvt_vm_is(vm, pit, KVT_POLICY_MERGE))
		refuse_word(vm, pit, "unsupported pit tickpolicy '%'");
	if (kvt_vm_is(vm, track, KVT_TRACK_BOOT))
		refuse_word(vm, track, "unsupported rtc timer track '%'");
}

static void judge_arch(struct kvt_vm *vm)
{
	static const enum kvt_vm_timer x86_only[] = { KVT_TIMER_TSC, KVT_TIMER_KVMCLOCK,
						      KVT_TIMER_HYPERVCLOCK };
	const enum kvt_vm_field arm = PART(KVT_TIMER_ARMVTIMER, KVT_PART_NAMED);
	const enum kvt_vm_field policy = PART(KVT_TIMER_ARMVTIMER, KVT_PART_POLICY);

	for (gsize i = 0; i < G_N_ELEMENTS(x86_only) && !is_x86(vm); i++)
		if (kvt_vm_is(vm, PART(x86_only[i], KVT_PART_PRESENT), KVT_YES))
			refuse_part(vm, x86_only[i], KVT_PART_PRESENT,
				    "presence: x86 alone has it");
	if (!kvt_vm_said(vm, arm))
		return;
	if (is_x86(vm) || !kvt_vm_is(vm, KVT_VM_VIRT, KVT_VIRT_KVM))
		refuse(vm, arm, "the 'armvtimer' timer exists for KVM guests on Arm alone");
	else if (kvt_vm_is(vm, PART(KVT_TIMER_ARMVTIMER, KVT_PART_PRESENT), KVT_NO))
		refuse(vm, PART(KVT_TIMER_ARMVTIMER, KVT_PART_PRESENT),
		       "the 'armvtimer' timer can't be disabled");
	else if (kvt_vm_is(vm, policy, KVT_POLICY_CATCHUP) ||
		 kvt_vm_is(vm, policy, KVT_POLICY_MERGE))
		refuse_word(vm, policy, "unsupported armvtimer tickpolicy '%'");
}

void kvt_libvirt_judge_host(struct kvt_vm *vm, const struct kvt_vm_host *host)
{
	const enum kvt_vm_field field = PART(KVT_TIMER_TSC, KVT_PART_FREQUENCY);
	int64_t hz = kvt_vm_number(vm, field, 0), slack;

	if (host->tsc_hz == 0 || host->tsc_scaling || hz == 0)
		return;
	slack = host->tsc_hz / 1000000 * TSC_TOLERANCE_PPM;
	if (hz >= host->tsc_hz - slack && hz <= host->tsc_hz + slack)
		return;
	kvt_vm_note(vm, KVT_NOTE_REFUSED, (int)field, vm->at[field].line,
		    "requested TSC frequency %" G_GINT64_FORMAT
		    " Hz is outside the host's %" G_GINT64_FORMAT
		    " Hz \302\261 %d ppm, and the host cannot scale it",
		    hz, host->tsc_hz, TSC_TOLERANCE_PPM);
}

static void ignore(struct kvt_vm *vm, enum kvt_vm_field field, const char *text)
{
	if (kvt_vm_said(vm, field))
		kvt_vm_note(vm, KVT_NOTE_IGNORED, (int)field, vm->at[field].line, "%s", text);
}

/* What is taken, and never reaches QEMU. */
static void judge_ignored(struct kvt_vm *vm)
{
	for (int timer = 0; timer < KVT_TIMER_COUNT; timer++)
		for (int part = KVT_PART_THRESHOLD; part <= KVT_PART_LIMIT; part++)
			ignore(vm, PART(timer, part),
			       "QEMU has no such knob: no argument is made of it");
	ignore(vm, PART(KVT_TIMER_HPET, KVT_PART_POLICY),
	       "QEMU's HPET has no tick policy: only present='no' has an effect");
	ignore(vm, PART(KVT_TIMER_TSC, KVT_PART_POLICY), "QEMU's TSC has no tick policy");
	ignore(vm, PART(KVT_TIMER_TSC, KVT_PART_MODE), "a matter of Xen: QEMU has no TSC mode");
	ignore(vm, PART(KVT_TIMER_TSC, KVT_PART_PRESENT), "QEMU's driver ignores it");
	ignore(vm, PART(KVT_TIMER_PIT, KVT_PART_PRESENT),
	       "QEMU's driver ignores it: the PIT stays");
	ignore(vm, PART(KVT_TIMER_RTC, KVT_PART_PRESENT),
	       "QEMU's driver ignores it: the RTC stays");
}

void kvt_libvirt_judge(struct kvt_vm *vm)
{
	int64_t virt = kvt_vm_number(vm, KVT_VM_VIRT, KVT_VIRT_KVM);

	if (virt != KVT_VIRT_KVM && virt != KVT_VIRT_TCG)
		return;
	for (int timer = 0; timer < KVT_TIMER_COUNT; timer++)
		if (kvt_vm_said(vm, PART(timer, KVT_PART_NAMED)))
			judge_parts(vm, (enum kvt_vm_timer)timer);
	judge_qemu(vm);
	judge_arch(vm);
	judge_ignored(vm);
}
