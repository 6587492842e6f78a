/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime clock --decode: text or bytes, told or forced, to the rows of every type. */
#include <stddef.h>
#include <stdint.h>

#include "clock/dump.h"
#include "clock/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(const GPtrArray *rows)
{
	for (guint i = 0; i < rows->len; i++) {
		const struct kvt_row *row = rows->pdata[i];

		g_assert_true(row->name != NULL &&
			      (row->kind != KVT_ROW_TEXT || row->text != NULL));
	}
}

static void describe(enum kvt_page_type type, const GByteArray *bytes, uint64_t tsc_cycles)
{
	const struct kvt_page_context context = { .tsc_cycles = tsc_cycles,
						  .khz = tsc_cycles % 100000001,
						  .khz_source = "fuzz" };
	g_autoptr(kvt_record) record =
		kvt_page_describe(type, bytes->data, bytes->len, &context, NULL);

	if (record == NULL)
		return;
	check_rows(record->fields);
	check_rows(record->derived);
	check_rows(record->flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GByteArray) bytes = kvt_dump_parse((const char *)data, size, NULL);
	enum kvt_page_type type;
	const char *how;
	uint64_t tsc_cycles = 0;

	if (bytes == NULL)
		return 0;
	g_assert_true(bytes->len > 0 && bytes->len <= KVT_DUMP_BYTES);
	for (guint i = 0; i < MIN(bytes->len, 8); i++)
		tsc_cycles = tsc_cycles << 8 | bytes->data[bytes->len - 1 - i];
	if (kvt_page_recognise(bytes->data, bytes->len, &type, &how, NULL))
		describe(type, bytes, 0);
	for (guint t = 0; t < KVT_PAGE_TYPES; t++)
		describe((enum kvt_page_type)t, bytes, tsc_cycles);
	return 0;
}
