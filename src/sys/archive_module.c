/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime-archive.so: libarchive behind the functions of sys/archive.h. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "sys/archive.h"
#include "sys/error.h"

#define CHUNK 65536

extern const struct kvt_archive_module kvt_module;

struct walk {
	struct archive *archive;
	const char *name;
	const struct kvt_archive_limits *limits;
	gint64 deadline_us;
	guint64 delivered; /* by the format, below which a zip inflates by itself */
	guint64 packed;    /* bytes of the whole archive */
	guint64 kept;
	guint members;
};

/* ---- opening ---- */

/*
 * Only what libarchive does by itself: for a filter that it was built without it would start a
 * program, and says so by ARCHIVE_WARN. Trying costs an object of its own.
 */
static bool is_built_in(int (*filter)(struct archive *))
{
	struct archive *trial = archive_read_new();
	const bool good = trial != NULL && filter(trial) == ARCHIVE_OK;

	archive_read_free(trial);
	return good;
}

static void add_filters(struct archive *archive)
{
	int (*const filters[])(struct archive *) = { archive_read_support_filter_gzip,
						     archive_read_support_filter_bzip2,
						     archive_read_support_filter_xz,
						     archive_read_support_filter_zstd };

	for (guint i = 0; i < G_N_ELEMENTS(filters); i++)
		if (is_built_in(filters[i]))
			filters[i](archive);
}

static bool fail(const struct walk *walk, const char *what, GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: %s", walk->name, what);
	return false;
}

/* libarchive's own words, which name neither the file nor what is to be done */
static bool fail_archive(const struct walk *walk, GError **error)
{
	const char *text = archive_error_string(walk->archive);
	const bool cut =
		text != NULL &&
		(strstr(text, "runcated") != NULL || strstr(text, "nexpected end") != NULL ||
		 strstr(text, "remature end") != NULL || strstr(text, "No progress") != NULL);

	if (text != NULL && (strstr(text, "assphrase") != NULL || strstr(text, "ncrypt") != NULL))
		return fail(walk, "is protected by a password: unpack it first", error);
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: %s: %s", walk->name,
		    cut ? "is cut off" : "cannot be unpacked",
		    text != NULL ? text : "unknown error");
	return false;
}

static bool open_walk(struct walk *walk, const char *name, const char *bytes, gsize len, bool raw,
		      const struct kvt_archive_limits *limits, GError **error)
{
	*walk = (struct walk){ .archive = archive_read_new(),
			       .name = name,
			       .limits = limits,
			       .packed = len,
			       .deadline_us = g_get_monotonic_time() +
					      (gint64)limits->seconds * G_USEC_PER_SEC };
	add_filters(walk->archive);
	archive_read_support_format_tar(walk->archive);
	archive_read_support_format_zip(walk->archive);
	if (raw)
		archive_read_support_format_raw(walk->archive);
	if (archive_read_open_memory(walk->archive, bytes, len) == ARCHIVE_OK)
		return true;
	fail_archive(walk, error);
	archive_read_free(walk->archive);
	return false;
}

/* ---- limits ---- */

static guint64 unpacked(const struct walk *walk)
{
	const gint64 filtered = archive_filter_bytes(walk->archive, 0);

	return MAX(walk->delivered, filtered > 0 ? (guint64)filtered : 0);
}

static guint64 consumed(const struct walk *walk)
{
	const gint64 raw = archive_filter_bytes(walk->archive, -1);

	return raw > 0 && archive_filter_count(walk->archive) > 1 ? (guint64)raw : walk->packed;
}

static bool within(const struct walk *walk, GError **error)
{
	const struct kvt_archive_limits *limits = walk->limits;
	const guint64 out = unpacked(walk);

	if (out > limits->unpacked)
		return fail(walk, "refused: more bytes come out of it than are read of an archive",
			    error);
	if (out > limits->ratio_floor && out / limits->ratio > consumed(walk))
		return fail(walk,
			    "refused: packed more than 1000 to 1, which is no log but an archive "
			    "bomb",
			    error);
	if (walk->members > limits->members)
		return fail(walk, "refused: more members than are read of an archive", error);
	if (walk->kept > limits->kept)
		return fail(walk, "refused: more bytes of logs and files about time than are kept",
			    error);
	if (archive_filter_count(walk->archive) > 3)
		return fail(walk, "refused: compressed more than twice over", error);
	if (g_get_monotonic_time() > walk->deadline_us)
		return fail(walk, "refused: unpacking takes too long", error);
	return true;
}

/* ---- one member ---- */

static bool append(GByteArray *kept, gsize limit, gint64 offset, const void *bytes, gsize size)
{
	static const guint8 hole[CHUNK];

	if (offset < 0 || (guint64)offset > limit)
		return false;
	while (kept->len < (guint64)offset)
		g_byte_array_append(kept, hole, (guint)MIN((guint64)offset - kept->len, CHUNK));
	g_byte_array_append(kept, bytes, (guint)MIN(size, limit - kept->len));
	return kept->len < limit || size == 0;
}

/*
 * Reads a member to its end, whether it is kept or not: libarchive would skip it in one call, in
 * which no limit could be looked at.
 */
static bool read_data(struct walk *walk, GByteArray *kept, gsize limit, bool *ret_cut,
		      GError **error)
{
	for (;;) {
		const void *bytes;
		size_t size;
		la_int64_t offset;
		const int status = archive_read_data_block(walk->archive, &bytes, &size, &offset);

		if (status == ARCHIVE_EOF)
			return true;
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return fail_archive(walk, error);
		walk->delivered += size;
		if (kept != NULL && !*ret_cut)
			*ret_cut = !append(kept, limit, offset, bytes, size);
		if (!within(walk, error))
			return false;
	}
}

static bool pass_over(struct walk *walk, GError **error)
{
	bool cut = false;

	/* a zip and a plain tar know where the next member is, and nothing is inflated */
	if (archive_filter_count(walk->archive) > 1)
		return read_data(walk, NULL, 0, &cut, error);
	if (archive_read_data_skip(walk->archive) >= ARCHIVE_WARN)
		return true;
	return fail_archive(walk, error);
}

static struct kvt_member describe(struct archive_entry *entry)
{
	struct kvt_member member = { .path = archive_entry_pathname(entry) };

	if (member.path == NULL)
		member.path = archive_entry_pathname_utf8(entry);
	member.target = archive_entry_hardlink(entry);
	if (member.target != NULL) {
		member.kind = KVT_MEMBER_HARD_LINK;
		return member;
	}
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		member.kind = KVT_MEMBER_FILE;
		break;
	case AE_IFDIR:
		member.kind = KVT_MEMBER_FOLDER;
		break;
	case AE_IFLNK:
		member.kind = KVT_MEMBER_LINK;
		member.target = archive_entry_symlink(entry);
		break;
	default:
		member.kind = KVT_MEMBER_DEVICE;
		break;
	}
	return member;
}

static bool take_file(struct walk *walk, const struct kvt_member *member, gsize limit,
		      const struct kvt_archive_taker *taker, GError **error)
{
	GByteArray *kept = g_byte_array_new();
	g_autoptr(GBytes) bytes = NULL;
	bool cut = false;
	const bool good = read_data(walk, kept, MIN(limit, walk->limits->member), &cut, error);

	walk->kept += kept->len;
	bytes = g_byte_array_free_to_bytes(kept);
	return good && taker->take(taker->user, member, bytes, cut, error);
}

static bool take_member(struct walk *walk, struct archive_entry *entry,
			const struct kvt_archive_taker *taker, GError **error)
{
	const struct kvt_member member = describe(entry);
	gsize limit;

	walk->members++;
	if (archive_entry_is_encrypted(entry))
		return fail(walk, "is protected by a password: unpack it first", error);
	if (!within(walk, error))
		return false;
	if (member.path == NULL ||
	    ((member.kind == KVT_MEMBER_LINK || member.kind == KVT_MEMBER_HARD_LINK) &&
	     member.target == NULL))
		return pass_over(walk, error);
	limit = taker->want(taker->user, &member);
	if (limit > 0 && member.kind == KVT_MEMBER_FILE)
		return take_file(walk, &member, limit, taker, error);
	if (limit > 0 && !taker->take(taker->user, &member, NULL, false, error))
		return false;
	return pass_over(walk, error);
}

/* ---- the two functions ---- */

static bool walk_members(struct walk *walk, const struct kvt_archive_taker *taker, GError **error)
{
	for (;;) {
		struct archive_entry *entry;
		const int status = archive_read_next_header(walk->archive, &entry);

		if (status == ARCHIVE_EOF)
			return true;
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return fail_archive(walk, error);
		if (!take_member(walk, entry, taker, error))
			return false;
	}
}

static bool archive_walk(const char *name, const char *bytes, gsize len,
			 const struct kvt_archive_limits *limits,
			 const struct kvt_archive_taker *taker, GError **error)
{
	struct walk walk;
	bool good;

	if (!open_walk(&walk, name, bytes, len, false, limits, error))
		return false;
	good = walk_members(&walk, taker, error);
	archive_read_free(walk.archive);
	return good;
}

static bool inflate(struct walk *walk, GBytes **ret_bytes, GError **error)
{
	struct archive_entry *entry;
	const int status = archive_read_next_header(walk->archive, &entry);
	GByteArray *kept;
	bool cut = false;

	*ret_bytes = NULL;
	if (status == ARCHIVE_EOF)
		return fail(walk, "nothing is in it", error);
	if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
		return fail_archive(walk, error);
	if (archive_format(walk->archive) != ARCHIVE_FORMAT_RAW)
		return true;
	kept = g_byte_array_new();
	if (read_data(walk, kept, walk->limits->member, &cut, error) && !cut) {
		*ret_bytes = g_byte_array_free_to_bytes(kept);
		return true;
	}
	g_byte_array_free(kept, TRUE);
	if (cut) {
		g_clear_error(error);
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: unpacks to more than %" G_GUINT64_FORMAT " MiB", walk->name,
			    walk->limits->member >> 20);
	}
	return false;
}

static bool archive_inflate(const char *name, const char *bytes, gsize len,
			    const struct kvt_archive_limits *limits, GBytes **ret_bytes,
			    GError **error)
{
	struct walk walk;
	bool good;

	if (!open_walk(&walk, name, bytes, len, true, limits, error))
		return false;
	good = inflate(&walk, ret_bytes, error);
	archive_read_free(walk.archive);
	return good;
}

const struct kvt_archive_module kvt_module = {
	.walk = archive_walk,
	.inflate = archive_inflate,
};
