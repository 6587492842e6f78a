/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop: an independent measurement, for comparison: 500 reads of CLOCK_MONOTONIC in a
 * plain loop that the clock itself times, less as many turns of an empty loop; the median of 4001.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define READS   500 /* 10 us: most are over before the scheduler steps in */
#define REPEATS 4001

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	       (*(const double *)a < *(const double *)b);
}

int main(void)
{
	double ns[REPEATS];

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		const double start = seconds();
		double middle, end;
		struct timespec now;

		for (int i = 0; i < READS; i++)
			clock_gettime(CLOCK_MONOTONIC, &now);
		middle = seconds();
		for (int i = 0; i < READS; i++)
			__asm__ volatile("" : : "r"(&now) : "memory");
		end = seconds();
		ns[repeat] = ((middle - start) - (end - middle)) / READS * 1e9;
	}
	qsort(ns, REPEATS, sizeof(*ns), compare);
	printf("%.3f\n", ns[REPEATS / 2]);
	return 0;
}
