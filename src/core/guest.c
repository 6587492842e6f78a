/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/error.h>
#include <kvmtime/guest.h>

enum { EAX, EBX, ECX, EDX };

#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define GPA_LIMIT            (UINT64_C(1) << 52)

static bool has(uint32_t word, unsigned bit)
{
	return (word >> bit & 1) != 0;
}

int kvt_guest_find(void (*cpuid)(void *context, uint32_t leaf, uint32_t ret[4]), void *context,
		   struct kvt_guest_features *ret_features)
{
	uint32_t r[4];

	cpuid(context, 1, r);
	if ((r[ECX] & LEAF1_ECX_HYPERVISOR) == 0)
		return -KVT_E_ABSENT;
	for (uint32_t base = KVM_CPUID_BASE; base < KVM_CPUID_LIMIT; base += KVM_CPUID_STEP) {
		struct kvt_guest_features f = { .base = base };

		cpuid(context, base, r);
		if (r[EBX] != KVM_SIGNATURE_EBX || r[ECX] != KVM_SIGNATURE_ECX ||
		    r[EDX] != KVM_SIGNATURE_EDX)
			continue;
		/* the highest leaf is in EAX; very old hosts leave 0 there and mean base + 1 */
		if (r[EAX] != 0 && r[EAX] < base + 1)
			return -KVT_E_ABSENT;
		cpuid(context, base + 1, r);
		f.feature_eax = r[EAX];
		if (has(r[EAX], KVM_FEATURE_CLOCKSOURCE2)) {
			f.clock = true;
			f.msr_system_time = MSR_KVM_SYSTEM_TIME_NEW;
			f.msr_wall_clock = MSR_KVM_WALL_CLOCK_NEW;
		} else if (has(r[EAX], KVM_FEATURE_CLOCKSOURCE)) {
			f.clock = f.old_msrs = true;
			f.msr_system_time = MSR_KVM_SYSTEM_TIME;
			f.msr_wall_clock = MSR_KVM_WALL_CLOCK;
		}
		f.stable_bit = f.clock && has(r[EAX], KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
		f.steal_time = has(r[EAX], KVM_FEATURE_STEAL_TIME);
		f.msr_steal_time = f.steal_time ? MSR_KVM_STEAL_TIME : 0;
		*ret_features = f;
		return 0;
	}
	return -KVT_E_ABSENT;
}

struct writes {
	struct kvt_guest_write list[KVT_GUEST_WRITES];
	size_t count;
	int error;
};

/* one record: offered? aligned? in the address space? then the write; stop writes 0 */
static void add(struct writes *writes, uint32_t msr, uint64_t gpa, uint64_t align, bool enable_bit,
		bool stop)
{
	int error = 0;

	if (msr == 0)
		error = -KVT_E_ABSENT;
	else if (gpa == 0 || gpa >= GPA_LIMIT - 4096)
		error = -KVT_E_RANGE;
	else if ((gpa & (align - 1)) != 0)
		error = -KVT_E_ALIGN;
	if (error < 0) {
		if (writes->error == 0)
			writes->error = error;
		return;
	}
	writes->list[writes->count].msr = msr;
	writes->list[writes->count++].value = stop ? 0 : enable_bit ? gpa | KVM_MSR_ENABLED : gpa;
}

int kvt_guest_writes(const struct kvt_guest_features *features, enum kvt_guest_moment moment,
		     const struct kvt_guest_records *records,
		     struct kvt_guest_write ret_writes[KVT_GUEST_WRITES], size_t *ret_count)
{
	const bool stop = moment == KVT_GUEST_STOP;
	struct writes writes = { .error = 0 };

	if (moment != KVT_GUEST_START && moment != KVT_GUEST_RESUME && !stop)
		return -KVT_E_ARG;
	add(&writes, features->clock ? features->msr_system_time : 0, records->system_time_gpa, 4,
	    true, stop);
	/* written once, at the write: there is nothing to stop */
	if (records->wall_clock_gpa != 0 && !stop)
		add(&writes, features->clock ? features->msr_wall_clock : 0,
		    records->wall_clock_gpa, 4, false, false);
	if (records->steal_time_gpa != 0)
		add(&writes, features->msr_steal_time, records->steal_time_gpa, 64, true, stop);
	if (writes.error < 0)
		return writes.error;
	for (size_t i = 0; i < writes.count; i++)
		ret_writes[i] = writes.list[i];
	*ret_count = writes.count;
	return 0;
}
