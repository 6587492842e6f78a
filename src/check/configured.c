/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/configured.h"

#include <string.h>

#define NEXT_BOOT "decided at the next boot"

static bool differ(const struct kvt_fact *a, const struct kvt_fact *b)
{
	g_autofree char *x = kvt_fact_value(a);
	g_autofree char *y = kvt_fact_value(b);

	return strcmp(x, y) != 0;
}

/* What a boot decides anew. */
static bool is_of_the_boot(const char *name)
{
	return g_str_has_prefix(name, "log.") || g_str_has_prefix(name, "pvclock.") ||
	       g_str_has_prefix(name, "cpuidle.") || g_str_has_prefix(name, "clock.read") ||
	       strcmp(name, "clocksource.current") == 0;
}

struct kvt_facts *kvt_facts_as_configured(const struct kvt_facts *facts, bool only_unknown)
{
	struct kvt_facts *copy = kvt_facts_new(kvt_facts_target(facts));
	bool new_boot = false;

	kvt_facts_set_roles(copy, kvt_facts_roles(facts));
	kvt_facts_copy_into(copy, facts, KVT_HOST | KVT_VM | KVT_GUEST);
	for (guint i = 0; i < kvt_facts_count(facts); i++) {
		const struct kvt_fact *fact = kvt_facts_at(facts, i);
		const struct kvt_fact *runs;

		if (!fact->configured || fact->state == KVT_UNKNOWN)
			continue;
		runs = kvt_facts_get(facts, fact->subject, fact->def->name);
		if (runs != NULL && runs->state != KVT_UNKNOWN && only_unknown)
			continue;
		if (runs != NULL && runs->state != KVT_UNKNOWN && differ(runs, fact))
			new_boot |= g_str_has_prefix(fact->def->name, "cmdline.");
		kvt_facts_put(copy, fact->subject, fact);
	}
	for (guint i = 0; new_boot && i < kvt_facts_count(facts); i++) {
		const struct kvt_fact *fact = kvt_facts_at(facts, i);

		if (!fact->configured && is_of_the_boot(fact->def->name))
			kvt_facts_set_unknown(copy, fact->subject, fact->def->name, false,
					      NEXT_BOOT);
	}
	return copy;
}

/* Read by a daemon when it starts, not by the kernel when it boots. */
static enum kvt_waits waits_for(const struct kvt_finding *finding)
{
	for (guint i = 0; i < finding->evidence->len; i++) {
		const char *name =
			((const struct kvt_fact *)finding->evidence->pdata[i])->def->name;

		if (g_str_has_prefix(name, "chrony.") || g_str_has_prefix(name, "ntp.") ||
		    g_str_has_prefix(name, "agent."))
			return KVT_WAITS_RESTART;
	}
	return KVT_WAITS_REBOOT;
}

static enum kvt_verdict verdict_of(const struct kvt_judgement *judgement,
				   const struct kvt_finding *finding)
{
	for (guint i = 0; i < judgement->results->len; i++) {
		const struct kvt_finding *other = judgement->results->pdata[i];

		if (other->rule == finding->rule && other->subject == finding->subject)
			return other->verdict;
	}
	return KVT_UNFIT;
}

void kvt_judgement_mark_waiting(struct kvt_judgement *judgement, const struct kvt_rules *rules)
{
	g_autoptr(kvt_facts) facts = kvt_facts_as_configured(judgement->facts, false);
	g_autoptr(kvt_judgement) next = kvt_judge(rules, facts);
	bool more = true;

	/* what only the next boot decides is taken for mended if what it follows from is */
	for (guint round = 0; more && round <= judgement->found->len; round++) {
		more = false;
		for (guint i = 0; i < judgement->found->len; i++) {
			struct kvt_finding *finding = judgement->found->pdata[i];
			const enum kvt_verdict verdict = verdict_of(next, finding);
			const bool follows = verdict == KVT_UNDECIDED && finding->cause != NULL &&
					     finding->cause->waits != KVT_WAITS_NOT;

			if (finding->waits != KVT_WAITS_NOT || verdict == KVT_FOUND ||
			    (verdict == KVT_UNDECIDED && !follows))
				continue;
			finding->waits = waits_for(finding);
			more = true;
		}
	}
}
