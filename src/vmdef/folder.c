/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/error.h"

#define DEPTH 32

/* One folder that is open: its names, and which is next. */
struct level {
	char *path;
	GPtrArray *names;
	guint next;
};

struct kvt_folder {
	char *inside; /* the real path, with a slash at its end */
	struct level levels[DEPTH];
	int depth; /* levels in use */
};

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool enter(struct kvt_folder *folder, const char *path, GError **error)
{
	struct level *level = &folder->levels[folder->depth];
	const struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	level->path = g_strdup(path);
	level->names = g_ptr_array_new_with_free_func(g_free);
	level->next = 0;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			g_ptr_array_add(level->names, g_strdup(entry->d_name));
	closedir(dir);
	g_ptr_array_sort(level->names, by_name);
	folder->depth++;
	return true;
}

static void leave(struct kvt_folder *folder)
{
	struct level *level = &folder->levels[--folder->depth];

	g_ptr_array_unref(level->names);
	g_free(level->path);
}

struct kvt_folder *kvt_folder_open(const char *path, GError **error)
{
	g_autoptr(kvt_folder) folder = g_new0(struct kvt_folder, 1);
	char *real = realpath(path, NULL);

	folder->inside = g_strconcat(real != NULL ? real : path, "/", NULL);
	free(real);
	return enter(folder, path, error) ? g_steal_pointer(&folder) : NULL;
}

void kvt_folder_close(struct kvt_folder *folder)
{
	if (folder == NULL)
		return;
	while (folder->depth > 0)
		leave(folder);
	g_free(folder->inside);
	g_free(folder);
}

/* A link is followed to a file that the walk does not meet by itself. */
static bool is_wanted_link(const struct kvt_folder *folder, const char *path)
{
	struct stat st;
	char *real;
	bool wanted;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	real = realpath(path, NULL);
	wanted = real != NULL && !g_str_has_prefix(real, folder->inside);
	free(real);
	return wanted;
}

bool kvt_folder_next(struct kvt_folder *folder, char **ret_path, GError **error)
{
	*ret_path = NULL;
	while (folder->depth > 0) {
		struct level *level = &folder->levels[folder->depth - 1];
		g_autofree char *path = NULL;
		struct stat st;

		if (level->next >= level->names->len) {
			leave(folder);
			continue;
		}
		path = g_build_filename(level->path, level->names->pdata[level->next++], NULL);
		if (lstat(path, &st) < 0)
			continue; /* gone since it was listed */
		if (S_ISDIR(st.st_mode) && folder->depth < DEPTH && !enter(folder, path, error))
			return true;
		if (S_ISREG(st.st_mode) || (S_ISLNK(st.st_mode) && is_wanted_link(folder, path))) {
			*ret_path = g_steal_pointer(&path);
			return true;
		}
	}
	return false;
}
