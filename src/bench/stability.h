/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the TSC of this machine may be trusted: rates against each other, warp, steal, and what
 * the kernel thinks of it. A clock that is derived from the TSC is no witness for the TSC. */
#ifndef KVT_BENCH_STABILITY_H
#define KVT_BENCH_STABILITY_H

#include <stdbool.h>

#include <glib.h>

#include "bench/measure.h"
#include "bench/sources.h"
#include "bench/workload.h"
#include "sys/witness.h"

/* What the kernel's watchdog lets a clock source be off by, and NTP correct. */
#define KVT_STABILITY_PPM KVT_WITNESS_PPM

/* One clock against the TSC. */
struct kvt_stability_clock {
	char *name;       /* clock source, "pvclock page", or as in sys/witness.h */
	bool independent; /* does not count this machine's TSC */
	bool of_host;     /* ... but is the host's clock: no witness for more than keeping step */
	double seconds;   /* watched; 0 = a daemon watched it */
	unsigned samples;
	double rate_ppm; /* positive = this clock is faster than the TSC at the kernel's rate of it
			  */
	double rate_bound_ppm; /* from the width of the readings */
	double wander_ns; /* largest distance from a straight line, beyond the readings' own width
			   */
	double wander_bound_ns;
};

enum kvt_trust { KVT_TRUST_UNKNOWN, KVT_TRUST_YES, KVT_TRUST_NO };

struct kvt_stability {
	enum kvt_trust trust;
	GPtrArray *evidence;     /* texts, the weightiest first */
	GPtrArray *clocks;       /* struct kvt_stability_clock * */
	GPtrArray *no_witnesses; /* texts: what could have been one, and why it is none */
	bool has_warp;
	struct kvt_bench_warp
		warp; /* of before and after: with more back steps, else the sharper */
	struct kvt_disturbance disturbance;
	bool lost, stopped; /* a source was demoted on the way; the user ended it */
};

struct kvt_stability_plan {
	int64_t run_ns;                                /* all sources together */
	bool (*go_on)(void *context, int64_t left_ns); /* may be NULL; false = stop here */
	void *context;
};

/**
 * kvt_stability_run() - measure and judge
 * @sources: each is watched for its share of the time
 * @error:   out; KVT_STATUS_REFUSED, also if there is no TSC
 *
 * Return: owned, or NULL.
 */
struct kvt_stability *kvt_stability_run(const struct kvt_root *root, struct kvt_sources *sources,
					const struct kvt_stability_plan *plan, GError **error);

/** kvt_stability_judge() - fill trust and evidence from the measurements; for tests */
void kvt_stability_judge(struct kvt_stability *stability, bool offered, bool invariant);

struct kvt_stability *kvt_stability_new(void);
void kvt_stability_free(struct kvt_stability *stability);

/** kvt_stability_add() - a zeroed clock with a name; borrowed */
struct kvt_stability_clock *kvt_stability_add(struct kvt_stability *stability, const char *name,
					      bool independent);

#endif
