/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Findings that somebody knows and lives with. They are counted, no longer shown:
 *
 *   [KVT-0210]
 *   scope  = guest build*           as the rule's scope; names of targets may follow, patterns too
 *   reason = builds die young       required
 *   until  = 2027-03-31             the last day, local time; without it for good
 */
#ifndef KVT_CHECK_ACCEPT_H
#define KVT_CHECK_ACCEPT_H

#include "check/rules.h"

#define KVT_ACCEPT_FILE "/etc/kvmtime/accept.conf"

struct kvt_accepted {
	char *id;
	char *scope;
	char **names; /* patterns with * and ?; empty = every target */
	char *reason;
	char *until; /* "2027-03-31", or NULL */
	char *place; /* "FILE:LINE" */
};

/**
 * kvt_accept_parse() - what a file's text accepts
 * @file:  name, for messages; kept
 * @rules: that the ids have to be of
 * @error: out; KVT_STATUS_BAD_INPUT, "FILE:LINE: what is wrong": an id that no rule has, a scope
 *         that is not the rule's, a missing reason, no date, a key or an id twice
 *
 * Return: owned array of owned struct kvt_accepted, in order, or NULL.
 */
GPtrArray *kvt_accept_parse(const char *file, const char *text, gsize len,
			    const struct kvt_rules *rules, GError **error);

/**
 * kvt_accept_load() - the same of a file
 * @may_lack: a file that is not there accepts nothing
 * @error:    out; also KVT_STATUS_REFUSED
 */
GPtrArray *kvt_accept_load(const char *file, bool may_lack, const struct kvt_rules *rules,
			   GError **error);

/** kvt_accept_is_over() - true if its last day is before @today, "YYYY-MM-DD" */
bool kvt_accept_is_over(const struct kvt_accepted *accepted, const char *today);

/** kvt_accept_today() - the day by this machine's clock, local time; owned */
char *kvt_accept_today(void);

/** kvt_accept_covers() - true if a finding of rule @id on @target is accepted, and not over */
bool kvt_accept_covers(GPtrArray *accepted, const char *today, const char *target, const char *id);

/**
 * kvt_accept_apply() - move what is accepted from @judgement's "found" to "accepted"
 * @accepted: borrowed, must outlive the judgement
 *
 * Its severity no longer counts; what follows from it stands for itself, or for its next cause.
 */
void kvt_accept_apply(GPtrArray *accepted, const char *today, struct kvt_judgement *judgement);

#endif
