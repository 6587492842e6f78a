/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/waiting.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/machine.h"
#include "fix/journal.h"
#include "fix/place.h"
#include "sys/answers.h"

#define BEFORE_LIMIT (16u * 1024 * 1024)

/* ---- the last boot ---- */

static gint64 boot_of_live(const struct kvt_root *root)
{
	g_autofree char *text = kvt_root_read(root, "/proc/stat", KVT_ROOT_FILE_LIMIT, NULL, NULL);
	const char *line = text != NULL ? strstr(text, "\nbtime ") : NULL;

	return line != NULL ? g_ascii_strtoll(line + strlen("\nbtime "), NULL, 10) : 0;
}

/* Files that each boot writes. */
static gint64 boot_of_folder(const char *dir)
{
	static const char *const paths[] = { "/var/lib/systemd/random-seed", "/var/lib/random-seed",
					     "/var/log/wtmp", "/var/log/boot.log" };
	const int tree = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	gint64 newest = 0;

	for (guint i = 0; tree >= 0 && i < G_N_ELEMENTS(paths); i++) {
		g_auto(kvt_place) place = { .dir = -1 };
		struct stat st;

		if (kvt_place_open(tree, paths[i], NULL, &place, NULL) && place.exists &&
		    fstatat(place.dir, place.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			newest = MAX(newest, st.st_mtim.tv_sec);
	}
	if (tree >= 0)
		close(tree);
	return newest;
}

/* ---- what the files said ---- */

static char *folder_of(const char *name, const char *file)
{
	return g_build_filename(KVT_JOURNAL_STATE, name, file, NULL);
}

static bool is_marked(const struct kvt_root *root, const char *name, const char *mark)
{
	g_autofree char *path = folder_of(name, mark);

	return kvt_root_exists(root, path);
}

static GKeyFile *manifest_of(const struct kvt_root *root, const char *name)
{
	g_autofree char *path = folder_of(name, "manifest");
	gsize len;
	g_autofree char *text = kvt_root_read(root, path, KVT_ROOT_FILE_LIMIT, &len, NULL);
	g_autoptr(GKeyFile) manifest = g_key_file_new();

	if (text == NULL || !g_key_file_load_from_data(manifest, text, len, G_KEY_FILE_NONE, NULL))
		return NULL;
	return g_steal_pointer(&manifest);
}

static bool is_newer(GKeyFile *manifest, gint64 boot)
{
	g_autofree char *text = g_key_file_get_string(manifest, "transaction", "time", NULL);
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;

	return time != NULL && g_date_time_to_unix(time) >= boot;
}

/* libvirt-guests looks at its file when the host goes down: that needs no restart. */
static bool is_read_at_each_use(const char *path)
{
	return g_str_has_suffix(path, "/libvirt-guests");
}

/* The oldest of several changes of a file knows what runs. */
static void show_files_before(const struct kvt_root *root, const char *name, GKeyFile *manifest,
			      struct kvt_root *before, GHashTable *paths)
{
	g_auto(GStrv) groups = g_key_file_get_groups(manifest, NULL);

	for (guint i = 0; groups[i] != NULL; i++) {
		g_autofree char *path = g_key_file_get_string(manifest, groups[i], "path", NULL);
		g_autofree char *file = NULL, *copy = NULL, *text = NULL;
		g_autoptr(GBytes) bytes = NULL;
		gsize len;

		if (!g_str_has_prefix(groups[i], "file ") || path == NULL ||
		    is_read_at_each_use(path) || g_hash_table_contains(paths, path))
			continue;
		file = g_strdup_printf("%s.before", groups[i] + strlen("file "));
		copy = folder_of(name, file);
		text = kvt_root_read(root, copy, BEFORE_LIMIT, &len, NULL);
		if (text != NULL) {
			bytes = g_bytes_new_take(g_steal_pointer(&text), len);
			kvt_root_add_bytes(before, path, bytes, NULL);
		} else {
			kvt_root_hide(before, path);
		}
		g_hash_table_add(paths, g_steal_pointer(&path));
	}
}

static gint by_number(gconstpointer a, gconstpointer b)
{
	const unsigned long x = strtoul(*(const char *const *)a, NULL, 10);
	const unsigned long y = strtoul(*(const char *const *)b, NULL, 10);

	return (x > y) - (x < y);
}

/* Paths of all files that wait; @before shows them as they were. */
static GHashTable *find_waiting(const struct kvt_root *root, struct kvt_root *before, gint64 boot)
{
	GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) names = kvt_root_list(root, KVT_JOURNAL_STATE);

	if (names != NULL)
		g_ptr_array_sort(names, by_number);
	for (guint i = 0; names != NULL && i < names->len; i++) {
		const char *name = names->pdata[i];
		g_autoptr(GKeyFile) manifest = NULL;

		if (!g_ascii_isdigit(name[0]) || !is_marked(root, name, "done") ||
		    is_marked(root, name, "undone") || is_marked(root, name, "settled"))
			continue;
		manifest = manifest_of(root, name);
		if (manifest != NULL && is_newer(manifest, boot))
			show_files_before(root, name, manifest, before, paths);
	}
	return paths;
}

/* ---- joining ---- */

/* A live machine is another one at each look; only what was read from such a file counts. */
static bool is_from(GHashTable *paths, const struct kvt_fact *a, const struct kvt_fact *b)
{
	GHashTableIter iter;
	gpointer path;

	g_hash_table_iter_init(&iter, paths);
	while (g_hash_table_iter_next(&iter, &path, NULL))
		if (strstr(a->source, path) != NULL || strstr(b->source, path) != NULL)
			return true;
	return false;
}

static void join(struct kvt_facts *facts, const struct kvt_facts *before, GHashTable *paths)
{
	for (guint i = 0; i < kvt_facts_count(before); i++) {
		const struct kvt_fact *was = kvt_facts_at(before, i);
		const struct kvt_fact *is = kvt_facts_get(facts, was->subject, was->def->name);
		g_autofree char *x = kvt_fact_value(was);
		g_autofree char *y = is != NULL ? kvt_fact_value(is) : NULL;

		if (was->configured || is == NULL || strcmp(x, y) == 0 || !is_from(paths, was, is))
			continue;
		kvt_facts_put(facts, was->subject | KVT_CONFIGURED, is);
		kvt_facts_put(facts, was->subject, was);
	}
}

void kvt_waiting_add(const char *dir, struct kvt_facts *facts)
{
	g_autoptr(kvt_root) root = kvt_root_open(dir, NULL);
	g_autoptr(kvt_root) before = kvt_root_open(dir, NULL);
	g_autoptr(GHashTable) paths = NULL;
	g_autoptr(kvt_facts) old = NULL;
	struct kvt_answers answers;

	if (root == NULL || before == NULL || !kvt_root_exists(root, KVT_JOURNAL_STATE))
		return;
	paths = find_waiting(root, before,
			     kvt_root_is_live(root) ? boot_of_live(root) : boot_of_folder(dir));
	if (g_hash_table_size(paths) == 0)
		return;
	kvt_answers_recorded(before, &answers);
	old = kvt_machine_read(before, kvt_root_is_live(root) ? kvt_answers_live() : &answers,
			       kvt_facts_target(facts));
	join(facts, old, paths);
}
