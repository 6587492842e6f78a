/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/libvirt.h"

#include <string.h>

#define PART(timer, part) KVT_VM_TIMER(timer, part)

static void attribute(GString *out, const struct kvt_vm *vm, enum kvt_vm_field field,
		      const char *name)
{
	g_autofree char *value = kvt_vm_print(vm, field);
	g_autofree char *escaped = value != NULL ? g_markup_escape_text(value, -1) : NULL;

	if (escaped != NULL)
		g_string_append_printf(out, " %s='%s'", name, escaped);
}

static void write_catchup(GString *out, const struct kvt_vm *vm, int timer, int indent)
{
	static const char *const names[] = { "threshold", "slew", "limit" };
	GString *attributes = g_string_new(NULL);

	for (int i = 0; i < 3; i++)
		attribute(attributes, vm, PART(timer, KVT_PART_THRESHOLD + i), names[i]);
	if (attributes->len > 0)
		g_string_append_printf(out, ">\n%*s<catchup%s/>\n%*s</timer>\n", indent + 2, "",
				       attributes->str, indent, "");
	else
		g_string_append(out, "/>\n");
	g_string_free(attributes, TRUE);
}

static void write_timer(GString *out, const struct kvt_vm *vm, int timer, int indent)
{
	g_string_append_printf(out, "%*s<timer name='%s'", indent, "",
			       kvt_vm_timer_name((enum kvt_vm_timer)timer));
	attribute(out, vm, PART(timer, KVT_PART_PRESENT), "present");
	attribute(out, vm, PART(timer, KVT_PART_POLICY), "tickpolicy");
	attribute(out, vm, PART(timer, KVT_PART_TRACK), "track");
	attribute(out, vm, PART(timer, KVT_PART_FREQUENCY), "frequency");
	attribute(out, vm, PART(timer, KVT_PART_MODE), "mode");
	write_catchup(out, vm, timer, indent);
}

static void write_offset(GString *out, const struct kvt_vm *vm)
{
	if (!kvt_vm_said(vm, KVT_VM_OFFSET) && !kvt_vm_said(vm, KVT_VM_ADJUSTMENT) &&
	    !kvt_vm_said(vm, KVT_VM_RESET))
		return;
	if (!kvt_vm_said(vm, KVT_VM_OFFSET))
		g_string_append(out, " offset='utc'");
	attribute(out, vm, KVT_VM_OFFSET, "offset");
	if (kvt_vm_is(vm, KVT_VM_RESET, KVT_YES))
		g_string_append(out, " adjustment='reset'");
	else
		attribute(out, vm, KVT_VM_ADJUSTMENT, "adjustment");
	attribute(out, vm, KVT_VM_BASIS, "basis");
	attribute(out, vm, KVT_VM_TIMEZONE, "timezone");
	attribute(out, vm, KVT_VM_START, "start");
}

char *kvt_libvirt_write_clock(const struct kvt_vm *vm, int indent)
{
	GString *out = g_string_new(NULL);
	bool timers = false;

	g_string_append_printf(out, "%*s<clock", indent, "");
	write_offset(out, vm);
	for (int timer = 0; timer < KVT_TIMER_COUNT; timer++) {
		if (!kvt_vm_said(vm, PART(timer, KVT_PART_NAMED)))
			continue;
		if (!timers)
			g_string_append(out, ">\n");
		timers = true;
		write_timer(out, vm, timer, indent + 2);
	}
	if (timers)
		g_string_append_printf(out, "%*s</clock>\n", indent, "");
	else
		g_string_append(out, "/>\n");
	return g_string_free(out, FALSE);
}

static const char *state(const struct kvt_vm *vm, enum kvt_vm_field field)
{
	return vm->at[field].number == KVT_YES ? "on" : "off";
}

static void write_hyperv(GString *out, const struct kvt_vm *vm)
{
	GString *inner = g_string_new(NULL);
	bool passthrough = kvt_vm_is(vm, KVT_VM_HV_PASSTHROUGH, KVT_YES);

	for (enum kvt_vm_field f = KVT_VM_HV_RELAXED; f <= KVT_VM_HV_AVIC; f++)
		if (kvt_libvirt_hyperv_name(f) != NULL && f != KVT_VM_HV_STIMER &&
		    kvt_vm_said(vm, f))
			g_string_append_printf(inner, "      <%s state='%s'/>\n",
					       kvt_libvirt_hyperv_name(f), state(vm, f));
	if (kvt_vm_said(vm, KVT_VM_HV_SPINLOCKS))
		g_string_append_printf(
			inner, "      <spinlocks state='on' retries='%" G_GINT64_FORMAT "'/>\n",
			vm->at[KVT_VM_HV_SPINLOCKS].number);
	if (kvt_vm_said(vm, KVT_VM_HV_STIMER)) {
		g_string_append_printf(inner, "      <stimer state='%s'",
				       state(vm, KVT_VM_HV_STIMER));
		if (kvt_vm_said(vm, KVT_VM_HV_STIMER_DIRECT))
			g_string_append_printf(inner,
					       ">\n        <direct state='%s'/>\n      </stimer>\n",
					       state(vm, KVT_VM_HV_STIMER_DIRECT));
		else
			g_string_append(inner, "/>\n");
	}
	if (inner->len > 0 || passthrough)
		g_string_append_printf(out, "    <hyperv mode='%s'>\n%s    </hyperv>\n",
				       passthrough ? "passthrough" : "custom", inner->str);
	g_string_free(inner, TRUE);
}

static void write_features(GString *out, const struct kvt_vm *vm)
{
	GString *inner = g_string_new(NULL);
	int64_t irqchip = kvt_vm_number(vm, KVT_VM_IRQCHIP, KVT_IRQCHIP_OFF);

	if (kvt_vm_is(vm, KVT_VM_ACPI, KVT_YES))
		g_string_append(inner, "    <acpi/>\n");
	write_hyperv(inner, vm);
	if (kvt_vm_said(vm, KVT_VM_HIDDEN))
		g_string_append_printf(inner, "    <kvm>\n      <hidden state='%s'/>\n    </kvm>\n",
				       state(vm, KVT_VM_HIDDEN));
	if (irqchip != KVT_IRQCHIP_OFF)
		g_string_append_printf(inner, "    <ioapic driver='%s'/>\n",
				       irqchip == KVT_IRQCHIP_ON ? "kvm" : "qemu");
	if (inner->len > 0)
		g_string_append_printf(out, "  <features>\n%s  </features>\n", inner->str);
	g_string_free(inner, TRUE);
}

static void write_cpu(GString *out, const struct kvt_vm *vm)
{
	const char *model = vm->at[KVT_VM_CPU_MODEL].text;
	bool invtsc = kvt_vm_said(vm, KVT_VM_INVTSC);

	if (!kvt_vm_said(vm, KVT_VM_CPU_MODE) && model == NULL && !invtsc)
		return;
	g_string_append(out, "  <cpu");
	attribute(out, vm, KVT_VM_CPU_MODE, "mode");
	if (kvt_vm_said(vm, KVT_VM_MIGRATABLE))
		g_string_append_printf(out, " migratable='%s'", state(vm, KVT_VM_MIGRATABLE));
	if (model == NULL && !invtsc) {
		g_string_append(out, "/>\n");
		return;
	}
	g_string_append(out, ">\n");
	if (model != NULL) {
		g_autofree char *escaped = g_markup_escape_text(model, -1);

		g_string_append_printf(out, "    <model>%s</model>\n", escaped);
	}
	if (invtsc)
		g_string_append_printf(out, "    <feature policy='%s' name='invtsc'/>\n",
				       kvt_vm_is(vm, KVT_VM_INVTSC, KVT_YES) ? "require"
									     : "disable");
	g_string_append(out, "  </cpu>\n");
}

/* libosinfo's metadata takes an id; a family alone has none. */
static void write_metadata(GString *out, const struct kvt_vm *vm)
{
	static const char space[] = "http://libosinfo.org/xmlns/libvirt/domain/1.0";
	const char *id = vm->at[KVT_VM_OS_ID].text;

	if (id != NULL) {
		g_autofree char *escaped = g_markup_escape_text(id, -1);

		g_string_append_printf(
			out,
			"  <metadata>\n    <libosinfo:libosinfo xmlns:libosinfo='%s'>\n"
			"      <libosinfo:os id='%s'/>\n    </libosinfo:libosinfo>\n"
			"  </metadata>\n",
			space, escaped);
	}
}

static void write_head(GString *out, const struct kvt_vm *vm)
{
	static const char *const types[] = {
		"kvm", "qemu", "xen", "xen", "xen", "kvm", "kvm", "kvm"
	};
	static const char *const os[] = { "hvm",    "hvm", "hvm", "linux",
					  "xenpvh", "hvm", "hvm", "hvm" };
	int64_t virt = kvt_vm_number(vm, KVT_VM_VIRT, KVT_VIRT_KVM);
	const char *name = vm->at[KVT_VM_NAME].text;
	g_autofree char *escaped = g_markup_escape_text(name != NULL ? name : "vm", -1);

	g_string_append_printf(out, "<domain type='%s'>\n  <name>%s</name>\n", types[virt],
			       escaped);
	write_metadata(out, vm);
	g_string_append_printf(out,
			       "  <memory unit='MiB'>1024</memory>\n  <vcpu>%" G_GINT64_FORMAT
			       "</vcpu>\n  <os>\n    <type",
			       kvt_vm_number(vm, KVT_VM_VCPUS, 1));
	attribute(out, vm, KVT_VM_ARCH, "arch");
	attribute(out, vm, KVT_VM_MACHINE, "machine");
	g_string_append_printf(out, ">%s</type>\n  </os>\n", os[virt]);
}

char *kvt_libvirt_write(struct kvt_vm *vm)
{
	GString *out = g_string_new(NULL);
	g_autofree char *clock = kvt_libvirt_write_clock(vm, 2);

	write_head(out, vm);
	write_features(out, vm);
	write_cpu(out, vm);
	g_string_append(out, clock);
	g_string_append(out, "  <devices>\n");
	if (kvt_vm_is(vm, KVT_VM_AGENT, KVT_YES))
		g_string_append(out, "    <channel type='unix'>\n"
				     "      <target type='virtio' name='org.qemu.guest_agent.0'/>\n"
				     "    </channel>\n");
	g_string_append(out, "  </devices>\n</domain>\n");
	return g_string_free(out, FALSE);
}
