/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fix/place.h"
#include "fix/step.h"
#include "sys/error.h"

static int open_switch(int tree, const char *path, int flags, GError **error)
{
	g_auto(kvt_place) place = { .dir = -1 };
	int fd;

	if (!kvt_place_open(tree, path, NULL, &place, error))
		return -1;
	fd = openat(place.dir, place.name, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		kvt_error_errno(error, path, errno);
	return fd;
}

char *kvt_switch_read(int tree, const char *path, GError **error)
{
	const int fd = open_switch(tree, path, O_RDONLY, error);
	char line[4096];
	ssize_t len;

	if (fd < 0)
		return NULL;
	len = read(fd, line, sizeof(line) - 1);
	if (len < 0)
		kvt_error_errno(error, path, errno);
	close(fd);
	if (len < 0)
		return NULL;
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return g_strdup(g_strstrip(line));
}

/* module parameters read back as Y and N */
static const char *plain(const char *value)
{
	return strcmp(value, "Y") == 0 ? "1" : strcmp(value, "N") == 0 ? "0" : value;
}

bool kvt_switch_set(int tree, const char *path, const char *value, GError **error)
{
	const int fd = open_switch(tree, path, O_WRONLY, error);
	g_autofree char *line = g_strconcat(value, "\n", NULL);
	g_autofree char *now = NULL;
	ssize_t put;

	if (fd < 0)
		return false;
	STEP("before the switch");
	if (ftruncate(fd, 0) < 0)
		errno = 0; /* sysfs has nothing to cut */
	put = write(fd, line, strlen(line));
	if (put < 0)
		kvt_error_errno(error, path, errno);
	close(fd);
	if (put < 0)
		return false;
	STEP("switched");
	now = kvt_switch_read(tree, path, error);
	if (now == NULL)
		return false;
	if (strcmp(plain(now), plain(value)) == 0)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
		    "%s: '%s' was written, but '%s' is read back", path, value, now);
	return false;
}
