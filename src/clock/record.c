/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock/record.h"

static void row_free(gpointer data)
{
	struct kvt_row *row = data;

	g_free(row->name);
	g_free(row->text);
	g_free(row->meaning);
	g_free(row);
}

struct kvt_record *kvt_record_new(const char *type, const char *title)
{
	struct kvt_record *record = g_new0(struct kvt_record, 1);

	record->type = type;
	record->title = title;
	record->fields = g_ptr_array_new_with_free_func(row_free);
	record->derived = g_ptr_array_new_with_free_func(row_free);
	record->flags = g_ptr_array_new_with_free_func(row_free);
	return record;
}

void kvt_record_free(struct kvt_record *record)
{
	if (record == NULL)
		return;
	g_ptr_array_unref(record->fields);
	g_ptr_array_unref(record->derived);
	g_ptr_array_unref(record->flags);
	g_free(record);
}

static struct kvt_row *add(GPtrArray *rows, const char *name, enum kvt_row_kind kind)
{
	struct kvt_row *row = g_new0(struct kvt_row, 1);

	row->name = g_strdup(name);
	row->kind = kind;
	g_ptr_array_add(rows, row);
	return row;
}

static struct kvt_row *add_u64(GPtrArray *rows, const char *name, enum kvt_row_kind kind,
			       uint64_t value)
{
	struct kvt_row *row = add(rows, name, kind);

	row->u64 = value;
	return row;
}

struct kvt_row *kvt_row_int(GPtrArray *rows, const char *name, uint64_t value)
{
	return add_u64(rows, name, KVT_ROW_INT, value);
}

struct kvt_row *kvt_row_u64(GPtrArray *rows, const char *name, uint64_t value)
{
	return add_u64(rows, name, KVT_ROW_U64, value);
}

struct kvt_row *kvt_row_hex(GPtrArray *rows, const char *name, uint64_t value)
{
	return add_u64(rows, name, KVT_ROW_HEX, value);
}

struct kvt_row *kvt_row_bool(GPtrArray *rows, const char *name, bool value)
{
	return add_u64(rows, name, KVT_ROW_BOOL, value);
}

struct kvt_row *kvt_row_i64(GPtrArray *rows, const char *name, int64_t value)
{
	struct kvt_row *row = add(rows, name, KVT_ROW_I64);

	row->i64 = value;
	return row;
}

struct kvt_row *kvt_row_ns(GPtrArray *rows, const char *name, int64_t ns)
{
	struct kvt_row *row = add(rows, name, KVT_ROW_NS);

	row->i64 = ns;
	return row;
}

struct kvt_row *kvt_row_double(GPtrArray *rows, const char *name, double value)
{
	struct kvt_row *row = add(rows, name, KVT_ROW_DOUBLE);

	row->number = value;
	return row;
}

struct kvt_row *kvt_row_text(GPtrArray *rows, const char *name, const char *value)
{
	struct kvt_row *row = add(rows, name, KVT_ROW_TEXT);

	row->text = g_strdup(value);
	return row;
}

static void set_meaning(struct kvt_row *row, bool warns, char *meaning)
{
	g_free(row->meaning);
	row->meaning = meaning;
	row->warns = warns;
}

void kvt_row_mean(struct kvt_row *row, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_meaning(row, false, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

void kvt_row_warn(struct kvt_row *row, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_meaning(row, true, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}
