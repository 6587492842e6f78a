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
	if (missing_is_absent && strstr(error->message, g_strerror(ENOENT)) != NULL)
		kvt_facts_set_absent(reader->facts, reader->who, name, path);
	else
		kvt_read_failed(reader, 0, name, error);
	return NULL;
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

struct kvt_facts *kvt_machine_read(const struct kvt_root *root, const struct kvt_answers *answers,
				   const char *target)
{
	struct kvt_reader reader = { root, answers, kvt_facts_new(target), 0 };

	kvt_read_identity(&reader);
	kvt_read_kernel(&reader);
	kvt_read_cpu(&reader);
	kvt_read_clock(&reader);
	kvt_read_cmdline(&reader);
	kvt_read_ntp(&reader);
	kvt_read_kvm(&reader);
	kvt_facts_keep(reader.facts, reader.who);
	return reader.facts;
}
