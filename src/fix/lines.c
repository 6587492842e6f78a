/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/lines.h"

#include <string.h>

#include "check/sysctl.h"
#include "sys/error.h"

/* Gives the next text of a line without its ending, NULL = as it was; "" with *ret_drop = gone. */
typedef char *(*edit_line)(const char *line, guint number, gpointer context, bool *ret_drop);

static gsize ending(const char *line, gsize len)
{
	gsize count = len > 0 && line[len - 1] == '\n' ? 1 : 0;

	return count + (len > count && line[len - count - 1] == '\r' ? 1 : 0);
}

static GString *edit_lines(const char *text, edit_line edit, gpointer context)
{
	GString *out = g_string_new(NULL);

	for (guint number = 1; *text != '\0'; number++) {
		const char *newline = strchr(text, '\n');
		const gsize len = newline != NULL ? (gsize)(newline - text) + 1 : strlen(text);
		const gsize end = ending(text, len);
		g_autofree char *line = g_strndup(text, len - end);
		bool drop = false;
		g_autofree char *edited = edit(line, number, context, &drop);

		if (!drop) {
			g_string_append(out, edited != NULL ? edited : line);
			g_string_append_len(out, text + len - end, (gssize)end);
		}
		text += len;
	}
	return out;
}

static void add_line(GString *out, const char *line)
{
	if (out->len > 0 && out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
	g_string_append_printf(out, "%s\n", line);
}

/* ---- sysctl ---- */

struct sysctl {
	const char *key, *value;
	bool seen;
};

static char *edit_sysctl(const char *line, guint number, gpointer context, bool *ret_drop)
{
	struct sysctl *wish = context;
	const gsize begin = kvt_sysctl_value(line, wish->key);
	g_autofree char *old = begin > 0 ? g_strchomp(g_strdup(line + begin)) : NULL;
	g_autofree char *before = g_strndup(line, begin);

	(void)number;
	(void)ret_drop;
	if (begin == 0)
		return NULL;
	wish->seen = true;
	if (strcmp(old, wish->value) == 0)
		return NULL;
	return g_strconcat(before, wish->value, NULL);
}

char *kvt_sysctl_set(const char *text, const char *key, const char *value, bool add, GError **error)
{
	struct sysctl wish = { key, value, false };
	GString *out = edit_lines(text, edit_sysctl, &wish);

	(void)error;
	if (!wish.seen && add) {
		g_autofree char *line = g_strdup_printf("%s = %s", key, value);

		add_line(out, line);
	}
	return g_string_free(out, FALSE);
}

/* ---- /etc/adjtime: drift, last calibration, UTC or LOCAL ---- */

static char *edit_adjtime(const char *line, guint number, gpointer context, bool *ret_drop)
{
	bool *there = context;

	(void)ret_drop;
	if (number != 3)
		return NULL;
	*there = strcmp(line, "LOCAL") == 0 || strcmp(line, "UTC") == 0;
	return *there ? g_strdup("UTC") : NULL;
}

char *kvt_adjtime_utc(const char *text, GError **error)
{
	bool there = false;
	GString *out = edit_lines(text, edit_adjtime, &there);

	if (there)
		return g_string_free(out, FALSE);
	g_string_free(out, TRUE);
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "its third line is neither UTC nor LOCAL");
	return NULL;
}

/* ---- qemu-ga.conf ---- */

static char *without(const char *list, const char *name)
{
	g_auto(GStrv) items = g_strsplit_set(list, ",;", -1);
	GString *kept = g_string_new(NULL);

	for (guint i = 0; items[i] != NULL; i++) {
		const char *item = g_strstrip(items[i]);

		if (item[0] != '\0' && strcmp(item, name) != 0)
			g_string_append_printf(kept, "%s%s", kept->len > 0 ? "," : "", item);
	}
	return g_string_free(kept, FALSE);
}

static bool holds(const char *list, const char *name)
{
	g_auto(GStrv) items = g_strsplit_set(list, ",;", -1);

	for (guint i = 0; items[i] != NULL; i++)
		if (strcmp(g_strstrip(items[i]), name) == 0)
			return true;
	return false;
}

static char *edit_agent(const char *line, guint number, gpointer context, bool *ret_drop)
{
	const char *name = context;
	const char *equals = strchr(line, '=');
	g_autofree char *key =
		g_strstrip(g_strndup(line, equals != NULL ? (gsize)(equals - line) : 0));
	g_autofree char *kept = NULL;

	(void)number;
	if ((strcmp(key, "block-rpcs") != 0 && strcmp(key, "blacklist") != 0) ||
	    !holds(equals + 1, name))
		return NULL;
	kept = without(equals + 1, name);
	*ret_drop = kept[0] == '\0';
	return g_strconcat(key, "=", kept, NULL);
}

char *kvt_agent_conf_unblock(const char *text, const char *name, GError **error)
{
	(void)error;
	return g_string_free(edit_lines(text, edit_agent, (gpointer)(guintptr)name), FALSE);
}
