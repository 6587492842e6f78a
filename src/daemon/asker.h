/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time of many guests by their agent sockets, without a thread: each is connected to, asked
 * once, and closed. For the small price of a wider bound (the question travels behind the
 * synchronisation) a thousand guests a second cost one thread a few percent.
 *
 * Lives in the default main context; a done function is called from its iterations only.
 */
#ifndef KVT_DAEMON_ASKER_H
#define KVT_DAEMON_ASKER_H

#include "daemon/guard.h"
#include "guests/path.h"

struct kvt_asker;

struct kvt_question {
	const char *agent;  /* socket; borrowed until done */
	const char *qmp;    /* or NULL: then a pause is not told from a hung agent */
	bool monitor_first; /* it stood still the last time: its agent is not asked before it runs
			     */
	gint64 timeout_us;  /* of the agent's answer */
	void (*done)(const struct kvt_guard_result *result, void *data); /* borrowed */
	void *data;
};

/** kvt_asker_new() - @clock stamps the exchanges */
struct kvt_asker *kvt_asker_new(const struct kvt_host_clock *clock);

/** kvt_asker_free() - what is under way is dropped without a word; NULL is taken */
void kvt_asker_free(struct kvt_asker *asker);

/** kvt_asker_ask() - copied; done is called later, once */
void kvt_asker_ask(struct kvt_asker *asker, const struct kvt_question *question);

/**
 * kvt_asker_parse() - what a peer has sent so far
 * @id: of our synchronisation
 * @bytes, @len: anything
 * @ret_used: out, bytes that need not be kept
 * @synchronised: in and out, whether our number has come by
 * @ret_guest_utc_ns: out
 * @error: KVT_REACH_*, where the answer is not a time
 *
 * Return: true with a time; false without @error: more has to come.
 */
bool kvt_asker_parse(guint32 id, const char *bytes, gsize len, gsize *ret_used, bool *synchronised,
		     int64_t *ret_guest_utc_ns, GError **error);

#endif
