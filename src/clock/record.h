/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A decoded record as rows: the fields by their own names, what follows from them, the flags. One
 * list from which both the text and the JSON are made.
 */
#ifndef KVT_CLOCK_RECORD_H
#define KVT_CLOCK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum kvt_row_kind {
	KVT_ROW_INT, /* below 2^53: a number in JSON */
	KVT_ROW_U64, /* decimal string in JSON */
	KVT_ROW_I64, /* decimal string in JSON */
	KVT_ROW_HEX, /* 0x.. in text; a number, or above 2^53 a string, in JSON */
	KVT_ROW_NS,  /* a duration: with its unit in text, decimal string of ns in JSON */
	KVT_ROW_DOUBLE,
	KVT_ROW_BOOL,
	KVT_ROW_TEXT,
};

struct kvt_row {
	char *name;
	enum kvt_row_kind kind;
	uint64_t u64; /* INT, U64, HEX, BOOL */
	int64_t i64;  /* I64, NS */
	double number;
	char *text;
	char *meaning; /* in words; NULL if the value says it all */
	bool warns;    /* the meaning is something to mind */
};

struct kvt_record {
	const char *type;                    /* as --as takes it */
	const char *title;                   /* what it is, in words */
	GPtrArray *fields, *derived, *flags; /* of struct kvt_row * */
};

struct kvt_record *kvt_record_new(const char *type, const char *title);
void kvt_record_free(struct kvt_record *record); /* NULL is taken */

typedef struct kvt_record kvt_record; /* for g_autoptr(kvt_record) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_record, kvt_record_free)

/* Each adds a row at the end and returns it, borrowed, for kvt_row_mean(). */
struct kvt_row *kvt_row_int(GPtrArray *rows, const char *name, uint64_t value);
struct kvt_row *kvt_row_u64(GPtrArray *rows, const char *name, uint64_t value);
struct kvt_row *kvt_row_i64(GPtrArray *rows, const char *name, int64_t value);
struct kvt_row *kvt_row_hex(GPtrArray *rows, const char *name, uint64_t value);
struct kvt_row *kvt_row_ns(GPtrArray *rows, const char *name, int64_t ns);
struct kvt_row *kvt_row_double(GPtrArray *rows, const char *name, double value);
struct kvt_row *kvt_row_bool(GPtrArray *rows, const char *name, bool value);
struct kvt_row *kvt_row_text(GPtrArray *rows, const char *name, const char *value);

/** kvt_row_mean() - say in words what the value means */
void kvt_row_mean(struct kvt_row *row, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** kvt_row_warn() - the same, for something to mind */
void kvt_row_warn(struct kvt_row *row, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
