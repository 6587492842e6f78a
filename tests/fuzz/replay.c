/* SPDX-License-Identifier: BSD-2-Clause */
/* Plays a fuzz target's corpus as one TAP case where libFuzzer is not linked in. */
#include <stdio.h>

#include <glib.h>

#include "input.h"

int main(int argc, char **argv)
{
	g_autoptr(GDir) dir = argc == 3 ? g_dir_open(argv[2], 0, NULL) : NULL;
	const char *name;
	int cases = 0;

	if (dir == NULL) {
		printf("1..1\nnot ok 1 - no corpus folder %s\n", argc == 3 ? argv[2] : "");
		return 1;
	}
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(argv[2], name, NULL);
		g_autofree char *data = NULL;
		gsize size;

		if (!g_file_get_contents(path, &data, &size, NULL))
			continue;
		(void)LLVMFuzzerTestOneInput((const uint8_t *)data, size);
		cases++;
	}
	/* one case for the whole corpus: a crash is a missing "ok" */
	printf("1..1\n%sok 1 - %s: %d files replayed\n", cases > 0 ? "" : "not ", argv[1], cases);
	return cases > 0 ? 0 : 1;
}
