/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a file of a machine's tree really stands. Symbolic links are followed within the tree
 * alone; what comes out is an open directory and a name in it that is no link, so that a rename
 * there replaces the file itself and can hit nothing else.
 */
#ifndef KVT_FIX_PLACE_H
#define KVT_FIX_PLACE_H

#include <stdbool.h>

#include <glib.h>

struct kvt_place {
	int dir;     /* open for reading; -1 = none */
	char *name;  /* of the file in it */
	char *path;  /* within the tree, links resolved, absolute */
	bool exists; /* as a regular file */
};

/**
 * kvt_place_open() - find the place of a file
 * @tree:      descriptor of the tree's top directory (O_PATH will do)
 * @path:      absolute within the tree
 * @made:      the directories that had to be made are appended, outermost first; NULL = make none
 * @ret_place: out; kvt_place_clear() gives it back
 * @error:     out; KVT_STATUS_REFUSED (the system), KVT_STATUS_BAD_INPUT (a link to nothing, not a
 *             regular file, ".." in @path)
 *
 * On kernels without openat2 (before 5.6) a tree other than "/" is walked without following links.
 */
bool kvt_place_open(int tree, const char *path, GPtrArray *made, struct kvt_place *ret_place,
		    GError **error);

/**
 * kvt_place_missing() - the directories above a path that kvt_place_open() would have to make
 *
 * Return: owned array of owned paths, outermost first.
 */
GPtrArray *kvt_place_missing(int tree, const char *path);

void kvt_place_clear(struct kvt_place *place);

typedef struct kvt_place kvt_place; /* for g_auto(kvt_place) alone */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(kvt_place, kvt_place_clear)

#endif
