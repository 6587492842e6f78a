/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "sys/error.h"
#include "vmdef/formats.h"

#define PAIRS_LIMIT 100000

struct reader {
	const char *at, *end, *file;
	int line;
	char separator;
	GPtrArray *pairs;
};

static void free_pair(gpointer data)
{
	struct kvt_vm_pair *pair = data;

	g_free(pair->key);
	g_free(pair->value);
	g_free(pair);
}

static bool fail(const struct reader *r, int line, const char *reason, GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s:%d: %s", r->file, line, reason);
	return false;
}

static void skip_blank(struct reader *r)
{
	while (r->at < r->end) {
		if (*r->at == '#') {
			while (r->at < r->end && *r->at != '\n')
				r->at++;
		} else if (g_ascii_isspace(*r->at) || *r->at == ';') {
			r->line += *r->at == '\n';
			r->at++;
		} else {
			return;
		}
	}
}

/* A list or a quoted string, as it stands, line ends included. */
static bool take_bracketed(struct reader *r, GString *value, GError **error)
{
	int line = r->line, depth = 0;
	char quote = '\0';

	for (; r->at < r->end; r->at++) {
		char c = *r->at;

		r->line += c == '\n';
		g_string_append_c(value, c);
		if (quote != '\0') {
			quote = c == quote ? '\0' : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '[') {
			depth++;
		} else if (c == ']') {
			depth--;
		}
		if (quote == '\0' && depth <= 0) {
			r->at++;
			return true;
		}
	}
	return fail(r, line, quote != '\0' ? "the quote is not closed" : "the list is not closed",
		    error);
}

static void take_bare(struct reader *r, GString *value)
{
	while (r->at < r->end && *r->at != '\n' && *r->at != '#' &&
	       (*r->at != ';' || r->separator != '='))
		g_string_append_c(value, *r->at++);
	g_strchomp(value->str);
	g_string_truncate(value, strlen(value->str));
}

static bool take_value(struct reader *r, struct kvt_vm_pair *pair, GError **error)
{
	GString *value = g_string_new(NULL);
	bool good = true;

	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
	if (r->at < r->end && r->separator == '=' && strchr("\"'[", *r->at) != NULL) {
		good = take_bracketed(r, value, error);
		pair->quoted = good && value->str[0] != '[';
		if (pair->quoted) {
			g_string_truncate(value, value->len - 1);
			g_string_erase(value, 0, 1);
		}
	} else {
		take_bare(r, value);
	}
	pair->value = g_string_free(value, FALSE);
	return good;
}

static bool take_pair(struct reader *r, GError **error)
{
	struct kvt_vm_pair *pair = g_new0(struct kvt_vm_pair, 1);
	const char *start = r->at;

	g_ptr_array_add(r->pairs, pair);
	pair->line = r->line;
	while (r->at < r->end && *r->at != r->separator && *r->at != '\n')
		r->at++;
	if (r->at >= r->end || *r->at != r->separator) {
		char reason[] = "neither a comment nor \"name = value\"";

		reason[27] = r->separator;
		return fail(r, pair->line, reason, error);
	}
	pair->key = g_strstrip(g_strndup(start, (gsize)(r->at - start)));
	r->at++;
	return take_value(r, pair, error);
}

GPtrArray *kvt_vm_pairs(const char *text, gsize length, char separator, const char *file,
			GError **error)
{
	struct reader r = { text, text + length, file, 1, separator, NULL };
	bool good = true;

	if (memchr(text, '\0', length) != NULL || !g_utf8_validate(text, (gssize)length, NULL)) {
		fail(&r, 1, "not UTF-8 text", error);
		return NULL;
	}
	r.pairs = g_ptr_array_new_with_free_func(free_pair);
	skip_blank(&r);
	while (good && r.at < r.end) {
		good = r.pairs->len < PAIRS_LIMIT ? take_pair(&r, error)
						  : fail(&r, r.line, "too many lines", error);
		skip_blank(&r);
	}
	if (good)
		return r.pairs;
	g_ptr_array_unref(r.pairs);
	return NULL;
}
