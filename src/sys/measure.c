/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/measure.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include <kvmtime/error.h>

#define BATCH      200
#define BATCHES    40
#define CPUS_LIMIT 16

/* ---- the counter ---- */

static bool tsc_allowed(void)
{
#if defined(__x86_64__) || defined(__i386__)
	int mode = PR_TSC_ENABLE;

	return prctl(PR_GET_TSC, &mode) < 0 || mode == PR_TSC_ENABLE;
#else
	return false;
#endif
}

/* after earlier loads, so that a value read under a lock is newer than the lock */
static uint64_t ordered_tsc(void)
{
#if defined(__x86_64__) || defined(__i386__)
	uint32_t low, high;

	__asm__ __volatile__("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
#else
	return 0;
#endif
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* ---- cost of a read ---- */

static double batch_ns(bool as_syscall)
{
	const int64_t start = now_ns(CLOCK_MONOTONIC);
	struct timespec ts;

	for (int i = 0; i < BATCH; i++)
		if (as_syscall)
			syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
		else
			clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)(now_ns(CLOCK_MONOTONIC) - start) / BATCH;
}

static double least_ns(bool as_syscall)
{
	double least = batch_ns(as_syscall);

	for (int i = 1; i < BATCHES; i++) {
		const double one = batch_ns(as_syscall);

		if (one < least)
			least = one;
	}
	return least;
}

int kvt_measure_read_cost(struct kvt_read_cost *ret_cost)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return -KVT_E_ABSENT;
	ret_cost->call_ns = least_ns(false);
	ret_cost->syscall_ns = least_ns(true);
	return 0;
}

/* ---- warp ---- */

struct shared {
	atomic_uint turn; /* side that may read: 1, 2 */
	/* only the side whose turn it is touches these */
	uint64_t last; /* the newest value; 0 = none yet */
	uint64_t warp, resolution, reads;
	int64_t end_ns;
};

struct side {
	struct shared *shared;
	unsigned number; /* 1, 2 */
	int cpu;
	bool placed;
};

static bool place(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* false when the time is over; the clock is asked seldom while waiting */
static bool await_turn(struct shared *shared, unsigned side)
{
	for (unsigned spins = 1; atomic_load_explicit(&shared->turn, memory_order_acquire) != side;
	     spins++)
		if (spins % 256 == 0 && now_ns(CLOCK_MONOTONIC) >= shared->end_ns)
			return false;
	return true;
}

static void one_read(struct shared *shared, unsigned side)
{
	const uint64_t now = ordered_tsc();

	if (shared->last != 0 && now < shared->last && shared->last - now > shared->warp)
		shared->warp = shared->last - now;
	if (shared->last != 0 && now >= shared->last && now - shared->last < shared->resolution)
		shared->resolution = now - shared->last;
	shared->last = now;
	shared->reads++;
	atomic_store_explicit(&shared->turn, 3 - side, memory_order_release);
}

static gpointer run_side(gpointer data)
{
	struct side *side = data;

	side->placed = place(side->cpu);
	while (side->placed && now_ns(CLOCK_MONOTONIC) < side->shared->end_ns)
		for (int i = 0; i < 50 && await_turn(side->shared, side->number); i++)
			one_read(side->shared, side->number);
	return NULL;
}

/* The pair (first, other); what it saw goes into @warp. */
static bool run_pair(int first, int other, unsigned budget_ms, struct kvt_warp *warp)
{
	struct shared shared = { .turn = 1,
				 .resolution = UINT64_MAX,
				 .end_ns = now_ns(CLOCK_MONOTONIC) + (int64_t)budget_ms * 1000000 };
	struct side sides[2] = { { &shared, 1, first, false }, { &shared, 2, other, false } };
	GThread *threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = g_thread_new("warp", run_side, &sides[i]);
	for (int i = 0; i < 2; i++)
		g_thread_join(threads[i]);
	if (!sides[0].placed || !sides[1].placed || shared.resolution == UINT64_MAX)
		return false;
	warp->warp_cycles = MAX(warp->warp_cycles, shared.warp);
	warp->resolution_cycles = MAX(warp->resolution_cycles, shared.resolution);
	warp->reads += shared.reads;
	warp->cpus++;
	return true;
}

int kvt_measure_warp(unsigned budget_ms, struct kvt_warp *ret_warp)
{
	struct kvt_warp warp = { 0 };
	cpu_set_t allowed;
	int first = -1, others[CPUS_LIMIT], count = 0;

	if (!tsc_allowed() || sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return -KVT_E_ABSENT;
	for (int cpu = 0; cpu < CPU_SETSIZE && count < CPUS_LIMIT; cpu++) {
		if (!CPU_ISSET((unsigned)cpu, &allowed))
			continue;
		if (first < 0)
			first = cpu;
		else
			others[count++] = cpu;
	}
	for (int i = 0; i < count; i++)
		run_pair(first, others[i], budget_ms / (unsigned)count, &warp);
	if (warp.cpus == 0)
		return -KVT_E_ABSENT;
	*ret_warp = warp;
	return 0;
}

/* ---- rate ---- */

struct pair {
	uint64_t tsc;
	int64_t raw_ns;
	uint64_t window;
};

/* the narrowest of some tries */
static struct pair read_pair(void)
{
	struct pair best = { .window = UINT64_MAX };

	for (int i = 0; i < 50; i++) {
		const uint64_t before = ordered_tsc();
		const int64_t raw_ns = now_ns(CLOCK_MONOTONIC_RAW);
		const uint64_t after = ordered_tsc();

		if (after - before < best.window)
			best = (struct pair){ before + (after - before) / 2, raw_ns,
					      after - before };
	}
	return best;
}

int kvt_measure_tsc_khz(unsigned window_ms, double *ret_khz, double *ret_ppm)
{
	const struct timespec pause = { .tv_sec = window_ms / 1000,
					.tv_nsec = (long)(window_ms % 1000) * 1000000 };
	struct pair first, second;
	double cycles;

	if (!tsc_allowed())
		return -KVT_E_ABSENT;
	first = read_pair();
	nanosleep(&pause, NULL);
	second = read_pair();
	if (second.raw_ns <= first.raw_ns || second.tsc <= first.tsc)
		return -KVT_E_ABSENT;
	cycles = (double)(second.tsc - first.tsc);
	*ret_khz = cycles / (double)(second.raw_ns - first.raw_ns) * 1e6;
	*ret_ppm = (double)(first.window + second.window) / 2 / cycles * 1e6;
	return 0;
}
