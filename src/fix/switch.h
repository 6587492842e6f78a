/* SPDX-License-Identifier: BSD-2-Clause */
/* Runtime switches: one-line files of /sys and /proc. */
#ifndef KVT_FIX_SWITCH_H
#define KVT_FIX_SWITCH_H

#include <stdbool.h>

#include <glib.h>

/** kvt_switch_read() - the one line that the switch says now; owned, or NULL */
char *kvt_switch_read(int tree, const char *path, GError **error);

/**
 * kvt_switch_set() - write a value and read it back
 * @error: out; KVT_STATUS_REFUSED, with both values where another one is read back than written
 *         (sysfs takes the name of a clock source that is not there, and selects another)
 */
bool kvt_switch_set(int tree, const char *path, const char *value, GError **error);

#endif
