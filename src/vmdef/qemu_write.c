/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/qemu.h"

#include <string.h>

#define PART(timer, part) KVT_VM_TIMER(timer, part)

struct writer {
	const struct kvt_vm *vm;
	const struct kvt_qemu_target *target;
	GPtrArray *words;
	GString *text; /* the value that is being put together */
};

static void word(struct writer *w, const char *text)
{
	g_ptr_array_add(w->words, g_strdup(text));
}

static void option(struct writer *w, const char *name)
{
	word(w, name);
	word(w, w->text->str);
	g_string_truncate(w->text, 0);
}

static bool older(const struct writer *w, int major, int minor)
{
	return w->target->version < KVT_QEMU(major, minor);
}

static int64_t number(const struct writer *w, enum kvt_vm_field field)
{
	return kvt_vm_number(w->vm, field, -1);
}

/* ---- program, machine ---- */

static void write_program(struct writer *w)
{
	const char *arch = w->vm->at[KVT_VM_ARCH].text, *zone = w->vm->at[KVT_VM_TIMEZONE].text;
	const char *name = w->vm->at[KVT_VM_NAME].text;

	if (number(w, KVT_VM_OFFSET) == KVT_OFFSET_TIMEZONE && zone != NULL) {
		g_autofree char *variable = g_strconcat("TZ=", zone, NULL);

		word(w, variable);
	}
	g_string_printf(w->text, "qemu-system-%s", arch != NULL ? arch : "x86_64");
	word(w, w->text->str);
	g_string_truncate(w->text, 0);
	if (name != NULL) {
		g_auto(GStrv) pieces = g_strsplit(name, ",", -1);
		g_autofree char *doubled = g_strjoinv(",,", pieces);

		g_string_printf(w->text, "guest=%s", doubled);
		option(w, "-name");
	}
}

static void write_machine(struct writer *w)
{
	static const char *const irqchips[] = { "on", "split", "off" };
	const char *machine = w->vm->at[KVT_VM_MACHINE].text;
	int64_t virt = number(w, KVT_VM_VIRT), irqchip = number(w, KVT_VM_IRQCHIP);

	if (machine != NULL)
		g_string_append(w->text, machine);
	if (virt == KVT_VIRT_KVM || virt == KVT_VIRT_TCG)
		g_string_append_printf(w->text, ",accel=%s", virt == KVT_VIRT_KVM ? "kvm" : "tcg");
	if (irqchip >= 0)
		g_string_append_printf(w->text, ",kernel_irqchip=%s", irqchips[irqchip]);
	if (!older(w, 8, 0) && kvt_vm_said(w->vm, PART(KVT_TIMER_HPET, KVT_PART_PRESENT)))
		g_string_append(w->text, number(w, PART(KVT_TIMER_HPET, KVT_PART_PRESENT))
						 ? ",hpet=on"
						 : ",hpet=off");
	if (!older(w, 5, 0) && kvt_vm_said(w->vm, KVT_VM_ACPI))
		g_string_append(w->text,
				number(w, KVT_VM_ACPI) == KVT_YES ? ",acpi=on" : ",acpi=off");
	if (w->text->len == 0)
		return;
	if (w->text->str[0] == ',')
		g_string_erase(w->text, 0, 1);
	option(w, "-machine");
}

/* ---- cpu ---- */

/* Before 2.9 a property without "+" had no value form for feature bits; hv_* had an underscore. */
static void write_flag(struct writer *w, const char *name, bool on)
{
	bool hyperv = g_str_has_prefix(name, "hv-");
	g_autofree char *old = g_strdelimit(g_strdup(name), hyperv ? "-" : "", '_');

	if (!older(w, 2, 9))
		g_string_append_printf(w->text, ",%s=%s", name, on ? "on" : "off");
	else if (hyperv && on)
		g_string_append_printf(w->text, ",%s", old);
	else if (!hyperv)
		g_string_append_printf(w->text, ",%c%s", on ? '+' : '-', old);
}

static void write_flags(struct writer *w)
{
	int64_t hz = number(w, PART(KVT_TIMER_TSC, KVT_PART_FREQUENCY));

	for (const struct kvt_qemu_flag *flag = kvt_qemu_flags; flag->name != NULL; flag++) {
		int64_t on = number(w, flag->field);

		/* QEMU has no word for "no Hyper-V clock": it is absent unless asked for */
		if (flag->field == PART(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT) && on == KVT_NO)
			continue;
		if (on >= 0)
			write_flag(w, flag->name, on == KVT_YES);
	}
	if (hz > 0)
		g_string_append_printf(w->text, ",tsc-frequency=%" G_GINT64_FORMAT, hz);
	if (kvt_vm_said(w->vm, KVT_VM_HV_SPINLOCKS))
		g_string_append_printf(w->text, ",%s=0x%" G_GINT64_MODIFIER "x",
				       older(w, 2, 9) ? "hv_spinlocks" : "hv-spinlocks",
				       (guint64)number(w, KVT_VM_HV_SPINLOCKS));
	if (kvt_vm_said(w->vm, KVT_VM_HIDDEN))
		g_string_append(w->text,
				number(w, KVT_VM_HIDDEN) == KVT_YES ? ",kvm=off" : ",kvm=on");
}

static void write_cpu(struct writer *w)
{
	int64_t mode = number(w, KVT_VM_CPU_MODE);
	const char *model = w->vm->at[KVT_VM_CPU_MODEL].text;

	write_flags(w);
	if (mode == KVT_CPU_HOST || mode == KVT_CPU_HOST_MODEL)
		model = "host";
	else if (mode == KVT_CPU_MAX)
		model = "max";
	if (model == NULL && w->text->len == 0)
		return;
	if (mode == KVT_CPU_HOST && !kvt_vm_said(w->vm, KVT_VM_MIGRATABLE) && !older(w, 2, 9))
		g_string_prepend(w->text,
				 ",migratable=on"); /* QEMU's default, as libvirt says it */
	g_string_prepend(w->text, model != NULL ? model : "qemu64");
	option(w, "-cpu");
}

/* ---- clocks ---- */

static void write_base(struct writer *w)
{
	int64_t offset = kvt_vm_number(w->vm, KVT_VM_OFFSET, KVT_OFFSET_UTC);
	int64_t start = w->target->now_s + kvt_vm_number(w->vm, KVT_VM_ADJUSTMENT, 0);
	bool local = offset == KVT_OFFSET_LOCALTIME ||
		     kvt_vm_is(w->vm, KVT_VM_BASIS, KVT_BASIS_LOCALTIME);
	g_autoptr(GDateTime) date = NULL;
	g_autofree char *text = NULL;

	if (offset == KVT_OFFSET_ABSOLUTE)
		start = number(w, KVT_VM_START);
	else if (local)
		start += w->target->utc_offset_s;
	if (offset == KVT_OFFSET_TIMEZONE ||
	    (offset == KVT_OFFSET_LOCALTIME && !kvt_vm_said(w->vm, KVT_VM_ADJUSTMENT)))
		text = g_strdup("localtime");
	else if (offset == KVT_OFFSET_UTC && !kvt_vm_said(w->vm, KVT_VM_ADJUSTMENT))
		text = g_strdup("utc");
	else if ((date = g_date_time_new_from_unix_utc(start)) != NULL)
		text = g_date_time_format(date, "%Y-%m-%dT%H:%M:%S");
	g_string_append(w->text, text != NULL ? text : "utc");
}

static void write_rtc(struct writer *w)
{
	static const char *const clocks[] = { "", "vm", "host", "rt" };
	int64_t policy = number(w, PART(KVT_TIMER_RTC, KVT_PART_POLICY));
	int64_t track = number(w, PART(KVT_TIMER_RTC, KVT_PART_TRACK));

	g_string_append(w->text, "base=");
	write_base(w);
	if (track > KVT_TRACK_BOOT)
		g_string_append_printf(w->text, ",clock=%s", clocks[track]);
	if (policy == KVT_POLICY_CATCHUP)
		g_string_append(w->text, ",driftfix=slew");
	option(w, "-rtc");
}

/* Before 0.12 there was no -rtc. */
static void write_old_rtc(struct writer *w)
{
	write_base(w);
	if (strcmp(w->text->str, "localtime") == 0)
		word(w, "-localtime");
	else if (strcmp(w->text->str, "utc") != 0) {
		option(w, "-startdate");
	}
	g_string_truncate(w->text, 0);
	if (number(w, PART(KVT_TIMER_RTC, KVT_PART_POLICY)) == KVT_POLICY_CATCHUP)
		word(w, "-rtc-td-hack");
}

/*
 * A PIT that is named without a policy is given "delay", as libvirt does; "catchup" is KVM's own
 * default and gets no argument.
 */
static void write_pit(struct writer *w)
{
	int64_t policy = number(w, PART(KVT_TIMER_PIT, KVT_PART_POLICY));

	if (!kvt_vm_said(w->vm, PART(KVT_TIMER_PIT, KVT_PART_NAMED)) ||
	    policy == KVT_POLICY_CATCHUP || policy == KVT_POLICY_MERGE)
		return;
	if (!older(w, 1, 3)) {
		word(w, "-global");
		word(w, policy == KVT_POLICY_DISCARD ? "kvm-pit.lost_tick_policy=discard"
						     : "kvm-pit.lost_tick_policy=delay");
	} else if (policy == KVT_POLICY_DISCARD) {
		word(w, "-no-kvm-pit-reinjection");
	}
}

static void write_agent(struct writer *w)
{
	if (number(w, KVT_VM_AGENT) != KVT_YES)
		return;
	word(w, "-device");
	word(w, "virtio-serial-pci");
	word(w, "-chardev");
	word(w, older(w, 5, 2) ? "socket,id=qga0,path=qga.sock,server,nowait"
			       : "socket,id=qga0,path=qga.sock,server=on,wait=off");
	word(w, "-device");
	word(w, "virtserialport,chardev=qga0,name=org.qemu.guest_agent.0");
}

GPtrArray *kvt_qemu_write(const struct kvt_vm *vm, const struct kvt_qemu_target *target)
{
	struct writer w = { vm, target, g_ptr_array_new_with_free_func(g_free),
			    g_string_new(NULL) };

	write_program(&w);
	write_machine(&w);
	write_cpu(&w);
	if (kvt_vm_said(vm, KVT_VM_VCPUS)) {
		g_string_printf(w.text, "%" G_GINT64_FORMAT, number(&w, KVT_VM_VCPUS));
		option(&w, "-smp");
	}
	if (older(&w, 0, 12))
		write_old_rtc(&w);
	else
		write_rtc(&w);
	write_pit(&w);
	if (older(&w, 8, 0) && kvt_vm_is(vm, PART(KVT_TIMER_HPET, KVT_PART_PRESENT), KVT_NO))
		word(&w, "-no-hpet");
	if (older(&w, 5, 0) && number(&w, KVT_VM_ACPI) == KVT_NO)
		word(&w, "-no-acpi");
	write_agent(&w);
	g_string_free(w.text, TRUE);
	return w.words;
}
