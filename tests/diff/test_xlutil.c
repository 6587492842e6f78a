/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's own library judges our reader of xl.cfg: random files, each value as libxlutil has it.
 * The reader is ours and not libxlutil, since that gives neither the line of a value nor a value
 * that it was not asked for, prints its errors to a FILE, and drags in all of libxl, which opens
 * /dev/xen interfaces that exist on a Xen host alone.
 */
#include <stdio.h>
#include <string.h>

#include <libxlutil.h>

#include "vmdef/formats.h"

#define ROUNDS 3000

static const char *const keys[] = { "name",      "type",  "localtime", "rtc_timeoffset",
				    "tsc_mode",  "vcpus", "hpet",      "timer_mode",
				    "vpt_align", "acpi",  "nomigrate", "viridian" };

static const char *pick(const char *const *words, int count)
{
	return words[g_test_rand_int_range(0, count)];
}

#define PICK(words) pick(words, G_N_ELEMENTS(words))

/* A value as people write it; lists too, which are only looked past. */
static void put_value(GString *text)
{
	static const char *const strings[] = { "",    "hvm",  "a b",        "#no comment",
					       "x;y", "it's", "-3600",      "native",
					       "[",   "=",    "caf\303\251" };
	static const char *const lists[] = { "[ 'a', 'b' ]", "[\n'vda,#x',\n 'b',\n]", "[]",
					     "[ \"]\" ]" };
	const char *word;

	switch (g_test_rand_int_range(0, 4)) {
	case 0:
		g_string_append_printf(text, "%d", g_test_rand_int_range(0, 100000));
		break;
	case 1:
		g_string_append(text, PICK(lists));
		break;
	default:
		word = PICK(strings);
		g_string_append_printf(text, strchr(word, '\'') != NULL ? "\"%s\"" : "'%s'", word);
	}
}

static char *draw(void)
{
	static const char *const gaps[] = { "", " ", "\t", "  " };
	static const char *const ends[] = { "\n",  "\n\n", "  # a comment\n",
					    ";\n", "; ",   "\n# 'quoted\n" };
	GString *text = g_string_new(NULL);
	int lines = g_test_rand_int_range(1, 12);

	for (int i = 0; i < lines; i++) {
		g_string_append(text, PICK(keys));
		g_string_append(text, PICK(gaps));
		g_string_append_c(text, '=');
		g_string_append(text, PICK(gaps));
		put_value(text);
		g_string_append(text, PICK(ends));
	}
	g_string_append_c(text, '\n');
	return g_string_free(text, FALSE);
}

/* The last value of a key that is no list; NULL if there is none or it is a list. */
static const char *ours(GPtrArray *pairs, const char *key)
{
	const char *value = NULL;

	for (guint i = 0; i < pairs->len; i++) {
		const struct kvt_vm_pair *pair = g_ptr_array_index(pairs, i);

		if (strcmp(pair->key, key) == 0)
			value = !pair->quoted && pair->value[0] == '[' ? NULL : pair->value;
	}
	return value;
}

static void compare(const char *text, XLU_Config *config, GPtrArray *pairs)
{
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		const char *theirs = NULL, *mine = ours(pairs, keys[i]);

		if (xlu_cfg_get_string(config, keys[i], &theirs, 1) != 0)
			theirs = NULL;
		if (g_strcmp0(mine, theirs) == 0)
			continue;
		g_test_message("%s: ours '%s', libxlutil '%s'\n%s", keys[i], mine, theirs, text);
		g_test_fail();
	}
}

static void test_values_are_those_of_libxlutil(void)
{
	FILE *null = fopen("/dev/null", "w");
	int read = 0;

	for (int i = 0; i < ROUNDS && !g_test_failed(); i++) {
		g_autofree char *text = draw();
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) pairs = NULL;
		XLU_Config *config = xlu_cfg_init(null, "test");

		if (xlu_cfg_readdata(config, text, (int)strlen(text)) == 0) {
			read++;
			pairs = kvt_vm_pairs(text, strlen(text), '=', "test", &error);
			g_assert_no_error(error);
			compare(text, config, pairs);
		}
		xlu_cfg_destroy(config);
	}
	fclose(null);
	g_test_message("libxlutil read %d of %d files", read, ROUNDS);
	g_assert_cmpint(read, >, ROUNDS / 2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/xl/values-are-those-of-libxlutil", test_values_are_those_of_libxlutil);
	return g_test_run();
}
