/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders that block: corrections, and checks through libvirt, each in a thread. How many at a time
 * is the guard's business.
 */
#ifndef KVT_DAEMON_WORKER_H
#define KVT_DAEMON_WORKER_H

#include "daemon/guard.h"
#include "guests/guest.h"

struct kvt_worker;

struct kvt_job {
	struct kvt_guard_guest *for_guest; /* handed back, not looked at */
	struct kvt_guest *guest;           /* borrowed until done */
	enum kvt_guard_order order;
	enum kvt_guard_policy policy;
	int64_t limit_ns;
	unsigned exchanges;
	gint64 timeout_us;
	const char *id;    /* of the mark; borrowed until done */
	const char *marks; /* folder; borrowed */
};

typedef void (*kvt_worker_done)(struct kvt_guard_guest *guest,
				const struct kvt_guard_result *result, void *data);

/** kvt_worker_new() - @done is called from the default main context */
struct kvt_worker *kvt_worker_new(kvt_worker_done done, void *data);

/** kvt_worker_free() - waits for what is under way, without calling done; NULL is taken */
void kvt_worker_free(struct kvt_worker *worker);

/** kvt_worker_submit() - copied */
void kvt_worker_submit(struct kvt_worker *worker, const struct kvt_job *job);

#endif
