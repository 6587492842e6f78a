/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verb table: help, dispatch, completion and the manual's list are made from it.
 * A verb's function gets argv[0] = its name and returns an enum kvt_status.
 */
#ifndef KVT_CLI_VERBS_H
#define KVT_CLI_VERBS_H

struct kvt_verb {
	const char *group;
	const char *name;
	const char *synopsis;
	const char *summary; /* one line, what question it answers */
	int (*run)(int argc, char **argv);
};

extern const struct kvt_verb kvt_verbs[]; /* ends with name = NULL; in the order of the help */

/* one line a verb, in the table's order */
int cmd_check(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_clock(int argc, char **argv);
int cmd_fix(int argc, char **argv);
int cmd_undo(int argc, char **argv);
int cmd_vm(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_sync(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_lab(int argc, char **argv); /* x86-64 only */

#endif
