/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/machine.h"

#include <errno.h>
#include <string.h>

#include "sys/error.h"

char *kvt_read_file(const struct kvt_reader *reader, const char *path)
{
	return kvt_root_read(reader->root, path, KVT_ROOT_FILE_LIMIT, NULL, NULL);
}

void kvt_read_failed(const struct kvt_reader *reader, unsigned configured, const char *name,
		     const GError *error)
{
	kvt_facts_set_unknown(reader->facts, reader->who | configured, name,
			      kvt_is_denied(error->message) && !reader->answers->is_root,
			      error->message);
}

char *kvt_read_line(const struct kvt_reader *reader, const char *path, const char *name,
		    bool missing_is_absent)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text =
		kvt_root_read(reader->root, path, KVT_ROOT_FILE_LIMIT, NULL, &error);

	if (text != NULL) {
		text[strcspn(text, "\n")] = '\0';
		return g_steal_pointer(&text);
	}
	if (missing_is_absent && kvt_read_covers(reader, path) &&
	    strstr(error->message, g_strerror(ENOENT)) != NULL)
		kvt_facts_set_absent(reader->facts, reader->who, name, path);
	else
		kvt_read_failed(reader, 0, name, error);
	return NULL;
}

char *kvt_read_setting(const char *text, const char *key, guint *ret_line)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	char *value = NULL;
	const gsize len = strlen(key);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_strstrip(lines[i]);
		if (strncmp(lines[i], key, len) != 0 || lines[i][len] != '=')
			continue;
		g_free(value);
		value = g_strstrip(g_strdelimit(g_strdup(lines[i] + len + 1), "\"'", ' '));
		if (ret_line != NULL)
			*ret_line = i + 1;
	}
	return value;
}

char **kvt_words(const char *text)
{
	g_auto(GStrv) all = g_strsplit_set(text, " \t\n\r", -1);
	GPtrArray *kept = g_ptr_array_new();

	for (guint i = 0; all[i] != NULL; i++)
		if (all[i][0] != '\0')
			g_ptr_array_add(kept, g_strdup(all[i]));
	g_ptr_array_add(kept, NULL);
	return (char **)g_ptr_array_free(kept, FALSE);
}

/* A sosreport takes a folder's files or leaves the folder out; some files it never takes. */
static bool sos_covers(const struct kvt_reader *reader, const char *path)
{
	static const char *const never[] = { "/etc/adjtime", "/sys/class/rtc", "/proc/xen" };
	g_autofree char *folder = g_path_get_dirname(path);

	for (guint i = 0; i < G_N_ELEMENTS(never); i++)
		if (g_str_has_prefix(path, never[i]))
			return kvt_root_exists(reader->root, path);
	return kvt_root_exists(reader->root, folder);
}

bool kvt_read_covers(const struct kvt_reader *reader, const char *path)
{
	g_autofree char *first = g_strndup(path, 1 + strcspn(path + 1, "/"));

	if (kvt_root_is_live(reader->root))
		return true;
	return kvt_root_exists(reader->root, first) &&
	       (!kvt_root_exists(reader->root, "/sos_commands") || sos_covers(reader, path));
}

const char *kvt_read_from(const struct kvt_reader *reader, const char *path, const char *otherwise)
{
	const char *origin = kvt_root_origin(reader->root, path);

	return origin != NULL ? origin : otherwise;
}

/*
 * Loaded once for the program's life: several targets share them. They are data that may be
 * wrong, which must not cost the other facts.
 */
const struct kvt_messages *kvt_messages_shared(void)
{
	static struct kvt_messages *messages;
	g_autoptr(GError) error = NULL;

	if (messages == NULL)
		messages = kvt_messages_load(&error);
	if (messages == NULL) {
		g_printerr("kvmtime: %s\n", error->message);
		messages = kvt_messages_new();
	}
	return messages;
}

static struct kvt_facts *read_with(const struct kvt_root *root, const struct kvt_answers *answers,
				   const char *target, const struct kvt_messages *messages)
{
	struct kvt_reader reader = { root, answers, kvt_facts_new(target), 0, messages };

	kvt_read_identity(&reader);
	kvt_read_kernel(&reader);
	kvt_read_cpu(&reader);
	kvt_read_clock(&reader);
	kvt_read_cmdline(&reader);
	kvt_read_ntp(&reader);
	kvt_read_kvm(&reader);
	kvt_read_log(&reader);
	kvt_read_measured(&reader);
	kvt_read_files(&reader);
	kvt_facts_set_absent(reader.facts, KVT_HOST, "lab.measured", "kvmtime lab measures it");
	kvt_facts_keep(reader.facts, reader.who);
	return reader.facts;
}

struct kvt_facts *kvt_machine_read(const struct kvt_root *root, const struct kvt_answers *answers,
				   const char *target)
{
	return read_with(root, answers, target, kvt_messages_shared());
}

/* The lines that say which machine it is become that machine's few known files. */
struct kvt_facts *kvt_log_read_machine(const char *bytes, gsize len, const char *name)
{
	const struct kvt_messages *messages = kvt_messages_shared();
	g_autoptr(kvt_log) log = NULL;
	g_autoptr(kvt_root) root = kvt_root_new_memory(name);
	struct kvt_answers answers;
	struct kvt_facts *facts;

	log = kvt_log_scan(messages, bytes, len);
	if (log->banner != NULL)
		kvt_root_add(root, "/proc/version", log->banner, strlen(log->banner), NULL);
	if (log->cmdline != NULL)
		kvt_root_add(root, "/proc/cmdline", log->cmdline, strlen(log->cmdline), NULL);
	kvt_root_add(root, "/kvmtime/log", log->about->str, log->about->len, NULL);
	kvt_answers_recorded(root, &answers);
	facts = read_with(root, &answers, name, NULL);
	kvt_log_facts(log, facts, kvt_facts_roles(facts) != 0 ? kvt_facts_roles(facts) : KVT_GUEST,
		      name);
	return facts;
}
