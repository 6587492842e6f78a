/* SPDX-License-Identifier: BSD-2-Clause */
#include <glib.h>
#include <glib/gstdio.h>

#include "sim/recording.h"
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
	static const char *const loads[] = { "none",
					     "steal:3",
					     "steal:40",
					     "onoff:300,7",
					     "pause:2.5",
					     "sleep:1.5",
					     "steal:20+migration:1" };

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
		"",
		"steal",
		"steal:0",
		"steal:100",
		"steal:x",
		"onoff:1",
		"overcommit:0.5",
		"pause:-1",
		"pause:nan",
		"trace:/nonexistent",
		"steal:5,5",
		"none:1",
		"sleep:1+steal:5",
		"steal:5+",
		"+sleep:1",
		"pause:1+sleep:1",
		"sched:x:y",
		"sched:12",
		"schedstat:/nonexistent",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(kvt_load_parse(bad[i], &error));
		g_assert_nonnull(error);
	}
}

/* ---- what stands while the VM stands ---- */

static double drift_s(const char *guest, const char *policy, const char *load, uint64_t load_s)
{
	return (double)run(guest, policy, load, load_s, false, 1).drift_ns / 1e9;
}

#define NEAR(value, want) g_assert_cmpfloat_with_epsilon(value, want, 0.04)

static void test_a_counter_stands_where_its_host_does_not_count(void)
{
	NEAR(drift_s("tsc", "delay", "pause:5", 20), 0);
	NEAR(drift_s("tsc", "delay", "sleep:5", 20), -5);
	NEAR(drift_s("tsc", "delay", "migration:5", 20), -5);
	NEAR(drift_s("kvm-clock", "delay", "pause:5", 20), 0);
	NEAR(drift_s("kvm-clock", "delay", "sleep:5", 20), 0);
	NEAR(drift_s("kvm-clock", "delay", "migration:5", 20), -5);
}

static void test_no_policy_makes_up_what_the_device_did_not_see(void)
{
	static const char *const guests[] = { "pit-100", "pit-1000", "hpet" };
	static const char *const loads[] = { "sleep:5", "migration:5" };

	for (size_t g = 0; g < G_N_ELEMENTS(guests); g++)
		for (unsigned policy = 0; policy < KVT_TICK_POLICIES; policy++)
			for (size_t l = 0; l < G_N_ELEMENTS(loads); l++)
				NEAR(drift_s(guests[g], kvt_sim_policy_name(policy), loads[l], 20),
				     -5);
}

static void test_an_RTC_by_the_hosts_wall_clock_sees_all_of_it(void)
{
	static const char *const loads[] = { "pause:5", "sleep:5", "migration:5" };

	for (size_t i = 0; i < G_N_ELEMENTS(loads); i++) {
		NEAR(drift_s("rtc-1024", "slew", loads[i], 20), 0);
		NEAR(drift_s("rtc-1024", "discard", loads[i], 20), -5);
	}
}

/* 1.4 s is 0.3 s into an interval without the vCPU */
static void test_a_migration_forgets_the_backlog_of_the_PIT_alone(void)
{
	NEAR(drift_s("pit-1000", "replay", "onoff:100,400", 14), 0);
	NEAR(drift_s("pit-1000", "replay", "onoff:100,400+pause:1", 14), 0);
	NEAR(drift_s("pit-1000", "replay", "onoff:100,400+sleep:1", 14), -1);
	NEAR(drift_s("pit-1000", "replay", "onoff:100,400+migration:1", 14), -1.3);
	NEAR(drift_s("hpet", "replay", "onoff:100,400+migration:1", 14), -1);
	NEAR(drift_s("rtc-1024", "slew", "onoff:100,400+migration:1", 14), 0);
}

/* ---- recordings ---- */

static void sum(const GArray *intervals, uint64_t *ret_run, uint64_t *ret_stolen)
{
	*ret_run = *ret_stolen = 0;
	for (guint i = 0; i + 1 < intervals->len; i += 2) {
		*ret_run += g_array_index(intervals, uint64_t, i);
		*ret_stolen += g_array_index(intervals, uint64_t, i + 1);
	}
}

static char *data_file(const char *name)
{
	return g_build_filename(g_getenv("KVT_SOURCE"), "tests/unit/data", name, NULL);
}

/* of a real thread; the sums by awk */
static void test_a_schedstat_recording_steals_what_the_thread_waited(void)
{
	g_autofree char *path = data_file("steal.schedstat");
	g_autoptr(GError) error = NULL;
	GArray *intervals = kvt_recording_schedstat(path, &error);
	uint64_t run_ns, stolen_ns;

	g_assert_no_error(error);
	sum(intervals, &run_ns, &stolen_ns);
	g_assert_cmpuint(run_ns + stolen_ns, ==, 2832239385);
	g_assert_cmpuint(stolen_ns, ==, 687981264);
	g_array_unref(intervals);
}

static void test_a_sched_trace_steals_from_wakeup_or_preemption_to_the_switch(void)
{
	g_autofree char *path = data_file("steal.sched");
	g_autofree char *what = g_strdup_printf("7467:%s", path);
	g_autofree char *nobody = g_strdup_printf("1:%s", path);
	g_autoptr(GError) error = NULL;
	GArray *intervals = kvt_recording_sched(what, &error);
	uint64_t run_ns, stolen_ns;

	g_assert_no_error(error);
	sum(intervals, &run_ns, &stolen_ns);
	g_assert_cmpuint(run_ns, ==, 340817000);
	g_assert_cmpuint(stolen_ns, ==, 168425000);
	g_array_unref(intervals);
	g_assert_null(kvt_recording_sched(nobody, &error));
	g_assert_nonnull(error);
}

static void check_bad(GArray *(*read)(const char *, GError **), const char *prefix,
		      const char *content)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL, *what = NULL;
	const int fd = g_file_open_tmp("kvt-sim-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_assert_true(g_file_set_contents(path, content, -1, NULL));
	what = g_strconcat(prefix, path, NULL);
	g_assert_null(read(what, &error));
	g_assert_nonnull(error);
	(void)g_unlink(path);
}

static void test_bad_recordings_are_refused(void)
{
	static const char *const samples[] = { "1 2\n",          "5 1 1\n5 1 1\n",
					       "5 1 9\n6 1 8\n", "5 1 x\n",
					       "0 1 1\n",        "5 1 1 1 1\n",
					       "-5 1 1\n",       "5 1 99999999999999999999\n" };
	static const char *const intervals[] = { "0 0\n", "1\n", "1 2 3\n", "a b\n",
						 "1 18446744073709551615\n" };

	for (size_t i = 0; i < G_N_ELEMENTS(samples); i++)
		check_bad(kvt_recording_schedstat, "", samples[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(intervals); i++)
		check_bad(kvt_recording_intervals, "", intervals[i]);
	check_bad(kvt_recording_sched, "7:", "");
	check_bad(
		kvt_recording_sched, "7:",
		" x 9.000001: sched_switch: prev_pid=7 prev_state=R ==> next_pid=1 next_prio=1\n"
		" x 8.000001: sched_switch: prev_pid=1 prev_state=R ==> next_pid=7 next_prio=1\n");
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
	CASE(a_counter_stands_where_its_host_does_not_count);
	CASE(no_policy_makes_up_what_the_device_did_not_see);
	CASE(an_RTC_by_the_hosts_wall_clock_sees_all_of_it);
	CASE(a_migration_forgets_the_backlog_of_the_PIT_alone);
	CASE(a_schedstat_recording_steals_what_the_thread_waited);
	CASE(a_sched_trace_steals_from_wakeup_or_preemption_to_the_switch);
	CASE(bad_recordings_are_refused);
	return g_test_run();
}
