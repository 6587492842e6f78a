/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <string.h>

#include <glib.h>

#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>
#include <kvmtime/tsc.h>

#include "operands.h"

static struct pvclock_vcpu_time_info record(uint64_t hz, uint64_t tsc, uint64_t ns)
{
	struct pvclock_vcpu_time_info ti;

	g_assert_cmpint(kvt_pvclock_init(hz, tsc, ns, 0, &ti), ==, 0);
	return ti;
}

static void test_one_second_of_cycles_is_one_second(void)
{
	const struct pvclock_vcpu_time_info ti = record(2300000000, 1000, 5000);
	uint64_t ns;

	g_assert_cmpint(kvt_pvclock_ns(&ti, 1000, &ns), ==, 0);
	g_assert_cmpuint(ns, ==, 5000);
	g_assert_cmpint(kvt_pvclock_ns(&ti, 1000 + UINT64_C(2300000000), &ns), ==, 0);
	g_assert_cmpuint(ns, ==, 5000 + 999999999);
}

static void test_failure_leaves_output_alone(void)
{
	struct pvclock_vcpu_time_info ti = record(2300000000, 1000, UINT64_MAX - 10);
	uint64_t ns = 77;

	g_assert_cmpint(kvt_pvclock_ns(&ti, 999, &ns), ==, -KVT_E_ORDER);
	g_assert_cmpint(kvt_pvclock_ns(&ti, 100000, &ns), ==, -KVT_E_RANGE);
	ti.tsc_shift = 127;
	g_assert_cmpint(kvt_pvclock_ns(&ti, 1001, &ns), ==, -KVT_E_RANGE);
	ti.version = 3;
	g_assert_cmpint(kvt_pvclock_ns(&ti, 1001, &ns), ==, -KVT_E_TORN);
	g_assert_cmpint(kvt_pvclock_rebase(&ti, 0, 1001, &ti), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_pvclock_rebase(&ti, 1000, 1001, &ti), ==, -KVT_E_TORN);
	g_assert_cmpint(kvt_pvclock_init(0, 0, 0, 0, &ti), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_pvclock_init(1, 0, 0, PVCLOCK_COUNTS_FROM_ZERO, &ti), ==, -KVT_E_ARG);
	g_assert_cmpuint(ns, ==, 77);
	g_assert_cmpuint(ti.version, ==, 3);
}

static void test_time_never_runs_back_over_a_rebase(void)
{
	for (int i = 0; i < 200000; i++) {
		struct pvclock_vcpu_time_info ti =
			record(1000000 + operand() % 5000000000u, operand() >> 4, operand() >> 4);
		const uint64_t at = ti.tsc_timestamp + (operand() >> 8);
		struct pvclock_vcpu_time_info next;
		uint64_t before, after, later;

		if (kvt_pvclock_ns(&ti, at, &before) < 0)
			continue;
		ti.flags = (uint8_t)(i & 3);
		g_assert_cmpint(
			kvt_pvclock_rebase(&ti, 1000000 + operand() % 5000000000u, at, &next), ==,
			0);
		g_assert_cmpint(kvt_pvclock_ns(&next, at, &after), ==, 0);
		g_assert_cmpuint(after, ==, before);
		g_assert_cmpint(kvt_pvclock_ns(&next, at + 1, &later), ==, 0);
		g_assert_cmpuint(later, >=, after);
		g_assert_cmpuint(next.flags, ==, ti.flags);
	}
}

static void test_publish_counts_the_version_up_and_leaves_it_even(void)
{
	struct pvclock_vcpu_time_info page = { 0 }, got;
	const struct pvclock_vcpu_time_info ti = record(2596124000, 1, 2);

	for (uint32_t i = 1; i < 5; i++) {
		kvt_pvclock_publish(&page, &ti);
		g_assert_cmpuint(page.version, ==, 2 * i);
	}
	g_assert_cmpint(kvt_pvclock_snapshot(&page, &got), ==, 0);
	page.version = 0;
	got.version = 0;
	g_assert_cmpint(memcmp(&page, &got, sizeof(page)), ==, 0);
	page.version = UINT32_MAX; /* a writer died halfway, and the count is at its end */
	g_assert_cmpint(kvt_pvclock_snapshot(&page, &got), ==, -KVT_E_BUSY);
	kvt_pvclock_publish(&page, &ti);
	g_assert_cmpuint(page.version % 2, ==, 0);
	g_assert_cmpint(kvt_pvclock_snapshot(&page, &got), ==, 0);
}

/* A writer publishes records whose fields all follow from one number; a reader that ever mixes
 * two of them is caught. */
static struct {
	struct pvclock_vcpu_time_info page;
	int stop;
} shared;

static void *write_for_ever(void *unused)
{
	for (uint64_t i = 1; !g_atomic_int_get(&shared.stop); i++) {
		const struct pvclock_vcpu_time_info ti = {
			.tsc_timestamp = i,
			.system_time = i * 3,
			.tsc_to_system_mul = (uint32_t)i,
			.tsc_shift = (int8_t)i,
			.flags = (uint8_t)i,
		};

		kvt_pvclock_publish(&shared.page, &ti);
	}
	return unused;
}

static void test_a_reader_never_mixes_two_updates(void)
{
	pthread_t writer;
	int settled = 0;

	g_assert_cmpint(pthread_create(&writer, NULL, write_for_ever, NULL), ==, 0);
	for (int i = 0; i < 300000 || settled == 0; i++) {
		struct pvclock_vcpu_time_info ti;

		if (kvt_pvclock_snapshot(&shared.page, &ti) < 0)
			continue;
		g_assert_cmpuint(ti.version % 2, ==, 0);
		g_assert_cmpuint(ti.system_time, ==, ti.tsc_timestamp * 3);
		g_assert_cmpuint(ti.tsc_to_system_mul, ==, (uint32_t)ti.tsc_timestamp);
		g_assert_cmpuint((uint8_t)ti.tsc_shift, ==, (uint8_t)ti.tsc_timestamp);
		g_assert_cmpuint(ti.flags, ==, (uint8_t)ti.tsc_timestamp);
		settled++;
	}
	g_atomic_int_set(&shared.stop, 1);
	pthread_join(writer, NULL);
	g_assert_cmpint(settled, >, 0);
}

static void test_a_live_read_lies_between_two_counter_reads(void)
{
#ifdef KVT_HAVE_TSC
	struct pvclock_vcpu_time_info page = { 0 };
	const struct pvclock_vcpu_time_info ti = record(2000000000, kvt_tsc_ordered(), 1000);
	uint64_t low, ns, high;

	kvt_pvclock_publish(&page, &ti);
	for (int i = 0; i < 1000; i++) {
		g_assert_cmpint(kvt_pvclock_ns(&page, kvt_tsc_ordered(), &low), ==, 0);
		g_assert_cmpint(kvt_pvclock_read(&page, &ns), ==, 0);
		g_assert_cmpint(kvt_pvclock_ns(&page, kvt_tsc_ordered(), &high), ==, 0);
		g_assert_cmpuint(low, <=, ns);
		g_assert_cmpuint(ns, <=, high);
	}
	page.tsc_timestamp = UINT64_MAX;
	g_assert_cmpint(kvt_pvclock_read(&page, &ns), ==, -KVT_E_ORDER);
	page.version = 1;
	g_assert_cmpint(kvt_pvclock_read(&page, &ns), ==, -KVT_E_BUSY);
#else
	g_test_skip("not an x86 machine: no TSC");
#endif
}

static uint64_t last_ns;

static void *push_times(void *seed)
{
	uint64_t mine = 0;

	for (uint64_t i = 0; i < 200000; i++) {
		const uint64_t claimed = i * 10 + (uintptr_t)seed * 7 + i % 13 * 100;
		const uint64_t got = kvt_pvclock_monotonic(&last_ns, claimed);

		if (got < mine || got < claimed)
			return (void *)1;
		mine = got;
	}
	return NULL;
}

static void test_time_never_runs_back_across_vcpus(void)
{
	pthread_t vcpus[4];

	for (size_t i = 0; i < G_N_ELEMENTS(vcpus); i++)
		g_assert_cmpint(pthread_create(&vcpus[i], NULL, push_times, (void *)i), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(vcpus); i++) {
		void *failed;

		pthread_join(vcpus[i], &failed);
		g_assert_null(failed);
	}
	g_assert_cmpuint(kvt_pvclock_monotonic(&last_ns, 0), ==, last_ns);
}

static void test_the_stopped_flag_is_taken_once(void)
{
	struct pvclock_vcpu_time_info page = { .flags = PVCLOCK_GUEST_STOPPED |
							PVCLOCK_TSC_STABLE_BIT };

	g_assert_true(kvt_pvclock_take_stopped(&page));
	g_assert_false(kvt_pvclock_take_stopped(&page));
	g_assert_cmpuint(page.flags, ==, PVCLOCK_TSC_STABLE_BIT);
}

static void test_wall_clock_adds_and_ends_in_2106(void)
{
	struct pvclock_wall_clock page = { 0 }, wall;
	uint64_t sec = 77;
	uint32_t nsec;

	g_assert_cmpint(kvt_wall_clock_publish(&page, 1700000000, 999999999), ==, 0);
	g_assert_cmpint(kvt_wall_clock_snapshot(&page, &wall), ==, 0);
	g_assert_cmpint(kvt_wall_clock_utc(&wall, 1500000001, &sec, &nsec), ==, 0);
	g_assert_cmpuint(sec, ==, 1700000002);
	g_assert_cmpuint(nsec, ==, 500000000);
	g_assert_cmpint(kvt_wall_clock_utc(&wall, UINT64_MAX, &sec, &nsec), ==, 0);
	g_assert_cmpuint(sec, ==, UINT64_C(1700000000) + 18446744074);
	g_assert_cmpuint(nsec, ==, 709551614);
	g_assert_cmpint(kvt_wall_clock_publish(&page, UINT64_C(1) << 32, 0), ==, -KVT_E_RANGE);
	g_assert_cmpint(kvt_wall_clock_publish(&page, 0, 1000000000), ==, -KVT_E_ARG);
	page.nsec = 1000000000;
	g_assert_cmpint(kvt_wall_clock_snapshot(&page, &wall), ==, -KVT_E_CORRUPT);
	g_assert_cmpint(kvt_wall_clock_utc(&page, 0, &sec, &nsec), ==, -KVT_E_CORRUPT);
	page.version = 1;
	g_assert_cmpint(kvt_wall_clock_snapshot(&page, &wall), ==, -KVT_E_BUSY);
	g_assert_cmpint(kvt_wall_clock_utc(&page, 0, &sec, &nsec), ==, -KVT_E_TORN);
}

static void test_steal_time_is_read_as_written(void)
{
	struct kvm_steal_time page = { 0 };
	uint64_t ns;

	kvt_steal_publish(&page, 123456789012, KVM_VCPU_PREEMPTED);
	g_assert_cmpuint(page.version, ==, 2);
	g_assert_cmpuint(page.preempted, ==, KVM_VCPU_PREEMPTED);
	g_assert_cmpint(kvt_steal_read(&page, &ns), ==, 0);
	g_assert_cmpuint(ns, ==, 123456789012);
	page.version = 5;
	g_assert_cmpint(kvt_steal_read(&page, &ns), ==, -KVT_E_BUSY);
}

static void test_every_error_has_a_text(void)
{
#define TEXT(name, number, text) g_assert_cmpstr(kvt_strerror(-KVT_E_##name), ==, text);
	KVT_ERRORS(TEXT)
	g_assert_cmpstr(kvt_strerror(0), ==, "success");
	g_assert_cmpstr(kvt_strerror(1), ==, "unknown error");
	g_assert_cmpstr(kvt_strerror(-9999), ==, "unknown error");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/pvclock/" #name, test_##name)
	ADD(one_second_of_cycles_is_one_second);
	ADD(failure_leaves_output_alone);
	ADD(time_never_runs_back_over_a_rebase);
	ADD(publish_counts_the_version_up_and_leaves_it_even);
	ADD(a_reader_never_mixes_two_updates);
	ADD(a_live_read_lies_between_two_counter_reads);
	ADD(time_never_runs_back_across_vcpus);
	ADD(the_stopped_flag_is_taken_once);
	ADD(wall_clock_adds_and_ends_in_2106);
	ADD(steal_time_is_read_as_written);
	ADD(every_error_has_a_text);
	return g_test_run();
}
