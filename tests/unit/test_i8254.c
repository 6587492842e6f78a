/* SPDX-License-Identifier: BSD-2-Clause */
/* The PIT by its datasheet, 231164-005. */
#include <string.h>

#include <glib.h>

#include <kvmtime/devices/i8254.h>
#include <kvmtime/error.h>

#include "operands.h"

#define CLOCK_NS(n) ((uint64_t)(n)*1000000000u / KVT_I8254_HZ + 1) /* first ns of clock n */

static struct kvt_i8254 pit_at(uint64_t now_ns)
{
	const struct kvt_ticks_config config = { .policy = KVT_TICK_REPLAY };
	struct kvt_i8254 pit;

	g_assert_cmpint(kvt_i8254_init(&pit, &config, now_ns), ==, 0);
	return pit;
}

static void program(struct kvt_i8254 *pit, unsigned channel, unsigned mode, unsigned count,
		    uint64_t now_ns)
{
	kvt_i8254_out(pit, 3, (uint8_t)(channel << 6 | 0x30 | mode << 1), now_ns);
	kvt_i8254_out(pit, channel, (uint8_t)count, now_ns);
	kvt_i8254_out(pit, channel, (uint8_t)(count >> 8), now_ns);
}

static unsigned read_count(struct kvt_i8254 *pit, unsigned channel, uint64_t now_ns)
{
	unsigned low;

	kvt_i8254_out(pit, 3, (uint8_t)(channel << 6), now_ns);
	low = kvt_i8254_in(pit, channel, now_ns);
	return low | (unsigned)kvt_i8254_in(pit, channel, now_ns) << 8;
}

static unsigned status(struct kvt_i8254 *pit, unsigned channel, uint64_t now_ns)
{
	kvt_i8254_out(pit, 3, (uint8_t)(0xe0 | 2 << channel), now_ns);
	return kvt_i8254_in(pit, channel, now_ns);
}

static void test_mode_2_counts_down_and_is_low_for_its_last_clock(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 0, 2, 1193, 0);
	g_assert_cmpuint(read_count(&pit, 0, 0), ==, 1193);
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(1)), ==, 1192);
	g_assert_true(kvt_i8254_output(&pit, 0, CLOCK_NS(1191)));
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(1192)), ==, 1);
	g_assert_false(kvt_i8254_output(&pit, 0, CLOCK_NS(1192)));
	g_assert_true(kvt_i8254_output(&pit, 0, CLOCK_NS(1193)));
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(1193)), ==, 1193);
}

static void test_mode_3_counts_by_two_and_an_odd_count_is_high_for_longer(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 2, 3, 5, 0);
	kvt_i8254_port61_out(&pit, 1, 0);
	g_assert_cmpuint(read_count(&pit, 2, 0), ==, 4);
	g_assert_cmpuint(read_count(&pit, 2, CLOCK_NS(1)), ==, 2);
	g_assert_true(kvt_i8254_output(&pit, 2, CLOCK_NS(2)));
	g_assert_cmpuint(read_count(&pit, 2, CLOCK_NS(2)), ==, 0);
	g_assert_false(kvt_i8254_output(&pit, 2, CLOCK_NS(3)));
	g_assert_cmpuint(read_count(&pit, 2, CLOCK_NS(3)), ==, 4);
	g_assert_false(kvt_i8254_output(&pit, 2, CLOCK_NS(4)));
	g_assert_true(kvt_i8254_output(&pit, 2, CLOCK_NS(5)));
}

static void test_mode_0_rises_once(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 0, 0, 100, 0);
	g_assert_false(kvt_i8254_output(&pit, 0, CLOCK_NS(99)));
	g_assert_false(kvt_i8254_run(&pit, CLOCK_NS(99)));
	g_assert_cmpuint(kvt_i8254_next_ns(&pit), ==, CLOCK_NS(100));
	g_assert_true(kvt_i8254_run(&pit, CLOCK_NS(100)));
	kvt_ticks_ack(&pit.ticks);
	g_assert_true(kvt_i8254_output(&pit, 0, CLOCK_NS(100)));
	g_assert_cmpuint(kvt_i8254_next_ns(&pit), ==, KVT_NEVER);
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(101)), ==, 0xffff); /* it wraps and goes on */
}

static void test_modes_4_and_5_strobe_low_for_one_clock(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 0, 4, 10, 0);
	g_assert_true(kvt_i8254_output(&pit, 0, CLOCK_NS(9)));
	g_assert_false(kvt_i8254_output(&pit, 0, CLOCK_NS(10)));
	g_assert_true(kvt_i8254_output(&pit, 0, CLOCK_NS(11)));
	program(&pit, 2, 5, 10, CLOCK_NS(20));
	g_assert_true(kvt_i8254_output(&pit, 2, CLOCK_NS(40))); /* no trigger yet */
	kvt_i8254_port61_out(&pit, 1, CLOCK_NS(50));
	g_assert_false(kvt_i8254_output(&pit, 2, CLOCK_NS(50) + CLOCK_NS(10)));
	g_assert_true(kvt_i8254_output(&pit, 2, CLOCK_NS(50) + CLOCK_NS(11)));
}

static void test_mode_1_is_a_retriggerable_one_shot(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 2, 1, 10, 0);
	g_assert_true(kvt_i8254_output(&pit, 2, CLOCK_NS(5)));
	kvt_i8254_port61_out(&pit, 1, 0);
	g_assert_false(kvt_i8254_output(&pit, 2, CLOCK_NS(8)));
	kvt_i8254_port61_out(&pit, 0, CLOCK_NS(8));
	kvt_i8254_port61_out(&pit, 1, CLOCK_NS(8));
	g_assert_false(kvt_i8254_output(&pit, 2, CLOCK_NS(8) + CLOCK_NS(9)));
	g_assert_true(kvt_i8254_output(&pit, 2, CLOCK_NS(8) + CLOCK_NS(10)));
}

static void test_gate_stops_and_resumes_mode_0_and_restarts_mode_2(void)
{
	struct kvt_i8254 pit = pit_at(0);

	kvt_i8254_port61_out(&pit, 1, 0);
	program(&pit, 2, 0, 1000, 0);
	kvt_i8254_port61_out(&pit, 0, CLOCK_NS(300));
	g_assert_cmpuint(read_count(&pit, 2, CLOCK_NS(900)), ==, 700);
	kvt_i8254_port61_out(&pit, 1, CLOCK_NS(1000));
	g_assert_cmpuint(read_count(&pit, 2, CLOCK_NS(1000) + CLOCK_NS(1)), ==, 699);
	program(&pit, 2, 2, 1000, CLOCK_NS(2000));
	kvt_i8254_port61_out(&pit, 0, CLOCK_NS(2000) + CLOCK_NS(300));
	g_assert_cmpuint(read_count(&pit, 2, CLOCK_NS(2900)), ==, 700);
	kvt_i8254_port61_out(&pit, 3, CLOCK_NS(3000));
	g_assert_cmpuint(read_count(&pit, 2, CLOCK_NS(3000)), ==, 1000);
	g_assert_cmpuint(kvt_i8254_port61_in(&pit, CLOCK_NS(3000)) & 0x2f, ==, 0x23);
}

static void test_new_count_waits_for_the_end_of_the_cycle(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 0, 2, 1000, 0);
	kvt_i8254_out(&pit, 0, 100, CLOCK_NS(400));
	kvt_i8254_out(&pit, 0, 0, CLOCK_NS(400));
	g_assert_cmpuint(status(&pit, 0, CLOCK_NS(400)), ==, 0xc0 | 0x34);
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(500)), ==, 500);
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(1000)), ==, 100);
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(1101)), ==, 99);
	g_assert_cmpuint(status(&pit, 0, CLOCK_NS(1101)), ==, 0x80 | 0x34);
	g_assert_cmpuint(pit.ticks.counts.due, ==, 2); /* at 1000 and at 1100 */
}

static void test_bcd_counts_in_decimal(void)
{
	struct kvt_i8254 pit = pit_at(0);

	kvt_i8254_out(&pit, 3, 0x35, 0);
	kvt_i8254_out(&pit, 0, 0x00, 0);
	kvt_i8254_out(&pit, 0, 0x10, 0);
	g_assert_cmpuint(read_count(&pit, 0, 0), ==, 0x1000);
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(1)), ==, 0x0999);
	kvt_i8254_out(&pit, 3, 0x31, CLOCK_NS(10));
	kvt_i8254_out(&pit, 0, 0, CLOCK_NS(10));
	kvt_i8254_out(&pit, 0, 0, CLOCK_NS(10));
	g_assert_cmpuint(read_count(&pit, 0, CLOCK_NS(10) + CLOCK_NS(1)), ==, 0x9999);
}

static void test_status_comes_before_count_and_a_latch_holds(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 0, 2, 0x1234, 0);
	kvt_i8254_out(&pit, 3, 0xc2, 0);
	kvt_i8254_out(&pit, 3, 0xc2, CLOCK_NS(77)); /* a latch that was not read stays */
	g_assert_cmpuint(kvt_i8254_in(&pit, 0, CLOCK_NS(100)), ==, 0xb4);
	g_assert_cmpuint(kvt_i8254_in(&pit, 0, CLOCK_NS(100)), ==, 0x34);
	g_assert_cmpuint(kvt_i8254_in(&pit, 0, CLOCK_NS(100)), ==, 0x12);
	g_assert_cmpuint(kvt_i8254_in(&pit, 0, CLOCK_NS(100)), ==, (0x1234 - 100) & 0xff);
}

static void test_a_tick_comes_at_every_period_and_not_before(void)
{
	struct kvt_i8254 pit = pit_at(1000);
	uint64_t now;

	program(&pit, 0, 2, 11932, 1000);
	for (uint64_t i = 1; i < 10000; i++) {
		now = kvt_i8254_next_ns(&pit);
		g_assert_cmpuint(now, ==, 1000 + CLOCK_NS(i * 11932));
		g_assert_false(kvt_i8254_run(&pit, now - 1));
		g_assert_true(kvt_i8254_run(&pit, now));
		g_assert_false(kvt_i8254_run(&pit, now));
		kvt_ticks_ack(&pit.ticks);
	}
}

static void test_a_late_run_finds_every_missed_tick(void)
{
	struct kvt_i8254 pit = pit_at(0);

	program(&pit, 0, 3, 1, 0); /* a tick a clock: the fastest that a guest may ask for */
	g_assert_true(kvt_i8254_run(&pit, UINT64_C(1000000000) * 1000000));
	g_assert_cmpuint(pit.ticks.counts.due, ==, UINT64_C(1193182) * 1000000);
}

static void test_time_never_runs_back(void)
{
	struct kvt_i8254 pit = pit_at(5000000);

	program(&pit, 0, 2, 60000, 5000000);
	g_assert_cmpuint(read_count(&pit, 0, 5000000 + CLOCK_NS(50)), ==, 59950);
	g_assert_cmpuint(read_count(&pit, 0, 3), ==, 59950);
	g_assert_cmpuint(read_count(&pit, 0, UINT64_MAX), ==, 59950);
}

static void random_access(struct kvt_i8254 *pit, uint64_t now, uint8_t *ret_value)
{
	const unsigned port = (unsigned)g_test_rand_int() % 4;

	switch ((unsigned)g_test_rand_int() % 6) {
	case 0:
		*ret_value = kvt_i8254_in(pit, port, now);
		break;
	case 1:
		*ret_value = kvt_i8254_port61_in(pit, now);
		break;
	case 2:
		kvt_i8254_port61_out(pit, (uint8_t)operand(), now);
		break;
	case 3:
		*ret_value = kvt_i8254_run(pit, now);
		kvt_ticks_ack(&pit->ticks);
		break;
	default:
		kvt_i8254_out(pit, port, (uint8_t)operand(), now);
	}
}

static void test_save_and_load_at_any_moment_change_nothing(void)
{
	const int32_t seed = g_test_rand_int();
	uint8_t with[3000], without[3000];

	for (int pass = 0; pass < 2; pass++) {
		uint8_t *const values = pass == 0 ? with : without, bytes[KVT_I8254_SAVE_BYTES];
		GRand *const rand = g_rand_new_with_seed((guint32)seed);
		struct kvt_i8254 pit = pit_at(0);
		uint64_t now = 0;
		size_t size;

		memset(values, 0, sizeof(with));
		for (size_t i = 0; i < sizeof(with); i++) {
			now += (uint64_t)g_rand_int(rand) >> g_rand_int_range(rand, 0, 24);
			switch (g_rand_int_range(rand, 0, 5)) {
			case 0:
				values[i] = kvt_i8254_in(
					&pit, (unsigned)g_rand_int_range(rand, 0, 4), now);
				break;
			case 1:
				kvt_i8254_port61_out(&pit, (uint8_t)g_rand_int(rand), now);
				break;
			case 2:
				values[i] = kvt_i8254_run(&pit, now);
				if (g_rand_boolean(rand))
					kvt_ticks_ack(&pit.ticks);
				break;
			default:
				kvt_i8254_out(&pit, (unsigned)g_rand_int_range(rand, 0, 4),
					      (uint8_t)g_rand_int(rand), now);
			}
			if (pass == 1)
				continue;
			g_assert_cmpint(kvt_i8254_save(&pit, bytes, sizeof(bytes), &size), ==, 0);
			g_assert_cmpint(kvt_i8254_load(&pit, bytes, size, now), ==, 0);
		}
		g_rand_free(rand);
	}
	g_assert_cmpint(memcmp(with, without, sizeof(with)), ==, 0);
}

/* Found by fuzzing: the count stood at 0 between the two bytes, which the load refused. */
static void test_a_count_half_written_over_a_0_can_be_saved(void)
{
	struct kvt_i8254 pit = pit_at(0), other;
	uint8_t bytes[KVT_I8254_SAVE_BYTES];
	size_t size;

	program(&pit, 0, 0, 0, 0);
	kvt_i8254_out(&pit, 0, 5, 10);
	g_assert_cmpint(kvt_i8254_save(&pit, bytes, sizeof(bytes), &size), ==, 0);
	g_assert_cmpint(kvt_i8254_load(&other, bytes, size, 10), ==, 0);
	g_assert_cmpuint(read_count(&other, 0, 10), ==, 0);
}

static void test_bad_states_are_refused(void)
{
	struct kvt_i8254 pit = pit_at(0), other;
	uint8_t bytes[KVT_I8254_SAVE_BYTES];
	size_t size;

	program(&pit, 0, 2, 1000, 0);
	g_assert_cmpint(kvt_i8254_save(&pit, bytes, sizeof(bytes) - 1, &size), ==, -KVT_E_SIZE);
	g_assert_cmpint(kvt_i8254_save(&pit, bytes, sizeof(bytes), &size), ==, 0);
	g_assert_cmpuint(size, ==, sizeof(bytes));
	g_assert_cmpint(kvt_i8254_load(&other, bytes, size - 1, 0), ==, -KVT_E_SIZE);
	bytes[4] = 2;
	g_assert_cmpint(kvt_i8254_load(&other, bytes, size, 0), ==, -KVT_E_VERSION);
	bytes[0] = 'X';
	g_assert_cmpint(kvt_i8254_load(&other, bytes, size, 0), ==, -KVT_E_MAGIC);
	for (int i = 0; i < 20000; i++) {
		g_assert_cmpint(kvt_i8254_save(&pit, bytes, sizeof(bytes), &size), ==, 0);
		for (int j = 0; j < 3; j++)
			bytes[8 + (unsigned)g_test_rand_int() % (size - 8)] = (uint8_t)operand();
		if (kvt_i8254_load(&other, bytes, size, 77) == 0)
			for (int j = 0; j < 10; j++) {
				uint8_t value;

				random_access(&other, 77 + operand() % (UINT64_C(1) << 60), &value);
				(void)kvt_i8254_next_ns(&other);
			}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add_func("/i8254/" #name, test_##name)
	CASE(mode_2_counts_down_and_is_low_for_its_last_clock);
	CASE(mode_3_counts_by_two_and_an_odd_count_is_high_for_longer);
	CASE(mode_0_rises_once);
	CASE(modes_4_and_5_strobe_low_for_one_clock);
	CASE(mode_1_is_a_retriggerable_one_shot);
	CASE(gate_stops_and_resumes_mode_0_and_restarts_mode_2);
	CASE(new_count_waits_for_the_end_of_the_cycle);
	CASE(bcd_counts_in_decimal);
	CASE(status_comes_before_count_and_a_latch_holds);
	CASE(a_tick_comes_at_every_period_and_not_before);
	CASE(a_late_run_finds_every_missed_tick);
	CASE(time_never_runs_back);
	CASE(save_and_load_at_any_moment_change_nothing);
	CASE(a_count_half_written_over_a_0_can_be_saved);
	CASE(bad_states_are_refused);
	return g_test_run();
}
