/* SPDX-License-Identifier: BSD-2-Clause */
/* play_vectors FILE...: each conformance vector against our devices, as TAP. See doc/vectors.md. */
#include <stdio.h>

#include "transcript.h"

static bool play(const char *path, char **ret_why)
{
	FILE *file = fopen(path, "r");
	g_autoptr(Transcript) transcript = NULL;
	g_autoptr(GError) error = NULL;
	const struct device *device;
	g_autofree char *answer = NULL, *text = NULL;
	guint at;

	if (file == NULL) {
		*ret_why = g_strdup("cannot be opened");
		return false;
	}
	transcript = transcript_read(file, path, &error);
	fclose(file);
	if (transcript == NULL) {
		*ret_why = g_strdup(error->message);
		return false;
	}
	device = device_by_name(transcript->device);
	if (device == NULL) {
		*ret_why = g_strdup_printf("no device '%s' here", transcript->device);
		return false;
	}
	if (transcript_matches(transcript, device, &at, &answer))
		return true;
	text = event_text(&g_array_index(transcript->events, struct event, at));
	*ret_why = g_strdup_printf("event %u: %s; here: %s", at, text, answer);
	return false;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		g_autofree char *why = NULL, *name = g_path_get_basename(argv[i]);

		if (play(argv[i], &why)) {
			printf("ok %d %s agrees\n", i, name);
			continue;
		}
		printf("not ok %d %s agrees\n# %s\n", i, name, why);
		failed++;
	}
	return failed != 0;
}
