/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const yesno_words[] = { "no", "yes", NULL };
static const char *const virt_words[] = { "kvm",     "tcg",         "xen-hvm",          "xen-pv",
					  "xen-pvh", "firecracker", "cloud-hypervisor", "other",
					  NULL };
static const char *const family_words[] = { "linux",   "linux-ticks", "windows-nt5",
					    "windows", "solaris",     "bsd",
					    "dos",     "other",       NULL };
static const char *const offset_words[] = { "utc",      "localtime", "timezone",
					    "variable", "absolute",  NULL };
static const char *const basis_words[] = { "utc", "localtime", NULL };
static const char *const policy_words[] = { "delay", "catchup", "merge", "discard", NULL };
static const char *const track_words[] = { "boot", "guest", "wall", "realtime", NULL };
static const char *const mode_words[] = {
	"auto", "native", "emulate", "paravirt", "smpsafe", NULL
};
static const char *const cpu_words[] = { "custom", "host-model", "host-passthrough", "maximum",
					 NULL };
static const char *const irqchip_words[] = { "on", "split", "off", NULL };
static const char *const xen_words[] = { "delay_for_missed_ticks", "no_delay_for_missed_ticks",
					 "no_missed_ticks_pending", "one_missed_tick_pending",
					 NULL };
static const char *const timer_names[] = { "platform", "pit",      "rtc",         "hpet",
					   "tsc",      "kvmclock", "hypervclock", "armvtimer" };
static const char *const format_names[] = { "libvirt",  "qemu", "xl",          "proxmox",
					    "kubevirt", "nova", "firecracker", "cloud-hypervisor" };
static const char *const note_names[] = { "invalid", "refused", "ignored", "lost", "remark" };

struct row {
	const char *name;
	enum kvt_vm_kind kind;
	const char *const *words;
};

#define WORD(name, words)                  \
	{                                  \
		name, KVT_KIND_WORD, words \
	}
#define TEXT(name)                        \
	{                                 \
		name, KVT_KIND_TEXT, NULL \
	}
#define NUMBER(name)                        \
	{                                   \
		name, KVT_KIND_NUMBER, NULL \
	}
#define YESNO(name)                               \
	{                                         \
		name, KVT_KIND_YESNO, yesno_words \
	}

static const struct row rows[KVT_VM_TIMERS] = {
	[KVT_VM_NAME] = TEXT("name"),
	[KVT_VM_VIRT] = WORD("virt", virt_words),
	[KVT_VM_ARCH] = TEXT("arch"),
	[KVT_VM_MACHINE] = TEXT("machine"),
	[KVT_VM_VCPUS] = NUMBER("vcpus"),
	[KVT_VM_OS_ID] = TEXT("os.id"),
	[KVT_VM_OS_FAMILY] = WORD("os.family", family_words),
	[KVT_VM_AGENT] = YESNO("agent"),
	[KVT_VM_ACPI] = YESNO("acpi"),
	[KVT_VM_OFFSET] = WORD("clock.offset", offset_words),
	[KVT_VM_ADJUSTMENT] = NUMBER("clock.adjustment"),
	[KVT_VM_RESET] = YESNO("clock.reset"),
	[KVT_VM_BASIS] = WORD("clock.basis", basis_words),
	[KVT_VM_TIMEZONE] = TEXT("clock.timezone"),
	[KVT_VM_START] = NUMBER("clock.start"),
	[KVT_VM_CPU_MODE] = WORD("cpu.mode", cpu_words),
	[KVT_VM_CPU_MODEL] = TEXT("cpu.model"),
	[KVT_VM_MIGRATABLE] = YESNO("cpu.migratable"),
	[KVT_VM_INVTSC] = YESNO("cpu.invtsc"),
	[KVT_VM_STABLE_BIT] = YESNO("cpu.kvmclock_stable_bit"),
	[KVT_VM_HIDDEN] = YESNO("cpu.kvm_hidden"),
	[KVT_VM_IRQCHIP] = WORD("irqchip", irqchip_words),
	[KVT_VM_HV_PASSTHROUGH] = YESNO("hv.passthrough"),
	[KVT_VM_HV_RELAXED] = YESNO("hv.relaxed"),
	[KVT_VM_HV_VAPIC] = YESNO("hv.vapic"),
	[KVT_VM_HV_SPINLOCKS] = NUMBER("hv.spinlocks"),
	[KVT_VM_HV_VPINDEX] = YESNO("hv.vpindex"),
	[KVT_VM_HV_RUNTIME] = YESNO("hv.runtime"),
	[KVT_VM_HV_SYNIC] = YESNO("hv.synic"),
	[KVT_VM_HV_STIMER] = YESNO("hv.stimer"),
	[KVT_VM_HV_STIMER_DIRECT] = YESNO("hv.stimer_direct"),
	[KVT_VM_HV_RESET] = YESNO("hv.reset"),
	[KVT_VM_HV_FREQUENCIES] = YESNO("hv.frequencies"),
	[KVT_VM_HV_REENLIGHTENMENT] = YESNO("hv.reenlightenment"),
	[KVT_VM_HV_TLBFLUSH] = YESNO("hv.tlbflush"),
	[KVT_VM_HV_IPI] = YESNO("hv.ipi"),
	[KVT_VM_HV_EVMCS] = YESNO("hv.evmcs"),
	[KVT_VM_HV_AVIC] = YESNO("hv.avic"),
	[KVT_VM_XEN_TIMER_MODE] = WORD("xen.timer_mode", xen_words),
	[KVT_VM_XEN_VPT_ALIGN] = YESNO("xen.vpt_align"),
	[KVT_VM_XEN_NOMIGRATE] = YESNO("xen.nomigrate"),
	[KVT_VM_SNAPSHOT_CLOCK] = YESNO("snapshot.clock_realtime"),
	[KVT_VM_CLOCKSOURCE] = TEXT("guest.clocksource"),
};

static const struct row parts[KVT_PART_COUNT] = {
	[KVT_PART_NAMED] = YESNO("named"),
	[KVT_PART_PRESENT] = YESNO("present"),
	[KVT_PART_POLICY] = WORD("policy", policy_words),
	[KVT_PART_TRACK] = WORD("track", track_words),
	[KVT_PART_THRESHOLD] = NUMBER("threshold_ns"),
	[KVT_PART_SLEW] = NUMBER("slew"),
	[KVT_PART_LIMIT] = NUMBER("limit_ns"),
	[KVT_PART_FREQUENCY] = NUMBER("frequency_hz"),
	[KVT_PART_MODE] = WORD("mode", mode_words),
};

static const struct row *row_of(enum kvt_vm_field field)
{
	return field < KVT_VM_TIMERS ? &rows[field]
				     : &parts[(field - KVT_VM_TIMERS) % KVT_PART_COUNT];
}

const char *kvt_vm_field_name(enum kvt_vm_field field)
{
	static const char *names[KVT_VM_FIELD_COUNT];
	static gsize ready;

	if (g_once_init_enter(&ready)) {
		for (int i = 0; i < KVT_VM_FIELD_COUNT; i++) {
			int timer = (i - KVT_VM_TIMERS) / KVT_PART_COUNT;

			names[i] = i < KVT_VM_TIMERS
					   ? rows[i].name
					   : g_strdup_printf("timer.%s.%s", timer_names[timer],
							     row_of((enum kvt_vm_field)i)->name);
		}
		g_once_init_leave(&ready, 1);
	}
	return names[field];
}

enum kvt_vm_kind kvt_vm_field_kind(enum kvt_vm_field field)
{
	return row_of(field)->kind;
}

int kvt_vm_field_find(const char *name)
{
	for (int i = 0; i < KVT_VM_FIELD_COUNT; i++)
		if (strcmp(name, kvt_vm_field_name((enum kvt_vm_field)i)) == 0)
			return i;
	return -1;
}

const char *const *kvt_vm_words(enum kvt_vm_field field)
{
	return row_of(field)->words;
}

const char *kvt_vm_timer_name(enum kvt_vm_timer timer)
{
	return timer_names[timer];
}

const char *kvt_vm_format_name(enum kvt_vm_format format)
{
	return format_names[format];
}

int kvt_vm_format_find(const char *name)
{
	for (int i = 0; i < KVT_FORMAT_COUNT; i++)
		if (strcmp(name, format_names[i]) == 0)
			return i;
	return -1;
}

const char *kvt_vm_note_kind_name(enum kvt_vm_note_kind kind)
{
	return note_names[kind];
}

static void free_note(gpointer data)
{
	struct kvt_vm_note *note = data;

	g_free(note->text);
	g_free(note);
}

struct kvt_vm *kvt_vm_new(enum kvt_vm_format format, const char *file)
{
	struct kvt_vm *vm = g_new0(struct kvt_vm, 1);

	vm->format = format;
	vm->file = g_strdup(file);
	vm->notes = g_ptr_array_new_with_free_func(free_note);
	vm->options = g_ptr_array_new_with_free_func(g_free);
	return vm;
}

void kvt_vm_free(struct kvt_vm *vm)
{
	if (vm == NULL)
		return;
	for (int i = 0; i < KVT_VM_FIELD_COUNT; i++)
		g_free(vm->at[i].text);
	g_ptr_array_unref(vm->notes);
	g_ptr_array_unref(vm->options);
	g_free(vm->file);
	g_free(vm->uuid);
	g_free(vm);
}

struct kvt_vm *kvt_vm_copy(const struct kvt_vm *vm)
{
	struct kvt_vm *copy = kvt_vm_new(vm->format, vm->file);

	for (int i = 0; i < KVT_VM_FIELD_COUNT; i++) {
		copy->at[i] = vm->at[i];
		copy->at[i].text = g_strdup(vm->at[i].text);
	}
	return copy;
}

void kvt_vm_say(struct kvt_vm *vm, enum kvt_vm_field field, int64_t number, int line)
{
	vm->at[field].said = true;
	vm->at[field].number = number;
	vm->at[field].line = line;
}

void kvt_vm_say_text(struct kvt_vm *vm, enum kvt_vm_field field, const char *text, int line)
{
	char *copy = g_strdup(text);

	g_free(vm->at[field].text);
	vm->at[field].text = copy;
	kvt_vm_say(vm, field, 0, line);
}

bool kvt_vm_say_word(struct kvt_vm *vm, enum kvt_vm_field field, const char *word, int line)
{
	const char *const *words = kvt_vm_words(field);

	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], word) == 0) {
			kvt_vm_say(vm, field, i, line);
			return true;
		}
	}
	return false;
}

void kvt_vm_say_cmdline(struct kvt_vm *vm, const char *cmdline, int line)
{
	g_auto(GStrv) words = g_strsplit_set(cmdline, " \t\n", -1);

	for (char **word = words; *word != NULL; word++)
		if (g_str_has_prefix(*word, "clocksource=") && (*word)[12] != '\0')
			kvt_vm_say_text(vm, KVT_VM_CLOCKSOURCE, *word + 12, line);
}

void kvt_vm_unsay(struct kvt_vm *vm, enum kvt_vm_field field)
{
	g_free(vm->at[field].text);
	memset(&vm->at[field], 0, sizeof(vm->at[field]));
}

char *kvt_vm_print(const struct kvt_vm *vm, enum kvt_vm_field field)
{
	const struct kvt_vm_value *value = &vm->at[field];

	if (!value->said)
		return NULL;
	switch (kvt_vm_field_kind(field)) {
	case KVT_KIND_TEXT:
		return g_strdup(value->text);
	case KVT_KIND_NUMBER:
		return g_strdup_printf("%" G_GINT64_FORMAT, value->number);
	case KVT_KIND_YESNO:
	case KVT_KIND_WORD:
	default:
		return g_strdup(kvt_vm_words(field)[value->number]);
	}
}

bool kvt_vm_same(const struct kvt_vm *a, const struct kvt_vm *b, enum kvt_vm_field field)
{
	return a->at[field].said == b->at[field].said &&
	       a->at[field].number == b->at[field].number &&
	       g_strcmp0(a->at[field].text, b->at[field].text) == 0;
}

void kvt_vm_note(struct kvt_vm *vm, enum kvt_vm_note_kind kind, int field, int line,
		 const char *format, ...)
{
	struct kvt_vm_note *note = g_new0(struct kvt_vm_note, 1);
	va_list arguments;

	note->kind = kind;
	note->field = field;
	note->line = line;
	va_start(arguments, format);
	note->text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(vm->notes, note);
}

bool kvt_vm_noted(const struct kvt_vm *vm, enum kvt_vm_note_kind kind, int field)
{
	for (guint i = 0; i < vm->notes->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(vm->notes, i);

		if (note->kind == kind && (field < 0 || note->field == field))
			return true;
	}
	return false;
}

bool kvt_vm_parse_number(const char *text, int64_t min, int64_t max, int64_t *ret_number)
{
	const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
	char *end;
	long long number;

	if (!g_ascii_isdigit(digits[0]))
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || number < min || number > max)
		return false;
	*ret_number = number;
	return true;
}
