/* SPDX-License-Identifier: BSD-2-Clause */
/* What reading each clock costs under each clock source, in interleaved blocks. */
#ifndef KVT_BENCH_READS_H
#define KVT_BENCH_READS_H

#include <stdbool.h>

#include <glib.h>

#include "bench/measure.h"
#include "bench/sources.h"
#include "bench/stats.h"

/* What is read: clock ids, then the peers. */
struct kvt_read_what {
	const char *name;
	clockid_t clock;
	bool peer; /* no clock id: the counter alone, or our own reader */
};

extern const struct kvt_read_what kvt_read_whats[];
extern const unsigned kvt_read_n_whats;

#define KVT_READ_MONOTONIC 0 /* the one that verdicts are about */

/* One clock through one way: of the blocks' results. */
struct kvt_read_cost {
	bool known;
	double min_ns;    /* cheapest batch of any block */
	double median_ns; /* median of the blocks' medians */
	double p99_ns;    /* median of the blocks' p99, of single reads */
	double overhead_ns;
	GArray *medians_ns; /* of each block; NaN if that failed */
	GArray *p99s_ns;
};

struct kvt_read_row {
	unsigned source, what;
	enum kvt_bench_path path;
	double resolution_ns;               /* what clock_getres() says; NaN for peers */
	struct kvt_read_cost libc, syscall; /* a peer has the first alone */
	GArray *batches_ns; /* libc, of every batch; CLOCK_MONOTONIC and peers, else NULL */
	struct kvt_interval dearer_ns; /* libc, than under the first source; n = 0 for the first */
};

struct kvt_read_threads {
	unsigned source, threads;
	double median_ns; /* a read in the middle batch, median of the threads */
};

struct kvt_read_agreement {
	unsigned source;
	bool known;
	uint64_t reads, backward;   /* one after the other on one CPU */
	struct kvt_bench_warp warp; /* across CPUs */
};

struct kvt_reads {
	GArray *rows;       /* struct kvt_read_row, source by source */
	GArray *threads;    /* struct kvt_read_threads, CLOCK_MONOTONIC */
	GArray *agreements; /* struct kvt_read_agreement, CLOCK_MONOTONIC */
	unsigned blocks;
	bool *lost; /* by source */
	bool stopped;
	char *no_page; /* why our own reader has no row; NULL if it has */
};

struct kvt_reads_plan {
	unsigned blocks;
	int64_t read_ns; /* time for one clock in one block */
	uint32_t seed;
	bool (*go_on)(void *context, unsigned block); /* may be NULL; false = stop here */
	void *context;
};

/**
 * kvt_reads_run() - measure
 * @error: out; KVT_STATUS_REFUSED
 *
 * Return: owned, or NULL.
 */
struct kvt_reads *kvt_reads_run(struct kvt_sources *sources, const struct kvt_reads_plan *plan,
				GError **error);

void kvt_reads_free(struct kvt_reads *reads);

/** kvt_reads_row() - the row of one clock under one source; borrowed, NULL if there is none */
const struct kvt_read_row *kvt_reads_row(const struct kvt_reads *reads, unsigned source,
					 unsigned what);

#endif
