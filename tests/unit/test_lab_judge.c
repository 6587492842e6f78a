/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results that were made up, judged as measured ones are: by the shipped rules, and against an
 * earlier run. What a machine really gives is for tests/diff.
 */
#include <locale.h>
#include <string.h>

#include <glib/gstdio.h>

#include "cli/lab_findings.h"
#include "cli/lab_report.h"
#include "sys/error.h"

static struct kvt_rules *rules;

static void free_result(void *data)
{
	lab_result_free(data);
}

static GPtrArray *one_result(const char *experiment)
{
	GPtrArray *results = g_ptr_array_new_with_free_func(free_result);

	g_ptr_array_add(results, lab_result_new(experiment));
	return results;
}

/* A host on its TSC, as check would have read it. */
static struct kvt_facts *host_on(const char *clocksource)
{
	struct kvt_facts *facts = kvt_facts_new("test");

	kvt_facts_set_bool(facts, KVT_HOST, "kvm.present", true, "test");
	kvt_facts_set_bool(facts, KVT_HOST, "virt.guest", false, "test");
	kvt_facts_set_text(facts, KVT_HOST, "clocksource.current", clocksource, "test");
	return facts;
}

/* ---- findings ---- */

static const struct {
	const char *experiment, *measure, *id;
} bad[] = {
	{ "clock", "stable", "KVT-0124" },
	{ "clock", "rate_error", "KVT-0125" },
	{ "clock", "vcpu_difference", "KVT-0126" },
	{ "clock", "warps", "KVT-0126" },
	{ "clock", "get_clock_agree", "KVT-0127" },
	{ "clock", "guest_view", "KVT-0127" },
	{ "clock", "hidden_step", "KVT-0128" },
	{ "clock", "wall_offset", "KVT-0129" },
	{ "clock", "offset_bound", "KVT-0130" },
	{ "pause", "flag_told", "KVT-0131" },
	{ "pause", "flag_untold", "KVT-0131" },
	{ "pause", "jump_left_alone", "KVT-0132" },
	{ "pause", "jump_set_clock", "KVT-0132" },
	{ "pause", "jump_realtime", "KVT-0132" },
	{ "steal", "difference", "KVT-0133" },
	{ "migrate", "jump_right", "KVT-0134" },
	{ "migrate", "jump_right_guest", "KVT-0134" },
	{ "ticks", "rtc_catchup_stop_lost", "KVT-0135" },
	{ "timers", "pit_late", "KVT-0136" },
	{ "clock", "a_new_number", "KVT-0137" },
};

static void test_every_bad_number_is_a_finding(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		for (int verdict = LAB_GOOD; verdict <= LAB_UNKNOWN; verdict++) {
			g_autoptr(GPtrArray) results = one_result(bad[i].experiment);
			g_autoptr(kvt_facts) facts = host_on("tsc");
			g_autoptr(kvt_judgement) judgement = NULL;
			const struct kvt_finding *first;

			lab_measure(results->pdata[0], bad[i].measure, 77, 1, "ns",
				    (enum lab_verdict)verdict, "a number");
			judgement = lab_findings(rules, facts, results);
			g_assert_cmpuint(judgement->found->len, ==, verdict == LAB_BAD ? 1 : 0);
			if (verdict == LAB_GOOD)
				g_assert_cmpint(kvt_judgement_find(judgement, bad[i].id)->verdict,
						==, KVT_CLEAN);
			if (verdict != LAB_BAD)
				continue;
			first = judgement->found->pdata[0];
			g_assert_cmpstr(first->rule->id, ==, bad[i].id);
			g_assert_cmpint(first->rule->severity, >=, KVT_LOW);
			g_assert_cmpuint(first->evidence->len, >, 0);
		}
}

/* The order in which two numbers of one fact come must not matter. */
static void test_one_bad_number_of_two_is_enough(void)
{
	static const enum lab_verdict order[][2] = { { LAB_GOOD, LAB_BAD },
						     { LAB_BAD, LAB_GOOD },
						     { LAB_BAD, LAB_UNKNOWN },
						     { LAB_UNKNOWN, LAB_BAD },
						     { LAB_INFO, LAB_BAD } };

	for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
		g_autoptr(GPtrArray) results = one_result("migrate");
		g_autoptr(kvt_facts) facts = host_on("tsc");
		g_autoptr(kvt_judgement) judgement = NULL;

		lab_measure(results->pdata[0], "jump_right", 1, 0, "ns", order[i][0], "x");
		lab_measure(results->pdata[0], "jump_right_guest", 1, 0, "ns", order[i][1], "x");
		judgement = lab_findings(rules, facts, results);
		g_assert_cmpuint(judgement->found->len, ==, 1);
	}
}

static void test_unknown_is_neither_good_nor_bad(void)
{
	g_autoptr(GPtrArray) results = one_result("clock");
	g_autoptr(kvt_facts) facts = host_on("tsc");
	g_autoptr(kvt_judgement) judgement = NULL;

	lab_measure(results->pdata[0], "vcpu_difference", 0, 1, "ns", LAB_GOOD, "x");
	lab_measure(results->pdata[0], "warps", 0, 0, "1", LAB_UNKNOWN, "one CPU only");
	judgement = lab_findings(rules, facts, results);
	g_assert_cmpint(kvt_judgement_find(judgement, "KVT-0126")->verdict, ==, KVT_UNDECIDED);
	g_assert_cmpint(kvt_judgement_find(judgement, "KVT-0131")->verdict, ==, KVT_UNFIT);
}

static void test_a_host_without_tsc_is_the_root_of_a_missing_stable_bit(void)
{
	g_autoptr(GPtrArray) results = one_result("clock");
	g_autoptr(kvt_facts) facts = host_on("hpet");
	g_autoptr(kvt_judgement) judgement = NULL;
	const struct kvt_finding *measured;

	lab_measure(results->pdata[0], "stable", 0, 0, "1", LAB_BAD, "clear");
	judgement = lab_findings(rules, facts, results);
	g_assert_cmpuint(judgement->found->len, ==, 2);
	measured = kvt_judgement_find(judgement, "KVT-0124");
	g_assert_nonnull(measured->cause);
	g_assert_cmpstr(measured->cause->rule->id, ==, "KVT-0101");
}

/* What check finds of this host by reading alone is not the lab's. */
static void test_other_findings_are_left_to_check(void)
{
	g_autoptr(GPtrArray) results = one_result("clock");
	g_autoptr(kvt_facts) facts = host_on("hpet");
	g_autoptr(kvt_judgement) judgement = NULL;

	lab_measure(results->pdata[0], "stable", 1, 0, "1", LAB_GOOD, "set");
	judgement = lab_findings(rules, facts, results);
	g_assert_cmpuint(judgement->found->len, ==, 0);
	for (int s = KVT_INFO; s <= KVT_CRITICAL; s++)
		g_assert_cmpuint(judgement->by_severity[s], ==, 0);
}

static void test_a_missed_control_and_a_failure_are_findings(void)
{
	g_autoptr(GPtrArray) results = one_result("steal");
	g_autoptr(kvt_facts) facts = host_on("tsc");
	g_autoptr(kvt_judgement) judgement = NULL;
	struct lab_result *failed = lab_result_new("pause");

	lab_control(results->pdata[0], true, "one fault", "seen");
	lab_control(results->pdata[0], false, "another fault", "nothing seen");
	failed->state = LAB_FAILED;
	failed->reason = g_strdup("vCPU 0: triple fault");
	g_ptr_array_add(results, failed);
	judgement = lab_findings(rules, facts, results);
	g_assert_cmpuint(judgement->found->len, ==, 2);
	g_assert_nonnull(strstr(kvt_judgement_find(judgement, "KVT-0138")->title, "another fault"));
	g_assert_null(strstr(kvt_judgement_find(judgement, "KVT-0138")->title, "one fault"));
	g_assert_nonnull(strstr(kvt_judgement_find(judgement, "KVT-0139")->title, "pause"));
}

/* ---- qemu: the definition's facts stand beside the measured ones ---- */

static struct kvt_judgement *judge_qemu(struct kvt_facts *facts, const char *policy, double pic,
					double ioapic)
{
	g_autoptr(GPtrArray) results = one_result("qemu");
	struct lab_result *result = results->pdata[0];

	kvt_facts_set_text(facts, KVT_VM, "timer.rtc.effective_policy", policy, "test");
	lab_measure(result, "slew_rtc_pic", pic, 3, "ticks", pic > 3 ? LAB_BAD : LAB_GOOD, "x");
	lab_measure(result, "slew_rtc_ioapic", ioapic, 3, "ticks", ioapic > 3 ? LAB_BAD : LAB_GOOD,
		    "x");
	return lab_findings(rules, facts, results);
}

static void test_slew_behind_the_pic_is_a_finding_with_its_numbers(void)
{
	g_autoptr(kvt_facts) facts = host_on("tsc");
	g_autoptr(kvt_judgement) judgement = judge_qemu(facts, "slew", 128, 0);
	const struct kvt_finding *finding = kvt_judgement_find(judgement, "KVT-0532");
	bool seen = false;

	g_assert_cmpuint(judgement->found->len, ==, 1);
	g_assert_cmpint(finding->verdict, ==, KVT_FOUND);
	for (guint i = 0; i < finding->evidence->len; i++) {
		const struct kvt_fact *fact = finding->evidence->pdata[i];

		seen = seen || (g_str_equal(fact->def->name, "lab.rtc.pic_ticks") &&
				fact->real > 127.5 && fact->real < 128.5);
	}
	g_assert_true(seen);
}

static void test_slew_that_keeps_time_is_clean(void)
{
	g_autoptr(kvt_facts) facts = host_on("tsc");
	g_autoptr(kvt_judgement) judgement = judge_qemu(facts, "slew", 0, 0);

	g_assert_cmpuint(judgement->found->len, ==, 0);
	g_assert_cmpint(kvt_judgement_find(judgement, "KVT-0532")->verdict, ==, KVT_CLEAN);
}

static void test_ticks_that_are_not_made_up_for_are_a_finding(void)
{
	g_autoptr(kvt_facts) facts = host_on("tsc");
	g_autoptr(kvt_judgement) judgement = judge_qemu(facts, "discard", 128, 128);

	g_assert_cmpuint(judgement->found->len, ==, 1);
	g_assert_cmpint(kvt_judgement_find(judgement, "KVT-0533")->verdict, ==, KVT_FOUND);
}

/* ---- against an earlier run ---- */

static char *write_baseline(const char *text)
{
	GError *error = NULL;
	char *path = NULL;
	const int fd = g_file_open_tmp("kvt-baseline-XXXXXX", &path, &error);

	g_assert_no_error(error);
	g_close(fd, NULL);
	g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
	return path;
}

/* Lines of what became worse for one measure that was @before and is @value now. */
static guint worse(const char *before, double value, enum lab_verdict verdict, const char *unit)
{
	g_autoptr(GPtrArray) results = one_result("clock");
	g_autoptr(GPtrArray) lines = NULL;
	const struct lab_report report = { .results = results };
	g_autofree char *text = g_strdup_printf(
		"{\"schema\":\"kvmtime.lab/1\",\"experiments\":[{\"name\":\"clock\",\"state\":"
		"\"measured\",\"measures\":[%s]}]}",
		before);
	g_autofree char *path = write_baseline(text);
	GError *error = NULL;

	lab_measure(results->pdata[0], "m", value, 1, unit, verdict, "x");
	g_assert_true(lab_report_compare(&report, path, &lines, &error));
	g_assert_no_error(error);
	g_unlink(path);
	return lines->len;
}

#define BEFORE(value, verdict) \
	"{\"name\":\"m\",\"value\":" value ",\"bound\":1,\"verdict\":\"" verdict "\"}"

static void test_worse_is_what_became_bad_or_much_larger(void)
{
	g_assert_cmpuint(worse(BEFORE("1", "good"), 1, LAB_GOOD, "ticks"), ==, 0);
	g_assert_cmpuint(worse(BEFORE("1", "good"), 1, LAB_BAD, "ticks"), ==, 1);
	g_assert_cmpuint(worse(BEFORE("1", "bad"), 1, LAB_BAD, "ticks"), ==, 0);
	g_assert_cmpuint(worse(BEFORE("1", "bad"), 1, LAB_GOOD, "ticks"), ==, 0);
	g_assert_cmpuint(worse(BEFORE("10", "good"), 124, LAB_GOOD, "ticks"), ==, 1);
	g_assert_cmpuint(worse(BEFORE("10", "good"), -124, LAB_GOOD, "ticks"), ==, 1);
	g_assert_cmpuint(worse(BEFORE("124", "good"), 10, LAB_GOOD, "ticks"), ==, 0);
	g_assert_cmpuint(worse(BEFORE("10", "good"), 22, LAB_GOOD, "ticks"), ==, 0);
	/* below this machine's noise nothing is a change */
	g_assert_cmpuint(worse(BEFORE("100", "good"), 4000, LAB_GOOD, "ns"), ==, 0);
	g_assert_cmpuint(worse(BEFORE("100", "good"), 400000, LAB_GOOD, "ns"), ==, 1);
	/* what was unknown, and what is a number only, says nothing */
	g_assert_cmpuint(worse(BEFORE("null", "unknown"), 124, LAB_GOOD, "ticks"), ==, 0);
	g_assert_cmpuint(worse(BEFORE("10", "info"), 124, LAB_INFO, "ticks"), ==, 0);
	g_assert_cmpuint(worse("", 124, LAB_BAD, "ticks"), ==, 0);
	/* nor does what is of another type */
	g_assert_cmpuint(worse("7, null, \"m\", {\"name\":[]}", 124, LAB_BAD, "ticks"), ==, 0);
	g_assert_cmpuint(worse("{\"name\":\"m\",\"value\":{},\"bound\":[],\"verdict\":7}", 124,
			       LAB_GOOD, "ticks"),
			 ==, 0);
}

static void test_an_experiment_that_is_not_measured_any_more_is_worse(void)
{
	g_autoptr(GPtrArray) results = one_result("clock");
	g_autoptr(GPtrArray) lines = NULL;
	const struct lab_report report = { .results = results };
	g_autofree char *path = write_baseline(
		"{\"schema\":\"kvmtime.lab/1\",\"experiments\":[{\"name\":\"clock\",\"state\":"
		"\"measured\",\"measures\":[]},{\"name\":\"other\",\"state\":\"measured\"}]}");
	GError *error = NULL;

	lab_skip(results->pdata[0], "no reason");
	g_assert_true(lab_report_compare(&report, path, &lines, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(lines->len, ==, 1);
	g_unlink(path);
}

static void test_a_baseline_that_is_none_is_bad_input(void)
{
	static const char *const texts[] = { "",
					     "[]",
					     "{}",
					     "nonsense",
					     "{\"schema\":\"kvmtime.sim/1\",\"experiments\":[]}",
					     "{\"schema\":\"kvmtime.lab/1\"}",
					     "{\"schema\":7}",
					     "{\"schema\":\"kvmtime.lab/1\",\"experiments\":7}" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GPtrArray) results = one_result("clock");
		g_autoptr(GPtrArray) lines = NULL;
		const struct lab_report report = { .results = results };
		g_autofree char *path = write_baseline(texts[i]);
		g_autoptr(GError) error = NULL;

		g_assert_false(lab_report_compare(&report, path, &lines, &error));
		g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
		g_unlink(path);
	}
}

/* ---- charts ---- */

static void test_a_plot_wants_histograms_and_a_known_name(void)
{
	g_autoptr(GPtrArray) results = one_result("clock");
	const struct lab_report report = { .results = results };
	static const char *const paths[] = { "x.txt", "x", "svg" };
	g_autoptr(GError) nothing = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(lab_report_plot(&report, paths[i], &error));
		g_assert_error(error, KVT_ERROR, KVT_STATUS_USAGE);
	}
	g_assert_false(lab_report_plot(&report, "x.svg", &nothing));
	g_assert_error(nothing, KVT_ERROR, KVT_STATUS_REFUSED);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int status;

	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	rules = kvt_rules_load(&error);
	g_assert_no_error(error);
	g_test_add_func("/lab-judge/every-bad-number-is-a-finding",
			test_every_bad_number_is_a_finding);
	g_test_add_func("/lab-judge/one-bad-number-of-two-is-enough",
			test_one_bad_number_of_two_is_enough);
	g_test_add_func("/lab-judge/unknown-is-neither-good-nor-bad",
			test_unknown_is_neither_good_nor_bad);
	g_test_add_func("/lab-judge/a-host-without-tsc-is-the-root-of-a-missing-stable-bit",
			test_a_host_without_tsc_is_the_root_of_a_missing_stable_bit);
	g_test_add_func("/lab-judge/other-findings-are-left-to-check",
			test_other_findings_are_left_to_check);
	g_test_add_func("/lab-judge/a-missed-control-and-a-failure-are-findings",
			test_a_missed_control_and_a_failure_are_findings);
	g_test_add_func("/lab-judge/slew-behind-the-pic-is-a-finding-with-its-numbers",
			test_slew_behind_the_pic_is_a_finding_with_its_numbers);
	g_test_add_func("/lab-judge/slew-that-keeps-time-is-clean",
			test_slew_that_keeps_time_is_clean);
	g_test_add_func("/lab-judge/ticks-that-are-not-made-up-for-are-a-finding",
			test_ticks_that_are_not_made_up_for_are_a_finding);
	g_test_add_func("/lab-judge/worse-is-what-became-bad-or-much-larger",
			test_worse_is_what_became_bad_or_much_larger);
	g_test_add_func("/lab-judge/an-experiment-that-is-not-measured-any-more-is-worse",
			test_an_experiment_that_is_not_measured_any_more_is_worse);
	g_test_add_func("/lab-judge/a-baseline-that-is-none-is-bad-input",
			test_a_baseline_that_is_none_is_bad_input);
	g_test_add_func("/lab-judge/a-plot-wants-histograms-and-a-known-name",
			test_a_plot_wants_histograms_and_a_known_name);
	status = g_test_run();
	kvt_rules_free(rules);
	return status;
}
