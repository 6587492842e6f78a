/* SPDX-License-Identifier: BSD-2-Clause */
/* The targets of a command line one after the other; a folder of definitions as its files, libvirt:
 * as its domains. */
#ifndef KVT_CLI_EXPAND_H
#define KVT_CLI_EXPAND_H

#include <stdbool.h>

#include <glib.h>

struct kvt_expand {
	int count;
	char **names;
	struct kvt_folder *folder; /* that is being walked, or NULL */
	char **domains;            /* of libvirt: alone, or NULL */
	guint next_domain;
};

/* One target. */
struct kvt_expanded {
	char *name;     /* owned; NULL if it could not be read */
	bool in_folder; /* met in a folder: it may be something else than a definition */
};

/**
 * kvt_expand_next() - the next target
 * @expand: count and names as in argv, the rest 0 at the start
 * @error:  out; KVT_STATUS_REFUSED with @ret_next->name NULL: a folder cannot be read; go on
 *
 * A folder that is the root of a machine is a target itself.
 *
 * Return: false at the end, which also closes what is open.
 */
bool kvt_expand_next(struct kvt_expand *expand, struct kvt_expanded *ret_next, GError **error);

/** kvt_expand_nothing() - KVT_STATUS_BAD_INPUT: the folder holds nothing that is a target */
void kvt_expand_nothing(const char *folder, GError **error);

#endif
