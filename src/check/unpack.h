/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive taken apart in memory: machines (a folder tree with etc, proc, sys or sos_commands at
 * its top, itself at most three steps deep) as roots, and other files as bytes. Only what a reader
 * wants is kept: wanted.h.
 */
#ifndef KVT_CHECK_UNPACK_H
#define KVT_CHECK_UNPACK_H

#include "check/target.h"
#include "sys/root.h"

/* One machine or one file. */
struct kvt_part {
	char *name;            /* "ARCHIVE" if it is the only one, else "ARCHIVE: path" */
	struct kvt_root *root; /* of a machine, else NULL */
	GBytes *bytes;         /* of a file, else NULL */
};

/**
 * kvt_unpack() - the parts of an archive
 * @source: with is_archive
 * @error:  out; as kvt_archive_walk(); KVT_STATUS_BAD_INPUT too if there is nothing in it that
 * could be looked at, or a file that is wanted is a device or a pipe
 *
 * Return: owned array of owned parts, at least one; or NULL.
 */
GPtrArray *kvt_unpack(const struct kvt_source *source, GError **error);

#endif
