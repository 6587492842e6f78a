/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile hypervisor's clock, wall clock and steal records, and two counter readings. */
#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>

#include "input.h"

static void scale(const struct pvclock_vcpu_time_info *ti, uint64_t hz, uint64_t cycles)
{
	uint64_t ns = 0;
	int64_t low, high, error;

	if (kvt_scale_to_hz(ti->tsc_to_system_mul, ti->tsc_shift, &ns) == 0 && ns > 1000000)
		PROMISE(kvt_scale_rate_error(ti->tsc_to_system_mul, ti->tsc_shift, ns, &error) ==
			0);
	if (kvt_scale_bound(ti->tsc_to_system_mul, ti->tsc_shift, hz, cycles, &low, &high) == 0)
		PROMISE(low <= 0 && high >= 0);
}

static void record(const uint8_t *data, size_t size, struct input *rest)
{
	struct pvclock_vcpu_time_info ti, next;
	uint64_t a = input_u64(rest), b = input_u64(rest), hz = input_u64(rest), at_a, at_b, again;

	if (kvt_pvclock_decode(data, size, &ti) < 0)
		return;
	scale(&ti, hz, a);
	if (a > b) {
		const uint64_t swap = a;

		a = b;
		b = swap;
	}
	if (kvt_pvclock_ns(&ti, a, &at_a) < 0)
		return;
	PROMISE(at_a >= ti.system_time);
	if (kvt_pvclock_ns(&ti, b, &at_b) == 0)
		PROMISE(at_b >= at_a);
	if (kvt_pvclock_rebase(&ti, hz, a, &next) == 0) {
		PROMISE(kvt_pvclock_ns(&next, a, &again) == 0 && again == at_a);
		kvt_pvclock_publish(&next, &ti);
		PROMISE((next.version & 1) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pvclock_wall_clock wall;
	struct kvm_steal_time steal;
	struct input rest = { data, size };
	uint64_t sec;
	uint32_t nsec;

	for (int i = 0; i < 4; i++)
		(void)input_u64(&rest);
	record(data, size, &rest);
	if (kvt_wall_clock_decode(data, size, &wall) == 0 &&
	    kvt_wall_clock_utc(&wall, input_u64(&rest), &sec, &nsec) == 0)
		PROMISE(nsec < 1000000000 && sec >= wall.sec);
	(void)kvt_steal_decode(data, size, &steal);
	return 0;
}
