/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile clock pairing record, carried on by a hostile scale. */
#include <kvmtime/error.h>
#include <kvmtime/pairing.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvm_clock_pairing pairing;
	struct pvclock_vcpu_time_info ti = { 0 };
	struct input rest = { data, size };
	uint64_t sec, scale;
	uint32_t nsec;

	if (kvt_pairing_decode(data, size, &pairing) < 0)
		return 0;
	PROMISE(pairing.sec >= 0 && pairing.nsec >= 0 && pairing.nsec < 1000000000);
	for (int i = 0; i < 8; i++)
		(void)input_u64(&rest);
	scale = input_u64(&rest);
	ti.tsc_to_system_mul = (uint32_t)scale;
	ti.tsc_shift = (int8_t)(scale >> 32);
	if (kvt_pairing_utc(&pairing, &ti, input_u64(&rest), &sec, &nsec) == 0)
		PROMISE(nsec < 1000000000 && sec >= (uint64_t)pairing.sec);
	(void)kvt_pairing_result((int64_t)scale);
	return 0;
}
