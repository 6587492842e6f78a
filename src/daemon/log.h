/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's words: to the journal with fields, where the standard error is the journal's, else
 * to standard error. And what the service manager is told (sd_notify's protocol: one datagram a
 * message; no library is needed for it).
 */
#ifndef KVT_DAEMON_LOG_H
#define KVT_DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* syslog's numbers */
enum kvt_priority { KVT_LOG_ERR = 3, KVT_LOG_WARNING = 4, KVT_LOG_NOTICE = 5, KVT_LOG_INFO = 6 };

/**
 * kvt_say_open() - decide where to, once
 *
 * The journal's socket is /run/systemd/journal/socket, taken if $JOURNAL_STREAM names our standard
 * error; or $KVMTIMED_JOURNAL, a socket of that kind anywhere.
 */
void kvt_say_open(void);

/**
 * kvt_say() - one entry
 * @fields: NULL, or names and values in turn, NULL-terminated; a NULL value leaves its name out
 */
void kvt_say(enum kvt_priority priority, const char *const *fields, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/** kvt_say_entry() - the bytes of an entry in the journal's native protocol; owned */
GString *kvt_say_entry(enum kvt_priority priority, const char *const *fields, const char *message);

/** kvt_notify() - tell the manager, e.g. "READY=1"; nothing without $NOTIFY_SOCKET */
void kvt_notify(const char *state);

/** kvt_notify_watchdog_us() - how often the manager wants to hear of us; 0 = never */
guint64 kvt_notify_watchdog_us(void);

#endif
