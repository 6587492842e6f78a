/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's results judged by the shipped rules. */
#ifndef KVT_CLI_LAB_FINDINGS_H
#define KVT_CLI_LAB_FINDINGS_H

#include "check/rules.h"

/**
 * lab_findings() - what the rules find in results
 * @facts:   of the host, and of the definition that "qemu" tried; the results' facts are added
 * @results: of struct lab_result
 *
 * Only what follows from a measurement is found, and what that follows from in turn: the rest is
 * what check is for.
 *
 * Return: owned; @rules and @facts must outlive it.
 */
struct kvt_judgement *lab_findings(const struct kvt_rules *rules, struct kvt_facts *facts,
				   const GPtrArray *results);

#endif
