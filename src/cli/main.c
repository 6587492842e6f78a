/* SPDX-License-Identifier: BSD-2-Clause */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "config.h"

const struct kvt_verb kvt_verbs[] = {
	{ "see", "check", "[TARGET...]", "What is wrong with time here, why, and what mends it?",
	  cmd_check },
	{ "see", "explain", "ID|LOG LINE|WORD",
	  "What does this finding, this log line, this term mean, here and in general?", cmd_explain },
	{ "see", "record", "FILE", "Take this machine's time facts along, without secrets",
	  cmd_record },
	{ "see", "clock", "[--watch [SECONDS]|--decode FILE]",
	  "What do the time pages of this machine say, decoded, live?", cmd_clock },
#ifdef __x86_64__
	{ "measure", "lab", "[EXPERIMENT...]",
	  "Boot a micro-VM here and measure the time it is given", cmd_lab },
#endif
	{ "measure", "bench", "[OPTION...] [-- COMMAND...]",
	  "What does each clock source cost here, alone and in my workload?", cmd_bench },
	{ "measure", "sim", "[SCENARIO]", "Predict drift for a tick policy, a guest and a load", cmd_sim },
	{ "measure", "watch", "--vm NAME|--all",
	  "How far is each guest from the host, with a bound?", cmd_watch },
	{ "change", "sync", "--vm NAME|--all", "Put a guest's clock right, and prove it",
	  cmd_sync },
	{ "change", "fix", "[ID...] [TARGET]",
	  "The change that mends it, as a diff; --apply makes it", cmd_fix },
	{ "change", "undo", "[N] [TARGET]", "List and take back what fix did", cmd_undo },
	{ "definitions", "vm", "show|convert|policy ...",
	  "What does this VM definition really do, and how is it said in another format?", cmd_vm },
	{ "help", "help", "[VERB]", "This list, or a verb's options", cmd_help },
	{ 0 }
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";

	setlocale(LC_ALL, "");
	kvt_text_setup(NULL);
	if (strcmp(name, "--version") == 0) {
		printf("kvmtime %s\n", KVT_VERSION);
		return KVT_STATUS_OK;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	for (const struct kvt_verb *verb = kvt_verbs; verb->name != NULL; verb++)
		if (strcmp(name, verb->name) == 0)
			return verb->run(argc > 1 ? argc - 1 : argc, argc > 1 ? argv + 1 : argv);
	{
		g_autofree char *safe = kvt_text_printable(name);

		fprintf(stderr, "kvmtime: no verb '%s'\nTry: kvmtime --help\n", safe);
	}
	return KVT_STATUS_USAGE;
}
