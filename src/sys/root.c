/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/error.h"

struct kvt_root {
	char *dir;
	int fd;
	bool live;
	GHashTable *files; /* a machine in memory: path -> struct memory_file; else NULL */
};

struct memory_file {
	GBytes *bytes; /* NULL = could not be read */
	char *reason;
};

static void memory_file_free(gpointer data)
{
	struct memory_file *file = data;

	if (file->bytes != NULL)
		g_bytes_unref(file->bytes);
	g_free(file->reason);
	g_free(file);
}

GQuark kvt_error_quark(void)
{
	return g_quark_from_static_string("kvmtime");
}

void kvt_error_errno(GError **error, const char *object, int number)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: %s", object, g_strerror(number));
}

struct kvt_root *kvt_root_open(const char *dir, GError **error)
{
	const int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct kvt_root *root;

	if (fd < 0) {
		kvt_error_errno(error, dir, errno);
		return NULL;
	}
	root = g_new0(struct kvt_root, 1);
	root->dir = g_strdup(dir);
	root->fd = fd;
	root->live = strcmp(dir, "/") == 0;
	return root;
}

struct kvt_root *kvt_root_new_memory(const char *name)
{
	struct kvt_root *root = g_new0(struct kvt_root, 1);

	root->dir = g_strdup(name);
	root->fd = -1;
	root->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, memory_file_free);
	return root;
}

void kvt_root_add(struct kvt_root *root, const char *path, const char *bytes, gsize len,
		  const char *reason)
{
	struct memory_file *file = g_new0(struct memory_file, 1);

	file->bytes = bytes != NULL ? g_bytes_new(bytes, len) : NULL;
	file->reason = g_strdup(reason);
	g_hash_table_replace(root->files, g_strdup(path), file);
}

void kvt_root_free(struct kvt_root *root)
{
	if (root == NULL)
		return;
	if (root->files != NULL)
		g_hash_table_unref(root->files);
	if (root->fd >= 0)
		close(root->fd);
	g_free(root->dir);
	g_free(root);
}

bool kvt_root_is_live(const struct kvt_root *root)
{
	return root->live;
}

const char *kvt_root_dir(const struct kvt_root *root)
{
	return root->dir;
}

/* Kernels before 5.6: step by step, and a symbolic link is not followed at all. */
static int open_steps(int from, const char *path, int flags)
{
	g_auto(GStrv) steps = g_strsplit(path, "/", -1);
	int fd = dup(from);

	for (guint i = 0; fd >= 0 && steps[i] != NULL; i++) {
		const bool last = steps[i + 1] == NULL;
		int next;

		if (steps[i][0] == '\0' || strcmp(steps[i], ".") == 0)
			continue;
		if (strcmp(steps[i], "..") == 0) {
			close(fd);
			errno = EXDEV;
			return -1;
		}
		next = openat(fd, steps[i],
			      (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return fd;
}

static int open_below(const struct kvt_root *root, const char *path, int flags)
{
	/* openat2 refuses the flags that mean nothing with O_PATH */
	const int more = (flags & O_PATH) != 0 ? O_CLOEXEC : O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct open_how how = {
		.flags = (unsigned)(flags | more),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (root->live)
		return open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS)
		return open_steps(root->fd, path, flags | O_NOCTTY | O_NONBLOCK);
	return (int)fd;
}

static char *read_all(int fd, const char *path, gsize limit, bool head, gsize *ret_len,
		      GError **error)
{
	GByteArray *bytes = g_byte_array_new();
	guint8 chunk[16384];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			kvt_error_errno(error, path, errno);
			break;
		}
		if (bytes->len + (gsize)got > limit && head) {
			g_byte_array_append(bytes, chunk, (guint)(limit - bytes->len));
			got = 0;
			break;
		}
		if (bytes->len + (gsize)got > limit) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "%s: longer than %" G_GSIZE_FORMAT " bytes", path, limit);
			break;
		}
		g_byte_array_append(bytes, chunk, (guint)got);
	}
	if (got != 0) {
		g_byte_array_free(bytes, TRUE);
		return NULL;
	}
	if (ret_len != NULL)
		*ret_len = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	return (char *)g_byte_array_free(bytes, FALSE);
}

static char *read_memory(const struct kvt_root *root, const char *path, gsize limit, bool head,
			 gsize *ret_len, GError **error)
{
	const struct memory_file *file = g_hash_table_lookup(root->files, path);
	const char *bytes;
	gsize len;

	if (file == NULL) {
		kvt_error_errno(error, path, ENOENT);
		return NULL;
	}
	if (file->bytes == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: %s", path,
			    file->reason != NULL ? file->reason : "was not read");
		return NULL;
	}
	bytes = g_bytes_get_data(file->bytes, &len);
	if (len > limit && !head) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: longer than %" G_GSIZE_FORMAT " bytes", path, limit);
		return NULL;
	}
	len = MIN(len, limit);
	if (ret_len != NULL)
		*ret_len = len;
	{
		char *copy = g_malloc(len + 1);

		if (len > 0)
			memcpy(copy, bytes, len);
		copy[len] = '\0';
		return copy;
	}
}

static char *read_file(const struct kvt_root *root, const char *path, gsize limit, bool head,
		       gsize *ret_len, GError **error)
{
	struct stat st;
	char *bytes = NULL;
	int fd;

	if (root->files != NULL)
		return read_memory(root, path, limit, head, ret_len, error);
	fd = open_below(root, path, O_RDONLY);
	if (fd < 0) {
		kvt_error_errno(error, path, errno);
		return NULL;
	}
	if (fstat(fd, &st) < 0)
		kvt_error_errno(error, path, errno);
	else if (!S_ISREG(st.st_mode))
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: not a regular file", path);
	else
		bytes = read_all(fd, path, limit, head, ret_len, error);
	close(fd);
	return bytes;
}

char *kvt_root_read(const struct kvt_root *root, const char *path, gsize limit, gsize *ret_len,
		    GError **error)
{
	return read_file(root, path, limit, false, ret_len, error);
}

char *kvt_root_read_head(const struct kvt_root *root, const char *path, gsize limit, gsize *ret_len,
			 GError **error)
{
	return read_file(root, path, limit, true, ret_len, error);
}

char *kvt_root_line(const struct kvt_root *root, const char *path)
{
	gsize len;
	g_autofree char *text = kvt_root_read(root, path, KVT_ROOT_FILE_LIMIT, &len, NULL);

	if (text == NULL || strlen(text) != len)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	g_strstrip(text);
	for (const char *c = text; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c) && *c != '\t')
			return NULL;
	return g_utf8_validate(text, -1, NULL) ? g_steal_pointer(&text) : NULL;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names below a folder are the steps that the paths take next. */
static GPtrArray *list_memory(const struct kvt_root *root, const char *path)
{
	g_autofree char *prefix =
		g_str_has_suffix(path, "/") ? g_strdup(path) : g_strconcat(path, "/", NULL);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, root->files);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const char *rest = (const char *)key + strlen(prefix);
		char *step;

		if (!g_str_has_prefix(key, prefix) || rest[0] == '\0')
			continue;
		step = g_strndup(rest, strcspn(rest, "/"));
		if (g_hash_table_contains(seen, step)) {
			g_free(step);
			continue;
		}
		g_hash_table_add(seen, step);
		g_ptr_array_add(names, step);
	}
	g_ptr_array_sort(names, by_name);
	return names->len > 0 ? g_steal_pointer(&names) : NULL;
}

GPtrArray *kvt_root_list(const struct kvt_root *root, const char *path)
{
	const int fd = root->files != NULL ? -1 : open_below(root, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	GPtrArray *names;
	struct dirent *entry;

	if (root->files != NULL)
		return list_memory(root, path);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	names = g_ptr_array_new_with_free_func(g_free);
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	closedir(dir);
	g_ptr_array_sort(names, by_name);
	return names;
}

bool kvt_root_exists(const struct kvt_root *root, const char *path)
{
	int fd;

	if (root->files != NULL) {
		g_autoptr(GPtrArray) below = NULL;

		if (g_hash_table_contains(root->files, path))
			return true;
		below = list_memory(root, path);
		return below != NULL;
	}
	fd = open_below(root, path, O_PATH);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}
