/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The method against known truth: a synthetic workload whose cost per source is set here, under
 * simulated time, a thousand times under the real stopping rule.
 */
#include <math.h>

#include <glib.h>

#include "bench/trial.h"
#include "sys/error.h"

#define REPEATS 1000
#define SECOND  INT64_C(1000000000)

/* The workload: seconds it takes under each source, and what disturbs it. */
struct world {
	GRand *random;
	int64_t now_ns;
	double cost_s[3];
	double noise;    /* standard deviation of a round, relative */
	double outliers; /* chance that a round takes a quarter longer */
	double drift;    /* standard deviation of a random walk that all rounds share */
	double level;
	unsigned lost_source, lost_after, rounds;
	unsigned stop_after, abandon_after;
};

static int64_t world_now(void *context)
{
	return ((struct world *)context)->now_ns;
}

static double normal(GRand *random)
{
	const double u = 1 - g_rand_double(random), v = g_rand_double(random);

	return sqrt(-2 * log(u)) * cos(2 * G_PI * v);
}

static bool world_run(void *context, unsigned source, struct kvt_trial_round *ret_round,
		      GError **error)
{
	struct world *world = context;

	(void)error;
	ret_round->abandoned = world->abandon_after != 0 && ++world->rounds > world->abandon_after;
	if (ret_round->abandoned)
		return true;
	if (world->lost_after != 0 && ++world->rounds > world->lost_after &&
	    source == world->lost_source) {
		ret_round->lost = true;
		return true;
	}
	world->level += world->drift * normal(world->random);
	ret_round->value = world->cost_s[source] * exp(world->level) *
			   exp(world->noise * normal(world->random));
	if (g_rand_double(world->random) < world->outliers) {
		ret_round->value *= 1.25;
		ret_round->disturbed = true;
	}
	world->now_ns += (int64_t)(ret_round->value * 1e9);
	return true;
}

static bool world_go_on(void *context, const GArray *rounds, double half_width)
{
	const struct world *world = context;

	(void)half_width;
	return world->stop_after == 0 || rounds->len < world->stop_after;
}

static struct kvt_trial *run_world(struct world *world, unsigned sources, guint32 seed)
{
	const struct kvt_trial_plan plan = { .sources = sources,
					     .precision = 0.005,
					     .budget_ns = 1200 * SECOND,
					     .seed = seed ^ 0x5eed };
	const struct kvt_trial_ops ops = { world, world_now, world_run, world_go_on };
	g_autoptr(GError) error = NULL;
	struct kvt_trial *trial;

	world->random = g_rand_new_with_seed(seed);
	trial = kvt_trial_run(&plan, &ops, &error);
	g_rand_free(world->random);
	g_assert_no_error(error);
	return trial;
}

struct tally {
	unsigned covered, different, precise, blocks;
};

static struct tally repeat(struct world world, double true_effect)
{
	struct tally tally = { 0 };

	for (guint32 seed = 1; seed <= REPEATS; seed++) {
		struct world fresh = world;
		g_autoptr(kvt_trial) trial = run_world(&fresh, 2, seed);
		const struct kvt_interval *ratio =
			&g_array_index(trial->effects, struct kvt_trial_effect, 0).ratio;

		tally.covered += ratio->low <= true_effect && true_effect <= ratio->high;
		tally.different += kvt_trial_differs(ratio);
		tally.precise += trial->end == KVT_TRIAL_PRECISE;
		tally.blocks += trial->blocks;
	}
	g_test_message("covered %u, different %u, precise %u of %d; %.1f blocks", tally.covered,
		       tally.different, tally.precise, REPEATS, (double)tally.blocks / REPEATS);
	return tally;
}

static void check_world(struct world world, double effect)
{
	struct tally tally;

	world.cost_s[0] = 1;
	world.cost_s[1] = 1 + effect;
	tally = repeat(world, effect);
	g_assert_cmpuint(tally.covered, >=, REPEATS * 935 / 1000);
	if (effect == 0)
		g_assert_cmpuint(tally.different, <=, REPEATS * 65 / 1000);
}

static void test_quiet_machine_covers_the_truth(void)
{
	check_world((struct world){ .noise = 0.01 }, 0.02);
	check_world((struct world){ .noise = 0.01 }, 0.0014);
	check_world((struct world){ .noise = 0.01 }, -0.0217);
	check_world((struct world){ .noise = 0.006 }, 0.01);
}

static void test_zero_effect_is_no_difference(void)
{
	check_world((struct world){ .noise = 0.002 }, 0);
	check_world((struct world){ .noise = 0.01 }, 0);
	check_world((struct world){ .noise = 0.05 }, 0); /* the budget ends it */
}

static void test_disturbed_and_drifting_machine_covers_the_truth(void)
{
	const struct world world = { .noise = 0.01, .outliers = 0.05, .drift = 0.005 };

	check_world(world, 0);
	check_world(world, 0.02);
}

static void test_a_clear_effect_is_found(void)
{
	const struct tally tally =
		repeat((struct world){ .noise = 0.01, .cost_s = { 1, 1.02 } }, 0.02);

	g_assert_cmpuint(tally.different, >=, REPEATS * 99 / 100);
	g_assert_cmpuint(tally.precise, ==, REPEATS);
}

static void test_every_source_is_run_once_a_block(void)
{
	struct world world = { .noise = 0.01, .cost_s = { 1, 1.1, 2 } };
	g_autoptr(kvt_trial) trial = run_world(&world, 3, 7);
	unsigned first[3] = { 0 };

	g_assert_cmpuint(trial->rounds->len, ==, 3 * trial->blocks);
	g_assert_cmpuint(trial->effects->len, ==, 2);
	for (guint i = 0; i < trial->rounds->len; i += 3) {
		unsigned seen = 0;

		for (guint j = i; j < i + 3; j++)
			seen |= 1u
				<< g_array_index(trial->rounds, struct kvt_trial_round, j).source;
		g_assert_cmpuint(seen, ==, 7);
		first[g_array_index(trial->rounds, struct kvt_trial_round, i).source]++;
	}
	for (int i = 0; i < 3; i++) /* the order is drawn, not fixed */
		g_assert_cmpuint(first[i], <, trial->blocks);
}

static void test_disturbed_rounds_are_kept_and_counted(void)
{
	struct world world = { .noise = 0.01, .outliers = 0.3, .cost_s = { 1, 1 } };
	g_autoptr(kvt_trial) trial = run_world(&world, 2, 11);
	const struct kvt_trial_effect *effect =
		&g_array_index(trial->effects, struct kvt_trial_effect, 0);

	g_assert_cmpuint(trial->disturbed, >, 0);
	g_assert_cmpuint(effect->ratio.n, ==, trial->blocks);
	g_assert_cmpuint(effect->undisturbed_ratio.n, <, trial->blocks);
}

static void test_a_lost_source_ends_its_part(void)
{
	struct world world = {
		.noise = 0.001, .cost_s = { 1, 1, 1 }, .lost_source = 1, .lost_after = 6
	};
	g_autoptr(kvt_trial) trial = run_world(&world, 3, 13);
	const struct kvt_trial_effect *effects = (const void *)trial->effects->data;

	g_assert_true(effects[0].lost);
	g_assert_false(effects[1].lost);
	g_assert_cmpuint(effects[0].ratio.n, ==, 2);
	g_assert_cmpuint(effects[1].ratio.n, ==, trial->blocks);
	g_assert_cmpint(trial->end, ==, KVT_TRIAL_PRECISE);
}

static void test_stopped_run_has_what_there_is(void)
{
	struct world world = { .noise = 0.01, .cost_s = { 1, 1 }, .stop_after = 8 };
	g_autoptr(kvt_trial) trial = run_world(&world, 2, 17);

	g_assert_cmpint(trial->end, ==, KVT_TRIAL_STOPPED);
	g_assert_cmpuint(trial->blocks, ==, 4);
	g_assert_cmpuint(trial->effects->len, ==, 1);
}

static void test_an_abandoned_round_keeps_the_blocks_before(void)
{
	struct world world = { .noise = 0.01, .cost_s = { 1, 1 }, .abandon_after = 9 };
	struct world at_once = { .cost_s = { 1, 1 }, .abandon_after = 1 };
	g_autoptr(kvt_trial) trial = run_world(&world, 2, 19);
	g_autoptr(kvt_trial) nothing = run_world(&at_once, 2, 19);

	g_assert_cmpint(trial->end, ==, KVT_TRIAL_STOPPED);
	g_assert_cmpuint(trial->blocks, ==, 4);
	g_assert_cmpuint(g_array_index(trial->effects, struct kvt_trial_effect, 0).ratio.n, ==, 4);
	g_assert_cmpint(nothing->end, ==, KVT_TRIAL_STOPPED);
	g_assert_cmpuint(g_array_index(nothing->effects, struct kvt_trial_effect, 0).ratio.n, ==,
			 0);
}

static void test_a_value_that_is_not_positive_is_bad_input(void)
{
	struct world world = { .cost_s = { 1, 0 }, .random = g_rand_new_with_seed(1) };
	const struct kvt_trial_plan plan = { 2, 0.005, SECOND, 1 };
	const struct kvt_trial_ops ops = { &world, world_now, world_run, NULL };
	g_autoptr(GError) error = NULL;

	g_assert_null(kvt_trial_run(&plan, &ops, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	g_rand_free(world.random);
}

/* Values of a printed table of Student's t. */
static void test_student_t_equals_the_table(void)
{
	const struct {
		double upper;
		unsigned freedom;
		double t;
	} table[] = {
		{ 0.025, 1, 12.7062 },  { 0.025, 4, 2.7764 }, { 0.025, 10, 2.2281 },
		{ 0.025, 100, 1.9840 }, { 0.005, 9, 3.2498 }, { 0.0005, 5, 6.8688 },
		{ 0.05, 2, 2.9200 },    { 0.25, 30, 0.6828 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		g_assert_cmpfloat_with_epsilon(kvt_stats_t(table[i].upper, table[i].freedom),
					       table[i].t, 5e-5);
}

static void test_looks_are_ever_further_apart(void)
{
	for (unsigned n = kvt_stats_next_look(0), next; n < 100000; n = next) {
		next = kvt_stats_next_look(n);
		g_assert_cmpuint(next, >=, n + 2);
		g_assert_cmpuint(next * 3, >=, n * 4 - 2);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/trial/student_t_equals_the_table", test_student_t_equals_the_table);
	g_test_add_func("/trial/looks_are_ever_further_apart", test_looks_are_ever_further_apart);
	g_test_add_func("/trial/quiet_machine_covers_the_truth",
			test_quiet_machine_covers_the_truth);
	g_test_add_func("/trial/zero_effect_is_no_difference", test_zero_effect_is_no_difference);
	g_test_add_func("/trial/disturbed_and_drifting_machine_covers_the_truth",
			test_disturbed_and_drifting_machine_covers_the_truth);
	g_test_add_func("/trial/a_clear_effect_is_found", test_a_clear_effect_is_found);
	g_test_add_func("/trial/every_source_is_run_once_a_block",
			test_every_source_is_run_once_a_block);
	g_test_add_func("/trial/disturbed_rounds_are_kept_and_counted",
			test_disturbed_rounds_are_kept_and_counted);
	g_test_add_func("/trial/a_lost_source_ends_its_part", test_a_lost_source_ends_its_part);
	g_test_add_func("/trial/stopped_run_has_what_there_is", test_stopped_run_has_what_there_is);
	g_test_add_func("/trial/an_abandoned_round_keeps_the_blocks_before",
			test_an_abandoned_round_keeps_the_blocks_before);
	g_test_add_func("/trial/a_value_that_is_not_positive_is_bad_input",
			test_a_value_that_is_not_positive_is_bad_input);
	return g_test_run();
}
