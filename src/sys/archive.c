/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/archive.h"

#include <string.h>

#include "sys/error.h"
#include "sys/module.h"

#define PATH_LIMIT 4096
#define DEPTH      64

const struct kvt_archive_limits kvt_archive_limits = {
	.unpacked = G_GUINT64_CONSTANT(16) << 30,
	.kept = 768u << 20,
	.member = 512u << 20,
	.members = 200000,
	.ratio = 1000,
	.ratio_floor = 64u << 20,
	.seconds = 300,
};

static bool begins(const char *bytes, gsize len, const char *magic, gsize size)
{
	return len > size && memcmp(bytes, magic, size) == 0;
}

enum kvt_archive_kind kvt_archive_kind(const char *bytes, gsize len)
{
	if (begins(bytes, len, "\x1f\x8b", 2) || begins(bytes, len, "BZh", 3) ||
	    begins(bytes, len,
		   "\xfd"
		   "7zXZ\0",
		   6) ||
	    begins(bytes, len, "\x28\xb5\x2f\xfd", 4))
		return KVT_ARCHIVE_COMPRESSED;
	if (begins(bytes, len, "PK\3\4", 4) || begins(bytes, len, "PK\5\6", 4) ||
	    (len > 262 && memcmp(bytes + 257, "ustar", 5) == 0))
		return KVT_ARCHIVE_MEMBERS;
	return KVT_ARCHIVE_NONE;
}

static const struct kvt_archive_module *module(const char *name, GError **error)
{
	const struct kvt_archive_module *table =
		kvt_module_load("archive", "kvmtime-archive", error);

	if (table == NULL)
		g_prefix_error(error, "%s is packed: ", name);
	return table;
}

static char *bad_path(const char *name, const char *path, const char *why, GError **error)
{
	g_autofree char *shown = g_strescape(path, NULL);

	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: refused: member %.200s: %s", name,
		    shown, why);
	return NULL;
}

char *kvt_archive_path(const char *name, const char *path, GError **error)
{
	g_auto(GStrv) steps = NULL;
	GString *plain;
	guint depth = 0;

	if (path[0] == '/')
		return bad_path(name, path, "its name is absolute", error);
	if (strlen(path) > PATH_LIMIT)
		return bad_path(name, path, "its name is longer than 4096 bytes", error);
	for (const char *c = path; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			return bad_path(name, path, "its name holds a control character", error);
	steps = g_strsplit(path, "/", -1);
	plain = g_string_new(NULL);
	for (guint i = 0; steps[i] != NULL; i++) {
		if (steps[i][0] == '\0' || strcmp(steps[i], ".") == 0)
			continue;
		if (strcmp(steps[i], "..") == 0 || ++depth > DEPTH) {
			g_string_free(plain, TRUE);
			return bad_path(name, path,
					depth > DEPTH ? "its name has more than 64 steps"
						      : "its name climbs out with ..",
					error);
		}
		g_string_append_printf(plain, "%s%s", plain->len > 0 ? "/" : "", steps[i]);
	}
	return g_string_free(plain, FALSE);
}

/* ---- names are checked between the module and the reader ---- */

struct checker {
	const char *name;
	const struct kvt_archive_taker *taker;
	GError *error; /* first name that is refused; ends the walk at the next take */
};

/* The member with its names plain; false if one is refused. */
static bool plain(struct checker *checker, const struct kvt_member *member,
		  struct kvt_member *ret_member, char **path, char **target)
{
	*ret_member = *member;
	*path = kvt_archive_path(checker->name, member->path, &checker->error);
	if (*path == NULL)
		return false;
	ret_member->path = *path;
	if (member->kind != KVT_MEMBER_HARD_LINK)
		return true;
	*target = kvt_archive_path(checker->name, member->target, &checker->error);
	ret_member->target = *target;
	return *target != NULL;
}

/* A refused name is wanted, so that take() can say no. */
static gsize checked_want(void *user, const struct kvt_member *member)
{
	struct checker *checker = user;
	g_autofree char *path = NULL, *target = NULL;
	struct kvt_member good;

	if (checker->error != NULL || !plain(checker, member, &good, &path, &target))
		return 1;
	return checker->taker->want(checker->taker->user, &good);
}

static bool checked_take(void *user, const struct kvt_member *member, GBytes *bytes, bool cut,
			 GError **error)
{
	struct checker *checker = user;
	g_autofree char *path = NULL, *target = NULL;
	struct kvt_member good;

	if (checker->error != NULL || !plain(checker, member, &good, &path, &target)) {
		g_propagate_error(error, g_steal_pointer(&checker->error));
		return false;
	}
	return checker->taker->take(checker->taker->user, &good, bytes, cut, error);
}

bool kvt_archive_walk(const char *name, const char *bytes, gsize len,
		      const struct kvt_archive_limits *limits,
		      const struct kvt_archive_taker *taker, GError **error)
{
	const struct kvt_archive_module *table = module(name, error);
	struct checker checker = { .name = name, .taker = taker };
	const struct kvt_archive_taker checked = { checked_want, checked_take, &checker };
	bool good;

	if (table == NULL)
		return false;
	good = table->walk(name, bytes, len, limits, &checked, error);
	g_clear_error(&checker.error);
	return good;
}

bool kvt_archive_inflate(const char *name, const char *bytes, gsize len, guint64 limit,
			 GBytes **ret_bytes, GError **error)
{
	const struct kvt_archive_module *table = module(name, error);
	struct kvt_archive_limits limits = kvt_archive_limits;

	limits.member = limits.kept = limit;
	return table != NULL && table->inflate(name, bytes, len, &limits, ret_bytes, error);
}
