/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/words.h"

#include <stdio.h>
#include <string.h>

#include "sys/error.h"

struct span {
	gsize from, to;
};

/* Bytes of white space at the place; a backslash with its newline is white space. */
static gsize blank(const char *at)
{
	if (*at == ' ' || *at == '\t')
		return 1;
	if (at[0] == '\\' && at[1] == '\n')
		return 2;
	if (at[0] == '\\' && at[1] == '\r' && at[2] == '\n')
		return 3;
	return 0;
}

static bool next_word(const char *text, gsize from, struct span *word)
{
	bool quoted = false;
	gsize at = from, step;

	while ((step = blank(text + at)) > 0)
		at += step;
	word->from = at;
	while (text[at] != '\0' && (quoted || blank(text + at) == 0))
		quoted ^= text[at++] == '"';
	word->to = at;
	return word->to > word->from;
}

static GArray *spans_of(const char *text)
{
	GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct span));
	struct span word = { 0, 0 };

	while (next_word(text, word.to, &word))
		g_array_append_val(spans, word);
	return spans;
}

GPtrArray *kvt_words_parse(const char *text)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	struct span word = { 0, 0 };

	while (next_word(text, word.to, &word))
		g_ptr_array_add(words, g_strndup(text + word.from, word.to - word.from));
	return words;
}

bool kvt_words_same(const GPtrArray *a, const GPtrArray *b)
{
	if (a->len != b->len)
		return false;
	for (guint i = 0; i < a->len; i++)
		if (strcmp(a->pdata[i], b->pdata[i]) != 0)
			return false;
	return true;
}

/* The kernel takes '-' and '_' alike in a key. */
static bool same_start(const char *word, const char *wish, gsize len)
{
	for (gsize i = 0; i < len; i++)
		if ((word[i] == '_' ? '-' : word[i]) != (wish[i] == '_' ? '-' : wish[i]))
			return false;
	return true;
}

/* Words that a wish to remove means: the word itself, and a key with any value. */
static bool is_meant(const char *word, const char *wish)
{
	const gsize key = strcspn(wish, "=");

	if (!same_start(word, wish, key))
		return false;
	return strcmp(word + key, wish + key) == 0 || (wish[key] == '\0' && word[key] == '=');
}

/* Words that a wish to add replaces: the same key. */
static bool is_same_key(const char *word, const char *wish)
{
	const gsize key = strcspn(wish, "=");

	return same_start(word, wish, key) && word[key] == wish[key];
}

/* ---- the same wish, on a list of words: what the edited text has to parse back to ---- */

static guint end_of_kernel_words(const GPtrArray *words)
{
	for (guint i = 0; i < words->len; i++)
		if (strcmp(words->pdata[i], "--") == 0)
			return i;
	return words->len;
}

static void wish_on_list(GPtrArray *words, const struct kvt_word_op *op)
{
	bool there = false;

	for (guint i = end_of_kernel_words(words); i-- > 0;) {
		if (!(op->add ? is_same_key : is_meant)(words->pdata[i], op->word))
			continue;
		if (op->add && !there) {
			g_free(words->pdata[i]);
			words->pdata[i] = g_strdup(op->word);
			there = true;
		} else {
			g_ptr_array_remove_index(words, i);
		}
	}
	if (op->add && !there)
		g_ptr_array_insert(words, (gint)end_of_kernel_words(words), g_strdup(op->word));
}

/* ---- and on the text ---- */

/* With the white space before it; the first word with that behind it. */
static void cut_word(GString *text, const GArray *spans, guint i)
{
	const struct span *word = &g_array_index(spans, struct span, i);
	const gsize from = i > 0 ? word[-1].to : word->from;
	gsize to = word->to, step;

	while (i == 0 && (step = blank(text->str + to)) > 0)
		to += step;
	g_string_erase(text, (gssize)from, (gssize)(to - from));
}

static void put_word(GString *text, const GPtrArray *words, const GArray *spans, const char *wish)
{
	const guint end = end_of_kernel_words(words);
	g_autofree char *spaced = g_strconcat(" ", wish, NULL);

	if (end > 0)
		g_string_insert(text, (gssize)g_array_index(spans, struct span, end - 1).to,
				spaced);
	else if (words->len > 0) { /* "--" stands first */
		const gsize at = g_array_index(spans, struct span, 0).from;

		g_string_insert(text, (gssize)at, " ");
		g_string_insert(text, (gssize)at, wish);
	} else {
		g_string_append(text, wish);
	}
}

static void wish_on_text(GString *text, const struct kvt_word_op *op)
{
	g_autoptr(GPtrArray) words = kvt_words_parse(text->str);
	g_autoptr(GArray) spans = spans_of(text->str);
	bool there = false;

	for (guint i = end_of_kernel_words(words); i-- > 0;) {
		const struct span word = g_array_index(spans, struct span, i);

		if (!(op->add ? is_same_key : is_meant)(words->pdata[i], op->word))
			continue;
		if (op->add && !there) {
			g_string_erase(text, (gssize)word.from, (gssize)(word.to - word.from));
			g_string_insert(text, (gssize)word.from, op->word);
			there = true;
		} else {
			cut_word(text, spans, i);
		}
		/* spans before i still hold; i's own successor is read no more */
	}
	if (op->add && !there)
		put_word(text, words, spans, op->word);
}

char *kvt_words_edit(const char *text, const struct kvt_word_op *ops, gsize count, GError **error)
{
	g_autoptr(GString) edited = g_string_new(text);
	g_autoptr(GPtrArray) wanted = kvt_words_parse(text);
	g_autoptr(GPtrArray) got = NULL;

	for (gsize i = 0; i < count; i++) {
		wish_on_list(wanted, &ops[i]);
		wish_on_text(edited, &ops[i]);
	}
	got = kvt_words_parse(edited->str);
	if (!kvt_words_same(wanted, got)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "the boot line '%.200s' cannot be edited so that it reads back", text);
		return NULL;
	}
	return g_string_free(g_steal_pointer(&edited), FALSE);
}

/* ---- which kernel knows which word ---- */

bool kvt_kernel_parse(const char *release, const char *arch, struct kvt_kernel *ret_kernel)
{
	struct kvt_kernel kernel = { 0 };
	const char *el = release != NULL ? strstr(release, ".el") : NULL;

	/* NOLINTNEXTLINE(cert-err34-c): what is not a number is not read */
	if (release == NULL ||
	    sscanf(release, "%d.%d.%d", &kernel.major, &kernel.minor, &kernel.patch) < 2)
		return false;
	if (el != NULL)
		kernel.el = (int)g_ascii_strtoll(el + 3, NULL, 10);
	else if (strstr(release, ".EL") != NULL && kernel.major == 2 && kernel.patch == 9)
		kernel.el = 4;
	kernel.i386 = arch != NULL && (strcmp(arch, "i386") == 0 || strcmp(arch, "i686") == 0 ||
				       strcmp(arch, "i586") == 0);
	*ret_kernel = kernel;
	return true;
}

#define VERSION(a, b, c) ((a)*1000000 + (b)*1000 + (c))

static const struct known {
	const char *word; /* "key=" = with any value */
	int from, before; /* kernel versions; 0 = no bound */
	int el;           /* this Enterprise Linux alone */
	enum { ANY, I386, X86_64 } arch;
} known_words[] = {
	{ "processor.max_cstate=", VERSION(2, 6, 18), 0, 0, ANY },
	{ "intel_idle.max_cstate=", VERSION(2, 6, 35), 0, 0, ANY },
	{ "intel_idle.max_cstate=", 0, 0, 6, ANY }, /* backported to 2.6.32 */
	{ "notsc", VERSION(2, 6, 9), 0, 0, ANY },
	{ "clock=pmtmr", VERSION(2, 6, 0), VERSION(2, 6, 18), 0, I386 },
	{ "clocksource=acpi_pm", VERSION(2, 6, 18), 0, 0, I386 },
	{ "clocksource=acpi_pm", VERSION(2, 6, 24), 0, 0, X86_64 },
	{ "clocksource_failover", 0, 0, 6, ANY },
	{ "tsc=reliable", VERSION(2, 6, 32), 0, 0, ANY },
	{ "tsc=unstable", VERSION(4, 15, 0), 0, 0, ANY },
	{ "tsc=nowatchdog", VERSION(5, 4, 0), 0, 0, ANY },
};

static bool fits(const struct known *known, const struct kvt_kernel *kernel)
{
	const int version = VERSION(kernel->major, kernel->minor, kernel->patch);

	return version >= known->from && (known->before == 0 || version < known->before) &&
	       (known->el == 0 || known->el == kernel->el) &&
	       (known->arch == ANY || (known->arch == I386) == kernel->i386);
}

bool kvt_words_check(const char *word, const struct kvt_kernel *kernel, GError **error)
{
	bool listed = false;

	for (gsize i = 0; i < G_N_ELEMENTS(known_words); i++) {
		const char *name = known_words[i].word;
		const bool key = g_str_has_suffix(name, "=");

		if (key ? !g_str_has_prefix(word, name) : strcmp(word, name) != 0)
			continue;
		listed = true;
		if (fits(&known_words[i], kernel))
			return true;
	}
	if (listed)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "kernel %d.%d.%d%s does not know the boot word '%s'; it is not added",
			    kernel->major, kernel->minor, kernel->patch,
			    kernel->i386 ? " (32-bit)" : "", word);
	else
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "'%s' is no boot word that this program adds", word);
	return false;
}
