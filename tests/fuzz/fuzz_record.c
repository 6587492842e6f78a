/* SPDX-License-Identifier: BSD-2-Clause */
/* A record of anybody's: parsed, read as a machine, judged by the shipped rules. */
#include <stddef.h>
#include <stdint.h>

#include "check/machine.h"
#include "check/record.h"
#include "check/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kvt_rules *rules;
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_root) root = NULL;
	g_autoptr(kvt_facts) facts = NULL;
	g_autoptr(kvt_judgement) judgement = NULL;
	struct kvt_answers answers;

	if (rules == NULL)
		rules = kvt_rules_load(NULL);
	g_assert(rules != NULL);
	root = kvt_record_parse((const char *)data, size, "fuzz", &error);
	g_assert((root != NULL) != (error != NULL));
	if (root == NULL)
		return 0;
	kvt_answers_recorded(root, &answers);
	facts = kvt_machine_read(root, &answers, "fuzz");
	judgement = kvt_judge(rules, facts);
	g_assert(judgement->fit == judgement->found->len + judgement->clean + judgement->undecided);
	return 0;
}
