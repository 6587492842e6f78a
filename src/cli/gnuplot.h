/* SPDX-License-Identifier: BSD-2-Clause */
/* Charts, drawn by gnuplot as a program. */
#ifndef KVT_CLI_GNUPLOT_H
#define KVT_CLI_GNUPLOT_H

#include <stdbool.h>

#include <glib.h>

/** kvt_gnuplot_output() - begin a script: NAME.png, NAME.svg, or NULL for text on stdout */
void kvt_gnuplot_output(GString *script, const char *output);

/** kvt_gnuplot_run() - draw; KVT_STATUS_REFUSED if gnuplot is not there, or fails */
bool kvt_gnuplot_run(const char *script, GError **error);

#endif
