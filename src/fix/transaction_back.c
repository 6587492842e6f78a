/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking a transaction back: after undo, after a failure, after a kill. Safe to repeat. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fix/domain.h"
#include "fix/place.h"
#include "fix/store.h"
#include "fix/switch.h"
#include "fix/transaction.h"
#include "sys/error.h"

/* What one file of a transaction is now, against what it was and was made. */
struct looked {
	struct kvt_place place;
	char *before; /* checksums */
	char *after;
	char *now;
	struct kvt_meta *meta; /* now */
};

static void looked_clear(struct looked *file)
{
	kvt_place_clear(&file->place);
	g_free(file->before);
	g_free(file->after);
	g_free(file->now);
	kvt_meta_free(file->meta);
}

typedef struct looked looked;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(looked, looked_clear)

static bool look_again(int tree, GKeyFile *manifest, const char *group, struct looked *ret,
		       GError **error)
{
	g_autofree char *path = g_key_file_get_string(manifest, group, "path", error);
	g_autoptr(GPtrArray) missing = NULL;
	g_autoptr(GBytes) bytes = NULL;

	ret->before = path != NULL ? g_key_file_get_string(manifest, group, "before", error) : NULL;
	ret->after =
		ret->before != NULL ? g_key_file_get_string(manifest, group, "after", error) : NULL;
	if (ret->after == NULL)
		return false;
	missing = kvt_place_missing(tree, path);
	if (missing->len == 0 && !kvt_place_open(tree, path, NULL, &ret->place, error))
		return false;
	if (ret->place.exists) {
		bytes = kvt_store_read(ret->place.dir, ret->place.name, path, &ret->meta, error);
		if (bytes == NULL)
			return false;
	}
	ret->now = kvt_store_checksum(bytes);
	if (strcmp(ret->now, ret->before) == 0 || strcmp(ret->now, ret->after) == 0)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "%s: was changed by somebody else since; it stays as it is", path);
	return false;
}

static bool restore_old(int folder, GKeyFile *manifest, const char *group, struct looked *file,
			GError **error)
{
	g_autofree char *copy = g_strdup_printf("%s.before", group + strlen("file "));
	g_autofree char *beside = kvt_transaction_beside(&file->place);
	g_autoptr(kvt_meta) meta = kvt_meta_load(manifest, group, error);
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *checksum = NULL;

	if (meta == NULL)
		return false;
	if (strcmp(file->now, file->before) == 0 && kvt_meta_equal(meta, file->meta, true))
		return kvt_store_remove(file->place.dir, beside, file->place.path, error);
	bytes = kvt_store_read(folder, copy, copy, NULL, error);
	if (bytes == NULL)
		return false;
	checksum = kvt_store_checksum(bytes);
	if (strcmp(checksum, file->before) != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "the journal's copy of %s is damaged", file->place.path);
		return false;
	}
	return kvt_store_write(file->place.dir, beside, bytes, meta, 0, true, file->place.path,
			       error) &&
	       kvt_store_rename(file->place.dir, beside, file->place.name, file->place.path, error);
}

static void remove_made(int tree, GKeyFile *manifest, const char *group)
{
	g_auto(GStrv) made = g_key_file_get_string_list(manifest, group, "made", NULL, NULL);

	for (guint i = made != NULL ? g_strv_length(made) : 0; i-- > 0;) {
		g_auto(kvt_place) place = { .dir = -1 };
		g_autofree char *inside = g_build_filename(made[i], "x", NULL);
		g_autofree char *name = g_path_get_basename(made[i]);
		int above;

		if (!kvt_place_open(tree, inside, NULL, &place, NULL))
			continue;
		above = openat(place.dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (above >= 0) {
			unlinkat(above, name, AT_REMOVEDIR); /* stays if it is not empty */
			close(above);
		}
	}
}

static bool restore_file(int tree, int folder, GKeyFile *manifest, const char *group,
			 GError **error)
{
	g_auto(looked) file = { .place = { .dir = -1 } };

	if (!look_again(tree, manifest, group, &file, error))
		return false;
	if (strcmp(file.before, "absent") != 0 && file.place.dir >= 0)
		return restore_old(folder, manifest, group, &file, error);
	if (file.place.dir >= 0) {
		g_autofree char *beside = kvt_transaction_beside(&file.place);

		if (!kvt_store_remove(file.place.dir, beside, file.place.path, error) ||
		    !kvt_store_remove(file.place.dir, file.place.name, file.place.path, error))
			return false;
	}
	remove_made(tree, manifest, group);
	return true;
}

static bool restore_switch(int tree, GKeyFile *manifest, const char *group, GError **error)
{
	g_autofree char *path = g_key_file_get_string(manifest, group, "path", error);
	g_autofree char *before =
		path != NULL ? g_key_file_get_string(manifest, group, "before", error) : NULL;
	g_autofree char *after = g_key_file_get_string(manifest, group, "after", NULL);
	g_autofree char *now = NULL;

	if (before == NULL || after == NULL)
		return false;
	now = kvt_switch_read(tree, path, NULL);
	/* gone or moved on since (a reboot, another hand): nothing of ours is left to take back */
	if (now == NULL || strcmp(now, before) == 0 || strcmp(now, after) != 0)
		return true;
	return kvt_switch_set(tree, path, before, error);
}

static bool check_all(int tree, int folder, GKeyFile *manifest, char **groups, GError **error)
{
	for (guint i = 0; groups[i] != NULL; i++) {
		g_auto(looked) file = { .place = { .dir = -1 } };

		if (g_str_has_prefix(groups[i], "domain ") &&
		    !kvt_domain_check(folder, manifest, groups[i], error))
			return false;

		if (g_str_has_prefix(groups[i], "file ") &&
		    !look_again(tree, manifest, groups[i], &file, error))
			return false;
	}
	return true;
}

static bool back_in_folder(int tree, int folder, GError **error)
{
	g_autoptr(GKeyFile) manifest = kvt_transaction_manifest(folder, error);
	g_auto(GStrv) groups = manifest != NULL ? g_key_file_get_groups(manifest, NULL) : NULL;
	bool good;

	if (groups == NULL)
		return false;
	good = check_all(tree, folder, manifest, groups, error);
	for (guint i = 0; good && groups[i] != NULL; i++) {
		if (g_str_has_prefix(groups[i], "file "))
			good = restore_file(tree, folder, manifest, groups[i], error);
		else if (g_str_has_prefix(groups[i], "domain "))
			good = kvt_domain_back(folder, manifest, groups[i], error);
		else if (g_str_has_prefix(groups[i], "switch "))
			good = restore_switch(tree, manifest, groups[i], error);
	}
	return good;
}

bool kvt_transaction_back(int tree, int state, unsigned number, GError **error)
{
	const int folder = kvt_transaction_folder(state, number, error);
	bool good;

	if (folder < 0)
		return false;
	good = back_in_folder(tree, folder, error);
	close(folder);
	return good;
}
