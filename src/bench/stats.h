/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intervals for a comparison that goes on until they are narrow enough.
 *
 * The rule stops by the width alone, never by the mean; of normal values the two are independent,
 * so the mean at the stop is as good as at any other time. What is not is the width itself: the
 * rule stops rather when the scatter happens to look small. Twenty thousand simulated comparisons
 * at each of nine noise levels, normal and with outliers, gave that a price: looks at 6, 8, 11,
 * 15, ... values (each a third more) and an interval of 97 % at each cover the truth in 95.3 % at
 * worst. With 95 % they would in 92.7 %; with looks that share 5 % between them (a bound for any
 * rule at all) in 99.7 %, for 2.7 times as many rounds. test_trial.c repeats the proof.
 */
#ifndef KVT_BENCH_STATS_H
#define KVT_BENCH_STATS_H

#include <stdbool.h>

#include <glib.h>

#define KVT_STATS_ALPHA      0.05 /* of what is planned and looked at once */
#define KVT_STATS_LOOK_ALPHA 0.03 /* of each look of a comparison that stops when it is narrow */

struct kvt_interval {
	double mean;
	double low, high; /* -inf .. inf with fewer than two values */
	unsigned n;
};

/** kvt_stats_t() - Student's t: x with P(T > x) = @upper; @upper in (0, 0.5], @freedom >= 1 */
double kvt_stats_t(double upper, unsigned freedom);

/** kvt_stats_next_look() - how many values the look after the one at @n has; 6 for @n = 0 */
unsigned kvt_stats_next_look(unsigned n);

/**
 * kvt_stats_interval() - mean and two-sided interval of values that are about normal
 * @values: doubles
 * @alpha:  chance of missing the truth
 */
struct kvt_interval kvt_stats_interval(const GArray *values, double alpha);

/** kvt_stats_median() - of doubles, which are left in their order; NaN if there are none */
double kvt_stats_median(const GArray *values);

#endif
