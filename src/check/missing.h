/* SPDX-License-Identifier: BSD-2-Clause */
/* What a recording lacks, as one line for the shell of the machine that it is from. */
#ifndef KVT_CHECK_MISSING_H
#define KVT_CHECK_MISSING_H

#include "check/rules.h"

/**
 * kvt_missing_line() - a line for sh(1) that prints a record of what undecided rules want to know
 *
 * Files and commands alone that any user may read or call; nothing is written but the output.
 *
 * Return: owned; NULL if nothing is lacking that a shell can tell.
 */
char *kvt_missing_line(const struct kvt_judgement *judgement);

#endif
