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

static void put_running(struct kvt_facts *facts, const struct kvt_fact *fact)
{
	const char *name = fact->def->name;

	if (fact->state == KVT_ABSENT) {
		kvt_facts_set_absent(facts, fact->subject, name, fact->source);
		return;
	}
	switch (fact->def->type) {
	case KVT_FACT_BOOL:
		kvt_facts_set_bool(facts, fact->subject, name, fact->flag, fact->source);
		break;
	case KVT_FACT_INT:
		kvt_facts_set_int(facts, fact->subject, name, fact->integer, fact->source);
		break;
	case KVT_FACT_REAL:
		kvt_facts_set_real(facts, fact->subject, name, fact->real, fact->source);
		break;
	case KVT_FACT_TEXT:
	case KVT_FACT_VERSION:
		kvt_facts_set_text(facts, fact->subject, name, fact->text, fact->source);
		break;
	case KVT_FACT_LIST:
		kvt_facts_set_list(facts, fact->subject, name, (const char *const *)fact->list,
				   fact->source);
		break;
	}
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
		put_running(copy, fact);
	}
	for (guint i = 0; new_boot && i < kvt_facts_count(facts); i++) {
		const struct kvt_fact *fact = kvt_facts_at(facts, i);

		if (!fact->configured && is_of_the_boot(fact->def->name))
			kvt_facts_set_unknown(copy, fact->subject, fact->def->name, false,
					      NEXT_BOOT);
	}
	return copy;
}

void kvt_judgement_mark_waiting(struct kvt_judgement *judgement, const struct kvt_rules *rules)
{
	g_autoptr(kvt_facts) facts = kvt_facts_as_configured(judgement->facts, false);
	g_autoptr(kvt_judgement) next = kvt_judge(rules, facts);

	for (guint i = 0; i < judgement->found->len; i++) {
		struct kvt_finding *finding = judgement->found->pdata[i];

		finding->waits = true;
		for (guint k = 0; k < next->found->len; k++) {
			const struct kvt_finding *other = next->found->pdata[k];

			if (other->rule == finding->rule && other->subject == finding->subject)
				finding->waits = false;
		}
	}
}
