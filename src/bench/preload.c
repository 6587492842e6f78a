/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime-count.so: stands before libc in a counted command. Needs libc alone. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "bench/preload.h"

static struct kvt_count_file *counts;
static unsigned next_shard;
static __thread unsigned shard; /* 0 = not given yet */

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_gettimeofday)(struct timeval *, void *);
static time_t (*real_time)(time_t *);
static int (*real_timespec_get)(struct timespec *, int);

static void find(const char *name, void *ret_function)
{
	void *found = dlsym(RTLD_NEXT, name);

	__atomic_store_n((void **)ret_function, found, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv(KVT_COUNT_VARIABLE);
	const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory = MAP_FAILED;

	find("clock_gettime", &real_clock_gettime);
	find("gettimeofday", &real_gettimeofday);
	find("time", &real_time);
	find("timespec_get", &real_timespec_get);
	if (fd < 0)
		return;
	memory = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return;
	counts = memory;
	__atomic_fetch_add(&counts->processes, 1, __ATOMIC_RELAXED);
}

static void count(unsigned kind)
{
	if (counts == NULL)
		return;
	if (shard == 0)
		shard = 1 + __atomic_fetch_add(&next_shard, 1, __ATOMIC_RELAXED) % KVT_COUNT_SHARDS;
	__atomic_fetch_add(&counts->reads[shard - 1][kind], 1, __ATOMIC_RELAXED);
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	count(clock >= 0 && clock < KVT_COUNT_CLOCKS ? (unsigned)clock : KVT_COUNT_OTHER_CLOCK);
	if (real_clock_gettime == NULL) /* before our constructor */
		return (int)syscall(SYS_clock_gettime, clock, now);
	return real_clock_gettime(clock, now);
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *now, void *zone)
{
	count(KVT_COUNT_GETTIMEOFDAY);
	if (real_gettimeofday == NULL)
		return (int)syscall(SYS_gettimeofday, now, zone);
	return real_gettimeofday(now, zone);
}

__attribute__((visibility("default"))) time_t time(time_t *ret_time)
{
	struct timespec now;

	count(KVT_COUNT_TIME);
	if (real_time != NULL)
		return real_time(ret_time);
	if (syscall(SYS_clock_gettime, CLOCK_REALTIME_COARSE, &now) != 0)
		return -1;
	if (ret_time != NULL)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}

__attribute__((visibility("default"))) int timespec_get(struct timespec *now, int base)
{
	count(KVT_COUNT_TIMESPEC_GET);
	if (real_timespec_get != NULL)
		return real_timespec_get(now, base);
	return base == TIME_UTC && syscall(SYS_clock_gettime, CLOCK_REALTIME, now) == 0 ? base : 0;
}
