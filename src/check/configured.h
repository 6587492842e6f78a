/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine will be with its next boot, as its files say it. */
#ifndef KVT_CHECK_CONFIGURED_H
#define KVT_CHECK_CONFIGURED_H

#include "check/rules.h"

/**
 * kvt_facts_as_configured() - a copy in which what is configured stands for what runs
 * @only_unknown: only where it is not known what runs, as in an image that is not booted
 *
 * Where the boot line will be another one, what it decides (the clock source, the log) is unknown.
 *
 * Return: owned.
 */
struct kvt_facts *kvt_facts_as_configured(const struct kvt_facts *facts, bool only_unknown);

/**
 * kvt_judgement_mark_waiting() - set "waits" of each finding that the files mend already, so that
 * only a reboot, or a daemon's restart, is missing
 * @rules: that @judgement was made with
 */
void kvt_judgement_mark_waiting(struct kvt_judgement *judgement, const struct kvt_rules *rules);

#endif
