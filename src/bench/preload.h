/* SPDX-License-Identifier: BSD-2-Clause */
/* What the counting library and its reader share: a file that both map. */
#ifndef KVT_BENCH_PRELOAD_H
#define KVT_BENCH_PRELOAD_H

#include <stdint.h>

#define KVT_COUNT_VARIABLE "KVMTIME_COUNT_FILE"

/* Kinds of reads: clock ids 0 .. 11 as they are, then these. */
#define KVT_COUNT_CLOCKS 12
enum {
	KVT_COUNT_OTHER_CLOCK = KVT_COUNT_CLOCKS, /* CPU clocks of others, PHCs */
	KVT_COUNT_GETTIMEOFDAY,
	KVT_COUNT_TIME,
	KVT_COUNT_TIMESPEC_GET,
	KVT_COUNT_KINDS
};

#define KVT_COUNT_SHARDS 64 /* threads count in different cache lines */

struct kvt_count_file {
	uint64_t processes;
	uint64_t pad[7];
	_Alignas(64) uint64_t reads[KVT_COUNT_SHARDS][KVT_COUNT_KINDS];
};

#endif
