/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's own time daemon, asked through guest-exec: it may know better than the host. Only
 * chrony is asked; it can be told to measure at once, and its word from before a pause is worth
 * nothing.
 */
#ifndef KVT_GUESTS_DAEMON_H
#define KVT_GUESTS_DAEMON_H

#include "guests/path.h"

struct kvt_daemon {
	bool known;        /* it answered */
	bool synchronised; /* it follows a source */
	bool fresh;        /* and that source answered just now */
	int64_t behind_ns; /* what it still has to correct; positive = the guest's clock is behind
			    */
	int64_t error_ns;  /* its own bound: half the root delay, and the root dispersion */
};

/**
 * kvt_daemon_parse() - the line of "chronyc -c tracking"
 *
 * Return: false, *@ret_daemon untouched, if it is none.
 * Source: chrony 4.3, chronyc(1), tracking; the signs as measured.
 */
bool kvt_daemon_parse(const char *line, struct kvt_daemon *ret_daemon);

/**
 * kvt_daemon_ask() - the daemon's state
 * @path:    open, and able to run programs
 * @measure: tell it to ask its servers at once, and wait for that, some seconds at most
 * @error:   KVT_REACH_*; no chrony in the guest is REFUSED
 */
bool kvt_daemon_ask(struct kvt_path *path, bool measure, struct kvt_daemon *ret_daemon,
		    GError **error);

#endif
