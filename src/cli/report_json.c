/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/accept.h"
#include "cli/json.h"
#include "cli/report.h"

static void value_json(JsonBuilder *builder, const struct kvt_fact *fact)
{
	if (fact->state != KVT_KNOWN) {
		kvt_json_string(builder, "value", NULL);
		return;
	}
	switch (fact->def->type) {
	case KVT_FACT_BOOL:
		kvt_json_bool(builder, "value", fact->flag);
		break;
	case KVT_FACT_INT:
		kvt_json_int(builder, "value", fact->integer);
		break;
	case KVT_FACT_REAL:
		kvt_json_double(builder, "value", fact->real);
		break;
	case KVT_FACT_LIST:
		json_builder_set_member_name(builder, "value");
		json_builder_begin_array(builder);
		for (guint i = 0; fact->list[i] != NULL; i++)
			json_builder_add_string_value(builder, fact->list[i]);
		json_builder_end_array(builder);
		break;
	case KVT_FACT_TEXT:
	case KVT_FACT_VERSION:
	default:
		kvt_json_string(builder, "value", fact->text);
		break;
	}
}

static void fact_json(JsonBuilder *builder, const struct kvt_fact *fact)
{
	static const char *const states[] = { "known", "absent", "unknown" };

	json_builder_begin_object(builder);
	kvt_json_string(builder, "subject", kvt_subject_name(fact->subject));
	kvt_json_string(builder, "name", fact->def->name);
	kvt_json_string(builder, "when", fact->configured ? "configured" : "running");
	kvt_json_string(builder, "state", states[fact->state]);
	value_json(builder, fact);
	if (fact->def->unit[0] != '\0')
		kvt_json_string(builder, "unit", fact->def->unit);
	kvt_json_string(builder, fact->state == KVT_UNKNOWN ? "reason" : "source", fact->source);
	if (fact->needs_root)
		kvt_json_bool(builder, "needs_root", true);
	json_builder_end_object(builder);
}

void kvt_report_facts_json(JsonBuilder *builder, const struct kvt_facts *facts)
{
	json_builder_set_member_name(builder, "facts");
	json_builder_begin_array(builder);
	for (guint i = 0; i < kvt_facts_count(facts); i++)
		fact_json(builder, kvt_facts_at(facts, i));
	json_builder_end_array(builder);
}

static void finding_json(JsonBuilder *builder, const struct kvt_finding *finding)
{
	const struct kvt_rule *rule = finding->rule;

	json_builder_begin_object(builder);
	kvt_json_string(builder, "id", rule->id);
	kvt_json_string(builder, "severity", kvt_severity_name(rule->severity));
	kvt_json_string(builder, "subject", kvt_subject_name(finding->subject));
	kvt_json_string(builder, "title", finding->title);
	kvt_json_bool(builder, "waits_for_reboot", finding->waits == KVT_WAITS_REBOOT);
	kvt_json_bool(builder, "waits_for_restart", finding->waits == KVT_WAITS_RESTART);
	kvt_json_string(builder, "accepted_until",
			finding->lapsed != NULL ? finding->lapsed->until : NULL);
	kvt_json_string(builder, "why", finding->why);
	kvt_json_string(builder, "who", rule->who);
	kvt_json_string(builder, "do", finding->run);
	kvt_json_string(builder, "fix", rule->fix);
	kvt_json_string(builder, "risk", rule->risk);
	kvt_json_string(builder, "verify", rule->verify);
	kvt_json_string(builder, "send", finding->send);
	kvt_json_string(builder, "alone", finding->alone);
	kvt_json_string(builder, "cause", finding->cause != NULL ? finding->cause->rule->id : NULL);
	kvt_json_string(builder, "source", rule->source);
	kvt_json_string(builder, "confidence",
			rule->confidence != NULL ? rule->confidence : "high");
	json_builder_set_member_name(builder, "evidence");
	json_builder_begin_array(builder);
	for (guint i = 0; i < finding->evidence->len; i++)
		fact_json(builder, finding->evidence->pdata[i]);
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

static void counts_json(JsonBuilder *builder, const struct kvt_judgement *judgement)
{
	json_builder_set_member_name(builder, "counts");
	json_builder_begin_object(builder);
	kvt_json_int(builder, "fit", judgement->fit);
	kvt_json_int(builder, "clean", judgement->clean);
	kvt_json_int(builder, "undecided", judgement->undecided);
	kvt_json_int(builder, "found", judgement->found->len);
	kvt_json_int(builder, "accepted", judgement->accepted->len);
	for (int s = KVT_INFO; s <= KVT_CRITICAL; s++)
		kvt_json_int(builder, kvt_severity_name((enum kvt_severity)s),
			     judgement->by_severity[s]);
	json_builder_end_object(builder);
}

static void accepted_json(JsonBuilder *builder, const struct kvt_judgement *judgement)
{
	json_builder_set_member_name(builder, "accepted");
	json_builder_begin_array(builder);
	for (guint i = 0; i < judgement->accepted->len; i++) {
		const struct kvt_finding *finding = judgement->accepted->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "id", finding->rule->id);
		kvt_json_string(builder, "severity", kvt_severity_name(finding->rule->severity));
		kvt_json_string(builder, "subject", kvt_subject_name(finding->subject));
		kvt_json_string(builder, "title", finding->title);
		kvt_json_string(builder, "reason", finding->accepted->reason);
		kvt_json_string(builder, "until", finding->accepted->until);
		kvt_json_string(builder, "by", finding->accepted->place);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

void kvt_report_findings_json(JsonBuilder *builder, const struct kvt_judgement *judgement)
{
	json_builder_set_member_name(builder, "findings");
	json_builder_begin_array(builder);
	for (guint i = 0; i < judgement->found->len; i++)
		finding_json(builder, judgement->found->pdata[i]);
	json_builder_end_array(builder);
}

void kvt_report_json(JsonBuilder *builder, const struct kvt_judgement *judgement)
{
	g_autofree char *machine = kvt_report_machine(judgement->facts);
	g_autofree char *missing = kvt_report_missing(judgement);

	kvt_json_string(builder, "machine", machine);
	kvt_json_string(builder, "collected",
			kvt_facts_text(judgement->facts, "identity.collected", NULL));
	kvt_json_string(builder, "missing", missing);
	counts_json(builder, judgement);
	kvt_report_findings_json(builder, judgement);
	accepted_json(builder, judgement);
	json_builder_set_member_name(builder, "undecided");
	json_builder_begin_array(builder);
	for (guint i = 0; i < judgement->results->len; i++) {
		const struct kvt_finding *finding = judgement->results->pdata[i];

		if (finding->verdict != KVT_UNDECIDED)
			continue;
		json_builder_begin_object(builder);
		kvt_json_string(builder, "id", finding->rule->id);
		kvt_json_string(builder, "reason", finding->reason);
		kvt_json_bool(builder, "needs_root", finding->needs_root);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}
