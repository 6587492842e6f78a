/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/settings.h"

#include <string.h>

#include "fix/augeas.h"
#include "sys/error.h"
#include "sys/module.h"

/* A parsed text and the functions that know it. */
struct editor {
	const struct kvt_augeas *augeas;
	struct kvt_document *document;
};

static void editor_clear(struct editor *editor)
{
	if (editor->document != NULL)
		editor->augeas->close(editor->document);
}

typedef struct editor editor_t; /* for g_auto(editor_t) alone */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(editor_t, editor_clear)

static bool editor_open(struct editor *editor, const char *lens, const char *text, GError **error)
{
	const gsize len = strlen(text);
	g_autofree char *ended = NULL;

	editor->augeas = kvt_module_load("fix", "kvmtime-fix", error);
	if (editor->augeas == NULL)
		return false;
	/* the lenses want a newline at the end; a file without one gets it */
	if (len > 0 && text[len - 1] != '\n')
		text = ended = g_strconcat(text, "\n", NULL);
	editor->document = editor->augeas->open(lens, text, error);
	return editor->document != NULL;
}

static unsigned count(struct editor *editor, const char *path)
{
	return editor->augeas->count(editor->document, path);
}

static bool set(struct editor *editor, const char *path, const char *value, GError **error)
{
	return editor->augeas->set(editor->document, path, value, error);
}

static char *finish(struct editor *editor, GError **error)
{
	return editor->augeas->text(editor->document, error);
}

/* ---- files that shells read ---- */

/* The text within quotes, and which; NULL if it holds what cannot be edited word by word. */
static char *unquote(const char *value, char *ret_quote)
{
	const gsize len = strlen(value);
	const char quote =
		len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0]
			? value[0]
			: '\0';
	g_autofree char *inner = quote != '\0' ? g_strndup(value + 1, len - 2) : g_strdup(value);

	if (strpbrk(inner, "\\`\n\"'") != NULL || strstr(inner, "$(") != NULL)
		return NULL;
	*ret_quote = quote;
	return g_steal_pointer(&inner);
}

static char *quote(const char *inner, char mark)
{
	if (mark == '\0' && (inner[0] == '\0' || strpbrk(inner, " \t$*?;&|<>()#~") != NULL))
		mark = '"';
	return mark != '\0' ? g_strdup_printf("%c%s%c", mark, inner, mark) : g_strdup(inner);
}

char *kvt_shell_set(const char *text, const char *name, const char *value, GError **error)
{
	g_auto(editor_t) editor = { 0 };
	g_autofree char *path = NULL;
	g_autofree char *quoted = quote(value, '\0');
	g_autofree char *old = NULL;

	if (!editor_open(&editor, "Shellvars.lns", text, error))
		return NULL;
	/* the shell takes the last assignment */
	path = count(&editor, name) > 0 ? g_strconcat(name, "[last()]", NULL) : g_strdup(name);
	old = editor.augeas->get(editor.document, path);
	if (old != NULL) {
		char mark;
		g_autofree char *inner = unquote(old, &mark);

		if (inner != NULL && strcmp(inner, value) == 0)
			return g_strdup(text);
	}
	return set(&editor, path, quoted, error) ? finish(&editor, error) : NULL;
}

static bool edit_value(struct editor *editor, const char *path, const struct kvt_word_op *ops,
		       gsize n, bool *ret_changed, GError **error)
{
	g_autofree char *old = editor->augeas->get(editor->document, path);
	g_autofree char *inner = NULL;
	g_autofree char *edited = NULL;
	g_autofree char *quoted = NULL;
	char mark = '\0';

	inner = unquote(old != NULL ? old : "", &mark);
	if (inner == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: quotes or commands in its value; edit it by hand", path);
		return false;
	}
	edited = kvt_words_edit(inner, ops, n, error);
	if (edited == NULL)
		return false;
	if (strcmp(edited, inner) == 0)
		return true;
	*ret_changed = true;
	quoted = quote(edited, mark);
	return set(editor, path, quoted, error);
}

char *kvt_shell_words(const char *text, const char *name, const struct kvt_word_op *ops, gsize n,
		      bool add_here, GError **error)
{
	g_auto(editor_t) editor = { 0 };
	g_autofree struct kvt_word_op *removals = g_new(struct kvt_word_op, n + 1);
	gsize fewer = 0;
	unsigned assignments;
	bool changed = false;

	if (!editor_open(&editor, "Shellvars.lns", text, error))
		return NULL;
	for (gsize i = 0; i < n; i++)
		if (!ops[i].add)
			removals[fewer++] = ops[i];
	assignments = count(&editor, name);
	if (assignments == 0 && add_here && fewer < n &&
	    !edit_value(&editor, name, ops, n, &changed, error))
		return NULL;
	for (unsigned i = 1; i <= assignments; i++) {
		const bool all = add_here && i == assignments;
		g_autofree char *path = g_strdup_printf("%s[%u]", name, i);

		if (!edit_value(&editor, path, all ? ops : removals, all ? n : fewer, &changed,
				error))
			return NULL;
	}
	return changed ? finish(&editor, error) : g_strdup(text);
}

bool kvt_shell_assigns(const char *text, const char *name)
{
	g_auto(editor_t) editor = { 0 };

	return editor_open(&editor, "Shellvars.lns", text, NULL) && count(&editor, name) > 0;
}

char *kvt_shell_list_remove(const char *text, const char *name, const char *item, GError **error)
{
	g_auto(editor_t) editor = { 0 };
	unsigned assignments;
	bool changed = false;

	if (!editor_open(&editor, "Shellvars.lns", text, error))
		return NULL;
	assignments = count(&editor, name);
	for (unsigned i = 1; i <= assignments; i++) {
		g_autofree char *path = g_strdup_printf("%s[%u]", name, i);
		g_autofree char *old = editor.augeas->get(editor.document, path);
		char mark = '\0';
		g_autofree char *inner = unquote(old != NULL ? old : "", &mark);
		g_auto(GStrv) items = g_strsplit(inner != NULL ? inner : "", ",", -1);
		g_autoptr(GString) kept = g_string_new(NULL);
		g_autofree char *quoted = NULL;

		for (guint k = 0; items[k] != NULL; k++)
			if (strcmp(g_strstrip(items[k]), item) != 0)
				g_string_append_printf(kept, "%s%s", kept->len > 0 ? "," : "",
						       items[k]);
		if (inner == NULL || strcmp(kept->str, inner) == 0)
			continue;
		changed = true;
		quoted = quote(kept->str, mark);
		if (!set(&editor, path, quoted, error))
			return NULL;
	}
	return changed ? finish(&editor, error) : g_strdup(text);
}

/* ---- chrony: the lens does not know every option of a server, then lines will do ---- */

static bool is_directive(const char *line, const char *keyword)
{
	const gsize len = strlen(keyword);

	line += strspn(line, " \t");
	return g_ascii_strncasecmp(line, keyword, len) == 0 &&
	       (line[len] == ' ' || line[len] == '\t');
}

/* The last line of a directive replaced by @wanted, or @wanted added at the end. */
static char *set_line(const char *text, const char *keyword, const char *wanted, bool replace)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	guint n = g_strv_length(lines);

	for (guint i = n; replace && i-- > 0;)
		if (is_directive(lines[i], keyword)) {
			g_free(lines[i]);
			lines[i] = g_strdup(wanted);
			return g_strjoinv("\n", lines);
		}
	return g_strconcat(text, n > 0 && lines[n - 1][0] != '\0' ? "\n" : "", wanted, "\n", NULL);
}

/* True if the text cannot be parsed, for a reason of the lens and not of the module's absence. */
static bool lens_fails(const char *lens, const char *text, struct editor *editor, GError **error)
{
	g_autoptr(GError) failed = NULL;

	if (editor_open(editor, lens, text, &failed))
		return false;
	if (editor->augeas == NULL)
		g_propagate_error(error, g_steal_pointer(&failed));
	return true;
}

char *kvt_chrony_makestep(const char *text, const char *threshold, const char *limit,
			  GError **error)
{
	g_auto(editor_t) editor = { 0 };
	const char *node;

	if (lens_fails("Chrony.lns", text, &editor, error)) {
		g_autofree char *line = g_strdup_printf("makestep %s %s", threshold, limit);

		return editor.augeas != NULL ? set_line(text, "makestep", line, true) : NULL;
	}
	/* chronyd takes the last */
	node = count(&editor, "makestep") > 0 ? "makestep[last()]" : "makestep";
	{
		g_autofree char *first = g_strconcat(node, "/threshold", NULL);
		g_autofree char *second = g_strconcat(node, "/limit", NULL);

		if (!set(&editor, first, threshold, error) || !set(&editor, second, limit, error))
			return NULL;
	}
	return finish(&editor, error);
}

static bool has_phc(const char *text, const char *device)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autoptr(GPtrArray) words = kvt_words_parse(lines[i]);

		if (words->len >= 3 && g_ascii_strcasecmp(words->pdata[0], "refclock") == 0 &&
		    g_ascii_strcasecmp(words->pdata[1], "PHC") == 0 &&
		    strcmp(words->pdata[2], device) == 0)
			return true;
	}
	return false;
}

char *kvt_chrony_phc(const char *text, const char *device, GError **error)
{
	g_autofree char *line = g_strdup_printf("refclock PHC %s poll 2 dpoll -2 offset 0", device);

	(void)error;
	/* the lens has one form of refclock for all drivers and not this one: lines will do */
	return has_phc(text, device) ? g_strdup(text) : set_line(text, "refclock", line, false);
}

/* ---- ntpd ---- */

char *kvt_ntp_panic_off(const char *text, GError **error)
{
	g_auto(editor_t) editor = { 0 };

	if (!editor_open(&editor, "Ntp.lns", text, error))
		return NULL;
	if (count(&editor, "tinker/panic") == 0 && count(&editor, "*") > 0 &&
	    !editor.augeas->insert(editor.document, "*[1]", "tinker", true, error))
		return NULL;
	return set(&editor,
		   count(&editor, "tinker/panic") > 0 ? "tinker[panic]/panic" : "tinker[1]/panic",
		   "0", error)
		       ? finish(&editor, error)
		       : NULL;
}

char *kvt_ntp_no_local_clock(const char *text, GError **error)
{
	g_auto(editor_t) editor = { 0 };

	if (!editor_open(&editor, "Ntp.lns", text, error))
		return NULL;
	editor.augeas->remove(editor.document, "server[. =~ regexp('127\\.127\\.1\\..*')]");
	editor.augeas->remove(editor.document, "fudge[. =~ regexp('127\\.127\\.1\\..*')]");
	return finish(&editor, error);
}

char *kvt_ntp_no_true(const char *text, GError **error)
{
	g_auto(editor_t) editor = { 0 };

	if (!editor_open(&editor, "Ntp.lns", text, error))
		return NULL;
	editor.augeas->remove(editor.document, "*/true");
	return finish(&editor, error);
}

/* ---- modprobe.d ---- */

char *kvt_modprobe_no_option(const char *text, const char *module, const char *option,
			     GError **error)
{
	g_auto(editor_t) editor = { 0 };
	g_autofree char *path = g_strdup_printf("options[. = '%s']/%s", module, option);
	g_autofree char *empty =
		g_strdup_printf("options[. = '%s'][count(*[label() != '#comment']) = 0]", module);

	if (!editor_open(&editor, "Modprobe.lns", text, error))
		return NULL;
	if (count(&editor, path) == 0)
		return g_strdup(text);
	editor.augeas->remove(editor.document, path);
	editor.augeas->remove(editor.document, empty);
	return finish(&editor, error);
}
