/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile reference TSC page, and a page made for a hostile frequency. */
#include <kvmtime/error.h>
#include <kvmtime/hyperv.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ms_hyperv_tsc_page page, made = { 0 }, live = { 0 };
	struct input rest = { data, size };
	uint64_t hz, tsc, time, got;

	if (kvt_hyperv_decode(data, size, &page) < 0)
		return 0;
	for (int i = 0; i < 3; i++)
		(void)input_u64(&rest);
	tsc = input_u64(&rest);
	hz = input_u64(&rest);
	time = input_u64(&rest);
	if (kvt_hyperv_time(&page, tsc, &got) < 0)
		PROMISE(page.tsc_sequence == 0);
	(void)kvt_hyperv_hz(page.tsc_scale, &got);
	live = page;
	if (kvt_hyperv_make(hz, tsc, time, &made) == 0) {
		PROMISE(kvt_hyperv_time(&made, tsc, &got) == 0 && got == time);
		kvt_hyperv_publish(&live, &made);
		PROMISE(live.tsc_sequence != 0 && live.tsc_scale == made.tsc_scale);
	}
	return 0;
}
