/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtimed on a host: guard, transports, events and metrics joined by one main loop. */
#ifndef KVT_DAEMON_DAEMON_H
#define KVT_DAEMON_DAEMON_H

#include <stdbool.h>

#include <glib.h>

struct kvt_daemon_options {
	const char *config; /* path */
	bool config_named;  /* then it has to be there */
	const char *state;  /* folder */
};

/**
 * kvt_daemon_run() - until SIGTERM or SIGINT
 * @error: what keeps it from starting
 *
 * Threads (libvirt's, one that looks for guests) still run when it returns: end the program by
 * _exit(), not by way of libraries' destructors.
 *
 * Return: false with @error.
 */
bool kvt_daemon_run(const struct kvt_daemon_options *options, GError **error);

#endif
