/* SPDX-License-Identifier: BSD-2-Clause */
/* What was measured as facts, so that the rules judge it and the findings are those of check. */
#ifndef KVT_LAB_FACTS_H
#define KVT_LAB_FACTS_H

#include "check/facts.h"
#include "lab/result.h"

/**
 * lab_facts_add() - the facts of some results
 * @facts:   of the host and, where "qemu" was run, of the definition that it tried; the roles are
 *           added
 * @results: of struct lab_result
 *
 * Each measure that is judged bad, each control that was not noticed and each experiment that broke
 * off is in one of the facts; what could not be judged is unknown.
 */
void lab_facts_add(struct kvt_facts *facts, const GPtrArray *results);

#endif
