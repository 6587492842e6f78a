/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/facts.h"

#include <stdlib.h>
#include <string.h>

#include "sys/error.h"
#include "vmdef/effective.h"
#include "vmdef/load.h"

#define PART(timer, part) KVT_VM_TIMER(timer, part)

struct filler {
	const struct kvt_vm *vm;
	struct kvt_facts *facts;
	GPtrArray *effects;
};

/* "file:line", or the file where no line is known; NULL where nobody will ask */
static char *place(const struct filler *f, int line)
{
	if (kvt_facts_is_bare(f->facts))
		return NULL;
	return line > 0 ? g_strdup_printf("%s:%d", f->vm->file, line) : g_strdup(f->vm->file);
}

static char *place_of(const struct filler *f, enum kvt_vm_field field)
{
	return place(f, f->vm->at[field].line);
}

static void text(struct filler *f, const char *name, enum kvt_vm_field field, const char *unsaid)
{
	g_autofree char *value = kvt_vm_print(f->vm, field);
	g_autofree char *source = place_of(f, field);

	if (value != NULL)
		kvt_facts_set_text(f->facts, KVT_VM, name, value, source);
	else if (unsaid != NULL)
		kvt_facts_set_text(f->facts, KVT_VM, name, unsaid, "default");
	else
		kvt_facts_set_absent(f->facts, KVT_VM, name, f->vm->file);
}

static void yesno(struct filler *f, const char *name, enum kvt_vm_field field, bool unsaid)
{
	g_autofree char *source = place_of(f, field);

	kvt_facts_set_bool(f->facts, KVT_VM, name, kvt_vm_number(f->vm, field, unsaid) != 0,
			   kvt_vm_said(f->vm, field) ? source : "default");
}

/* An effect, with the place of the field that decides it. */
static void effect(struct filler *f, const char *name, const char *what, enum kvt_vm_field field)
{
	const char *value = kvt_vm_effect(f->effects, what);
	const struct kvt_fact_def *def = kvt_fact_def_find(name);
	g_autofree char *source = place_of(f, field);
	const char *from = kvt_vm_said(f->vm, field) ? source : "default";

	if (value == NULL)
		kvt_facts_set_absent(f->facts, KVT_VM, name, f->vm->file);
	else if (def->type == KVT_FACT_BOOL)
		kvt_facts_set_bool(f->facts, KVT_VM, name, strcmp(value, "yes") == 0, from);
	else
		kvt_facts_set_text(f->facts, KVT_VM, name, value, from);
}

static void fill_ticks(struct filler *f)
{
	int64_t family = kvt_vm_number(f->vm, KVT_VM_OS_FAMILY, -1);
	g_autofree char *source = place_of(f, KVT_VM_OS_FAMILY);

	if (family < 0)
		kvt_facts_set_absent(f->facts, KVT_VM, "os.counts_ticks", f->vm->file);
	else
		kvt_facts_set_bool(f->facts, KVT_VM, "os.counts_ticks",
				   family == KVT_FAMILY_LINUX_TICKS || family == KVT_FAMILY_DOS ||
					   family == KVT_FAMILY_SOLARIS,
				   source);
}

static void fill_identity(struct filler *f)
{
	text(f, "name", KVT_VM_NAME, NULL);
	if (f->vm->uuid != NULL)
		kvt_facts_set_text(f->facts, KVT_VM, "uuid", f->vm->uuid, f->vm->file);
	else
		kvt_facts_set_absent(f->facts, KVT_VM, "uuid", f->vm->file);
	text(f, "guest.cmdline_clocksource", KVT_VM_CLOCKSOURCE, NULL);
	kvt_facts_set_text(f->facts, KVT_VM, "format", kvt_vm_format_name(f->vm->format),
			   f->vm->file);
	text(f, "hypervisor", KVT_VM_VIRT, NULL);
	text(f, "arch", KVT_VM_ARCH, "x86_64");
	text(f, "machine", KVT_VM_MACHINE, NULL);
	if (kvt_vm_said(f->vm, KVT_VM_OS_FAMILY))
		text(f, "os.family", KVT_VM_OS_FAMILY, NULL);
	else
		kvt_facts_set_unknown(f->facts, KVT_VM, "os.family", false,
				      "the definition does not name the guest's system");
	fill_ticks(f);
	kvt_facts_set_absent(f->facts, KVT_VM, "lab.measured", "kvmtime lab qemu measures it");
	if (kvt_vm_said(f->vm, KVT_VM_AGENT))
		yesno(f, "agent.channel", KVT_VM_AGENT, false);
	else
		kvt_facts_set_unknown(f->facts, KVT_VM, "agent.channel", false, "not said");
}

/* Zones are whole quarters of an hour between -12 h and +14 h. */
static bool is_zone(int64_t seconds)
{
	return seconds % 900 == 0 && seconds >= -12 * 3600 && seconds <= 14 * 3600;
}

static void fill_clock(struct filler *f)
{
	g_autofree char *source = place_of(f, KVT_VM_ADJUSTMENT);

	text(f, "clock.offset", KVT_VM_OFFSET, "utc");
	if (kvt_vm_said(f->vm, KVT_VM_ADJUSTMENT)) {
		int64_t seconds = f->vm->at[KVT_VM_ADJUSTMENT].number;

		kvt_facts_set_int(f->facts, KVT_VM, "clock.adjustment_s", seconds, source);
		kvt_facts_set_bool(f->facts, KVT_VM, "clock.adjustment_is_zone", is_zone(seconds),
				   source);
	} else {
		kvt_facts_set_absent(f->facts, KVT_VM, "clock.adjustment_s", f->vm->file);
		kvt_facts_set_absent(f->facts, KVT_VM, "clock.adjustment_is_zone", f->vm->file);
	}
}

static void fill_timers(struct filler *f)
{
	const enum kvt_vm_field hz = PART(KVT_TIMER_TSC, KVT_PART_FREQUENCY);
	g_autofree char *source = place_of(f, hz);

	effect(f, "timer.rtc.effective_policy", "rtc.policy", PART(KVT_TIMER_RTC, KVT_PART_POLICY));
	effect(f, "timer.rtc.track", "rtc.track", PART(KVT_TIMER_RTC, KVT_PART_TRACK));
	text(f, "timer.pit.policy", PART(KVT_TIMER_PIT, KVT_PART_POLICY), NULL);
	effect(f, "timer.pit.effective_policy", "pit.policy", PART(KVT_TIMER_PIT, KVT_PART_POLICY));
	effect(f, "timer.hpet.present", "hpet", PART(KVT_TIMER_HPET, KVT_PART_PRESENT));
	effect(f, "timer.kvmclock.present", "kvmclock", PART(KVT_TIMER_KVMCLOCK, KVT_PART_PRESENT));
	effect(f, "timer.hypervclock.present", "hypervclock",
	       PART(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT));
	effect(f, "timer.tsc.invariant", "tsc.invariant", KVT_VM_INVTSC);
	effect(f, "migration", "migration", KVT_VM_INVTSC);
	if (kvt_vm_number(f->vm, hz, 0) > 0)
		kvt_facts_set_int(f->facts, KVT_VM, "timer.tsc.frequency_hz", f->vm->at[hz].number,
				  source);
	else
		kvt_facts_set_absent(f->facts, KVT_VM, "timer.tsc.frequency_hz", f->vm->file);
	yesno(f, "cpu.kvm_hidden", KVT_VM_HIDDEN, false);
}

/* ---- Hyper-V ---- */

static const struct {
	enum kvt_vm_field field;
	enum kvt_vm_field needs[4]; /* ends with 0 */
} hyperv[] = {
	{ KVT_VM_HV_RELAXED, { 0 } },
	{ KVT_VM_HV_VAPIC, { 0 } },
	{ KVT_VM_HV_VPINDEX, { 0 } },
	{ KVT_VM_HV_RUNTIME, { 0 } },
	{ KVT_VM_HV_SYNIC, { KVT_VM_HV_VPINDEX } },
	{ KVT_VM_HV_STIMER,
	  { KVT_VM_HV_VPINDEX, KVT_VM_HV_SYNIC, PART(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT) } },
	{ KVT_VM_HV_STIMER_DIRECT, { KVT_VM_HV_VPINDEX, KVT_VM_HV_SYNIC, KVT_VM_HV_STIMER } },
	{ KVT_VM_HV_RESET, { 0 } },
	{ KVT_VM_HV_FREQUENCIES, { 0 } },
	{ KVT_VM_HV_REENLIGHTENMENT, { 0 } },
	{ KVT_VM_HV_TLBFLUSH, { KVT_VM_HV_VPINDEX } },
	{ KVT_VM_HV_IPI, { KVT_VM_HV_VPINDEX } },
	{ KVT_VM_HV_EVMCS, { KVT_VM_HV_VAPIC } },
	{ KVT_VM_HV_AVIC, { 0 } },
	{ KVT_VM_HV_PASSTHROUGH, { 0 } },
};

/* "hv.stimer_direct" and "timer.hypervclock.present" in the words of the enlightenments */
static const char *flag_name(enum kvt_vm_field field)
{
	return field >= KVT_VM_TIMERS ? "time" : kvt_vm_field_name(field) + strlen("hv.");
}

static bool is_on(const struct filler *f, enum kvt_vm_field field)
{
	return kvt_vm_is(f->vm, field, KVT_YES);
}

static void fill_hyperv(struct filler *f)
{
	kvt_facts_set_list(f->facts, KVT_VM, "hv.flags", NULL, f->vm->file);
	kvt_facts_set_absent(f->facts, KVT_VM, "hv.missing", f->vm->file);
	if (is_on(f, PART(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT)))
		kvt_facts_add_word(f->facts, KVT_VM, "hv.flags", "time", f->vm->file);
	for (gsize i = 0; i < G_N_ELEMENTS(hyperv); i++) {
		g_autofree char *source = place_of(f, hyperv[i].field);

		if (!is_on(f, hyperv[i].field))
			continue;
		kvt_facts_add_word(f->facts, KVT_VM, "hv.flags", flag_name(hyperv[i].field),
				   source);
		for (int n = 0; n < 4 && hyperv[i].needs[n] != 0; n++)
			if (!is_on(f, hyperv[i].needs[n]) && !is_on(f, KVT_VM_HV_PASSTHROUGH))
				kvt_facts_add_word(f->facts, KVT_VM, "hv.missing",
						   flag_name(hyperv[i].needs[n]), source);
	}
}

/* ---- what is refused, ignored, out of date ---- */

static void fill_notes(struct filler *f)
{
	GString *refused = g_string_new(NULL);
	int line = 0;

	kvt_facts_set_absent(f->facts, KVT_VM, "ignored", f->vm->file);
	for (guint i = 0; i < f->vm->notes->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(f->vm->notes, i);
		g_autofree char *source = place(f, note->line);

		if (note->kind == KVT_NOTE_IGNORED && note->field >= 0)
			kvt_facts_add_word(f->facts, KVT_VM, "ignored",
					   kvt_vm_field_name((enum kvt_vm_field)note->field),
					   source);
		if (note->kind != KVT_NOTE_REFUSED)
			continue;
		line = refused->len == 0 ? note->line : line;
		g_string_append_printf(refused, "%s%s", refused->len > 0 ? "; " : "", note->text);
	}
	if (refused->len > 0) {
		g_autofree char *source = place(f, line);

		kvt_facts_set_text(f->facts, KVT_VM, "refused", refused->str, source);
	} else {
		kvt_facts_set_absent(f->facts, KVT_VM, "refused", f->vm->file);
	}
	g_string_free(refused, TRUE);
}

static void fill_qemu(struct filler *f, int version)
{
	g_autofree char *release = g_strdup_printf("%d.%d", version / 100, version % 100);

	kvt_facts_set_text(f->facts, KVT_VM, "qemu.version", release, "the release judged for");
	kvt_facts_set_absent(f->facts, KVT_VM, "qemu.removed_options", f->vm->file);
	kvt_facts_set_absent(f->facts, KVT_VM, "qemu.deprecated_options", f->vm->file);
	for (guint i = 0; i < f->vm->options->len; i++) {
		const char *name = g_ptr_array_index(f->vm->options, i);
		const struct kvt_qemu_option *option = kvt_qemu_option_find(name);
		g_autofree char *dashed = g_strconcat("-", name, NULL);

		if (option == NULL || (option->removed > version && option->deprecated > version))
			continue;
		kvt_facts_add_word(f->facts, KVT_VM,
				   option->removed <= version ? "qemu.removed_options"
							      : "qemu.deprecated_options",
				   dashed, f->vm->file);
	}
}

static void fill_sources(struct filler *f)
{
	const char *list = kvt_vm_effect(f->effects, "guest.sources");
	g_auto(GStrv) words = list != NULL ? g_strsplit(list, " ", -1) : NULL;

	if (words != NULL)
		kvt_facts_set_list(f->facts, KVT_VM, "guest.sources",
				   (const char *const *)(gpointer)words, "follows from the rest");
}

static void fill_xen(struct filler *f)
{
	int64_t virt = kvt_vm_number(f->vm, KVT_VM_VIRT, KVT_VIRT_OTHER);

	if (virt < KVT_VIRT_XEN_HVM || virt > KVT_VIRT_XEN_PVH)
		return;
	text(f, "xen.tsc_mode", PART(KVT_TIMER_TSC, KVT_PART_MODE), "auto");
	text(f, "xen.timer_mode", KVT_VM_XEN_TIMER_MODE, "no_delay_for_missed_ticks");
	yesno(f, "xen.nomigrate", KVT_VM_XEN_NOMIGRATE, false);
}

static struct kvt_facts *fill(const struct kvt_vm *vm, int version, struct kvt_facts *facts)
{
	struct filler f = { vm, facts, kvt_vm_effects(vm, version) };

	kvt_facts_set_roles(f.facts, KVT_VM);
	fill_identity(&f);
	fill_clock(&f);
	fill_timers(&f);
	fill_hyperv(&f);
	fill_notes(&f);
	fill_qemu(&f, version);
	fill_sources(&f);
	fill_xen(&f);
	if (kvt_vm_said(vm, KVT_VM_SNAPSHOT_CLOCK))
		yesno(&f, "snapshot.clock_realtime", KVT_VM_SNAPSHOT_CLOCK, false);
	else
		kvt_facts_set_unknown(f.facts, KVT_VM, "snapshot.clock_realtime", false,
				      "not said");
	g_ptr_array_unref(f.effects);
	return f.facts;
}

static char *target_of(const struct kvt_vm *vm)
{
	const char *name = vm->at[KVT_VM_NAME].text;

	return name != NULL ? g_strdup_printf("%s (%s)", name, vm->file) : g_strdup(vm->file);
}

struct kvt_facts *kvt_vm_facts(const struct kvt_vm *vm, int version)
{
	g_autofree char *target = target_of(vm);

	return fill(vm, version, kvt_facts_new(target));
}

struct kvt_facts *kvt_vm_facts_bare(const struct kvt_vm *vm, int version)
{
	g_autofree char *target = target_of(vm);

	return fill(vm, version, kvt_facts_new_bare(target));
}

bool kvt_vm_invalid(const struct kvt_vm *vm, GError **error)
{
	GString *message = g_string_new(NULL);
	int count = 0;

	for (guint i = 0; i < vm->notes->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(vm->notes, i);

		if (note->kind != KVT_NOTE_INVALID || count++ >= 5)
			continue;
		g_string_append_printf(message, "%s%s:%d: %s", count > 1 ? "; " : "", vm->file,
				       note->line, note->text);
	}
	if (count > 5)
		g_string_append_printf(message, "; and %d more", count - 5);
	if (count > 0)
		g_set_error_literal(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, message->str);
	g_string_free(message, TRUE);
	return count > 0;
}

/* ---- the target ---- */

static bool sniff(const struct kvt_source *source)
{
	return source->bytes != NULL && source->len <= KVT_VM_LIMIT &&
	       kvt_vm_detect(source->bytes, source->len) >= 0;
}

static bool read_target(const struct kvt_source *source, GPtrArray *sets, GError **error)
{
	const char *name = g_strcmp0(source->name, "-") == 0 ? "standard input" : source->name;
	g_autoptr(kvt_vm) vm = kvt_vm_parse(-1, source->bytes, source->len, name, error);
	int version;

	if (vm == NULL || kvt_vm_invalid(vm, error))
		return false;
	version = kvt_qemu_installed();
	g_ptr_array_add(sets, kvt_vm_facts(vm, version > 0 ? version : KVT_QEMU_NEWEST));
	return true;
}

const struct kvt_target_kind kvt_target_definition = { "VM definition", sniff, read_target };
