/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/messages.h"

#include <stddef.h>
#include <string.h>

#include "check/ini.h"
#include "check/seek.h"
#include "sys/error.h"

#define LOCAL_MESSAGES "/etc/kvmtime/messages"

struct kvt_messages {
	GPtrArray *all;
	GHashTable *by_id;     /* borrowed */
	struct kvt_seek *seek; /* made at the first scan; NULL before, and after an addition */
};

static const struct {
	const char *name;
	size_t offset;
	bool required;
} keys[] = {
	{ "literal", offsetof(struct kvt_message, literal), true },
	{ "pattern", offsetof(struct kvt_message, pattern), true },
	{ "sample", offsetof(struct kvt_message, sample), true },
	{ "title", offsetof(struct kvt_message, title), true },
	{ "cause", offsetof(struct kvt_message, cause), true },
	{ "source", offsetof(struct kvt_message, source), true },
	{ "fact", offsetof(struct kvt_message, fact), false },
	{ "value", offsetof(struct kvt_message, value), false },
	{ "writer", offsetof(struct kvt_message, writer), false },
	{ "severity", offsetof(struct kvt_message, severity), false },
	{ "era", offsetof(struct kvt_message, era), false },
	{ "remedy", offsetof(struct kvt_message, remedy), false },
	{ "confidence", offsetof(struct kvt_message, confidence), false },
};

static char **field(struct kvt_message *message, size_t offset)
{
	return (char **)(void *)((char *)message + offset);
}

static void message_free(gpointer data)
{
	struct kvt_message *message = data;

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		g_free(*field(message, keys[i].offset));
	g_strfreev(message->literals);
	if (message->regex != NULL)
		g_regex_unref(message->regex);
	g_free(message->id);
	g_free(message);
}

typedef struct kvt_message message_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(message_auto, message_free)

struct kvt_messages *kvt_messages_new(void)
{
	struct kvt_messages *messages = g_new0(struct kvt_messages, 1);

	messages->all = g_ptr_array_new_with_free_func(message_free);
	messages->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	return messages;
}

void kvt_messages_free(struct kvt_messages *messages)
{
	if (messages == NULL)
		return;
	kvt_seek_free(messages->seek);
	g_hash_table_unref(messages->by_id);
	g_ptr_array_unref(messages->all);
	g_free(messages);
}

guint kvt_messages_count(const struct kvt_messages *messages)
{
	return messages->all->len;
}

const struct kvt_message *kvt_messages_at(const struct kvt_messages *messages, guint i)
{
	return i < messages->all->len ? messages->all->pdata[i] : NULL;
}

struct kvt_seek **kvt_messages_seek(const struct kvt_messages *messages)
{
	return &((struct kvt_messages *)(guintptr)messages)->seek;
}

static bool take_line(struct kvt_message *message, const char *file,
		      const struct kvt_ini_line *line, GError **error)
{
	const char *equals = strchr(line->text, '=');
	g_autofree char *name = NULL;

	if (equals != NULL)
		name = g_strstrip(g_strndup(line->text, (gsize)(equals - line->text)));
	for (guint i = 0; name != NULL && i < G_N_ELEMENTS(keys); i++) {
		char **place = field(message, keys[i].offset);

		if (strcmp(name, keys[i].name) != 0)
			continue;
		if (*place != NULL)
			kvt_ini_fail(error, file, line->number, "this key is there twice: %s",
				     line->text);
		else
			*place = g_strstrip(g_strdup(equals + 1));
		return *place != NULL && (error == NULL || *error == NULL);
	}
	kvt_ini_fail(error, file, line->number, "unknown key: %s", line->text);
	return false;
}

static bool compile(struct kvt_message *message, const char *file, int line, GError **error)
{
	g_autoptr(GError) cause = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].required && *field(message, keys[i].offset) == NULL) {
			kvt_ini_fail(error, file, line, "%s has no key '%s'", message->id,
				     keys[i].name);
			return false;
		}
	message->literals = g_strsplit(message->literal, " || ", -1);
	for (guint i = 0; message->literals[i] != NULL; i++)
		if (strlen(message->literals[i]) < 4 || strlen(message->literals[i]) > 100) {
			kvt_ini_fail(error, file, line, "a literal has 4 to 100 bytes: %s",
				     message->literals[i]);
			return false;
		}
	message->def = message->fact != NULL ? kvt_fact_def_find(message->fact) : NULL;
	if (message->fact != NULL &&
	    (message->def == NULL || (message->def->subjects & KVT_MACHINE) == 0 ||
	     (message->def->type != KVT_FACT_BOOL && message->value == NULL))) {
		kvt_ini_fail(error, file, line, "no such fact, or it wants a value: %s",
			     message->fact);
		return false;
	}
	message->regex = g_regex_new(message->pattern, G_REGEX_RAW, 0, &cause);
	if (message->regex == NULL ||
	    (message->value != NULL && !g_regex_check_replacement(message->value, NULL, &cause))) {
		kvt_ini_fail(error, file, line, "%s: %s", message->pattern, cause->message);
		return false;
	}
	return true;
}

bool kvt_messages_parse(struct kvt_messages *messages, const char *file, const char *text,
			gsize len, GError **error)
{
	g_autoptr(GPtrArray) sections = kvt_ini_parse(file, text, len, error);

	g_clear_pointer(&messages->seek, kvt_seek_free);
	for (guint i = 0; sections != NULL && i < sections->len; i++) {
		const struct kvt_ini_section *section = sections->pdata[i];
		g_autoptr(message_auto) message = g_new0(struct kvt_message, 1);
		g_autoptr(GError) cause = NULL;

		message->id = g_strdup(section->name);
		if (g_hash_table_contains(messages->by_id, message->id)) {
			kvt_ini_fail(error, file, section->number, "%s is there already",
				     message->id);
			return false;
		}
		for (guint j = 0; j < section->lines->len; j++)
			if (!take_line(message, file, section->lines->pdata[j], &cause)) {
				g_propagate_error(error, g_steal_pointer(&cause));
				return false;
			}
		if (!compile(message, file, section->number, error))
			return false;
		g_hash_table_insert(messages->by_id, message->id, message);
		g_ptr_array_add(messages->all, g_steal_pointer(&message));
	}
	return sections != NULL;
}

static bool parse_into(gpointer set, const char *file, const char *text, gsize len, GError **error)
{
	return kvt_messages_parse(set, file, text, len, error);
}

struct kvt_messages *kvt_messages_load(GError **error)
{
	g_autofree char *data = kvt_data_dir();
	g_autofree char *shipped = g_build_filename(data, "messages", NULL);
	g_autoptr(kvt_messages) messages = kvt_messages_new();

	if (!kvt_data_load(shipped, ".messages", parse_into, messages, error) ||
	    !kvt_data_load(LOCAL_MESSAGES, ".messages", parse_into, messages, error))
		return NULL;
	return g_steal_pointer(&messages);
}

GPtrArray *kvt_messages_match(const struct kvt_messages *messages, const char *line)
{
	GPtrArray *matches = g_ptr_array_new();

	for (guint i = 0; i < messages->all->len; i++) {
		struct kvt_message *message = messages->all->pdata[i];
		bool maybe = false;

		for (guint j = 0; message->literals[j] != NULL; j++)
			maybe |= strstr(line, message->literals[j]) != NULL;
		if (maybe && g_regex_match(message->regex, line, 0, NULL))
			g_ptr_array_add(matches, message);
	}
	return matches;
}
