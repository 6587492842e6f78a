/* SPDX-License-Identifier: BSD-2-Clause */
/* The lost tick policies, each by its definition. */
#include <string.h>

#include <glib.h>

#include <kvmtime/devices/ticks.h>
#include <kvmtime/error.h>

#include "operands.h"

#define PERIOD_NS 1000000u
#define HZ        1000000u /* a clock is 1 us, a period 1000 clocks */

static struct kvt_ticks engine(struct kvt_ticks_config config)
{
	struct kvt_ticks ticks;

	g_assert_cmpint(kvt_ticks_init(&ticks, &config, HZ), ==, 0);
	kvt_ticks_set_period(&ticks, 1000, 0);
	return ticks;
}

static struct kvt_ticks policy(enum kvt_tick_policy policy)
{
	return engine((struct kvt_ticks_config){ .policy = (uint8_t)policy });
}

/* A guest that takes every tick at once, from @from_ns for @length_ns; returns how many. */
static uint64_t take_all(struct kvt_ticks *ticks, uint64_t from_ns, uint64_t length_ns)
{
	uint64_t taken = 0;

	kvt_ticks_ack(ticks);
	for (uint64_t now = from_ns; now < from_ns + length_ns; now += PERIOD_NS / 40) {
		if ((now - from_ns) % PERIOD_NS == 0)
			kvt_ticks_due(ticks, 1, now);
		while (kvt_ticks_take(ticks, now)) {
			taken++;
			kvt_ticks_ack(ticks);
		}
	}
	return taken;
}

/* One tick is in flight while @missed more fall due. */
static void miss(struct kvt_ticks *ticks, uint64_t missed)
{
	kvt_ticks_due(ticks, 1, 0);
	g_assert_true(kvt_ticks_take(ticks, 0));
	kvt_ticks_due(ticks, missed, missed * PERIOD_NS);
	g_assert_false(kvt_ticks_take(ticks, missed * PERIOD_NS));
}

static void test_without_a_miss_every_policy_gives_every_tick_once(void)
{
	for (unsigned p = 0; p < KVT_TICK_POLICIES; p++) {
		struct kvt_ticks ticks = policy(p);

		g_assert_cmpuint(take_all(&ticks, 0, 100 * PERIOD_NS), ==, 100);
		g_assert_cmpuint(ticks.counts.reinjected, ==, 0);
		g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 0);
	}
}

static void test_delay_ends_behind_by_exactly_what_was_missed(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_DELAY);

	miss(&ticks, 50);
	/* the slot of the last missed period is still open: one tick, late */
	g_assert_cmpuint(take_all(&ticks, 51 * PERIOD_NS, 100 * PERIOD_NS), ==, 100);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 50);
	g_assert_cmpuint(kvt_ticks_behind_ns(&ticks), ==, 50 * PERIOD_NS);
}

static void test_merge_gives_one_and_discard_none(void)
{
	struct kvt_ticks merge = policy(KVT_TICK_MERGE), discard = policy(KVT_TICK_DISCARD);

	miss(&merge, 50);
	g_assert_cmpuint(take_all(&merge, 51 * PERIOD_NS, PERIOD_NS * 10), ==, 10 + 0);
	g_assert_cmpuint(merge.counts.merged, ==, 50); /* 49 into one, and that one into the next */
	miss(&discard, 50);
	kvt_ticks_ack(&discard);
	g_assert_false(kvt_ticks_take(&discard, 51 * PERIOD_NS));
	g_assert_cmpuint(discard.counts.dropped, ==, 50);
}

static void test_merge_gives_its_one_tick_on_the_acknowledge(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_MERGE);

	miss(&ticks, 50);
	kvt_ticks_ack(&ticks);
	g_assert_true(kvt_ticks_take(&ticks, 51 * PERIOD_NS));
	kvt_ticks_ack(&ticks);
	g_assert_false(kvt_ticks_take(&ticks, 51 * PERIOD_NS));
	g_assert_cmpuint(ticks.counts.merged, ==, 49);
}

static void test_replay_gives_every_tick_at_once(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_REPLAY);

	miss(&ticks, 500);
	for (int i = 0; i < 500; i++) {
		kvt_ticks_ack(&ticks);
		g_assert_true(kvt_ticks_take(&ticks, 501 * PERIOD_NS));
	}
	kvt_ticks_ack(&ticks);
	g_assert_false(kvt_ticks_take(&ticks, 501 * PERIOD_NS));
	g_assert_cmpuint(ticks.counts.injected, ==, 501);
}

static void test_catchup_ends_within_the_bound_of_its_knobs(void)
{
	static const uint32_t percents[] = { 110, 120, 150, 200, 300, 1000 };

	for (size_t i = 0; i < G_N_ELEMENTS(percents); i++) {
		struct kvt_ticks ticks = engine((struct kvt_ticks_config){
			.policy = KVT_TICK_CATCHUP, .slew_percent = percents[i] });
		const uint64_t bound = 40u * 100 / (percents[i] - 100) + 2; /* periods */
		uint64_t taken;

		miss(&ticks, 40);
		taken = take_all(&ticks, 41 * PERIOD_NS, bound * PERIOD_NS);
		g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 0);
		g_assert_cmpuint(taken, ==, 40 + bound);
	}
}

static void test_catchup_is_no_faster_than_its_slew(void)
{
	struct kvt_ticks ticks = engine(
		(struct kvt_ticks_config){ .policy = KVT_TICK_CATCHUP, .slew_percent = 120 });

	miss(&ticks, 1000);
	g_assert_cmpuint(take_all(&ticks, 1001 * PERIOD_NS, 100 * PERIOD_NS), <=, 121);
}

static void test_catchup_waits_for_its_threshold_and_then_goes_to_the_end(void)
{
	struct kvt_ticks ticks = engine((struct kvt_ticks_config){
		.policy = KVT_TICK_CATCHUP, .threshold_ns = 10 * PERIOD_NS });

	miss(&ticks, 9);
	g_assert_cmpuint(take_all(&ticks, 10 * PERIOD_NS, 50 * PERIOD_NS), ==, 50);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 9);
	miss(&ticks, 2); /* and that takes one of the older ones */
	(void)take_all(&ticks, 63 * PERIOD_NS, 50 * PERIOD_NS);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 0);
}

static void test_limit_bounds_the_backlog(void)
{
	struct kvt_ticks ticks = engine((struct kvt_ticks_config){ .policy = KVT_TICK_CATCHUP,
								   .limit_ns = 100 * PERIOD_NS });

	miss(&ticks, 1000);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 100);
	g_assert_cmpuint(ticks.counts.dropped, ==, 900);
}

static void test_slew_sends_at_most_20_a_period_on_acknowledge(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_SLEW);
	unsigned at_once = 0;

	miss(&ticks, 100);
	kvt_ticks_ack(&ticks);
	while (kvt_ticks_take(&ticks, 101 * PERIOD_NS)) {
		at_once++;
		kvt_ticks_ack(&ticks);
	}
	/* the period's own, one by time, and 20 on acknowledge */
	g_assert_cmpuint(at_once, >=, 20);
	g_assert_cmpuint(at_once, <=, 22);
	/* then by time alone, in the eighth part of a period */
	g_assert_cmpuint(kvt_ticks_next_ns(&ticks), <=, 101 * PERIOD_NS + PERIOD_NS / 8);
	g_assert_cmpuint(kvt_ticks_next_ns(&ticks), >, 101 * PERIOD_NS);
}

static void test_backlog_keeps_its_length_when_the_rate_changes(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_REPLAY);

	miss(&ticks, 160);
	kvt_ticks_set_period(&ticks, 16000, 0);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 10);
	kvt_ticks_set_period(&ticks, 7, 0);
	kvt_ticks_set_period(&ticks, 1000, 0);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 160);
	kvt_ticks_set_period(&ticks, 0, 0);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 0);
	g_assert_cmpuint(ticks.counts.dropped, ==, 160);
}

static void test_dropped_backlog_is_not_sent(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_REPLAY);

	miss(&ticks, 160);
	kvt_ticks_drop(&ticks);
	kvt_ticks_ack(&ticks);
	g_assert_false(kvt_ticks_take(&ticks, 200 * PERIOD_NS));
}

static void test_coalesced_tick_is_tried_again_by_status(void)
{
	struct kvt_ticks ticks = engine((struct kvt_ticks_config){
		.policy = KVT_TICK_REPLAY, .feedback = KVT_TICK_BY_STATUS, .retry_ns = 200000 });

	kvt_ticks_due(&ticks, 1, 0);
	g_assert_true(kvt_ticks_take(&ticks, 0));
	kvt_ticks_outcome(&ticks, KVT_TICK_COALESCED, 0);
	g_assert_false(kvt_ticks_take(&ticks, 199999));
	g_assert_cmpuint(kvt_ticks_next_ns(&ticks), ==, 200000);
	g_assert_true(kvt_ticks_take(&ticks, 200000));
	kvt_ticks_outcome(&ticks, KVT_TICK_DELIVERED, 200000);
	g_assert_cmpuint(ticks.counts.injected, ==, 1);
	g_assert_cmpuint(kvt_ticks_next_ns(&ticks), ==, KVT_NEVER);
}

static void test_masked_line_owes_nothing(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_REPLAY);

	miss(&ticks, 30);
	kvt_ticks_outcome(&ticks, KVT_TICK_MASKED, 0);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 0);
	g_assert_cmpuint(ticks.counts.dropped, ==, 31);
	g_assert_cmpuint(ticks.counts.injected, ==, 0);
}

/* due = injected + owed + merged + dropped, whatever happens while the rate stays. */
static void check_account(const struct kvt_ticks *ticks)
{
	g_assert_cmpuint(ticks->counts.due, ==,
			 ticks->counts.injected + kvt_ticks_backlog(ticks) + ticks->single +
				 ticks->counts.merged + ticks->counts.dropped);
}

static void random_step(struct kvt_ticks *ticks, uint64_t *now)
{
	*now += operand() % (4 * PERIOD_NS);
	switch ((unsigned)g_test_rand_int() % 9) {
	case 0:
	case 1:
		kvt_ticks_due(ticks, operand() >> 20, *now);
		break;
	case 2:
	case 3:
		(void)kvt_ticks_take(ticks, *now);
		break;
	case 4:
		kvt_ticks_ack(ticks);
		break;
	case 5:
	case 6:
		kvt_ticks_outcome(ticks, (unsigned)g_test_rand_int() % 3, *now);
		break;
	case 7:
		if (g_test_rand_int() & 1)
			kvt_ticks_drop(ticks);
		break;
	default:
		kvt_ticks_single(ticks);
	}
}

static void test_no_tick_is_invented_or_lost_from_the_account(void)
{
	for (int run = 0; run < 600; run++) {
		struct kvt_ticks ticks = engine((struct kvt_ticks_config){
			.policy = (uint8_t)((unsigned)g_test_rand_int() % KVT_TICK_POLICIES),
			.feedback = (uint8_t)(g_test_rand_int() & 1),
			.slew_percent = (uint32_t)(operand() % 1000 + 101),
			.threshold_ns = operand() % (100 * PERIOD_NS),
			.limit_ns = g_test_rand_int() & 1 ? operand() : 0,
			.retry_ns = operand() % PERIOD_NS });
		uint64_t now = 0;

		for (int step = 0; step < 300; step++) {
			random_step(&ticks, &now);
			check_account(&ticks);
		}
	}
}

static void test_take_says_yes_at_next_ns_and_not_before(void)
{
	for (int run = 0; run < 300; run++) {
		struct kvt_ticks ticks = engine((struct kvt_ticks_config){
			.policy = (uint8_t)((unsigned)g_test_rand_int() % KVT_TICK_POLICIES),
			.feedback = (uint8_t)(g_test_rand_int() & 1) });
		uint64_t now = 0;

		for (int step = 0; step < 200; step++) {
			struct kvt_ticks before;
			uint64_t next;

			random_step(&ticks, &now);
			next = kvt_ticks_next_ns(&ticks);
			before = ticks;
			if (next > now && next != KVT_NEVER) {
				g_assert_false(kvt_ticks_take(&ticks, next - 1));
				now = next;
			}
			g_assert_cmpint(kvt_ticks_take(&ticks, now), ==, next != KVT_NEVER);
			(void)before;
		}
	}
}

static void test_bad_configurations_are_refused(void)
{
	struct kvt_ticks ticks;
	const struct kvt_ticks_config bad[] = { { .policy = KVT_TICK_POLICIES },
						{ .feedback = 2 },
						{ .slew_percent = 100 } };
	const struct kvt_ticks_config good = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(kvt_ticks_init(&ticks, &bad[i], HZ), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_ticks_init(&ticks, &good, 0), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_ticks_init(&ticks, &good, HZ), ==, 0);
	g_assert_cmpint(kvt_ticks_configure(&ticks, &bad[0]), ==, -KVT_E_ARG);
}

static void test_backlog_of_delay_is_sent_after_a_change_to_catchup(void)
{
	struct kvt_ticks ticks = policy(KVT_TICK_DELAY);
	const struct kvt_ticks_config catchup = { .policy = KVT_TICK_CATCHUP };

	miss(&ticks, 20);
	g_assert_cmpuint(take_all(&ticks, 21 * PERIOD_NS, 10 * PERIOD_NS), ==, 10);
	g_assert_cmpint(kvt_ticks_configure(&ticks, &catchup), ==, 0);
	g_assert_cmpuint(take_all(&ticks, 31 * PERIOD_NS, 30 * PERIOD_NS), ==, 50);
	g_assert_cmpuint(kvt_ticks_backlog(&ticks), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add_func("/ticks/" #name, test_##name)
	CASE(without_a_miss_every_policy_gives_every_tick_once);
	CASE(delay_ends_behind_by_exactly_what_was_missed);
	CASE(merge_gives_one_and_discard_none);
	CASE(merge_gives_its_one_tick_on_the_acknowledge);
	CASE(replay_gives_every_tick_at_once);
	CASE(catchup_ends_within_the_bound_of_its_knobs);
	CASE(catchup_is_no_faster_than_its_slew);
	CASE(catchup_waits_for_its_threshold_and_then_goes_to_the_end);
	CASE(limit_bounds_the_backlog);
	CASE(slew_sends_at_most_20_a_period_on_acknowledge);
	CASE(backlog_keeps_its_length_when_the_rate_changes);
	CASE(dropped_backlog_is_not_sent);
	CASE(coalesced_tick_is_tried_again_by_status);
	CASE(masked_line_owes_nothing);
	CASE(no_tick_is_invented_or_lost_from_the_account);
	CASE(take_says_yes_at_next_ns_and_not_before);
	CASE(bad_configurations_are_refused);
	CASE(backlog_of_delay_is_sent_after_a_change_to_catchup);
	return g_test_run();
}
