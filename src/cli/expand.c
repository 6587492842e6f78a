/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/expand.h"

#include "check/target.h"
#include "sys/error.h"
#include "vmdef/folder.h"

static bool is_folder_of_definitions(const char *name)
{
	return g_file_test(name, G_FILE_TEST_IS_DIR) && !kvt_target_is_machine(name);
}

bool kvt_expand_next(struct kvt_expand *expand, struct kvt_expanded *ret_next, GError **error)
{
	*ret_next = (struct kvt_expanded){ NULL, false };
	for (;;) {
		const char *name;

		if (expand->folder != NULL) {
			ret_next->in_folder = true;
			if (kvt_folder_next(expand->folder, &ret_next->name, error))
				return true;
			g_clear_pointer(&expand->folder, kvt_folder_close);
			ret_next->in_folder = false;
		}
		if (expand->count == 0)
			return false;
		name = *expand->names++;
		expand->count--;
		if (!is_folder_of_definitions(name)) {
			ret_next->name = g_strdup(name);
			return true;
		}
		expand->folder = kvt_folder_open(name, error);
		if (expand->folder == NULL)
			return true;
	}
}

void kvt_expand_nothing(const char *folder, GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "%s: holds no VM definition, and neither etc, proc nor kvmtime: not the root of a "
		    "machine",
		    folder);
}
