/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "vmdef/formats.h"
#include "vmdef/os.h"

#define TSC_MODE    KVT_VM_TIMER(KVT_TIMER_TSC, KVT_PART_MODE)
#define HPET        KVT_VM_TIMER(KVT_TIMER_HPET, KVT_PART_PRESENT)
#define HYPERVCLOCK KVT_VM_TIMER(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT)

/* xl's names in the order of its numbers, and ours of the same meaning. */
static const char *const tsc_names[] = { "default", "always_emulate", "native", "native_paravirt" };
static const int tsc_modes[] = { KVT_TSC_AUTO, KVT_TSC_EMULATE, KVT_TSC_NATIVE, KVT_TSC_PARAVIRT };

static void invalid(struct kvt_vm *vm, int field, const struct kvt_vm_pair *pair)
{
	g_autofree char *safe = g_strescape(pair->value, NULL);

	if (strlen(safe) > 60)
		strcpy(safe + 57, "...");
	kvt_vm_note(vm, KVT_NOTE_INVALID, field, pair->line, "%s: invalid value '%s'", pair->key,
		    safe);
}

static bool is_hvm(const struct kvt_vm *vm)
{
	return kvt_vm_is(vm, KVT_VM_VIRT, KVT_VIRT_XEN_HVM);
}

/* What only HVM has is dropped by xl without a word. */
static void read_switch(struct kvt_vm *vm, enum kvt_vm_field field, const struct kvt_vm_pair *pair)
{
	int64_t number;

	if (!kvt_vm_parse_number(pair->value, 0, G_MAXINT32, &number)) {
		invalid(vm, (int)field, pair);
		return;
	}
	kvt_vm_say(vm, field, number != 0, pair->line);
	if (field == HPET)
		kvt_vm_say(vm, KVT_VM_TIMER(KVT_TIMER_HPET, KVT_PART_NAMED), KVT_YES, pair->line);
	if (!is_hvm(vm) && field != KVT_VM_XEN_NOMIGRATE)
		kvt_vm_note(vm, KVT_NOTE_IGNORED, (int)field, pair->line,
			    "%s is for HVM domains: xl drops it", pair->key);
}

static void read_tsc_mode(struct kvt_vm *vm, const struct kvt_vm_pair *pair)
{
	int64_t number;

	for (int i = 0; i < 4; i++)
		if (strcmp(pair->value, tsc_names[i]) == 0 ||
		    (kvt_vm_parse_number(pair->value, 0, 3, &number) && number == i)) {
			kvt_vm_say(vm, TSC_MODE, tsc_modes[i], pair->line);
			kvt_vm_say(vm, KVT_VM_TIMER(KVT_TIMER_TSC, KVT_PART_NAMED), KVT_YES,
				   pair->line);
			return;
		}
	kvt_vm_note(vm, KVT_NOTE_REFUSED, (int)TSC_MODE, pair->line, "xl knows no tsc_mode '%.40s'",
		    pair->value);
}

static void read_timer_mode(struct kvt_vm *vm, const struct kvt_vm_pair *pair)
{
	int64_t number;

	if (kvt_vm_is(vm, KVT_VM_VIRT, KVT_VIRT_XEN_PV))
		kvt_vm_note(vm, KVT_NOTE_REFUSED, KVT_VM_XEN_TIMER_MODE, pair->line,
			    "timer_mode is not for PV domains: xl stops");
	if (kvt_vm_parse_number(pair->value, 0, 3, &number))
		kvt_vm_say(vm, KVT_VM_XEN_TIMER_MODE, number, pair->line);
	else if (!kvt_vm_say_word(vm, KVT_VM_XEN_TIMER_MODE, pair->value, pair->line))
		kvt_vm_note(vm, KVT_NOTE_REFUSED, KVT_VM_XEN_TIMER_MODE, pair->line,
			    "xl knows no timer_mode '%.40s'", pair->value);
}

static void read_offset(struct kvt_vm *vm, const struct kvt_vm_pair *pair)
{
	int64_t number;

	if (!pair->quoted && pair->value[0] == '-') {
		kvt_vm_note(vm, KVT_NOTE_REFUSED, KVT_VM_ADJUSTMENT, pair->line,
			    "xl reads no negative number without quotes");
		return;
	}
	if (kvt_vm_parse_number(pair->value, G_MININT32, G_MAXINT32, &number))
		kvt_vm_say(vm, KVT_VM_ADJUSTMENT, number, pair->line);
	else
		invalid(vm, KVT_VM_ADJUSTMENT, pair);
}

/* viridian = 1, or a list of enlightenments with "time_ref_count" and "reference_tsc" for time */
static void read_viridian(struct kvt_vm *vm, const struct kvt_vm_pair *pair)
{
	bool on = pair->value[0] == '[' ? strstr(pair->value, "time_ref_count") != NULL ||
						  strstr(pair->value, "reference_tsc") != NULL ||
						  strstr(pair->value, "\"all\"") != NULL ||
						  strstr(pair->value, "defaults") != NULL
					: strcmp(pair->value, "0") != 0;

	kvt_vm_say(vm, KVT_VM_TIMER(KVT_TIMER_HYPERVCLOCK, KVT_PART_NAMED), KVT_YES, pair->line);
	kvt_vm_say(vm, HYPERVCLOCK, on, pair->line);
	if (on) /* nobody but Windows asks for it */
		kvt_vm_say(vm, KVT_VM_OS_FAMILY, KVT_FAMILY_WINDOWS, pair->line);
}

static void read_pair(struct kvt_vm *vm, const struct kvt_vm_pair *pair)
{
	const char *key = pair->key;
	int64_t number;

	if (strcmp(key, "name") == 0)
		kvt_vm_say_text(vm, KVT_VM_NAME, pair->value, pair->line);
	else if (strcmp(key, "vcpus") == 0 && kvt_vm_parse_number(pair->value, 1, 65535, &number))
		kvt_vm_say(vm, KVT_VM_VCPUS, number, pair->line);
	else if (strcmp(key, "tsc_mode") == 0)
		read_tsc_mode(vm, pair);
	else if (strcmp(key, "timer_mode") == 0)
		read_timer_mode(vm, pair);
	else if (strcmp(key, "rtc_timeoffset") == 0)
		read_offset(vm, pair);
	else if (strcmp(key, "viridian") == 0)
		read_viridian(vm, pair);
	else if (strcmp(key, "localtime") == 0 && kvt_vm_parse_number(pair->value, 0, 1, &number))
		kvt_vm_say(vm, KVT_VM_OFFSET, number ? KVT_OFFSET_LOCALTIME : KVT_OFFSET_UTC,
			   pair->line);
	else if (strcmp(key, "localtime") == 0)
		invalid(vm, KVT_VM_OFFSET, pair);
	else if (strcmp(key, "extra") == 0 || strcmp(key, "cmdline") == 0)
		kvt_vm_say_cmdline(vm, pair->value, pair->line);
	else if (strcmp(key, "hpet") == 0)
		read_switch(vm, HPET, pair);
	else if (strcmp(key, "vpt_align") == 0)
		read_switch(vm, KVT_VM_XEN_VPT_ALIGN, pair);
	else if (strcmp(key, "acpi") == 0)
		read_switch(vm, KVT_VM_ACPI, pair);
	else if (strcmp(key, "nomigrate") == 0 || strcmp(key, "no_migrate") == 0)
		read_switch(vm, KVT_VM_XEN_NOMIGRATE, pair);
}

/* The kind of domain decides what the other keys do, so it is looked for first. */
static void read_type(struct kvt_vm *vm, const GPtrArray *pairs)
{
	kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_XEN_PV, 0);
	for (guint i = 0; i < pairs->len; i++) {
		const struct kvt_vm_pair *pair = g_ptr_array_index(pairs, i);

		if (strcmp(pair->key, "builder") == 0 || strcmp(pair->key, "type") == 0)
			kvt_vm_say(vm, KVT_VM_VIRT,
				   strcmp(pair->value, "hvm") == 0   ? KVT_VIRT_XEN_HVM
				   : strcmp(pair->value, "pvh") == 0 ? KVT_VIRT_XEN_PVH
								     : KVT_VIRT_XEN_PV,
				   pair->line);
	}
}

/* An RTC at a distance from UTC or local time is what XML calls a variable one. */
static void say_distance(struct kvt_vm *vm)
{
	const struct kvt_vm_value *shift = &vm->at[KVT_VM_ADJUSTMENT];
	bool local = kvt_vm_is(vm, KVT_VM_OFFSET, KVT_OFFSET_LOCALTIME);

	if (!shift->said)
		return;
	kvt_vm_say(vm, KVT_VM_OFFSET, KVT_OFFSET_VARIABLE, shift->line);
	kvt_vm_say(vm, KVT_VM_BASIS, local ? KVT_BASIS_LOCALTIME : KVT_BASIS_UTC, shift->line);
}

struct kvt_vm *kvt_xl_read(const char *text, gsize length, const char *file, GError **error)
{
	g_autoptr(GPtrArray) pairs = kvt_vm_pairs(text, length, '=', file, error);
	struct kvt_vm *vm;

	if (pairs == NULL)
		return NULL;
	vm = kvt_vm_new(KVT_FORMAT_XL, file);
	read_type(vm, pairs);
	for (guint i = 0; i < pairs->len; i++)
		read_pair(vm, g_ptr_array_index(pairs, i));
	say_distance(vm);
	return vm;
}

/* ---- writing ---- */

static void write_flag(GString *out, const struct kvt_vm *vm, enum kvt_vm_field field,
		       const char *key)
{
	if (kvt_vm_said(vm, field))
		g_string_append_printf(out, "%s = %d\n", key, vm->at[field].number != 0);
}

static void write_clock(GString *out, const struct kvt_vm *vm)
{
	int64_t offset = kvt_vm_number(vm, KVT_VM_OFFSET, -1);
	bool local =
		offset == KVT_OFFSET_LOCALTIME ||
		(offset == KVT_OFFSET_VARIABLE && kvt_vm_is(vm, KVT_VM_BASIS, KVT_BASIS_LOCALTIME));

	if (offset >= 0 && offset != KVT_OFFSET_TIMEZONE && offset != KVT_OFFSET_ABSOLUTE)
		g_string_append_printf(out, "localtime = %d\n", local);
	if (kvt_vm_said(vm, KVT_VM_ADJUSTMENT))
		g_string_append_printf(out, "rtc_timeoffset = \"%" G_GINT64_FORMAT "\"\n",
				       vm->at[KVT_VM_ADJUSTMENT].number);
}

static void write_timers(GString *out, const struct kvt_vm *vm, bool hvm)
{
	int64_t mode = kvt_vm_number(vm, TSC_MODE, -1);

	for (int i = 0; i < 4; i++)
		if (tsc_modes[i] == mode)
			g_string_append_printf(out, "tsc_mode = \"%s\"\n", tsc_names[i]);
	if (hvm && kvt_vm_said(vm, KVT_VM_XEN_TIMER_MODE)) {
		g_autofree char *word = kvt_vm_print(vm, KVT_VM_XEN_TIMER_MODE);

		g_string_append_printf(out, "timer_mode = \"%s\"\n", word);
	}
	if (hvm) {
		write_flag(out, vm, HPET, "hpet");
		write_flag(out, vm, KVT_VM_XEN_VPT_ALIGN, "vpt_align");
		write_flag(out, vm, HYPERVCLOCK, "viridian");
		write_flag(out, vm, KVT_VM_ACPI, "acpi");
	}
	write_flag(out, vm, KVT_VM_XEN_NOMIGRATE, "nomigrate");
}

char *kvt_xl_write(const struct kvt_vm *vm)
{
	GString *out = g_string_new(NULL);
	int64_t virt = kvt_vm_number(vm, KVT_VM_VIRT, KVT_VIRT_XEN_HVM);
	const char *type = virt == KVT_VIRT_XEN_PV    ? "pv"
			   : virt == KVT_VIRT_XEN_PVH ? "pvh"
						      : "hvm";
	g_autofree char *name = g_strdup(vm->at[KVT_VM_NAME].text);

	if (name != NULL) {
		g_string_append_printf(out, "name = \"%s\"\n", g_strdelimit(name, "\"\n", '_'));
	}
	g_string_append_printf(out, "type = \"%s\"\n", type);
	if (kvt_vm_said(vm, KVT_VM_VCPUS))
		g_string_append_printf(out, "vcpus = %" G_GINT64_FORMAT "\n",
				       vm->at[KVT_VM_VCPUS].number);
	write_clock(out, vm);
	write_timers(out, vm, strcmp(type, "hvm") == 0);
	return g_string_free(out, FALSE);
}
