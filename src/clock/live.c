/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock/live.h"

#include <string.h>

#include <kvmtime/error.h>

static const struct {
	clockid_t clock;
	const char *name;
	const char *meaning;
} kernel_clocks[] = {
	{ CLOCK_MONOTONIC, "CLOCK_MONOTONIC", "slewed by NTP, stands still in suspend" },
	{ CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW", "not touched by NTP" },
	{ CLOCK_BOOTTIME, "CLOCK_BOOTTIME", "MONOTONIC plus suspend" },
};

G_STATIC_ASSERT(G_N_ELEMENTS(kernel_clocks) == KVT_LIVE_CLOCKS);

/* ---- what stays ---- */

struct cpuid_call {
	const struct kvt_calls *calls;
};

static void cpuid(void *context, uint32_t leaf, uint32_t ret[4])
{
	const struct cpuid_call *call = context;

	call->calls->cpuid(call->calls->context, leaf, ret);
}

static void find_hypervisor(struct kvt_live *live)
{
	const uint32_t hypervisor_bit = UINT32_C(1) << 31;
	struct cpuid_call call = { live->calls };
	uint32_t leaf[4];

	cpuid(&call, 1, leaf);
	if ((leaf[2] & hypervisor_bit) == 0)
		return;
	cpuid(&call, KVM_CPUID_BASE, leaf);
	memcpy(live->hypervisor, &leaf[1], 12); /* EBX, ECX, EDX */
	for (char *c = live->hypervisor; *c != '\0'; c++)
		if (!g_ascii_isprint(*c))
			*c = '?';
	live->features_known = kvt_guest_find(cpuid, &call, &live->features) == 0;
}

struct kvt_live *kvt_live_open(const struct kvt_root *root, const struct kvt_calls *calls,
			       uint64_t khz)
{
	struct kvt_live *live = g_new0(struct kvt_live, 1);

	live->root = root;
	live->calls = calls;
	find_hypervisor(live);
	live->kernel_khz = kvt_tsc_kernel_khz(root, calls, &live->khz_source);
	live->khz = khz != 0 ? khz : live->kernel_khz;
	if (khz != 0)
		live->khz_source = "as stated";
	kvt_pvclock_find(root, calls, &live->page);
	live->vcpus = g_array_new(FALSE, FALSE, sizeof(struct kvt_live_vcpu));
	return live;
}

static void forget(struct kvt_live *live)
{
	g_clear_pointer(&live->clocksource, g_free);
	g_clear_pointer(&live->clocksources, g_strfreev);
	g_clear_pointer(&live->pvclock, kvt_record_free);
	g_clear_pointer(&live->vmclocks, g_ptr_array_unref);
	g_clear_pointer(&live->vmclock_records, g_ptr_array_unref);
	g_clear_pointer(&live->phcs, g_ptr_array_unref);
	g_array_set_size(live->vcpus, 0);
}

void kvt_live_free(struct kvt_live *live)
{
	if (live == NULL)
		return;
	forget(live);
	g_array_unref(live->vcpus);
	kvt_pvclock_page_clear(&live->page);
	g_free(live);
}

/* ---- what is read each time ---- */

static void look_at_vcpus(struct kvt_live *live)
{
	for (unsigned vcpu = 0; vcpu < live->page.records; vcpu++) {
		struct kvt_live_vcpu record = { .vcpu = vcpu };

		if (kvt_pvclock_record(&live->page, vcpu, &record.ti) == 0)
			g_array_append_val(live->vcpus, record);
	}
}

static void look_at_clocks(struct kvt_live *live)
{
	uint64_t narrowest = UINT64_MAX;

	live->value_clock = -1;
	for (int i = 0; i < KVT_LIVE_CLOCKS; i++) {
		struct kvt_live_clock *clock = &live->clocks[i];

		*clock = (struct kvt_live_clock){ .name = kernel_clocks[i].name,
						  .meaning = kernel_clocks[i].meaning };
		clock->error = kvt_clock_pair_read(&live->page, live->calls, kernel_clocks[i].clock,
						   &clock->pair);
		if (clock->error == 0 && clock->pair.bound_ns < narrowest) {
			narrowest = clock->pair.bound_ns;
			live->value_clock = i;
		}
	}
}

static struct kvt_page_context page_context(const struct kvt_live *live)
{
	return (struct kvt_page_context){
		.khz = live->khz,
		.khz_source = live->khz_source,
		.stable_known = live->features_known,
		.stable_honoured = live->features_known && live->features.stable_bit,
		.live = true,
	};
}

static void look_at_pvclock(struct kvt_live *live)
{
	struct kvt_page_context context = page_context(live);
	struct pvclock_vcpu_time_info ti;

	look_at_vcpus(live);
	live->error = kvt_pvclock_record(&live->page, 0, &ti);
	if (live->error < 0)
		return;
	look_at_clocks(live);
	context.tsc_cycles = live->calls->tsc(live->calls->context);
	live->pvclock = kvt_page_describe_pvclock(&ti, &context);
}

static void look_at_vmclocks(struct kvt_live *live)
{
	struct kvt_page_context context = page_context(live);

	context.tsc_cycles = live->calls->tsc(live->calls->context);
	live->vmclocks = kvt_vmclock_list(live->root, live->calls);
	live->vmclock_records = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_record_free);
	for (guint i = 0; i < live->vmclocks->len; i++) {
		const struct kvt_vmclock_device *device = live->vmclocks->pdata[i];

		live->refused += device->refused;
		g_ptr_array_add(live->vmclock_records,
				device->reason != NULL
					? NULL
					: kvt_page_describe_vmclock(&device->abi, &context));
	}
}

void kvt_live_look(struct kvt_live *live)
{
	forget(live);
	live->refused = live->page.refused;
	live->clocksource = kvt_clocksource_current(live->root);
	live->clocksources = kvt_clocksource_available(live->root);
	if (live->page.state == KVT_PVCLOCK_FOUND)
		look_at_pvclock(live);
	look_at_vmclocks(live);
	live->phcs = kvt_phc_list(live->root, live->calls);
	for (guint i = 0; i < live->phcs->len; i++)
		live->refused += ((const struct kvt_phc *)live->phcs->pdata[i])->refused;
}

/* ---- judging ---- */

bool kvt_live_complete(const struct kvt_live *live)
{
	if (live->page.state == KVT_PVCLOCK_UNKNOWN || live->error < 0)
		return false;
	for (guint i = 0; i < live->vmclocks->len; i++)
		if (((const struct kvt_vmclock_device *)live->vmclocks->pdata[i])->reason != NULL)
			return false;
	for (guint i = 0; i < live->phcs->len; i++)
		if (((const struct kvt_phc *)live->phcs->pdata[i])->method == KVT_PHC_NONE)
			return false;
	return true;
}

bool kvt_live_refused(const struct kvt_live *live)
{
	if (live->pvclock != NULL || live->refused == 0)
		return false;
	for (guint i = 0; i < live->vmclocks->len; i++)
		if (((const struct kvt_vmclock_device *)live->vmclocks->pdata[i])->reason == NULL)
			return false;
	for (guint i = 0; i < live->phcs->len; i++)
		if (((const struct kvt_phc *)live->phcs->pdata[i])->method != KVT_PHC_NONE)
			return false;
	return true;
}

bool kvt_live_in_step(const struct kvt_live *live)
{
	const struct kvt_live_vcpu *first = &g_array_index(live->vcpus, struct kvt_live_vcpu, 0);

	for (guint i = 1; i < live->vcpus->len; i++) {
		const struct kvt_live_vcpu *other =
			&g_array_index(live->vcpus, struct kvt_live_vcpu, i);

		if (other->ti.tsc_timestamp != first->ti.tsc_timestamp ||
		    other->ti.system_time != first->ti.system_time ||
		    other->ti.tsc_to_system_mul != first->ti.tsc_to_system_mul ||
		    other->ti.tsc_shift != first->ti.tsc_shift ||
		    other->ti.flags != first->ti.flags)
			return false;
	}
	return true;
}
