/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtimed --guest: inside a guest, follow the host's clock. */
#ifndef KVT_DAEMON_FOLLOW_H
#define KVT_DAEMON_FOLLOW_H

#include <stdbool.h>

#include <glib.h>

struct kvt_follow_options {
	const char *root; /* whose files; "/" */
	bool apply;       /* write chrony's configuration */
	bool servo;       /* discipline the clock ourselves until SIGTERM */
	bool step_back;
};

/**
 * kvt_follow_run() - say what this guest can follow and how far it is off; then as the options say
 * @error: KVT_STATUS_REFUSED (no source, no permission), KVT_STATUS_BAD_INPUT
 *
 * Return: the exit status, or -1 with @error.
 */
int kvt_follow_run(const struct kvt_follow_options *options, GError **error);

#endif
