/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/mend.h"

#include <string.h>

#include "sys/error.h"
#include "vmdef/libvirt.h"

#define DEPTH 64

/* One element's bytes: "<" of its start tag, past ">" of that, "<" of its end tag, past its end. */
struct span {
	gsize start, open_end, close, end;
	bool empty; /* <x/> */
};

/* What is looked for: a path of names below the document, the last with name='KEY' if not NULL. */
struct seeker {
	const char *xml;
	const char *const *path;
	const char *key;
	int depth, matched; /* elements that are open; how many of them match the path */
	struct span *spans; /* of the path's elements, by depth */
	bool found;
	gsize last_child; /* past the end of the last child of path's parent, 0 = none */
};

static gsize name_length(const char *at)
{
	return strcspn(at, " \t\r\n/>");
}

/* Past the ">" that ends a tag; quotes may hold one. */
static gsize tag_end(const char *xml, gsize at)
{
	char quote = '\0';

	for (; xml[at] != '\0'; at++) {
		if (quote != '\0')
			quote = xml[at] == quote ? '\0' : quote;
		else if (xml[at] == '"' || xml[at] == '\'')
			quote = xml[at];
		else if (xml[at] == '>')
			return at + 1;
	}
	return at;
}

/* Past a comment, CDATA section or processing instruction; 0 if there is none at "<". */
static gsize skip_special(const char *xml, gsize at)
{
	static const char *const pairs[][2] = { { "<!--", "-->" },
						{ "<![CDATA[", "]]>" },
						{ "<?", "?>" } };

	for (int i = 0; i < 3; i++) {
		const char *end;

		if (!g_str_has_prefix(xml + at, pairs[i][0]))
			continue;
		end = strstr(xml + at + strlen(pairs[i][0]), pairs[i][1]);
		return end != NULL ? (gsize)(end - xml) + strlen(pairs[i][1]) : strlen(xml);
	}
	return 0;
}

/*
 * The value of an attribute within a start tag: its bytes without quotes. False if there is none.
 */
static bool find_attribute(const char *xml, gsize start, gsize end, const char *name,
			   gsize *ret_value, gsize *ret_length)
{
	gsize at = start + 1 + name_length(xml + start + 1), size = strlen(name);

	while (at < end) {
		gsize begin, length, value;

		at += strspn(xml + at, " \t\r\n/");
		begin = at;
		length = strcspn(xml + at, " \t\r\n=/>");
		at += length;
		at += strspn(xml + at, " \t\r\n");
		if (at >= end || xml[at] != '=' || length == 0)
			return false;
		at++;
		at += strspn(xml + at, " \t\r\n");
		value = at + 1;
		while (value < end && xml[value] != xml[at])
			value++;
		if (length == size && memcmp(xml + begin, name, size) == 0) {
			*ret_value = at + 1;
			*ret_length = value - at - 1;
			return true;
		}
		at = value + 1;
	}
	return false;
}

static bool has_key(const struct seeker *s, gsize start, gsize end)
{
	gsize value, length;

	return s->key == NULL ||
	       (find_attribute(s->xml, start, end, "name", &value, &length) &&
		length == strlen(s->key) && memcmp(s->xml + value, s->key, length) == 0);
}

static bool matches(const struct seeker *s, gsize start, gsize end)
{
	const char *name = s->path[s->matched];
	gsize length = name_length(s->xml + start + 1);

	return name != NULL && s->depth == s->matched && length == strlen(name) &&
	       memcmp(s->xml + start + 1, name, length) == 0 &&
	       (s->path[s->matched + 1] != NULL || has_key(s, start, end));
}

/* Returns true when the path's last element was found whole. */
static bool open_tag(struct seeker *s, gsize start, gsize end)
{
	bool empty = s->xml[end - 2] == '/';

	if (matches(s, start, end)) {
		s->spans[s->matched] = (struct span){ start, end, end, end, empty };
		s->matched += !empty;
		if (empty && s->path[s->depth + 1] == NULL)
			return true;
	}
	s->depth += !empty;
	return false;
}

static bool close_tag(struct seeker *s, gsize start, gsize end)
{
	s->depth--;
	if (s->matched <= s->depth || s->matched == 0)
		return false;
	s->spans[s->depth].close = start;
	s->spans[s->depth].end = end;
	s->matched = s->depth;
	return s->path[s->depth + 1] == NULL;
}

/* Find the first element at the path; *@ret_span holds it. */
static bool find(const char *xml, const char *const *path, const char *key, struct span *ret_span)
{
	struct span spans[DEPTH] = { 0 };
	struct seeker s = { xml, path, key, 0, 0, spans, false, 0 };
	gsize at = 0;

	while (xml[at] != '\0') {
		gsize special, end;
		bool done;

		if (xml[at] != '<') {
			at++;
			continue;
		}
		special = skip_special(xml, at);
		end = special > 0 ? special : tag_end(xml, at);
		if (special == 0 && s.depth < DEPTH) {
			int depth = s.depth - (xml[at + 1] == '/');

			done = xml[at + 1] == '/' ? close_tag(&s, at, end) : open_tag(&s, at, end);
			if (done) {
				*ret_span = spans[depth];
				return true;
			}
		} else if (special == 0) {
			return false;
		}
		at = end;
	}
	return false;
}

/* ---- editing ---- */

static void splice(GString *text, gsize at, gsize remove, const char *insert)
{
	g_string_erase(text, (gssize)at, (gssize)remove);
	g_string_insert(text, (gssize)at, insert);
}

/* The quote that the file uses: that of its first attribute. */
static char quote_of(const char *xml)
{
	const char *equals = strstr(xml, "type=");

	return equals != NULL && equals[5] == '"' ? '"' : '\'';
}

static void set_attribute(GString *text, struct span span, const char *name, const char *value)
{
	gsize at, length;

	if (find_attribute(text->str, span.start, span.open_end, name, &at, &length)) {
		splice(text, at, length, value);
	} else {
		char quote = quote_of(text->str);
		g_autofree char *attribute =
			g_strdup_printf(" %s=%c%s%c", name, quote, value, quote);

		at = span.open_end - (span.empty ? 2 : 1);
		while (g_ascii_isspace(text->str[at - 1]))
			at--;
		splice(text, at, 0, attribute);
	}
}

static void drop_attribute(GString *text, struct span span, const char *name)
{
	gsize at, length, start;

	if (!find_attribute(text->str, span.start, span.open_end, name, &at, &length))
		return;
	start = at - strlen(name) - 2;
	while (g_ascii_isspace(text->str[start - 1]))
		start--;
	splice(text, start, at + length + 1 - start, "");
}

/* The white space before a tag if nothing else stands on its line; owned. */
static char *indent_of(const char *xml, gsize start)
{
	gsize at = start;

	while (at > 0 && (xml[at - 1] == ' ' || xml[at - 1] == '\t'))
		at--;
	return at == 0 || xml[at - 1] == '\n' ? g_strndup(xml + at, start - at) : NULL;
}

/* The first child's indentation, or the parent's and two spaces. NULL = all on one line. */
static char *child_indent(const char *xml, struct span parent)
{
	g_autofree char *own = indent_of(xml, parent.start);
	gsize at = parent.open_end;

	while (!parent.empty && at < parent.close && xml[at] != '<')
		at++;
	if (!parent.empty && at < parent.close) {
		char *first = indent_of(xml, at);

		if (first != NULL)
			return first;
	}
	return own != NULL && (parent.empty || at >= parent.close) ? g_strconcat(own, "  ", NULL)
								   : NULL;
}

/* @element may have lines of its own; each is indented. */
static char *indented(const char *element, const char *indent, const char *newline)
{
	g_auto(GStrv) lines = g_strsplit(element, "\n", -1);
	GString *text = g_string_new(NULL);

	for (guint i = 0; lines[i] != NULL; i++)
		g_string_append_printf(text, "%s%s%s", indent != NULL ? newline : "",
				       indent != NULL ? indent : "", lines[i]);
	return g_string_free(text, FALSE);
}

static void add_child(GString *text, struct span parent, const char *element)
{
	const char *newline = strstr(text->str, "\r\n") != NULL ? "\r\n" : "\n";
	g_autofree char *indent = child_indent(text->str, parent);
	g_autofree char *own = indent_of(text->str, parent.start);
	g_autofree char *child = indented(element, indent, newline);
	gsize at = parent.close;

	if (parent.empty) {
		gsize length = name_length(text->str + parent.start + 1);
		g_autofree char *name = g_strndup(text->str + parent.start + 1, length);
		g_autofree char *all = g_strconcat(">", child, indent != NULL ? newline : "",
						   indent != NULL && own != NULL ? own : "", "</",
						   name, ">", NULL);

		splice(text, parent.open_end - 2, 2, all);
		return;
	}
	/* after the last child: before the white space that leads to the end tag */
	while (indent != NULL && at > parent.open_end && g_ascii_isspace(text->str[at - 1]))
		at--;
	if (at == parent.open_end && indent != NULL && parent.close == parent.open_end) {
		g_autofree char *all = g_strconcat(child, newline, own != NULL ? own : "", NULL);

		splice(text, at, 0, all);
	} else {
		splice(text, at, 0, child);
	}
}

/* The element at a path, made if it is not there; the parents too. */
static bool want(GString *text, const char *const *path, struct span *ret_span)
{
	const char *parent[DEPTH] = { NULL };
	gsize count = g_strv_length((char **)(gpointer)(guintptr)path);
	g_autofree char *element = NULL;
	struct span span;

	if (find(text->str, path, NULL, ret_span))
		return true;
	if (count < 2)
		return false;
	memcpy(parent, path, (count - 1) * sizeof(*path));
	if (!want(text, parent, &span))
		return false;
	element = g_strdup_printf("<%s/>", path[count - 1]);
	add_child(text, span, element);
	return find(text->str, path, NULL, ret_span);
}

/* ---- fields ---- */

static const char *const domain_clock[] = { "domain", "clock", NULL };
static const char *const bare_clock[] = { "clock", NULL };

static bool clock_span(GString *text, struct span *ret_span)
{
	return find(text->str, bare_clock, NULL, ret_span) || want(text, domain_clock, ret_span);
}

static bool mend_offset(GString *text, const char *word)
{
	static const char *const others[] = { "start", "timezone", "basis", "adjustment" };
	struct span span;

	if (!clock_span(text, &span))
		return false;
	set_attribute(text, span, "offset", word);
	for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
		if (clock_span(text, &span))
			drop_attribute(text, span, others[i]);
	return true;
}

static bool mend_timer(GString *text, const char *timer, const char *name, const char *word)
{
	static const char *const domain_timer[] = { "domain", "clock", "timer", NULL };
	static const char *const bare_timer[] = { "clock", "timer", NULL };
	struct span span;

	if (find(text->str, domain_timer, timer, &span) ||
	    find(text->str, bare_timer, timer, &span)) {
		set_attribute(text, span, name, word);
	} else {
		char q = quote_of(text->str);
		g_autofree char *element = g_strdup_printf("<timer name=%c%s%c %s=%c%s%c/>", q,
							   timer, q, name, q, word, q);

		if (!clock_span(text, &span))
			return false;
		add_child(text, span, element);
	}
	return true;
}

static bool mend_hyperv(GString *text, const char *name, const char *word)
{
	const char *path[] = { "domain", "features", "hyperv", name, NULL };
	struct span span;

	if (strchr(name, '_') != NULL || strcmp(name, "spinlocks") == 0 || !want(text, path, &span))
		return false;
	set_attribute(text, span, "state", strcmp(word, "yes") == 0 ? "on" : "off");
	return true;
}

static bool mend_agent(GString *text)
{
	static const char *const devices[] = { "domain", "devices", NULL };
	struct span span;

	if (!want(text, devices, &span))
		return false;
	if (quote_of(text->str) == '"')
		add_child(text, span,
			  "<channel type=\"unix\">\n  <target type=\"virtio\" "
			  "name=\"org.qemu.guest_agent.0\"/>\n</channel>");
	else
		add_child(text, span,
			  "<channel type='unix'>\n  <target type='virtio' "
			  "name='org.qemu.guest_agent.0'/>\n</channel>");
	return true;
}

static bool mend_field(GString *text, const char *field, const char *word)
{
	g_auto(GStrv) pieces = g_strsplit(field, ".", -1);

	if (strcmp(field, "clock.offset") == 0)
		return mend_offset(text, word);
	if (strcmp(field, "agent") == 0 && strcmp(word, "yes") == 0)
		return mend_agent(text);
	if (g_strv_length(pieces) == 2 && strcmp(pieces[0], "hv") == 0)
		return mend_hyperv(text, pieces[1], word);
	if (g_strv_length(pieces) != 3 || strcmp(pieces[0], "timer") != 0)
		return false;
	return mend_timer(text, pieces[1],
			  strcmp(pieces[2], "policy") == 0 ? "tickpolicy" : pieces[2], word);
}

/* What came out must be read as what was wanted. */
static bool says(const char *xml, const char *field, const char *word)
{
	int number = kvt_vm_field_find(field);
	g_autoptr(kvt_vm) vm = kvt_libvirt_read(xml, strlen(xml), "mended", NULL);
	g_autofree char *value =
		vm != NULL && number >= 0 ? kvt_vm_print(vm, (enum kvt_vm_field)number) : NULL;

	return g_strcmp0(value, word) == 0;
}

char *kvt_libvirt_mend(const char *xml, const char *field, const char *word, GError **error)
{
	GString *text = g_string_new(xml);

	if (g_utf8_validate(xml, -1, NULL) && mend_field(text, field, word) &&
	    says(text->str, field, word))
		return g_string_free(text, FALSE);
	g_string_free(text, TRUE);
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "%s = %s cannot be put into this XML: by hand", field, word);
	return NULL;
}
