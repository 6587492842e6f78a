/* SPDX-License-Identifier: BSD-2-Clause */
#include <gmodule.h>
#include <osinfo/osinfo.h>

#include "sys/error.h"
#include "vmdef/policy.h"

static void free_os(gpointer data)
{
	struct kvt_os *os = data;

	g_free(os->id);
	g_free(os->short_id);
	g_free(os->family);
	g_free(os);
}

static gint by_id(gconstpointer a, gconstpointer b)
{
	const struct kvt_os *const *x = a, *const *y = b;

	return g_strcmp0((*x)->id, (*y)->id);
}

static GPtrArray *list(GError **error)
{
	g_autoptr(OsinfoLoader) loader = osinfo_loader_new();
	g_autoptr(GError) reason = NULL;
	g_autoptr(OsinfoOsList) all = NULL;
	GPtrArray *systems;

	osinfo_loader_process_default_path(loader, &reason);
	if (reason != NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "osinfo-db: %s; install the package osinfo-db", reason->message);
		return NULL;
	}
	all = osinfo_db_get_os_list(osinfo_loader_get_db(loader));
	systems = g_ptr_array_new_with_free_func(free_os);
	for (int i = 0; i < osinfo_list_get_length(OSINFO_LIST(all)); i++) {
		OsinfoEntity *entity = osinfo_list_get_nth(OSINFO_LIST(all), i);
		struct kvt_os *os = g_new0(struct kvt_os, 1);

		os->id = g_strdup(osinfo_entity_get_id(entity));
		os->short_id = g_strdup(osinfo_product_get_short_id(OSINFO_PRODUCT(entity)));
		os->family = g_strdup(osinfo_os_get_family(OSINFO_OS(entity)));
		g_ptr_array_add(systems, os);
	}
	g_ptr_array_sort(systems, by_id);
	return systems;
}

G_MODULE_EXPORT const struct kvt_osinfo_module kvt_module = { list };
