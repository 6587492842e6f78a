/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "vmdef/formats.h"
#include "vmdef/os.h"
#include "vmdef/qemu.h"

#define PART(timer, part) KVT_VM_TIMER(KVT_TIMER_##timer, KVT_PART_##part)

/* Values that decide what qemu-server derives. */
struct config {
	const char *ostype;
	int line;           /* of ostype, or 0 */
	int localtime, tdf; /* -1 = not said */
	bool acpi;
	const char *args;
	int args_line;
};

static void say_timer(struct kvt_vm *vm, enum kvt_vm_field field, int64_t number, int line)
{
	int timer = ((int)field - KVT_VM_TIMERS) / KVT_PART_COUNT;

	kvt_vm_say(vm, KVT_VM_TIMER(timer, KVT_PART_NAMED), KVT_YES, line);
	kvt_vm_say(vm, field, number, line);
}

static bool is_on(const char *value)
{
	return g_str_has_prefix(value, "1") || g_str_has_prefix(value, "enabled=1");
}

static void read_cpu(struct kvt_vm *vm, const struct kvt_vm_pair *pair)
{
	gsize length = strcspn(pair->value, ",");
	g_autofree char *model = g_strndup(pair->value, length);

	if (g_str_has_prefix(model, "cputype="))
		memmove(model, model + 8, strlen(model + 8) + 1);
	if (strcmp(model, "host") == 0 || strcmp(model, "max") == 0) {
		kvt_vm_say(vm, KVT_VM_CPU_MODE, *model == 'h' ? KVT_CPU_HOST : KVT_CPU_MAX,
			   pair->line);
	} else if (*model != '\0') {
		kvt_vm_say(vm, KVT_VM_CPU_MODE, KVT_CPU_CUSTOM, pair->line);
		kvt_vm_say_text(vm, KVT_VM_CPU_MODEL, model, pair->line);
	}
	if (strstr(pair->value, "hidden=1") != NULL)
		kvt_vm_say(vm, KVT_VM_HIDDEN, KVT_YES, pair->line);
}

static void read_count(struct kvt_vm *vm, const struct kvt_vm_pair *pair)
{
	int64_t number, before = kvt_vm_number(vm, KVT_VM_VCPUS, 1);

	if (kvt_vm_parse_number(pair->value, 1, 1024, &number))
		kvt_vm_say(vm, KVT_VM_VCPUS, MIN(number * before, 65535), pair->line);
	else
		kvt_vm_note(vm, KVT_NOTE_INVALID, KVT_VM_VCPUS, pair->line,
			    "%s: invalid value '%.40s'", pair->key, pair->value);
}

static void read_pair(struct kvt_vm *vm, struct config *config, const struct kvt_vm_pair *pair)
{
	if (strcmp(pair->key, "name") == 0)
		kvt_vm_say_text(vm, KVT_VM_NAME, pair->value, pair->line);
	else if (strcmp(pair->key, "ostype") == 0)
		config->ostype = pair->value, config->line = pair->line;
	else if (strcmp(pair->key, "localtime") == 0)
		config->localtime = is_on(pair->value);
	else if (strcmp(pair->key, "tdf") == 0)
		config->tdf = is_on(pair->value);
	else if (strcmp(pair->key, "acpi") == 0)
		kvt_vm_say(vm, KVT_VM_ACPI, config->acpi = is_on(pair->value), pair->line);
	else if (strcmp(pair->key, "kvm") == 0)
		kvt_vm_say(vm, KVT_VM_VIRT, is_on(pair->value) ? KVT_VIRT_KVM : KVT_VIRT_TCG,
			   pair->line);
	else if (strcmp(pair->key, "agent") == 0)
		kvt_vm_say(vm, KVT_VM_AGENT, is_on(pair->value), pair->line);
	else if (strcmp(pair->key, "machine") == 0)
		kvt_vm_say_text(vm, KVT_VM_MACHINE, pair->value, pair->line);
	else if (strcmp(pair->key, "cores") == 0 || strcmp(pair->key, "sockets") == 0)
		read_count(vm, pair);
	else if (strcmp(pair->key, "cpu") == 0)
		read_cpu(vm, pair);
	else if (strcmp(pair->key, "args") == 0)
		config->args = pair->value, config->args_line = pair->line;
}

/* Windows: from Vista on what Hyper-V guests are given; stimer and ipi from Windows 7 on. */
static void derive_hyperv(struct kvt_vm *vm, const struct config *config)
{
	static const enum kvt_vm_field flags[] = { KVT_VM_HV_VAPIC,   KVT_VM_HV_RESET,
						   KVT_VM_HV_VPINDEX, KVT_VM_HV_RUNTIME,
						   KVT_VM_HV_RELAXED, KVT_VM_HV_SYNIC };
	bool seven = strcmp(config->ostype, "wvista") != 0 && strcmp(config->ostype, "w2k8") != 0;

	say_timer(vm, PART(HYPERVCLOCK, PRESENT), KVT_YES, config->line);
	kvt_vm_say(vm, KVT_VM_HV_SPINLOCKS, 0x1fff, config->line);
	for (gsize i = 0; i < G_N_ELEMENTS(flags); i++)
		kvt_vm_say(vm, flags[i], KVT_YES, config->line);
	if (!seven)
		return;
	kvt_vm_say(vm, KVT_VM_HV_STIMER, KVT_YES, config->line);
	kvt_vm_say(vm, KVT_VM_HV_IPI, KVT_YES, config->line);
}

static void derive(struct kvt_vm *vm, const struct config *config)
{
	int family = config->ostype != NULL ? kvt_os_family(config->ostype) : -1;
	bool windows = family == KVT_FAMILY_WINDOWS || family == KVT_FAMILY_WINDOWS_NT5;
	bool kvm = kvt_vm_number(vm, KVT_VM_VIRT, KVT_VIRT_KVM) == KVT_VIRT_KVM;
	bool local = config->localtime >= 0 ? config->localtime : windows;

	if (config->ostype != NULL)
		kvt_vm_say_text(vm, KVT_VM_OS_ID, config->ostype, config->line);
	if (family >= 0 && family != KVT_FAMILY_OTHER)
		kvt_vm_say(vm, KVT_VM_OS_FAMILY, family, config->line);
	kvt_vm_say(vm, KVT_VM_OFFSET, local ? KVT_OFFSET_LOCALTIME : KVT_OFFSET_UTC, config->line);
	if (config->tdf == 1 || (windows && config->acpi))
		say_timer(vm, PART(RTC, POLICY), KVT_POLICY_CATCHUP, config->line);
	if (family != KVT_FAMILY_WINDOWS)
		return;
	say_timer(vm, PART(HPET, PRESENT), KVT_NO, config->line);
	if (kvm)
		say_timer(vm, PART(PIT, POLICY), KVT_POLICY_DISCARD, config->line);
	if (kvm)
		derive_hyperv(vm, config);
}

static void read_args(struct kvt_vm *vm, const struct config *config)
{
	g_autoptr(GArray) lines = NULL;
	g_autoptr(GPtrArray) words = NULL;
	g_autoptr(GError) error = NULL;

	if (config->args == NULL)
		return;
	words = kvt_qemu_split(config->args, strlen(config->args), vm->file, &lines, &error);
	if (words == NULL) {
		kvt_vm_note(vm, KVT_NOTE_INVALID, -1, config->args_line, "args: %s",
			    error->message);
		return;
	}
	g_ptr_array_add(words, NULL);
	kvt_qemu_read_words(vm, (const char *const *)words->pdata, config->args_line);
}

struct kvt_vm *kvt_proxmox_read(const char *text, gsize length, const char *file, GError **error)
{
	const char *snapshot = g_strstr_len(text, (gssize)length, "\n[");
	g_autoptr(GPtrArray) pairs = NULL;
	struct config config = { NULL, 0, -1, -1, true, NULL, 0 };
	struct kvt_vm *vm;

	/* what follows is the past: snapshots, pending changes */
	if (snapshot != NULL)
		length = (gsize)(snapshot - text);
	pairs = kvt_vm_pairs(text, length, ':', file, error);
	if (pairs == NULL)
		return NULL;
	vm = kvt_vm_new(KVT_FORMAT_PROXMOX, file);
	kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, 0);
	kvt_vm_say(vm, KVT_VM_ARCH, 0, 0);
	kvt_vm_say_text(vm, KVT_VM_ARCH, "x86_64", 0);
	kvt_vm_say(vm, KVT_VM_AGENT, KVT_NO, 0);
	for (guint i = 0; i < pairs->len; i++)
		read_pair(vm, &config, g_ptr_array_index(pairs, i));
	derive(vm, &config);
	read_args(vm, &config);
	return vm;
}

/* ---- writing ---- */

static const char *ostype(const struct kvt_vm *vm)
{
	static const char *const types[] = { "l26",     "l24",   "wxp",   "win10",
					     "solaris", "other", "other", "other" };
	const char *id = vm->at[KVT_VM_OS_ID].text;
	int64_t family = kvt_vm_number(vm, KVT_VM_OS_FAMILY, KVT_FAMILY_OTHER);
	static const char *const known[] = { "l24",   "l26",     "win7", "win8", "win10",
					     "win11", "wvista",  "w2k8", "w2k3", "wxp",
					     "w2k",   "solaris", "other" };

	for (gsize i = 0; i < G_N_ELEMENTS(known) && id != NULL; i++)
		if (strcmp(id, known[i]) == 0)
			return known[i];
	return types[family];
}

/* What qemu-server does not derive goes to QEMU as it is. */
static void write_args(GString *out, const struct kvt_vm *vm, const struct kvt_vm *derived)
{
	static const char *const clocks[] = { "", "vm", "host", "rt" };
	GString *args = g_string_new(NULL);
	int64_t pit = kvt_vm_number(vm, PART(PIT, POLICY), -1);
	int64_t track = kvt_vm_number(vm, PART(RTC, TRACK), 0);

	if ((pit == KVT_POLICY_DELAY || pit == KVT_POLICY_DISCARD) &&
	    !kvt_vm_is(derived, PART(PIT, POLICY), pit))
		g_string_append_printf(args, " -global kvm-pit.lost_tick_policy=%s",
				       pit == KVT_POLICY_DELAY ? "delay" : "discard");
	if (kvt_vm_said(vm, PART(HPET, PRESENT)) && !kvt_vm_same(vm, derived, PART(HPET, PRESENT)))
		g_string_append_printf(args, " -machine hpet=%s",
				       vm->at[PART(HPET, PRESENT)].number ? "on" : "off");
	if (track > 0)
		g_string_append_printf(args, " -rtc clock=%s", clocks[track]);
	if (args->len > 0)
		g_string_append_printf(out, "args:%s\n", args->str);
	g_string_free(args, TRUE);
}

static void write_cpu(GString *out, const struct kvt_vm *vm)
{
	int64_t mode = kvt_vm_number(vm, KVT_VM_CPU_MODE, -1);
	const char *model = mode == KVT_CPU_HOST || mode == KVT_CPU_HOST_MODEL ? "host"
			    : mode == KVT_CPU_MAX                              ? "max"
						  : vm->at[KVT_VM_CPU_MODEL].text;
	bool hidden = kvt_vm_is(vm, KVT_VM_HIDDEN, KVT_YES);

	if (model != NULL && model[strcspn(model, ",\n")] == '\0')
		g_string_append_printf(out, "cpu: %s%s\n", model, hidden ? ",hidden=1" : "");
	else if (hidden)
		g_string_append(out, "cpu: kvm64,hidden=1\n");
}

static void write_plain(GString *out, const struct kvt_vm *vm)
{
	g_autofree char *name = g_strdup(vm->at[KVT_VM_NAME].text);
	const char *machine = vm->at[KVT_VM_MACHINE].text;

	if (kvt_vm_said(vm, KVT_VM_ACPI))
		g_string_append_printf(out, "acpi: %d\n", (int)vm->at[KVT_VM_ACPI].number);
	if (kvt_vm_said(vm, KVT_VM_AGENT))
		g_string_append_printf(out, "agent: %d\n", (int)vm->at[KVT_VM_AGENT].number);
	if (kvt_vm_said(vm, KVT_VM_VCPUS))
		g_string_append_printf(out, "cores: %d\n", (int)vm->at[KVT_VM_VCPUS].number);
	write_cpu(out, vm);
	if (kvt_vm_is(vm, KVT_VM_VIRT, KVT_VIRT_TCG))
		g_string_append(out, "kvm: 0\n");
	if (machine != NULL && machine[strcspn(machine, "\n#")] == '\0')
		g_string_append_printf(out, "machine: %s\n", machine);
	if (name != NULL)
		g_string_append_printf(out, "name: %s\n", g_strdelimit(name, "\n#", '_'));
	g_string_append_printf(out, "ostype: %s\n", ostype(vm));
}

char *kvt_proxmox_write(const struct kvt_vm *vm)
{
	GString *out = g_string_new(NULL);
	g_autoptr(kvt_vm) derived = NULL;
	int64_t offset = kvt_vm_number(vm, KVT_VM_OFFSET, -1);

	write_plain(out, vm);
	derived = kvt_proxmox_read(out->str, out->len, "derived", NULL);
	if (derived == NULL)
		return g_string_free(out, FALSE);
	if (offset == KVT_OFFSET_UTC || offset == KVT_OFFSET_LOCALTIME)
		g_string_append_printf(out, "localtime: %d\n", offset == KVT_OFFSET_LOCALTIME);
	if (kvt_vm_is(vm, PART(RTC, POLICY), KVT_POLICY_CATCHUP) &&
	    !kvt_vm_same(vm, derived, PART(RTC, POLICY)))
		g_string_append(out, "tdf: 1\n");
	write_args(out, vm, derived);
	return g_string_free(out, FALSE);
}
