/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include <gmodule.h>
#include <json-glib/json-glib.h>
#include <yaml.h>

#include "sys/error.h"
#include "vmdef/yaml.h"

#define DEPTH_LIMIT 100

struct reader {
	yaml_parser_t parser;
	const char *file;
	GError **error;
};

static JsonNode *fail(struct reader *r, yaml_mark_t mark, const char *reason)
{
	if (r->error != NULL && *r->error == NULL)
		g_set_error(r->error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s:%zu: %s", r->file,
			    mark.line + 1, reason);
	return NULL;
}

static bool next(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event) != 0)
		return true;
	fail(r, r->parser.problem_mark, r->parser.problem != NULL ? r->parser.problem : "not YAML");
	return false;
}

static bool is_number(const char *text)
{
	const char *digits = text + (*text == '-');

	return *digits != '\0' && strlen(digits) < 19 &&
	       strspn(digits, "0123456789") == strlen(digits);
}

static JsonNode *scalar(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	JsonNode *node = json_node_alloc();

	if (plain && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		return json_node_init_boolean(node, *text == 't');
	if (plain && (*text == '\0' || strcmp(text, "null") == 0 || strcmp(text, "~") == 0))
		return json_node_init_null(node);
	if (plain && is_number(text))
		return json_node_init_int(node, g_ascii_strtoll(text, NULL, 10));
	return json_node_init_string(node, text);
}

static JsonNode *value(struct reader *r, yaml_event_t *event, int depth);

static JsonNode *sequence(struct reader *r, int depth)
{
	g_autoptr(JsonArray) array = json_array_new();
	yaml_event_t event;

	while (next(r, &event)) {
		JsonNode *item;

		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return json_node_init_array(json_node_alloc(), array);
		}
		item = value(r, &event, depth + 1);
		if (item == NULL)
			return NULL;
		json_array_add_element(array, item);
	}
	return NULL;
}

static JsonNode *mapping(struct reader *r, int depth)
{
	g_autoptr(JsonObject) object = json_object_new();
	yaml_event_t event;

	while (next(r, &event)) {
		g_autofree char *key = NULL;
		JsonNode *item;

		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return json_node_init_object(json_node_alloc(), object);
		}
		if (event.type != YAML_SCALAR_EVENT) {
			fail(r, event.start_mark, "a key that is no word");
			yaml_event_delete(&event);
			return NULL;
		}
		key = g_strdup((const char *)event.data.scalar.value);
		if (json_object_has_member(object, key))
			fail(r, event.start_mark, "a key that stands there twice");
		yaml_event_delete(&event);
		if ((r->error != NULL && *r->error != NULL) || !next(r, &event))
			return NULL;
		item = value(r, &event, depth + 1);
		if (item == NULL)
			return NULL;
		json_object_set_member(object, key, item);
	}
	return NULL;
}

/* Takes the event over. */
static JsonNode *value(struct reader *r, yaml_event_t *event, int depth)
{
	yaml_event_type_t type = event->type;
	yaml_mark_t mark = event->start_mark;
	JsonNode *node = type == YAML_SCALAR_EVENT ? scalar(event) : NULL;

	yaml_event_delete(event);
	if (node != NULL)
		return node;
	if (depth > DEPTH_LIMIT)
		return fail(r, mark, "nested too deeply");
	if (type == YAML_MAPPING_START_EVENT)
		return mapping(r, depth);
	if (type == YAML_SEQUENCE_START_EVENT)
		return sequence(r, depth);
	return fail(r, mark, "an alias: refused, no definition needs one");
}

static bool is_machine(JsonNode *node)
{
	JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	JsonNode *kind = object != NULL ? json_object_get_member(object, "kind") : NULL;

	return kind != NULL && JSON_NODE_HOLDS_VALUE(kind) &&
	       json_node_get_value_type(kind) == G_TYPE_STRING &&
	       g_str_has_prefix(json_node_get_string(kind), "VirtualMachine");
}

static JsonNode *documents(struct reader *r)
{
	JsonNode *first = NULL;
	yaml_event_t event;

	while (next(r, &event)) {
		yaml_event_type_t type = event.type;
		JsonNode *node;

		if (type == YAML_STREAM_END_EVENT || type == YAML_STREAM_START_EVENT ||
		    type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT) {
			yaml_event_delete(&event);
			if (type == YAML_STREAM_END_EVENT)
				return first;
			continue;
		}
		node = value(r, &event, 0);
		if (node == NULL)
			break;
		if (first == NULL || (is_machine(node) && !is_machine(first))) {
			g_clear_pointer(&first, json_node_unref);
			first = node;
		} else {
			json_node_unref(node);
		}
	}
	g_clear_pointer(&first, json_node_unref);
	return NULL;
}

static char *to_json(const char *text, gsize length, const char *file, GError **error)
{
	g_autoptr(GError) reason = NULL;
	struct reader r = { .file = file, .error = &reason };
	g_autoptr(JsonNode) node = NULL;

	yaml_parser_initialize(&r.parser);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
	node = documents(&r);
	yaml_parser_delete(&r.parser);
	if (node != NULL)
		return json_to_string(node, FALSE);
	if (reason == NULL)
		g_set_error(&reason, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s:1: no YAML document",
			    file);
	g_propagate_error(error, g_steal_pointer(&reason));
	return NULL;
}

G_MODULE_EXPORT const struct kvt_yaml_module kvt_module = { to_json };
