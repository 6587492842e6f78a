/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot loader files: the editors refuse or write what reads back; text without wishes stays. */
#include <stdint.h>
#include <string.h>

#include "fix/boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kvt_word_op ops[] = {
	{ false, "notsc" },
	{ true, "processor.max_cstate=1" },
	{ false, "clocksource" },
	{ true, "a" },
};

/* An edited file edited again is the same. */
static void check(char *(*edit)(const char *, const struct kvt_word_op *, gsize, GError **),
		  const char *text)
{
	g_autofree char *same = edit(text, ops, 0, NULL);
	g_autofree char *once = edit(text, ops, G_N_ELEMENTS(ops), NULL);
	g_autofree char *twice = once != NULL ? edit(once, ops, G_N_ELEMENTS(ops), NULL) : NULL;

	if (same != NULL && strcmp(same, text) != 0 && edit != kvt_grub_legacy_edit)
		g_error("changed without a wish: '%s'", text);
	if (once != NULL && (twice == NULL || strcmp(once, twice) != 0))
		g_error("'%s' becomes '%s'", once, twice != NULL ? twice : "an error");
}

static char *edit_entry(const char *text, const struct kvt_word_op *list, gsize count,
			GError **error)
{
	bool uses_env;

	return kvt_loader_entry_edit(text, list, count, &uses_env, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);

	check(kvt_grub_legacy_edit, text);
	check(edit_entry, text);
	check(kvt_grubenv_edit, text);
	check(kvt_cmdline_file_edit, text);
	return 0;
}
