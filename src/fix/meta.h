/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a file has beside its bytes: owner, mode, modification time, and extended attributes, in
 * which Linux keeps the SELinux label, ACLs and capabilities.
 */
#ifndef KVT_FIX_META_H
#define KVT_FIX_META_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include <glib.h>

struct kvt_meta {
	mode_t mode; /* permission bits */
	uid_t uid;
	gid_t gid;
	nlink_t links;
	struct timespec mtime;
	GHashTable *xattrs; /* name -> GBytes */
};

/**
 * kvt_meta_read() - of an open file
 * @path:  for the message alone
 * @error: out; KVT_STATUS_REFUSED
 *
 * Return: owned, or NULL.
 */
struct kvt_meta *kvt_meta_read(int fd, const char *path, GError **error);

/**
 * kvt_meta_write() - make an open file like @meta
 * @with_time: the modification time too
 *
 * What already agrees is left alone, so that an ordinary user can do it where nothing differs.
 */
bool kvt_meta_write(int fd, const struct kvt_meta *meta, bool with_time, const char *path,
		    GError **error);

/** kvt_meta_equal() - mode, owner and attributes; the time too if asked */
bool kvt_meta_equal(const struct kvt_meta *a, const struct kvt_meta *b, bool with_time);

/** kvt_meta_store(), kvt_meta_load() - as keys of one group of a key file */
void kvt_meta_store(const struct kvt_meta *meta, GKeyFile *file, const char *group);
struct kvt_meta *kvt_meta_load(GKeyFile *file, const char *group, GError **error);

/** kvt_meta_free() - NULL is taken */
void kvt_meta_free(struct kvt_meta *meta);

typedef struct kvt_meta kvt_meta; /* for g_autoptr(kvt_meta) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_meta, kvt_meta_free)

#endif
