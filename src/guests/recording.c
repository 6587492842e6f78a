/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/recording.h"

#include <string.h>

#include "guests/agent.h"

#define SAMPLES_LIMIT 1000000
#define OFFSET_LIMIT  INT64_C(1000000000000000000) /* ns: 31 years */

static void free_guest(gpointer data)
{
	struct kvt_recording_guest *guest = data;

	g_array_unref(guest->samples);
	g_free(guest->name);
	g_free(guest);
}

/* one of watch's lines, or NULL; owned */
static JsonObject *watch_line(const char *line, gsize len)
{
	JsonObject *object = kvt_agent_parse(line, len, NULL);
	JsonNode *schema = object != NULL ? json_object_get_member(object, "schema") : NULL;

	if (schema != NULL && g_strcmp0(json_node_get_string(schema), "kvmtime.watch/1") == 0)
		return object;
	if (object != NULL)
		json_object_unref(object);
	return NULL;
}

static const char *text_of(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
}

static bool read_us(JsonObject *object, const char *name, gint64 *ret_us)
{
	const char *text = text_of(object, name);
	gint64 ns;

	if (text == NULL ||
	    !g_ascii_string_to_signed(text, 10, -OFFSET_LIMIT, OFFSET_LIMIT, &ns, NULL))
		return false;
	*ret_us = ns / 1000;
	return true;
}

static bool read_sample(JsonObject *line, struct kvt_recording_sample *ret_sample)
{
	JsonNode *node = json_object_get_member(line, "offset");
	JsonObject *offset =
		node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	const char *text = offset != NULL ? text_of(offset, "time") : NULL;
	g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;

	if (time == NULL || !read_us(offset, "offset_ns", &ret_sample->offset_us) ||
	    !read_us(offset, "bound_ns", &ret_sample->bound_us) || ret_sample->bound_us < 0)
		return false;
	ret_sample->host_us =
		g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
	return true;
}

static struct kvt_recording_guest *guest_named(GPtrArray *guests, const char *name)
{
	struct kvt_recording_guest *guest;

	for (guint i = 0; i < guests->len; i++) {
		guest = guests->pdata[i];
		if (strcmp(guest->name, name) == 0)
			return guest;
	}
	guest = g_new0(struct kvt_recording_guest, 1);
	guest->name = g_strdup(name);
	guest->samples = g_array_new(FALSE, FALSE, sizeof(struct kvt_recording_sample));
	g_ptr_array_add(guests, guest);
	return guest;
}

static void add_line(GPtrArray *guests, JsonObject *line, guint64 number)
{
	const char *name = text_of(line, "target");
	struct kvt_recording_sample sample = { .line = number };
	struct kvt_recording_guest *guest;

	if (name == NULL || !read_sample(line, &sample))
		return;
	guest = guest_named(guests, name);
	/* a host whose clock was set back: what was before cannot be put in order any more */
	while (guest->samples->len > 0 &&
	       g_array_index(guest->samples, struct kvt_recording_sample, guest->samples->len - 1)
			       .host_us >= sample.host_us)
		g_array_set_size(guest->samples, guest->samples->len - 1);
	if (guest->samples->len < SAMPLES_LIMIT)
		g_array_append_val(guest->samples, sample);
}

bool kvt_recording_looks_like(const char *bytes, gsize len)
{
	const char *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
	JsonObject *line;

	if (len == 0 || bytes[0] != '{')
		return false;
	line = watch_line(bytes, end != NULL ? (gsize)(end - bytes) : len);
	if (line != NULL)
		json_object_unref(line);
	return line != NULL;
}

GPtrArray *kvt_recording_read(const char *bytes, gsize len)
{
	GPtrArray *guests = g_ptr_array_new_with_free_func(free_guest);
	guint64 number = 0;

	for (gsize start = 0; start < len;) {
		const char *end = memchr(bytes + start, '\n', len - start);
		const gsize width = end != NULL ? (gsize)(end - bytes) - start : len - start;
		JsonObject *line = watch_line(bytes + start, width);

		number++;
		if (line != NULL) {
			add_line(guests, line, number);
			json_object_unref(line);
		}
		start += width + 1;
	}
	return guests;
}

static const struct kvt_recording_sample *sample_at(const GArray *samples, guint index)
{
	return &g_array_index(samples, struct kvt_recording_sample, index);
}

gint64 kvt_recording_offset(const GArray *samples, gint64 guest_us)
{
	gint64 offset_us = sample_at(samples, 0)->offset_us;

	for (guint i = 1; i < samples->len; i++)
		if (sample_at(samples, i)->host_us + sample_at(samples, i)->offset_us <= guest_us)
			offset_us = sample_at(samples, i)->offset_us;
	return offset_us;
}

gint64 kvt_recording_moved(const GArray *samples, guint index)
{
	const struct kvt_recording_sample *before, *now = sample_at(samples, index);
	gint64 moved_us, allowed_us;

	if (index == 0)
		return 0;
	before = sample_at(samples, index - 1);
	moved_us = now->offset_us - before->offset_us;
	allowed_us = before->bound_us + now->bound_us + (now->host_us - before->host_us) / 2000;
	return moved_us > allowed_us || moved_us < -allowed_us ? moved_us : 0;
}
