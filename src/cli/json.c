/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/json.h"

#include <math.h>
#include <stdio.h>

#include "config.h"

char *kvt_json_time(int64_t real_us)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(real_us / G_USEC_PER_SEC);
	g_autofree char *whole =
		time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : NULL;

	if (whole == NULL)
		return NULL;
	return g_strdup_printf("%s.%03dZ", whole, (int)(real_us % G_USEC_PER_SEC / 1000));
}

JsonBuilder *kvt_json_begin(const char *schema, const char *target, bool complete)
{
	JsonBuilder *builder = json_builder_new();
	g_autofree char *now = kvt_json_time(g_get_real_time());

	json_builder_begin_object(builder);
	kvt_json_string(builder, "schema", schema);
	kvt_json_string(builder, "version", KVT_VERSION);
	kvt_json_string(builder, "time", now);
	kvt_json_string(builder, "target", target);
	kvt_json_bool(builder, "complete", complete);
	return builder;
}

char *kvt_json_take(JsonBuilder *builder, bool pretty)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	char *document;
	JsonNode *root;

	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	json_generator_set_root(generator, root);
	json_generator_set_pretty(generator, pretty);
	document = json_generator_to_data(generator, NULL);
	json_node_unref(root);
	g_object_unref(builder);
	return document;
}

void kvt_json_end(JsonBuilder *builder, bool pretty)
{
	g_autofree char *document = kvt_json_take(builder, pretty);

	printf("%s\n", document);
}

void kvt_json_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value == NULL)
		json_builder_add_null_value(builder);
	else {
		g_autofree char *valid = g_utf8_make_valid(value, -1);

		json_builder_add_string_value(builder, valid);
	}
}

void kvt_json_bool(JsonBuilder *builder, const char *name, bool value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_boolean_value(builder, value);
}

void kvt_json_int(JsonBuilder *builder, const char *name, int64_t value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, value);
}

void kvt_json_double(JsonBuilder *builder, const char *name, double value)
{
	json_builder_set_member_name(builder, name);
	if (isfinite(value))
		json_builder_add_double_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

void kvt_json_u64(JsonBuilder *builder, const char *name, uint64_t value)
{
	g_autofree char *decimal = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	kvt_json_string(builder, name, decimal);
}

void kvt_json_i64(JsonBuilder *builder, const char *name, int64_t value)
{
	g_autofree char *decimal = g_strdup_printf("%" G_GINT64_FORMAT, value);

	kvt_json_string(builder, name, decimal);
}
