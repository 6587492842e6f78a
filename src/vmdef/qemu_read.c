/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/qemu.h"

#include <stdio.h>
#include <string.h>

#include "sys/error.h"

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

static void read_property(struct kvt_vm *vm, const char *driver, const char *property,
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
		read_property(vm, driver, property, value, line);
	} else if (dot != NULL && equals != NULL && dot < equals) {
		g_autofree char *d = g_strndup(text, (gsize)(dot - text));
		g_autofree char *p = g_strndup(dot + 1, (gsize)(equals - dot - 1));

		read_property(vm, d, p, equals + 1, line);
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

static void each_pair(struct kvt_vm *vm, GPtrArray *pairs, pair_reader reader, int line)
{
	for (guint i = 0; i + 1 < pairs->len; i += 2)
		reader(vm, g_ptr_array_index(pairs, i), g_ptr_array_index(pairs, i + 1), line);
}

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

/* Options of old; they are counted in vm->options whatever the version. */
static void read_old(struct kvt_vm *vm, const char *name, const char *value, int line)
{
	g_ptr_array_add(vm->options, g_strdup(name));
	if (strcmp(name, "no-hpet") == 0)
		say_timer(vm, KVT_TIMER_HPET, KVT_PART_PRESENT, KVT_NO, line);
	if (strcmp(name, "no-acpi") == 0)
		kvt_vm_say(vm, KVT_VM_ACPI, KVT_NO, line);
	if (g_str_has_prefix(name, "no-kvm-pit") && !kvt_vm_said(vm, KVT_VM_VIRT))
		kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, line);
	if (strcmp(name, "no-kvm-pit-reinjection") == 0)
		say_timer(vm, KVT_TIMER_PIT, KVT_PART_POLICY, KVT_POLICY_DISCARD, line);
	else if (strcmp(name, "rtc-td-hack") == 0)
		say_timer(vm, KVT_TIMER_RTC, KVT_PART_POLICY, KVT_POLICY_CATCHUP, line);
	else if (strcmp(name, "localtime") == 0)
		read_base(vm, "localtime", line);
	else if (strcmp(name, "startdate") == 0 && value != NULL)
		read_base(vm, strcmp(value, "now") == 0 ? "utc" : value, line);
	else if (strcmp(name, "no-kvm-irqchip") == 0)
		kvt_vm_say(vm, KVT_VM_IRQCHIP, KVT_IRQCHIP_OFF, line);
	else if (strcmp(name, "no-kvm") == 0)
		kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_TCG, line);
}

/* Returns true if the option took the next word. */
static bool read_option(struct kvt_vm *vm, const char *name, const char *next, int line)
{
	const struct kvt_qemu_option *old = kvt_qemu_option_find(name);

	if (old != NULL) {
		read_old(vm, name, next, line);
		return old->has_value && next != NULL;
	}
	if (strcmp(name, "enable-kvm") == 0)
		kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, line);
	if (next == NULL)
		return false;
	for (gsize i = 0; i < G_N_ELEMENTS(valued); i++) {
		if (strcmp(name, valued[i].name) == 0) {
			g_autoptr(GPtrArray) pairs = split_pairs(next, valued[i].implied);

			each_pair(vm, pairs, valued[i].reader, line);
			return true;
		}
	}
	if (strcmp(name, "global") == 0) {
		g_autoptr(GPtrArray) pairs = split_pairs(next, NULL);

		read_global(vm, next, pairs, line);
		return true;
	}
	if (strcmp(name, "append") == 0) {
		kvt_vm_say_cmdline(vm, next, line);
		return true;
	}
	if (strcmp(name, "readconfig") == 0) {
		kvt_vm_note(vm, KVT_NOTE_REMARK, -1, line, "more is said in %s: read that too",
			    next);
		return true;
	}
	return false;
}

static void read_all(struct kvt_vm *vm, const char *const *words, const int *lines, int line)
{
	for (gsize i = 0; words[i] != NULL; i++) {
		const char *name = words[i];

		if (name[0] != '-' || name[1] == '\0')
			continue;
		name += name[1] == '-' ? 2 : 1;
		if (read_option(vm, name, words[i + 1], lines != NULL ? lines[i] : line))
			i++;
	}
}

void kvt_qemu_read_words(struct kvt_vm *vm, const char *const *words, int line)
{
	read_all(vm, words, NULL, line);
}

/* Environment and program before the first option. */
static bool read_program(struct kvt_vm *vm, const char *word, int line)
{
	g_autofree char *base = g_path_get_basename(word);
	const char *arch = strstr(base, "qemu-system-");

	if (g_str_has_prefix(word, "TZ=") && word[3] != '\0')
		kvt_vm_say_text(vm, KVT_VM_TIMEZONE, word + 3, line);
	if (arch != NULL && arch[12] != '\0')
		kvt_vm_say_text(vm, KVT_VM_ARCH, arch + 12, line);
	if (strcmp(base, "kvm") == 0 || strcmp(base, "qemu-kvm") == 0)
		kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, line);
	return g_str_has_prefix(base, "qemu") || strcmp(base, "kvm") == 0;
}

struct kvt_vm *kvt_qemu_read(const char *text, gsize length, const char *file, GError **error)
{
	g_autoptr(GArray) lines = NULL;
	g_autoptr(GPtrArray) words = kvt_qemu_split(text, length, file, &lines, error);
	struct kvt_vm *vm;
	bool program = false;

	if (words == NULL)
		return NULL;
	vm = kvt_vm_new(KVT_FORMAT_QEMU, file);
	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);

		if (word[0] == '-')
			break;
		program |= read_program(vm, word, g_array_index(lines, int, i));
	}
	g_ptr_array_add(words, NULL);
	if (program) /* a whole command line: what it does not give is not there */
		kvt_vm_say(vm, KVT_VM_AGENT, KVT_NO, 0);
	if (program && !kvt_vm_said(vm, KVT_VM_VIRT))
		kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_TCG, 0);
	read_all(vm, (const char *const *)words->pdata, (const int *)(gpointer)lines->data, 1);
	if (kvt_vm_said(vm, KVT_VM_TIMEZONE) && !kvt_vm_is(vm, KVT_VM_OFFSET, KVT_OFFSET_TIMEZONE))
		kvt_vm_unsay(vm, KVT_VM_TIMEZONE);
	return vm;
}

/* ---- -readconfig ---- */

struct config {
	struct kvt_vm *vm;
	char section[64];
	GPtrArray *pairs; /* of a [global] or [device] section */
	int line;
};

static void end_section(struct config *c)
{
	if (strcmp(c->section, "global") == 0)
		read_global(c->vm, "", c->pairs, c->line);
	g_ptr_array_set_size(c->pairs, 0);
}

static void config_pair(struct config *c, const char *key, const char *value)
{
	for (gsize i = 0; i < G_N_ELEMENTS(valued); i++)
		if (strcmp(valued[i].name, c->section) == 0)
			valued[i].reader(c->vm, key, value, c->line);
	g_ptr_array_add(c->pairs, g_strdup(key));
	g_ptr_array_add(c->pairs, g_strdup(value));
}

static bool config_line(struct config *c, char *line, GError **error)
{
	char *equals = strchr(line, '='), *value;
	gsize length;

	if (*line == '\0' || *line == '#')
		return true;
	if (*line == '[') {
		end_section(c);
		g_strlcpy(c->section, line + 1, sizeof(c->section));
		c->section[strcspn(c->section, "] \"")] = '\0';
		return true;
	}
	if (equals == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s:%d: neither [section] nor key = \"value\"", c->vm->file, c->line);
		return false;
	}
	*equals = '\0';
	value = g_strstrip(equals + 1);
	length = strlen(value);
	if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
		value[length - 1] = '\0';
		value++;
	}
	config_pair(c, g_strstrip(line), value);
	return true;
}

struct kvt_vm *kvt_qemu_read_config(const char *text, gsize length, const char *file,
				    GError **error)
{
	g_autofree char *copy = g_strndup(text, MIN(length, KVT_QEMU_LIMIT));
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
	struct config c = { kvt_vm_new(KVT_FORMAT_QEMU, file), "", NULL, 0 };
	bool good = true;

	c.pairs = g_ptr_array_new_with_free_func(g_free);
	for (char **line = lines; *line != NULL && good; line++) {
		c.line++;
		good = config_line(&c, g_strstrip(*line), error);
	}
	end_section(&c);
	g_ptr_array_unref(c.pairs);
	if (good)
		return c.vm;
	kvt_vm_free(c.vm);
	return NULL;
}
