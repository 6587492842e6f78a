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

#define MAX_LINKS 40

struct kvt_root {
	char *dir;
	int fd;
	bool live;
	GHashTable *files; /* in memory: path -> struct memory_file; goes before the directory */
	bool has_links;    /* one of them is a symbolic link */
};

struct memory_file {
	GBytes *bytes; /* NULL = could not be read */
	char *reason;
	char *link;   /* a symbolic link's target, else NULL */
	char *origin; /* where the bytes are from, or NULL = the path says it */
	bool folder;
	bool hidden; /* as if it were not there */
};

static void memory_file_free(gpointer data)
{
	struct memory_file *file = data;

	if (file->bytes != NULL)
		g_bytes_unref(file->bytes);
	g_free(file->reason);
	g_free(file->link);
	g_free(file->origin);
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
	return root;
}

/* The file of that path in memory, made anew. */
static struct memory_file *put(struct kvt_root *root, const char *path)
{
	struct memory_file *file = g_new0(struct memory_file, 1);

	if (root->files == NULL)
		root->files =
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, memory_file_free);
	g_hash_table_replace(root->files, g_strdup(path), file);
	return file;
}

void kvt_root_add(struct kvt_root *root, const char *path, const char *bytes, gsize len,
		  const char *reason)
{
	struct memory_file *file = put(root, path);

	file->bytes = bytes != NULL ? g_bytes_new(bytes, len) : NULL;
	file->reason = g_strdup(reason);
}

void kvt_root_add_bytes(struct kvt_root *root, const char *path, GBytes *bytes, const char *origin)
{
	struct memory_file *file = put(root, path);

	file->bytes = g_bytes_ref(bytes);
	file->origin = g_strdup(origin);
}

void kvt_root_hide(struct kvt_root *root, const char *path)
{
	put(root, path)->hidden = true;
}

void kvt_root_add_link(struct kvt_root *root, const char *path, const char *target)
{
	put(root, path)->link = g_strdup(target);
	root->has_links = true;
}

void kvt_root_add_folder(struct kvt_root *root, const char *path)
{
	if (root->files == NULL || !g_hash_table_contains(root->files, path))
		put(root, path)->folder = true;
}

/* ---- paths through symbolic links in memory ---- */

/* put a target's steps before those that are left */
static void push_steps(GQueue *steps, const char *path)
{
	g_auto(GStrv) each = g_strsplit(path, "/", -1);

	for (guint i = g_strv_length(each); i-- > 0;)
		if (each[i][0] != '\0' && strcmp(each[i], ".") != 0)
			g_queue_push_head(steps, g_strdup(each[i]));
}

static void climb(GString *path)
{
	const char *slash = strrchr(path->str, '/');

	g_string_truncate(path, slash != NULL ? (gsize)(slash - path->str) : 0);
}

static char *walk_steps(const struct kvt_root *root, GQueue *steps)
{
	GString *path = g_string_new(NULL);

	for (guint links = 0; !g_queue_is_empty(steps) && links < MAX_LINKS;) {
		g_autofree char *step = g_queue_pop_head(steps);
		const struct memory_file *file;

		if (strcmp(step, "..") == 0) {
			climb(path);
			continue;
		}
		g_string_append_printf(path, "/%s", step);
		file = g_hash_table_lookup(root->files, path->str);
		if (file == NULL || file->link == NULL)
			continue;
		climb(path);
		if (file->link[0] == '/')
			g_string_truncate(path, 0);
		push_steps(steps, file->link);
		links++;
	}
	if (g_queue_is_empty(steps))
		return g_string_free(path, FALSE);
	g_string_free(path, TRUE);
	return NULL;
}

/* As openat2() would with RESOLVE_IN_ROOT: never out of the root. NULL = links in a ring. */
static char *resolve(const struct kvt_root *root, const char *path)
{
	GQueue steps = G_QUEUE_INIT;
	char *plain;

	if (!root->has_links)
		return g_strdup(path);
	push_steps(&steps, path);
	plain = walk_steps(root, &steps);
	g_queue_clear_full(&steps, g_free);
	return plain;
}

static const struct memory_file *in_memory(const struct kvt_root *root, const char *path)
{
	g_autofree char *plain = root->files != NULL ? resolve(root, path) : NULL;

	return plain != NULL ? g_hash_table_lookup(root->files, plain) : NULL;
}

const char *kvt_root_origin(const struct kvt_root *root, const char *path)
{
	const struct memory_file *file = in_memory(root, path);

	return file != NULL ? file->origin : NULL;
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

static char *read_memory(const struct memory_file *file, const char *path, gsize limit, bool head,
			 gsize *ret_len, GError **error)
{
	const char *bytes;
	gsize len;

	if (file->hidden) {
		kvt_error_errno(error, path, ENOENT);
		return NULL;
	}
	if (file->folder) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: not a regular file", path);
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
	const struct memory_file *file = in_memory(root, path);
	struct stat st;
	char *bytes = NULL;
	int fd;

	if (file != NULL)
		return read_memory(file, path, limit, head, ret_len, error);
	fd = root->fd >= 0 ? open_below(root, path, O_RDONLY) : -1;
	if (fd < 0) {
		kvt_error_errno(error, path, root->fd >= 0 ? errno : ENOENT);
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

static void add_name(GPtrArray *names, GHashTable *seen, char *name)
{
	if (g_hash_table_contains(seen, name)) {
		g_free(name);
		return;
	}
	g_hash_table_add(seen, name);
	g_ptr_array_add(names, name);
}

/* The names below a folder are the steps that the paths take next. */
static void list_memory(const struct kvt_root *root, const char *path, GPtrArray *names,
			GHashTable *seen)
{
	g_autofree char *plain = resolve(root, path);
	g_autofree char *prefix = plain == NULL                  ? NULL
				  : g_str_has_suffix(plain, "/") ? g_strdup(plain)
								 : g_strconcat(plain, "/", NULL);
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, root->files);
	while (prefix != NULL && g_hash_table_iter_next(&iter, &key, NULL)) {
		const char *rest = (const char *)key + strlen(prefix);

		if (g_str_has_prefix(key, prefix) && rest[0] != '\0')
			add_name(names, seen, g_strndup(rest, strcspn(rest, "/")));
	}
}

/* false if it cannot be read */
static bool list_directory(const struct kvt_root *root, const char *path, GPtrArray *names,
			   GHashTable *seen)
{
	const int fd = root->fd >= 0 ? open_below(root, path, O_RDONLY | O_DIRECTORY) : -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			add_name(names, seen, g_strdup(entry->d_name));
	closedir(dir);
	return true;
}

static void drop_hidden(const struct kvt_root *root, const char *path, GPtrArray *names)
{
	for (guint i = names->len; i-- > 0;) {
		g_autofree char *below = g_build_filename(path, names->pdata[i], NULL);
		const struct memory_file *file = in_memory(root, below);

		if (file != NULL && file->hidden)
			g_ptr_array_remove_index(names, i);
	}
}

GPtrArray *kvt_root_list(const struct kvt_root *root, const char *path)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const struct memory_file *file = in_memory(root, path);
	bool there;

	if (root->files != NULL)
		list_memory(root, path, names, seen);
	there = list_directory(root, path, names, seen) || names->len > 0 ||
		(file != NULL && file->folder);
	if (root->files != NULL)
		drop_hidden(root, path, names);
	g_ptr_array_sort(names, by_name);
	return there ? g_steal_pointer(&names) : NULL;
}

bool kvt_root_exists(const struct kvt_root *root, const char *path)
{
	int fd;

	if (in_memory(root, path) != NULL)
		return !in_memory(root, path)->hidden;
	if (root->files != NULL) {
		g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
		g_autoptr(GPtrArray) below = g_ptr_array_new_with_free_func(g_free);

		list_memory(root, path, below, seen);
		if (below->len > 0)
			return true;
	}
	fd = root->fd >= 0 ? open_below(root, path, O_PATH) : -1;
	if (fd < 0)
		return false;
	close(fd);
	return true;
}
