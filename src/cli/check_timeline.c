/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/check_timeline.h"

#include <stdio.h>
#include <string.h>

#include "check/target.h"
#include "cli/json.h"
#include "cli/text.h"
#include "guests/timeline.h"

static GDateTime *read_time(const char *text)
{
	g_autoptr(GTimeZone) local = g_time_zone_new_local();
	g_autofree char *copy = g_strdup(text);

	if (strlen(copy) > 10 && copy[10] == ' ')
		copy[10] = 'T';
	return g_date_time_new_from_iso8601(copy, local);
}

static const struct kvt_timeline_event *event_at(const struct kvt_timeline *timeline, guint i)
{
	return &g_array_index(timeline->events, struct kvt_timeline_event, i);
}

static bool add_logs(struct kvt_timeline *timeline, const struct kvt_messages *messages,
		     GDateTime *at, gint64 window_us, gint64 offset_us, int count, char **names,
		     GError **error)
{
	for (int i = 0; i < count; i++) {
		g_autoptr(kvt_source) source = kvt_source_open(names[i], error);

		if (source == NULL)
			return false;
		if (source->bytes == NULL ||
		    kvt_timeline_add(timeline, messages, (guint)i, source->bytes, source->len, at,
				     window_us, i > 0 ? offset_us : 0) == 0) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "%s: no line with a wall-clock stamp; syslog, journalctl and "
				    "dmesg -T have them",
				    names[i]);
			return false;
		}
	}
	kvt_timeline_join(timeline);
	return true;
}

/* ---- text ---- */

static char *clock_of(gint64 utc_us, GDateTime *at)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_us / G_USEC_PER_SEC);
	g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, g_date_time_get_timezone(at));

	return g_date_time_format(local, "%H:%M:%S");
}

static void print_gap(const struct kvt_timeline *timeline, const struct kvt_timeline_gap *gap,
		      GDateTime *at, char **names)
{
	const struct kvt_timeline_event *shown = event_at(timeline, gap->event);
	g_autofree char *from = clock_of(gap->from_us, at), *to = clock_of(gap->to_us, at);
	g_autofree char *size = kvt_text_ns((double)(gap->to_us - gap->from_us) * 1e3, false);

	printf("gap   %s: %s, %s to %s (line %" G_GUINT64_FORMAT ": %s)\n", names[shown->log], size,
	       from, to, shown->line, shown->message->title);
	for (guint i = 0; i < gap->causes->len; i++) {
		const struct kvt_timeline_event *cause =
			event_at(timeline, g_array_index(gap->causes, guint, i));
		g_autofree char *when = clock_of(cause->utc_us, at);
		g_autofree char *text =
			g_strdup_printf("in it, at %s, on the host: %s. %s", when,
					cause->message->title, cause->message->cause);

		kvt_text_wrap(6, text);
	}
	if (gap->causes->len == 0)
		printf("      no known event of the host falls into it\n");
}

static void print_text(const struct kvt_timeline *timeline, GDateTime *at, char **names)
{
	g_autofree char *when = g_date_time_format_iso8601(at);

	printf("Around %s: %u gap%s, %u event%s.\n\n", when, timeline->gaps->len,
	       timeline->gaps->len == 1 ? "" : "s", timeline->events->len,
	       timeline->events->len == 1 ? "" : "s");
	for (guint i = 0; i < timeline->gaps->len; i++)
		print_gap(timeline, &g_array_index(timeline->gaps, struct kvt_timeline_gap, i), at,
			  names);
	if (timeline->gaps->len > 0)
		printf("\n");
	for (guint i = 0; i < timeline->events->len; i++) {
		const struct kvt_timeline_event *event = event_at(timeline, i);
		g_autofree char *clock = clock_of(event->utc_us, at);
		g_autofree char *text = kvt_text_printable(event->text);

		printf("%s  %-5s  %s: %s\n", clock, event->log == 0 ? "host" : "guest",
		       names[event->log], text);
	}
	if (timeline->cut)
		printf("... and more; a smaller --window shows them all\n");
}

/* ---- JSON ---- */

static void json_time(JsonBuilder *b, const char *name, gint64 utc_us)
{
	g_autofree char *text = kvt_json_time(utc_us);

	kvt_json_string(b, name, text);
}

static void json_events(JsonBuilder *b, const struct kvt_timeline *timeline, char **names)
{
	json_builder_set_member_name(b, "events");
	json_builder_begin_array(b);
	for (guint i = 0; i < timeline->events->len; i++) {
		const struct kvt_timeline_event *event = event_at(timeline, i);

		json_builder_begin_object(b);
		json_time(b, "time", event->utc_us);
		kvt_json_string(b, "side", event->log == 0 ? "host" : "guest");
		kvt_json_string(b, "log", names[event->log]);
		kvt_json_int(b, "line", (int64_t)event->line);
		kvt_json_string(b, "message", event->message->id);
		kvt_json_string(b, "title", event->message->title);
		kvt_json_string(b, "text", event->text);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void json_gaps(JsonBuilder *b, const struct kvt_timeline *timeline)
{
	json_builder_set_member_name(b, "gaps");
	json_builder_begin_array(b);
	for (guint i = 0; i < timeline->gaps->len; i++) {
		const struct kvt_timeline_gap *gap =
			&g_array_index(timeline->gaps, struct kvt_timeline_gap, i);

		json_builder_begin_object(b);
		kvt_json_int(b, "event", gap->event);
		json_time(b, "from", gap->from_us);
		json_time(b, "to", gap->to_us);
		json_builder_set_member_name(b, "host_events");
		json_builder_begin_array(b);
		for (guint j = 0; j < gap->causes->len; j++)
			json_builder_add_int_value(b, g_array_index(gap->causes, guint, j));
		json_builder_end_array(b);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void print_json(const struct kvt_timeline *timeline, GDateTime *at, char **names)
{
	JsonBuilder *b = kvt_json_begin("kvmtime.timeline/1", names[0], !timeline->cut);

	json_time(b, "at", g_date_time_to_unix(at) * G_USEC_PER_SEC);
	json_events(b, timeline, names);
	json_gaps(b, timeline);
	kvt_json_end(b, true);
}

int kvt_check_timeline(const struct kvt_common *common, const char *at_text, double window_s,
		       double offset_s, int count, char **names)
{
	g_autoptr(GDateTime) at = read_time(at_text);
	g_autoptr(kvt_messages) messages = NULL;
	struct kvt_timeline *timeline;
	GError *error = NULL;
	int status;

	if (at == NULL)
		return kvt_usage("check",
				 "--at takes a time such as 2026-11-20T19:31:02+01:00, not '%s'",
				 at_text);
	if (count < 2)
		return kvt_usage("check", "--at takes the host's log and at least one guest's");
	if (!(window_s > 0 && window_s <= 1e7) || !(offset_s >= -1e9 && offset_s <= 1e9))
		return kvt_usage("check", "--window takes 0 .. 1e7 s, --offset -1e9 .. 1e9 s");
	messages = kvt_messages_load(&error);
	if (messages == NULL)
		return kvt_fail("check", error);
	timeline = kvt_timeline_new();
	if (!add_logs(timeline, messages, at, (gint64)(window_s * 1e6), (gint64)(offset_s * 1e6),
		      count, names, &error))
		status = kvt_fail("check", error);
	else {
		status = timeline->gaps->len > 0 ? KVT_STATUS_FOUND : KVT_STATUS_OK;
		if (common->json)
			print_json(timeline, at, names);
		else if (!common->quiet)
			print_text(timeline, at, names);
	}
	kvt_timeline_free(timeline);
	return status;
}
