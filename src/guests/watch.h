/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds over all guests: how far is each guest's wall clock from the host's? */
#ifndef KVT_GUESTS_WATCH_H
#define KVT_GUESTS_WATCH_H

#include "guests/fleet.h"
#include "guests/offset.h"

struct kvt_watch_line {
	const struct kvt_guest *guest;
	unsigned round;       /* from 1 */
	enum kvt_reach reach; /* OK = offset is known */
	struct kvt_offset offset;
	const char *path; /* that answered; static, or NULL */
	char *words;      /* why there is no offset, or NULL */
	gint64 took_us;
};

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
