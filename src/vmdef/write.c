/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/load.h"

#include <string.h>

#include "sys/error.h"
#include "vmdef/formats.h"
#include "vmdef/libvirt.h"

#define PART(timer, part) KVT_VM_TIMER(timer, part)

static char *write_qemu(const struct kvt_vm *vm, const struct kvt_qemu_target *target)
{
	g_autoptr(GPtrArray) words = kvt_qemu_write(vm, target);
	g_autofree char *line = kvt_qemu_join(words);

	return g_strconcat(line, "\n", NULL);
}

static char *write_text(struct kvt_vm *vm, enum kvt_vm_format format,
			const struct kvt_qemu_target *target)
{
	switch (format) {
	case KVT_FORMAT_LIBVIRT:
		return kvt_libvirt_write(vm);
	case KVT_FORMAT_QEMU:
		return write_qemu(vm, target);
	case KVT_FORMAT_XL:
		return kvt_xl_write(vm);
	case KVT_FORMAT_PROXMOX:
		return kvt_proxmox_write(vm);
	case KVT_FORMAT_KUBEVIRT:
		return kvt_kubevirt_write(vm);
	case KVT_FORMAT_NOVA:
		return kvt_nova_write(vm);
	default:
		return NULL;
	}
}

/* Why a format cannot say a field, where there is more to say than that. */
static const struct {
	enum kvt_vm_format format;
	enum kvt_vm_field first, last;
	const char *why;
} reasons[] = {
	{ KVT_FORMAT_QEMU, KVT_VM_OS_ID, KVT_VM_OS_FAMILY,
	  "a command line does not name the guest's system" },
	{ KVT_FORMAT_QEMU, KVT_VM_OFFSET, KVT_VM_BASIS,
	  "a command line has one date, fixed when it is written: write it anew before each start" },
	{ KVT_FORMAT_QEMU, PART(KVT_TIMER_RTC, KVT_PART_POLICY),
	  PART(KVT_TIMER_RTC, KVT_PART_POLICY),
	  "QEMU's RTC knows slew (catchup) and discard, its default, alone" },
	{ KVT_FORMAT_QEMU, PART(KVT_TIMER_PIT, KVT_PART_POLICY),
	  PART(KVT_TIMER_PIT, KVT_PART_POLICY),
	  "KVM's PIT knows delay (re-injection, its default) and discard alone" },
	{ KVT_FORMAT_QEMU, PART(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT),
	  PART(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT),
	  "absent is QEMU's default and has no word" },
	{ KVT_FORMAT_QEMU, PART(KVT_TIMER_HPET, KVT_PART_PRESENT),
	  PART(KVT_TIMER_HPET, KVT_PART_PRESENT),
	  "present is QEMU's default and has no word before 8.0" },
	{ KVT_FORMAT_QEMU, KVT_VM_CPU_MODE, KVT_VM_CPU_MODEL,
	  "host-model is expanded by libvirt; -cpu host is the nearest" },
	{ KVT_FORMAT_LIBVIRT, PART(KVT_TIMER_RTC, KVT_PART_POLICY),
	  PART(KVT_TIMER_RTC, KVT_PART_POLICY),
	  "QEMU's default (discard) has no word in XML that libvirt takes" },
	{ KVT_FORMAT_LIBVIRT, KVT_VM_OS_FAMILY, KVT_VM_OS_FAMILY, "a family has no libosinfo id" },
};

static const char *reason(enum kvt_vm_format format, enum kvt_vm_field field)
{
	for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
		if (reasons[i].format == format && field >= reasons[i].first &&
		    field <= reasons[i].last)
			return reasons[i].why;
	return "the format has no word for it";
}

/* Names of timers are no information of their own. */
static bool matters(enum kvt_vm_field field)
{
	return field < KVT_VM_TIMERS || (field - KVT_VM_TIMERS) % KVT_PART_COUNT != KVT_PART_NAMED;
}

static void compare(const struct kvt_vm *vm, struct kvt_vm *back, enum kvt_vm_format format)
{
	for (int i = 0; i < KVT_VM_FIELD_COUNT; i++) {
		enum kvt_vm_field field = (enum kvt_vm_field)i;
		g_autofree char *was = kvt_vm_print(vm, field);
		g_autofree char *is = kvt_vm_print(back, field);

		if (was == NULL || !matters(field) || g_strcmp0(was, is) == 0)
			continue;
		kvt_vm_note(back, KVT_NOTE_LOST, i, vm->at[i].line, "%s = %s%s%s: %s",
			    kvt_vm_field_name(field), was, is != NULL ? " became " : "",
			    is != NULL ? is : "", reason(format, field));
	}
}

static GPtrArray *lost_notes(struct kvt_vm *back)
{
	GPtrArray *lost = g_ptr_array_new();

	for (guint i = 0; i < back->notes->len;) {
		struct kvt_vm_note *note = g_ptr_array_index(back->notes, i);

		if (note->kind == KVT_NOTE_LOST)
			g_ptr_array_add(lost, g_ptr_array_steal_index(back->notes, i));
		else
			i++;
	}
	return lost;
}

static void free_note(gpointer data)
{
	struct kvt_vm_note *note = data;

	g_free(note->text);
	g_free(note);
}

char *kvt_vm_write(const struct kvt_vm *vm, enum kvt_vm_format format,
		   const struct kvt_qemu_target *target, GPtrArray **ret_lost, GError **error)
{
	g_autoptr(kvt_vm) copy = kvt_vm_copy(vm);
	g_autoptr(kvt_vm) back = NULL;
	g_autofree char *text = write_text(copy, format, target);

	if (text == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE, "%s is read, and not written",
			    kvt_vm_format_name(format));
		return NULL;
	}
	back = kvt_vm_parse((int)format, text, strlen(text), "what was written", error);
	if (back == NULL)
		return NULL;
	compare(vm, back, format);
	*ret_lost = lost_notes(back);
	g_ptr_array_set_free_func(*ret_lost, free_note);
	return g_steal_pointer(&text);
}
