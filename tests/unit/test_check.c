/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts, rules, judging, messages, records: each by itself. */
#include <string.h>

#include "check/machine.h"
#include "check/messages.h"
#include "check/record.h"
#include "check/rules.h"
#include "sys/cpuinfo.h"
#include "sys/error.h"

#define RULE_TAIL "severity = low\nwhy = w\nwho = guest\nsource = s\nchecked = 2026-11-20\n"

static struct kvt_judgement *judge(const char *conditions, struct kvt_facts *facts,
				   struct kvt_rules **ret_rules)
{
	g_autofree char *text =
		g_strconcat("[KVT-0001]\ntitle = t\nscope = guest\n", conditions, RULE_TAIL, NULL);
	GError *error = NULL;

	*ret_rules = kvt_rules_new();
	kvt_rules_parse(*ret_rules, "t.rules", text, strlen(text), &error);
	g_assert_no_error(error);
	return kvt_judge(*ret_rules, facts);
}

static enum kvt_verdict verdict(const char *conditions)
{
	g_autoptr(kvt_facts) facts = kvt_facts_new("test");
	g_autoptr(kvt_judgement) judgement = NULL;
	struct kvt_rules *rules;
	enum kvt_verdict answer;

	kvt_facts_set_roles(facts, KVT_GUEST);
	kvt_facts_set_text(facts, KVT_GUEST, "clocksource.current", "tsc", "here");
	kvt_facts_add_word(facts, KVT_GUEST, "clocksource.available", "tsc", "here");
	kvt_facts_add_word(facts, KVT_GUEST, "clocksource.available", "hpet", "here");
	kvt_facts_set_bool(facts, KVT_GUEST, "tsc.invariant", true, "here");
	kvt_facts_set_text(facts, KVT_GUEST, "kernel.version", "5.10.0-28", "here");
	kvt_facts_set_absent(facts, KVT_GUEST, "cmdline.clock", "here");
	kvt_facts_set_unknown(facts, KVT_GUEST, "pvclock.stable", true, "no page");
	judgement = judge(conditions, facts, &rules);
	answer = ((struct kvt_finding *)judgement->results->pdata[0])->verdict;
	g_clear_pointer(&judgement, kvt_judgement_free);
	kvt_rules_free(rules);
	return answer;
}

static void test_operators_say_what_they_should(void)
{
	g_assert_cmpint(verdict("guest.clocksource.current = tsc\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.clocksource.current not tsc\n"), ==, KVT_CLEAN);
	g_assert_cmpint(verdict("guest.clocksource.current in hpet tsc\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.clocksource.current not in hpet pit\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.clocksource.available = hpet\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.clocksource.available not kvm-clock\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.clocksource.available >= 2\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.clocksource.available < 2\n"), ==, KVT_CLEAN);
	g_assert_cmpint(verdict("guest.kernel.version >= 5.9\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.kernel.version < 5.9\n"), ==, KVT_CLEAN);
	g_assert_cmpint(verdict("guest.tsc.invariant = no\n"), ==, KVT_CLEAN);
}

static void test_absent_equals_nothing(void)
{
	g_assert_cmpint(verdict("guest.cmdline.clock absent\n"), ==, KVT_FOUND);
	g_assert_cmpint(verdict("guest.cmdline.clock not absent\n"), ==, KVT_CLEAN);
	g_assert_cmpint(verdict("guest.cmdline.clock = pit\n"), ==, KVT_CLEAN);
	g_assert_cmpint(verdict("guest.cmdline.clock not pit\n"), ==, KVT_FOUND);
}

static void test_unknown_is_neither_found_nor_clean(void)
{
	g_assert_cmpint(verdict("guest.pvclock.stable = no\n"), ==, KVT_UNDECIDED);
	g_assert_cmpint(verdict("guest.pvclock.stable = yes\n"), ==, KVT_UNDECIDED);
	g_assert_cmpint(verdict("guest.rtc.local = yes\n"), ==, KVT_UNDECIDED);
	/* a false condition decides whatever the others are */
	g_assert_cmpint(verdict("guest.pvclock.stable = no\nguest.tsc.invariant = no\n"), ==,
			KVT_CLEAN);
	g_assert_cmpint(verdict("when guest.tsc.invariant = no\nguest.pvclock.stable = no\n"), ==,
			KVT_UNFIT);
}

static void refused(const char *text, const char *part)
{
	g_autoptr(kvt_rules) rules = kvt_rules_new();
	g_autoptr(GError) error = NULL;

	g_assert_false(kvt_rules_parse(rules, "t.rules", text, strlen(text), &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	if (strstr(error->message, part) == NULL)
		g_error("'%s' does not say '%s'", error->message, part);
}

#define HEAD "[KVT-0001]\ntitle = t\nscope = guest\n"

static void test_faults_of_rules_name_file_and_line(void)
{
	refused(HEAD "guest.no.such = 1\n" RULE_TAIL,
		"t.rules:4: unknown key or fact: guest.no.such");
	refused(HEAD "colour = blue\n" RULE_TAIL, "t.rules:4:");
	refused(HEAD "title = again\nguest.tsc.invariant = no\n" RULE_TAIL,
		"t.rules:4: this key is there twice");
	refused(HEAD "guest.tsc.invariant = maybe\n" RULE_TAIL, "yes or no");
	refused(HEAD "guest.clocksource.current < tsc\n" RULE_TAIL, "no order");
	refused(HEAD "guest.tsc.invariant = no\nwhen guest.tsc.constant = no\n" RULE_TAIL,
		"stands before");
	refused(HEAD RULE_TAIL, "no condition");
	refused(HEAD "guest.tsc.invariant = no\nseverity = low\n", "no key");
	refused("[KVT-1]\n", "four digits");
	refused("title = t\n", "t.rules:1: before the first");
	refused(HEAD "guest.tsc.invariant = no\n" RULE_TAIL "\n[KVT-0001]\n", "there twice");
	refused("[KVT-0001]\ntitle = {no.fact}\nscope = guest\nguest.tsc.invariant = no\n" RULE_TAIL,
		"no such fact");
}

static void test_a_rule_of_another_role_does_not_fit(void)
{
	g_autoptr(kvt_facts) facts = kvt_facts_new("test");
	struct kvt_rules *rules;
	struct kvt_judgement *judgement;

	kvt_facts_set_roles(facts, KVT_HOST);
	kvt_facts_set_bool(facts, KVT_GUEST, "tsc.invariant", true, "here");
	judgement = judge("guest.tsc.invariant = yes\n", facts, &rules);
	g_assert_cmpuint(judgement->fit, ==, 0);
	g_assert_cmpuint(judgement->found->len, ==, 0);
	kvt_judgement_free(judgement);
	kvt_rules_free(rules);
}

static void test_versions_compare_by_their_numbers(void)
{
	g_assert_cmpint(kvt_version_compare("5.10", "5.9"), >, 0);
	g_assert_cmpint(kvt_version_compare("5.1", "5.1.0"), ==, 0);
	g_assert_cmpint(kvt_version_compare("2.6.32-642.el6", "2.6.32-754"), <, 0);
	g_assert_cmpint(kvt_version_compare("", "1"), <, 0);
	g_assert_cmpint(kvt_version_compare("99999999999999999999", "99999999999999999998"), ==, 0);
}

static void test_the_shipped_rules_and_messages_hold(void)
{
	GError *error = NULL;
	g_autoptr(kvt_rules) rules = kvt_rules_load(&error);
	g_autoptr(kvt_messages) messages = NULL;

	g_assert_no_error(error);
	g_assert_cmpuint(kvt_rules_count(rules), >=, 30);
	messages = kvt_messages_load(&error);
	g_assert_no_error(error);
	for (guint i = 0; i < kvt_messages_count(messages); i++) {
		const struct kvt_message *message = kvt_messages_at(messages, i);
		g_autoptr(GPtrArray) matches = kvt_messages_match(messages, message->sample);

		if (!g_ptr_array_find(matches, message, NULL))
			g_error("%s does not match its own sample", message->id);
	}
}

static void test_flags_are_those_of_every_cpu(void)
{
	GString *text = g_string_new(NULL);
	struct kvt_cpuinfo info;

	for (int i = 0; i < 4096; i++)
		g_string_append_printf(text, "processor\t: %d\nflags\t\t: tsc constant_tsc%s\n", i,
				       i == 4000 ? "" : " nonstop_tsc");
	kvt_cpuinfo_parse(text->str, text->len, &info);
	g_assert_cmpuint(info.count, ==, 4096);
	g_assert_cmpuint(info.all & KVT_CPU_CONSTANT_TSC, !=, 0);
	g_assert_cmpuint(info.all & KVT_CPU_NONSTOP_TSC, ==, 0);
	g_assert_cmpuint(info.any & KVT_CPU_NONSTOP_TSC, !=, 0);
	g_string_free(text, TRUE);
}

static void test_what_a_record_does_not_hold_is_unknown(void)
{
	const char *text = "kvmtime-record 1\n= /proc/cmdline\n|ro notsc\nend\n";
	g_autoptr(kvt_root) root = kvt_record_parse(text, strlen(text), "test", NULL);
	g_autoptr(kvt_facts) facts = NULL;
	struct kvt_answers answers;

	g_assert_nonnull(root);
	kvt_answers_recorded(root, &answers);
	facts = kvt_machine_read(root, &answers, "test");
	g_assert_cmpuint(kvt_facts_roles(facts), ==, 0);
	g_assert_true(kvt_facts_is(facts, "cmdline.notsc", false));
	g_assert_cmpint(kvt_facts_any(facts, "kvm.present")->state, ==, KVT_UNKNOWN);
	g_assert_cmpint(kvt_facts_any(facts, "rtc.local")->state, ==, KVT_UNKNOWN);
	g_assert_cmpint(kvt_facts_any(facts, "ptp.clocks")->state, ==, KVT_UNKNOWN);
	g_assert_cmpint(kvt_facts_any(facts, "log.soft_lockup")->state, ==, KVT_UNKNOWN);
}

static void test_words_after_the_double_dash_are_not_the_kernels(void)
{
	const char *text =
		"kvmtime-record 1\n= /proc/cmdline\n|quiet tsc=reliable tsc=nowatchdog -- notsc\nend\n";
	g_autoptr(kvt_root) root = kvt_record_parse(text, strlen(text), "test", NULL);
	g_autoptr(kvt_facts) facts = NULL;
	struct kvt_answers answers;

	kvt_answers_recorded(root, &answers);
	facts = kvt_machine_read(root, &answers, "test");
	g_assert_false(kvt_facts_is(facts, "cmdline.notsc", true));
	g_assert_true(kvt_facts_has_word(facts, "cmdline.tsc", "reliable"));
	g_assert_true(kvt_facts_has_word(facts, "cmdline.tsc", "nowatchdog"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/check/operators_say_what_they_should",
			test_operators_say_what_they_should);
	g_test_add_func("/check/absent_equals_nothing", test_absent_equals_nothing);
	g_test_add_func("/check/unknown_is_neither_found_nor_clean",
			test_unknown_is_neither_found_nor_clean);
	g_test_add_func("/check/faults_of_rules_name_file_and_line",
			test_faults_of_rules_name_file_and_line);
	g_test_add_func("/check/a_rule_of_another_role_does_not_fit",
			test_a_rule_of_another_role_does_not_fit);
	g_test_add_func("/check/versions_compare_by_their_numbers",
			test_versions_compare_by_their_numbers);
	g_test_add_func("/check/the_shipped_rules_and_messages_hold",
			test_the_shipped_rules_and_messages_hold);
	g_test_add_func("/check/flags_are_those_of_every_cpu", test_flags_are_those_of_every_cpu);
	g_test_add_func("/check/what_a_record_does_not_hold_is_unknown",
			test_what_a_record_does_not_hold_is_unknown);
	g_test_add_func("/check/words_after_the_double_dash_are_not_the_kernels",
			test_words_after_the_double_dash_are_not_the_kernels);
	return g_test_run();
}
