/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/unpack.h"

#include <string.h>

#include "check/wanted.h"
#include "sys/archive.h"
#include "sys/error.h"

#define TOP_STEPS   3 /* folders above a machine's own */
#define LOOSE_STEPS 4 /* folders above a file that is looked at by itself */
#define LOOSE_FILES 2000
#define LOOSE_BYTES (256u << 20)

struct unpacker {
	const char *name;
	GHashTable *tops;  /* path -> struct kvt_root */
	GHashTable *loose; /* path -> GBytes */
	guint64 loose_bytes;
};

static void part_free(gpointer data)
{
	struct kvt_part *part = data;

	kvt_root_free(part->root);
	if (part->bytes != NULL)
		g_bytes_unref(part->bytes);
	g_free(part->name);
	g_free(part);
}

/* ---- where a member belongs ---- */

/* The path behind its first @steps steps, with the slash; NULL if there are not so many. */
static const char *behind(const char *path, guint steps)
{
	for (; steps > 0; steps--) {
		path = strchr(path, '/');
		if (path == NULL)
			return NULL;
		path++;
	}
	return path;
}

/*
 * The top that a member belongs to, and its path on that machine: the shortest top for which the
 * path is one that a reader wants.
 */
static bool place(const char *path, bool link, char **ret_top, char **ret_path, gsize *ret_limit)
{
	for (guint steps = 0; steps <= TOP_STEPS; steps++) {
		const char *rest = behind(path, steps);
		g_autofree char *absolute = rest != NULL ? g_strconcat("/", rest, NULL) : NULL;
		gsize limit = absolute != NULL ? kvt_wanted(absolute) : 0;

		/* "date" alone at the top of an archive is no machine */
		if (limit == 0 && link && absolute != NULL && kvt_wanted_parent(absolute))
			limit = 1;
		if (limit == 0)
			continue;
		*ret_top = g_strndup(path, rest > path ? (gsize)(rest - path - 1) : 0);
		*ret_path = g_steal_pointer(&absolute);
		*ret_limit = limit;
		return true;
	}
	return false;
}

static guint depth(const char *path)
{
	guint count = 1;

	for (; *path != '\0'; path++)
		count += *path == '/';
	return count;
}

static bool below_known_top(const struct unpacker *unpacker, const char *path)
{
	for (guint steps = 1; steps <= TOP_STEPS; steps++) {
		const char *rest = behind(path, steps);
		g_autofree char *top =
			rest != NULL ? g_strndup(path, (gsize)(rest - path - 1)) : NULL;

		if (top != NULL && g_hash_table_contains(unpacker->tops, top))
			return true;
	}
	return g_hash_table_contains(unpacker->tops, "");
}

static bool is_loose(const struct unpacker *unpacker, const struct kvt_member *member)
{
	return member->kind == KVT_MEMBER_FILE && depth(member->path) <= LOOSE_STEPS &&
	       g_hash_table_size(unpacker->loose) < LOOSE_FILES &&
	       unpacker->loose_bytes < LOOSE_BYTES && !below_known_top(unpacker, member->path);
}

/* ---- the two calls ---- */

static bool is_link(const struct kvt_member *member)
{
	return member->kind == KVT_MEMBER_LINK || member->kind == KVT_MEMBER_HARD_LINK;
}

static gsize want(void *user, const struct kvt_member *member)
{
	const struct unpacker *unpacker = user;
	g_autofree char *top = NULL, *path = NULL;
	gsize limit;

	if (place(member->path, is_link(member) || member->kind == KVT_MEMBER_FOLDER, &top, &path,
		  &limit))
		return limit;
	return is_loose(unpacker, member) ? LOOSE_BYTES : 0;
}

static bool refuse(const struct unpacker *unpacker, const struct kvt_member *member,
		   const char *why, GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: refused: member %s %s",
		    unpacker->name, member->path, why);
	return false;
}

static struct kvt_root *root_of(struct unpacker *unpacker, const char *top)
{
	struct kvt_root *root = g_hash_table_lookup(unpacker->tops, top);

	if (root == NULL) {
		root = kvt_root_new_memory(unpacker->name);
		g_hash_table_insert(unpacker->tops, g_strdup(top), root);
	}
	return root;
}

/* how far a link's target climbs above the folder in which the link stands */
static bool climbs_out(const char *path, const char *target)
{
	g_auto(GStrv) steps = g_strsplit(target, "/", -1);
	int level = (int)depth(path) - 2; /* "/a/b" stands one folder deep */

	if (target[0] == '/')
		return false; /* from the machine's own root */
	for (guint i = 0; steps[i] != NULL; i++) {
		if (strcmp(steps[i], "..") == 0)
			level--;
		else if (steps[i][0] != '\0' && strcmp(steps[i], ".") != 0)
			level++;
		if (level < 0)
			return true;
	}
	return false;
}

/* A hard link's target is a member's name; both are of the same machine or it leads nowhere. */
static const char *within_top(const char *top, const char *target)
{
	if (top[0] == '\0')
		return target;
	return g_str_has_prefix(target, top) && target[strlen(top)] == '/'
		       ? target + strlen(top) + 1
		       : NULL;
}

static bool put_link(struct unpacker *unpacker, const struct kvt_member *member, const char *top,
		     const char *path, GError **error)
{
	const char *target = member->target;
	g_autofree char *absolute = NULL;

	if (member->kind == KVT_MEMBER_HARD_LINK) {
		target = within_top(top, target);
		if (target == NULL)
			return refuse(unpacker, member, "is a hard link out of its machine", error);
		target = absolute = g_strconcat("/", target, NULL);
	}
	if (climbs_out(path, target) && kvt_wanted(path) > 0)
		return refuse(unpacker, member, "is a symbolic link out of its machine", error);
	kvt_root_add_link(root_of(unpacker, top), path, target);
	return true;
}

static void put_file(struct unpacker *unpacker, const char *top, const char *path, GBytes *bytes,
		     bool cut, gsize limit)
{
	struct kvt_root *root = root_of(unpacker, top);
	g_autofree char *reason = NULL;

	/* of a log the first part is judged; half a configuration would be a wrong one */
	if (!cut || g_str_has_prefix(path, "/var/log/") || strstr(path, "dmesg") != NULL ||
	    strstr(path, "journalctl") != NULL) {
		kvt_root_add_bytes(root, path, bytes, NULL);
		return;
	}
	reason = g_strdup_printf("longer than %" G_GSIZE_FORMAT " bytes", limit);
	kvt_root_add(root, path, NULL, 0, reason);
}

static bool take(void *user, const struct kvt_member *member, GBytes *bytes, bool cut,
		 GError **error)
{
	struct unpacker *unpacker = user;
	g_autofree char *top = NULL, *path = NULL;
	gsize limit;

	if (!place(member->path, is_link(member) || member->kind == KVT_MEMBER_FOLDER, &top, &path,
		   &limit)) {
		if (!cut && bytes != NULL) {
			unpacker->loose_bytes += g_bytes_get_size(bytes);
			g_hash_table_replace(unpacker->loose, g_strdup(member->path),
					     g_bytes_ref(bytes));
		}
		return true;
	}
	switch (member->kind) {
	case KVT_MEMBER_FILE:
		put_file(unpacker, top, path, bytes, cut, limit);
		return true;
	case KVT_MEMBER_FOLDER:
		kvt_root_add_folder(root_of(unpacker, top), path);
		return true;
	case KVT_MEMBER_LINK:
	case KVT_MEMBER_HARD_LINK:
		return put_link(unpacker, member, top, path, error);
	case KVT_MEMBER_DEVICE:
	default:
		return refuse(unpacker, member, "is a device, a pipe or a socket, not a file",
			      error);
	}
}

/* ---- what came out of it ---- */

/*
 * Some file that only a machine's root has, not a folder called "sys" in somebody's sources. NULL
 * stands for one that was handed over already.
 */
static bool is_machine(const struct kvt_root *root)
{
	static const char *const signs[] = {
		"/sos_commands",
		"/kvmtime",
		"/proc/cmdline",
		"/proc/cpuinfo",
		"/proc/version",
		"/sys/devices/system/clocksource/clocksource0/current_clocksource",
		"/etc/os-release",
		"/etc/redhat-release",
		"/etc/SuSE-release",
		"/etc/debian_version",
		"/etc/default/grub",
		"/etc/chrony.conf",
		"/etc/chrony/chrony.conf",
		"/etc/ntp.conf",
	};

	for (guint i = 0; root != NULL && i < G_N_ELEMENTS(signs); i++)
		if (kvt_root_exists(root, signs[i]))
			return true;
	return root == NULL;
}

/* A container's etc below a sosreport belongs to that sosreport. */
static bool is_inner(const struct unpacker *unpacker, const char *path)
{
	GHashTableIter iter;
	gpointer key, root;

	g_hash_table_iter_init(&iter, unpacker->tops);
	while (g_hash_table_iter_next(&iter, &key, &root)) {
		const char *top = key;
		const gsize len = strlen(top);

		if (strcmp(top, path) != 0 && is_machine(root) &&
		    (len == 0 || (g_str_has_prefix(path, top) && path[len] == '/')))
			return true;
	}
	return false;
}

static gint by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static void add_part(GPtrArray *parts, const struct unpacker *unpacker, const char *path,
		     struct kvt_root *root, GBytes *bytes)
{
	struct kvt_part *part = g_new0(struct kvt_part, 1);

	part->name = path[0] != '\0' ? g_strdup_printf("%s: %s", unpacker->name, path)
				     : g_strdup(unpacker->name);
	part->root = root;
	part->bytes = bytes;
	g_ptr_array_add(parts, part);
}

static void add_machines(GPtrArray *parts, struct unpacker *unpacker)
{
	GList *keys = g_list_sort(g_hash_table_get_keys(unpacker->tops), by_text);

	for (GList *key = keys; key != NULL; key = key->next) {
		struct kvt_root *root = g_hash_table_lookup(unpacker->tops, key->data);
		gpointer name;

		if (!is_machine(root) || is_inner(unpacker, key->data))
			continue;
		add_part(parts, unpacker, key->data, root, NULL);
		g_hash_table_steal_extended(unpacker->tops, key->data, &name, NULL);
		/* stays known as a top, for what is inside it */
		g_hash_table_insert(unpacker->tops, name, NULL);
	}
	g_list_free(keys);
}

static void add_loose(GPtrArray *parts, struct unpacker *unpacker)
{
	GList *keys = g_list_sort(g_hash_table_get_keys(unpacker->loose), by_text);

	for (GList *key = keys; key != NULL; key = key->next)
		if (!below_known_top(unpacker, key->data))
			add_part(parts, unpacker, key->data, NULL,
				 g_bytes_ref(g_hash_table_lookup(unpacker->loose, key->data)));
	g_list_free(keys);
}

/* Tops that turned out to be none must not hide the files below them. */
static void forget_false_tops(struct unpacker *unpacker)
{
	GHashTableIter iter;
	gpointer key, root;

	g_hash_table_iter_init(&iter, unpacker->tops);
	while (g_hash_table_iter_next(&iter, &key, &root))
		if (!is_machine(root))
			g_hash_table_iter_remove(&iter);
}

static void free_root(gpointer root)
{
	kvt_root_free(root);
}

static void free_bytes(gpointer bytes)
{
	g_bytes_unref(bytes);
}

GPtrArray *kvt_unpack(const struct kvt_source *source, GError **error)
{
	struct unpacker unpacker = {
		.name = kvt_source_shown(source),
		.tops = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_root),
		.loose = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_bytes),
	};
	const struct kvt_archive_taker taker = { want, take, &unpacker };
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(part_free);
	const bool good = kvt_archive_walk(unpacker.name, source->bytes, source->len,
					   &kvt_archive_limits, &taker, error);

	if (good) {
		forget_false_tops(&unpacker);
		add_machines(parts, &unpacker);
		add_loose(parts, &unpacker);
	}
	g_hash_table_unref(unpacker.tops);
	g_hash_table_unref(unpacker.loose);
	if (good && parts->len == 0)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: an archive in which nothing can be looked at", unpacker.name);
	return good && parts->len > 0 ? g_steal_pointer(&parts) : NULL;
}
