/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/diff.h"

#include <string.h>

#define CONTEXT 3
/* Above it the middle is shown as replaced whole: configuration files are small. */
#define LCS_LIMIT 2000

/* Lines with their newline; the last one may lack it. */
static GPtrArray *lines_of(const char *text)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	while (text != NULL && *text != '\0') {
		const char *end = strchr(text, '\n');
		const gsize len = end != NULL ? (gsize)(end - text) + 1 : strlen(text);

		g_ptr_array_add(lines, g_strndup(text, len));
		text += len;
	}
	return lines;
}

/* ' ' kept, '-' taken away, '+' new: one character a line of the edit script */
struct script {
	GString *kinds;
	GPtrArray *lines; /* borrowed */
};

static void put(struct script *script, char kind, char *line)
{
	g_string_append_c(script->kinds, kind);
	g_ptr_array_add(script->lines, line);
}

static bool same_line(const GPtrArray *a, guint i, const GPtrArray *b, guint j)
{
	return strcmp(a->pdata[i], b->pdata[j]) == 0;
}

/* The longest common subsequence of the lines between equal heads and tails. */
static void middle(struct script *script, const GPtrArray *a, guint from_a, guint to_a,
		   const GPtrArray *b, guint from_b, guint to_b)
{
	const guint n = to_a - from_a, m = to_b - from_b;
	const bool small = n <= LCS_LIMIT && m <= LCS_LIMIT;
	g_autofree guint16 *length = g_new0(guint16, small ? (gsize)(n + 1) * (m + 1) : 1);
	guint i = 0, j = 0;

#define AT(x, y) length[(gsize)(x) * (m + 1) + (y)]
	for (guint x = small ? n : 0; x-- > 0;)
		for (guint y = m; y-- > 0;)
			AT(x, y) = (guint16)(same_line(a, from_a + x, b, from_b + y)
						     ? AT(x + 1, y + 1) + 1
						     : MAX(AT(x + 1, y), AT(x, y + 1)));
	while (small && i < n && j < m) {
		if (same_line(a, from_a + i, b, from_b + j))
			put(script, ' ', a->pdata[from_a + i]), i++, j++;
		else if (AT(i + 1, j) >= AT(i, j + 1))
			put(script, '-', a->pdata[from_a + i++]);
		else
			put(script, '+', b->pdata[from_b + j++]);
	}
#undef AT
	for (; i < n; i++)
		put(script, '-', a->pdata[from_a + i]);
	for (; j < m; j++)
		put(script, '+', b->pdata[from_b + j]);
}

static void compare(struct script *script, const GPtrArray *a, const GPtrArray *b)
{
	guint head = 0, tail = 0;

	while (head < a->len && head < b->len && same_line(a, head, b, head))
		head++;
	while (tail < a->len - head && tail < b->len - head &&
	       same_line(a, a->len - 1 - tail, b, b->len - 1 - tail))
		tail++;
	for (guint i = 0; i < head; i++)
		put(script, ' ', a->pdata[i]);
	middle(script, a, head, a->len - tail, b, head, b->len - tail);
	for (guint i = a->len - tail; i < a->len; i++)
		put(script, ' ', a->pdata[i]);
}

static void print_line(GString *out, char kind, const char *line)
{
	g_string_append_c(out, kind);
	g_string_append(out, line);
	if (!g_str_has_suffix(line, "\n"))
		g_string_append(out, "\n\\ No newline at end of file\n");
}

static void print_hunk(GString *out, const struct script *script, guint from, guint to)
{
	guint old_at = 1, new_at = 1, old_len = 0, new_len = 0;

	for (guint i = 0; i < to; i++) {
		const char kind = script->kinds->str[i];

		old_at += i < from && kind != '+';
		new_at += i < from && kind != '-';
		old_len += i >= from && kind != '+';
		new_len += i >= from && kind != '-';
	}
	g_string_append_printf(out, "@@ -%u,%u +%u,%u @@\n", old_len > 0 ? old_at : old_at - 1,
			       old_len, new_len > 0 ? new_at : new_at - 1, new_len);
	for (guint i = from; i < to; i++)
		print_line(out, script->kinds->str[i], script->lines->pdata[i]);
}

static void print_hunks(GString *out, const struct script *script)
{
	const guint n = script->lines->len;
	guint i = 0;

	while (i < n) {
		guint from, end, quiet = 0;

		while (i < n && script->kinds->str[i] == ' ')
			i++;
		if (i == n)
			break;
		from = i > CONTEXT ? i - CONTEXT : 0;
		/* two changes closer than twice the context share a hunk */
		for (end = i; i < n && quiet <= 2 * CONTEXT; i++) {
			quiet = script->kinds->str[i] == ' ' ? quiet + 1 : 0;
			if (quiet == 0)
				end = i + 1;
		}
		i = MIN(end + CONTEXT, n);
		print_hunk(out, script, from, i);
	}
}

char *kvt_diff(const char *path, const char *before, const char *after)
{
	g_autoptr(GPtrArray) a = lines_of(before);
	g_autoptr(GPtrArray) b = lines_of(after);
	g_autoptr(GString) kinds = g_string_new(NULL);
	g_autoptr(GPtrArray) lines = g_ptr_array_new();
	struct script script = { kinds, lines };
	GString *out = g_string_new(NULL);

	compare(&script, a, b);
	if (strpbrk(kinds->str, "+-") == NULL)
		return g_string_free(out, FALSE);
	g_string_append_printf(out, "--- %s%s\n", before != NULL ? "a/" : "",
			       before != NULL ? path : "/dev/null");
	g_string_append_printf(out, "+++ %s%s\n", after != NULL ? "b/" : "",
			       after != NULL ? path : "/dev/null");
	print_hunks(out, &script);
	return g_string_free(out, FALSE);
}
