/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC's timer by the SDM; bus clock 1 GHz, TSC 2 GHz. */
#include <string.h>

#include <glib.h>

#include <kvmtime/devices/lapic_timer.h>
#include <kvmtime/error.h>

#include "operands.h"

static struct kvt_lapic_timer lapic(enum kvt_tick_policy policy)
{
	const struct kvt_lapic_timer_config config = { .ticks.policy = (uint8_t)policy,
						       .bus_hz = 1000000000,
						       .tsc_hz = 2000000000,
						       .tsc = 500 };
	struct kvt_lapic_timer timer;

	g_assert_cmpint(kvt_lapic_timer_init(&timer, &config, 0), ==, 0);
	return timer;
}

static void test_one_shot_counts_to_zero_and_stops(void)
{
	struct kvt_lapic_timer timer = lapic(KVT_TICK_DISCARD);

	kvt_lapic_timer_out(&timer, KVT_LAPIC_DIVIDE, 3, 0); /* by 16 */
	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x30, 0);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_INITIAL, 100, 0);
	g_assert_cmpuint(kvt_lapic_timer_in(&timer, KVT_LAPIC_CURRENT, 160), ==, 90);
	g_assert_cmpuint(kvt_lapic_timer_next_ns(&timer), ==, 1600);
	g_assert_false(kvt_lapic_timer_run(&timer, 1599));
	g_assert_true(kvt_lapic_timer_run(&timer, 1600));
	kvt_ticks_ack(&timer.ticks);
	g_assert_cmpuint(kvt_lapic_timer_in(&timer, KVT_LAPIC_CURRENT, 5000), ==, 0);
	g_assert_cmpuint(kvt_lapic_timer_next_ns(&timer), ==, KVT_NEVER);
}

static void test_periodic_reloads(void)
{
	struct kvt_lapic_timer timer = lapic(KVT_TICK_DISCARD);

	kvt_lapic_timer_out(&timer, KVT_LAPIC_DIVIDE, 0xb, 0); /* by 1 */
	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x20030, 0);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_INITIAL, 1000, 0);
	for (uint64_t i = 1; i < 1000; i++) {
		g_assert_cmpuint(kvt_lapic_timer_next_ns(&timer), ==, i * 1000);
		g_assert_false(kvt_lapic_timer_run(&timer, i * 1000 - 1));
		g_assert_true(kvt_lapic_timer_run(&timer, i * 1000));
		kvt_ticks_ack(&timer.ticks);
	}
	g_assert_cmpuint(kvt_lapic_timer_in(&timer, KVT_LAPIC_CURRENT, 1000400), ==, 600);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_INITIAL, 0, 1000400);
	g_assert_cmpuint(kvt_lapic_timer_next_ns(&timer), ==, KVT_NEVER);
}

static void test_divide_codes(void)
{
	static const uint8_t codes[] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa };

	for (unsigned i = 0; i < 8; i++) {
		struct kvt_lapic_timer timer = lapic(KVT_TICK_DISCARD);

		kvt_lapic_timer_out(&timer, KVT_LAPIC_DIVIDE, codes[i], 0);
		kvt_lapic_timer_out(&timer, KVT_LAPIC_INITIAL, 1000000, 0);
		g_assert_cmpuint(kvt_lapic_timer_in(&timer, KVT_LAPIC_CURRENT, 128 * 1000), ==,
				 1000000u - (128000u >> i));
	}
}

static void test_masked_timer_counts_without_interrupts(void)
{
	struct kvt_lapic_timer timer = lapic(KVT_TICK_REPLAY);

	kvt_lapic_timer_out(&timer, KVT_LAPIC_DIVIDE, 0xb, 0);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x30030, 0);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_INITIAL, 1000, 0);
	g_assert_false(kvt_lapic_timer_run(&timer, 100500));
	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x20030, 100500);
	g_assert_false(kvt_lapic_timer_run(&timer, 100999));
	g_assert_true(kvt_lapic_timer_run(&timer, 101000));
}

static void test_deadline_fires_at_its_tsc_even_if_it_is_past(void)
{
	struct kvt_lapic_timer timer = lapic(KVT_TICK_DISCARD);

	kvt_lapic_timer_set_deadline(&timer, 10500, 0); /* not in this mode: ignored */
	g_assert_cmpuint(kvt_lapic_timer_deadline(&timer, 0), ==, 0);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x40030, 0);
	kvt_lapic_timer_set_deadline(&timer, 10500, 0);
	g_assert_cmpuint(kvt_lapic_timer_next_ns(&timer), ==, 5000);
	g_assert_false(kvt_lapic_timer_run(&timer, 4999));
	g_assert_true(kvt_lapic_timer_run(&timer, 5000));
	g_assert_cmpuint(kvt_lapic_timer_deadline(&timer, 5000), ==, 0);
	kvt_ticks_ack(&timer.ticks);
	kvt_lapic_timer_set_deadline(&timer, 3, 6000);
	g_assert_true(kvt_lapic_timer_run(&timer, 6000));
	kvt_ticks_ack(&timer.ticks);
	kvt_lapic_timer_set_deadline(&timer, 100000, 7000);
	kvt_lapic_timer_set_tsc(&timer, 90000, 8000);
	g_assert_true(kvt_lapic_timer_run(&timer, 13000));
	kvt_ticks_ack(&timer.ticks);
	kvt_lapic_timer_set_deadline(&timer, 1000000, 14000);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x20030, 14000); /* leaving the mode disarms */
	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x40030, 14000);
	g_assert_cmpuint(kvt_lapic_timer_deadline(&timer, 14000), ==, 0);
}

static void random_step(struct kvt_lapic_timer *timer, GRand *rand, uint64_t now,
			uint64_t *ret_value)
{
	static const unsigned registers[] = { 0x320, 0x380, 0x390, 0x3e0, 0x300 };
	const unsigned offset = registers[g_rand_int_range(rand, 0, 5)];

	switch (g_rand_int_range(rand, 0, 6)) {
	case 0:
	case 1:
		*ret_value = kvt_lapic_timer_in(timer, offset, now);
		break;
	case 2:
		*ret_value = kvt_lapic_timer_run(timer, now);
		kvt_ticks_ack(&timer->ticks);
		break;
	case 3:
		kvt_lapic_timer_set_deadline(
			timer, (uint64_t)g_rand_int(rand) << g_rand_int_range(rand, 0, 32), now);
		break;
	default:
		kvt_lapic_timer_out(timer, offset,
				    g_rand_int(rand) >> g_rand_int_range(rand, 0, 32), now);
	}
}

static void save_and_load(guint32 seed)
{
	static uint64_t values[2][3000];

	memset(values, 0, sizeof(values));
	for (int pass = 0; pass < 2; pass++) {
		GRand *const rand = g_rand_new_with_seed(seed);
		struct kvt_lapic_timer timer = lapic(KVT_TICK_CATCHUP);
		uint8_t bytes[KVT_LAPIC_TIMER_SAVE_BYTES];
		uint64_t now = 0;
		size_t size;

		for (size_t i = 0; i < 3000; i++) {
			now += (uint64_t)g_rand_int(rand) >> g_rand_int_range(rand, 0, 24);
			random_step(&timer, rand, now, &values[pass][i]);
			if (pass == 1)
				continue;
			g_assert_cmpint(kvt_lapic_timer_save(&timer, bytes, sizeof(bytes), &size),
					==, 0);
			g_assert_cmpint(kvt_lapic_timer_load(&timer, bytes, size, now), ==, 0);
		}
		g_rand_free(rand);
	}
	g_assert_cmpint(memcmp(values[0], values[1], sizeof(values[0])), ==, 0);
}

/* one run in thirty met a pace that was saved without its rhythm: so many runs */
static void test_save_and_load_at_any_moment_change_nothing(void)
{
	for (int i = 0; i < 100; i++)
		save_and_load((guint32)g_test_rand_int());
}

static void test_bad_states_are_refused(void)
{
	struct kvt_lapic_timer timer = lapic(KVT_TICK_REPLAY), other;
	GRand *const rand = g_rand_new_with_seed((guint32)g_test_rand_int());
	uint8_t bytes[KVT_LAPIC_TIMER_SAVE_BYTES];
	size_t size;

	kvt_lapic_timer_out(&timer, KVT_LAPIC_LVT, 0x20030, 0);
	kvt_lapic_timer_out(&timer, KVT_LAPIC_INITIAL, 1000, 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t value;

		g_assert_cmpint(kvt_lapic_timer_save(&timer, bytes, sizeof(bytes), &size), ==, 0);
		for (int j = 0; j < 3; j++)
			bytes[8 + (unsigned)g_test_rand_int() % (size - 8)] = (uint8_t)operand();
		if (kvt_lapic_timer_load(&other, bytes, size, 77) == 0)
			for (int j = 0; j < 10; j++) {
				random_step(&other, rand, 77 + operand() % (UINT64_C(1) << 60),
					    &value);
				(void)kvt_lapic_timer_next_ns(&other);
			}
	}
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add_func("/lapic_timer/" #name, test_##name)
	CASE(one_shot_counts_to_zero_and_stops);
	CASE(periodic_reloads);
	CASE(divide_codes);
	CASE(masked_timer_counts_without_interrupts);
	CASE(deadline_fires_at_its_tsc_even_if_it_is_past);
	CASE(save_and_load_at_any_moment_change_nothing);
	CASE(bad_states_are_refused);
	return g_test_run();
}
