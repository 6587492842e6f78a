/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The comparison itself: blocks of rounds, one round a source in each block, in a random order;
 * the effect of a source is how its value differs from the first source's of the same block. So
 * what changes slowly (heat, a neighbour, a filling disk) hits all sources alike.
 *
 * Time and the workload are the caller's: the simulation that proves the method runs this code.
 */
#ifndef KVT_BENCH_TRIAL_H
#define KVT_BENCH_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "bench/stats.h"

struct kvt_trial_plan {
	unsigned sources;  /* 2 or more; the first is what the others are compared with */
	double precision;  /* half width of the interval to reach, e.g. 0.005 = 0.5 % */
	int64_t budget_ns; /* no block is begun that would end after it; three are run anyway */
	uint32_t seed;     /* of the order */
};

/* What one round brought. */
struct kvt_trial_round {
	unsigned block, source;
	double value; /* positive */
	int64_t took_ns;
	double steal;       /* of the machine's CPU time, 0 .. 1; NaN if not known */
	uint64_t throttled; /* times that a quota or heat held the CPUs back */
	bool disturbed;     /* either of them is too large; the round counts all the same */
	bool lost;          /* the source went away before or in it: no value */
	bool abandoned;     /* the user ended it: no value, and no round after it */
};

struct kvt_trial_ops {
	void *context;
	int64_t (*now_ns)(void *context);
	/* one round under a source; false = end the trial with @error */
	bool (*run)(void *context, unsigned source, struct kvt_trial_round *ret_round,
		    GError **error);
	/* after each block; may be NULL; false = stop here, with what there is */
	bool (*go_on)(void *context, const GArray *rounds, double half_width);
};

enum kvt_trial_end { KVT_TRIAL_PRECISE, KVT_TRIAL_BUDGET, KVT_TRIAL_STOPPED, KVT_TRIAL_LOST };

/* A source against the first: value / value of the first - 1. */
struct kvt_trial_effect {
	struct kvt_interval ratio;             /* all rounds */
	struct kvt_interval undisturbed_ratio; /* without the blocks with a disturbed round */
	bool lost;
};

struct kvt_trial {
	GArray *rounds;  /* struct kvt_trial_round, in the order they were run */
	GArray *effects; /* struct kvt_trial_effect, of sources 1, 2, ... */
	unsigned blocks, looks, disturbed;
	enum kvt_trial_end end;
};

/**
 * kvt_trial_run() - run blocks until every effect is known to the precision, or the budget is spent
 * @plan:  what is wanted
 * @ops:   time and the workload
 * @error: out; that of @ops->run, or KVT_STATUS_BAD_INPUT for a value that is not positive
 *
 * Looks are taken at 6, 8, 11, 15, ... blocks and at the end; an interval holds the truth with 95 %
 * (stats.h says why), the error being shared among the compared sources in equal parts.
 *
 * Return: owned, or NULL.
 */
struct kvt_trial *kvt_trial_run(const struct kvt_trial_plan *plan, const struct kvt_trial_ops *ops,
				GError **error);

void kvt_trial_free(struct kvt_trial *trial);

typedef struct kvt_trial kvt_trial; /* for g_autoptr(kvt_trial) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_trial, kvt_trial_free)

/** kvt_trial_differs() - true if the interval excludes "no difference" */
bool kvt_trial_differs(const struct kvt_interval *ratio);

#endif
