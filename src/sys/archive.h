/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Archives and compressed files, read in memory: nothing is written to a disk, so that nothing is
 * left behind whatever ends the program. libarchive does the work, in the module kvmtime-archive;
 * here stand what is taken for an archive, the limits and the checks of names.
 *
 * Whoever made an archive may be hostile. Refused, with KVT_STATUS_BAD_INPUT and a word for it:
 * a member whose name is absolute or climbs ("../"), a hard link to such a name, more bytes,
 * members, time or a higher compression than the limits below, a password, an archive cut off.
 */
#ifndef KVT_SYS_ARCHIVE_H
#define KVT_SYS_ARCHIVE_H

#include <stdbool.h>

#include <glib.h>

enum kvt_archive_kind {
	KVT_ARCHIVE_NONE,
	KVT_ARCHIVE_COMPRESSED, /* gzip, bzip2, xz, zstd: one file, or a tar below it */
	KVT_ARCHIVE_MEMBERS     /* tar, zip */
};

/** kvt_archive_kind() - told by the first bytes */
enum kvt_archive_kind kvt_archive_kind(const char *bytes, gsize len);

struct kvt_archive_limits {
	guint64 unpacked;    /* bytes that come out of it, kept or not */
	guint64 kept;        /* bytes of members that are kept */
	guint64 member;      /* bytes of one member; what is longer is cut there */
	guint members;       /* of any kind */
	guint ratio;         /* bytes out for one byte in ... */
	guint64 ratio_floor; /* ... once so many are out */
	guint seconds;
};

extern const struct kvt_archive_limits kvt_archive_limits;

enum kvt_member_kind {
	KVT_MEMBER_FILE,
	KVT_MEMBER_FOLDER,
	KVT_MEMBER_LINK,      /* symbolic */
	KVT_MEMBER_HARD_LINK, /* to another member */
	KVT_MEMBER_DEVICE     /* or a pipe, or a socket */
};

struct kvt_member {
	const char *path; /* checked: relative, without "." and ".." steps */
	enum kvt_member_kind kind;
	const char *target; /* of a link; as it stands there (of a hard link checked like @path) */
};

/**
 * struct kvt_archive_taker - who reads the members
 * @want: bytes of it that are wanted; 0 = none of it; called for each member
 * @take: a member that is wanted; @bytes of a file (else NULL) are borrowed; @cut: it is longer
 */
struct kvt_archive_taker {
	gsize (*want)(void *user, const struct kvt_member *member);
	bool (*take)(void *user, const struct kvt_member *member, GBytes *bytes, bool cut,
		     GError **error);
	void *user;
};

/**
 * kvt_archive_walk() - every member, once, in order
 * @name:  of the archive, for messages
 * @error: out; KVT_STATUS_REFUSED (module missing), KVT_STATUS_BAD_INPUT
 *
 * Return: true if the end was reached.
 */
bool kvt_archive_walk(const char *name, const char *bytes, gsize len,
		      const struct kvt_archive_limits *limits,
		      const struct kvt_archive_taker *taker, GError **error);

/**
 * kvt_archive_inflate() - a compressed file
 * @limit:     bytes; more is an error
 * @ret_bytes: out, owned; NULL if what is compressed is a tar, which is for kvt_archive_walk()
 * @error:     as above
 */
bool kvt_archive_inflate(const char *name, const char *bytes, gsize len, guint64 limit,
			 GBytes **ret_bytes, GError **error);

/* ---- the module ---- */

/* Members come with the path as it stands in the archive; kvt_archive_walk() checks it. */
struct kvt_archive_module {
	bool (*walk)(const char *name, const char *bytes, gsize len,
		     const struct kvt_archive_limits *limits, const struct kvt_archive_taker *taker,
		     GError **error);
	bool (*inflate)(const char *name, const char *bytes, gsize len,
			const struct kvt_archive_limits *limits, GBytes **ret_bytes,
			GError **error);
};

/**
 * kvt_archive_path() - a member's name without "./" and double slashes
 *
 * Return: owned; NULL with @error if it is absolute, climbs, is longer than 4096 bytes, goes deeper
 * than 64 steps or holds a control character.
 */
char *kvt_archive_path(const char *name, const char *path, GError **error);

#endif
