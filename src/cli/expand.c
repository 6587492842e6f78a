/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/expand.h"

#include "check/target.h"
#include "cli/domains.h"
#include "sys/error.h"
#include "vmdef/folder.h"

static bool is_folder_of_definitions(const char *name)
{
	return g_file_test(name, G_FILE_TEST_IS_DIR) && !kvt_target_is_machine(name);
}

/* The next of what is open; false if nothing is. */
static bool next_inside(struct kvt_expand *expand, struct kvt_expanded *ret_next, GError **error)
{
	if (expand->folder != NULL && kvt_folder_next(expand->folder, &ret_next->name, error)) {
		ret_next->in_folder = true;
		return true;
	}
	g_clear_pointer(&expand->folder, kvt_folder_close);
	if (expand->domains != NULL && expand->domains[expand->next_domain] != NULL) {
		ret_next->name = g_strdup(expand->domains[expand->next_domain++]);
		return true;
	}
	g_clear_pointer(&expand->domains, g_strfreev);
	return false;
}

bool kvt_expand_next(struct kvt_expand *expand, struct kvt_expanded *ret_next, GError **error)
{
	*ret_next = (struct kvt_expanded){ NULL, false };
	while (!next_inside(expand, ret_next, error)) {
		const char *name;
		bool open = true;

		if (expand->count == 0)
			return false;
		name = *expand->names++;
		expand->count--;
		if (kvt_domains_is_all(name)) {
			expand->domains = kvt_domains_all(error);
			expand->next_domain = 0;
			open = expand->domains != NULL;
		} else if (!kvt_domains_is(name) && is_folder_of_definitions(name)) {
			expand->folder = kvt_folder_open(name, error);
			open = expand->folder != NULL;
		} else {
			ret_next->name = g_strdup(name);
			return true;
		}
		if (!open)
			return true; /* with the error */
	}
	return true;
}

void kvt_expand_nothing(const char *folder, GError **error)
{
	if (kvt_domains_is_all(folder)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "libvirt has no domain there");
		return;
	}
	g_set_error(
		error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		"%s: holds no VM definition, and neither etc, proc nor kvmtime: not the root of a "
		"machine",
		folder);
}
