/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/boot.h"

#include <string.h>

#include "sys/error.h"

static bool no_boot_line(GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "no boot line of a Linux kernel in it");
	return false;
}

/* ---- lines: one that ends in a backslash goes on ---- */

/* Length of the logical line at the place, its newline included. */
static gsize line_length(const char *at, bool continued)
{
	const char *end = at;

	while (*end != '\0') {
		const char *newline = strchr(end, '\n');

		if (newline == NULL)
			return strlen(at);
		end = newline + 1;
		if (!continued || newline == at ||
		    !(newline[-1] == '\\' ||
		      (newline[-1] == '\r' && newline - at > 1 && newline[-2] == '\\')))
			break;
	}
	return (gsize)(end - at);
}

static gsize ending_length(const char *line, gsize len)
{
	gsize ending = 0;

	if (len > 0 && line[len - 1] == '\n')
		ending++;
	if (ending > 0 && len > 1 && line[len - 2] == '\r')
		ending++;
	return ending;
}

/* ---- GRUB legacy ---- */

/* Where the kernel's own words begin in "kernel --type=x FILE words", 0 if it is none. */
static gsize words_begin(const char *line, const char *command, char **ret_file)
{
	const char *at = line + strspn(line, " \t");
	const gsize len = strlen(command);

	if (strncmp(at, command, len) != 0 || (at[len] != ' ' && at[len] != '\t'))
		return 0;
	at += len + strspn(at + len, " \t");
	while (strncmp(at, "--", 2) == 0) {
		at += strcspn(at, " \t\n");
		at += strspn(at, " \t");
	}
	g_free(*ret_file);
	*ret_file = g_strndup(at, strcspn(at, " \t\r\n\\"));
	return (*ret_file)[0] != '\0' ? (gsize)(at + strlen(*ret_file) - line) : 0;
}

static bool is_linux(const char *file)
{
	static const char *const names[] = { "vmlinuz", "vmlinux", "bzImage",
					     "linux",   "kernel",  "image" };
	const char *name = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file;

	name = strrchr(name, ')') != NULL ? strrchr(name, ')') + 1 : name;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_has_prefix(name, names[i]))
			return true;
	return false;
}

static bool is_xen(const char *file)
{
	const char *name = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file;

	return g_str_has_prefix(name, "xen");
}

/* Calls back for each line; the words of a boot line begin at @words, elsewhere it is 0. */
typedef bool (*each_line)(const char *line, gsize len, gsize words, void *context, GError **error);

static bool walk_legacy(const char *text, each_line call, void *context, GError **error)
{
	bool behind_xen = false;

	while (*text != '\0') {
		const gsize len = line_length(text, true);
		g_autofree char *line = g_strndup(text, len);
		g_autofree char *file = NULL;
		gsize words = words_begin(line, "kernel", &file);

		if (words > 0) {
			behind_xen = is_xen(file);
			if (!is_linux(file))
				words = 0;
		} else if (behind_xen && (words = words_begin(line, "module", &file)) > 0) {
			behind_xen = false;
		}
		if (!call(line, len, words, context, error))
			return false;
		text += len;
	}
	return true;
}

struct editing {
	const struct kvt_word_op *ops;
	gsize count;
	GString *out;
	GPtrArray *lines; /* words, as they have to read back */
};

static char *edit_args(const char *line, gsize words, gsize len, const struct editing *editing,
		       GError **error)
{
	g_autofree char *old = g_strndup(line + words, len - words - ending_length(line, len));
	g_autofree char *edited = NULL;

	if (g_str_has_suffix(old, "\\")) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "the last boot line ends in a backslash and goes on nowhere");
		return NULL;
	}
	edited = kvt_words_edit(old, editing->ops, editing->count, error);
	if (edited == NULL)
		return NULL;
	/* the first word that is ever added stands apart from the file's name */
	if (edited[0] != '\0' && strchr(" \t\\", edited[0]) == NULL)
		return g_strconcat(" ", edited, NULL);
	return g_steal_pointer(&edited);
}

static bool edit_line(const char *line, gsize len, gsize words, void *context, GError **error)
{
	struct editing *editing = context;
	g_autofree char *args = NULL;

	if (words == 0) {
		g_string_append_len(editing->out, line, (gssize)len);
		return true;
	}
	args = edit_args(line, words, len, editing, error);
	if (args == NULL)
		return false;
	g_string_append_len(editing->out, line, (gssize)words);
	g_string_append(editing->out, args);
	g_string_append(editing->out, line + len - ending_length(line, len));
	g_ptr_array_add(editing->lines, kvt_words_parse(args));
	return true;
}

static bool collect_line(const char *line, gsize len, gsize words, void *context, GError **error)
{
	GPtrArray *lines = context;

	(void)error;
	if (words > 0) {
		g_autofree char *args =
			g_strndup(line + words, len - words - ending_length(line, len));

		g_ptr_array_add(lines, kvt_words_parse(args));
	}
	return true;
}

GPtrArray *kvt_grub_legacy_lines(const char *text)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

	walk_legacy(text, collect_line, lines, NULL);
	return lines;
}

static bool reads_back(const char *text, const GPtrArray *wanted)
{
	g_autoptr(GPtrArray) got = kvt_grub_legacy_lines(text);

	if (got->len != wanted->len)
		return false;
	for (guint i = 0; i < got->len; i++)
		if (!kvt_words_same(got->pdata[i], wanted->pdata[i]))
			return false;
	return true;
}

char *kvt_grub_legacy_edit(const char *text, const struct kvt_word_op *ops, gsize count,
			   GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GPtrArray) lines =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	struct editing editing = { ops, count, out, lines };

	if (!walk_legacy(text, edit_line, &editing, error))
		return NULL;
	if (lines->len == 0 && !no_boot_line(error))
		return NULL;
	if (!reads_back(out->str, lines)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "the boot entries would not read back as they were wished");
		return NULL;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* ---- Boot Loader Specification ---- */

static bool is_options(const char *line)
{
	return g_str_has_prefix(line, "options") && (line[7] == ' ' || line[7] == '\t');
}

/* One wish for all lines: a word is added to the last of them. */
static char *edit_options(const char *line, gsize len, bool last, const struct kvt_word_op *ops,
			  gsize count, GError **error)
{
	g_autofree char *old = g_strndup(line + 7, len - 7 - ending_length(line, len));
	g_autofree struct kvt_word_op *here = g_new(struct kvt_word_op, count + 1);
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *args = NULL;

	for (gsize i = 0; i < count; i++) {
		here[i] = ops[i];
		if (last || !ops[i].add)
			continue;
		/* another line gets the word: here an old value of it goes */
		g_ptr_array_add(keys, g_strndup(ops[i].word, strcspn(ops[i].word, "=")));
		here[i] = (struct kvt_word_op){ false, keys->pdata[keys->len - 1] };
	}
	args = kvt_words_edit(old, here, count, error);
	if (args == NULL)
		return NULL;
	return g_strconcat("options",
			   args[0] != '\0' && args[0] != ' ' && args[0] != '\t' ? " " : "", args,
			   line + len - ending_length(line, len), NULL);
}

char *kvt_loader_entry_edit(const char *text, const struct kvt_word_op *ops, gsize count,
			    bool *ret_uses_env, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	guint total = 0, seen = 0;

	*ret_uses_env = false;
	for (const char *at = text; *at != '\0'; at += line_length(at, false))
		total += is_options(at);
	if (total == 0 && !no_boot_line(error))
		return NULL;
	while (*text != '\0') {
		const gsize len = line_length(text, false);
		g_autofree char *line = g_strndup(text, len);
		g_autofree char *edited = NULL;

		if (is_options(line)) {
			*ret_uses_env |= strstr(line, "$kernelopts") != NULL;
			edited = edit_options(line, len, ++seen == total, ops, count, error);
			if (edited == NULL)
				return NULL;
		}
		g_string_append(out, edited != NULL && !*ret_uses_env ? edited : line);
		text += len;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* ---- GRUB environment block ---- */

#define GRUBENV_BYTES 1024
#define GRUBENV_MARK  "# GRUB Environment Block\n"

char *kvt_grubenv_edit(const char *text, const struct kvt_word_op *ops, gsize count, GError **error)
{
	const char *options = strstr(text, "\nkernelopts=");
	const char *end = strrchr(text, '\n');
	const gsize used = end != NULL ? (gsize)(end - text) + 1 : 0;
	g_autofree char *args = NULL;
	g_autofree char *old = NULL;
	GString *out;

	if (strlen(text) != GRUBENV_BYTES || !g_str_has_prefix(text, GRUBENV_MARK) ||
	    strspn(text + used, "#") != GRUBENV_BYTES - used) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "no GRUB environment block");
		return NULL;
	}
	if (options == NULL && !no_boot_line(error))
		return NULL;
	options += strlen("\nkernelopts=");
	old = g_strndup(options, strcspn(options, "\n"));
	args = strchr(old, '\\') == NULL ? kvt_words_edit(old, ops, count, error) : NULL;
	if (args == NULL || used - strlen(old) + strlen(args) > GRUBENV_BYTES) {
		if (error != NULL && *error == NULL)
			g_set_error(
				error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				"the GRUB environment block has no room for it, or escaped text");
		return NULL;
	}
	out = g_string_new_len(text, options - text);
	g_string_append(out, args);
	g_string_append_len(out, options + strlen(old),
			    (gssize)(used - (gsize)(options - text) - strlen(old)));
	while (out->len < GRUBENV_BYTES)
		g_string_append_c(out, '#');
	return g_string_free(out, FALSE);
}

/* ---- /etc/kernel/cmdline ---- */

char *kvt_cmdline_file_edit(const char *text, const struct kvt_word_op *ops, gsize count,
			    GError **error)
{
	const gsize len = strlen(text);
	const gsize ending = ending_length(text, len);
	g_autofree char *old = g_strndup(text, len - ending);
	g_autofree char *args = NULL;

	if (strchr(old, '\n') != NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "more than one line");
		return NULL;
	}
	args = kvt_words_edit(old, ops, count, error);
	return args != NULL ? g_strconcat(args, text + len - ending, NULL) : NULL;
}
