/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Put a guest's clock right, and prove it: measure, decide, set once, clear the RTC's backlog,
 * measure again. The agent's reply to the order is no proof either way; what is read back is.
 */
#ifndef KVT_GUESTS_SYNC_H
#define KVT_GUESTS_SYNC_H

#include "guests/guest.h"
#include "guests/offset.h"
#include "guests/reach.h"

enum kvt_sync_policy {
	KVT_SYNC_FORWARD, /* step a clock that is behind; one that is ahead is left alone */
	KVT_SYNC_STEP     /* step either way */
};

enum kvt_sync_action {
	KVT_SYNC_NONE,  /* within the limit */
	KVT_SYNC_SET,   /* to be set, or set */
	KVT_SYNC_LEAVE, /* wrong, and left alone: why says the reason */
	KVT_SYNC_CANNOT /* could not be measured */
};

struct kvt_sync_options {
	enum kvt_sync_policy policy;
	int64_t limit_ns; /* an offset that is smaller (its bound taken off) is left alone */
	unsigned exchanges;
	gint64 budget_us; /* for the exchanges of one measurement */
	gint64 settle_us; /* measure once more after this long, to see who fights back; 0 = no */
	bool taint;       /* paths that mark the machine as tainted may be used */
	bool apply;
	void (*sleep)(gint64 us, void *data); /* NULL = g_usleep */
	void *sleep_data;
};

/* one path's part in it */
struct kvt_sync_try {
	const char *path; /* static */
	enum kvt_reach reach;
	char *words; /* what went wrong, or NULL */
};

struct kvt_sync_result {
	enum kvt_sync_action action;
	char *why; /* one sentence, or NULL */
	struct kvt_offset before;
	const char *path; /* that measured, and set; static, or NULL */
	int64_t lead_ns;  /* what was added for the way of the order */
	bool sent;        /* the order has left: it is never given again */
	bool verified;    /* after holds what was read back */
	bool in_order;    /* verified, and the residual is within its bound or the limit */
	bool fought;      /* right after the order, wrong again after settle_us */
	struct kvt_offset after;
	bool backlog_cleared;
	char *backlog_words; /* why not, or NULL */
	GArray *tries;       /* struct kvt_sync_try, owned */
};

/**
 * kvt_sync_run() - one guest
 *
 * A path that fails before the order was sent hands over to the next. Once an order may have
 * reached the guest, no path gives another, unless the agent has refused in words and the clock,
 * read back, stands where it was.
 *
 * Return: owned. Context: blocks for as long as its paths' deadlines allow.
 */
struct kvt_sync_result *kvt_sync_run(struct kvt_guest *guest,
				     const struct kvt_sync_options *options);

/** kvt_sync_result_free() - NULL is taken */
void kvt_sync_result_free(struct kvt_sync_result *result);

#endif
