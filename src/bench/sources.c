/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/sources.h"

#include <string.h>

#include "sys/error.h"
#include "sys/timepages.h"

static bool choose(const struct kvt_root *root, const char *list, bool may_switch,
		   struct kvt_sources *sources, GError **error)
{
	g_auto(GStrv) available = kvt_clocksource_available(root);

	sources->original = kvt_clocksource_current(root);
	if (available == NULL || sources->original == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    KVT_CLOCKSOURCE_FOLDER ": cannot be read");
		return false;
	}
	if (list != NULL)
		sources->names = g_strsplit(list, ",", -1);
	else if (may_switch)
		sources->names = g_strdupv(available);
	else
		sources->names = g_strsplit(sources->original, ",", -1);
	sources->n = g_strv_length(sources->names);
	for (unsigned i = 0; i < sources->n; i++)
		if (!g_strv_contains((const char *const *)available, sources->names[i])) {
			g_autofree char *offered = g_strjoinv(", ", available);

			g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
				    "the kernel offers no clock source '%s', only %s",
				    sources->names[i], offered);
			return false;
		}
	return true;
}

static bool wants_switching(const struct kvt_sources *sources)
{
	for (unsigned i = 0; i < sources->n; i++)
		if (strcmp(sources->names[i], sources->original) != 0)
			return true;
	return false;
}

static bool no_vm_runs(const struct kvt_root *root, GError **error)
{
	g_autoptr(GPtrArray) vms = kvt_running_vms(root);
	g_autofree char *names = NULL;

	if (vms->len == 0)
		return true;
	g_ptr_array_add(vms, NULL);
	names = g_strjoinv(", ", (char **)vms->pdata);
	g_set_error(
		error, KVT_ERROR, KVT_STATUS_REFUSED,
		"VMs run here: %s. Without tsc they lose the stable bit of their clock, and run "
		"on a slower one; --with-running-vms does it all the same",
		names);
	return false;
}

bool kvt_sources_open(const struct kvt_root *root, const char *list, bool may_switch,
		      bool with_running_vms, struct kvt_sources *ret_sources, GError **error)
{
	struct kvt_sources sources = { 0 };
	bool ok = choose(root, list, may_switch, &sources, error);

	if (ok && wants_switching(&sources)) {
		if (!may_switch)
			g_set_error(
				error, KVT_ERROR, KVT_STATUS_USAGE,
				"the machine runs on '%s': other sources want --switch, as root",
				sources.original);
		else if (with_running_vms || no_vm_runs(root, error))
			sources.sw = kvt_switch_open(KVT_CLOCKSOURCE_FOLDER, error);
		ok = sources.sw != NULL;
	}
	if (!ok)
		(void)kvt_sources_close(&sources, NULL);
	else
		*ret_sources = sources;
	return ok;
}

bool kvt_sources_select(struct kvt_sources *sources, unsigned source, bool *ret_lost,
			GError **error)
{
	g_autoptr(kvt_root) root = NULL;
	g_auto(GStrv) available = NULL;

	*ret_lost = false;
	if (sources->sw == NULL) {
		*ret_lost = !kvt_sources_kept(sources, source);
		return true;
	}
	root = kvt_root_open("/", error);
	if (root == NULL)
		return false;
	available = kvt_clocksource_available(root);
	if (available != NULL &&
	    !g_strv_contains((const char *const *)available, sources->names[source])) {
		*ret_lost = true;
		return true;
	}
	return kvt_switch_to(sources->sw, sources->names[source], error);
}

bool kvt_sources_kept(const struct kvt_sources *sources, unsigned source)
{
	g_autoptr(kvt_root) root = kvt_root_open("/", NULL);
	g_autofree char *now = root != NULL ? kvt_clocksource_current(root) : NULL;

	return g_strcmp0(now, sources->names[source]) == 0;
}

bool kvt_sources_close(struct kvt_sources *sources, GError **error)
{
	const bool ok = sources->sw == NULL || kvt_switch_close(sources->sw, error);

	g_strfreev(sources->names);
	g_free(sources->original);
	*sources = (struct kvt_sources){ 0 };
	return ok;
}

char *kvt_sources_label(const struct kvt_sources *sources, unsigned source)
{
	unsigned before = 0;

	for (unsigned i = 0; i < source; i++)
		before += strcmp(sources->names[i], sources->names[source]) == 0;
	if (before == 0)
		return g_strdup(sources->names[source]);
	return g_strdup_printf("%s (%u%s)", sources->names[source], before + 1,
			       before == 1   ? "nd"
			       : before == 2 ? "rd"
					     : "th");
}
