/* SPDX-License-Identifier: BSD-2-Clause */
/* The RTC by its datasheet. */
#include <string.h>
#include <time.h>

#include <glib.h>

#include <kvmtime/devices/mc146818.h>
#include <kvmtime/error.h>

#include "operands.h"

#define S UINT64_C(1000000000)

static struct kvt_mc146818 rtc_at(int64_t start_s, enum kvt_tick_policy policy)
{
	const struct kvt_mc146818_config config = { .ticks.policy = (uint8_t)policy,
						    .start_s = start_s,
						    .century_register = KVT_MC146818_CENTURY };
	struct kvt_mc146818 rtc;

	g_assert_cmpint(kvt_mc146818_init(&rtc, &config, 0), ==, 0);
	return rtc;
}

static void put(struct kvt_mc146818 *rtc, unsigned index, unsigned value, uint64_t now)
{
	kvt_mc146818_out(rtc, 0, (uint8_t)index, now);
	kvt_mc146818_out(rtc, 1, (uint8_t)value, now);
}

static unsigned get(struct kvt_mc146818 *rtc, unsigned index, uint64_t now)
{
	kvt_mc146818_out(rtc, 0, (uint8_t)index, now);
	return kvt_mc146818_in(rtc, 1, now);
}

static void assert_date(struct kvt_mc146818 *rtc, uint64_t now, const char *want)
{
	g_autofree char *got = g_strdup_printf(
		"%02x%02x-%02x-%02x %02x:%02x:%02x %x", get(rtc, 0x32, now), get(rtc, 9, now),
		get(rtc, 8, now), get(rtc, 7, now), get(rtc, 4, now), get(rtc, 2, now),
		get(rtc, 0, now), get(rtc, 6, now));

	g_assert_cmpstr(got, ==, want);
}

static void test_calendar_agrees_with_the_c_library(void)
{
	for (int i = 0; i < 20000; i++) {
		const int64_t seconds =
			(int64_t)(operand() % UINT64_C(315569520000)) - INT64_C(62167219200);
		struct kvt_mc146818 rtc = rtc_at(seconds, KVT_TICK_DISCARD);
		struct tm tm;
		char want[64];

		g_assert_nonnull(gmtime_r(&seconds, &tm));
		g_snprintf(want, sizeof(want), "%04d-%02d-%02d %02d:%02d:%02d %d",
			   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			   tm.tm_sec, tm.tm_wday + 1);
		assert_date(&rtc, 0, want);
		put(&rtc, 11, 0x82, 0);
		put(&rtc, 11, 0x02, 0);
		g_assert_cmpint(kvt_mc146818_seconds(&rtc, 0), ==, seconds);
	}
}

static void test_a_leap_day_follows_at_midnight(void)
{
	struct kvt_mc146818 rtc = rtc_at(1582934398, KVT_TICK_DISCARD); /* 2020-02-28 23:59:58 */

	assert_date(&rtc, 0, "2020-02-28 23:59:58 6");
	assert_date(&rtc, 2 * S - 1, "2020-02-28 23:59:59 6");
	assert_date(&rtc, 2 * S, "2020-02-29 00:00:00 7");
}

static void test_formats_are_converted(void)
{
	struct kvt_mc146818 rtc = rtc_at(1582934398, KVT_TICK_DISCARD);

	put(&rtc, 11, 0x00, 0); /* 12 h, BCD */
	g_assert_cmphex(get(&rtc, 4, 0), ==, 0x91);
	put(&rtc, 11, 0x04, 0); /* 12 h, binary */
	g_assert_cmphex(get(&rtc, 4, 0), ==, 0x80 | 11);
	g_assert_cmpuint(get(&rtc, 9, 0), ==, 20);
	g_assert_cmphex(get(&rtc, 4, 2 * S), ==, 12); /* midnight */
}

static void test_set_stops_the_clock_and_keeps_the_phase(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_DISCARD);

	put(&rtc, 11, 0x82, S / 2);
	put(&rtc, 0, 0x30, S / 2);
	put(&rtc, 4, 0x12, S / 2);
	g_assert_cmphex(get(&rtc, 0, 9 * S), ==, 0x30);
	put(&rtc, 11, 0x02, 10 * S + S / 4);
	g_assert_cmphex(get(&rtc, 0, 11 * S - 1), ==, 0x30);
	g_assert_cmphex(get(&rtc, 0, 11 * S), ==, 0x31);
	g_assert_cmphex(get(&rtc, 4, 11 * S), ==, 0x12);
}

static void test_first_update_comes_half_a_second_after_divider_reset(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_DISCARD);

	put(&rtc, 10, 0x60, S / 4);
	g_assert_cmphex(get(&rtc, 0, 100 * S), ==, 0);
	put(&rtc, 10, 0x26, 100 * S);
	g_assert_cmphex(get(&rtc, 0, 100 * S + S / 2 - 1), ==, 0);
	g_assert_cmphex(get(&rtc, 0, 100 * S + S / 2), ==, 1);
}

static void test_uip_is_high_for_244_us_before_an_update(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_DISCARD);

	g_assert_cmphex(get(&rtc, 10, S - 244141), ==, 0x26);
	g_assert_cmphex(get(&rtc, 10, S - 244140), ==, 0xa6);
	g_assert_cmphex(get(&rtc, 10, S - 1), ==, 0xa6);
	g_assert_cmphex(get(&rtc, 10, S), ==, 0x26);
}

static void test_periodic_interrupt_rises_again_when_c_is_read(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_DISCARD);
	uint64_t now;

	put(&rtc, 11, 0x42, 0);
	for (uint64_t i = 1; i < 3000; i++) {
		now = kvt_mc146818_next_ns(&rtc);
		g_assert_cmpuint(now, ==, (i * 32 * S + 32767) / 32768);
		g_assert_false(kvt_mc146818_run(&rtc, now - 1));
		g_assert_true(kvt_mc146818_run(&rtc, now));
		g_assert_cmphex(get(&rtc, 12, now) & 0xc0, ==, 0xc0);
		g_assert_false(kvt_mc146818_level(&rtc));
	}
	g_assert_cmpuint(kvt_mc146818_edges(&rtc), ==, 2999);
}

static void test_replay_gives_back_what_was_missed(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_REPLAY);
	unsigned interrupts = 0;

	put(&rtc, 11, 0x42, 0);
	g_assert_true(kvt_mc146818_run(&rtc, S)); /* 1024 of them */
	while (kvt_mc146818_level(&rtc)) {
		interrupts++;
		(void)get(&rtc, 12, S);
	}
	g_assert_cmpuint(interrupts, ==, 1024);
	g_assert_cmpuint(kvt_mc146818_edges(&rtc), ==, 1024);
}

static void test_backlog_is_rescaled_with_the_rate(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_SLEW);

	put(&rtc, 11, 0x42, 0);
	(void)kvt_mc146818_run(&rtc, S); /* 1023 are left */
	put(&rtc, 10, 0x2a, S);          /* 64 Hz */
	g_assert_cmpuint(kvt_ticks_backlog(&rtc.ticks), ==, 63);
	put(&rtc, 11, 0x02, S);
	g_assert_cmpuint(kvt_ticks_backlog(&rtc.ticks), ==, 0);
}

static void test_alarm_with_and_without_dont_care(void)
{
	static const struct {
		uint8_t hour, minute, second;
		uint32_t want; /* s after 2020-02-28 23:59:58 */
	} cases[] = {
		{ 0x00, 0x00, 0x30, 32 },  { 0xff, 0xff, 0xff, 1 },     { 0xff, 0xff, 0x58, 60 },
		{ 0xff, 0x05, 0xff, 302 }, { 0x23, 0x59, 0x58, 86400 }, { 0x23, 0x59, 0x59, 1 },
		{ 0x23, 0xff, 0xff, 1 },   { 0x23, 0x58, 0x00, 86282 }, { 0x99, 0x00, 0x00, 0 },
		{ 0xc0, 0x61, 0x00, 0 },   { 0x12, 0xff, 0xff, 43202 }, { 0x12, 0xff, 0x07, 43209 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct kvt_mc146818 rtc = rtc_at(1582934398, KVT_TICK_DISCARD);

		put(&rtc, 5, cases[i].hour, 0);
		put(&rtc, 3, cases[i].minute, 0);
		put(&rtc, 1, cases[i].second, 0);
		put(&rtc, 11, 0x22, 0);
		g_assert_cmpuint(kvt_mc146818_next_ns(&rtc), ==,
				 cases[i].want == 0 ? KVT_NEVER : cases[i].want * S);
		if (cases[i].want == 0)
			continue;
		g_assert_false(kvt_mc146818_run(&rtc, cases[i].want * S - 1));
		g_assert_true(kvt_mc146818_run(&rtc, cases[i].want * S));
		g_assert_cmphex(get(&rtc, 12, cases[i].want * S), ==, 0xb0 | 0x40);
	}
}

static void test_alarm_is_found_however_late_it_is_looked_for(void)
{
	struct kvt_mc146818 rtc = rtc_at(1582934398, KVT_TICK_DISCARD);

	put(&rtc, 11, 0x22, 0); /* the alarm registers say 00:00:00 */
	g_assert_true(kvt_mc146818_run(&rtc, 1000000 * S));
}

static void test_update_ended_interrupt_comes_each_second(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_DISCARD);

	put(&rtc, 10, 0x20, 0);
	put(&rtc, 11, 0x12, S / 3);
	for (uint64_t i = 1; i < 100; i++) {
		g_assert_cmpuint(kvt_mc146818_next_ns(&rtc), ==, i * S);
		g_assert_true(kvt_mc146818_run(&rtc, i * S));
		g_assert_cmphex(get(&rtc, 12, i * S) & 0xf0, >=, 0x90);
	}
}

static void test_flag_that_waits_interrupts_when_it_is_enabled(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_DISCARD);

	g_assert_false(kvt_mc146818_run(&rtc, S));
	put(&rtc, 11, 0x12, S + 1);
	g_assert_true(kvt_mc146818_level(&rtc));
	put(&rtc, 11, 0x02, S + 2);
	g_assert_false(kvt_mc146818_level(&rtc));
}

static void test_reset_keeps_time_and_ram(void)
{
	struct kvt_mc146818 rtc = rtc_at(1582934398, KVT_TICK_REPLAY);

	put(&rtc, 0x40, 0x5a, 0);
	put(&rtc, 11, 0x72, 0);
	g_assert_true(kvt_mc146818_run(&rtc, S));
	kvt_mc146818_reset(&rtc, S);
	g_assert_false(kvt_mc146818_level(&rtc));
	g_assert_cmphex(get(&rtc, 11, S), ==, 0x02);
	g_assert_cmphex(get(&rtc, 0x40, S), ==, 0x5a);
	assert_date(&rtc, S, "2020-02-28 23:59:59 6");
}

static void random_step(struct kvt_mc146818 *rtc, GRand *rand, uint64_t now, uint8_t *ret_value)
{
	switch (g_rand_int_range(rand, 0, 5)) {
	case 0:
		*ret_value = kvt_mc146818_in(rtc, 1, now);
		break;
	case 1:
		kvt_mc146818_out(rtc, 0, (uint8_t)g_rand_int_range(rand, 0, 14), now);
		break;
	case 2:
		*ret_value = kvt_mc146818_run(rtc, now);
		break;
	case 3:
		*ret_value = (uint8_t)kvt_mc146818_seconds(rtc, now);
		break;
	default:
		kvt_mc146818_out(rtc, 1, (uint8_t)g_rand_int(rand), now);
	}
}

static void test_save_and_load_at_any_moment_change_nothing(void)
{
	const guint32 seed = (guint32)g_test_rand_int();
	uint8_t with[3000], without[3000];

	for (int pass = 0; pass < 2; pass++) {
		uint8_t *const values = pass == 0 ? with : without, bytes[KVT_MC146818_SAVE_BYTES];
		GRand *const rand = g_rand_new_with_seed(seed);
		struct kvt_mc146818 rtc = rtc_at(1582934398, KVT_TICK_SLEW);
		uint64_t now = 0;
		size_t size;

		memset(values, 0, sizeof(with));
		for (size_t i = 0; i < sizeof(with); i++) {
			now += (uint64_t)g_rand_int(rand) >> g_rand_int_range(rand, 0, 24);
			random_step(&rtc, rand, now, &values[i]);
			if (pass == 1)
				continue;
			g_assert_cmpint(kvt_mc146818_save(&rtc, bytes, sizeof(bytes), &size), ==,
					0);
			g_assert_cmpint(kvt_mc146818_load(&rtc, bytes, size, now), ==, 0);
		}
		g_rand_free(rand);
	}
	g_assert_cmpint(memcmp(with, without, sizeof(with)), ==, 0);
}

static void test_bad_states_are_refused(void)
{
	struct kvt_mc146818 rtc = rtc_at(0, KVT_TICK_SLEW), other;
	uint8_t bytes[KVT_MC146818_SAVE_BYTES];
	GRand *const rand = g_rand_new_with_seed((guint32)g_test_rand_int());
	size_t size;

	put(&rtc, 11, 0x72, 0);
	g_assert_cmpint(kvt_mc146818_save(&rtc, bytes, 1, &size), ==, -KVT_E_SIZE);
	for (int i = 0; i < 20000; i++) {
		g_assert_cmpint(kvt_mc146818_save(&rtc, bytes, sizeof(bytes), &size), ==, 0);
		for (int j = 0; j < 3; j++)
			bytes[8 + (unsigned)g_test_rand_int() % (size - 8)] = (uint8_t)operand();
		if (kvt_mc146818_load(&other, bytes, size, 77) == 0)
			for (int j = 0; j < 10; j++) {
				uint8_t value;

				random_step(&other, rand, 77 + operand() % (UINT64_C(1) << 60),
					    &value);
				(void)kvt_mc146818_next_ns(&other);
			}
	}
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define CASE(name) g_test_add_func("/mc146818/" #name, test_##name)
	CASE(calendar_agrees_with_the_c_library);
	CASE(a_leap_day_follows_at_midnight);
	CASE(formats_are_converted);
	CASE(set_stops_the_clock_and_keeps_the_phase);
	CASE(first_update_comes_half_a_second_after_divider_reset);
	CASE(uip_is_high_for_244_us_before_an_update);
	CASE(periodic_interrupt_rises_again_when_c_is_read);
	CASE(replay_gives_back_what_was_missed);
	CASE(backlog_is_rescaled_with_the_rate);
	CASE(alarm_with_and_without_dont_care);
	CASE(alarm_is_found_however_late_it_is_looked_for);
	CASE(update_ended_interrupt_comes_each_second);
	CASE(flag_that_waits_interrupts_when_it_is_enabled);
	CASE(reset_keeps_time_and_ram);
	CASE(save_and_load_at_any_moment_change_nothing);
	CASE(bad_states_are_refused);
	return g_test_run();
}
