/* SPDX-License-Identifier: BSD-2-Clause */
/* The HPET by IA-PC HPET 1.0a; 10 ns a clock. */
#include <string.h>

#include <glib.h>

#include <kvmtime/devices/hpet.h>
#include <kvmtime/error.h>

#include "operands.h"

enum {
	CONFIG = 0x10,
	STATUS = 0x20,
	COUNTER = 0xf0,
	T0 = 0x100,
	T0_CMP = 0x108,
	T2 = 0x140,
	T2_CMP = 0x148
};

static struct kvt_hpet hpet(enum kvt_tick_policy policy)
{
	const struct kvt_hpet_config config = { .ticks.policy = (uint8_t)policy,
						.route_mask = 0x00ffff04 };
	struct kvt_hpet hpet;

	g_assert_cmpint(kvt_hpet_init(&hpet, &config, 0), ==, 0);
	return hpet;
}

static void test_capabilities_tell_what_is_there(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_DISCARD);

	g_assert_cmphex(kvt_hpet_read(&h, 0, 8, 0), ==, UINT64_C(0x009896808086a201));
	g_assert_cmphex(kvt_hpet_read(&h, T0, 8, 0), ==, UINT64_C(0x00ffff0400000030));
	g_assert_cmphex(kvt_hpet_read(&h, 4, 4, 0), ==, 0x00989680);
	g_assert_cmphex(kvt_hpet_read(&h, 2, 4, 0), ==, 0);
	g_assert_cmphex(kvt_hpet_read(&h, 0x160, 8, 0), ==, 0);
}

static void test_counter_runs_only_while_enabled(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_DISCARD);

	g_assert_cmpuint(kvt_hpet_read(&h, COUNTER, 8, 1000), ==, 0);
	kvt_hpet_write(&h, COUNTER, 8, UINT64_MAX - 4, 1000);
	kvt_hpet_write(&h, CONFIG, 4, 1, 1000);
	g_assert_cmpuint(kvt_hpet_read(&h, COUNTER, 8, 1050), ==, 0);
	kvt_hpet_write(&h, COUNTER, 8, 12345, 1060); /* ignored */
	kvt_hpet_write(&h, CONFIG, 4, 0, 1100);
	g_assert_cmpuint(kvt_hpet_read(&h, COUNTER, 8, 99999), ==, 5);
}

static void test_one_shot_matches_once(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_DISCARD);

	kvt_hpet_write(&h, T0, 4, 4, 0);
	kvt_hpet_write(&h, T0_CMP, 8, 100, 0);
	kvt_hpet_write(&h, CONFIG, 4, 3, 0);
	g_assert_cmpuint(kvt_hpet_next_ns(&h), ==, 1000);
	g_assert_cmpuint(kvt_hpet_run(&h, 999), ==, 0);
	g_assert_cmpuint(kvt_hpet_run(&h, 1000), ==, 1);
	g_assert_cmpuint(kvt_hpet_route(&h, 0), ==, 2);
	kvt_ticks_ack(&h.timer[0].ticks);
	g_assert_cmpuint(kvt_hpet_run(&h, 1000000), ==, 0);
	g_assert_cmpuint(kvt_hpet_next_ns(&h), ==, KVT_NEVER);
}

static void test_a_32_bit_comparator_matches_every_turn(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_DISCARD);

	kvt_hpet_write(&h, T2, 4, 0x104, 0);
	kvt_hpet_write(&h, T2_CMP, 4, 100, 0);
	kvt_hpet_write(&h, CONFIG, 4, 1, 0);
	g_assert_cmpuint(kvt_hpet_run(&h, 1000), ==, 4);
	kvt_ticks_ack(&h.timer[2].ticks);
	g_assert_cmpuint(kvt_hpet_next_ns(&h), ==, 1000 + UINT64_C(42949672960));
}

static void test_periodic_accumulates(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_REPLAY);

	kvt_hpet_write(&h, T0, 4, 0x4c, 0);
	kvt_hpet_write(&h, T0_CMP, 8, 1000, 0);
	kvt_hpet_write(&h, T0_CMP, 8, 5000, 0);
	kvt_hpet_write(&h, CONFIG, 4, 1, 0);
	g_assert_cmpuint(kvt_hpet_next_ns(&h), ==, 10000);
	for (uint64_t i = 0; i < 1000; i++) {
		g_assert_cmpuint(kvt_hpet_run(&h, 10000 + i * 50000), ==, 1);
		g_assert_cmpuint(kvt_hpet_read(&h, T0_CMP, 8, 10000 + i * 50000), ==,
				 1000 + (i + 1) * 5000);
		kvt_ticks_ack(&h.timer[0].ticks);
	}
	/* and 10^12 of them at once */
	g_assert_cmpuint(kvt_hpet_run(&h, UINT64_C(50000) * 1000000000000), ==, 1);
	g_assert_cmpuint(h.timer[0].ticks.counts.due, ==, UINT64_C(1000000000000));
}

static void test_level_interrupt_stays_until_its_status_is_cleared(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_DISCARD);

	kvt_hpet_write(&h, T2, 4, 0x4e | 16 << 9, 0);
	kvt_hpet_write(&h, T2_CMP, 8, 1000, 0);
	kvt_hpet_write(&h, CONFIG, 4, 1, 0);
	g_assert_cmpuint(kvt_hpet_run(&h, 10000), ==, 0);
	g_assert_cmpuint(kvt_hpet_levels(&h), ==, 4);
	g_assert_cmpuint(kvt_hpet_route(&h, 2), ==, 16);
	g_assert_cmpuint(kvt_hpet_read(&h, STATUS, 4, 10000), ==, 4);
	kvt_hpet_write(&h, STATUS, 4, 4, 10001);
	g_assert_cmpuint(kvt_hpet_levels(&h), ==, 0);
}

static void test_only_supported_routes_stick(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_DISCARD);

	kvt_hpet_write(&h, T0, 4, 2 << 9, 0);
	kvt_hpet_write(&h, T0, 4, 3 << 9, 0);
	g_assert_cmpuint(kvt_hpet_route(&h, 0), ==, 2);
}

static void random_step(struct kvt_hpet *h, GRand *rand, uint64_t now, uint64_t *ret_value)
{
	static const uint32_t registers[] = { 0x00,  0x10,  0x10,  0x20,  0xf0,  0x100,
					      0x108, 0x120, 0x128, 0x140, 0x148, 0x3f8 };
	const uint32_t offset = registers[g_rand_int_range(rand, 0, G_N_ELEMENTS(registers))];
	const unsigned bytes = g_rand_boolean(rand) ? 4 : 8;

	switch (g_rand_int_range(rand, 0, 4)) {
	case 0:
		*ret_value = kvt_hpet_read(h, offset, bytes, now);
		break;
	case 1:
		*ret_value = kvt_hpet_run(h, now) | kvt_hpet_levels(h) << 8;
		for (unsigned n = 0; n < 3; n++)
			kvt_ticks_ack(&h->timer[n].ticks);
		break;
	default:
		kvt_hpet_write(h, offset, bytes,
			       (uint64_t)g_rand_int(rand) >> g_rand_int_range(rand, 0, 32), now);
	}
}

static void test_save_and_load_at_any_moment_change_nothing(void)
{
	const guint32 seed = (guint32)g_test_rand_int();
	static uint64_t values[2][3000];

	memset(values, 0, sizeof(values));
	for (int pass = 0; pass < 2; pass++) {
		GRand *const rand = g_rand_new_with_seed(seed);
		struct kvt_hpet h = hpet(KVT_TICK_CATCHUP);
		uint8_t bytes[KVT_HPET_SAVE_BYTES];
		uint64_t now = 0;
		size_t size;

		for (size_t i = 0; i < 3000; i++) {
			now += (uint64_t)g_rand_int(rand) >> g_rand_int_range(rand, 0, 24);
			random_step(&h, rand, now, &values[pass][i]);
			if (pass == 1)
				continue;
			g_assert_cmpint(kvt_hpet_save(&h, bytes, sizeof(bytes), &size), ==, 0);
			g_assert_cmpuint(size, ==, sizeof(bytes));
			g_assert_cmpint(kvt_hpet_load(&h, bytes, size, now), ==, 0);
		}
		g_rand_free(rand);
	}
	g_assert_cmpint(memcmp(values[0], values[1], sizeof(values[0])), ==, 0);
}

static void test_bad_states_are_refused(void)
{
	struct kvt_hpet h = hpet(KVT_TICK_REPLAY), other;
	GRand *const rand = g_rand_new_with_seed((guint32)g_test_rand_int());
	uint8_t bytes[KVT_HPET_SAVE_BYTES];
	size_t size;

	kvt_hpet_write(&h, T0, 4, 0x4c, 0);
	kvt_hpet_write(&h, T0_CMP, 8, 1000, 0);
	kvt_hpet_write(&h, CONFIG, 4, 1, 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t value;

		g_assert_cmpint(kvt_hpet_save(&h, bytes, sizeof(bytes), &size), ==, 0);
		for (int j = 0; j < 3; j++)
			bytes[8 + (unsigned)g_test_rand_int() % (size - 8)] = (uint8_t)operand();
		if (kvt_hpet_load(&other, bytes, size, 77) == 0)
			for (int j = 0; j < 10; j++) {
				random_step(&other, rand, 77 + operand() % (UINT64_C(1) << 60),
					    &value);
				(void)kvt_hpet_next_ns(&other);
			}
	}
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add_func("/hpet/" #name, test_##name)
	CASE(capabilities_tell_what_is_there);
	CASE(counter_runs_only_while_enabled);
	CASE(one_shot_matches_once);
	CASE(a_32_bit_comparator_matches_every_turn);
	CASE(periodic_accumulates);
	CASE(level_interrupt_stays_until_its_status_is_cleared);
	CASE(only_supported_routes_stick);
	CASE(save_and_load_at_any_moment_change_nothing);
	CASE(bad_states_are_refused);
	return g_test_run();
}
