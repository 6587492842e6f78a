/* SPDX-License-Identifier: BSD-2-Clause */
/* A command under each clock source: the trial of trial.h on the running machine. */
#ifndef KVT_BENCH_COMPARE_H
#define KVT_BENCH_COMPARE_H

#include "bench/sources.h"
#include "bench/trial.h"
#include "bench/workload.h"

struct kvt_compare {
	struct kvt_sources *sources;
	const struct kvt_command *command;
	struct kvt_trial_plan plan; /* .sources is filled in */
	bool (*go_on)(void *context, const GArray *rounds, double half_width); /* may be NULL */
	void *context;
	double warm_up; /* out: the value of the one round before the first block, under the first
			 * source; not part of the comparison */
};

/** kvt_compare_run() - warm up once, then kvt_trial_run(); its errors and those of the parts */
struct kvt_trial *kvt_compare_run(struct kvt_compare *compare, GError **error);

#endif
