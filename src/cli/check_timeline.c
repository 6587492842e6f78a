/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/check_timeline.h"

#include <stdio.h>
#include <string.h>

#include "check/record.h"
#include "check/target.h"
#include "cli/json.h"
#include "cli/text.h"
#include "guests/timeline.h"
#include "sys/root.h"

#define LOG_LIMIT (64u * 1024u * 1024u)

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

/* what the arguments are, once opened */
struct inputs {
	GPtrArray *sources;  /* struct kvt_source: the logs', the host's first */
	GPtrArray *bytes;    /* GBytes: their texts */
	GPtrArray *recorded; /* struct kvt_recording_guest */
	GPtrArray *keep;     /* arrays that hold them */
	GPtrArray *names;    /* of the logs, then of the recorded guests; owned */
	GArray *offsets_us;  /* gint64, of the guests' logs: one, or as many as there are */
};

static void close_source(gpointer data)
{
	kvt_source_close(data);
}

static void inputs_clear(struct inputs *in)
{
	g_ptr_array_unref(in->bytes);
	g_ptr_array_unref(in->sources);
	g_ptr_array_unref(in->recorded);
	g_ptr_array_unref(in->keep);
	g_ptr_array_unref(in->names);
	g_array_unref(in->offsets_us);
}

static struct inputs inputs_new(void)
{
	return (struct inputs){
		.sources = g_ptr_array_new_with_free_func(close_source),
		.bytes = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
		.recorded = g_ptr_array_new(),
		.keep = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref),
		.names = g_ptr_array_new_with_free_func(g_free),
		.offsets_us = g_array_new(FALSE, FALSE, sizeof(gint64)),
	};
}

/* the log's text: of a recorded machine the kernel's log in it */
static GBytes *log_bytes(const struct kvt_source *source, GError **error)
{
	g_autoptr(kvt_root) root = NULL;
	char *text;
	gsize len;

	if (source->bytes != NULL && !kvt_record_looks_like(source->bytes, source->len))
		return g_bytes_new_static(source->bytes, source->len);
	root = source->bytes != NULL
		       ? kvt_record_parse(source->bytes, source->len, source->name, error)
		       : kvt_root_open(source->name, error);
	text = root != NULL ? kvt_root_read(root, "/kvmtime/log", LOG_LIMIT, &len, error) : NULL;
	return text != NULL ? g_bytes_new_take(text, len) : NULL;
}

static bool open_input(struct inputs *in, const char *name, GError **error)
{
	struct kvt_source *source = kvt_source_open(name, error);
	GBytes *bytes;

	if (source == NULL)
		return false;
	if (source->bytes != NULL && kvt_recording_looks_like(source->bytes, source->len)) {
		GPtrArray *guests = kvt_recording_read(source->bytes, source->len);

		g_ptr_array_extend(in->recorded, guests, NULL, NULL);
		g_ptr_array_add(in->keep, guests);
		kvt_source_close(source);
		return true;
	}
	g_ptr_array_add(in->sources, source);
	bytes = log_bytes(source, error);
	if (bytes == NULL)
		return false;
	g_ptr_array_add(in->bytes, bytes);
	g_ptr_array_add(in->names, g_strdup(name));
	return true;
}

/* the offsets of the recorded guest that a log's file is called after, or NULL */
static const GArray *samples_of(const struct inputs *in, const char *name)
{
	g_autofree char *base = g_path_get_basename(name);

	base[strcspn(base, ".")] = '\0';
	for (guint i = 0; i < in->recorded->len; i++) {
		const struct kvt_recording_guest *guest = in->recorded->pdata[i];

		if (strcmp(guest->name, base) == 0)
			return guest->samples;
	}
	return NULL;
}

static bool add_logs(struct kvt_timeline *timeline, const struct kvt_messages *messages,
		     const struct inputs *in, GDateTime *at, gint64 window_us, GError **error)
{
	for (guint i = 0; i < in->bytes->len; i++) {
		const char *name = in->names->pdata[i];
		const guint n = in->offsets_us->len;
		const gint64 offset_us = i == 0 || n == 0 ? 0
							  : g_array_index(in->offsets_us, gint64,
									  n == 1 ? 0 : i - 1);
		gsize len;
		const char *bytes = g_bytes_get_data(in->bytes->pdata[i], &len);

		if (kvt_timeline_add(timeline, messages, i, bytes, len, at, window_us, offset_us,
				     i > 0 && n == 0 ? samples_of(in, name) : NULL) == 0) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "%s: no line with a wall-clock stamp; syslog, journalctl and "
				    "dmesg -T have them",
				    name);
			return false;
		}
	}
	for (guint i = 0; i < in->recorded->len; i++)
		kvt_timeline_add_recording(timeline, in->bytes->len + i, in->recorded->pdata[i], at,
					   window_us);
	kvt_timeline_join(timeline);
	return true;
}

static bool open_all(struct inputs *in, int count, char **names, GError **error)
{
	for (int i = 0; i < count; i++)
		if (!open_input(in, names[i], error))
			return false;
	for (guint i = 0; i < in->recorded->len; i++) {
		const struct kvt_recording_guest *guest = in->recorded->pdata[i];

		g_ptr_array_add(in->names, g_strdup_printf("watch of %s", guest->name));
	}
	g_ptr_array_add(in->names, NULL);
	return true;
}

/* 0, or the exit status of a wrong command line */
static int read_offsets(struct inputs *in, char **offsets)
{
	const guint n = offsets != NULL ? g_strv_length(offsets) : 0;

	for (guint i = 0; i < n; i++) {
		char *end;
		const double value = g_ascii_strtod(offsets[i], &end);
		const gint64 us = value >= -1e9 && value <= 1e9 ? (gint64)(value * 1e6) : 0;

		if (end == offsets[i] || *end != '\0' || !(value >= -1e9 && value <= 1e9))
			return kvt_usage("check", "--offset takes -1e9 .. 1e9 s, not '%s'",
					 offsets[i]);
		g_array_append_val(in->offsets_us, us);
	}
	if (n > 1 && n + 1 != in->bytes->len)
		return kvt_usage("check",
				 "%u times --offset and %u guests' logs: one for all, or one "
				 "for each",
				 n, in->bytes->len - 1);
	return KVT_STATUS_OK;
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

static int join_and_print(const struct kvt_common *common, const struct inputs *in, GDateTime *at,
			  double window_s)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_messages) messages = kvt_messages_load(&error);
	char **names = (char **)in->names->pdata;
	struct kvt_timeline *timeline;
	int status;

	if (messages == NULL)
		return kvt_fail("check", g_steal_pointer(&error));
	timeline = kvt_timeline_new();
	if (!add_logs(timeline, messages, in, at, (gint64)(window_s * 1e6), &error))
		status = kvt_fail("check", g_steal_pointer(&error));
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

int kvt_check_timeline(const struct kvt_common *common, const char *at_text, double window_s,
		       char **offsets, int count, char **names)
{
	g_autoptr(GDateTime) at = read_time(at_text);
	struct inputs in;
	GError *error = NULL;
	int status;

	if (at == NULL)
		return kvt_usage("check",
				 "--at takes a time such as 2026-11-20T19:31:02+01:00, not '%s'",
				 at_text);
	if (count < 2)
		return kvt_usage("check",
				 "--at takes the host's log and at least one guest's, or a "
				 "recording of watch");
	if (!(window_s > 0 && window_s <= 1e7))
		return kvt_usage("check", "--window takes 0 .. 1e7 s");
	in = inputs_new();
	if (!open_all(&in, count, names, &error))
		status = kvt_fail("check", error);
	else if (in.bytes->len == 0)
		status = kvt_usage("check", "--at takes the host's log first");
	else {
		status = read_offsets(&in, offsets);
		if (status == KVT_STATUS_OK)
			status = join_and_print(common, &in, at, window_s);
	}
	inputs_clear(&in);
	return status;
}
