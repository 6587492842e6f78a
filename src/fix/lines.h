/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Editors for files of one setting a line that need no Augeas. As in settings.h: owned text (equal
 * to what was given where nothing is to be done), or NULL with KVT_STATUS_BAD_INPUT; every other
 * line stays byte by byte.
 */
#ifndef KVT_FIX_LINES_H
#define KVT_FIX_LINES_H

#include <stdbool.h>

#include <glib.h>

/**
 * kvt_sysctl_set() - "KEY = VALUE" in a file of sysctl.d or in sysctl.conf
 * @key:    with dots; "/" and a "-" before it are read as sysctl(8) does
 * @add:    true: added at the end if no line sets it
 *
 * Every line that sets the key is given the value.
 */
char *kvt_sysctl_set(const char *text, const char *key, const char *value, bool add,
		     GError **error);

/** kvt_adjtime_utc() - /etc/adjtime with UTC on its third line; shorter files are refused */
char *kvt_adjtime_utc(const char *text, GError **error);

/**
 * kvt_agent_conf_unblock() - qemu-ga.conf: a name taken out of the lists "block-rpcs" and
 * "blacklist"; a list that becomes empty goes as a line
 */
char *kvt_agent_conf_unblock(const char *text, const char *name, GError **error);

#endif
