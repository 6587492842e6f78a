/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal as JSON: one flat object a record; values are strings, null, arrays of byte values (a
 * message that is no UTF-8) or arrays of strings. A parser of documents would hold 100 MB of it;
 * this one holds a record.
 */
#include "check/journal.h"

#include <stdbool.h>
#include <string.h>

#define HEAD_LIMIT    4096
#define MESSAGE_LIMIT 4096 /* of one message's bytes */

struct record {
	GString *message, *host, *identifier, *pid, *stamp;
};

struct reader {
	const char *at, *end;
	struct record record;
};

static void skip_space(struct reader *r)
{
	while (r->at < r->end && (g_ascii_isspace(*r->at) || *r->at == ',' || *r->at == 0x1e))
		r->at++;
}

static bool is_next(struct reader *r, char c)
{
	skip_space(r);
	return r->at < r->end && *r->at == c;
}

/* ---- values ---- */

static void put_char(GString *out, gunichar c)
{
	if (out == NULL || out->len >= MESSAGE_LIMIT)
		return;
	if (c < 0x20 || c == 0x7f)
		g_string_append_c(out, ' ');
	else
		g_string_append_unichar(out, c);
}

static gunichar hex4(struct reader *r)
{
	gunichar c = 0;

	for (int i = 0; i < 4 && r->at < r->end && g_ascii_isxdigit(*r->at); i++)
		c = c << 4 | (gunichar)g_ascii_xdigit_value(*r->at++);
	return c;
}

static void escape(struct reader *r, GString *out)
{
	const char c = r->at < r->end ? *r->at++ : ' ';

	if (c == 'u') {
		const gunichar unit = hex4(r);

		put_char(out, g_unichar_validate(unit) ? unit : 0xfffd);
	} else
		put_char(out, strchr("bfnrt", c) != NULL ? ' ' : (guchar)c);
}

/* the reader stands at the opening quote; false if the end comes first */
static bool string(struct reader *r, GString *out)
{
	for (r->at++; r->at < r->end && *r->at != '"';) {
		const char c = *r->at++;

		if (c == '\\')
			escape(r, out);
		else if (out != NULL && out->len < MESSAGE_LIMIT)
			g_string_append_c(out, g_ascii_iscntrl(c) ? ' ' : c);
	}
	return r->at++ < r->end;
}

/* bytes as numbers, or strings of which the first counts */
static bool array(struct reader *r, GString *out)
{
	for (r->at++; !is_next(r, ']');) {
		if (r->at >= r->end)
			return false;
		if (*r->at == '"') {
			if (!string(r, out))
				return false;
			out = NULL;
		} else if (g_ascii_isdigit(*r->at)) {
			guint byte = 0;

			for (; r->at < r->end && g_ascii_isdigit(*r->at); r->at++)
				byte = (byte * 10 + (guint)(*r->at - '0')) & 0xfff;
			put_char(out, byte < 0x80 ? byte : 0xfffd);
		} else
			r->at++;
	}
	r->at++;
	return true;
}

static bool value(struct reader *r, GString *out)
{
	if (is_next(r, '"'))
		return string(r, out);
	if (is_next(r, '['))
		return array(r, out);
	while (r->at < r->end && *r->at != ',' && *r->at != '}' && *r->at != '\n')
		r->at++;
	return r->at < r->end;
}

/* ---- records ---- */

static GString *field(struct record *record, const char *key)
{
	if (strcmp(key, "MESSAGE") == 0)
		return record->message;
	if (strcmp(key, "_HOSTNAME") == 0)
		return record->host;
	if (strcmp(key, "SYSLOG_IDENTIFIER") == 0)
		return record->identifier;
	if (strcmp(key, "_PID") == 0)
		return record->pid;
	return strcmp(key, "__REALTIME_TIMESTAMP") == 0 ? record->stamp : NULL;
}

static void clear(struct record *record)
{
	GString *const all[] = { record->message, record->host, record->identifier, record->pid,
				 record->stamp };

	for (guint i = 0; i < G_N_ELEMENTS(all); i++)
		g_string_truncate(all[i], 0);
}

/* the reader stands at the opening brace; false if the end comes first */
static bool object(struct reader *r)
{
	g_autoptr(GString) key = g_string_new(NULL);

	clear(&r->record);
	for (r->at++; !is_next(r, '}');) {
		g_string_truncate(key, 0);
		if (!is_next(r, '"') || !string(r, key) || !is_next(r, ':'))
			return false;
		r->at++;
		if (!value(r, field(&r->record, key->str)))
			return false;
	}
	r->at++;
	return true;
}

static void print(const struct record *record, GString *out)
{
	const gint64 us = g_ascii_strtoll(record->stamp->str, NULL, 10);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(us / G_USEC_PER_SEC);
	g_autofree char *seconds =
		time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : NULL;

	if (record->message->len == 0)
		return;
	g_string_append_printf(
		out, "%s.%06dZ %s %s", seconds != NULL ? seconds : "1970-01-01T00:00:00",
		(int)(ABS(us) % G_USEC_PER_SEC), record->host->len > 0 ? record->host->str : "-",
		record->identifier->len > 0 ? record->identifier->str : "-");
	if (record->pid->len > 0)
		g_string_append_printf(out, "[%s]", record->pid->str);
	g_string_append_printf(out, ": %s\n", record->message->str);
}

static bool looks_like(const char *bytes, gsize len)
{
	g_autofree char *head = g_strndup(bytes, MIN(len, HEAD_LIMIT));
	const char *first = head + strspn(head, " \t\r\n\x1e");

	if (g_str_has_prefix(first, "data: "))
		first += strlen("data: ");
	return first[0] == '{' && (strstr(first, "\"__REALTIME_TIMESTAMP\"") != NULL ||
				   strstr(first, "\"__CURSOR\"") != NULL);
}

GBytes *kvt_journal_lines(const char *bytes, gsize len)
{
	struct reader r = { .at = bytes, .end = bytes + len };
	GString *out;

	if (!looks_like(bytes, len))
		return NULL;
	out = g_string_sized_new(len / 4 + 1);
	r.record = (struct record){ g_string_new(NULL), g_string_new(NULL), g_string_new(NULL),
				    g_string_new(NULL), g_string_new(NULL) };
	while (r.at < r.end) {
		const char *brace = memchr(r.at, '{', (gsize)(r.end - r.at));

		if (brace == NULL)
			break;
		r.at = brace;
		if (object(&r))
			print(&r.record, out);
	}
	g_string_free(r.record.message, TRUE);
	g_string_free(r.record.host, TRUE);
	g_string_free(r.record.identifier, TRUE);
	g_string_free(r.record.pid, TRUE);
	g_string_free(r.record.stamp, TRUE);
	return g_string_free_to_bytes(out);
}
