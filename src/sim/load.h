/* SPDX-License-Identifier: BSD-2-Clause */
/* When the virtual CPU runs and when it does not. */
#ifndef KVT_SIM_LOAD_H
#define KVT_SIM_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum kvt_load_kind {
	KVT_LOAD_NONE,
	KVT_LOAD_STEAL,
	KVT_LOAD_ONOFF,
	KVT_LOAD_PAUSE,
	KVT_LOAD_TRACE
};

/*
 * none              always runs
 * steal:P           P % of the time in intervals of random length, 20 ms stolen on average
 * onoff:RUN,OFF     runs RUN ms, stands OFF ms, and so on (overcommit:N = onoff:30,30*(N-1))
 * pause:S           stands once for S seconds, after a tenth of the time; the whole VM with its
 *                   devices is not run meanwhile (suspend, migration:S, sleep:S)
 * trace:FILE        a line an interval: ns that it ran, ns that were stolen
 */
struct kvt_load {
	enum kvt_load_kind kind;
	char *text; /* as it was given; owned */
	double percent;
	uint64_t run_ns, off_ns;
	GArray *trace; /* uint64_t, run and off in turn; or NULL */
};

/**
 * kvt_load_parse() - a load from its text; see above
 *
 * Return: owned; NULL with @error: KVT_STATUS_BAD_INPUT for a trace, else KVT_STATUS_USAGE.
 */
struct kvt_load *kvt_load_parse(const char *text, GError **error);
void kvt_load_free(struct kvt_load *load);

/* Walks over the intervals of a load. */
struct kvt_load_walk {
	const struct kvt_load *load;
	uint64_t until_ns; /* the load ends here: afterwards the vCPU always runs */
	uint64_t random;
	uint64_t next_ns; /* end of this interval */
	guint at;
	bool runs;
};

void kvt_load_start(struct kvt_load_walk *walk, const struct kvt_load *load, uint64_t until_ns,
		    uint64_t seed);
/** kvt_load_step() - go to the interval that begins at walk->next_ns; UINT64_MAX = the last one */
void kvt_load_step(struct kvt_load_walk *walk);

#endif
