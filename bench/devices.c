/* SPDX-License-Identifier: BSD-2-Clause */
/* What a device costs: ns a call, and simulated seconds a second. Least and median of 9 runs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <kvmtime/devices/hpet.h>
#include <kvmtime/devices/i8254.h>
#include <kvmtime/devices/mc146818.h>

#include "devices/state.h"
#include "sim/sim.h"

#define RUNS 9

static volatile uint64_t sink;

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median. */
static double row(const char *what, const char *unit, double (*measure)(void), double limit)
{
	double values[RUNS];

	for (int i = 0; i < RUNS; i++)
		values[i] = measure();
	qsort(values, RUNS, sizeof(values[0]), by_size);
	printf("%-52s %10.4g %10.4g %-8s", what, values[0], values[RUNS / 2], unit);
	if (limit > 0)
		printf(" %8.3g %6.2f\n", limit, values[RUNS / 2] / limit);
	else
		printf("        -      -\n");
	return values[RUNS / 2];
}

static struct kvt_i8254 pit_with_ticks(unsigned policy)
{
	const struct kvt_ticks_config config = { .policy = (uint8_t)policy };
	struct kvt_i8254 pit;

	(void)kvt_i8254_init(&pit, &config, 0);
	kvt_i8254_out(&pit, 3, 0x34, 0);
	kvt_i8254_out(&pit, 0, 0xa9, 0);
	kvt_i8254_out(&pit, 0, 0x04, 0);
	return pit;
}

#define CALLS 200000u

/* What no access of a chip can do without: nanoseconds made clocks. */
static double conversion(void)
{
	const double start = now_s();

	for (uint64_t i = 0; i < CALLS; i++)
		sink += kvt_clocks_at(i * 1000, KVT_I8254_HZ);
	return (now_s() - start) * 1e9 / CALLS;
}

static double pit_read(void)
{
	struct kvt_i8254 pit = pit_with_ticks(KVT_TICK_DISCARD);
	const double start = now_s();

	for (uint64_t i = 0; i < CALLS; i++)
		sink += kvt_i8254_in(&pit, 0, i * 1000);
	return (now_s() - start) * 1e9 / CALLS;
}

static double rtc_read(void)
{
	const struct kvt_mc146818_config config = { .century_register = KVT_MC146818_CENTURY };
	struct kvt_mc146818 rtc;
	double start;

	(void)kvt_mc146818_init(&rtc, &config, 0);
	start = now_s();
	for (uint64_t i = 0; i < CALLS; i++)
		sink += kvt_mc146818_in(&rtc, 1, i * 1000);
	return (now_s() - start) * 1e9 / CALLS;
}

static double hpet_read(void)
{
	const struct kvt_hpet_config config = { 0 };
	struct kvt_hpet hpet;
	double start;

	(void)kvt_hpet_init(&hpet, &config, 0);
	kvt_hpet_write(&hpet, 0x10, 4, 1, 0);
	start = now_s();
	for (uint64_t i = 0; i < CALLS; i++)
		sink += kvt_hpet_read(&hpet, 0xf0, 8, i * 1000);
	return (now_s() - start) * 1e9 / CALLS;
}

/* One late run that finds @missed ticks. */
static double catch_up(uint64_t missed)
{
	struct kvt_i8254 pit = pit_with_ticks(KVT_TICK_REPLAY);
	const uint64_t period_ns = UINT64_C(999847);
	double start;

	start = now_s();
	for (unsigned i = 0; i < 20000; i++) {
		struct kvt_i8254 copy = pit;

		sink += kvt_i8254_run(&copy, missed * period_ns);
	}
	return (now_s() - start) * 1e9 / 20000;
}

static double catch_up_10(void)
{
	return catch_up(10);
}

static double catch_up_10_12(void)
{
	return catch_up(UINT64_C(1000000000000));
}

static double simulate(const char *guest, const char *load, uint64_t seconds, bool step)
{
	struct kvt_load *parsed = kvt_load_parse(load, NULL);
	const struct kvt_sim_config config = { .guest = kvt_sim_guest(guest),
					       .load = parsed,
					       .ticks.policy = KVT_TICK_SLEW,
					       .load_ns = seconds * 1000000000,
					       .seed = 1,
					       .step_all = step };
	struct kvt_sim_result result;
	const double start = now_s();

	kvt_sim_run(&config, &result);
	kvt_load_free(parsed);
	return now_s() - start;
}

static double day_in_closed_form(void)
{
	return simulate("rtc-1024", "none", 86400, false);
}

static double hour_of_steps(void)
{
	return simulate("rtc-1024", "none", 3600, true) * 24;
}

static double day_under_steal(void)
{
	return simulate("rtc-1024", "steal:1", 8640, false) * 10;
}

static double thousand_tickless_days(void)
{
	return simulate("kvm-clock", "none", 86400, false) * 1000;
}

int main(void)
{
	double least;

	printf("%-52s %10s %10s %-8s %8s %6s\n", "what", "least", "median", "unit", "limit",
	       "ratio");
	least = row("limit: one conversion of ns to clocks", "ns", conversion, 0);
	row("i8254: a port read", "ns", pit_read, least);
	row("mc146818: a port read of the seconds", "ns", rtc_read, least);
	row("hpet: a read of the counter", "ns", hpet_read, least);
	row("i8254: a late run that finds 10 missed ticks", "ns", catch_up_10, 0);
	row("i8254: a late run that finds 10^12 missed ticks", "ns", catch_up_10_12, 0);
	row("sim: a day of RTC at 1024 Hz, closed form", "s", day_in_closed_form, 2);
	row("sim: a day of RTC at 1024 Hz, every tick (from 1 h)", "s", hour_of_steps, 5);
	row("sim: the same with 1 % steal (from 2.4 h)", "s", day_under_steal, 0);
	row("sim: 1000 tickless guests for a day (from 1)", "s", thousand_tickless_days, 60);
	printf("simulated seconds a second: %.3g in closed form, %.3g stepping\n",
	       86400 / day_in_closed_form(), 86400 / hour_of_steps());
	return 0;
}
