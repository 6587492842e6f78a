/* SPDX-License-Identifier: BSD-2-Clause */
/* Run a shell script in a guest through its agent (guest-exec): only where the user allowed it. */
#ifndef KVT_GUESTS_EXEC_H
#define KVT_GUESTS_EXEC_H

#include "guests/path.h"

/**
 * kvt_exec_script() - what a script prints
 * @path:       open
 * @timeout_us: for the script; each question about it has the path's own deadline too
 * @error:      KVT_REACH_REFUSED (guest-exec is blocked, no /bin/sh, exit status not 0), HUNG, ...
 *
 * Return: owned, any bytes; or NULL.
 */
GString *kvt_exec_script(struct kvt_path *path, const char *script, gint64 timeout_us,
			 GError **error);

/** kvt_exec_append_base64() - an agent's base64 to @bytes; false if it is none */
bool kvt_exec_append_base64(GString *bytes, const char *text);

#endif
