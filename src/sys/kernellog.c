/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "sys/error.h"
#include "sys/timepages.h"

#define LOG_LIMIT (16u * KVT_ROOT_FILE_LIMIT)

/*
 * A record of /dev/kmsg is "priority,sequence,microseconds,flags;text\n" and then lines of keys.
 * Written as dmesg does: "[seconds.microseconds] text".
 */
static void append_record(GString *log, char *record)
{
	char *text = strchr(record, ';');
	const char *field = record;
	guint64 us;

	if (text == NULL)
		return;
	for (int i = 0; i < 2 && field != NULL; i++)
		field = (field = strchr(field, ',')) != NULL ? field + 1 : NULL;
	us = field != NULL && field < text ? g_ascii_strtoull(field, NULL, 10) : 0;
	text++;
	text[strcspn(text, "\n")] = '\0';
	g_string_append_printf(log, "[%5" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT "] %s\n",
			       us / 1000000, us % 1000000, text);
}

static char *read_kmsg(const struct kvt_calls *calls)
{
	const int fd = calls->open(calls->context, "/dev/kmsg", O_RDONLY | O_NONBLOCK);
	GString *log;
	char record[8193];

	if (fd < 0)
		return NULL;
	log = g_string_new(NULL);
	while (log->len < LOG_LIMIT) {
		const gssize got = calls->read(calls->context, fd, record, sizeof(record) - 1);

		if (got == -EPIPE || got == -EINTR) /* EPIPE: overwritten while we read; go on */
			continue;
		if (got <= 0)
			break;
		record[got] = '\0';
		append_record(log, record);
	}
	calls->close(calls->context, fd);
	if (log->len > 0)
		return g_string_free(log, FALSE);
	g_string_free(log, TRUE);
	return NULL;
}

char *kvt_kernel_log(const struct kvt_root *root, const struct kvt_calls *calls)
{
	static const char *const files[] = { "/var/log/dmesg", "/var/log/kern.log" };
	char *log = kvt_root_is_live(root) ? read_kmsg(calls) : NULL;

	/* a file of a live machine may be of an earlier boot */
	for (guint i = 0; i < G_N_ELEMENTS(files) && log == NULL && !kvt_root_is_live(root); i++)
		log = kvt_root_read(root, files[i], LOG_LIMIT, NULL, NULL);
	return log;
}
