/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/timeline.h"

#include <stdio.h>
#include <string.h>

#define LINE_LIMIT  4096
#define SLACK_US    (2 * G_USEC_PER_SEC) /* stamps of whole seconds, on both sides */
#define HALF_YEAR_S (183 * 86400)
#define YEAR_9999_S INT64_C(253402300799)

static void clear_event(gpointer data)
{
	g_free(((struct kvt_timeline_event *)data)->text);
}

static void clear_gap(gpointer data)
{
	g_array_unref(((struct kvt_timeline_gap *)data)->causes);
}

struct kvt_timeline *kvt_timeline_new(void)
{
	struct kvt_timeline *timeline = g_new0(struct kvt_timeline, 1);

	timeline->events = g_array_new(FALSE, FALSE, sizeof(struct kvt_timeline_event));
	g_array_set_clear_func(timeline->events, clear_event);
	timeline->gaps = g_array_new(FALSE, FALSE, sizeof(struct kvt_timeline_gap));
	g_array_set_clear_func(timeline->gaps, clear_gap);
	return timeline;
}

void kvt_timeline_free(struct kvt_timeline *timeline)
{
	if (timeline == NULL)
		return;
	g_array_unref(timeline->events);
	g_array_unref(timeline->gaps);
	g_free(timeline);
}

/* ---- stamps ---- */

static int month_of(const char *name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *at = strlen(name) == 3 ? strstr(names, name) : NULL;

	return at != NULL && (at - names) % 3 == 0 ? (int)(at - names) / 3 + 1 : 0;
}

static bool set_time(GDateTime *time, gint64 *ret_utc_us)
{
	if (time == NULL)
		return false;
	*ret_utc_us =
		g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
	g_date_time_unref(time);
	return true;
}

/* without a year: the one that is nearest */
static bool set_syslog(const int part[5], GDateTime *near, gint64 *ret_utc_us)
{
	const int year = g_date_time_get_year(near);
	gint64 best_us = 0;
	bool found = false;

	for (int y = year - 1; y <= year + 1; y++) {
		gint64 us;

		if (!set_time(g_date_time_new(g_date_time_get_timezone(near), y, part[0], part[1],
					      part[2], part[3], part[4]),
			      &us))
			continue;
		if (ABS(us / G_USEC_PER_SEC - g_date_time_to_unix(near)) <= HALF_YEAR_S)
			best_us = us, found = true;
	}
	if (found)
		*ret_utc_us = best_us;
	return found;
}

bool kvt_timeline_stamp(const char *line, gsize len, GDateTime *near, gint64 *ret_utc_us)
{
	g_autofree char *head = g_strndup(line, MIN(len, 48));
	char month[4] = "";
	int part[5] = { 0 }, year;

	if (sscanf(head, "[%*3s %3s %2d %2d:%2d:%2d %4d]", month, &part[1], &part[2], &part[3],
		   &part[4], &year) == 6 &&
	    (part[0] = month_of(month)) != 0)
		return set_time(g_date_time_new(g_date_time_get_timezone(near), year, part[0],
						part[1], part[2], part[3], part[4]),
				ret_utc_us);
	if (sscanf(head, "%3s %2d %2d:%2d:%2d", month, &part[1], &part[2], &part[3], &part[4]) ==
		    5 &&
	    (part[0] = month_of(month)) != 0)
		return set_syslog(part, near, ret_utc_us);
	if (g_ascii_isdigit(head[0]) && strlen(head) > 18 && head[4] == '-') {
		head[10] = 'T';
		head[10 + strcspn(head + 10, " ")] = '\0';
		return set_time(g_date_time_new_from_iso8601(head, g_date_time_get_timezone(near)),
				ret_utc_us);
	}
	return false;
}

/* "[ 12.345678] text", in us; as dmesg prints it */
static bool boot_stamp(const char *line, gsize len, gint64 *ret_us)
{
	g_autofree char *head = g_strndup(line, MIN(len, 40));
	char *end;
	double seconds;

	if (head[0] != '[')
		return false;
	seconds = g_ascii_strtod(head + 1, &end);
	if (end == head + 1 || *end != ']' || !(seconds >= 0 && seconds < 1e10))
		return false;
	*ret_us = (gint64)(seconds * G_USEC_PER_SEC);
	return true;
}

bool kvt_timeline_boot(const char *bytes, gsize len, gint64 *ret_utc_us)
{
	static const char words[] = "setting system clock to ";

	for (gsize start = 0; start < len;) {
		const char *end = memchr(bytes + start, '\n', len - start);
		const gsize width = end != NULL ? (gsize)(end - bytes) - start : len - start;
		g_autofree char *line = g_strndup(bytes + start, MIN(width, LINE_LIMIT));
		const char *at = strstr(line, words);
		gint64 stamp_us, epoch_s;

		start += width + 1;
		at = at != NULL ? strchr(at, '(') : NULL;
		if (at == NULL || !boot_stamp(line, strlen(line), &stamp_us))
			continue;
		epoch_s = g_ascii_strtoll(at + 1, NULL, 10);
		if (epoch_s <= 0 || epoch_s > YEAR_9999_S)
			continue;
		*ret_utc_us = epoch_s * G_USEC_PER_SEC - stamp_us;
		return true;
	}
	return false;
}

/* ---- events ---- */

static void add_event(struct kvt_timeline *timeline, const struct kvt_messages *messages, guint log,
		      guint64 number, gint64 utc_us, const char *line, gsize len)
{
	g_autofree char *raw = g_strndup(line, MIN(len, LINE_LIMIT));
	g_autofree char *text = g_utf8_make_valid(raw, -1);
	g_autoptr(GPtrArray) matches = kvt_messages_match(messages, text);
	struct kvt_timeline_event event = { .utc_us = utc_us, .log = log, .line = number };

	if (matches->len == 0)
		return;
	if (timeline->events->len >= KVT_TIMELINE_EVENTS) {
		timeline->cut = true;
		return;
	}
	event.message = matches->pdata[0];
	event.text = g_steal_pointer(&text);
	g_array_append_val(timeline->events, event);
}

guint64 kvt_timeline_add(struct kvt_timeline *timeline, const struct kvt_messages *messages,
			 guint log, const char *bytes, gsize len, GDateTime *at, gint64 window_us,
			 gint64 offset_us, const GArray *samples)
{
	const gint64 at_us =
		g_date_time_to_unix(at) * G_USEC_PER_SEC + g_date_time_get_microsecond(at);
	guint64 stamped = 0, number = 0;
	gint64 boot_us = 0;
	const bool booted = kvt_timeline_boot(bytes, len, &boot_us);

	for (gsize start = 0; start < len;) {
		const char *end = memchr(bytes + start, '\n', len - start);
		const gsize width = end != NULL ? (gsize)(end - bytes) - start : len - start;
		gint64 utc_us;
		bool known = kvt_timeline_stamp(bytes + start, width, at, &utc_us);

		if (!known && booted && boot_stamp(bytes + start, width, &utc_us)) {
			known = true;
			utc_us += boot_us;
		}
		number++;
		if (known) {
			stamped++;
			utc_us -= samples != NULL && samples->len > 0
					  ? kvt_recording_offset(samples, utc_us)
					  : offset_us;
			if (utc_us >= at_us - window_us && utc_us <= at_us + window_us)
				add_event(timeline, messages, log, number, utc_us, bytes + start,
					  width);
		}
		start += width + 1;
	}
	return stamped;
}

/* an event of a recording: no log has a line for it */
static struct kvt_message recorded = { .id = (char[]){ "watch" },
				       .title = (char[]){ "kvmtime watch saw its clock move" },
				       .cause = (char[]){ "" } };

void kvt_timeline_add_recording(struct kvt_timeline *timeline, guint log,
				const struct kvt_recording_guest *guest, GDateTime *at,
				gint64 window_us)
{
	const gint64 at_us =
		g_date_time_to_unix(at) * G_USEC_PER_SEC + g_date_time_get_microsecond(at);

	for (guint i = 1; i < guest->samples->len; i++) {
		const struct kvt_recording_sample *sample =
			&g_array_index(guest->samples, struct kvt_recording_sample, i);
		const gint64 moved_us = kvt_recording_moved(guest->samples, i);
		struct kvt_timeline_event event = { .utc_us = sample->host_us,
						    .log = log,
						    .line = sample->line,
						    .message = &recorded };

		if (moved_us == 0 || sample->host_us < at_us - window_us ||
		    sample->host_us > at_us + window_us ||
		    timeline->events->len >= KVT_TIMELINE_EVENTS)
			continue;
		event.gap_us = sample->host_us - (sample - 1)->host_us;
		event.text = g_strdup_printf(
			"%s %s %.6f s in %.1f s", guest->name, moved_us < 0 ? "lost" : "gained",
			ABS((double)moved_us) / 1e6, (double)event.gap_us / 1e6);
		g_array_append_val(timeline->events, event);
	}
}

/* ---- gaps ---- */

/* how long a guest's line says that it missed, in us; 0 = it says nothing of the kind */
static gint64 missed_us(const char *text)
{
	const char *at = strstr(text, "(delta = ");
	double value;

	if (at != NULL)
		return (gint64)(ABS(g_ascii_strtoll(at + 9, NULL, 10) / 1000));
	at = strstr(text, "System clock wrong by ");
	value = at != NULL ? g_ascii_strtod(at + 22, NULL) : 0;
	if (at == NULL) {
		at = strstr(text, "jump detected! (correction ");
		value = at != NULL ? g_ascii_strtod(at + 27, NULL) : 0;
	}
	return value > -1e9 && value < 1e9 ? (gint64)(ABS(value) * G_USEC_PER_SEC) : 0;
}

static gint by_time(gconstpointer a, gconstpointer b)
{
	const struct kvt_timeline_event *left = a, *right = b;

	return left->utc_us < right->utc_us ? -1 : left->utc_us > right->utc_us;
}

static void add_gap(struct kvt_timeline *timeline, guint index, gint64 missed)
{
	const struct kvt_timeline_event *shown =
		&g_array_index(timeline->events, struct kvt_timeline_event, index);
	struct kvt_timeline_gap gap = { .event = index,
					.from_us = shown->utc_us - missed,
					.to_us = shown->utc_us,
					.causes = g_array_new(FALSE, FALSE, sizeof(guint)) };

	for (guint i = 0; i < timeline->events->len; i++) {
		const struct kvt_timeline_event *event =
			&g_array_index(timeline->events, struct kvt_timeline_event, i);

		if (event->log == 0 && event->utc_us >= gap.from_us - SLACK_US &&
		    event->utc_us <= gap.to_us + SLACK_US)
			g_array_append_val(gap.causes, i);
	}
	g_array_append_val(timeline->gaps, gap);
}

void kvt_timeline_join(struct kvt_timeline *timeline)
{
	g_array_sort(timeline->events, by_time);
	for (guint i = 0; i < timeline->events->len; i++) {
		const struct kvt_timeline_event *event =
			&g_array_index(timeline->events, struct kvt_timeline_event, i);
		const gint64 missed = event->log == 0      ? 0
				      : event->gap_us != 0 ? event->gap_us
							   : missed_us(event->text);

		if (missed > 0)
			add_gap(timeline, i, missed);
	}
}
