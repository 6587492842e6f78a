/* SPDX-License-Identifier: BSD-2-Clause */
/* The other time pages: VMClock, Hyper-V's, Xen's, clock pairing. The reference is the compiler's
 * 128-bit arithmetic, which the library does not use. */
#include <string.h>

#include <glib.h>

#include <kvmtime/error.h>
#include <kvmtime/hyperv.h>
#include <kvmtime/pairing.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/tsc.h>
#include <kvmtime/vmclock.h>
#include <kvmtime/xen.h>

#include "operands.h"

#define ROUNDS 200000

__extension__ typedef unsigned __int128 u128;

/* 2.5 GHz, synchronised, error known: 1000 ns and 50 ppb of the period */
static struct vmclock_abi vmclock(void)
{
	const u128 one = (u128)1 << 64;

	return (struct vmclock_abi){
		.magic = VMCLOCK_MAGIC,
		.size = 4096,
		.version = VMCLOCK_VERSION,
		.counter_id = VMCLOCK_COUNTER_X86_TSC,
		.time_type = VMCLOCK_TIME_UTC,
		.flags = VMCLOCK_FLAG_TIME_MAXERROR_VALID | VMCLOCK_FLAG_PERIOD_MAXERROR_VALID,
		.clock_status = VMCLOCK_STATUS_SYNCHRONIZED,
		.counter_period_shift = 27,
		.counter_value = 1000,
		.counter_period_frac_sec = (uint64_t)((one << 27) / 2500000000u),
		.counter_period_maxerror_rate_frac_sec =
			(uint64_t)((one << 27) / 2500000000u / 20000000u),
		.time_sec = 1700000000,
		.time_frac_sec = UINT64_C(1) << 63,
		.time_maxerror_nanosec = 1000,
	};
}

static void test_a_vmclock_region_is_decoded_or_refused(void)
{
	struct vmclock_abi abi = vmclock(), got = { 0 };

	g_assert_cmpint(kvt_vmclock_decode(&abi, sizeof(abi), &got), ==, 0);
	g_assert_cmpint(memcmp(&abi, &got, sizeof(abi)), ==, 0);
	g_assert_cmpint(kvt_vmclock_snapshot(&abi, sizeof(abi), &got), ==, 0);
	g_assert_cmpint(kvt_vmclock_decode(&abi, 3, &got), ==, -KVT_E_SIZE);
	g_assert_cmpint(kvt_vmclock_decode(&abi, VMCLOCK_SIZE_MIN - 1, &got), ==, -KVT_E_SIZE);
	g_assert_cmpint(kvt_vmclock_decode(&abi, VMCLOCK_SIZE_MIN, &got), ==, 0);
	g_assert_cmpint(kvt_vmclock_snapshot(&abi, 10, &got), ==, -KVT_E_SIZE);
	abi.seq_count = 3;
	g_assert_cmpint(kvt_vmclock_decode(&abi, sizeof(abi), &got), ==, -KVT_E_TORN);
	g_assert_cmpint(kvt_vmclock_snapshot(&abi, sizeof(abi), &got), ==, -KVT_E_BUSY);
	abi.size = 50;
	g_assert_cmpint(kvt_vmclock_decode(&abi, sizeof(abi), &got), ==, -KVT_E_SIZE);
	abi.version = 2;
	g_assert_cmpint(kvt_vmclock_decode(&abi, sizeof(abi), &got), ==, -KVT_E_VERSION);
	abi.magic++;
	g_assert_cmpint(kvt_vmclock_decode(&abi, sizeof(abi), &got), ==, -KVT_E_MAGIC);
	g_assert_cmpuint(got.version, ==, 1);
}

static void test_the_generation_counter_needs_its_flag_and_its_room(void)
{
	struct vmclock_abi abi = vmclock(), got;

	abi.vm_generation_counter = 42;
	g_assert_cmpint(kvt_vmclock_decode(&abi, sizeof(abi), &got), ==, 0);
	g_assert_cmpuint(got.vm_generation_counter, ==, 0);
	abi.flags |= VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT;
	g_assert_cmpint(kvt_vmclock_decode(&abi, sizeof(abi), &got), ==, 0);
	g_assert_cmpuint(got.vm_generation_counter, ==, 42);
	g_assert_cmpint(kvt_vmclock_decode(&abi, VMCLOCK_SIZE_MIN, &got), ==, 0);
	g_assert_cmpuint(got.vm_generation_counter, ==, 0);
}

static void test_vmclock_time_and_error_of_one_second(void)
{
	const struct vmclock_abi abi = vmclock();
	struct kvt_vmclock_time time;
	uint64_t hz;

	g_assert_cmpint(kvt_vmclock_time(&abi, 1000 + UINT64_C(2500000000), &time), ==, 0);
	/* half a second more than the record's, less what the period's last bit is worth */
	g_assert_cmpuint(time.sec, ==, 1700000001);
	g_assert_cmpuint(kvt_vmclock_frac_ns(time.frac_q64), ==, 499999999);
	g_assert_true(time.maxerror_known);
	g_assert_cmpuint(time.maxerror_ns, >=, 1000 + 50);
	g_assert_cmpuint(time.maxerror_ns, <=, 1000 + 53);
	g_assert_cmpint(kvt_vmclock_hz(&abi, &hz), ==, 0);
	g_assert_cmpuint(hz, ==, 2500000000);
}

static void test_vmclock_time_equals_the_reference(void)
{
	int told = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct vmclock_abi abi = vmclock();
		struct kvt_vmclock_time time = { .sec = 77 };
		u128 elapsed, total;
		uint64_t counter;
		int r;

		abi.counter_period_shift = (uint8_t)operand();
		abi.counter_period_frac_sec = operand();
		abi.counter_value = operand();
		abi.time_sec = operand();
		abi.time_frac_sec = operand();
		abi.flags = operand();
		abi.counter_period_maxerror_rate_frac_sec = operand();
		abi.time_maxerror_nanosec = operand();
		counter = operand();
		r = kvt_vmclock_time(&abi, counter, &time);
		if (abi.counter_period_frac_sec == 0) {
			g_assert_cmpint(r, ==, -KVT_E_INVALID);
			continue;
		}
		if (counter < abi.counter_value) {
			g_assert_cmpint(r, ==, -KVT_E_ORDER);
			continue;
		}
		elapsed = (u128)(counter - abi.counter_value) * abi.counter_period_frac_sec;
		elapsed = abi.counter_period_shift < 128 ? elapsed >> abi.counter_period_shift : 0;
		total = ((u128)abi.time_sec << 64 | abi.time_frac_sec) + elapsed;
		if (total < elapsed) {
			g_assert_cmpint(r, ==, -KVT_E_RANGE);
			continue;
		}
		if (r == -KVT_E_RANGE) { /* then it is the error that does not fit */
			g_assert_cmpuint(time.sec, ==, 77);
			continue;
		}
		g_assert_cmpint(r, ==, 0);
		g_assert_cmpuint(time.sec, ==, (uint64_t)(total >> 64));
		g_assert_cmpuint(time.frac_q64, ==, (uint64_t)total);
		if (time.maxerror_known)
			g_assert_cmpuint(time.maxerror_ns, >=, abi.time_maxerror_nanosec);
		told++;
	}
	g_assert_cmpint(told, >, ROUNDS / 20);
}

static void test_a_vmclock_without_time_says_so(void)
{
	struct kvt_vmclock_time time;
	uint64_t hz;

#define REFUSED(field, value)                                                             \
	do {                                                                              \
		struct vmclock_abi abi = vmclock();                                       \
		abi.field = (value);                                                      \
		g_assert_cmpint(kvt_vmclock_time(&abi, 5000, &time), ==, -KVT_E_INVALID); \
	} while (0)
	REFUSED(counter_id, VMCLOCK_COUNTER_INVALID);
	REFUSED(counter_period_frac_sec, 0);
	REFUSED(time_type, 3);
	REFUSED(clock_status, VMCLOCK_STATUS_INITIALIZING);
	REFUSED(clock_status, VMCLOCK_STATUS_UNRELIABLE);
	REFUSED(clock_status, 200);
	{
		struct vmclock_abi abi = vmclock();

		abi.counter_period_frac_sec = 0;
		g_assert_cmpint(kvt_vmclock_hz(&abi, &hz), ==, -KVT_E_INVALID);
		abi.counter_period_frac_sec = 1;
		g_assert_cmpint(kvt_vmclock_hz(&abi, &hz), ==, -KVT_E_RANGE);
	}
}

static void test_hyperv_time_equals_the_reference(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		const struct ms_hyperv_tsc_page page = {
			.tsc_sequence = (uint32_t)operand(),
			.tsc_scale = operand(),
			.tsc_offset = (int64_t)operand(),
		};
		const uint64_t tsc = operand();
		uint64_t got = 77;
		const int r = kvt_hyperv_time(&page, tsc, &got);

		if (page.tsc_sequence == 0) {
			g_assert_cmpint(r, ==, -KVT_E_INVALID);
			g_assert_cmpuint(got, ==, 77);
			continue;
		}
		g_assert_cmpint(r, ==, 0);
		g_assert_cmpuint(got, ==,
				 (uint64_t)((u128)tsc * page.tsc_scale >> 64) +
					 (uint64_t)page.tsc_offset);
	}
}

static void test_a_made_hyperv_page_keeps_the_rate(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t hz = 10000001 + operand() % UINT64_C(10000000000);
		const uint64_t tsc = operand() >> 8, now = operand() >> 8;
		struct ms_hyperv_tsc_page page;
		uint64_t got, back;

		g_assert_cmpint(kvt_hyperv_make(hz, tsc, now, &page), ==, 0);
		g_assert_cmpint(kvt_hyperv_time(&page, tsc, &got), ==, 0);
		g_assert_cmpuint(got, ==, now);
		/* an hour later: one unit for each of the two truncations */
		g_assert_cmpint(kvt_hyperv_time(&page, tsc + hz * 3600, &got), ==, 0);
		g_assert_cmpuint(got, <=, now + UINT64_C(36000000000) + 1);
		g_assert_cmpuint(got, >=, now + UINT64_C(36000000000) - 1);
		g_assert_cmpint(kvt_hyperv_hz(page.tsc_scale, &back), ==, 0);
		g_assert_cmpuint(back, ==, hz);
	}
	{
		struct ms_hyperv_tsc_page page;
		uint64_t hz;

		g_assert_cmpint(kvt_hyperv_make(10000000, 0, 0, &page), ==, -KVT_E_ARG);
		g_assert_cmpint(kvt_hyperv_make(0, 0, 0, &page), ==, -KVT_E_ARG);
		g_assert_cmpint(kvt_hyperv_hz(0, &hz), ==, -KVT_E_ARG);
		g_assert_cmpint(kvt_hyperv_hz(1, &hz), ==, -KVT_E_RANGE);
		g_assert_cmpint(kvt_hyperv_decode(&page, 23, &page), ==, -KVT_E_SIZE);
	}
}

static void test_a_published_hyperv_page_never_has_sequence_zero(void)
{
	struct ms_hyperv_tsc_page live = { .tsc_sequence = UINT32_MAX }, page, got;
	uint64_t now;

	g_assert_cmpint(kvt_hyperv_make(2500000000, 0, 5, &page), ==, 0);
	kvt_hyperv_publish(&live, &page);
	g_assert_cmpuint(live.tsc_sequence, ==, 1);
	kvt_hyperv_publish(&live, &page);
	g_assert_cmpuint(live.tsc_sequence, ==, 2);
	g_assert_cmpint(kvt_hyperv_decode(&live, sizeof(live), &got), ==, 0);
	g_assert_cmpuint(got.tsc_scale, ==, page.tsc_scale);
#ifdef KVT_HAVE_TSC
	{
		uint64_t low, high;

		g_assert_cmpint(kvt_hyperv_time(&live, kvt_tsc_ordered(), &low), ==, 0);
		g_assert_cmpint(kvt_hyperv_read(&live, &now), ==, 0);
		g_assert_cmpint(kvt_hyperv_time(&live, kvt_tsc_ordered(), &high), ==, 0);
		g_assert_cmpuint(low, <=, now);
		g_assert_cmpuint(now, <=, high);
		live.tsc_sequence = 0;
		g_assert_cmpint(kvt_hyperv_read(&live, &now), ==, -KVT_E_INVALID);
	}
#endif
}

static void test_xen_flags_need_a_new_interface(void)
{
	const struct pvclock_vcpu_time_info ti = { .flags = 0xff };

	g_assert_cmpuint(kvt_xen_flags(&ti, 0x00040600), ==, 0);
	g_assert_cmpuint(kvt_xen_flags(&ti, 0x00040601), ==, 3);
}

static void test_xen_time_lies_in_the_second_half_of_vcpu_info(void)
{
	uint8_t info[XEN_VCPU_INFO_SIZE] = { 0 };
	struct pvclock_vcpu_time_info ti, got;

	g_assert_cmpint(kvt_pvclock_init(2500000000, 1, 2, 1, &ti), ==, 0);
	memcpy(info + 32, &ti, sizeof(ti));
	g_assert_cmpint(kvt_xen_vcpu_time(info, sizeof(info), &got), ==, 0);
	g_assert_cmpint(memcmp(&ti, &got, sizeof(ti)), ==, 0);
	g_assert_cmpint(kvt_xen_vcpu_time(info, 63, &got), ==, -KVT_E_SIZE);
	memset(info, 0, sizeof(info));
	g_assert_cmpint(kvt_xen_vcpu_time(info, sizeof(info), &got), ==, -KVT_E_CORRUPT);
}

static void test_xen_wall_clock_goes_past_2106(void)
{
	struct xen_wall_clock wall = { .wc_sec = UINT32_MAX, .wc_nsec = 5, .wc_sec_hi = 1 };
	uint64_t sec;
	uint32_t nsec;

	g_assert_cmpint(kvt_xen_wall_clock_utc(&wall, 1000000000, &sec, &nsec), ==, 0);
	g_assert_cmpuint(sec, ==, (UINT64_C(1) << 32) + UINT32_MAX + 1);
	g_assert_cmpuint(nsec, ==, 5);
	wall.wc_sec_hi = UINT32_MAX;
	g_assert_cmpint(kvt_xen_wall_clock_utc(&wall, 1000000000, &sec, &nsec), ==, -KVT_E_RANGE);
	wall.wc_nsec = 1000000000;
	g_assert_cmpint(kvt_xen_wall_clock_utc(&wall, 0, &sec, &nsec), ==, -KVT_E_CORRUPT);
	wall.wc_version = 1;
	g_assert_cmpint(kvt_xen_wall_clock_utc(&wall, 0, &sec, &nsec), ==, -KVT_E_TORN);
}

static void test_pairing_carries_the_host_clock_on(void)
{
	struct kvm_clock_pairing pairing = { .sec = 1700000000, .nsec = 999999999, .tsc = 500 },
				 got;
	struct pvclock_vcpu_time_info ti;
	uint64_t sec;
	uint32_t nsec;

	g_assert_cmpint(kvt_pvclock_init(1000000000, 0, 0, 0, &ti), ==, 0);
	g_assert_cmpint(kvt_pairing_decode(&pairing, sizeof(pairing), &got), ==, 0);
	g_assert_cmpint(kvt_pairing_utc(&got, &ti, 500 + 3000000002, &sec, &nsec), ==, 0);
	g_assert_cmpuint(sec, ==, 1700000004);
	g_assert_cmpuint(nsec, ==, 1);
	g_assert_cmpint(kvt_pairing_utc(&got, &ti, 499, &sec, &nsec), ==, -KVT_E_ORDER);
	ti.tsc_shift = 60;
	g_assert_cmpint(kvt_pairing_utc(&got, &ti, 5000, &sec, &nsec), ==, -KVT_E_RANGE);
	g_assert_cmpint(kvt_pairing_decode(&pairing, 63, &got), ==, -KVT_E_SIZE);
	pairing.nsec = -1;
	g_assert_cmpint(kvt_pairing_decode(&pairing, sizeof(pairing), &got), ==, -KVT_E_CORRUPT);
	g_assert_cmpint(kvt_pairing_utc(&pairing, &ti, 5000, &sec, &nsec), ==, -KVT_E_CORRUPT);
	g_assert_cmpint(kvt_pairing_result(0), ==, 0);
	g_assert_cmpint(kvt_pairing_result(-95), ==, -KVT_E_ABSENT);
	g_assert_cmpint(kvt_pairing_result(-1000), ==, -KVT_E_ABSENT);
	g_assert_cmpint(kvt_pairing_result(-14), ==, -KVT_E_ARG);
}

static void test_a_dumped_record_is_decoded_or_refused(void)
{
	struct pvclock_vcpu_time_info ti, got;
	struct pvclock_wall_clock wall = { .nsec = 1000000000 }, got_wall;
	struct kvm_steal_time steal = { .steal = 5, .version = 2, .preempted = 1 }, got_steal;

	g_assert_cmpint(kvt_pvclock_init(2500000000, 1, 2, 1, &ti), ==, 0);
	g_assert_cmpint(kvt_pvclock_decode(&ti, sizeof(ti), &got), ==, 0);
	g_assert_cmpint(memcmp(&ti, &got, sizeof(ti)), ==, 0);
	g_assert_cmpint(kvt_pvclock_decode(&ti, 31, &got), ==, -KVT_E_SIZE);
	ti.tsc_shift = -64;
	g_assert_cmpint(kvt_pvclock_decode(&ti, sizeof(ti), &got), ==, -KVT_E_CORRUPT);
	g_assert_cmpint(kvt_wall_clock_decode(&wall, sizeof(wall), &got_wall), ==, -KVT_E_CORRUPT);
	g_assert_cmpint(kvt_wall_clock_decode(&wall, 11, &got_wall), ==, -KVT_E_SIZE);
	wall.nsec--;
	g_assert_cmpint(kvt_wall_clock_decode(&wall, sizeof(wall), &got_wall), ==, 0);
	g_assert_cmpint(kvt_steal_decode(&steal, 63, &got_steal), ==, -KVT_E_SIZE);
	g_assert_cmpint(kvt_steal_decode(&steal, sizeof(steal), &got_steal), ==, 0);
	g_assert_cmpuint(got_steal.steal, ==, 5);
	g_assert_cmpuint(got_steal.preempted, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/pages/" #name, test_##name)
	ADD(a_vmclock_region_is_decoded_or_refused);
	ADD(the_generation_counter_needs_its_flag_and_its_room);
	ADD(vmclock_time_and_error_of_one_second);
	ADD(vmclock_time_equals_the_reference);
	ADD(a_vmclock_without_time_says_so);
	ADD(hyperv_time_equals_the_reference);
	ADD(a_made_hyperv_page_keeps_the_rate);
	ADD(a_published_hyperv_page_never_has_sequence_zero);
	ADD(xen_flags_need_a_new_interface);
	ADD(xen_time_lies_in_the_second_half_of_vcpu_info);
	ADD(xen_wall_clock_goes_past_2106);
	ADD(pairing_carries_the_host_clock_on);
	ADD(a_dumped_record_is_decoded_or_refused);
	return g_test_run();
}
