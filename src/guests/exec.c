/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/exec.h"

#include "guests/reach.h"

#define POLL_US 10000

bool kvt_exec_append_base64(GString *bytes, const char *text)
{
	gsize len;
	g_autofree guchar *raw = text != NULL ? g_base64_decode(text, &len) : NULL;

	if (raw == NULL)
		return false;
	g_string_append_len(bytes, (const char *)raw, (gssize)len);
	return true;
}

static JsonNode *ask_object(struct kvt_path *path, const char *name, JsonObject *arguments,
			    GError **error)
{
	JsonNode *result = path->ops->command(path, name, arguments, error);

	if (result == NULL || JSON_NODE_HOLDS_OBJECT(result))
		return result;
	json_node_unref(result);
	kvt_reach_set(error, KVT_REACH_GARBAGE, "%s: an answer that is no object", name);
	return NULL;
}

static gint64 start(struct kvt_path *path, const char *script, GError **error)
{
	g_autoptr(JsonObject) arguments = json_object_new();
	JsonArray *words = json_array_new();
	g_autoptr(JsonNode) result = NULL;
	gint64 pid;

	json_array_add_string_element(words, "-c");
	json_array_add_string_element(words, script);
	json_object_set_string_member(arguments, "path", "/bin/sh");
	json_object_set_array_member(arguments, "arg", words);
	json_object_set_boolean_member(arguments, "capture-output", TRUE);
	result = ask_object(path, "guest-exec", arguments, error);
	if (result == NULL)
		return -1;
	pid = json_object_get_int_member_with_default(json_node_get_object(result), "pid", -1);
	if (pid < 0)
		kvt_reach_set(error, KVT_REACH_GARBAGE, "guest-exec: no process id");
	return pid;
}

/* the output of a script that has ended; NULL while it runs, or with an error */
static GString *output(struct kvt_path *path, gint64 pid, GError **error)
{
	g_autoptr(JsonObject) arguments = json_object_new();
	g_autoptr(JsonNode) result = NULL;
	JsonObject *status;
	GString *bytes;
	gint64 code;

	json_object_set_int_member(arguments, "pid", pid);
	result = ask_object(path, "guest-exec-status", arguments, error);
	if (result == NULL)
		return NULL;
	status = json_node_get_object(result);
	if (!json_object_get_boolean_member_with_default(status, "exited", FALSE))
		return NULL;
	code = json_object_get_int_member_with_default(status, "exitcode", 1);
	if (code != 0) {
		kvt_reach_set(error, KVT_REACH_REFUSED, "a program in the guest: exit status %d",
			      (int)code);
		return NULL;
	}
	bytes = g_string_new(NULL);
	kvt_exec_append_base64(bytes,
			       json_object_get_string_member_with_default(status, "out-data", ""));
	return bytes;
}

GString *kvt_exec_script(struct kvt_path *path, const char *script, gint64 timeout_us,
			 GError **error)
{
	const gint64 deadline_us = g_get_monotonic_time() + timeout_us;
	const gint64 pid = start(path, script, error);

	while (pid >= 0) {
		g_autoptr(GError) failed = NULL;
		GString *bytes = output(path, pid, &failed);

		if (bytes != NULL)
			return bytes;
		if (failed == NULL && g_get_monotonic_time() >= deadline_us)
			kvt_reach_set(&failed, KVT_REACH_HUNG,
				      "a program in the guest did not end");
		if (failed != NULL) {
			g_propagate_error(error, g_steal_pointer(&failed));
			break;
		}
		g_usleep(POLL_US);
	}
	return NULL;
}
