/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/ini.h"
#include "check/record.h"

static const char magic[] = "kvmtime-record 1";

struct parser {
	struct kvt_root *root;
	const char *name;
	int number;
	char *path;    /* of the file that is open, or NULL */
	GString *text; /* its bytes so far */
	bool ended;
};

bool kvt_record_looks_like(const char *bytes, gsize len)
{
	return len > strlen(magic) && memcmp(bytes, magic, strlen(magic)) == 0;
}

static void close_file(struct parser *parser)
{
	if (parser->path != NULL)
		kvt_root_add(parser->root, parser->path, parser->text->str, parser->text->len,
			     NULL);
	g_clear_pointer(&parser->path, g_free);
	g_string_truncate(parser->text, 0);
}

/* absolute, no "..", nothing that a terminal must not see */
static bool path_holds(const char *path)
{
	if (path[0] != '/' || strstr(path, "/../") != NULL || g_str_has_suffix(path, "/..") ||
	    strlen(path) > 500)
		return false;
	for (const char *c = path; *c != '\0'; c++)
		if (!g_ascii_isprint(*c) || *c == ' ')
			return false;
	return true;
}

static bool fail(const struct parser *parser, const char *what, const char *line, GError **error)
{
	g_autofree char *cut = g_strndup(line, 60);

	kvt_ini_fail(error, parser->name, parser->number, "%s: %s", what, cut);
	return false;
}

static bool open_file(struct parser *parser, const char *path, GError **error)
{
	close_file(parser);
	if (!path_holds(path))
		return fail(parser, "not an absolute path", path, error);
	parser->path = g_strdup(path);
	return true;
}

static bool take_refused(struct parser *parser, const char *text, GError **error)
{
	g_autofree char *path = g_strndup(text, strcspn(text, " "));

	close_file(parser);
	if (!path_holds(path))
		return fail(parser, "not an absolute path", text, error);
	kvt_root_add(parser->root, path, NULL, 0,
		     text[strlen(path)] == ' ' ? text + strlen(path) + 1 : "was not read");
	return true;
}

/* "x HEX": bytes that are no text */
static bool take_bytes(struct parser *parser, const char *hex, GError **error)
{
	if (parser->path == NULL)
		return fail(parser, "bytes of no file", hex, error);
	if (hex[0] == '\0' || strlen(hex) % 2 != 0 || hex[strspn(hex, "0123456789abcdef")] != '\0')
		return fail(parser, "wants pairs of the digits 0-9 and a-f", hex, error);
	for (; hex[0] != '\0'; hex += 2)
		g_string_append_c(parser->text, (char)(g_ascii_xdigit_value(hex[0]) << 4 |
						       g_ascii_xdigit_value(hex[1])));
	return true;
}

static bool take_line(struct parser *parser, const char *line, gsize len, GError **error)
{
	g_autofree char *text = NULL;

	if (len > 0 && line[0] == '|') {
		if (parser->path == NULL)
			return fail(parser, "a line of no file", "|", error);
		g_string_append_len(parser->text, line + 1, (gssize)len - 1);
		g_string_append_c(parser->text, '\n');
		return true;
	}
	text = g_strchomp(g_strndup(line, len));
	if (text[0] == '\0' || text[0] == '#')
		return true;
	if (g_str_has_prefix(text, "= "))
		return open_file(parser, text + 2, error);
	if (g_str_has_prefix(text, "x "))
		return take_bytes(parser, text + 2, error);
	if (g_str_has_prefix(text, "! "))
		return take_refused(parser, text + 2, error);
	if (strcmp(text, "end") != 0)
		return fail(parser, "not a line of a record", text, error);
	close_file(parser);
	parser->ended = true;
	return true;
}

struct kvt_root *kvt_record_parse(const char *bytes, gsize len, const char *name, GError **error)
{
	g_autoptr(kvt_root) root = kvt_root_new_memory(name);
	struct parser parser = { .root = root, .name = name, .text = g_string_new(NULL) };
	const char *end = bytes + len;
	bool good = kvt_record_looks_like(bytes, len);

	if (!good)
		kvt_ini_fail(error, name, 1, "not a record: wants the line '%s'", magic);
	for (const char *line = bytes; good && line < end && !parser.ended;) {
		const char *eol = memchr(line, '\n', (gsize)(end - line));
		const gsize size = (gsize)((eol != NULL ? eol : end) - line);

		if (parser.number++ > 0)
			good = take_line(&parser, line, size, error);
		line += size + 1;
	}
	if (good && !parser.ended) {
		kvt_ini_fail(error, name, parser.number,
			     "the record is cut off: it has no last line 'end'");
		good = false;
	}
	g_free(parser.path);
	g_string_free(parser.text, TRUE);
	return good ? g_steal_pointer(&root) : NULL;
}
