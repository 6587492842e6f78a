/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/targets.h"

#include <string.h>

#include "cli/domains.h"
#include "cli/target_archive.h"
#include "sys/error.h"
#include "vmdef/facts.h"

static const char no_kind[] = ": none of: ";

/* The first whose sniff() says yes reads it, so the most particular ones come first. */
static const struct kvt_target_kind
	*const kinds[] = {
		&kvt_target_definition, &kvt_target_live,   &kvt_target_archive,
		&kvt_target_sosreport,  &kvt_target_folder, &kvt_target_record,
		&kvt_target_log, /* takes nearly any text with time stamps: last */
	};

static void facts_free(gpointer data)
{
	kvt_facts_free(data); /* NULL where somebody took it over */
}

static GPtrArray *read_source(const struct kvt_source *source, GError **error)
{
	g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func(facts_free);
	GString *names;

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i]->sniff(source))
			return kinds[i]->read(source, sets, error) ? g_steal_pointer(&sets) : NULL;
	names = g_string_new(NULL);
	for (guint i = 1; i < G_N_ELEMENTS(kinds); i++)
		g_string_append_printf(names, "%s%s", i > 1 ? ", " : "", kinds[i]->name);
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s%s%s", source->name, no_kind,
		    names->str);
	g_string_free(names, TRUE);
	return NULL;
}

static GPtrArray *read_file(const char *name, GError **error)
{
	g_autoptr(kvt_source) source = kvt_source_open(name, error);

	return source != NULL ? read_source(source, error) : NULL;
}

static GPtrArray *read_domain(const char *name, GError **error)
{
	gsize len = 0;
	g_autofree char *xml = kvt_domains_read(name, &len, error);

	return xml != NULL ? kvt_target_read_bytes(name, xml, len, error) : NULL;
}

GPtrArray *kvt_target_read(const char *name, GError **error)
{
	if (name != NULL && kvt_domains_is(name))
		return read_domain(name, error);
	return read_file(name, error);
}

GPtrArray *kvt_target_read_bytes(const char *name, const char *bytes, gsize len, GError **error)
{
	g_autoptr(kvt_source) source = kvt_source_new_bytes(name, bytes, len, error);

	return source != NULL ? read_source(source, error) : NULL;
}

bool kvt_target_is_unknown(const GError *error)
{
	return strstr(error->message, no_kind) != NULL;
}
