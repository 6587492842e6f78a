/* SPDX-License-Identifier: BSD-2-Clause */
/* The servo in simulated time: a clock with a drift, a source with noise, and a machine that is
 * stopped at random. */
#include <glib.h>

#include "daemon/servo.h"
#include "daemon/source.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

struct sim {
	int64_t true_ns;  /* the host's time */
	double clock_ns;  /* the guest's wall clock */
	int64_t raw_ns;   /* the guest's CLOCK_MONOTONIC_RAW: stands still with it, and drifts */
	double drift;     /* of the guest's oscillator */
	int64_t rate_ppb; /* what the servo has ordered */
	struct kvt_servo servo;
	int64_t bound_ns;
	guint steps, steps_back;
};

static void run(struct sim *s, int64_t ns)
{
	s->true_ns += ns;
	s->raw_ns += (int64_t)((double)ns * (1 + s->drift));
	s->clock_ns += (double)ns * (1 + s->drift) * (1 + (double)s->rate_ppb * 1e-9);
}

static double error_ns(const struct sim *s)
{
	return s->clock_ns - (double)s->true_ns;
}

static void poll(struct sim *s)
{
	/* any value within the bound may be read */
	const int64_t noise_ns =
		s->bound_ns > 0 ? g_test_rand_int_range(-(gint)s->bound_ns, (gint)s->bound_ns + 1)
				: 0;
	const struct kvt_servo_order order =
		kvt_servo_take(&s->servo, -(int64_t)error_ns(s) + noise_ns, s->bound_ns, s->raw_ns);

	g_assert_cmpint(order.rate_ppb, <=, KVT_SERVO_RATE_PPB);
	g_assert_cmpint(order.rate_ppb, >=, -KVT_SERVO_RATE_PPB);
	s->clock_ns += (double)order.step_ns;
	s->rate_ppb = order.rate_ppb;
	s->steps += order.step_ns != 0;
	s->steps_back += order.step_ns < 0;
}

static void test_day_with_a_thousand_stops(void)
{
	struct sim s = { .true_ns = 1800000000 * S, .drift = -35e-6, .bound_ns = 10 * US };
	const guint seconds = 86400;
	g_autofree bool *stops = g_new0(bool, seconds);
	double worst_ns = 0;
	guint stopped = 0, long_stops = 0;

	s.servo.step_ns = 500 * US;
	s.clock_ns = (double)s.true_ns - 3 * (double)S; /* not right at the beginning */
	while (stopped < 1000) {
		const gint at = g_test_rand_int_range(1, (gint)seconds);

		stopped += !stops[at];
		stops[at] = true;
	}
	for (guint i = 0; i < seconds; i++) {
		poll(&s);
		worst_ns = MAX(worst_ns, ABS(error_ns(&s)));
		if (stops[i]) {
			const int64_t before_ns = g_test_rand_int_range(0, (gint32)S);
			const int64_t stop_ns = g_test_rand_bit()
							? g_test_rand_int_range(1, 60000) * MS
							: g_test_rand_int_range(1, 2000) * US;

			/* until the next reading it cannot be known */
			run(&s, before_ns);
			s.true_ns += stop_ns;
			long_stops += stop_ns > MS;
			run(&s, S - before_ns);
		} else {
			run(&s, S);
			worst_ns = MAX(worst_ns, ABS(error_ns(&s)));
		}
	}
	g_test_message("worst %.3f ms, %u steps, %u stops above 1 ms", worst_ns / 1e6, s.steps,
		       long_stops);
	g_assert_cmpfloat(worst_ns, <=, 1e6);
	g_assert_cmpuint(s.steps_back, ==, 0);
	g_assert_cmpuint(s.steps, >=, long_stops);
}

static void test_drift_is_learned(void)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		struct sim s = { .true_ns = 1800000000 * S,
				 .drift = sign * 35e-6,
				 .bound_ns = 10 * US };

		s.servo.step_ns = 500 * US;
		s.clock_ns = (double)s.true_ns;
		for (guint i = 0; i < 3600; i++) {
			poll(&s);
			run(&s, S);
		}
		g_assert_cmpfloat(ABS((double)s.servo.drift_ppb + sign * 35000), <=, 2000);
		g_assert_cmpfloat(ABS(error_ns(&s)), <=, 50e3);
		g_assert_cmpuint(s.steps, ==, 0);
	}
}

static void test_clock_that_is_ahead_is_slewed(void)
{
	struct sim s = { .true_ns = 1800000000 * S, .bound_ns = 10 * US };

	s.servo.step_ns = 500 * US;
	s.clock_ns = (double)s.true_ns + 50e6;
	for (guint i = 0; i < 600; i++) {
		poll(&s);
		run(&s, S);
	}
	g_assert_cmpuint(s.steps, ==, 0);
	g_assert_cmpfloat(ABS(error_ns(&s)), <=, 1e6);
	s.clock_ns += 50e6;
	s.servo.may_step_back = true;
	poll(&s);
	g_assert_cmpuint(s.steps_back, ==, 1);
	g_assert_cmpfloat(ABS(error_ns(&s)), <=, 20e3);
}

static void test_nothing_is_done_within_the_bound(void)
{
	struct kvt_servo servo = { .step_ns = MS };
	struct kvt_servo_order order = kvt_servo_take(&servo, 400 * MS, 500 * MS, S);

	g_assert_cmpint(order.step_ns, ==, 0);
	g_assert_cmpint(order.rate_ppb, ==, 0);
	g_assert_false(order.slewing);
}

static void test_any_numbers_are_survived(void)
{
	const int64_t edges[] = { 0, 1, -1, S, -S, INT64_MAX / 4, -INT64_MAX / 4 };

	for (guint a = 0; a < G_N_ELEMENTS(edges); a++)
		for (guint b = 0; b < G_N_ELEMENTS(edges); b++) {
			struct kvt_servo servo = { .step_ns = MS,
						   .begun = true,
						   .at_ns = edges[b] };
			const struct kvt_servo_order order =
				kvt_servo_take(&servo, edges[a], ABS(edges[b]), edges[a]);

			g_assert_cmpint(ABS(order.rate_ppb), <=, KVT_SERVO_RATE_PPB);
			g_assert_cmpint(order.step_ns, >=, 0);
		}
}

/* an RTC of any phase, read at its edge by a clock of any error: the truth is within the bound */
static void test_rtc_bound_holds(void)
{
	for (guint i = 0; i < 100000; i++) {
		const int64_t phase_ns =
			g_test_rand_int_range(0, (gint32)S); /* edges come so late */
		const int64_t error_ns = (int64_t)g_test_rand_int_range(-2000, 2000) * S;
		const int64_t second = 1800000000 + g_test_rand_int_range(0, 100000);
		const int64_t edge_ns = second * S + phase_ns; /* true time of the edge */
		const int64_t before_ns = edge_ns + error_ns - g_test_rand_int_range(0, 50000000);
		const int64_t after_ns = edge_ns + error_ns + g_test_rand_int_range(0, 50000000);
		const struct kvt_time_reading r = kvt_rtc_reading(second, before_ns, after_ns);

		g_assert_cmpint(ABS(r.offset_ns + error_ns), <=, r.bound_ns);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/servo/day with a thousand stops", test_day_with_a_thousand_stops);
	g_test_add_func("/servo/drift is learned", test_drift_is_learned);
	g_test_add_func("/servo/clock that is ahead is slewed", test_clock_that_is_ahead_is_slewed);
	g_test_add_func("/servo/nothing is done within the bound",
			test_nothing_is_done_within_the_bound);
	g_test_add_func("/servo/any numbers are survived", test_any_numbers_are_survived);
	g_test_add_func("/rtc/bound holds", test_rtc_bound_holds);
	return g_test_run();
}
