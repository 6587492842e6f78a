/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests of many results, to be equal on every machine that the library is built for. */
#include <inttypes.h>
#include <stdio.h>

#include "kvmtime.h"

static uint64_t state = 88172645463325252u;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> (state >> 58);
}

static uint64_t digest = 14695981039346656037u;

static void mix(uint64_t value)
{
	digest = (digest ^ value) * 1099511628211u;
}

static void report(const char *name)
{
	printf("%s %016" PRIx64 "\n", name, digest);
}

int main(void)
{
	for (int i = 0; i < 200000; i++) {
		uint64_t a = draw(), b = draw(), c = draw(), q = 0, r = 0;

		mix((uint64_t)kvt_muldiv_u64(a, b, c, &q));
		mix((uint64_t)kvt_div_u128_u64(a, b, c, &q, &r));
		mix(q);
		mix(r);
	}
	report("division");
	for (int i = 0; i < 200000; i++) {
		uint64_t hz = draw(), ns = 0, back = 0;
		uint32_t mul = 0;
		int8_t shift = 0;
		int64_t low = 0, high = 0;

		mix((uint64_t)kvt_scale_from_hz(hz, &mul, &shift));
		mix((uint64_t)mul << 8 | (uint8_t)shift);
		mix((uint64_t)kvt_scale_apply(draw(), mul, shift, &ns));
		mix(ns);
		mix((uint64_t)kvt_scale_to_hz(mul, shift, &back));
		mix(back);
		mix((uint64_t)kvt_scale_bound((uint32_t)draw(), (int8_t)draw(), draw(), draw(),
					      &low, &high));
		mix((uint64_t)low);
		mix((uint64_t)high);
	}
	report("scale");
	for (int i = 0; i < 100000; i++) {
		struct pvclock_vcpu_time_info ti = { 0 };
		uint64_t ns = 0, last = draw();

		mix((uint64_t)kvt_pvclock_init(draw(), draw(), draw(), 1, &ti));
		mix((uint64_t)kvt_pvclock_ns(&ti, draw(), &ns));
		mix(kvt_pvclock_monotonic(&last, ns));
		mix((uint64_t)kvt_pvclock_rebase(&ti, draw(), draw(), &ti));
		mix(ti.system_time);
		mix(ti.tsc_to_system_mul);
	}
	report("pvclock");
	for (int i = 0; i < 100000; i++) {
		struct vmclock_abi abi = {
			.counter_period_shift = (uint8_t)draw(),
			.counter_period_frac_sec = draw(),
			.counter_value = draw(),
			.time_sec = draw(),
			.time_frac_sec = draw(),
			.flags = draw(),
			.counter_period_maxerror_rate_frac_sec = draw(),
		};
		struct kvt_vmclock_time time = { 0 };
		struct ms_hyperv_tsc_page page = { 0 };
		uint64_t hz = 0;

		mix((uint64_t)kvt_vmclock_time(&abi, draw(), &time));
		mix(time.sec);
		mix(time.frac_q64);
		mix(time.maxerror_ns);
		mix((uint64_t)kvt_vmclock_hz(&abi, &hz));
		mix((uint64_t)kvt_hyperv_make(draw(), draw(), draw(), &page));
		mix(page.tsc_scale);
		mix((uint64_t)page.tsc_offset);
	}
	report("pages");
	return 0;
}
