/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/error.h>
#include <kvmtime/hyperv.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>
#include <kvmtime/tsc.h>

#include "bytes.h"
#include "order.h"

int kvt_hyperv_decode(const void *bytes, size_t size, struct ms_hyperv_tsc_page *ret_page)
{
	const uint8_t *p = bytes;

	if (size < sizeof(*ret_page))
		return -KVT_E_SIZE;
	ret_page->tsc_sequence = kvt_le32(p);
	ret_page->reserved1 = kvt_le32(p + 4);
	ret_page->tsc_scale = kvt_le64(p + 8);
	ret_page->tsc_offset = (int64_t)kvt_le64(p + 16);
	return 0;
}

int kvt_hyperv_time(const struct ms_hyperv_tsc_page *page, uint64_t tsc_cycles, uint64_t *ret_100ns)
{
	uint64_t high, low;

	if (page->tsc_sequence == 0)
		return -KVT_E_INVALID;
	kvt_mul_u64(tsc_cycles, page->tsc_scale, &high, &low);
	*ret_100ns = high + (uint64_t)page->tsc_offset;
	return 0;
}

#ifdef KVT_HAVE_TSC
int kvt_hyperv_read(const volatile struct ms_hyperv_tsc_page *page, uint64_t *ret_100ns)
{
	for (int attempt = 0; attempt < KVT_PVCLOCK_ATTEMPTS; attempt++) {
		struct ms_hyperv_tsc_page copy = { .tsc_sequence = page->tsc_sequence };
		uint64_t tsc_cycles;

		kvt_order_loads();
		copy.tsc_scale = page->tsc_scale;
		copy.tsc_offset = page->tsc_offset;
		tsc_cycles = kvt_tsc_ordered();
		kvt_order_loads();
		if (page->tsc_sequence == copy.tsc_sequence)
			return kvt_hyperv_time(&copy, tsc_cycles, ret_100ns);
	}
	return -KVT_E_BUSY;
}
#endif

int kvt_hyperv_make(uint64_t hz, uint64_t tsc_cycles, uint64_t time_100ns,
		    struct ms_hyperv_tsc_page *ret_page)
{
	struct ms_hyperv_tsc_page page = { .tsc_sequence = 1 };
	uint64_t high, low;

	if (kvt_div_u128_u64(KVT_HYPERV_HZ, 0, hz, &page.tsc_scale, NULL) < 0)
		return -KVT_E_ARG;
	kvt_mul_u64(tsc_cycles, page.tsc_scale, &high, &low);
	page.tsc_offset = (int64_t)(time_100ns - high);
	*ret_page = page;
	return 0;
}

void kvt_hyperv_publish(volatile struct ms_hyperv_tsc_page *live,
			const struct ms_hyperv_tsc_page *page)
{
	const uint32_t next = live->tsc_sequence + 1;

	live->tsc_sequence = 0;
	kvt_order_stores();
	live->tsc_scale = page->tsc_scale;
	live->tsc_offset = page->tsc_offset;
	kvt_order_stores();
	live->tsc_sequence = next != 0 ? next : 1;
}

int kvt_hyperv_hz(uint64_t scale, uint64_t *ret_hz)
{
	uint64_t hz, remainder;

	if (scale == 0)
		return -KVT_E_ARG;
	if (kvt_div_u128_u64(KVT_HYPERV_HZ, 0, scale, &hz, &remainder) < 0)
		return -KVT_E_RANGE;
	if (remainder >= scale - remainder && hz++ == UINT64_MAX)
		return -KVT_E_RANGE;
	*ret_hz = hz;
	return 0;
}
