/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every shipped rule can be hit and can be missed: from its own conditions a set of facts is made
 * that it must find, then one fact is changed until it does not. This guards against rules that
 * contradict themselves or that nothing can miss; whether they are true, recorded machines show.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "check/rules.h"

static struct kvt_rules *rules;

static bool is_same_fact(const struct kvt_condition *a, const struct kvt_condition *b)
{
	return a->def == b->def && a->configured == b->configured && a->subject == b->subject;
}

static unsigned who_of(const struct kvt_condition *condition, unsigned judged)
{
	return (condition->subject == KVT_MACHINE ? judged : condition->subject) |
	       (condition->configured ? KVT_CONFIGURED : 0u);
}

/* Set a fact from text, whatever its type; NULL = absent. */
static void set(struct kvt_facts *facts, unsigned who, const struct kvt_fact_def *def,
		const char *value)
{
	g_auto(GStrv) words = g_strsplit(value != NULL ? value : "", " ", -1);

	if (value == NULL)
		kvt_facts_set_absent(facts, who, def->name, "test");
	else if (def->type == KVT_FACT_BOOL)
		kvt_facts_set_bool(facts, who, def->name, strcmp(value, "yes") == 0, "test");
	else if (def->type == KVT_FACT_INT)
		kvt_facts_set_int(facts, who, def->name, g_ascii_strtoll(value, NULL, 10), "test");
	else if (def->type == KVT_FACT_REAL)
		kvt_facts_set_real(facts, who, def->name, g_ascii_strtod(value, NULL), "test");
	else if (def->type == KVT_FACT_LIST)
		kvt_facts_set_list(facts, who, def->name,
				   value[0] != '\0' ? (const char *const *)words : NULL, "test");
	else
		kvt_facts_set_text(facts, who, def->name, value, "test");
}

/* Values worth trying for a fact, from what is said of it anywhere in the rule. */
static GPtrArray *candidates(const struct kvt_rule *rule, const struct kvt_condition *about)
{
	GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) all = g_string_new(NULL);
	static const char *const more[] = { "yes",
					    "no",
					    "zzz",
					    "0",
					    "1",
					    "-1",
					    "987654321",
					    "0.1",
					    "999.1",
					    "",
					    "a b c d e f g h" };

	for (guint i = 0; i < rule->conditions->len; i++) {
		const struct kvt_condition *condition = rule->conditions->pdata[i];

		for (guint k = 0; is_same_fact(condition, about) && condition->words != NULL &&
				  condition->words[k] != NULL;
		     k++) {
			const double number = g_ascii_strtod(condition->words[k], NULL);

			g_ptr_array_add(values, g_strdup(condition->words[k]));
			g_ptr_array_add(values, g_strdup_printf("%.3f", number - 0.5));
			g_ptr_array_add(values, g_strdup_printf("%.0f", number - 1));
			g_ptr_array_add(values, g_strdup_printf("%.0f", number + 1));
			g_string_append_printf(all, "%s%s", all->len > 0 ? " " : "",
					       condition->words[k]);
		}
	}
	g_ptr_array_add(values, g_strdup(all->str));
	for (guint i = 0; i < G_N_ELEMENTS(more); i++)
		g_ptr_array_add(values, g_strdup(more[i]));
	g_ptr_array_add(values, NULL);
	return values;
}

static unsigned judged_for(const struct kvt_rule *rule)
{
	return rule->subject == KVT_MACHINE || rule->subject == 0 ? KVT_GUEST : rule->subject;
}

/* The rule that has this id in a set that holds it alone: judging stays cheap. */
static enum kvt_verdict verdict(const struct kvt_rules *alone, const struct kvt_facts *facts,
				char **reason)
{
	g_autoptr(kvt_judgement) judgement = kvt_judge(alone, facts);
	const struct kvt_finding *finding =
		kvt_judgement_find(judgement, kvt_rules_at(alone, 0)->id);

	g_free(*reason);
	*reason = g_strdup(finding->reason);
	return finding->verdict;
}

static struct kvt_rules *alone(const struct kvt_rule *rule)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	struct kvt_rules *one = kvt_rules_new();
	const char *begin, *end;
	gsize len;

	g_assert_true(g_file_get_contents(rule->file, &text, &len, NULL));
	{
		g_autofree char *head = g_strdup_printf("[%s]", rule->id);

		begin = strstr(text, head);
	}
	g_assert_nonnull(begin);
	end = strstr(begin, "\n[KVT-");
	g_assert_true(kvt_rules_parse(one, rule->file, begin,
				      end != NULL ? (gsize)(end - begin) : strlen(begin), &error));
	g_assert_no_error(error);
	return one;
}

/* Try values for one fact after the other until each condition's reason is gone. */
static bool reach(const struct kvt_rule *rule, const struct kvt_rules *one, struct kvt_facts *facts)
{
	g_autofree char *reason = NULL;

	for (guint round = 0; round < 3; round++)
		for (guint i = 0; i < rule->conditions->len; i++) {
			const struct kvt_condition *condition = rule->conditions->pdata[i];
			g_autoptr(GPtrArray) values = candidates(rule, condition);

			for (guint k = 0; k < values->len; k++) {
				const enum kvt_verdict now = verdict(one, facts, &reason);

				if (now == KVT_FOUND)
					return true;
				/* the reason names the first condition that does not hold */
				if (now != KVT_UNDECIDED && reason != NULL &&
				    strstr(reason, condition->def->name) == NULL)
					break;
				if (now == KVT_UNDECIDED && reason != NULL &&
				    strstr(reason, condition->def->name) == NULL)
					break;
				set(facts, who_of(condition, judged_for(rule)), condition->def,
				    values->pdata[k]);
			}
		}
	return verdict(one, facts, &reason) == KVT_FOUND;
}

static bool miss(const struct kvt_rule *rule, const struct kvt_rules *one, struct kvt_facts *facts)
{
	g_autofree char *reason = NULL;

	for (guint i = 0; i < rule->conditions->len; i++) {
		const struct kvt_condition *condition = rule->conditions->pdata[i];
		g_autoptr(GPtrArray) values = candidates(rule, condition);

		if (condition->when)
			continue;
		for (guint k = 0; k < values->len; k++) {
			set(facts, who_of(condition, judged_for(rule)), condition->def,
			    values->pdata[k]);
			if (verdict(one, facts, &reason) == KVT_CLEAN)
				return true;
		}
	}
	return false;
}

static void test_every_rule_can_be_hit_and_missed(void)
{
	for (guint i = 0; i < kvt_rules_count(rules); i++) {
		const struct kvt_rule *rule = kvt_rules_at(rules, i);
		g_autoptr(kvt_rules) one = alone(rule);
		g_autoptr(kvt_facts) facts = kvt_facts_new("test");

		kvt_facts_set_roles(facts, judged_for(rule) |
						   (rule->subject == 0 ? KVT_HOST | KVT_VM : 0u));
		if (!reach(rule, one, facts)) {
			g_autofree char *reason = NULL;

			verdict(one, facts, &reason);
			g_error("%s cannot be hit: %s", rule->id, reason);
		}
		if (!miss(rule, one, facts))
			g_error("%s cannot be missed", rule->id);
	}
	g_test_message("%u rules", kvt_rules_count(rules));
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int status;

	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	rules = kvt_rules_load(&error);
	g_assert_no_error(error);
	g_test_add_func("/rules/hit-and-missed", test_every_rule_can_be_hit_and_missed);
	status = g_test_run();
	kvt_rules_free(rules);
	return status;
}
