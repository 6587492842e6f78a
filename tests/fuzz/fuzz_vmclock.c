/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile VMClock region of any size, and a counter reading. */
#include <stdlib.h>

#include <kvmtime/error.h>
#include <kvmtime/vmclock.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input tail = { data + (size < 8 ? 0 : size - 8), size < 8 ? size : 8 };
	const uint64_t counter = input_u64(&tail);
	struct kvt_vmclock_time time, later;
	struct vmclock_abi abi;
	uint64_t hz;
	uint8_t *region;

	if (kvt_vmclock_decode(data, size, &abi) < 0)
		return 0;
	(void)kvt_vmclock_hz(&abi, &hz);
	if (kvt_vmclock_time(&abi, counter, &time) == 0) {
		PROMISE(time.sec >= abi.time_sec);
		PROMISE(kvt_vmclock_frac_ns(time.frac_q64) < 1000000000);
		if (counter < UINT64_MAX && kvt_vmclock_time(&abi, counter + 1, &later) == 0)
			PROMISE(later.sec > time.sec ||
				(later.sec == time.sec && later.frac_q64 >= time.frac_q64));
	}
	/* live: the region's size field is a claim, never a length to read */
	region = aligned_alloc(8, (size + 7) / 8 * 8);
	if (region != NULL) {
		memcpy(region, data, size);
		PROMISE(kvt_vmclock_snapshot(region, size, &abi) == 0);
		free(region);
	}
	return 0;
}
