/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/transaction.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fix/domain.h"
#include "fix/place.h"
#include "fix/step.h"
#include "fix/store.h"
#include "fix/switch.h"
#include "sys/error.h"

/* ---- the folder ---- */

char *kvt_transaction_beside(const struct kvt_place *place)
{
	return g_strdup_printf(".%s.kvmtime", place->name);
}

int kvt_transaction_folder(int state, unsigned number, GError **error)
{
	g_autofree char *name = g_strdup_printf("%u", number);
	const int fd = openat(state, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		kvt_error_errno(error, name, errno);
	return fd;
}

GKeyFile *kvt_transaction_manifest(int folder, GError **error)
{
	g_autoptr(GBytes) bytes = kvt_store_read(folder, "manifest", "manifest", NULL, error);
	g_autoptr(GKeyFile) manifest = g_key_file_new();
	gsize len;
	const char *text;

	if (bytes == NULL)
		return NULL;
	text = g_bytes_get_data(bytes, &len);
	if (!g_key_file_load_from_data(manifest, text, len, G_KEY_FILE_NONE, error))
		return NULL;
	return g_steal_pointer(&manifest);
}

/* ---- preparing ---- */

static bool bytes_agree(GBytes *a, GBytes *b)
{
	return a == b || (a != NULL && b != NULL && g_bytes_equal(a, b));
}

/* The file as it is; refused if it is not what the plan was made from. */
static bool look_at(int tree, const struct kvt_change *change, GBytes **ret_bytes,
		    struct kvt_meta **ret_meta, GError **error)
{
	g_auto(kvt_place) place = { .dir = -1 };
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(kvt_meta) meta = NULL;
	g_autoptr(GPtrArray) missing = kvt_place_missing(tree, change->path);

	if (missing->len == 0 && !kvt_place_open(tree, change->path, NULL, &place, error))
		return false;
	if (missing->len == 0 && place.exists) {
		bytes = kvt_store_read(place.dir, place.name, place.path, &meta, error);
		if (bytes == NULL)
			return false;
	}
	if (!bytes_agree(bytes, change->before)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: changed since the plan was made; plan again", change->path);
		return false;
	}
	if (meta != NULL && meta->links > 1) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: has %u hard links, which a replacement would part", change->path,
			    (unsigned)meta->links);
		return false;
	}
	*ret_bytes = g_steal_pointer(&bytes);
	*ret_meta = g_steal_pointer(&meta);
	return true;
}

static bool record_file(int tree, int folder, unsigned k, const struct kvt_change *change,
			GKeyFile *manifest, GError **error)
{
	g_autofree char *group = g_strdup_printf("file %u", k);
	g_autofree char *copy = g_strdup_printf("%u.before", k);
	g_autofree char *before = kvt_store_checksum(change->before);
	g_autofree char *after = kvt_store_checksum(change->after);
	g_autoptr(GPtrArray) missing = kvt_place_missing(tree, change->path);
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(kvt_meta) meta = NULL;

	if (!look_at(tree, change, &bytes, &meta, error))
		return false;
	g_key_file_set_string(manifest, group, "path", change->path);
	g_key_file_set_string(manifest, group, "before", before);
	g_key_file_set_string(manifest, group, "after", after);
	if (missing->len > 0)
		g_key_file_set_string_list(manifest, group, "made",
					   (const char *const *)missing->pdata, missing->len);
	if (bytes == NULL)
		return true;
	kvt_meta_store(meta, manifest, group);
	return kvt_store_write(folder, copy, bytes, NULL, 0600, false, copy, error);
}

static bool write_manifest(int folder, GKeyFile *manifest, GError **error)
{
	gsize len;
	char *text = g_key_file_to_data(manifest, &len, NULL);
	g_autoptr(GBytes) bytes = g_bytes_new_take(text, len);

	return kvt_store_write(folder, "manifest", bytes, NULL, 0600, false, "manifest", error) &&
	       (fsync(folder) == 0 || errno == EINVAL);
}

static gsize length_of(const char *const *strings)
{
	gsize length = 0;

	while (strings[length] != NULL)
		length++;
	return length;
}

static void record_rest(GKeyFile *manifest, const char *title, GPtrArray *switches,
			const char *const *commands)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");

	g_key_file_set_string(manifest, "transaction", "title", title);
	g_key_file_set_string(manifest, "transaction", "time", time);
	if (commands != NULL && commands[0] != NULL)
		g_key_file_set_string_list(manifest, "transaction", "commands", commands,
					   length_of(commands));
	for (guint k = 0; switches != NULL && k < switches->len; k++) {
		const struct kvt_switch *change = switches->pdata[k];
		g_autofree char *group = g_strdup_printf("switch %u", k);

		g_key_file_set_string(manifest, group, "path", change->path);
		g_key_file_set_string(manifest, group, "before", change->before);
		g_key_file_set_string(manifest, group, "after", change->after);
	}
}

static bool fill_folder(int tree, int folder, const char *title, GPtrArray *changes,
			GPtrArray *switches, const char *const *commands, GError **error)
{
	g_autoptr(GKeyFile) manifest = g_key_file_new();

	record_rest(manifest, title, switches, commands);
	for (guint k = 0; k < changes->len; k++) {
		const struct kvt_change *change = changes->pdata[k];

		if (kvt_domain_is(change->path)
			    ? !kvt_domain_record(folder, k, change, manifest, error)
			    : !record_file(tree, folder, k, change, manifest, error))
			return false;
	}
	return write_manifest(folder, manifest, error);
}

bool kvt_transaction_prepare(int tree, int state, unsigned number, const char *title,
			     GPtrArray *changes, GPtrArray *switches, const char *const *commands,
			     GError **error)
{
	g_autofree char *draft = g_strdup_printf(".%u", number);
	g_autofree char *name = g_strdup_printf("%u", number);
	bool good = false;
	int folder;

	kvt_transaction_drop(state, draft);
	folder = mkdirat(state, draft, 0700) < 0
			 ? -1
			 : openat(state, draft, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0) {
		kvt_error_errno(error, "the journal", errno);
		return false;
	}
	STEP("folder made");
	good = fill_folder(tree, folder, title, changes, switches, commands, error) &&
	       kvt_store_rename(state, draft, name, "the journal", error);
	close(folder);
	if (!good)
		kvt_transaction_drop(state, draft);
	return good;
}

/* ---- forward ---- */

static bool write_beside(int tree, const struct kvt_change *change, GError **error)
{
	g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
	g_auto(kvt_place) place = { .dir = -1 };
	g_autoptr(kvt_meta) meta = NULL;
	g_autoptr(GBytes) old = NULL;
	g_autofree char *beside = NULL;

	if (change->after == NULL || kvt_domain_is(change->path))
		return true;
	if (!kvt_place_open(tree, change->path, made, &place, error))
		return false;
	STEP("directories made");
	if (place.exists) {
		old = kvt_store_read(place.dir, place.name, place.path, &meta, error);
		if (old == NULL)
			return false;
	}
	beside = kvt_transaction_beside(&place);
	return kvt_store_write(place.dir, beside, change->after, meta, 0644, false, place.path,
			       error);
}

static bool put_in_place(int tree, const struct kvt_change *change, GError **error)
{
	g_auto(kvt_place) place = { .dir = -1 };
	g_autofree char *beside = NULL;

	if (kvt_domain_is(change->path))
		return kvt_domain_forward(change, error);
	if (!kvt_place_open(tree, change->path, NULL, &place, error))
		return false;
	if (change->after == NULL)
		return kvt_store_remove(place.dir, place.name, place.path, error);
	beside = kvt_transaction_beside(&place);
	return kvt_store_rename(place.dir, beside, place.name, place.path, error);
}

bool kvt_transaction_forward(int tree, GPtrArray *changes, GPtrArray *switches, GError **error)
{
	for (guint k = 0; k < changes->len; k++)
		if (!write_beside(tree, changes->pdata[k], error))
			return false;
	for (guint k = 0; k < changes->len; k++)
		if (!put_in_place(tree, changes->pdata[k], error))
			return false;
	for (guint k = 0; switches != NULL && k < switches->len; k++) {
		const struct kvt_switch *change = switches->pdata[k];

		if (!kvt_switch_set(tree, change->path, change->after, error))
			return false;
	}
	return true;
}

bool kvt_transaction_settle(int state, unsigned number, GPtrArray *changes, GError **error)
{
	const int folder = kvt_transaction_folder(state, number, error);
	bool good = folder >= 0;

	for (guint k = 0; good && k < changes->len; k++)
		if (kvt_domain_is(((struct kvt_change *)changes->pdata[k])->path))
			good = kvt_domain_settle(folder, k, changes->pdata[k], error);
	if (folder >= 0)
		close(folder);
	return good;
}

/* ---- marks, list ---- */

bool kvt_transaction_mark(int state, unsigned number, const char *mark, GError **error)
{
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	const int folder = kvt_transaction_folder(state, number, error);
	bool good;

	if (folder < 0)
		return false;
	STEP("before the mark");
	good = kvt_store_write(folder, mark, empty, NULL, 0600, false, mark, error);
	if (good)
		fsync(folder);
	close(folder);
	STEP("marked");
	return good;
}

bool kvt_transaction_is_marked(int state, unsigned number, const char *mark)
{
	g_autofree char *path = g_strdup_printf("%u/%s", number, mark);

	return faccessat(state, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void kvt_transaction_drop(int state, const char *name)
{
	const int fd = openat(state, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			unlinkat(fd, entry->d_name, 0);
			STEP("a file of the folder removed");
		}
	if (dir != NULL)
		closedir(dir);
	unlinkat(state, name, AT_REMOVEDIR);
	STEP("folder removed");
}

struct kvt_transaction *kvt_transaction_load(int state, unsigned number)
{
	const int folder = kvt_transaction_folder(state, number, NULL);
	g_autoptr(GKeyFile) manifest = folder >= 0 ? kvt_transaction_manifest(folder, NULL) : NULL;
	g_auto(GStrv) groups = manifest != NULL ? g_key_file_get_groups(manifest, NULL) : NULL;
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	struct kvt_transaction *found;

	if (folder >= 0)
		close(folder);
	if (groups == NULL)
		return NULL;
	for (guint i = 0; groups[i] != NULL; i++) {
		char *path = g_key_file_get_string(manifest, groups[i], "path", NULL);

		if (path != NULL)
			g_ptr_array_add(paths, path);
	}
	g_ptr_array_add(paths, NULL);
	found = g_new0(struct kvt_transaction, 1);
	found->number = number;
	found->title = g_key_file_get_string(manifest, "transaction", "title", NULL);
	found->time = g_key_file_get_string(manifest, "transaction", "time", NULL);
	found->commands =
		g_key_file_get_string_list(manifest, "transaction", "commands", NULL, NULL);
	found->paths = (char **)g_ptr_array_free(g_steal_pointer(&paths), FALSE);
	found->state = kvt_transaction_is_marked(state, number, "undone") ? KVT_UNDONE
		       : kvt_transaction_is_marked(state, number, "done") ? KVT_APPLIED
									  : KVT_INTERRUPTED;
	return found;
}

void kvt_transaction_free(struct kvt_transaction *transaction)
{
	if (transaction == NULL)
		return;
	g_free(transaction->title);
	g_free(transaction->time);
	g_strfreev(transaction->paths);
	g_strfreev(transaction->commands);
	g_free(transaction);
}
