/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has the host slept, or was its clock set? Told from its own three clocks, which are arguments:
 * CLOCK_BOOTTIME runs on while the host sleeps and CLOCK_MONOTONIC does not; CLOCK_REALTIME jumps
 * against CLOCK_BOOTTIME when it is set.
 */
#ifndef KVT_DAEMON_HOSTWATCH_H
#define KVT_DAEMON_HOSTWATCH_H

#include <stdbool.h>
#include <stdint.h>

struct kvt_hostwatch {
	bool begun;
	int64_t sleep_ns; /* boottime - monotonic */
	int64_t epoch_ns; /* realtime - boottime */
};

struct kvt_host_news {
	int64_t slept_ns;   /* 0 = it has not */
	int64_t stepped_ns; /* positive = the host's clock was set ahead; 0 = it was not */
};

/* Less than this is slewing and the time between the three readings. */
#define KVT_HOST_SLEPT_NS   100000000
#define KVT_HOST_STEPPED_NS 50000000

/**
 * kvt_hostwatch_look() - what has happened since the last look
 *
 * The first look tells nothing. Slow changes (slewing) are followed and never told.
 */
struct kvt_host_news kvt_hostwatch_look(struct kvt_hostwatch *watch, int64_t mono_ns,
					int64_t boot_ns, int64_t utc_ns);

/** kvt_hostwatch_timer() - a timerfd that becomes readable (read fails with ECANCELED) when the
 *  host's clock is set; -1 and errno */
int kvt_hostwatch_timer(void);

/** kvt_hostwatch_rearm() - after it has been read */
void kvt_hostwatch_rearm(int fd);

#endif
