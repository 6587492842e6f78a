/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdict on the TSC, from measurements that are made up. */
#include <string.h>

#include <glib.h>

#include "bench/stability.h"

/* A run on two CPUs that agree, and one clock beside the TSC. */
static struct kvt_stability *run_with(const char *name, double ppm, double bound_ppm)
{
	struct kvt_stability *stability = kvt_stability_new();
	struct kvt_stability_clock *clock = kvt_stability_add(stability, "tsc", false);

	clock->seconds = 10;
	clock->samples = 200;
	clock->rate_bound_ppm = 0.01;
	stability->has_warp = true;
	stability->warp = (struct kvt_bench_warp){ .cpus = 2, .reads = 50000, .resolution_ns = 50 };
	if (name != NULL) {
		clock = kvt_stability_add(stability, name, true);
		clock->seconds = 10;
		clock->samples = 200;
		clock->rate_ppm = ppm;
		clock->rate_bound_ppm = bound_ppm;
		clock->wander_ns = 900;
		clock->wander_bound_ns = 1000;
	}
	return stability;
}

static bool says(const struct kvt_stability *stability, const char *words)
{
	for (guint i = 0; i < stability->evidence->len; i++)
		if (strstr(stability->evidence->pdata[i], words) != NULL)
			return true;
	return false;
}

static void judge(struct kvt_stability *stability, bool offered, bool invariant,
		  enum kvt_trust trust, const char *words)
{
	kvt_stability_judge(stability, offered, invariant);
	for (guint i = 0; i < stability->evidence->len; i++)
		g_test_message("%s", (const char *)stability->evidence->pdata[i]);
	g_assert_cmpint(stability->trust, ==, trust);
	g_assert_true(says(stability, words));
	kvt_stability_free(stability);
}

static struct kvt_stability_clock *last_of(const struct kvt_stability *stability)
{
	return stability->clocks->pdata[stability->clocks->len - 1];
}

static void test_witness_that_agrees_makes_trust(void)
{
	judge(run_with("hpet", 3.2, 1.5), true, true, KVT_TRUST_YES, "hpet, an independent");
	judge(run_with("hpet", 400, 99), true, true, KVT_TRUST_YES, "agree to +400.00 ppm");
}

static void test_tsc_is_no_witness_for_itself(void)
{
	struct kvt_stability *stability = run_with(NULL, 0, 0);

	g_ptr_array_add(stability->no_witnesses, g_strdup("NTP is no witness: because."));
	judge(stability, true, true, KVT_TRUST_UNKNOWN, "NTP is no witness: because.");
	judge(run_with(NULL, 0, 0), true, true, KVT_TRUST_UNKNOWN, "No independent reference");
}

static void test_hosts_clock_shows_step_and_no_more(void)
{
	struct kvt_stability *stability = run_with("ptp0 (KVM virtual PTP)", 0.1, 2);

	last_of(stability)->of_host = true;
	judge(stability, true, true, KVT_TRUST_UNKNOWN, "only the host can tell");
	stability = run_with("ptp0 (KVM virtual PTP)", 0.1, 2);
	last_of(stability)->of_host = true;
	judge(stability, true, true, KVT_TRUST_UNKNOWN, "No independent reference");
	stability = run_with("hpet", 812, 2);
	last_of(stability)->of_host = true;
	judge(stability, true, true, KVT_TRUST_NO, "which shows the host's clock");
}

static void test_rate_surely_away_is_against(void)
{
	judge(run_with("hpet", 503, 2), true, true, KVT_TRUST_NO, "+503.0 ppm");
	judge(run_with("hpet", -503, 2), true, true, KVT_TRUST_NO, "-503.0 ppm");
	/* not surely: the bound reaches back over the limit */
	judge(run_with("hpet", 501, 2), true, true, KVT_TRUST_YES, "agree to");
}

static void test_coarse_witness_is_none(void)
{
	judge(run_with("RTC seconds", 20, 600), true, true, KVT_TRUST_UNKNOWN,
	      "watched too shortly");
	judge(run_with("RTC seconds", 0, 0), true, true, KVT_TRUST_UNKNOWN,
	      "No independent reference");
}

static void test_wander_is_against(void)
{
	struct kvt_stability *stability = run_with("hpet", 1, 1);

	last_of(stability)->wander_ns = 1000 + 10e9 * KVT_STABILITY_PPM / 1e6 + 1;
	judge(stability, true, true, KVT_TRUST_NO, "wanders by");
	stability = run_with("hpet", 1, 1);
	last_of(stability)->wander_ns = 1000 + 10e9 * KVT_STABILITY_PPM / 1e6 - 1;
	judge(stability, true, true, KVT_TRUST_YES, "agree to");
}

static void test_daemon_needs_no_window(void)
{
	struct kvt_stability *stability = run_with("NTP (chronyd)", -7.5, 0.05);

	last_of(stability)->seconds = 0;
	last_of(stability)->samples = 0;
	judge(stability, true, true, KVT_TRUST_YES, "NTP (chronyd)");
}

static void test_back_step_is_against_any_witness(void)
{
	struct kvt_stability *stability = run_with("hpet", 0, 1);

	stability->warp.backward = 3;
	stability->warp.backward_ns = 120;
	judge(stability, true, true, KVT_TRUST_NO, "Time goes backwards: 3 of 50000");
}

static void test_cpus_not_compared_is_doubt(void)
{
	struct kvt_stability *stability = run_with("hpet", 0, 1);

	stability->has_warp = false;
	judge(stability, true, true, KVT_TRUST_UNKNOWN, "could not be measured");
	stability = run_with("hpet", 0, 1);
	stability->warp.unreached = 1;
	judge(stability, true, true, KVT_TRUST_UNKNOWN, "1 CPUs could not be compared");
	stability = run_with("hpet", 0, 1);
	stability->warp.resolution_ns = 13952223;
	judge(stability, true, true, KVT_TRUST_UNKNOWN, "too busy");
	stability = run_with("hpet", 0, 1);
	stability->warp.cpus = 1;
	judge(stability, true, true, KVT_TRUST_YES, "one CPU only");
}

static void test_kernel_and_cpu_have_a_word(void)
{
	judge(run_with("hpet", 0, 1), false, true, KVT_TRUST_NO, "does not offer tsc");
	judge(run_with("hpet", 0, 1), true, false, KVT_TRUST_UNKNOWN, "does not promise");
}

static void test_lost_source_is_no_trust(void)
{
	struct kvt_stability *stability = run_with("hpet", 0, 1);

	stability->lost = true;
	judge(stability, true, true, KVT_TRUST_UNKNOWN, "agree to");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/judge/agreeing-witness", test_witness_that_agrees_makes_trust);
	g_test_add_func("/judge/tsc-for-itself", test_tsc_is_no_witness_for_itself);
	g_test_add_func("/judge/hosts-clock", test_hosts_clock_shows_step_and_no_more);
	g_test_add_func("/judge/rate-away", test_rate_surely_away_is_against);
	g_test_add_func("/judge/coarse-witness", test_coarse_witness_is_none);
	g_test_add_func("/judge/wander", test_wander_is_against);
	g_test_add_func("/judge/daemon", test_daemon_needs_no_window);
	g_test_add_func("/judge/back-step", test_back_step_is_against_any_witness);
	g_test_add_func("/judge/cpus-not-compared", test_cpus_not_compared_is_doubt);
	g_test_add_func("/judge/kernel-and-cpu", test_kernel_and_cpu_have_a_word);
	g_test_add_func("/judge/lost-source", test_lost_source_is_no_trust);
	return g_test_run();
}
