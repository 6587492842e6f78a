/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fix/step.h"
#include "sys/error.h"

/* No configuration file is longer; what is, is not one. */
#define FILE_LIMIT (16u * 1024 * 1024)

static GBytes *read_bytes(int fd, const char *path, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint8 chunk[65536];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			kvt_error_errno(error, path, errno);
			return NULL;
		}
		g_byte_array_append(bytes, chunk, (guint)got);
		if (bytes->len > FILE_LIMIT) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "%s: longer than %u MB, no configuration file", path,
				    FILE_LIMIT >> 20);
			return NULL;
		}
	}
	return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

GBytes *kvt_store_read(int dir, const char *name, const char *path, struct kvt_meta **ret_meta,
		       GError **error)
{
	const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	g_autoptr(GBytes) bytes = NULL;
	struct stat st;

	if (fd < 0) {
		kvt_error_errno(error, path, errno);
		return NULL;
	}
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: not a regular file", path);
	else
		bytes = read_bytes(fd, path, error);
	if (bytes != NULL && ret_meta != NULL) {
		*ret_meta = kvt_meta_read(fd, path, error);
		if (*ret_meta == NULL)
			g_clear_pointer(&bytes, g_bytes_unref);
	}
	close(fd);
	return g_steal_pointer(&bytes);
}

static bool write_all(int fd, GBytes *bytes)
{
	gsize len;
	const char *data = g_bytes_get_data(bytes, &len);

	while (len > 0) {
		const ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		data += put;
		len -= (gsize)put;
	}
	return true;
}

static bool fill(int fd, GBytes *bytes, const struct kvt_meta *meta, bool with_time,
		 const char *path, GError **error)
{
	STEP("created");
	if (!write_all(fd, bytes)) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	STEP("written");
	if (meta != NULL && !kvt_meta_write(fd, meta, with_time, path, error))
		return false;
	STEP("like the old one");
	if (fsync(fd) < 0) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	STEP("synced");
	return true;
}

bool kvt_store_write(int dir, const char *name, GBytes *bytes, const struct kvt_meta *meta,
		     mode_t mode, bool with_time, const char *path, GError **error)
{
	bool good;
	int fd;

	unlinkat(dir, name, 0);
	/* private until owner and mode are right */
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	good = fill(fd, bytes, meta, with_time, path, error);
	if (good && meta == NULL && fchmod(fd, mode) < 0) {
		kvt_error_errno(error, path, errno);
		good = false;
	}
	close(fd);
	if (!good)
		unlinkat(dir, name, 0);
	return good;
}

bool kvt_store_rename(int dir, const char *from, const char *to, const char *path, GError **error)
{
	STEP("before the rename");
	if (renameat(dir, from, dir, to) < 0) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	STEP("renamed");
	if (fsync(dir) < 0 && errno != EINVAL) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	STEP("directory synced");
	return true;
}

bool kvt_store_remove(int dir, const char *name, const char *path, GError **error)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	STEP("removed");
	fsync(dir);
	return true;
}

char *kvt_store_checksum(GBytes *bytes)
{
	return bytes != NULL ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes)
			     : g_strdup("absent");
}
