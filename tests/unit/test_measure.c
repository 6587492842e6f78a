/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts of measuring itself, on fake clocks and on the machine's own; no duration is asserted. */
#include <stdatomic.h>
#include <sys/auxv.h>

#include <glib.h>

#include "bench/measure.h"

#define MS 1000000

static atomic_uint_fast64_t fake_clock;

/* a counter that all CPUs share: it never goes back */
static uint64_t read_shared(void *arg)
{
	(void)arg;
	return atomic_fetch_add(&fake_clock, 1);
}

static uint64_t read_backwards(void *arg)
{
	(void)arg;
	return UINT64_C(1) << 40 ^ (0 - atomic_fetch_add(&fake_clock, 1));
}

static unsigned cpus(void)
{
	return g_get_num_processors();
}

static void test_shared_counter_is_never_backward(void)
{
	struct kvt_bench_warp warp;
	g_autoptr(GError) error = NULL;

	g_assert_true(kvt_bench_warp(read_shared, NULL, 1, 50 * MS, &warp, &error));
	g_assert_cmpuint(warp.backward, ==, 0);
	if (cpus() < 2 || warp.unreached != 0) {
		g_test_skip("one CPU, or the second was never free");
		return;
	}
	g_assert_cmpuint(warp.reads, >, 0);
	g_assert_cmpfloat(warp.resolution_ns, >=, 1);
	/* no offset can be seen, so the bound must hold 0 */
	g_assert_cmpfloat(ABS(warp.offset_ns), <=, warp.resolution_ns);
}

static void test_backward_counter_is_seen(void)
{
	struct kvt_bench_warp warp;
	g_autoptr(GError) error = NULL;

	g_assert_true(kvt_bench_warp(read_backwards, NULL, 1, 50 * MS, &warp, &error));
	if (cpus() < 2 || warp.unreached != 0) {
		g_test_skip("one CPU, or the second was never free");
		return;
	}
	/* the last trip out may have no way back */
	g_assert_cmpuint(warp.backward, >=, warp.reads);
	g_assert_cmpfloat(warp.backward_ns, >=, 1);
}

static void test_tsc_is_compared_within_a_bound(void)
{
	struct kvt_bench_warp warp;
	g_autoptr(GError) error = NULL;

	if (!kvt_bench_tsc_warp(50 * MS, &warp, &error)) {
		g_test_skip(error->message);
		return;
	}
	g_assert_cmpuint(warp.cpus + warp.unreached, ==, cpus());
	g_test_message("%u CPUs, %g +- %g ns, %" G_GUINT64_FORMAT " reads", warp.cpus,
		       warp.offset_ns, warp.resolution_ns, warp.reads);
}

static unsigned calls;

static void batch_counting(void *arg, unsigned reads)
{
	for (unsigned i = 0; i < reads; i++) {
		calls++;
		KVT_BENCH_KEEP(arg);
	}
}

static void test_cost_is_ordered_and_counts_its_batches(void)
{
	struct kvt_bench_cost cost;
	g_autoptr(GArray) all = NULL;

	kvt_bench_cost(batch_counting, NULL, 5 * MS, &cost, &all);
	g_assert_cmpuint(cost.batches, >=, 20);
	g_assert_cmpuint(cost.batches, ==, all->len);
	g_assert_cmpuint(calls, >=, cost.batches * cost.reads);
	g_assert_cmpfloat(cost.min_ns, <=, cost.median_ns);
	/* single reads are not batches: theirs is a number of its own */
	g_assert_cmpuint(cost.singles, >=, 100);
	g_assert_cmpfloat(cost.p99_ns, >=, 0);
}

/* One call in fifty takes a hundred times as long: no batch shows it, a single read does. */
static void batch_uneven(void *arg, unsigned reads)
{
	unsigned *count = arg;

	for (unsigned i = 0; i < reads; i++) {
		const unsigned turns = ++*count % 50 == 0 ? 20000 : 200;

		for (unsigned turn = 0; turn < turns; turn++)
			KVT_BENCH_KEEP(turn);
	}
}

static void test_p99_is_of_single_reads(void)
{
	struct kvt_bench_cost cost;
	unsigned count = 0;

	kvt_bench_cost(batch_uneven, &count, 20 * MS, &cost, NULL);
	g_test_message("median %g ns, p99 %g ns of %u", cost.median_ns, cost.p99_ns, cost.singles);
	g_assert_cmpfloat(cost.p99_ns, >, 5 * cost.median_ns);
}

static void test_unknown_clock_is_an_error(void)
{
	struct kvt_bench_cost cost = { .batches = 77 };
	g_autoptr(GError) error = NULL;

	g_assert_false(kvt_bench_clock_cost(9999, KVT_BENCH_LIBC, MS, &cost, &error));
	g_assert_nonnull(error);
	g_assert_cmpuint(cost.batches, ==, 77);
	g_assert_cmpint(kvt_bench_path(9999), ==, KVT_BENCH_PATH_UNKNOWN);
}

/* The kernel never answers the CPU clock of a process from the vDSO. */
static void test_cpu_clock_is_a_system_call(void)
{
	const enum kvt_bench_path path = kvt_bench_path(CLOCK_PROCESS_CPUTIME_ID);

	if (path == KVT_BENCH_PATH_UNKNOWN)
		g_test_skip("no seccomp filters here");
	else
		g_assert_cmpint(path, ==, KVT_BENCH_PATH_SYSCALL);
}

static void test_coarse_clock_needs_no_system_call(void)
{
	const enum kvt_bench_path path = kvt_bench_path(CLOCK_MONOTONIC_COARSE);

	if (path == KVT_BENCH_PATH_UNKNOWN || getauxval(AT_SYSINFO_EHDR) == 0)
		g_test_skip("no seccomp filters, or no vDSO here");
	else
		g_assert_cmpint(path, ==, KVT_BENCH_PATH_VDSO);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/measure/shared_counter_is_never_backward",
			test_shared_counter_is_never_backward);
	g_test_add_func("/measure/backward_counter_is_seen", test_backward_counter_is_seen);
	g_test_add_func("/measure/tsc_is_compared_within_a_bound",
			test_tsc_is_compared_within_a_bound);
	g_test_add_func("/measure/cost_is_ordered_and_counts_its_batches",
			test_cost_is_ordered_and_counts_its_batches);
	g_test_add_func("/measure/p99_is_of_single_reads", test_p99_is_of_single_reads);
	g_test_add_func("/measure/unknown_clock_is_an_error", test_unknown_clock_is_an_error);
	g_test_add_func("/measure/cpu_clock_is_a_system_call", test_cpu_clock_is_a_system_call);
	g_test_add_func("/measure/coarse_clock_needs_no_system_call",
			test_coarse_clock_needs_no_system_call);
	return g_test_run();
}
