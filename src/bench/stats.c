/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/stats.h"

#include <math.h>

/* Continued fraction of the incomplete beta function, by Lentz's method. Abramowitz and Stegun,
 * Handbook of Mathematical Functions, 26.5.8. */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), result;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	result = d;
	for (int m = 1; m < 300; m++) {
		const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		const double steps[] = { even, odd };
		double change = 1;

		for (int i = 0; i < 2; i++) {
			d = 1 + steps[i] * d;
			c = 1 + steps[i] / c;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = fabs(c) < tiny ? tiny : c;
			change = c * d;
			result *= change;
		}
		if (fabs(change - 1) < 1e-14)
			break;
	}
	return result;
}

static double beta_regularized(double a, double b, double x)
{
	double front;

	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(T > t), t >= 0. Abramowitz and Stegun, 26.7.1. */
static double t_tail(double t, double freedom)
{
	return beta_regularized(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2;
}

double kvt_stats_t(double upper, unsigned freedom)
{
	double low = 0, high = 1;

	while (t_tail(high, freedom) > upper && high < 1e12)
		high *= 2;
	for (int i = 0; i < 200 && high - low > 1e-12 * high; i++) {
		const double middle = (low + high) / 2;

		if (t_tail(middle, freedom) > upper)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

unsigned kvt_stats_next_look(unsigned n)
{
	return n == 0 ? 6 : MAX(n + 2, (n * 4 + 2) / 3);
}

struct kvt_interval kvt_stats_interval(const GArray *values, double alpha)
{
	struct kvt_interval result = {
		.mean = NAN, .low = -INFINITY, .high = INFINITY, .n = values->len
	};
	double sum = 0, squares = 0, half;

	if (values->len == 0)
		return result;
	for (guint i = 0; i < values->len; i++)
		sum += g_array_index(values, double, i);
	result.mean = sum / values->len;
	if (values->len < 2)
		return result;
	for (guint i = 0; i < values->len; i++) {
		const double away = g_array_index(values, double, i) - result.mean;

		squares += away * away;
	}
	half = kvt_stats_t(alpha / 2, values->len - 1) *
	       sqrt(squares / (values->len - 1) / values->len);
	result.low = result.mean - half;
	result.high = result.mean + half;
	return result;
}

static int compare(gconstpointer a, gconstpointer b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double kvt_stats_median(const GArray *values)
{
	g_autoptr(GArray) sorted = g_array_sized_new(FALSE, FALSE, sizeof(double), values->len);

	if (values->len == 0)
		return NAN;
	g_array_append_vals(sorted, values->data, values->len);
	g_array_sort(sorted, compare);
	return (g_array_index(sorted, double, (sorted->len - 1) / 2) +
		g_array_index(sorted, double, sorted->len / 2)) /
	       2;
}
