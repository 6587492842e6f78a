/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kernels, KVM, QEMU and time daemons write about time, as data:
 * data/messages/NN-topic.messages.
 *
 *   [M03]                          an id keeps its meaning for ever
 *   literal  = TEXT || TEXT        a line must hold one of these; all are sought in one pass
 *   pattern  = REGEX               and then match this (Perl-compatible)
 *   sample   = a line that matches; a test holds it against the pattern
 *   fact     = log.NAME            what a match says; may be absent (only explained, no fact)
 *   value    = \1                  its value, with captures; for facts other than BOOL
 *   writer   = daemon              its absence counts only in a log that holds daemons' lines
 *   title, severity, era, cause, remedy, source, confidence    for people
 *
 * literal, pattern, sample, title, cause, source are required.
 */
#ifndef KVT_CHECK_MESSAGES_H
#define KVT_CHECK_MESSAGES_H

#include "check/facts.h"
#include "check/rules.h"

struct kvt_message {
	char *id;
	char *literal; /* as written */
	char *pattern;
	char *sample;
	char *title;
	char *cause;
	char *source;
	char *fact; /* the rest may be NULL */
	char *value;
	char *writer;
	char *severity;
	char *era;
	char *remedy;
	char *confidence;
	const struct kvt_fact_def *def;
	char **literals;
	GRegex *regex;
};

struct kvt_messages;

struct kvt_messages *kvt_messages_new(void);
void kvt_messages_free(struct kvt_messages *messages);

typedef struct kvt_messages kvt_messages; /* for g_autoptr(kvt_messages) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_messages, kvt_messages_free)

/** kvt_messages_parse() - add one file's; as kvt_rules_parse() */
bool kvt_messages_parse(struct kvt_messages *messages, const char *file, const char *text,
			gsize len, GError **error);

/** kvt_messages_load() - those of the data folder and of /etc/kvmtime/messages */
struct kvt_messages *kvt_messages_load(GError **error);

guint kvt_messages_count(const struct kvt_messages *messages);
const struct kvt_message *kvt_messages_at(const struct kvt_messages *messages, guint i);

/**
 * kvt_messages_match() - the messages that one line is
 * @line: without its end
 *
 * Return: owned array of borrowed struct kvt_message, maybe empty.
 */
GPtrArray *kvt_messages_match(const struct kvt_messages *messages, const char *line);

/* ---- a whole log ---- */

/* What one message came to in the last boot of a log. */
struct kvt_log_hit {
	const struct kvt_message *message; /* borrowed */
	guint64 count;
	guint64 earlier;    /* in boots before the last */
	guint64 first_line; /* from 1; 0 = not in the last boot */
	char *first;        /* that line, stamp and all */
	char *last;         /* the last one */
	GPtrArray
		*values; /* different values in order, at most 64; the last match's is last_value */
	char *last_value;
};

struct kvt_log {
	GPtrArray *hits; /* struct kvt_log_hit, one a message, in the messages' order */
	guint64 lines;
	guint boots;    /* kernel banners seen */
	bool daemons;   /* lines of time daemons are in it */
	bool complete;  /* the last boot's beginning is there */
	char *banner;   /* last "Linux version ..." */
	char *cmdline;  /* last kernel command line */
	GString *about; /* lines that say which machine it is */
};

/**
 * kvt_log_scan() - find the messages in a log, whatever its dialect
 * @bytes: dmesg, dmesg -T, /dev/kmsg, syslog, journalctl in text or export format; any bytes do
 *
 * One pass over the bytes; a pattern is tried at most some thousand times.
 *
 * Return: owned.
 */
struct kvt_log *kvt_log_scan(const struct kvt_messages *messages, const char *bytes, gsize len);
void kvt_log_free(struct kvt_log *log);

typedef struct kvt_log kvt_log; /* for g_autoptr(kvt_log) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_log, kvt_log_free)

/**
 * kvt_log_looks_like() - true if the first bytes are those of a log
 * @bytes, @len: the first 64 KiB are looked at
 */
bool kvt_log_looks_like(const struct kvt_messages *messages, const char *bytes, gsize len);

/**
 * kvt_log_facts() - the log.* facts, and the clock source where nothing better says it
 * @who:  subject bits
 * @name: of the log, for the facts' sources
 */
void kvt_log_facts(const struct kvt_log *log, struct kvt_facts *facts, unsigned who,
		   const char *name);

#endif
