/* SPDX-License-Identifier: BSD-2-Clause */
/* The stamps of a log's lines, a kernel's own start, and a recording of watch, as anything at all.
 */
#include <stdlib.h>

#include "guests/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* a stamp that is taken can be written, and read again */
static void check_stamp(const char *bytes, gsize len, GDateTime *near)
{
	g_autoptr(GDateTime) read = NULL;
	gint64 us;

	if (!kvt_timeline_stamp(bytes, len, near, &us))
		return;
	read = g_date_time_new_from_unix_utc(us / G_USEC_PER_SEC);
	if (read == NULL)
		abort();
}

static void check_recording(const char *bytes, gsize len, struct kvt_timeline *timeline,
			    GDateTime *at)
{
	g_autoptr(GPtrArray) guests = kvt_recording_read(bytes, len);

	(void)kvt_recording_looks_like(bytes, len);
	for (guint i = 0; i < guests->len; i++) {
		const struct kvt_recording_guest *guest = guests->pdata[i];

		for (guint j = 1; j < guest->samples->len; j++)
			if (g_array_index(guest->samples, struct kvt_recording_sample, j).host_us <=
			    g_array_index(guest->samples, struct kvt_recording_sample, j - 1)
				    .host_us)
				abort();
		kvt_timeline_add_recording(timeline, i + 1, guest, at, G_MAXINT32);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kvt_messages *messages;
	const char *bytes = (const char *)data;
	g_autoptr(GDateTime) at = g_date_time_new_utc(2026, 11, 20, 3, 10, 20);
	struct kvt_timeline *timeline = kvt_timeline_new();
	gint64 boot_us;

	if (messages == NULL)
		messages = kvt_messages_load(NULL);
	g_assert(messages != NULL);
	check_stamp(bytes, size, at);
	(void)kvt_timeline_boot(bytes, size, &boot_us);
	kvt_timeline_add(timeline, messages, 0, bytes, size, at, G_MAXINT32, 0, NULL);
	kvt_timeline_add(timeline, messages, 1, bytes, size, at, G_MAXINT32, -5, NULL);
	check_recording(bytes, size, timeline, at);
	kvt_timeline_join(timeline);
	kvt_timeline_free(timeline);
	return 0;
}
