/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/lab_findings.h"

#include "lab/facts.h"

static bool is_measured(const struct kvt_finding *finding)
{
	for (guint i = 0; i < finding->rule->conditions->len; i++) {
		const struct kvt_condition *condition = finding->rule->conditions->pdata[i];

		if (g_str_has_prefix(condition->def->name, "lab."))
			return true;
	}
	return false;
}

static bool causes_measured(const struct kvt_judgement *judgement, const struct kvt_finding *cause)
{
	for (guint i = 0; i < judgement->found->len; i++) {
		const struct kvt_finding *finding = judgement->found->pdata[i];

		for (const struct kvt_finding *of = finding->cause;
		     of != NULL && is_measured(finding); of = of->cause)
			if (of == cause)
				return true;
	}
	return false;
}

struct kvt_judgement *lab_findings(const struct kvt_rules *rules, struct kvt_facts *facts,
				   const GPtrArray *results)
{
	struct kvt_judgement *judgement;
	g_autoptr(GPtrArray) found = g_ptr_array_new();

	/* a host that is itself a guest is judged as the host that it is */
	kvt_facts_keep(facts, KVT_HOST | KVT_VM);
	kvt_facts_set_roles(facts, kvt_facts_roles(facts) & KVT_VM);
	lab_facts_add(facts, results);
	judgement = kvt_judge(rules, facts);
	for (guint i = 0; i < judgement->found->len; i++) {
		struct kvt_finding *finding = judgement->found->pdata[i];

		if (is_measured(finding) || causes_measured(judgement, finding))
			g_ptr_array_add(found, finding);
		else
			judgement->by_severity[finding->rule->severity]--;
	}
	g_ptr_array_unref(judgement->found);
	judgement->found = g_steal_pointer(&found);
	return judgement;
}
