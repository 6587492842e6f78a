/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/module.h"

#include <gmodule.h>
#include <unistd.h>

#include "config.h"
#include "sys/error.h"

/* An uninstalled program has its modules in the folder "modules" beside it. */
static char *beside_program(void)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = program != NULL ? g_path_get_dirname(program) : NULL;

	return folder != NULL ? g_build_filename(folder, "modules", NULL) : NULL;
}

static GModule *open_in(const char *folder, const char *file, char **reason)
{
	g_autofree char *path = NULL;
	GModule *module;

	if (folder == NULL)
		return NULL;
	path = g_build_filename(folder, file, NULL);
	if (access(path, F_OK) < 0)
		return NULL;
	module = g_module_open(path, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
	if (module == NULL && *reason == NULL)
		*reason = g_strdup(g_module_error());
	return module;
}

const void *kvt_module_load(const char *name, const char *package, GError **error)
{
	g_autofree char *file = g_strdup_printf("kvmtime-%s.so", name);
	g_autofree char *beside = beside_program();
	g_autofree char *reason = NULL;
	const char *const folders[] = { g_getenv("KVT_MODULES"), beside, KVT_MODULEDIR };
	GModule *module = NULL;
	gpointer table;

	for (guint i = 0; i < G_N_ELEMENTS(folders) && module == NULL; i++)
		module = open_in(folders[i], file, &reason);
	if (module != NULL && !g_module_symbol(module, "kvt_module", &table))
		reason = g_strdup(g_module_error()), module = NULL;
	if (module == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: %s; install the package %s",
			    file, reason != NULL ? reason : "not found", package);
		return NULL;
	}
	g_module_make_resident(module);
	return table;
}
