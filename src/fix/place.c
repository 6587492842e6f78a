/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/error.h"

static char *path_of(int fd)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);

	return g_file_read_link(link, NULL);
}

static bool is_whole_machine(int tree)
{
	g_autofree char *real = path_of(tree);

	return real != NULL && strcmp(real, "/") == 0;
}

/* Without openat2: no link is followed. */
static int open_steps(int tree, const char *path, int flags)
{
	g_auto(GStrv) steps = g_strsplit(path, "/", -1);
	int fd = openat(tree, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (guint i = 0; fd >= 0 && steps[i] != NULL; i++) {
		const bool last = steps[i + 1] == NULL;
		int next;

		if (steps[i][0] == '\0' || strcmp(steps[i], ".") == 0)
			continue;
		next = openat(fd, steps[i],
			      (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return fd;
}

static int open_in(int tree, const char *path, int flags, guint64 resolve)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
				.resolve = resolve | RESOLVE_NO_MAGICLINKS };
	long fd;

	while (*path == '/')
		path++;
	if (*path == '\0')
		path = ".";
	fd = syscall(SYS_openat2, tree, path, &how, sizeof(how));
	if (fd >= 0 || errno != ENOSYS)
		return (int)fd;
	if (resolve == RESOLVE_IN_ROOT && is_whole_machine(tree))
		return openat(tree, path, flags | O_CLOEXEC);
	return open_steps(tree, path, flags);
}

/* The path within the tree of something open below it, or NULL. */
static char *within(int tree, int fd)
{
	g_autofree char *top = path_of(tree);
	g_autofree char *real = path_of(fd);
	gsize len;

	if (top == NULL || real == NULL)
		return NULL;
	len = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(real, top, len) != 0 || (real[len] != '/' && real[len] != '\0'))
		return NULL;
	return g_strdup(real[len] != '\0' ? real + len : "/");
}

static bool make_directory(int tree, const char *above, const char *name, GPtrArray *made,
			   GError **error)
{
	g_autofree char *path = g_build_filename(above, name, NULL);
	const int dir =
		open_in(tree, above, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
	bool good = false;

	if (dir >= 0 && mkdirat(dir, name, 0755) == 0) {
		fsync(dir);
		g_ptr_array_add(made, g_strdup(path));
		good = true;
	} else {
		kvt_error_errno(error, path, errno);
	}
	if (dir >= 0)
		close(dir);
	return good;
}

/* The real path of a directory, made if it has to be and may be. */
static char *real_directory(int tree, const char *path, GPtrArray *made, GError **error)
{
	int fd = open_in(tree, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
	char *real;

	if (fd < 0 && errno == ENOENT && made != NULL && strcmp(path, "/") != 0) {
		g_autofree char *parent = g_path_get_dirname(path);
		g_autofree char *name = g_path_get_basename(path);
		g_autofree char *above = real_directory(tree, parent, made, error);

		if (above == NULL || !make_directory(tree, above, name, made, error))
			return NULL;
		fd = open_in(tree, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
	}
	if (fd < 0) {
		kvt_error_errno(error, path, errno);
		return NULL;
	}
	real = within(tree, fd);
	close(fd);
	if (real == NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "%s: its real place cannot be found (is /proc mounted?)", path);
	return real;
}

/* Links followed: where the file itself stands; NULL without an error if there is none. */
static char *real_file(int tree, const char *path, GError **error)
{
	const int fd = open_in(tree, path, O_PATH, RESOLVE_IN_ROOT);
	char *real;

	if (fd < 0) {
		if (errno != ENOENT)
			kvt_error_errno(error, path, errno);
		return NULL;
	}
	real = within(tree, fd);
	close(fd);
	if (real == NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "%s: its real place cannot be found (is /proc mounted?)", path);
	return real;
}

static bool look(struct kvt_place *place, GError **error)
{
	struct stat st;

	if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		place->exists = false;
		if (errno == ENOENT)
			return true;
		kvt_error_errno(error, place->path, errno);
		return false;
	}
	place->exists = true;
	if (S_ISREG(st.st_mode))
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: %s", place->path,
		    S_ISLNK(st.st_mode) ? "a symbolic link to nothing" : "not a regular file");
	return false;
}

bool kvt_place_open(int tree, const char *path, GPtrArray *made, struct kvt_place *ret_place,
		    GError **error)
{
	g_auto(kvt_place) place = { .dir = -1 };
	g_auto(GStrv) steps = g_strsplit(path, "/", -1);
	g_autoptr(GError) failed = NULL;
	g_autofree char *real = NULL;
	g_autofree char *folder = NULL;
	g_autofree char *real_folder = NULL;

	if (path[0] != '/' || g_strv_contains((const char *const *)steps, "..")) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: not an absolute path",
			    path);
		return false;
	}
	real = real_file(tree, path, &failed);
	if (failed != NULL) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	folder = g_path_get_dirname(real != NULL ? real : path);
	real_folder = real_directory(tree, folder, made, error);
	if (real_folder == NULL)
		return false;
	place.name = g_path_get_basename(real != NULL ? real : path);
	place.path = g_build_filename(real_folder, place.name, NULL);
	place.dir = open_in(tree, real_folder, O_RDONLY | O_DIRECTORY,
			    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (place.dir < 0) {
		kvt_error_errno(error, real_folder, errno);
		return false;
	}
	if (!look(&place, error))
		return false;
	*ret_place = place;
	place = (struct kvt_place){ .dir = -1 };
	return true;
}

GPtrArray *kvt_place_missing(int tree, const char *path)
{
	GPtrArray *missing = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *folder = g_path_get_dirname(path);

	while (strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0) {
		const int fd = open_in(tree, folder, O_PATH, RESOLVE_IN_ROOT);
		char *above;

		if (fd >= 0) {
			close(fd);
			break;
		}
		above = g_path_get_dirname(folder);
		g_ptr_array_insert(missing, 0, folder);
		folder = above;
	}
	return missing;
}

void kvt_place_clear(struct kvt_place *place)
{
	if (place->dir >= 0)
		close(place->dir);
	place->dir = -1;
	g_clear_pointer(&place->name, g_free);
	g_clear_pointer(&place->path, g_free);
}
