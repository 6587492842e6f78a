/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/target_archive.h"

#include <string.h>

#include "check/logs.h"
#include "check/machine.h"
#include "check/sos.h"
#include "check/unpack.h"
#include "cli/targets.h"
#include "sys/error.h"

#define NESTED 2 /* archives within archives */

/* ---- a machine and its definitions ---- */

/*
 * A definition knows its host: the host's facts go along, so that whoever joins it with its guest
 * has all three. It is judged as a definition alone.
 */
static void add_definition(GPtrArray *sets, const struct kvt_facts *host,
			   const struct kvt_root *root, const char *path, const char *name)
{
	gsize len = 0;
	g_autofree char *bytes = kvt_root_read(root, path, KVT_ROOT_FILE_LIMIT, &len, NULL);
	g_autofree char *shown = g_strdup_printf("%s: %s", name, path + 1);
	g_autoptr(GPtrArray) found =
		bytes != NULL ? kvt_target_read_bytes(shown, bytes, len, NULL) : NULL;

	for (guint i = 0; found != NULL && i < found->len; i++) {
		struct kvt_facts *facts = found->pdata[i];

		if (kvt_facts_roles(facts) != KVT_VM)
			continue;
		kvt_facts_copy_into(facts, host, KVT_HOST);
		g_ptr_array_add(sets, facts);
		found->pdata[i] = NULL;
	}
}

static void read_machine(struct kvt_root *root, const char *name, GPtrArray *sets)
{
	const bool sosreport = kvt_is_sosreport(root);
	struct kvt_answers answers;
	struct kvt_facts *facts;
	g_autoptr(GPtrArray) definitions = NULL;

	if (sosreport)
		kvt_sos_prepare(root);
	else
		kvt_logs_prepare(root);
	kvt_answers_recorded(root, &answers);
	facts = kvt_machine_read(root, &answers, name);
	g_ptr_array_add(sets, facts);
	definitions = sosreport ? kvt_sos_definitions(root) : NULL;
	for (guint i = 0; definitions != NULL && i < definitions->len; i++)
		add_definition(sets, facts, root, definitions->pdata[i], name);
}

static bool sosreport_sniff(const struct kvt_source *source)
{
	g_autoptr(kvt_root) root = source->is_folder ? kvt_root_open(source->name, NULL) : NULL;

	return root != NULL && kvt_is_sosreport(root);
}

static bool sosreport_read(const struct kvt_source *source, GPtrArray *sets, GError **error)
{
	g_autoptr(kvt_root) root = kvt_root_open(source->name, error);

	if (root == NULL)
		return false;
	read_machine(root, source->name, sets);
	return true;
}

const struct kvt_target_kind kvt_target_sosreport = { "sosreport", sosreport_sniff,
						      sosreport_read };

/* ---- an archive ---- */

static bool archive_sniff(const struct kvt_source *source)
{
	return source->is_archive;
}

/*
 * A file that is none of the kinds is passed over, as an archive holds what it holds; one that is
 * of a kind and damaged is an error, and so is an archive within the second archive.
 */
static bool read_file(const struct kvt_part *part, GPtrArray *sets, GError **error)
{
	static guint level;
	g_autoptr(GError) failed = NULL;
	gsize len;
	const char *bytes = g_bytes_get_data(part->bytes, &len);
	g_autoptr(GPtrArray) found = NULL;

	if (level >= NESTED) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: refused: an archive in an archive in an archive", part->name);
		return false;
	}
	level++;
	found = kvt_target_read_bytes(part->name, bytes != NULL ? bytes : "", len, &failed);
	level--;
	if (found == NULL && kvt_target_is_unknown(failed))
		return true;
	if (found == NULL) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	for (guint i = 0; i < found->len; i++) {
		g_ptr_array_add(sets, found->pdata[i]);
		found->pdata[i] = NULL;
	}
	return true;
}

static bool archive_read(const struct kvt_source *source, GPtrArray *sets, GError **error)
{
	g_autoptr(GPtrArray) parts = kvt_unpack(source, error);
	guint machines = 0;

	for (guint i = 0; parts != NULL && i < parts->len; i++)
		machines += ((struct kvt_part *)parts->pdata[i])->root != NULL;
	for (guint i = 0; parts != NULL && i < parts->len; i++) {
		const struct kvt_part *part = parts->pdata[i];

		if (part->root != NULL)
			read_machine(part->root,
				     machines == 1 ? kvt_source_shown(source) : part->name, sets);
		else if (!read_file(part, sets, error))
			return false;
	}
	if (parts != NULL && sets->len == 0)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: none of the %u files in it is a record, a log, a definition or a "
			    "machine's",
			    kvt_source_shown(source), parts->len);
	return parts != NULL && sets->len > 0;
}

const struct kvt_target_kind kvt_target_archive = { "archive", archive_sniff, archive_read };
