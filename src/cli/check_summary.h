/* SPDX-License-Identifier: BSD-2-Clause */
/* check --summary: a line a target, for thousands of them. */
#ifndef KVT_CLI_CHECK_SUMMARY_H
#define KVT_CLI_CHECK_SUMMARY_H

#include "check/rules.h"
#include "cli/options.h"

struct kvt_check_summary {
	const struct kvt_common *common;
	const struct kvt_rules *rules;
	enum kvt_severity bar; /* from which on a finding counts for the exit status */
	GPtrArray *accepted;   /* see check/accept.h; NULL = nothing */
};

/**
 * kvt_check_summary() - judge targets, folders included, and print a line for each
 * @count, @names: of the command line; at least one
 *
 * Definitions are judged on every core that the process may use, and printed in the order given.
 * What is held does not grow with their number.
 *
 * Return: exit status, the first of 4, 3, 1, 0.
 */
int kvt_check_summary(const struct kvt_check_summary *how, int count, char **names);

#endif
