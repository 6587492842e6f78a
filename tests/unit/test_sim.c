/* SPDX-License-Identifier: BSD-2-Clause */
#include <glib.h>

#include "sim/sim.h"

static struct kvt_sim_result run(const char *guest, const char *policy, const char *load,
				 uint64_t load_s, bool step, uint64_t seed)
{
	struct kvt_load *parsed = kvt_load_parse(load, NULL);
	struct kvt_sim_config config = { .guest = kvt_sim_guest(guest),
					 .load = parsed,
					 .ticks.policy = (uint8_t)kvt_sim_policy(policy),
					 .load_ns = load_s * 1000000000,
					 .settle_ns = UINT64_C(3000000000),
					 .seed = seed,
					 .step_all = step };
	struct kvt_sim_result result;

	g_assert_nonnull(parsed);
	g_assert_nonnull(config.guest);
	kvt_sim_run(&config, &result);
	kvt_load_free(parsed);
	return result;
}

static void test_closed_form_equals_stepping(void)
{
	static const char *const loads[] = { "none", "steal:3", "steal:40", "onoff:300,7",
					     "pause:2.5" };

	for (const struct kvt_sim_guest *guest = kvt_sim_guests; guest->name != NULL; guest++)
		for (unsigned policy = 0; policy < KVT_TICK_POLICIES; policy++)
			for (size_t i = 0; i < G_N_ELEMENTS(loads); i++) {
				const uint64_t seed = (uint32_t)g_test_rand_int();
				const char *name = kvt_sim_policy_name(policy);
				const struct kvt_sim_result a =
					run(guest->name, name, loads[i], 8, false, seed);
				const struct kvt_sim_result b =
					run(guest->name, name, loads[i], 8, true, seed);

				g_assert_cmpint(a.drift_ns, ==, b.drift_ns);
				g_assert_cmpuint(a.counts.due, ==, b.counts.due);
				g_assert_cmpuint(a.counts.injected, ==, b.counts.injected);
				g_assert_cmpuint(a.counts.reinjected, ==, b.counts.reinjected);
				g_assert_cmpuint(a.counts.dropped, ==, b.counts.dropped);
				g_assert_cmpuint(a.counts.merged, ==, b.counts.merged);
				g_assert_cmpuint(a.owed, ==, b.owed);
				g_assert_cmpuint(a.invented, ==, b.invented);
				g_assert_cmpuint(a.stolen_ns, ==, b.stolen_ns);
			}
}

static void test_nobody_drifts_without_a_load(void)
{
	for (const struct kvt_sim_guest *guest = kvt_sim_guests; guest->name != NULL; guest++)
		for (unsigned policy = 0; policy < KVT_TICK_POLICIES; policy++)
			g_assert_cmpint(ABS(run(guest->name, kvt_sim_policy_name(policy), "none",
						20, false, 1)
						    .drift_ns),
					<, 32000000);
}

static void test_a_pause_is_lost_by_discard_and_made_up_by_replay(void)
{
	const struct kvt_sim_result discard = run("pit-1000", "discard", "pause:10", 20, false, 1);
	const struct kvt_sim_result replay = run("pit-1000", "replay", "pause:10", 20, false, 1);

	g_assert_cmpint(discard.drift_ns, <, -9990000000);
	g_assert_cmpint(discard.drift_ns, >, -10010000000);
	g_assert_cmpint(ABS(replay.drift_ns), <, 2000000);
	g_assert_cmpuint(replay.burst, >, 9000);
}

static void test_delay_stays_behind_by_what_was_missed(void)
{
	const struct kvt_sim_result r = run("rtc-1024", "delay", "steal:30", 20, false, 7);

	g_assert_cmpint(ABS(r.drift_ns + (int64_t)(r.owed * 1000000000 / 1024)), <, 2000000);
	g_assert_cmpuint(r.owed, >, 1000);
}

static void test_replayed_ticks_are_counted_twice_by_a_guest_that_detects_losses(void)
{
	g_assert_cmpint(run("pit-1000-lost", "replay", "steal:10", 30, false, 1).drift_ns, >,
			1000000000);
	g_assert_cmpint(ABS(run("pit-1000-lost", "discard", "steal:10", 30, false, 1).drift_ns), <,
			40000000);
}

static void test_bad_loads_are_refused(void)
{
	static const char *const bad[] = {
		"",          "steal",          "steal:0",  "steal:100", "steal:x",
		"onoff:1",   "overcommit:0.5", "pause:-1", "pause:nan", "trace:/nonexistent",
		"steal:5,5", "none:1"
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(kvt_load_parse(bad[i], &error));
		g_assert_nonnull(error);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add_func("/sim/" #name, test_##name)
	CASE(closed_form_equals_stepping);
	CASE(nobody_drifts_without_a_load);
	CASE(a_pause_is_lost_by_discard_and_made_up_by_replay);
	CASE(delay_stays_behind_by_what_was_missed);
	CASE(replayed_ticks_are_counted_twice_by_a_guest_that_detects_losses);
	CASE(bad_loads_are_refused);
	return g_test_run();
}
