/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KVT_CLI_WATCH_PLOT_H
#define KVT_CLI_WATCH_PLOT_H

/**
 * kvt_watch_plot() - draw a recording of kvmtime watch --json with gnuplot
 * @recording: JSON Lines; "-" = standard input; lines of other schemas are passed over
 * @output:    NAME.svg or NAME.png, or NULL: as text on stdout
 *
 * Return: exit status.
 */
int kvt_watch_plot(const char *recording, const char *output);

#endif
