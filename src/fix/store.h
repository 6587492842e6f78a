/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of one directory, written so that they are there whole and on the disk, or not at all. */
#ifndef KVT_FIX_STORE_H
#define KVT_FIX_STORE_H

#include <stdbool.h>

#include <glib.h>

#include "fix/meta.h"

/** kvt_store_read() - a whole regular file; a link is refused; ret_meta may be NULL */
GBytes *kvt_store_read(int dir, const char *name, const char *path, struct kvt_meta **ret_meta,
		       GError **error);

/**
 * kvt_store_write() - make a new file, synced; an old one of the name is removed first
 * @meta: what it shall be like, or NULL for @mode and the system's defaults
 * @with_time: meta's time too
 * @path: for messages
 */
bool kvt_store_write(int dir, const char *name, GBytes *bytes, const struct kvt_meta *meta,
		     mode_t mode, bool with_time, const char *path, GError **error);

/** kvt_store_rename() - within the directory, over what is there; the directory is synced */
bool kvt_store_rename(int dir, const char *from, const char *to, const char *path, GError **error);

/** kvt_store_remove() - a file that need not be there; the directory is synced */
bool kvt_store_remove(int dir, const char *name, const char *path, GError **error);

/** kvt_store_checksum() - SHA-256 in hexadecimal; "absent" for NULL; owned */
char *kvt_store_checksum(GBytes *bytes);

#endif
