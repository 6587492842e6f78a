/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/gnuplot.h"

#include <stdio.h>
#include <sys/wait.h>

#include "cli/text.h"
#include "sys/error.h"

void kvt_gnuplot_output(GString *script, const char *output)
{
	if (output == NULL) {
		g_string_append_printf(script, "set terminal dumb size %d,24 noenhanced\n",
				       kvt_text_columns());
		return;
	}
	g_string_append_printf(script, "set terminal %s size 1000,500 noenhanced\nset output \"",
			       g_str_has_suffix(output, ".png") ? "png" : "svg");
	for (const char *c = output; *c != '\0'; c++)
		g_string_append_printf(script, "\\%03o", (unsigned char)*c);
	g_string_append(script, "\"\n");
}

bool kvt_gnuplot_run(const char *script, GError **error)
{
	char program[] = "gnuplot", quiet[] = "-";
	char *argv[] = { program, quiet, NULL };
	gint in, status;
	GPid pid;
	FILE *pipe;

	if (!g_spawn_async_with_pipes(NULL, argv, NULL,
				      G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
				      &pid, &in, NULL, NULL, NULL)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "gnuplot cannot be started; install the package gnuplot-nox");
		return false;
	}
	pipe = fdopen(in, "w");
	fputs(script, pipe);
	fclose(pipe);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "gnuplot failed");
	return false;
}
