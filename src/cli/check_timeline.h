/* SPDX-License-Identifier: BSD-2-Clause */
/* check --at: the logs of a host and its guests around an incident, as one time line. */
#ifndef KVT_CLI_CHECK_TIMELINE_H
#define KVT_CLI_CHECK_TIMELINE_H

#include "cli/options.h"

/**
 * kvt_check_timeline() - join logs around a time
 * @at:       RFC 3339, or "YYYY-MM-DD HH:MM:SS" in local time
 * @window_s: seconds before and after it
 * @offsets: seconds, of the guests' clocks from the host's, as watch says; positive = ahead: one
 * for all, or one for each guest's log; or NULL
 * @count, @names: the host's log first, then the guests' logs, and recordings of watch: a log whose
 *                 file is called as a recorded guest is aligned by that guest's offsets
 *
 * Return: exit status: 1 if a guest's gap was found.
 */
int kvt_check_timeline(const struct kvt_common *common, const char *at, double window_s,
		       char **offsets, int count, char **names);

#endif
