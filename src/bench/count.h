/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often a command reads the clock: it runs once with a small library before libc that counts.
 * What does not go through libc (static programs, the Go runtime, some of the JVM) is not seen,
 * and a run in which the library was not loaded says so.
 */
#ifndef KVT_BENCH_COUNT_H
#define KVT_BENCH_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>

#include "bench/preload.h"

struct kvt_count {
	uint64_t reads[KVT_COUNT_KINDS]; /* see preload.h */
	uint64_t processes;              /* that loaded the library */
	double seconds;                  /* the run took */
	double cpu_seconds;              /* and used, all its processes together */
};

/**
 * kvt_count_run() - run a command once, counting
 * @argv:      NULL-terminated
 * @ret_count: out
 * @error:     out; KVT_STATUS_REFUSED as kvt_command_run(), or the library is not there
 */
bool kvt_count_run(char **argv, struct kvt_count *ret_count, GError **error);

/** kvt_count_clock() - the clock id whose cost a kind has; -1 if it is not known */
clockid_t kvt_count_clock(unsigned kind);

/** kvt_count_name() - "clock_gettime(MONOTONIC)", "gettimeofday", ... */
const char *kvt_count_name(unsigned kind);

#endif
