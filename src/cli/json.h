/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The envelope of every JSON document: schema, version, time, target, complete. Integers that can
 * pass 2^53 are decimal strings. Within a major schema version members are only added.
 */
#ifndef KVT_CLI_JSON_H
#define KVT_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <json-glib/json-glib.h>

/**
 * kvt_json_begin() - a builder with the envelope written and its object open
 * @schema:   e.g. "kvmtime.clock/1"; data/schemas/ holds its JSON Schema
 * @target:   what the answer is about, e.g. "/" or a file name
 * @complete: false if something that was asked for could not be read
 *
 * Return: owned.
 */
JsonBuilder *kvt_json_begin(const char *schema, const char *target, bool complete);

/**
 * kvt_json_end() - close the envelope, print the document to stdout and free the builder
 * @pretty: false = one line (JSON Lines)
 */
void kvt_json_end(JsonBuilder *builder, bool pretty);

/** kvt_json_take() - the same, but return the document without a line end; owned */
char *kvt_json_take(JsonBuilder *builder, bool pretty);

void kvt_json_string(JsonBuilder *builder, const char *name, const char *value); /* NULL = null */
void kvt_json_bool(JsonBuilder *builder, const char *name, bool value);
void kvt_json_int(JsonBuilder *builder, const char *name, int64_t value);   /* below 2^53 */
void kvt_json_double(JsonBuilder *builder, const char *name, double value); /* not finite = null */
void kvt_json_u64(JsonBuilder *builder, const char *name, uint64_t value);  /* decimal string */
void kvt_json_i64(JsonBuilder *builder, const char *name, int64_t value);   /* decimal string */

/** kvt_json_time() - real time as RFC 3339 in UTC with milliseconds; owned */
char *kvt_json_time(int64_t real_us);

#endif
