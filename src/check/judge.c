/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules against facts, in three-valued logic. */
#include <string.h>

#include "check/rules.h"

enum answer { NO, YES, NOT_KNOWN };

const char *kvt_verdict_name(enum kvt_verdict verdict)
{
	static const char *const names[] = { "found", "clean", "undecided", "unfit" };

	return names[verdict];
}

/* ---- one condition ---- */

static bool equals_word(const struct kvt_fact *fact, const char *word)
{
	switch (fact->def->type) {
	case KVT_FACT_BOOL:
		return fact->flag == (strcmp(word, "yes") == 0);
	case KVT_FACT_INT:
		return fact->integer == g_ascii_strtoll(word, NULL, 10);
	case KVT_FACT_REAL:
		return !(fact->real < g_ascii_strtod(word, NULL)) &&
		       !(fact->real > g_ascii_strtod(word, NULL));
	case KVT_FACT_VERSION:
		return kvt_version_compare(fact->text, word) == 0;
	case KVT_FACT_LIST:
		return g_strv_contains((const char *const *)fact->list, word);
	case KVT_FACT_TEXT:
	default:
		return strcmp(fact->text, word) == 0;
	}
}

static bool equals_any(const struct kvt_fact *fact, char **words)
{
	for (guint i = 0; words[i] != NULL; i++)
		if (equals_word(fact, words[i]))
			return true;
	return false;
}

static bool is_less(const struct kvt_fact *fact, const char *word)
{
	if (fact->def->type == KVT_FACT_INT)
		return fact->integer < g_ascii_strtoll(word, NULL, 10);
	if (fact->def->type == KVT_FACT_REAL)
		return fact->real < g_ascii_strtod(word, NULL);
	if (fact->def->type == KVT_FACT_LIST)
		return (gint64)g_strv_length(fact->list) < g_ascii_strtoll(word, NULL, 10);
	return kvt_version_compare(fact->text, word) < 0;
}

static enum answer ask(const struct kvt_condition *condition, const struct kvt_fact *fact)
{
	const bool absent = fact != NULL && fact->state == KVT_ABSENT;

	if (fact == NULL || fact->state == KVT_UNKNOWN)
		return NOT_KNOWN;
	switch (condition->op) {
	case KVT_OP_ABSENT:
		return absent ? YES : NO;
	case KVT_OP_NOT_ABSENT:
		return absent ? NO : YES;
	case KVT_OP_EQ:
	case KVT_OP_IN:
		return !absent && equals_any(fact, condition->words) ? YES : NO;
	case KVT_OP_NOT:
	case KVT_OP_NOT_IN:
		return absent || !equals_any(fact, condition->words) ? YES : NO;
	case KVT_OP_LESS:
		return !absent && is_less(fact, condition->words[0]) ? YES : NO;
	case KVT_OP_AT_LEAST:
	default:
		return !absent && !is_less(fact, condition->words[0]) ? YES : NO;
	}
}

static char *explain(const struct kvt_condition *condition, unsigned subject,
		     const struct kvt_fact *fact)
{
	g_autofree char *value = fact != NULL ? kvt_fact_value(fact) : g_strdup("unknown");
	const char *dot = strchr(condition->text, '.');
	const bool unknown = fact == NULL || fact->state == KVT_UNKNOWN;
	const char *why = fact == NULL ? "was not read" : fact->source;

	return g_strdup_printf("wants %s%s %s, here %s%s%s%s",
			       condition->configured ? "configured " : "",
			       kvt_subject_name(subject), dot + 1, value, unknown ? " (" : "",
			       unknown ? why : "", unknown ? ")" : "");
}

/* ---- texts with facts filled in ---- */

static char *fill(const char *text, const struct kvt_facts *facts, unsigned subject)
{
	GString *out;

	if (text == NULL)
		return NULL;
	out = g_string_new(NULL);
	for (const char *open; (open = strchr(text, '{')) != NULL;) {
		const char *close = strchr(open, '}');
		g_autofree char *name = g_strndup(open + 1, (gsize)(close - open - 1));
		const char *dot = strchr(name, '.');
		const struct kvt_fact *fact = kvt_facts_get(facts, subject, name);
		g_autofree char *value = NULL;

		if (fact == NULL)
			fact = kvt_facts_any(facts, name);
		for (unsigned bit = KVT_HOST; bit <= KVT_GUEST && dot != NULL; bit <<= 1)
			if (g_str_has_prefix(name, kvt_subject_name(bit)) &&
			    kvt_facts_get(facts, bit, dot + 1) != NULL)
				fact = kvt_facts_get(facts, bit, dot + 1);
		value = fact != NULL ? kvt_fact_value(fact) : g_strdup("unknown");
		g_string_append_len(out, text, open - text);
		g_string_append(out, value);
		text = close + 1;
	}
	g_string_append(out, text);
	return g_string_free(out, FALSE);
}

/* ---- one rule ---- */

static void add_evidence(struct kvt_finding *finding, const struct kvt_fact *fact)
{
	if (fact != NULL && !g_ptr_array_find(finding->evidence, fact, NULL))
		g_ptr_array_add(finding->evidence, (gpointer)(guintptr)fact);
}

static void finding_free(gpointer data)
{
	struct kvt_finding *finding = data;

	g_ptr_array_unref(finding->evidence);
	g_free(finding->reason);
	g_free(finding->title);
	g_free(finding->why);
	g_free(finding->run);
	g_free(finding->send);
	g_free(finding->alone);
	g_free(finding);
}

static unsigned asks_about(const struct kvt_condition *condition, unsigned subject)
{
	return (condition->subject == KVT_MACHINE ? subject : condition->subject) |
	       (condition->configured ? KVT_CONFIGURED : 0u);
}

/*
 * A false condition decides however many others are unknown. Among the "when" ones an unknown
 * leaves open whether the rule fits at all; it then counts as undecided. *@ret_by is the first
 * condition that is false, or else unknown.
 */
static enum kvt_verdict decide(const struct kvt_rule *rule, unsigned subject,
			       const struct kvt_facts *facts, const struct kvt_condition **ret_by)
{
	enum kvt_verdict verdict = KVT_FOUND;

	for (guint i = 0; i < rule->conditions->len; i++) {
		const struct kvt_condition *condition = rule->conditions->pdata[i];
		const struct kvt_fact *fact =
			kvt_facts_of(facts, asks_about(condition, subject), condition->def);
		const enum answer answer = ask(condition, fact);

		if (answer == YES || (answer == NOT_KNOWN && verdict == KVT_UNDECIDED))
			continue;
		*ret_by = condition;
		if (answer == NO)
			return condition->when ? KVT_UNFIT : KVT_CLEAN;
		verdict = KVT_UNDECIDED;
	}
	return verdict;
}

static void add_all_evidence(struct kvt_finding *finding, const struct kvt_facts *facts)
{
	const GPtrArray *conditions = finding->rule->conditions;

	for (guint i = 0; i < conditions->len; i++) {
		const struct kvt_condition *condition = conditions->pdata[i];
		const struct kvt_fact *fact = kvt_facts_of(
			facts, asks_about(condition, finding->subject), condition->def);

		if (!condition->when && ask(condition, fact) == YES)
			add_evidence(finding, fact);
	}
}

static void weigh(struct kvt_finding *finding, const struct kvt_facts *facts)
{
	const struct kvt_condition *by = NULL;
	const struct kvt_fact *fact;

	finding->verdict = decide(finding->rule, finding->subject, facts, &by);
	add_all_evidence(finding, facts);
	if (by == NULL)
		return;
	fact = kvt_facts_of(facts, asks_about(by, finding->subject), by->def);
	finding->needs_root = finding->verdict == KVT_UNDECIDED && fact != NULL && fact->needs_root;
	finding->reason =
		explain(by, asks_about(by, finding->subject) & ~(unsigned)KVT_CONFIGURED, fact);
}

static void show_more(struct kvt_finding *finding, const struct kvt_facts *facts)
{
	g_auto(GStrv) names =
		g_strsplit(finding->rule->show != NULL ? finding->rule->show : "", " ", -1);

	for (guint i = 0; names[i] != NULL; i++) {
		const struct kvt_fact *fact = kvt_facts_get(facts, finding->subject, names[i]);

		if (fact != NULL && fact->state == KVT_KNOWN)
			add_evidence(finding, fact);
	}
}

/* of a log that does not say its machine's role, only the machine's rules can be judged */
static bool is_for(const struct kvt_rule *rule, unsigned subject, const struct kvt_facts *facts)
{
	return rule->subject == 0 || (kvt_facts_roles(facts) & subject) != 0 ||
	       (rule->subject == KVT_MACHINE && kvt_facts_roles(facts) == 0);
}

static struct kvt_finding *judge_one(const struct kvt_rule *rule, unsigned subject,
				     const struct kvt_facts *facts)
{
	struct kvt_finding *finding = g_new0(struct kvt_finding, 1);

	finding->rule = rule;
	finding->subject = subject;
	finding->evidence = g_ptr_array_new();
	if (!is_for(rule, subject, facts)) {
		finding->verdict = KVT_UNFIT;
		finding->reason = g_strdup_printf("is for a %s", rule->scope);
		return finding;
	}
	weigh(finding, facts);
	if (finding->verdict == KVT_FOUND)
		show_more(finding, facts);
	finding->title = fill(rule->title, facts, subject);
	finding->why = fill(rule->why, facts, subject);
	finding->run = fill(rule->run, facts, subject);
	finding->send = fill(rule->send, facts, subject);
	finding->alone = fill(rule->alone, facts, subject);
	return finding;
}

/*
 * A machine's rule is judged once: for the guest if the set has one, else for the host. In a set
 * that joins two machines the other one has its own set.
 */
static unsigned subject_of(const struct kvt_rule *rule, const struct kvt_facts *facts)
{
	if (rule->subject != KVT_MACHINE)
		return rule->subject;
	return kvt_facts_roles(facts) == KVT_HOST ? KVT_HOST : KVT_GUEST;
}

enum kvt_verdict kvt_rule_verdict(const struct kvt_rule *rule, const struct kvt_facts *facts)
{
	const unsigned subject = subject_of(rule, facts);
	const struct kvt_condition *by;

	return is_for(rule, subject, facts) ? decide(rule, subject, facts, &by) : KVT_UNFIT;
}

/* ---- all rules ---- */

static gint worst_first(gconstpointer a, gconstpointer b)
{
	const struct kvt_finding *x = *(const struct kvt_finding *const *)a;
	const struct kvt_finding *y = *(const struct kvt_finding *const *)b;

	if (x->worst != y->worst)
		return x->worst > y->worst ? -1 : 1;
	if (x->rule->severity != y->rule->severity)
		return x->rule->severity > y->rule->severity ? -1 : 1;
	return strcmp(x->rule->id, y->rule->id);
}

static struct kvt_finding *found_rule(const GPtrArray *found, const char *id)
{
	for (guint i = 0; i < found->len; i++) {
		struct kvt_finding *finding = found->pdata[i];

		if (strcmp(finding->rule->id, id) == 0)
			return finding;
	}
	return NULL;
}

/* A chain that would close a ring is not made. */
static bool reaches(const struct kvt_finding *from, const struct kvt_finding *to)
{
	for (; from != NULL; from = from->cause)
		if (from == to)
			return true;
	return false;
}

/* The causes are named in the order in which they are to be believed: the first that holds. */
static void chain(GPtrArray *found)
{
	for (guint i = 0; i < found->len; i++) {
		struct kvt_finding *effect = found->pdata[i];
		g_auto(GStrv) ids = effect->rule->cause != NULL
					    ? g_strsplit(effect->rule->cause, " ", -1)
					    : g_new0(char *, 1);

		for (guint j = 0; ids[j] != NULL && effect->cause == NULL; j++) {
			struct kvt_finding *cause = found_rule(found, ids[j]);

			if (cause != NULL && !reaches(cause, effect))
				effect->cause = cause;
		}
	}
}

/* A chain is as bad as its worst link, and its links stand behind one another. */
static void weigh_chains(GPtrArray *found)
{
	for (guint i = 0; i < found->len; i++) {
		struct kvt_finding *finding = found->pdata[i];

		finding->worst = finding->rule->severity;
	}
	for (guint i = 0; i < found->len; i++) {
		const struct kvt_finding *effect = found->pdata[i];

		for (const struct kvt_finding *at = effect->cause; at != NULL; at = at->cause) {
			struct kvt_finding *cause = found_rule(found, at->rule->id);

			cause->worst = MAX(cause->worst, effect->rule->severity);
		}
	}
}

static void count(struct kvt_judgement *judgement, struct kvt_finding *finding)
{
	switch (finding->verdict) {
	case KVT_FOUND:
		g_ptr_array_add(judgement->found, finding);
		judgement->by_severity[finding->rule->severity]++;
		break;
	case KVT_CLEAN:
		judgement->clean++;
		break;
	case KVT_UNDECIDED:
		judgement->undecided++;
		break;
	case KVT_UNFIT:
	default:
		return;
	}
	judgement->fit++;
}

struct kvt_judgement *kvt_judge(const struct kvt_rules *rules, const struct kvt_facts *facts)
{
	struct kvt_judgement *judgement = g_new0(struct kvt_judgement, 1);

	judgement->facts = facts;
	judgement->results = g_ptr_array_new_with_free_func(finding_free);
	judgement->found = g_ptr_array_new();
	judgement->accepted = g_ptr_array_new();
	for (guint i = 0; i < kvt_rules_count(rules); i++) {
		const struct kvt_rule *rule = kvt_rules_at(rules, i);
		struct kvt_finding *finding = judge_one(rule, subject_of(rule, facts), facts);

		g_ptr_array_add(judgement->results, finding);
		count(judgement, finding);
	}
	chain(judgement->found);
	weigh_chains(judgement->found);
	g_ptr_array_sort(judgement->found, worst_first);
	return judgement;
}

void kvt_judgement_free(struct kvt_judgement *judgement)
{
	if (judgement == NULL)
		return;
	g_ptr_array_unref(judgement->found);
	g_ptr_array_unref(judgement->accepted);
	g_ptr_array_unref(judgement->results);
	g_free(judgement);
}

const struct kvt_finding *kvt_judgement_find(const struct kvt_judgement *judgement, const char *id)
{
	const struct kvt_finding *first = NULL;

	for (guint i = 0; i < judgement->results->len; i++) {
		const struct kvt_finding *finding = judgement->results->pdata[i];

		if (strcmp(finding->rule->id, id) != 0)
			continue;
		if (finding->verdict == KVT_FOUND)
			return finding;
		if (first == NULL)
			first = finding;
	}
	return first;
}
