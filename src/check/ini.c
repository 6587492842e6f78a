/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/ini.h"

#include <stdbool.h>
#include <string.h>

#include "sys/error.h"

#define INI_LIMIT (4u << 20)

struct reader {
	const char *file;
	GPtrArray *sections;
	GHashTable *seen;
	struct kvt_ini_section *section; /* borrowed; the one that is open */
	struct kvt_ini_line *line;       /* borrowed; the one that may be continued */
};

void kvt_ini_fail(GError **error, const char *file, int line, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s:%d: %s", file, line, message);
}

static void line_free(gpointer data)
{
	struct kvt_ini_line *line = data;

	g_free(line->text);
	g_free(line);
}

static void section_free(gpointer data)
{
	struct kvt_ini_section *section = data;

	g_ptr_array_unref(section->lines);
	g_free(section->name);
	g_free(section);
}

static bool open_section(struct reader *reader, int number, char *text, GError **error)
{
	const gsize len = strlen(text);

	if (text[len - 1] != ']' || len < 3 || strchr(text + 1, '[') != NULL) {
		kvt_ini_fail(error, reader->file, number, "not a [SECTION] line: %s", text);
		return false;
	}
	text[len - 1] = '\0';
	if (!g_hash_table_add(reader->seen, g_strdup(text + 1))) {
		kvt_ini_fail(error, reader->file, number, "section [%s] is there twice", text + 1);
		return false;
	}
	reader->section = g_new0(struct kvt_ini_section, 1);
	reader->section->name = g_strdup(text + 1);
	reader->section->number = number;
	reader->section->lines = g_ptr_array_new_with_free_func(line_free);
	g_ptr_array_add(reader->sections, reader->section);
	reader->line = NULL;
	return true;
}

static void continue_line(struct reader *reader, const char *text)
{
	char *joined = g_strconcat(reader->line->text, " ", text, NULL);

	g_free(reader->line->text);
	reader->line->text = joined;
}

static bool take(struct reader *reader, int number, char *raw, GError **error)
{
	const bool indented = g_ascii_isspace(raw[0]);

	g_strstrip(raw);
	if (raw[0] == '\0' || raw[0] == '#') {
		if (raw[0] == '\0')
			reader->line = NULL;
		return true;
	}
	if (!g_utf8_validate(raw, -1, NULL)) {
		kvt_ini_fail(error, reader->file, number, "not UTF-8");
		return false;
	}
	if (indented && reader->line != NULL) {
		continue_line(reader, raw);
		return true;
	}
	if (raw[0] == '[')
		return open_section(reader, number, raw, error);
	if (reader->section == NULL) {
		kvt_ini_fail(error, reader->file, number, "before the first [SECTION]: %s", raw);
		return false;
	}
	reader->line = g_new0(struct kvt_ini_line, 1);
	reader->line->number = number;
	reader->line->text = g_strdup(raw);
	g_ptr_array_add(reader->section->lines, reader->line);
	return true;
}

GPtrArray *kvt_ini_parse(const char *file, const char *text, gsize len, GError **error)
{
	g_autoptr(GPtrArray) sections = g_ptr_array_new_with_free_func(section_free);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct reader reader = { file, sections, seen, NULL, NULL };
	int number = 0;

	if (len > INI_LIMIT || memchr(text, '\0', len) != NULL) {
		kvt_ini_fail(error, file, 1, len > INI_LIMIT ? "too long" : "holds a NUL byte");
		return NULL;
	}
	for (const char *end = text + len; text < end; number++) {
		const char *eol = memchr(text, '\n', (gsize)(end - text));
		const gsize size = (gsize)((eol != NULL ? eol : end) - text);
		g_autofree char *raw = g_strndup(text, size);

		if (!take(&reader, number + 1, raw, error))
			return NULL;
		text += size + (eol != NULL ? 1 : 0);
	}
	return g_steal_pointer(&sections);
}
