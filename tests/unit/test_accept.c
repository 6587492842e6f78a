/* SPDX-License-Identifier: BSD-2-Clause */
/* accept.conf: what it takes, what it refuses and on which line, what it does to a judgement. */
#include <locale.h>
#include <string.h>

#include "check/accept.h"
#include "sys/error.h"

static const char rules_text[] =
	"[KVT-0001]\ntitle = root\nscope = guest\nguest.rtc.local = yes\nseverity = high\n"
	"why = w\nwho = guest\nsource = s\nchecked = c\n"
	"[KVT-0002]\ntitle = effect\nscope = guest\nguest.rtc.local = yes\nseverity = low\n"
	"why = w\nwho = guest\ncause = KVT-0001\nsource = s\nchecked = c\n"
	"[KVT-0003]\ntitle = effect of the effect\nscope = machine\nmachine.rtc.local = yes\n"
	"severity = info\nwhy = w\nwho = guest\ncause = KVT-0002\nsource = s\nchecked = c\n";

static struct kvt_rules *rules;
static struct kvt_facts *facts;

static GPtrArray *parse(const char *text, GError **error)
{
	return kvt_accept_parse("f", text, strlen(text), rules, error);
}

static void test_bad_files_are_refused_with_their_line(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[KVT-0001]\nscope = guest\nreason =\n", "f:3: reason has no value" },
		{ "[KVT-0001]\nscope = guest\n", "f:1: KVT-0001 has no reason" },
		{ "[KVT-0001]\nreason = r\n", "f:1: KVT-0001 has no scope" },
		{ "# c\n[KVT-0009]\nreason = r\n", "f:2: no rule has the id KVT-0009" },
		{ "[KVT-0001]\nscope = host\n", "f:2: the scope of KVT-0001 is guest, not host" },
		{ "[KVT-0001]\nscope = guest\nwhy = r\n",
		  "f:3: scope, reason or until is wanted: why = r" },
		{ "[KVT-0001]\nscope = guest\nreason = r\nreason = r\n",
		  "f:4: reason is given twice" },
		{ "[KVT-0001]\nscope = guest\nreason = r\nuntil = 2027-02-29\n",
		  "f:4: until takes a day such as 2027-03-31, not '2027-02-29'" },
		{ "[KVT-0001]\nscope = guest\nreason = r\nuntil = tomorrow\n",
		  "f:4: until takes a day such as 2027-03-31, not 'tomorrow'" },
		{ "[KVT-0001]\nscope = guest\nreason = r\n[KVT-0001]\n", "f:4: " },
		{ "reason = r\n", "f:1: " },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(parse(cases[i].text, &error));
		g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
		if (!g_str_has_prefix(error->message, cases[i].message))
			g_error("'%s' and not '%s'", error->message, cases[i].message);
	}
}

static void test_an_empty_file_accepts_nothing(void)
{
	g_autoptr(GPtrArray) none = parse("# nothing\n", NULL);

	g_assert_nonnull(none);
	g_assert_cmpuint(none->len, ==, 0);
}

static void check(const char *text, const char *today, guint found, guint accepted)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) all = parse(text, &error);
	g_autoptr(kvt_judgement) judgement = kvt_judge(rules, facts);
	guint severities = 0;

	g_assert_no_error(error);
	kvt_accept_apply(all, today, judgement);
	g_assert_cmpuint(judgement->found->len, ==, found);
	g_assert_cmpuint(judgement->accepted->len, ==, accepted);
	for (int s = KVT_INFO; s <= KVT_CRITICAL; s++)
		severities += judgement->by_severity[s];
	g_assert_cmpuint(severities, ==, found);
	g_assert_cmpuint(judgement->fit, ==,
			 found + accepted + judgement->clean + judgement->undecided);
	for (guint i = 0; i < judgement->found->len; i++) {
		const struct kvt_finding *finding = judgement->found->pdata[i];

		/* what is shown hangs on what is shown */
		g_assert_true(finding->cause == NULL || finding->cause->accepted == NULL);
	}
}

static void test_the_last_day_still_counts(void)
{
	static const char text[] = "[KVT-0001]\nscope = guest\nreason = r\nuntil = 2027-03-31\n";

	check(text, "2027-03-31", 2, 1);
	check(text, "2027-04-01", 3, 0);
	check("[KVT-0001]\nscope = guest\nreason = r\n", "9999-12-31", 2, 1);
}

static void test_names_are_patterns_of_the_target(void)
{
	check("[KVT-0001]\nscope = guest web*\nreason = r\n", "2027-01-01", 2, 1);
	check("[KVT-0001]\nscope = guest db* web1\nreason = r\n", "2027-01-01", 2, 1);
	check("[KVT-0001]\nscope = guest db*\nreason = r\n", "2027-01-01", 3, 0);
}

static void test_a_finding_whose_cause_is_accepted_takes_the_next_cause(void)
{
	g_autoptr(GPtrArray) all = parse("[KVT-0002]\nscope = guest\nreason = r\n", NULL);
	g_autoptr(kvt_judgement) judgement = kvt_judge(rules, facts);
	const struct kvt_finding *last = kvt_judgement_find(judgement, "KVT-0003");

	g_assert_cmpstr(last->cause->rule->id, ==, "KVT-0002");
	kvt_accept_apply(all, "2027-01-01", judgement);
	g_assert_cmpstr(last->cause->rule->id, ==, "KVT-0001");
}

static void test_what_has_lapsed_says_so(void)
{
	g_autoptr(GPtrArray) all =
		parse("[KVT-0001]\nscope = guest\nreason = r\nuntil = 2020-01-01\n", NULL);
	g_autoptr(kvt_judgement) judgement = kvt_judge(rules, facts);

	kvt_accept_apply(all, "2027-01-01", judgement);
	g_assert_nonnull(kvt_judgement_find(judgement, "KVT-0001")->lapsed);
	g_assert_null(kvt_judgement_find(judgement, "KVT-0002")->lapsed);
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	rules = kvt_rules_new();
	g_assert_true(kvt_rules_parse(rules, "r", rules_text, strlen(rules_text), NULL));
	facts = kvt_facts_new("web1");
	kvt_facts_set_roles(facts, KVT_GUEST);
	kvt_facts_set_bool(facts, KVT_GUEST, "rtc.local", true, "here");
	g_test_add_func("/accept/bad_files_are_refused_with_their_line",
			test_bad_files_are_refused_with_their_line);
	g_test_add_func("/accept/an_empty_file_accepts_nothing",
			test_an_empty_file_accepts_nothing);
	g_test_add_func("/accept/the_last_day_still_counts", test_the_last_day_still_counts);
	g_test_add_func("/accept/names_are_patterns_of_the_target",
			test_names_are_patterns_of_the_target);
	g_test_add_func("/accept/a_finding_whose_cause_is_accepted_takes_the_next_cause",
			test_a_finding_whose_cause_is_accepted_takes_the_next_cause);
	g_test_add_func("/accept/what_has_lapsed_says_so", test_what_has_lapsed_says_so);
	status = g_test_run();
	kvt_facts_free(facts);
	kvt_rules_free(rules);
	return status;
}
