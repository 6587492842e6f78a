/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory that stands for "/": the live machine, a recorded one, a mounted image, an unpacked
 * sosreport; or the same in memory. Whoever made its files may be hostile: a path never leaves the
 * directory, whatever symbolic links say; only regular files are read, and no more than asked.
 */
#ifndef KVT_SYS_ROOT_H
#define KVT_SYS_ROOT_H

#include <stdbool.h>

#include <glib.h>

struct kvt_root;

/* Enough for every file of /proc and /sys and for any configuration file. */
#define KVT_ROOT_FILE_LIMIT (1024u * 1024u)

/**
 * kvt_root_open() - take a directory as the root of a machine
 * @dir:   path; "/" is the live machine
 * @error: out; KVT_STATUS_REFUSED with the path and the reason
 *
 * Return: owned, or NULL.
 */
struct kvt_root *kvt_root_open(const char *dir, GError **error);

/**
 * kvt_root_new_memory() - an empty machine in memory, to be filled with kvt_root_add()
 * @name: what kvt_root_dir() is to say
 *
 * Return: owned.
 */
struct kvt_root *kvt_root_new_memory(const char *name);

/**
 * kvt_root_add() - put a file into a machine in memory; a second one of that path replaces it
 * @path:   absolute; copied
 * @bytes:  copied; NULL = the file is there but could not be read
 * @reason: why not, where @bytes is NULL; a reading error names it
 */
void kvt_root_add(struct kvt_root *root, const char *path, const char *bytes, gsize len,
		  const char *reason);

/**
 * kvt_root_add_bytes() - the same with bytes that are shared, into any root; what
 * is in memory goes before what is in the directory
 * @origin: where they are from, for the facts' sources; NULL = the path says it
 */
void kvt_root_add_bytes(struct kvt_root *root, const char *path, GBytes *bytes, const char *origin);

/** kvt_root_hide() - a file of the directory is then as if it were not there */
void kvt_root_hide(struct kvt_root *root, const char *path);

/** kvt_root_add_link() - a symbolic link in memory; it never leads out of the root */
void kvt_root_add_link(struct kvt_root *root, const char *path, const char *target);

/** kvt_root_add_folder() - a folder in memory, maybe empty */
void kvt_root_add_folder(struct kvt_root *root, const char *path);

/** kvt_root_origin() - where the bytes of that path are from, if not from there; else NULL */
const char *kvt_root_origin(const struct kvt_root *root, const char *path);

/** kvt_root_free() - NULL is taken */
void kvt_root_free(struct kvt_root *root);

typedef struct kvt_root kvt_root; /* for g_autoptr(kvt_root) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_root, kvt_root_free)

/** kvt_root_is_live() - true if this is the machine that the program runs on */
bool kvt_root_is_live(const struct kvt_root *root);

/** kvt_root_dir() - the directory's path, as given; borrowed until the root is freed */
const char *kvt_root_dir(const struct kvt_root *root);

/**
 * kvt_root_read_head() - as kvt_root_read(), but a longer file gives its first @limit bytes
 */
char *kvt_root_read_head(const struct kvt_root *root, const char *path, gsize limit, gsize *ret_len,
			 GError **error);

/**
 * kvt_root_read() - a whole file
 * @path:    absolute within the root
 * @limit:   bytes; a longer file is an error
 * @ret_len: out, bytes read, may be NULL; a NUL follows them
 * @error:   out, may be NULL; KVT_STATUS_REFUSED (cannot be opened), KVT_STATUS_BAD_INPUT (not a
 *           regular file, or longer than @limit)
 *
 * Return: owned bytes, or NULL.
 */
char *kvt_root_read(const struct kvt_root *root, const char *path, gsize limit, gsize *ret_len,
		    GError **error);

/**
 * kvt_root_line() - the first line of a small file, without white space at its ends
 *
 * Return: owned, or NULL if the file cannot be read, is not UTF-8 or holds a control character.
 */
char *kvt_root_line(const struct kvt_root *root, const char *path);

/**
 * kvt_root_list() - the names in a directory, sorted, without "." and ".."
 *
 * Return: owned array of owned names (empty if there are none), or NULL if it cannot be read.
 */
GPtrArray *kvt_root_list(const struct kvt_root *root, const char *path);

/** kvt_root_exists() - true if something can be opened or seen at the path */
bool kvt_root_exists(const struct kvt_root *root, const char *path);

#endif
