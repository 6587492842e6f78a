/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The measurements that other verbs rest on: what reading a clock costs here, whether the vDSO
 * answers it, and whether the CPUs agree about a counter. Each keeps to the time that it is given.
 *
 * What `check` wants, in under half a second for all three:
 *
 *	struct kvt_bench_cost cost;
 *	struct kvt_bench_warp warp;
 *
 *	if (kvt_bench_clock_cost(CLOCK_MONOTONIC, KVT_BENCH_LIBC, 50 * 1000 * 1000, &cost, &error))
 *		... cost.median_ns
 *	path = kvt_bench_path(CLOCK_MONOTONIC);         vDSO, system call or unknown
 *	if (kvt_bench_tsc_warp(200 * 1000 * 1000, &warp, &error))
 *		... warp.offset_ns within warp.resolution_ns over warp.cpus CPUs
 */
#ifndef KVT_BENCH_MEASURE_H
#define KVT_BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>

/* ---- cost ---- */

struct kvt_bench_cost {
	double min_ns;      /* per read: of the cheapest batch, */
	double median_ns;   /* of the middle one, */
	double p99_ns;      /* one read in a hundred was dearer, each timed by itself */
	double overhead_ns; /* of the loop, already subtracted from the first two */
	unsigned batches;
	unsigned singles; /* reads that were timed by themselves */
	unsigned reads;   /* in each batch */
};

/**
 * kvt_bench_batch - read a clock @reads times in a plain loop
 * @arg:   the caller's
 * @reads: how often
 *
 * The loop body must keep the compiler from dropping the read: KVT_BENCH_KEEP(value).
 */
typedef void (*kvt_bench_batch)(void *arg, unsigned reads);

#define KVT_BENCH_KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

/**
 * kvt_bench_cost() - what one read costs
 * @batch:     does the reading
 * @arg:       handed on to @batch
 * @budget_ns: how long to go on, ns; 1 ms or more is of use
 * @ret_cost:  out
 * @ret_all:   out, cost of a read in each batch, ns, ascending; owned; NULL if not wanted
 *
 * Batches of about 10 us, timed with the TSC where there is one (else CLOCK_MONOTONIC), so that
 * a slow clock is not timed with itself; with them, batches of an empty loop, whose median is
 * subtracted. Among them single reads, each between two ordered readings of the counter, less the
 * median of such a pair with nothing in between: so a single read waits for all that came before
 * it and overlaps with nothing, and may cost more than one of a batch. What the 99th percentile
 * holds is thus what a caller can meet, interrupts and lost time slices among it.
 *
 * Context: one thread; at least 20 batches even if they take longer than @budget_ns.
 */
void kvt_bench_cost(kvt_bench_batch batch, void *arg, int64_t budget_ns,
		    struct kvt_bench_cost *ret_cost, GArray **ret_all);

enum kvt_bench_way {
	KVT_BENCH_LIBC,    /* clock_gettime() of the C library: the vDSO where it can */
	KVT_BENCH_SYSCALL, /* the system call itself */
};

/**
 * kvt_bench_clock_cost() - what one clock_gettime() costs
 * @clock:     clock id
 * @way:       through the C library or as a system call
 * @budget_ns: as kvt_bench_cost()
 * @ret_cost:  out
 * @error:     out; KVT_STATUS_REFUSED if the kernel has no such clock
 */
bool kvt_bench_clock_cost(clockid_t clock, enum kvt_bench_way way, int64_t budget_ns,
			  struct kvt_bench_cost *ret_cost, GError **error);

/** kvt_bench_clock_costs() - the same, and with @ret_all as kvt_bench_cost() */
bool kvt_bench_clock_costs(clockid_t clock, enum kvt_bench_way way, int64_t budget_ns,
			   struct kvt_bench_cost *ret_cost, GArray **ret_all, GError **error);

enum kvt_bench_path {
	KVT_BENCH_PATH_UNKNOWN, /* the kernel has no seccomp filters, or no such clock */
	KVT_BENCH_PATH_VDSO,
	KVT_BENCH_PATH_SYSCALL,
};

/**
 * kvt_bench_path() - how clock_gettime() is answered, by fact and not by its speed
 * @clock: clock id
 *
 * A child process forbids itself the system call and tries.
 *
 * Context: forks; less than 1 ms; any thread.
 */
enum kvt_bench_path kvt_bench_path(clockid_t clock);

/* ---- agreement of the CPUs ---- */

struct kvt_bench_warp {
	unsigned cpus;        /* looked at; 1 = nothing to compare */
	unsigned unreached;   /* CPUs that could not be compared in the time given */
	uint64_t reads;       /* pairs of reads, in both directions */
	double offset_ns;     /* of the CPU that differs most; positive = ahead of @reference_cpu */
	double resolution_ns; /* @offset_ns is true within this */
	unsigned reference_cpu;
	unsigned cpu;       /* the one that differs most */
	uint64_t backward;  /* reads that were less than one made before them on another CPU */
	double backward_ns; /* by how much at most; 0 if there were none */
};

/** kvt_bench_read - one read of a clock or counter */
typedef uint64_t (*kvt_bench_read)(void *arg);

/**
 * kvt_bench_warp() - whether the CPUs agree about a clock
 * @read:      reads it, ordered after earlier loads
 * @arg:       handed on to @read
 * @unit_ns:   ns in one unit of what @read returns; 0 = that of the TSC, found out on the way
 * @budget_ns: for all CPUs together
 * @ret_warp:  out
 * @error:     out; KVT_STATUS_REFUSED if threads cannot be bound to CPUs
 *
 * Two threads, on the first CPU that this process may use and on each other in turn, hand a
 * reading to and fro. With the shortest trip seen in each direction, the offset is half of their
 * difference, and it cannot be wrong by more than half of their sum.
 *
 * Context: makes threads; spins on two CPUs at once.
 */
bool kvt_bench_warp(kvt_bench_read read, void *arg, double unit_ns, int64_t budget_ns,
		    struct kvt_bench_warp *ret_warp, GError **error);

/** kvt_bench_tsc_warp() - kvt_bench_warp() of the TSC; KVT_STATUS_REFUSED where there is none */
bool kvt_bench_tsc_warp(int64_t budget_ns, struct kvt_bench_warp *ret_warp, GError **error);

/* ---- what the above are timed with ---- */

/** kvt_bench_stamp() - TSC where there is one, else CLOCK_MONOTONIC in ns */
uint64_t kvt_bench_stamp(void);

/** kvt_bench_now_ns() - CLOCK_MONOTONIC */
int64_t kvt_bench_now_ns(void);

#endif
