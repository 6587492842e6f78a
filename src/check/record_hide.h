/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudonyms for what a record must not tell: the same stand-in for the same name. */
#ifndef KVT_CHECK_RECORD_HIDE_H
#define KVT_CHECK_RECORD_HIDE_H

#include <glib.h>

struct kvt_hider;

struct kvt_hider *kvt_hider_new(void);
void kvt_hider_free(struct kvt_hider *hider);

/** kvt_hide_host() - from now on @name is the machine's own; NULL and "localhost" are nobody's */
void kvt_hide_host(struct kvt_hider *hider, const char *name);

/** kvt_hide_server() - "server-N" for a server of the configuration; borrowed from @hider */
const char *kvt_hide_server(struct kvt_hider *hider, const char *name);

/**
 * kvt_hide_text() - UUIDs and machine ids, addresses of IPv4, IPv6 and network cards replaced
 *
 * 127.x.x.x stays: ntpd's reference clocks have such names.
 *
 * Return: owned.
 */
char *kvt_hide_text(struct kvt_hider *hider, const char *line);

/**
 * kvt_hide_log_line() - kvt_hide_text(), and host names
 *
 * Replaced are the word in syslog's place for the host, every name that was given to
 * kvt_hide_host() or kvt_hide_server(), and whatever looks like a host name with a domain. A name
 * without a domain that is known from nowhere stays.
 *
 * Return: owned.
 */
char *kvt_hide_log_line(struct kvt_hider *hider, const char *line);

#endif
