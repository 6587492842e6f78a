/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds over all guests: how far is each guest's wall clock from the host's? */
#ifndef KVT_GUESTS_WATCH_H
#define KVT_GUESTS_WATCH_H

#include "guests/fleet.h"
#include "guests/offset.h"

/* Between two lines of one guest. */
struct kvt_watch_change {
	bool steal_known;
	double steal;     /* share of the time that its vCPUs were ready and not run, 0 .. 1 */
	bool moved;       /* the offset changed by more than its bounds and 500 ppm explain */
	int64_t since_ns; /* how long ago the earlier one was taken; 0 = there is none */
	int64_t moved_ns; /* of the guest against true time; positive = forward */
	int64_t host_ns;  /* by which the host's own clock was set meanwhile; taken out of moved_ns
			   */
	bool paused;      /* the machine was seen paused in between */
};

struct kvt_watch_line {
	const struct kvt_guest *guest;
	unsigned round;       /* from 1 */
	enum kvt_reach reach; /* OK = offset is known */
	struct kvt_offset offset;
	const char *path; /* that answered; static, or NULL */
	char *words;      /* why there is no offset, or NULL */
	gint64 took_us;   /* by kvt_watch_run() the wait for its turn is in it */
	bool vcpus_known;
	struct kvt_vcpu_time vcpus;        /* when it was asked */
	int64_t host_mono_ns, host_utc_ns; /* just before */
	struct kvt_watch_change change;    /* only by kvt_watch_run() */
};

/** kvt_watch_compare() - what has changed from an earlier line of the same guest to @now */
void kvt_watch_compare(const struct kvt_watch_line *earlier, bool paused_between,
		       const struct kvt_watch_line *now, struct kvt_watch_change *ret_change);

struct kvt_watch_options {
	unsigned rounds; /* 0 = until stopped */
	gint64 interval_us;
	gint64 patience_us; /* how long the last round waits for answers */
	unsigned exchanges;
	gint64 budget_us;
	volatile int *stop; /* set by a signal handler, or NULL */
};

/** kvt_watch_guest() - one guest now; owned; no tainting path is used */
struct kvt_watch_line *kvt_watch_guest(struct kvt_guest *guest,
				       const struct kvt_watch_options *options);

/** kvt_watch_line_free() - NULL is taken */
void kvt_watch_line_free(struct kvt_watch_line *line);

/**
 * kvt_watch_run() - rounds
 * @print: gets each line as it comes; a guest that is still being asked when its next round starts,
 *         or when the last one ends, has a line that says since when
 */
void kvt_watch_run(GPtrArray *guests, const struct kvt_watch_options *options,
		   void (*print)(const struct kvt_watch_line *line, void *data), void *data);

#endif
