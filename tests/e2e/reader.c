/* SPDX-License-Identifier: BSD-2-Clause */
/* reader N: reads CLOCK_MONOTONIC N times, half of them in a thread, and the time of day 7 times.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static void *read_clock(void *count)
{
	struct timespec now;

	for (long i = *(const long *)count; i > 0; i--)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return NULL;
}

int main(int argc, char **argv)
{
	const long all = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	long there = all / 2, here = all - there;
	struct timeval now;
	pthread_t thread;

	if (pthread_create(&thread, NULL, read_clock, &there) != 0)
		return 1;
	(void)read_clock(&here);
	pthread_join(thread, NULL);
	for (int i = 0; i < 7; i++)
		gettimeofday(&now, NULL);
	return 0;
}
