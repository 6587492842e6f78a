/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/agent.h"

#include <string.h>

#include "guests/reach.h"

#define DEPTH_LIMIT 32

char *kvt_agent_request(const char *command, JsonObject *arguments)
{
	g_autoptr(JsonObject) request = json_object_new();
	g_autoptr(JsonNode) root = json_node_alloc();
	g_autofree char *text = NULL;

	json_object_set_string_member(request, "execute", command);
	if (arguments != NULL)
		json_object_set_object_member(request, "arguments", json_object_ref(arguments));
	json_node_init_object(root, request);
	text = json_to_string(root, FALSE);
	return g_strconcat(text, "\n", NULL);
}

/* json-glib's parser calls itself for each level: a guest must not choose our stack's depth */
static bool too_deep(const char *line, gsize len)
{
	bool string = false;
	guint depth = 0;

	for (gsize i = 0; i < len; i++) {
		if (string && line[i] == '\\')
			i++;
		else if (line[i] == '"')
			string = !string;
		else if (!string && (line[i] == '{' || line[i] == '[')) {
			if (++depth > DEPTH_LIMIT)
				return true;
		} else if (!string && (line[i] == '}' || line[i] == ']') && depth > 0)
			depth--;
	}
	return false;
}

JsonObject *kvt_agent_parse(const char *line, gsize len, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonNode *root = NULL;

	if (!g_utf8_validate(line, (gssize)len, NULL) || too_deep(line, len) ||
	    !json_parser_load_from_data(parser, line, (gssize)len, NULL) ||
	    (root = json_parser_get_root(parser)) == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
		kvt_reach_set(error, KVT_REACH_GARBAGE, "an answer that is not a JSON object");
		return NULL;
	}
	return json_object_ref(json_node_get_object(root));
}

static const char *string_member(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
			       json_node_get_value_type(node) == G_TYPE_STRING
		       ? json_node_get_string(node)
		       : NULL;
}

static void set_refused(GError **error, JsonNode *node)
{
	JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	const char *words = object != NULL ? string_member(object, "desc") : NULL;

	if (words == NULL)
		words = "an error without words";
	kvt_reach_set(error, strstr(words, "frozen") != NULL ? KVT_REACH_FROZEN : KVT_REACH_REFUSED,
		      "%.200s", words);
}

JsonNode *kvt_agent_result(JsonObject *reply, GError **error)
{
	JsonNode *node = json_object_get_member(reply, "return");

	if (node != NULL)
		return json_node_copy(node);
	node = json_object_get_member(reply, "error");
	if (node != NULL)
		set_refused(error, node);
	else
		kvt_reach_set(error, KVT_REACH_GARBAGE, "an answer with neither result nor error");
	return NULL;
}

/* true if the number stands in the line as it is, not as the end or the start of a longer one */
static bool stands_in(const char *line, gsize len, const char *digits)
{
	const char *at = line;
	const gsize width = strlen(digits);

	while ((at = g_strstr_len(at, line + len - at, digits)) != NULL) {
		const char before = at > line ? at[-1] : ' ';

		if (!g_ascii_isdigit(before) && before != '-' && !g_ascii_isdigit(at[width]))
			return true;
		at++;
	}
	return false;
}

bool kvt_agent_time(JsonNode *result, const char *line, gsize len, int64_t *ret_guest_utc_ns,
		    GError **error)
{
	char digits[32];
	gint64 time_ns = -1;

	if (JSON_NODE_HOLDS_VALUE(result) && json_node_get_value_type(result) == G_TYPE_INT64)
		time_ns = json_node_get_int(result);
	g_snprintf(digits, sizeof(digits), "%" G_GINT64_FORMAT, time_ns);
	if (time_ns < 0 || !stands_in(line, len, digits)) {
		kvt_reach_set(error, KVT_REACH_GARBAGE,
			      "a time that is no number of ns since 1970");
		return false;
	}
	*ret_guest_utc_ns = time_ns;
	return true;
}
