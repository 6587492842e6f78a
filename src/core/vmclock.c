/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>
#include <kvmtime/vmclock.h>

#include "bytes.h"
#include "order.h"

#define SEQ_COUNT offsetof(struct vmclock_abi, seq_count)

int kvt_vmclock_decode(const void *bytes, size_t size, struct vmclock_abi *ret_abi)
{
	const uint8_t *p = bytes;
	struct vmclock_abi abi = { 0 };

	if (size < 4)
		return -KVT_E_SIZE;
	abi.magic = kvt_le32(p);
	if (abi.magic != VMCLOCK_MAGIC)
		return -KVT_E_MAGIC;
	if (size < VMCLOCK_SIZE_MIN)
		return -KVT_E_SIZE;
	abi.size = kvt_le32(p + 4);
	abi.version = kvt_le16(p + 8);
	if (abi.version != VMCLOCK_VERSION)
		return -KVT_E_VERSION;
	if (abi.size < VMCLOCK_SIZE_MIN)
		return -KVT_E_SIZE;
	abi.counter_id = p[10];
	abi.time_type = p[11];
	abi.seq_count = kvt_le32(p + 12);
	if ((abi.seq_count & 1) != 0)
		return -KVT_E_TORN;
	abi.disruption_marker = kvt_le64(p + 16);
	abi.flags = kvt_le64(p + 24);
	abi.clock_status = p[34];
	abi.leap_second_smearing_hint = p[35];
	abi.tai_offset_sec = (int16_t)kvt_le16(p + 36);
	abi.leap_indicator = p[38];
	abi.counter_period_shift = p[39];
	abi.counter_value = kvt_le64(p + 40);
	abi.counter_period_frac_sec = kvt_le64(p + 48);
	abi.counter_period_esterror_rate_frac_sec = kvt_le64(p + 56);
	abi.counter_period_maxerror_rate_frac_sec = kvt_le64(p + 64);
	abi.time_sec = kvt_le64(p + 72);
	abi.time_frac_sec = kvt_le64(p + 80);
	abi.time_esterror_nanosec = kvt_le64(p + 88);
	abi.time_maxerror_nanosec = kvt_le64(p + 96);
	if ((abi.flags & VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT) != 0 && size >= sizeof(abi) &&
	    abi.size >= sizeof(abi))
		abi.vm_generation_counter = kvt_le64(p + 104);
	*ret_abi = abi;
	return 0;
}

int kvt_vmclock_snapshot(const volatile void *region, size_t size, struct vmclock_abi *ret_abi)
{
	const volatile uint8_t *live = region;
	uint8_t copy[sizeof(struct vmclock_abi)];
	const size_t bytes = size < sizeof(copy) ? size : sizeof(copy);
	int r = -KVT_E_TORN;

	if (size < VMCLOCK_SIZE_MIN)
		return -KVT_E_SIZE;
	for (int attempt = 0; attempt < KVT_PVCLOCK_ATTEMPTS && r == -KVT_E_TORN; attempt++) {
		const uint32_t before = *(const volatile uint32_t *)(live + SEQ_COUNT);

		kvt_order_loads();
		for (size_t i = 0; i < bytes; i++)
			copy[i] = live[i];
		if (kvt_settled((const volatile uint32_t *)(live + SEQ_COUNT), before))
			r = kvt_vmclock_decode(copy, bytes, ret_abi);
	}
	return r == -KVT_E_TORN ? -KVT_E_BUSY : r;
}

/* delta * rate / 2^shift over 128 bits, truncated; the shift is 0 .. 255 as the guest's host says
 */
static void scaled(uint64_t delta, uint64_t rate, unsigned shift, uint64_t *ret_high,
		   uint64_t *ret_low)
{
	uint64_t high, low;

	kvt_mul_u64(delta, rate, &high, &low);
	if (shift >= 128) {
		high = low = 0;
	} else if (shift >= 64) {
		low = high >> (shift - 64);
		high = 0;
	} else if (shift > 0) {
		low = low >> shift | high << (64 - shift);
		high >>= shift;
	}
	*ret_high = high;
	*ret_low = low;
}

static int max_error_ns(const struct vmclock_abi *abi, uint64_t delta, uint64_t *ret_ns)
{
	uint64_t sec, frac, ns;

	scaled(delta, abi->counter_period_maxerror_rate_frac_sec, abi->counter_period_shift, &sec,
	       &frac);
	if (sec > UINT64_MAX / KVT_NS_PER_S - 2)
		return -KVT_E_RANGE;
	/* up by 1 ns for the fraction, and by 1 for what the shift cut off */
	ns = sec * KVT_NS_PER_S + kvt_vmclock_frac_ns(frac) + 2;
	if (abi->time_maxerror_nanosec > UINT64_MAX - ns)
		return -KVT_E_RANGE;
	*ret_ns = abi->time_maxerror_nanosec + ns;
	return 0;
}

int kvt_vmclock_time(const struct vmclock_abi *abi, uint64_t counter,
		     struct kvt_vmclock_time *ret_time)
{
	const uint64_t both = VMCLOCK_FLAG_TIME_MAXERROR_VALID | VMCLOCK_FLAG_PERIOD_MAXERROR_VALID;
	struct kvt_vmclock_time time = { .maxerror_known = (abi->flags & both) == both };
	uint64_t sec, frac;

	if (abi->counter_id == VMCLOCK_COUNTER_INVALID || abi->counter_period_frac_sec == 0 ||
	    abi->time_type > VMCLOCK_TIME_MONOTONIC ||
	    abi->clock_status == VMCLOCK_STATUS_INITIALIZING ||
	    abi->clock_status >= VMCLOCK_STATUS_UNRELIABLE)
		return -KVT_E_INVALID;
	if (counter < abi->counter_value)
		return -KVT_E_ORDER;
	counter -= abi->counter_value;
	scaled(counter, abi->counter_period_frac_sec, abi->counter_period_shift, &sec, &frac);
	time.frac_q64 = abi->time_frac_sec + frac;
	if (time.frac_q64 < frac && ++sec == 0)
		return -KVT_E_RANGE;
	time.sec = abi->time_sec + sec;
	if (time.sec < sec)
		return -KVT_E_RANGE;
	if (time.maxerror_known) {
		const int r = max_error_ns(abi, counter, &time.maxerror_ns);

		if (r < 0)
			return r;
	}
	*ret_time = time;
	return 0;
}

int kvt_vmclock_hz(const struct vmclock_abi *abi, uint64_t *ret_hz)
{
	const uint64_t period = abi->counter_period_frac_sec;
	const unsigned shift = abi->counter_period_shift;
	uint64_t hz, remainder;

	if (period == 0)
		return -KVT_E_INVALID;
	/* 2^(64 + shift) needs 128 bits: a larger shift is a frequency above 2^63 anyway */
	if (shift > 63 || kvt_div_u128_u64(UINT64_C(1) << shift, 0, period, &hz, &remainder) < 0)
		return -KVT_E_RANGE;
	if (remainder >= period - remainder && hz++ == UINT64_MAX)
		return -KVT_E_RANGE;
	*ret_hz = hz;
	return 0;
}

uint32_t kvt_vmclock_frac_ns(uint64_t frac_q64)
{
	uint64_t high, low;

	kvt_mul_u64(frac_q64, KVT_NS_PER_S, &high, &low);
	return (uint32_t)high; /* below 10^9 */
}
