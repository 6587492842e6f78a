/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/qemu.h"

#include <stdio.h>
#include <string.h>

#define PART(timer, part) KVT_VM_TIMER(timer, part)

static void invalid(struct kvt_vm *vm, int field, int line, const char *option, const char *value)
{
	g_autofree char *safe = g_strescape(value, NULL);

	if (strlen(safe) > 60)
		strcpy(safe + 57, "...");
	kvt_vm_note(vm, KVT_NOTE_INVALID, field, line, "%s: invalid value '%s'", option, safe);
}

static void name_timer(struct kvt_vm *vm, enum kvt_vm_timer timer, int line)
{
	if (!kvt_vm_said(vm, PART(timer, KVT_PART_NAMED)))
		kvt_vm_say(vm, PART(timer, KVT_PART_NAMED), KVT_YES, line);
}

static void say_timer(struct kvt_vm *vm, enum kvt_vm_timer timer, enum kvt_vm_timer_part part,
		      int64_t number, int line)
{
	name_timer(vm, timer, line);
	kvt_vm_say(vm, PART(timer, part), number, line);
}

/* "on", "yes", "true", "y", or nothing at all: QEMU's words for a boolean */
static int switch_of(const char *value)
{
	static const char *const words[] = { "off", "on", "no", "yes", "false", "true", "n", "y" };

	if (value == NULL)
		return KVT_YES;
	for (int i = 0; i < (int)G_N_ELEMENTS(words); i++)
		if (strcmp(value, words[i]) == 0)
			return i % 2;
	return -1;
}

/* ---- -rtc ---- */

static bool parse_date(const char *text, int64_t *ret_s)
{
	int year, month, day, hour = 0, minute = 0, second = 0, length = 0;
	g_autoptr(GDateTime) date = NULL;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
		   &length) != 6 ||
	    text[length] != '\0') {
		hour = minute = second = length = 0;
		if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &length) != 3 ||
		    text[length] != '\0')
			return false;
	}
	date = g_date_time_new_utc(year, month, day, hour, minute, second);
	if (date == NULL)
		return false;
	*ret_s = g_date_time_to_unix(date);
	return true;
}

static void read_base(struct kvt_vm *vm, const char *value, int line)
{
	int64_t start;

	if (strcmp(value, "utc") == 0) {
		kvt_vm_say(vm, KVT_VM_OFFSET, KVT_OFFSET_UTC, line);
	} else if (strcmp(value, "localtime") == 0) {
		kvt_vm_say(vm, KVT_VM_OFFSET,
			   kvt_vm_said(vm, KVT_VM_TIMEZONE) ? KVT_OFFSET_TIMEZONE
							    : KVT_OFFSET_LOCALTIME,
			   line);
	} else if (parse_date(value, &start)) {
		kvt_vm_say(vm, KVT_VM_OFFSET, KVT_OFFSET_ABSOLUTE, line);
		kvt_vm_say(vm, KVT_VM_START, start, line);
	} else {
		invalid(vm, KVT_VM_OFFSET, line, "-rtc base", value);
	}
}

static void read_rtc(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	static const char *const clocks[] = { "", "vm", "host", "rt" }; /* order of kvt_vm_track */

	if (value == NULL)
		return;
	if (strcmp(key, "base") == 0) {
		read_base(vm, value, line);
	} else if (strcmp(key, "driftfix") == 0) {
		if (strcmp(value, "slew") == 0 || strcmp(value, "none") == 0)
			say_timer(vm, KVT_TIMER_RTC, KVT_PART_POLICY,
				  value[0] == 's' ? KVT_POLICY_CATCHUP : KVT_POLICY_DISCARD, line);
		else
			invalid(vm, PART(KVT_TIMER_RTC, KVT_PART_POLICY), line, "-rtc driftfix",
				value);
	} else if (strcmp(key, "clock") == 0) {
		for (int i = KVT_TRACK_GUEST; i <= KVT_TRACK_REALTIME; i++) {
			if (strcmp(value, clocks[i]) == 0) {
				say_timer(vm, KVT_TIMER_RTC, KVT_PART_TRACK, i, line);
				return;
			}
		}
		invalid(vm, PART(KVT_TIMER_RTC, KVT_PART_TRACK), line, "-rtc clock", value);
	} else {
		invalid(vm, -1, line, "-rtc", key);
	}
}

/* ---- -machine, -accel ---- */

static void read_irqchip(struct kvt_vm *vm, const char *value, int line)
{
	if (value != NULL && strcmp(value, "split") == 0)
		kvt_vm_say(vm, KVT_VM_IRQCHIP, KVT_IRQCHIP_SPLIT, line);
	else if (switch_of(value) >= 0)
		kvt_vm_say(vm, KVT_VM_IRQCHIP,
			   switch_of(value) == KVT_YES ? KVT_IRQCHIP_ON : KVT_IRQCHIP_OFF, line);
	else
		invalid(vm, KVT_VM_IRQCHIP, line, "kernel-irqchip", value);
}

/* "kvm:tcg" = the first that works; the first is what is meant */
static void read_accel(struct kvt_vm *vm, const char *value, int line)
{
	bool kvm = g_str_has_prefix(value, "kvm");

	kvt_vm_say(vm, KVT_VM_VIRT,
		   kvm                              ? KVT_VIRT_KVM
		   : g_str_has_prefix(value, "tcg") ? KVT_VIRT_TCG
						    : KVT_VIRT_OTHER,
		   line);
}

static void read_machine(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	enum kvt_vm_timer timer = strcmp(key, "hpet") == 0 ? KVT_TIMER_HPET : KVT_TIMER_PIT;

	if (strcmp(key, "type") == 0 && value != NULL) {
		kvt_vm_say_text(vm, KVT_VM_MACHINE, value, line);
	} else if (strcmp(key, "accel") == 0 && value != NULL) {
		read_accel(vm, value, line);
	} else if (strcmp(key, "kernel_irqchip") == 0 || strcmp(key, "kernel-irqchip") == 0) {
		read_irqchip(vm, value, line);
	} else if (strcmp(key, "acpi") == 0) {
		kvt_vm_say(vm, KVT_VM_ACPI, g_strcmp0(value, "off") != 0, line);
	} else if (strcmp(key, "hpet") == 0 || strcmp(key, "pit") == 0) {
		if (switch_of(value) >= 0)
			say_timer(vm, timer, KVT_PART_PRESENT, switch_of(value), line);
		else
			invalid(vm, (int)PART(timer, KVT_PART_PRESENT), line, key, value);
	}
}

/* ---- -cpu ---- */

/* A whole number, or any with a metric suffix: 2300000000, 2.3G */
static bool parse_frequency(const char *value, int64_t *ret_hz)
{
	static const char suffixes[] = "KMG";
	char *end;
	double number = g_ascii_strtod(value, &end);
	const char *suffix = *end != '\0' ? strchr(suffixes, *end) : NULL;

	if (suffix == NULL)
		return kvt_vm_parse_number(value, 0, G_MAXINT64, ret_hz);
	if (end == value || end[1] != '\0' || !(number >= 0 && number < 1e6))
		return false;
	for (; suffix >= suffixes; suffix--)
		number *= 1000;
	*ret_hz = (int64_t)(number + 0.5);
	return true;
}

static void read_tsc_frequency(struct kvt_vm *vm, const char *value, int line)
{
	int64_t hz;

	if (value != NULL && parse_frequency(value, &hz))
		say_timer(vm, KVT_TIMER_TSC, KVT_PART_FREQUENCY, hz, line);
	else
		invalid(vm, PART(KVT_TIMER_TSC, KVT_PART_FREQUENCY), line, "-cpu tsc-frequency",
			value != NULL ? value : "");
}

static void say_flag(struct kvt_vm *vm, enum kvt_vm_field field, int on, int line)
{
	if (field >= KVT_VM_TIMERS)
		name_timer(vm, (enum kvt_vm_timer)((field - KVT_VM_TIMERS) / KVT_PART_COUNT), line);
	kvt_vm_say(vm, field, on, line);
}

static void read_spinlocks(struct kvt_vm *vm, const char *value, int line)
{
	char *end = NULL;
	guint64 retries = value != NULL ? g_ascii_strtoull(value, &end, 0) : 0;

	if (value != NULL && end != value && *end == '\0' && retries <= G_MAXUINT32)
		kvt_vm_say(vm, KVT_VM_HV_SPINLOCKS, (int64_t)retries, line);
	else
		invalid(vm, KVT_VM_HV_SPINLOCKS, line, "-cpu hv-spinlocks",
			value != NULL ? value : "");
}

static void read_flag(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	g_autofree char *name =
		g_strdelimit(g_strdup(key + (*key == '+' || *key == '-')), "_", '-');
	int on = *key == '-' ? KVT_NO : switch_of(value);

	if (strcmp(name, "tsc-frequency") == 0 || strcmp(name, "tsc-freq") == 0) {
		read_tsc_frequency(vm, value, line);
		return;
	}
	if (strcmp(name, "hv-spinlocks") == 0) {
		read_spinlocks(vm, value, line);
		return;
	}
	if (strcmp(name, "kvm") == 0 && on >= 0)
		kvt_vm_say(vm, KVT_VM_HIDDEN, on == KVT_NO, line);
	for (const struct kvt_qemu_flag *flag = kvt_qemu_flags; flag->name != NULL; flag++) {
		if (strcmp(name, flag->name) != 0)
			continue;
		if (on >= 0)
			say_flag(vm, flag->field, on, line);
		else
			invalid(vm, (int)flag->field, line, flag->name, value);
	}
}

static void read_cpu_model(struct kvt_vm *vm, const char *model, int line)
{
	kvt_vm_unsay(vm, KVT_VM_CPU_MODEL);
	if (strcmp(model, "host") == 0) {
		kvt_vm_say(vm, KVT_VM_CPU_MODE, KVT_CPU_HOST, line);
	} else if (strcmp(model, "max") == 0) {
		kvt_vm_say(vm, KVT_VM_CPU_MODE, KVT_CPU_MAX, line);
	} else {
		kvt_vm_say(vm, KVT_VM_CPU_MODE, KVT_CPU_CUSTOM, line);
		kvt_vm_say_text(vm, KVT_VM_CPU_MODEL, model, line);
	}
}

/* ---- -global ---- */

void kvt_qemu_read_property(struct kvt_vm *vm, const char *driver, const char *property,
			    const char *value, int line)
{
	bool pit = strcmp(driver, "kvm-pit") == 0;
	enum kvt_vm_timer timer = pit ? KVT_TIMER_PIT : KVT_TIMER_RTC;
	const enum kvt_vm_field field = PART(timer, KVT_PART_POLICY);
	const char *word = strcmp(value, "slew") == 0 ? "catchup" : value;

	if ((!pit && strcmp(driver, "mc146818rtc") != 0) ||
	    (strcmp(property, "lost_tick_policy") != 0 &&
	     strcmp(property, "lost-tick-policy") != 0))
		return;
	if (strcmp(value, "catchup") == 0 || !kvt_vm_say_word(vm, field, word, line)) {
		invalid(vm, (int)field, line, "lost_tick_policy", value);
		return;
	}
	name_timer(vm, timer, line);
	if (strcmp(value, pit ? "slew" : "delay") == 0 || strcmp(value, "merge") == 0)
		kvt_vm_note(vm, KVT_NOTE_REFUSED, (int)field, line,
			    "%s has no lost tick policy '%s': QEMU stops at start", driver, value);
}

static const char *look_up(GPtrArray *pairs, const char *key)
{
	for (guint i = 0; i + 1 < pairs->len; i += 2)
		if (strcmp(g_ptr_array_index(pairs, i), key) == 0)
			return g_ptr_array_index(pairs, i + 1);
	return NULL;
}

/* "DRIVER.PROPERTY=VALUE", or driver=, property=, value= */
static void read_global(struct kvt_vm *vm, const char *text, GPtrArray *pairs, int line)
{
	const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
	const char *driver = look_up(pairs, "driver"), *property = look_up(pairs, "property");
	const char *value = look_up(pairs, "value");

	if (driver != NULL && property != NULL && value != NULL) {
		kvt_qemu_read_property(vm, driver, property, value, line);
	} else if (dot != NULL && equals != NULL && dot < equals) {
		g_autofree char *d = g_strndup(text, (gsize)(dot - text));
		g_autofree char *p = g_strndup(dot + 1, (gsize)(equals - dot - 1));

		kvt_qemu_read_property(vm, d, p, equals + 1, line);
	}
}

/* ---- options ---- */

/* "a=b,c,,d=e" into key, value, key, ...; ",," is a comma; a value may be NULL; first = implied */
static GPtrArray *split_pairs(const char *text, const char *implied)
{
	GPtrArray *pairs = g_ptr_array_new_with_free_func(g_free);
	GString *piece = g_string_new(NULL);

	for (const char *p = text;; p++) {
		if (*p == ',' && p[1] == ',') {
			g_string_append_c(piece, *p++);
		} else if (*p == ',' || *p == '\0') {
			char *equals = strchr(piece->str, '=');
			bool first = pairs->len == 0 && implied != NULL && equals == NULL;

			if (equals != NULL)
				*equals = '\0';
			g_ptr_array_add(pairs, g_strdup(first ? implied : piece->str));
			g_ptr_array_add(pairs, first            ? g_strdup(piece->str)
					       : equals != NULL ? g_strdup(equals + 1)
								: NULL);
			g_string_truncate(piece, 0);
			if (*p == '\0')
				break;
		} else {
			g_string_append_c(piece, *p);
		}
	}
	g_string_free(piece, TRUE);
	return pairs;
}

typedef void (*pair_reader)(struct kvt_vm *vm, const char *key, const char *value, int line);

static void read_accel_pair(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	if (strcmp(key, "accel") == 0 && value != NULL)
		read_accel(vm, value, line);
	else if (strcmp(key, "kernel-irqchip") == 0 || strcmp(key, "kernel_irqchip") == 0)
		read_irqchip(vm, value, line);
}

static void read_cpu_pair(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	if (strcmp(key, "model") == 0 && value != NULL)
		read_cpu_model(vm, value, line);
	else
		read_flag(vm, key, value, line);
}

static void read_device_pair(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	if (strcmp(key, "name") == 0 && g_strcmp0(value, "org.qemu.guest_agent.0") == 0)
		kvt_vm_say(vm, KVT_VM_AGENT, KVT_YES, line);
}

static void read_name_pair(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	if (strcmp(key, "guest") == 0 && value != NULL)
		kvt_vm_say_text(vm, KVT_VM_NAME, value, line);
}

static void read_smp_pair(struct kvt_vm *vm, const char *key, const char *value, int line)
{
	int64_t count;

	if (strcmp(key, "cpus") == 0 && value != NULL &&
	    kvt_vm_parse_number(value, 1, 65535, &count))
		kvt_vm_say(vm, KVT_VM_VCPUS, count, line);
}

static const struct {
	const char *name, *implied;
	pair_reader reader;
} valued[] = {
	{ "rtc", NULL, read_rtc },           { "machine", "type", read_machine },
	{ "M", "type", read_machine },       { "accel", "accel", read_accel_pair },
	{ "cpu", "model", read_cpu_pair },   { "device", "driver", read_device_pair },
	{ "name", "guest", read_name_pair }, { "smp", "cpus", read_smp_pair },
};

bool kvt_qemu_read_pair(struct kvt_vm *vm, const char *option, const char *key, const char *value,
			int line)
{
	for (gsize i = 0; i < G_N_ELEMENTS(valued); i++) {
		if (strcmp(option, valued[i].name) == 0) {
			valued[i].reader(vm, key, value, line);
			return true;
		}
	}
	return false;
}

bool kvt_qemu_read_value(struct kvt_vm *vm, const char *option, const char *text, int line)
{
	const char *implied = NULL;
	g_autoptr(GPtrArray) pairs = NULL;
	bool known = strcmp(option, "global") == 0;

	for (gsize i = 0; i < G_N_ELEMENTS(valued) && !known; i++) {
		known = strcmp(option, valued[i].name) == 0;
		implied = known ? valued[i].implied : NULL;
	}
	if (!known)
		return false;
	pairs = split_pairs(text, implied);
	if (strcmp(option, "global") == 0)
		read_global(vm, text, pairs, line);
	for (guint i = 0; i + 1 < pairs->len; i += 2)
		kvt_qemu_read_pair(vm, option, pairs->pdata[i], pairs->pdata[i + 1], line);
	return true;
}
