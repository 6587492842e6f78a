/* SPDX-License-Identifier: BSD-2-Clause */
/* Short measurements of the running machine's clocks; each keeps to a fraction of a second. */
#ifndef KVT_SYS_MEASURE_H
#define KVT_SYS_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

struct kvt_read_cost {
	double call_ns;    /* clock_gettime(CLOCK_MONOTONIC) as a program calls it; least of many */
	double syscall_ns; /* the same as a system call */
};

struct kvt_warp {
	uint64_t warp_cycles;       /* largest step back between two CPUs; 0 = none seen */
	uint64_t resolution_cycles; /* the least time from one CPU's read to the next one's: a
				     * smaller step could have gone unseen */
	uint64_t reads;
	unsigned cpus; /* how many were compared with the first */
};

/** kvt_measure_read_cost() - 0, or -KVT_E_ABSENT if there is no such clock; about 10 ms */
int kvt_measure_read_cost(struct kvt_read_cost *ret_cost);

/**
 * kvt_measure_warp() - does time step back from CPU to CPU?
 * @budget_ms: time for all CPUs together
 *
 * Two threads, one on the first allowed CPU and one on another, read the TSC in strict turns:
 * each must see more than the one before. The other CPU goes through those that are allowed, at
 * most sixteen.
 *
 * Return: 0, or
 *   -KVT_E_ABSENT  one CPU alone, no TSC that may be read, or threads cannot be placed
 * Source: the method of Linux arch/x86/kernel/tsc_sync.c.
 */
int kvt_measure_warp(unsigned budget_ms, struct kvt_warp *ret_warp);

/**
 * kvt_measure_tsc_khz() - TSC cycles per millisecond of CLOCK_MONOTONIC_RAW
 * @window_ms: time between the two readings
 * @ret_khz:   out
 * @ret_ppm:   out, how far it can be off: both readings' windows over the whole
 *
 * Where the kernel's clock is derived from the TSC this only gives back the kernel's own number.
 *
 * Return: 0, or -KVT_E_ABSENT without a TSC that may be read.
 */
int kvt_measure_tsc_khz(unsigned window_ms, double *ret_khz, double *ret_ppm);

#endif
