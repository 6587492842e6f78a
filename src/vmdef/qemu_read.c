/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/qemu.h"

#include <string.h>

#include "sys/error.h"

/* What options of old say in today's words. */
static const struct {
	const char *old, *option, *key, *value; /* value NULL = its own */
} translated[] = {
	{ "no-hpet", "machine", "hpet", "off" },
	{ "no-acpi", "machine", "acpi", "off" },
	{ "no-kvm-irqchip", "machine", "kernel_irqchip", "off" },
	{ "no-kvm", "accel", "accel", "tcg" },
	{ "rtc-td-hack", "rtc", "driftfix", "slew" },
	{ "localtime", "rtc", "base", "localtime" },
	{ "startdate", "rtc", "base", NULL },
};

/* They are counted in vm->options whatever the version. */
static void read_old(struct kvt_vm *vm, const char *name, const char *value, int line)
{
	g_ptr_array_add(vm->options, g_strdup(name));
	if (g_strcmp0(value, "now") == 0)
		value = "utc";
	for (gsize i = 0; i < G_N_ELEMENTS(translated); i++)
		if (strcmp(name, translated[i].old) == 0)
			kvt_qemu_read_pair(
				vm, translated[i].option, translated[i].key,
				translated[i].value != NULL ? translated[i].value : value, line);
	if (g_str_has_prefix(name, "no-kvm-pit") && !kvt_vm_said(vm, KVT_VM_VIRT))
		kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, line);
	if (strcmp(name, "no-kvm-pit-reinjection") == 0)
		kvt_qemu_read_property(vm, "kvm-pit", "lost_tick_policy", "discard", line);
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
	if (kvt_qemu_read_value(vm, name, next, line))
		return true;
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
	char *driver, *property, *value; /* of a [global] section */
	int line;
};

static void end_section(struct config *c)
{
	if (strcmp(c->section, "global") == 0 && c->driver != NULL && c->property != NULL &&
	    c->value != NULL)
		kvt_qemu_read_property(c->vm, c->driver, c->property, c->value, c->line);
	g_clear_pointer(&c->driver, g_free);
	g_clear_pointer(&c->property, g_free);
	g_clear_pointer(&c->value, g_free);
}

static void config_pair(struct config *c, const char *key, const char *value)
{
	char **place = strcmp(key, "driver") == 0     ? &c->driver
		       : strcmp(key, "property") == 0 ? &c->property
		       : strcmp(key, "value") == 0    ? &c->value
						      : NULL;

	if (place != NULL && *place == NULL)
		*place = g_strdup(value);
	kvt_qemu_read_pair(c->vm, c->section, key, value, c->line);
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
	struct config c = { .vm = kvt_vm_new(KVT_FORMAT_QEMU, file) };
	bool good = true;

	for (char **line = lines; *line != NULL && good; line++) {
		c.line++;
		good = config_line(&c, g_strstrip(*line), error);
	}
	end_section(&c);
	if (good)
		return c.vm;
	kvt_vm_free(c.vm);
	return NULL;
}
