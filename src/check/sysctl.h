/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of sysctl.conf and its kin: "key = value", as sysctl(8) and systemd-sysctl read them. */
#ifndef KVT_CHECK_SYSCTL_H
#define KVT_CHECK_SYSCTL_H

#include <glib.h>

/**
 * kvt_sysctl_value() - where the value begins in a line that sets a key
 * @key: with dots; a line may have slashes, and a "-" before it
 *
 * Return: an index into @line; 0 = the line does not set it.
 */
gsize kvt_sysctl_value(const char *line, const char *key);

#endif
