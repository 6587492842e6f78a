/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop READS: an independent measurement, for comparison: READS reads of CLOCK_MONOTONIC in a
 * plain loop that the clock itself times, less as many turns of an empty loop; the median of as
 * many samples as make 2 million reads. 500 reads are 10 us, over before the scheduler steps in;
 * 10,000 are 0.2 ms; a sample of 20 ms on a busy machine measures the waiting too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TOTAL 2000000

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

int main(int argc, char **argv)
{
	const int reads = argc == 2 ? atoi(argv[1]) : 0;
	const int repeats = reads > 0 && reads <= TOTAL ? TOTAL / reads : 0;
	double *const ns = calloc((size_t)repeats + 1, sizeof(*ns));

	if (repeats == 0 || ns == NULL)
		return 2;
	for (int repeat = 0; repeat < repeats; repeat++) {
		const double start = seconds();
		double middle, end;
		struct timespec now;

		for (int i = 0; i < reads; i++)
			clock_gettime(CLOCK_MONOTONIC, &now);
		middle = seconds();
		for (int i = 0; i < reads; i++)
			__asm__ volatile("" : : "r"(&now) : "memory");
		end = seconds();
		ns[repeat] = ((middle - start) - (end - middle)) / reads * 1e9;
	}
	qsort(ns, (size_t)repeats, sizeof(*ns), compare);
	printf("%.3f\n", ns[repeats / 2]);
	free(ns);
	return 0;
}
