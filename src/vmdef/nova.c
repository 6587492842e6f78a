/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "sys/error.h"
#include "vmdef/formats.h"
#include "vmdef/os.h"

#define PART(timer, part) KVT_VM_TIMER(KVT_TIMER_##timer, KVT_PART_##part)

static void say_timer(struct kvt_vm *vm, enum kvt_vm_field field, int64_t number, int line)
{
	int timer = ((int)field - KVT_VM_TIMERS) / KVT_PART_COUNT;

	kvt_vm_say(vm, KVT_VM_TIMER(timer, KVT_PART_NAMED), KVT_YES, line);
	kvt_vm_say(vm, field, number, line);
}

static bool is_true(const char *value)
{
	static const char *const words[] = { "true", "yes", "1", "on", "t", "y" };

	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

struct properties {
	bool windows, hpet;
	int line, hpet_line;
};

static void read_property(struct kvt_vm *vm, struct properties *p, const char *key,
			  const char *value, int line)
{
	int64_t number;

	if (strcmp(key, "os_type") == 0) {
		int family = kvt_os_family(value);

		p->windows = g_ascii_strcasecmp(value, "windows") == 0;
		p->line = line;
		kvt_vm_say_text(vm, KVT_VM_OS_ID, value, line);
		if (family >= 0)
			kvt_vm_say(vm, KVT_VM_OS_FAMILY, family, line);
	} else if (strcmp(key, "hw_time_hpet") == 0) {
		p->hpet = is_true(value);
		p->hpet_line = line;
	} else if (strcmp(key, "hw_qemu_guest_agent") == 0) {
		kvt_vm_say(vm, KVT_VM_AGENT, is_true(value), line);
	} else if (strcmp(key, "hw_machine_type") == 0) {
		kvt_vm_say_text(vm, KVT_VM_MACHINE, value, line);
	} else if (strcmp(key, "os_command_line") == 0) {
		kvt_vm_say_cmdline(vm, value, line);
	} else if (strcmp(key, "img_hide_hypervisor_id") == 0 ||
		   strcmp(key, "hide_hypervisor_id") == 0) {
		kvt_vm_say(vm, KVT_VM_HIDDEN, is_true(value), line);
	} else if (strcmp(key, "vcpus") == 0 && kvt_vm_parse_number(value, 1, 65535, &number)) {
		kvt_vm_say(vm, KVT_VM_VCPUS, number, line);
	}
}

/* What nova's libvirt driver writes for a KVM guest. */
static void derive(struct kvt_vm *vm, const struct properties *p)
{
	static const enum kvt_vm_field flags[] = { KVT_VM_HV_RELAXED,     KVT_VM_HV_VAPIC,
						   KVT_VM_HV_VPINDEX,     KVT_VM_HV_RUNTIME,
						   KVT_VM_HV_SYNIC,       KVT_VM_HV_RESET,
						   KVT_VM_HV_FREQUENCIES, KVT_VM_HV_TLBFLUSH,
						   KVT_VM_HV_IPI };

	kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, 0);
	kvt_vm_say(vm, KVT_VM_OFFSET, p->windows ? KVT_OFFSET_LOCALTIME : KVT_OFFSET_UTC, p->line);
	say_timer(vm, PART(RTC, POLICY), KVT_POLICY_CATCHUP, 0);
	say_timer(vm, PART(PIT, POLICY), KVT_POLICY_DELAY, 0);
	say_timer(vm, PART(HPET, PRESENT), p->hpet, p->hpet_line);
	if (!kvt_vm_said(vm, KVT_VM_AGENT))
		kvt_vm_say(vm, KVT_VM_AGENT, KVT_NO, 0);
	if (!p->windows)
		return;
	say_timer(vm, PART(HYPERVCLOCK, PRESENT), KVT_YES, p->line);
	kvt_vm_say(vm, KVT_VM_HV_SPINLOCKS, 8191, p->line);
	for (gsize i = 0; i < G_N_ELEMENTS(flags); i++)
		kvt_vm_say(vm, flags[i], KVT_YES, p->line);
}

struct kvt_vm *kvt_nova_read(const char *text, gsize length, const char *file, GError **error)
{
	g_autoptr(GPtrArray) pairs = kvt_vm_pairs(text, length, '=', file, error);
	struct properties properties = { false, false, 0, 0 };
	struct kvt_vm *vm;

	if (pairs == NULL)
		return NULL;
	vm = kvt_vm_new(KVT_FORMAT_NOVA, file);
	for (guint i = 0; i < pairs->len; i++) {
		const struct kvt_vm_pair *pair = g_ptr_array_index(pairs, i);

		read_property(vm, &properties, pair->key, pair->value, pair->line);
	}
	derive(vm, &properties);
	return vm;
}

char *kvt_nova_write(const struct kvt_vm *vm)
{
	int64_t family = kvt_vm_number(vm, KVT_VM_OS_FAMILY, -1);
	GString *out = g_string_new(NULL);

	if (family == KVT_FAMILY_WINDOWS || family == KVT_FAMILY_WINDOWS_NT5)
		g_string_append(out, "os_type=windows\n");
	else if (family >= 0)
		g_string_append(out, "os_type=linux\n");
	g_string_append_printf(out, "hw_time_hpet=%s\n",
			       kvt_vm_is(vm, PART(HPET, PRESENT), KVT_YES) ? "true" : "false");
	if (kvt_vm_said(vm, KVT_VM_AGENT))
		g_string_append_printf(out, "hw_qemu_guest_agent=%s\n",
				       vm->at[KVT_VM_AGENT].number ? "yes" : "no");
	if (kvt_vm_said(vm, KVT_VM_HIDDEN))
		g_string_append_printf(out, "img_hide_hypervisor_id=%s\n",
				       vm->at[KVT_VM_HIDDEN].number ? "true" : "false");
	if (kvt_vm_said(vm, KVT_VM_MACHINE)) {
		g_autofree char *machine = g_strdup(vm->at[KVT_VM_MACHINE].text);

		g_string_append_printf(out, "hw_machine_type=%s\n",
				       g_strdelimit(machine, "\n#;\"'[", '_'));
	}
	return g_string_free(out, FALSE);
}
