/* SPDX-License-Identifier: BSD-2-Clause */
/* A journal's JSON of anybody's: lines come out of it, of printable text, and no longer than it. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check/journal.h"
#include "check/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) lines = kvt_journal_lines((const char *)data, size);
	gsize len = 0;
	const char *text = lines != NULL ? g_bytes_get_data(lines, &len) : NULL;

	for (gsize i = 0; i < len; i++)
		g_assert((guint8)text[i] >= 0x20 || text[i] == '\n');
	g_assert(len == 0 || text[len - 1] == '\n');
	if (len > 0)
		kvt_facts_free(kvt_log_read_machine(text, len, "fuzz"));
	return 0;
}
