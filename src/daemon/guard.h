/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard: which guest is to be asked or set next, and what follows from each answer. It has no
 * clock, no thread and no socket of its own: time is an argument, orders leave through
 * struct kvt_guard_ops and come back through kvt_guard_done(), so that a day of a thousand guests
 * is simulated in a test.
 *
 * Of one guest at most one order is under way. A guest is set only for a reason: an event (resume,
 * restore, migration, sleep of the host), or an offset that was measured. Between two sets without
 * an event in between lies hold_off; after give_up_after of them that did not hold the guest is
 * left alone for give_up_for, or until the next event.
 */
#ifndef KVT_DAEMON_GUARD_H
#define KVT_DAEMON_GUARD_H

#include "daemon/conf.h"
#include "guests/offset.h"
#include "guests/reach.h"

enum kvt_guard_order {
	KVT_ORDER_CHECK,  /* measure, cheaply */
	KVT_ORDER_CORRECT /* measure, set if need be, read back */
};

/* name, word in logs and metrics */
#define KVT_GUARD_EVENTS(X)                                                   \
	X(NONE, "none")                                                       \
	X(FOUND, "found")               /* seen for the first time */         \
	X(STARTED, "started")           /* booted, or from a snapshot */      \
	X(RESUMED, "resumed")           /* after a pause */                   \
	X(RESTORED, "restored")         /* from a saved file or a snapshot */ \
	X(MIGRATED, "migrated")         /* came in from another host */       \
	X(AGENT, "agent")               /* its agent has just connected */    \
	X(PAUSED, "paused")             /* stands still now */                \
	X(HOST_SLEPT, "host-slept")     /* the whole host stood still */      \
	X(HOST_STEPPED, "host-stepped") /* the host's clock was set */        \
	X(DRIFTED, "drifted")           /* no event: a check has found it wrong */

enum kvt_guard_event {
#define KVT_EVENT_ENUM(name, word) KVT_EVENT_##name,
	KVT_GUARD_EVENTS(KVT_EVENT_ENUM)
#undef KVT_EVENT_ENUM
		KVT_EVENT_COUNT
};

/** kvt_guard_event_word() - "resumed", ...; static */
const char *kvt_guard_event_word(enum kvt_guard_event event);

/* What comes of an order. */
struct kvt_guard_result {
	enum kvt_reach reach;     /* OK: before is known */
	struct kvt_offset before; /* what was measured first */
	const char *path;         /* static, or NULL */
	char *words;              /* what went wrong, or why nothing was done; or NULL; owned */
	/* of a correction */
	bool sent;     /* an order to set has left */
	bool verified; /* after holds what was read back */
	bool in_order;
	struct kvt_offset after;
};

/** kvt_guard_result_free() - NULL is taken */
void kvt_guard_result_free(struct kvt_guard_result *result);

/* What is worth a line in the journal. */
enum kvt_guard_note {
	KVT_NOTE_SET,         /* set, and right: before, after */
	KVT_NOTE_STILL_WRONG, /* set, and still wrong */
	KVT_NOTE_UNCONFIRMED, /* set, and could not be read back */
	KVT_NOTE_NOT_SET,     /* to be set, and no path took the order */
	KVT_NOTE_IN_ORDER,    /* after an event: nothing to do */
	KVT_NOTE_LEFT_ALONE,  /* wrong, and the policy leaves it */
	KVT_NOTE_GAVE_UP,     /* wrong again and again */
	KVT_NOTE_LOST,        /* cannot be asked any more */
	KVT_NOTE_BACK         /* can be asked again */
};

/*
 * One guest. For everybody but guard.c this is for reading.
 */
struct kvt_guard_guest {
	char *id, *name, *manager;
	void *user;      /* the caller's */
	bool shared;     /* asked through a daemon that serves few calls at a time */
	bool has_events; /* its manager tells of pauses, so it is not polled for them */
	/* as measured last */
	enum kvt_reach reach;
	const char *path; /* that answered, static; or NULL */
	bool measured;
	struct kvt_offset offset;
	int64_t measured_ns; /* guard's time */
	bool bad;            /* wrong beyond its limit, or set and not confirmed */
	/* the last correction */
	bool has_residual;
	struct kvt_offset residual, corrected_from;
	guint64 corrections, failures, answers, silences;
	bool given_up;
	/* guard.c's own */
	int64_t due_ns, held_until_ns, given_up_until_ns, eager_until_ns, doubt_until_ns;
	enum kvt_guard_order order, running; /* the next one; the one under way */
	enum kvt_guard_event cause;          /* of the next correction */
	unsigned tries;                      /* sets that did not hold */
	unsigned silent;                     /* answers in a row that were none */
	bool in_flight, slow, overtaken, removed, left_alone, event_pending, marked;
	unsigned lane;
	GSequenceIter *place; /* in its lane, while it waits */
};

struct kvt_guard_ops {
	/* carry an order out; kvt_guard_done() follows, never from within this call */
	void (*start)(void *data, struct kvt_guard_guest *guest, enum kvt_guard_order order);
	/* @result is NULL where a note has none */
	void (*note)(void *data, const struct kvt_guard_guest *guest, enum kvt_guard_note note,
		     const struct kvt_guard_result *result);
	/* a mark about an order that was in doubt is not needed any more */
	void (*settled)(void *data, const struct kvt_guard_guest *guest);
	/* the guest is out of use: free what user points at */
	void (*gone)(void *data, struct kvt_guard_guest *guest);
};

struct kvt_guard;

/** kvt_guard_new() - @config is borrowed until the next kvt_guard_configure() */
struct kvt_guard *kvt_guard_new(const struct kvt_daemon_config *config,
				const struct kvt_guard_ops *ops, void *data);
void kvt_guard_free(struct kvt_guard *guard); /* NULL is taken; no order may be under way */

/** kvt_guard_configure() - other options from here on */
void kvt_guard_configure(struct kvt_guard *guard, const struct kvt_daemon_config *config);

/**
 * kvt_guard_add() - a guest to guard, to be checked at once
 * @id: unique; copied, as the other strings
 * @doubt_ns: > 0: an order to set it was under way this long ago when this program's forerunner
 *            ended: it is read, and not set again before the hold-off is over. 0 = none
 */
struct kvt_guard_guest *kvt_guard_add(struct kvt_guard *guard, const char *id, const char *name,
				      const char *manager, bool shared, bool has_events, void *user,
				      int64_t doubt_ns, int64_t now_ns);

/** kvt_guard_find() - by id; NULL if there is none */
struct kvt_guard_guest *kvt_guard_find(const struct kvt_guard *guard, const char *id);

/** kvt_guard_remove() - a guest that is not here any more */
void kvt_guard_remove(struct kvt_guard *guard, struct kvt_guard_guest *guest);

/** kvt_guard_guests() - all, borrowed, of struct kvt_guard_guest; in no order */
const GPtrArray *kvt_guard_guests(const struct kvt_guard *guard);

/** kvt_guard_event() - something has happened to one guest */
void kvt_guard_event(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		     enum kvt_guard_event event, int64_t now_ns);

/** kvt_guard_event_all() - ... to all */
void kvt_guard_event_all(struct kvt_guard *guard, enum kvt_guard_event event, int64_t now_ns);

/** kvt_guard_done() - an order's result, borrowed */
void kvt_guard_done(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		    const struct kvt_guard_result *result, int64_t now_ns);

/**
 * kvt_guard_run() - start what is due and has room
 *
 * Return: when to call again, at the latest; INT64_MAX = when something happens.
 */
int64_t kvt_guard_run(struct kvt_guard *guard, int64_t now_ns);

/** kvt_guard_events() - how many of each were seen, KVT_EVENT_COUNT numbers; borrowed */
const guint64 *kvt_guard_events(const struct kvt_guard *guard);

/** kvt_guard_in_flight() - orders under way */
guint kvt_guard_in_flight(const struct kvt_guard *guard);

#endif
