/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a guest gets the host's time from: KVM's (or Hyper-V's, VMware's) PTP clock, a VMClock that
 * tells the time, or the RTC, in this order. And the clock that follows it.
 */
#ifndef KVT_DAEMON_SOURCE_H
#define KVT_DAEMON_SOURCE_H

#include "sys/calls.h"
#include "sys/root.h"

struct kvt_time_reading {
	int64_t offset_ns; /* source minus CLOCK_REALTIME; positive = the clock is behind */
	int64_t bound_ns;  /* against the source's own clock, i.e. the host's */
};

struct kvt_time_source {
	char *name;       /* "/dev/ptp0 (KVM virtual PTP)" */
	bool is_ptp;      /* chronyd can follow it as a refclock */
	bool may_declare; /* good enough that the kernel may be told the clock is kept */
	gint64 interval_us;
	int64_t step_ns; /* an excess above this means that the machine stood still */
	bool (*read)(struct kvt_time_source *source, struct kvt_time_reading *ret_reading,
		     GError **error);
	const struct kvt_root *root;
	const struct kvt_calls *calls;
	char *path;
};

/**
 * kvt_time_source_best() - the best source of this machine
 * @root, @calls: must outlive it
 * @error: KVT_STATUS_REFUSED with what was looked for and why each is none
 *
 * Return: owned, or NULL.
 */
struct kvt_time_source *kvt_time_source_best(const struct kvt_root *root,
					     const struct kvt_calls *calls, GError **error);
void kvt_time_source_free(struct kvt_time_source *source); /* NULL is taken */

/**
 * kvt_rtc_reading() - what one edge of an RTC says
 * @second:    what it shows since the edge, s since 1970 in UTC
 * @before_ns: CLOCK_REALTIME at the last look before the edge
 * @after_ns:  ... at the first look after it
 *
 * An RTC counts whole seconds, and its edges come up to a second late: a machine that is started,
 * or whose RTC is read into another one, loses the fraction. So the time at an edge lies between
 * @second and @second + 1.
 */
struct kvt_time_reading kvt_rtc_reading(int64_t second, int64_t before_ns, int64_t after_ns);

/* The clock that follows. Each function gives false with errno's words in @error. */
bool kvt_clock_step(int64_t ns, GError **error);
bool kvt_clock_set_rate(int64_t ppb, GError **error);
/** kvt_clock_declare() - tell the kernel that the clock is kept within this */
void kvt_clock_declare(int64_t max_error_ns);

#endif
