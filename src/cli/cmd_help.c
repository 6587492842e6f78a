/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "config.h"

static void print_verbs(void)
{
	const char *group = "";

	printf("kvmtime %s: what time a KVM guest really has, and how to put it right\n\n"
	       "Usage: kvmtime VERB [OPTION...] [ARGUMENT...]\n",
	       KVT_VERSION);
	for (const struct kvt_verb *verb = kvt_verbs; verb->name != NULL; verb++) {
		if (strcmp(group, verb->group) != 0) {
			g_autofree char *heading = kvt_text_paint(KVT_BOLD, verb->group);

			printf("\n%s\n", heading);
			group = verb->group;
		}
		printf("  %-8s %s\n", verb->name, verb->summary);
	}
	printf("\nExit status: 0 nothing found, 1 findings, 2 usage, 3 the system refused, "
	       "4 bad input.\nMore: kvmtime VERB --help, man kvmtime\n");
}

int cmd_help(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-') {
		print_verbs();
		return KVT_STATUS_OK;
	}
	for (const struct kvt_verb *verb = kvt_verbs; verb->name != NULL; verb++) {
		char name[32], option[] = "--help";
		char *arguments[] = { name, option, NULL };

		if (strcmp(argv[1], verb->name) != 0 || verb->run == cmd_help)
			continue;
		g_strlcpy(name, verb->name, sizeof(name));
		return verb->run(2, arguments);
	}
	return kvt_usage("help", "no verb '%s'", argv[1]);
}
