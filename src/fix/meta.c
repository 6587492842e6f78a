/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/meta.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sys/error.h"

static struct kvt_meta *meta_new(void)
{
	struct kvt_meta *meta = g_new0(struct kvt_meta, 1);

	meta->xattrs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     (GDestroyNotify)g_bytes_unref);
	return meta;
}

void kvt_meta_free(struct kvt_meta *meta)
{
	if (meta == NULL)
		return;
	g_hash_table_unref(meta->xattrs);
	g_free(meta);
}

static bool read_xattr(int fd, const char *name, GHashTable *xattrs)
{
	char value[65536]; /* the kernel's own limit, XATTR_SIZE_MAX */
	const ssize_t len = fgetxattr(fd, name, value, sizeof(value));

	if (len < 0)
		return false;
	g_hash_table_insert(xattrs, g_strdup(name), g_bytes_new(value, (gsize)len));
	return true;
}

static bool read_xattrs(int fd, GHashTable *xattrs, const char *path, GError **error)
{
	char names[65536]; /* XATTR_LIST_MAX */
	const ssize_t len = flistxattr(fd, names, sizeof(names));

	if (len < 0 && errno == ENOTSUP)
		return true;
	for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		if (!read_xattr(fd, name, xattrs) && errno != ENODATA) {
			g_autofree char *what = g_strdup_printf("%s: attribute %s", path, name);

			kvt_error_errno(error, what, errno);
			return false;
		}
	}
	if (len < 0)
		kvt_error_errno(error, path, errno);
	return len >= 0;
}

struct kvt_meta *kvt_meta_read(int fd, const char *path, GError **error)
{
	g_autoptr(kvt_meta) meta = meta_new();
	struct stat st;

	if (fstat(fd, &st) < 0) {
		kvt_error_errno(error, path, errno);
		return NULL;
	}
	meta->mode = st.st_mode & 07777;
	meta->uid = st.st_uid;
	meta->gid = st.st_gid;
	meta->links = st.st_nlink;
	meta->mtime = st.st_mtim;
	if (!read_xattrs(fd, meta->xattrs, path, error))
		return NULL;
	return g_steal_pointer(&meta);
}

static bool write_xattrs(int fd, const struct kvt_meta *meta, GHashTable *now)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, now);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!g_hash_table_contains(meta->xattrs, name) && fremovexattr(fd, name) < 0)
			return false;
	g_hash_table_iter_init(&iter, meta->xattrs);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		GBytes *old = g_hash_table_lookup(now, name);
		gsize len;
		const void *bytes = g_bytes_get_data(value, &len);

		if (old != NULL && g_bytes_equal(old, value))
			continue;
		if (fsetxattr(fd, name, bytes, len, 0) < 0)
			return false;
	}
	return true;
}

bool kvt_meta_write(int fd, const struct kvt_meta *meta, bool with_time, const char *path,
		    GError **error)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, meta->mtime };
	g_autoptr(kvt_meta) now = kvt_meta_read(fd, path, error);

	if (now == NULL)
		return false;
	/* owner first: chown takes away set-id bits; the ACL after the mode, which would change it
	 */
	if (((now->uid != meta->uid || now->gid != meta->gid) &&
	     fchown(fd, meta->uid, meta->gid) < 0) ||
	    fchmod(fd, meta->mode) < 0 || !write_xattrs(fd, meta, now->xattrs) ||
	    (with_time && futimens(fd, times) < 0)) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	return true;
}

static bool same_xattrs(GHashTable *a, GHashTable *b)
{
	GHashTableIter iter;
	gpointer name, value;

	if (g_hash_table_size(a) != g_hash_table_size(b))
		return false;
	g_hash_table_iter_init(&iter, a);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		GBytes *other = g_hash_table_lookup(b, name);

		if (other == NULL || !g_bytes_equal(value, other))
			return false;
	}
	return true;
}

bool kvt_meta_equal(const struct kvt_meta *a, const struct kvt_meta *b, bool with_time)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       same_xattrs(a->xattrs, b->xattrs) &&
	       (!with_time ||
		(a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec));
}

void kvt_meta_store(const struct kvt_meta *meta, GKeyFile *file, const char *group)
{
	g_autofree char *mode = g_strdup_printf("%04o", (unsigned)meta->mode);
	GHashTableIter iter;
	gpointer name, value;
	unsigned number = 0;

	g_key_file_set_string(file, group, "mode", mode);
	g_key_file_set_int64(file, group, "uid", meta->uid);
	g_key_file_set_int64(file, group, "gid", meta->gid);
	g_key_file_set_int64(file, group, "mtime_s", meta->mtime.tv_sec);
	g_key_file_set_int64(file, group, "mtime_ns", meta->mtime.tv_nsec);
	g_hash_table_iter_init(&iter, meta->xattrs);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		gsize len;
		const guchar *bytes = g_bytes_get_data(value, &len);
		g_autofree char *coded_name = g_base64_encode(name, strlen(name));
		g_autofree char *coded = g_base64_encode(bytes, len);
		g_autofree char *pair = g_strdup_printf("%s %s", coded_name, coded);
		g_autofree char *key = g_strdup_printf("xattr%u", number++);

		g_key_file_set_string(file, group, key, pair);
	}
}

static void load_xattr(struct kvt_meta *meta, const char *pair)
{
	g_auto(GStrv) parts = g_strsplit(pair, " ", 2);
	g_autofree guchar *name = NULL;
	g_autofree guchar *value = NULL;
	gsize name_len, len;

	if (g_strv_length(parts) != 2)
		return;
	name = g_base64_decode(parts[0], &name_len);
	value = g_base64_decode(parts[1], &len);
	g_hash_table_insert(meta->xattrs, g_strndup((char *)name, name_len),
			    g_bytes_new(value, len));
}

struct kvt_meta *kvt_meta_load(GKeyFile *file, const char *group, GError **error)
{
	g_autoptr(kvt_meta) meta = meta_new();
	g_autofree char *mode = g_key_file_get_string(file, group, "mode", error);
	g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);

	if (mode == NULL)
		return NULL;
	meta->mode = (mode_t)(g_ascii_strtoull(mode, NULL, 8) & 07777);
	meta->uid = (uid_t)g_key_file_get_int64(file, group, "uid", NULL);
	meta->gid = (gid_t)g_key_file_get_int64(file, group, "gid", NULL);
	meta->mtime.tv_sec = g_key_file_get_int64(file, group, "mtime_s", NULL);
	meta->mtime.tv_nsec = g_key_file_get_int64(file, group, "mtime_ns", NULL);
	for (guint i = 0; keys != NULL && keys[i] != NULL; i++)
		if (g_str_has_prefix(keys[i], "xattr")) {
			g_autofree char *pair = g_key_file_get_string(file, group, keys[i], NULL);

			load_xattr(meta, pair);
		}
	return g_steal_pointer(&meta);
}
