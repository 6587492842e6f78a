/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks: one small file for each guest whose clock is being set, written before the order leaves
 * and taken away when its effect was read back. A daemon that was killed in between finds it, and
 * does not give the order again. Only the death of the process matters, not that of the host (its
 * guests die with it), so nothing is synced; a mark of an earlier boot is none.
 */
#ifndef KVT_DAEMON_MARKS_H
#define KVT_DAEMON_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** kvt_marks_open() - make the folder, private to this user; error: KVT_STATUS_REFUSED */
bool kvt_marks_open(const char *folder, GError **error);

/** kvt_marks_put() - any thread; false if it cannot be written */
bool kvt_marks_put(const char *folder, const char *id, int64_t offset_ns);

/** kvt_marks_age_ns() - how long ago; at least 1; 0 = there is none */
int64_t kvt_marks_age_ns(const char *folder, const char *id);

/** kvt_marks_drop() - none may be there */
void kvt_marks_drop(const char *folder, const char *id);

#endif
