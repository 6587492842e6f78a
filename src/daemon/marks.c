/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/error.h"

static int64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char *boot_id(void)
{
	char *text = NULL;

	if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
		return g_strdup("unknown");
	return g_strstrip(text);
}

/* An id may hold any byte: its digest is a file name. */
static char *file_of(const char *folder, const char *id)
{
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);

	digest[32] = '\0';
	return g_build_filename(folder, digest, NULL);
}

bool kvt_marks_open(const char *folder, GError **error)
{
	if (g_mkdir_with_parents(folder, 0700) == 0 && access(folder, R_OK | W_OK | X_OK) == 0)
		return true;
	kvt_error_errno(error, folder, errno);
	return false;
}

bool kvt_marks_put(const char *folder, const char *id, int64_t offset_ns)
{
	g_autofree char *path = file_of(folder, id), *boot = boot_id(), *text = NULL;
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool done;
	gsize len;

	if (fd < 0)
		return false;
	text = g_strdup_printf("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", boot, boot_ns(),
			       offset_ns);
	len = strlen(text);
	done = write(fd, text, len) == (gssize)len;
	close(fd);
	return done;
}

int64_t kvt_marks_age_ns(const char *folder, const char *id)
{
	g_autofree char *path = file_of(folder, id), *boot = boot_id(), *text = NULL;
	g_auto(GStrv) words = NULL;
	gint64 at_ns;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	words = g_strsplit(text, " ", 3);
	if (words[0] == NULL || words[1] == NULL)
		return 1; /* cut off while it was written: the order was about to leave */
	if (strcmp(words[0], boot) != 0)
		return 0;
	at_ns = g_ascii_strtoll(words[1], NULL, 10);
	return MAX(boot_ns() - at_ns, 1);
}

void kvt_marks_drop(const char *folder, const char *id)
{
	g_autofree char *path = file_of(folder, id);

	unlink(path);
}
