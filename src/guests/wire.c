/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guests/reach.h"

struct kvt_wire {
	char *path;
	int fd;
	GByteArray *got; /* read, not yet handed out; at most a line's limit and a chunk */
};

/* A path that is too long for an address is reached by way of its folder. */
static bool address(const char *path, struct sockaddr_un *ret_address, int *ret_folder)
{
	g_autofree char *folder = NULL, *name = NULL, *short_path = NULL;

	*ret_folder = -1;
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(ret_address->sun_path)) {
		g_strlcpy(ret_address->sun_path, path, sizeof(ret_address->sun_path));
		return true;
	}
	folder = g_path_get_dirname(path);
	name = g_path_get_basename(path);
	*ret_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	short_path = g_strdup_printf("/proc/self/fd/%d/%s", *ret_folder, name);
	if (*ret_folder < 0)
		return false;
	errno = ENAMETOOLONG;
	return g_strlcpy(ret_address->sun_path, short_path, sizeof(ret_address->sun_path)) <
	       sizeof(ret_address->sun_path);
}

static enum kvt_reach reach_of_errno(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return KVT_REACH_DENIED;
	case EAGAIN:
		return KVT_REACH_BUSY;
	default:
		return KVT_REACH_GONE;
	}
}

static void set_errno(GError **error, const char *path, int number)
{
	const enum kvt_reach reach = reach_of_errno(number);

	kvt_reach_set(error, reach, "%s: %s", path,
		      reach == KVT_REACH_BUSY ? "another program uses it" : g_strerror(number));
}

bool kvt_wire_busy(const char *text, const char *path)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		unsigned long flags, inode;
		int place = 0;

		/* Num RefCount Protocol Flags Type St Inode Path */
		if (sscanf(lines[i], "%*[^:]: %*x %*x %lx %*x %*x %lu %n", &flags, &inode,
			   &place) != 2 ||
		    place == 0 || strcmp(lines[i] + place, path) != 0)
			continue;
		if ((flags & 0x10000) == 0 && inode != 0) /* __SO_ACCEPTCON marks the listener */
			return true;
	}
	return false;
}

static bool has_client(const char *path)
{
	g_autofree char *text = NULL;

	return g_file_get_contents("/proc/net/unix", &text, NULL, NULL) &&
	       kvt_wire_busy(text, path);
}

/*
 * What is written to a connection in the queue would be delivered some day, so there is none while
 * somebody else is served. QEMU also needs a moment to see that its last client has left.
 */
static bool wait_until_free(const char *path, gint64 deadline_us)
{
	const gint64 now_us = g_get_monotonic_time();
	const gint64 until_us = now_us + (deadline_us - now_us) / 2;

	while (has_client(path)) {
		if (g_get_monotonic_time() >= until_us)
			return false;
		g_usleep(2000);
	}
	return true;
}

int kvt_wire_connect(const char *path)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un to;
	int folder, number = 0;

	if (fd < 0)
		return -1;
	if (!address(path, &to, &folder) || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		number = errno;
	if (folder >= 0)
		close(folder);
	if (number != 0) {
		close(fd);
		errno = number;
		return -1;
	}
	return fd;
}

struct kvt_wire *kvt_wire_open(const char *path, gint64 deadline_us, GError **error)
{
	struct kvt_wire *wire;
	int fd;

	if (g_get_monotonic_time() >= deadline_us) {
		kvt_reach_set(error, KVT_REACH_HUNG, "%s: no time left", path);
		return NULL;
	}
	if (!wait_until_free(path, deadline_us)) {
		set_errno(error, path, EAGAIN);
		return NULL;
	}
	fd = kvt_wire_connect(path);
	if (fd < 0) {
		set_errno(error, path, errno);
		return NULL;
	}
	wire = g_new0(struct kvt_wire, 1);
	wire->path = g_strdup(path);
	wire->fd = fd;
	wire->got = g_byte_array_new();
	return wire;
}

void kvt_wire_close(struct kvt_wire *wire)
{
	if (wire == NULL)
		return;
	close(wire->fd);
	g_byte_array_free(wire->got, TRUE);
	g_free(wire->path);
	g_free(wire);
}

/* true if the events came before the deadline */
static bool wait_for(struct kvt_wire *wire, short events, gint64 deadline_us, GError **error)
{
	struct pollfd pollfd = { .fd = wire->fd, .events = events };
	gint64 left_us;

	while ((left_us = deadline_us - g_get_monotonic_time()) > 0) {
		const int n = poll(&pollfd, 1, (int)MIN((left_us + 999) / 1000, 1000000));

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			break;
	}
	kvt_reach_set(error, KVT_REACH_HUNG, "%s: no answer in time", wire->path);
	return false;
}

bool kvt_wire_write(struct kvt_wire *wire, const void *bytes, gsize len, gint64 deadline_us,
		    GError **error)
{
	const char *at = bytes;

	while (len > 0) {
		const ssize_t put = send(wire->fd, at, len, MSG_NOSIGNAL);

		if (put >= 0) {
			at += put;
			len -= (gsize)put;
		} else if (errno == EAGAIN) {
			if (!wait_for(wire, POLLOUT, deadline_us, error))
				return false;
		} else if (errno != EINTR) {
			kvt_reach_set(error, KVT_REACH_GONE, "%s: %s", wire->path,
				      g_strerror(errno));
			return false;
		}
	}
	return true;
}

static char *take_line(struct kvt_wire *wire, gsize *ret_len)
{
	const guint8 *end =
		wire->got->len > 0 ? memchr(wire->got->data, '\n', wire->got->len) : NULL;
	gsize len;
	char *line;

	if (end == NULL)
		return NULL;
	len = (gsize)(end - wire->got->data);
	line = g_malloc(len + 1);
	memcpy(line, wire->got->data, len);
	line[len] = '\0';
	g_byte_array_remove_range(wire->got, 0, (guint)len + 1);
	if (ret_len != NULL)
		*ret_len = len;
	return line;
}

static bool fill(struct kvt_wire *wire, gint64 deadline_us, GError **error)
{
	guint8 chunk[4096];
	ssize_t got;

	do {
		if (!wait_for(wire, POLLIN, deadline_us, error))
			return false;
		got = recv(wire->fd, chunk, sizeof(chunk), 0);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got <= 0) {
		kvt_reach_set(error, KVT_REACH_GONE, "%s: %s", wire->path,
			      got == 0 ? "the other end closed it" : g_strerror(errno));
		return false;
	}
	g_byte_array_append(wire->got, chunk, (guint)got);
	return true;
}

char *kvt_wire_line(struct kvt_wire *wire, gsize *ret_len, gint64 deadline_us, GError **error)
{
	char *line;

	while ((line = take_line(wire, ret_len)) == NULL) {
		if (wire->got->len > KVT_WIRE_LINE_LIMIT) {
			kvt_reach_set(error, KVT_REACH_GARBAGE,
				      "%s: an answer of more than %u bytes", wire->path,
				      KVT_WIRE_LINE_LIMIT);
			return NULL;
		}
		if (!fill(wire, deadline_us, error))
			return NULL;
	}
	return line;
}
