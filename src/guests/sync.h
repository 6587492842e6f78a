/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Put a guest's clock right, and prove it: measure, decide, set, clear the RTC's backlog, measure
 * again. The agent's reply to the order is no proof either way; what is read back is.
 *
 * The agent sets the clock at some moment between order and reply, so the clock lags by the way of
 * the order, of which only an estimate can be sent along. What is left is seen by reading back: if
 * it is more than the reading's own bound, and the way of the order explains it, a further order
 * corrects it. An order whose effect is not known, or not explained, is never given again.
 */
#ifndef KVT_GUESTS_SYNC_H
#define KVT_GUESTS_SYNC_H

#include "guests/daemon.h"
#include "guests/guest.h"
#include "guests/offset.h"
#include "guests/reach.h"

enum kvt_sync_policy {
	KVT_SYNC_FORWARD, /* step a clock that is behind; one that is ahead is left alone */
	KVT_SYNC_STEP,    /* step either way */
	KVT_SYNC_SLEW     /* the guest's own daemon slews it; needs exec */
};

enum kvt_sync_action {
	KVT_SYNC_NONE,   /* within the limit */
	KVT_SYNC_SET,    /* to be set, or set */
	KVT_SYNC_LEAVE,  /* wrong, and left alone: why says the reason */
	KVT_SYNC_CANNOT, /* could not be measured */
	KVT_SYNC_SLEWED  /* to be slewed, or being slewed, by the guest's own daemon */
};

struct kvt_sync_options {
	enum kvt_sync_policy policy;
	int64_t limit_ns; /* an offset that is smaller (its bound taken off) is left alone */
	unsigned exchanges;
	gint64 budget_us;     /* for the exchanges of one measurement */
	unsigned corrections; /* further orders, at most, for what the way of the first has left */
	gint64 settle_us; /* measure once more after this long, to see who fights back; 0 = no */
	bool taint;       /* paths that mark the machine as tainted may be used */
	bool exec;        /* the guest's own time daemon may be asked, by programs in the guest */
	bool apply;
	/* asked just before an order leaves, to write down that it does; false = it must not; or
	 * NULL */
	bool (*permit)(const struct kvt_offset *before, void *data);
	void *permit_data;
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
	const char *path;         /* that measured, and set; static, or NULL */
	int64_t lead_ns;          /* what was added for the way of the (last) order */
	bool sent;                /* an order has left; never by KVT_SYNC_SLEW */
	unsigned orders;          /* how many have left: 1, and the corrections */
	bool verified;            /* after holds what was read back */
	bool in_order;            /* verified, and the residual is within its bound or the limit;
				     kvt_offset_within(&after) is what the clock is off at most */
	bool fought;              /* right after the order, wrong again after settle_us */
	struct kvt_daemon daemon; /* the guest's, where it was asked */
	double slew_ppm;          /* how fast the offset shrinks; 0 = it does not, or unknown */
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
 * read back, stands where it was; corrections go the way that the proven order went.
 *
 * With exec, a clock whose own daemon has just heard from its servers that it is right is left
 * alone: then it is the host's clock that differs from them.
 *
 * Return: owned. Context: blocks for as long as its paths' deadlines allow.
 */
struct kvt_sync_result *kvt_sync_run(struct kvt_guest *guest,
				     const struct kvt_sync_options *options);

/** kvt_sync_result_free() - NULL is taken */
void kvt_sync_result_free(struct kvt_sync_result *result);

#endif
