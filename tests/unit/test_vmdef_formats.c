/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvirt XML to another format and back to XML: what both can say survives. What they can say is
 * listed here, by hand, from the formats' own manuals; the converter does not know this list.
 */
#include <string.h>

#include "vmdef/load.h"
#include "vmdef_draw.h"

#define ROUNDS    2000
#define BIT(word) (1u << KVT_##word)

struct format {
	enum kvt_vm_format format;
	const enum kvt_vm_virt *virts; /* those that it runs; ends with KVT_VIRT_OTHER */
	unsigned offsets;              /* bits of enum kvt_vm_offset */
	const struct range *ranges;
	gsize count;
	bool cpu;     /* host, max, or a model by name */
	bool machine; /* a machine type */
};

static const enum kvt_vm_virt qemu_virts[] = { KVT_VIRT_KVM, KVT_VIRT_TCG, KVT_VIRT_OTHER };
static const enum kvt_vm_virt kvm_virts[] = { KVT_VIRT_KVM, KVT_VIRT_OTHER };
static const enum kvt_vm_virt hvm_virts[] = { KVT_VIRT_XEN_HVM, KVT_VIRT_OTHER };
static const enum kvt_vm_virt pv_virts[] = { KVT_VIRT_XEN_PV, KVT_VIRT_XEN_PVH, KVT_VIRT_OTHER };

static const struct range xl_ranges[] = {
	{ PART(HPET, PRESENT), NO | YES, 0 },
	{ PART(HYPERVCLOCK, PRESENT), NO | YES, 0 },
	{ PART(TSC, MODE), BIT(TSC_AUTO) | BIT(TSC_NATIVE) | BIT(TSC_EMULATE) | BIT(TSC_PARAVIRT),
	  0 },
	{ KVT_VM_VCPUS, 0, 255 },
	{ KVT_VM_ACPI, YES, 0 },
};
static const struct range pv_ranges[] = {
	{ PART(TSC, MODE), BIT(TSC_AUTO) | BIT(TSC_NATIVE) | BIT(TSC_EMULATE) | BIT(TSC_PARAVIRT),
	  0 },
	{ KVT_VM_VCPUS, 0, 255 },
};
static const struct range proxmox_ranges[] = {
	{ PART(RTC, POLICY), BIT(POLICY_CATCHUP), 0 },
	{ PART(RTC, TRACK), BIT(TRACK_GUEST) | BIT(TRACK_WALL) | BIT(TRACK_REALTIME), 0 },
	{ PART(PIT, POLICY), BIT(POLICY_DELAY) | BIT(POLICY_DISCARD), 0 },
	{ PART(HPET, PRESENT), NO | YES, 0 },
	{ KVT_VM_VCPUS, 0, 255 },
	{ KVT_VM_ACPI, YES, 0 },
	{ KVT_VM_AGENT, NO | YES, 0 },
	{ KVT_VM_HIDDEN, YES, 0 },
};
static const struct range kubevirt_ranges[] = {
	{ PART(RTC, PRESENT), NO | YES, 0 },
	{ PART(RTC, POLICY), BIT(POLICY_DELAY) | BIT(POLICY_CATCHUP), 0 },
	{ PART(RTC, TRACK), BIT(TRACK_GUEST) | BIT(TRACK_WALL), 0 },
	{ PART(PIT, PRESENT), NO | YES, 0 },
	{ PART(PIT, POLICY), BIT(POLICY_DELAY) | BIT(POLICY_CATCHUP) | BIT(POLICY_DISCARD), 0 },
	{ PART(HPET, PRESENT), NO | YES, 0 },
	{ PART(HPET, POLICY),
	  BIT(POLICY_DELAY) | BIT(POLICY_CATCHUP) | BIT(POLICY_MERGE) | BIT(POLICY_DISCARD), 0 },
	{ PART(KVMCLOCK, PRESENT), NO | YES, 0 },
	{ PART(HYPERVCLOCK, PRESENT), NO | YES, 0 },
	{ KVT_VM_VCPUS, 0, 255 },
	{ KVT_VM_ACPI, YES, 0 },
	{ KVT_VM_HIDDEN, YES, 0 },
	{ KVT_VM_INVTSC, NO | YES, 0 },
	{ KVT_VM_HV_PASSTHROUGH, YES, 0 },
	{ KVT_VM_HV_RELAXED, NO | YES, 0 },
	{ KVT_VM_HV_VAPIC, NO | YES, 0 },
	{ KVT_VM_HV_SPINLOCKS, 0, 0xffff },
	{ KVT_VM_HV_VPINDEX, NO | YES, 0 },
	{ KVT_VM_HV_RUNTIME, NO | YES, 0 },
	{ KVT_VM_HV_SYNIC, NO | YES, 0 },
	{ KVT_VM_HV_STIMER, YES, 0 },
	{ KVT_VM_HV_RESET, NO | YES, 0 },
	{ KVT_VM_HV_FREQUENCIES, NO | YES, 0 },
	{ KVT_VM_HV_REENLIGHTENMENT, NO | YES, 0 },
	{ KVT_VM_HV_TLBFLUSH, NO | YES, 0 },
	{ KVT_VM_HV_IPI, NO | YES, 0 },
	{ KVT_VM_HV_EVMCS, NO | YES, 0 },
};
static const struct range nova_ranges[] = {
	{ PART(HPET, PRESENT), NO | YES, 0 },
	{ KVT_VM_AGENT, NO | YES, 0 },
	{ KVT_VM_HIDDEN, NO | YES, 0 },
};

#define RANGES(name) name, G_N_ELEMENTS(name)

static const struct format xl = { KVT_FORMAT_XL,
				  hvm_virts,
				  BIT(OFFSET_UTC) | BIT(OFFSET_LOCALTIME) | BIT(OFFSET_VARIABLE),
				  RANGES(xl_ranges),
				  false,
				  false };
static const struct format xl_pv = { KVT_FORMAT_XL, pv_virts, 0, RANGES(pv_ranges), false, false };
static const struct format proxmox = {
	KVT_FORMAT_PROXMOX,     qemu_virts, BIT(OFFSET_UTC) | BIT(OFFSET_LOCALTIME),
	RANGES(proxmox_ranges), true,       true
};
static const struct format kubevirt = {
	KVT_FORMAT_KUBEVIRT,     kvm_virts, BIT(OFFSET_UTC) | BIT(OFFSET_TIMEZONE),
	RANGES(kubevirt_ranges), true,      true
};
static const struct format nova = {
	KVT_FORMAT_NOVA, kvm_virts, 0, RANGES(nova_ranges), false, true
};

static void draw_offset(struct kvt_vm *vm, unsigned offsets)
{
	int offset = g_test_rand_int_range(0, 5);

	if ((offsets >> offset & 1u) == 0)
		return;
	kvt_vm_say(vm, KVT_VM_OFFSET, offset, 0);
	if (offset == KVT_OFFSET_TIMEZONE)
		kvt_vm_say_text(vm, KVT_VM_TIMEZONE, "Asia/Kathmandu", 0);
	if (offset != KVT_OFFSET_VARIABLE)
		return;
	kvt_vm_say(vm, KVT_VM_ADJUSTMENT, g_test_rand_int_range(-90000, 90000), 0);
	kvt_vm_say(vm, KVT_VM_BASIS, g_test_rand_int_range(0, 2), 0);
}

static void draw_cpu(struct kvt_vm *vm)
{
	static const char *const models[] = { "qemu64", "Skylake-Server", "EPYC" };
	static const int modes[] = { KVT_CPU_CUSTOM, KVT_CPU_HOST };
	int mode = modes[g_test_rand_int_range(0, 2)];

	kvt_vm_say(vm, KVT_VM_CPU_MODE, mode, 0);
	if (mode == KVT_CPU_CUSTOM)
		kvt_vm_say_text(vm, KVT_VM_CPU_MODEL, models[g_test_rand_int_range(0, 3)], 0);
}

static struct kvt_vm *draw_vm(const struct format *format)
{
	struct kvt_vm *vm = kvt_vm_new(KVT_FORMAT_LIBVIRT, "drawn");
	int count = 0;

	while (format->virts[count] != KVT_VIRT_OTHER)
		count++;
	kvt_vm_say_text(vm, KVT_VM_NAME, "web-1", 0);
	kvt_vm_say(vm, KVT_VM_VIRT, format->virts[g_test_rand_int_range(0, count)], 0);
	draw_offset(vm, format->offsets);
	for (gsize i = 0; i < format->count; i++)
		draw(vm, &format->ranges[i]);
	if (format->cpu)
		draw_cpu(vm);
	if (format->machine)
		kvt_vm_say_text(vm, KVT_VM_MACHINE, "pc-q35-7.2", 0);
	return vm;
}

/* @vm written in a format and read again */
static struct kvt_vm *through(const struct kvt_vm *vm, enum kvt_vm_format format, char **ret_text)
{
	const struct kvt_qemu_target target = { KVT_QEMU(9, 0), 1000000000, 0 };
	g_autoptr(GPtrArray) lost = NULL;
	g_autoptr(GError) error = NULL;
	struct kvt_vm *back;

	*ret_text = kvt_vm_write(vm, format, &target, &lost, &error);
	g_assert_no_error(error);
	back = kvt_vm_parse((int)format, *ret_text, strlen(*ret_text), "test", &error);
	g_assert_no_error(error);
	return back;
}

static void expect(const struct kvt_vm *first, const struct kvt_vm *last, enum kvt_vm_field field,
		   const char *xml, const char *text)
{
	if (!kvt_vm_said(first, field) || kvt_vm_same(first, last, field))
		return;
	g_test_message("%s is not the same\n%s\n%s", kvt_vm_field_name(field), xml, text);
	g_test_fail();
}

static void test_there_and_back(gconstpointer data)
{
	const struct format *format = data;
	static const enum kvt_vm_field always[] = { KVT_VM_OFFSET,   KVT_VM_ADJUSTMENT,
						    KVT_VM_BASIS,    KVT_VM_TIMEZONE,
						    KVT_VM_CPU_MODE, KVT_VM_CPU_MODEL,
						    KVT_VM_MACHINE };

	for (int i = 0; i < ROUNDS && !g_test_failed(); i++) {
		g_autoptr(kvt_vm) drawn = draw_vm(format);
		g_autofree char *xml = NULL, *text = NULL, *again = NULL;
		g_autoptr(kvt_vm) first = through(drawn, KVT_FORMAT_LIBVIRT, &xml);
		g_autoptr(kvt_vm) middle = through(first, format->format, &text);
		g_autoptr(kvt_vm) last = through(middle, KVT_FORMAT_LIBVIRT, &again);

		for (gsize k = 0; k < format->count; k++)
			expect(drawn, last, format->ranges[k].field, xml, text);
		for (gsize k = 0; k < G_N_ELEMENTS(always); k++)
			expect(drawn, last, always[k], xml, text);
		if (format->format != KVT_FORMAT_NOVA)
			expect(drawn, last, KVT_VM_NAME, xml, text);
		expect(drawn, last, KVT_VM_VIRT, xml, text);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/vmdef/xl-and-back", &xl, test_there_and_back);
	g_test_add_data_func("/vmdef/xl-of-a-pv-guest-and-back", &xl_pv, test_there_and_back);
	g_test_add_data_func("/vmdef/proxmox-and-back", &proxmox, test_there_and_back);
	g_test_add_data_func("/vmdef/kubevirt-and-back", &kubevirt, test_there_and_back);
	g_test_add_data_func("/vmdef/nova-and-back", &nova, test_there_and_back);
	return g_test_run();
}
