/* SPDX-License-Identifier: BSD-2-Clause */
/* A rule file of anybody's: read, and if it holds, judged against a small machine. */
#include <stddef.h>
#include <stdint.h>

#include "check/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kvt_facts *small_machine(void)
{
	struct kvt_facts *facts = kvt_facts_new("fuzz");

	kvt_facts_set_roles(facts, KVT_GUEST | KVT_HOST);
	kvt_facts_set_text(facts, KVT_MACHINE, "clocksource.current", "tsc", "here");
	kvt_facts_set_bool(facts, KVT_MACHINE, "tsc.invariant", true, "here");
	kvt_facts_set_int(facts, KVT_MACHINE, "ntp.daemon_count", 2, "here");
	kvt_facts_set_real(facts, KVT_MACHINE, "steal.percent", 1.5, "here");
	kvt_facts_set_absent(facts, KVT_MACHINE, "cmdline.clock", "here");
	kvt_facts_set_text(facts, KVT_MACHINE, "kernel.version", "6.1.0-18", "here");
	kvt_facts_add_word(facts, KVT_MACHINE, "clocksource.available", "tsc", "here");
	return facts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(kvt_rules) rules = kvt_rules_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_facts) facts = NULL;
	g_autoptr(kvt_judgement) judgement = NULL;

	if (!kvt_rules_parse(rules, "fuzz.rules", (const char *)data, size, &error))
		g_assert(error != NULL);
	facts = small_machine();
	judgement = kvt_judge(rules, facts);
	g_assert(judgement->fit == judgement->found->len + judgement->clean + judgement->undecided);
	return 0;
}
