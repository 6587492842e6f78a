/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Witnesses for the TSC: clocks that do not count it. A clock source made of the TSC (tsc,
 * kvm-clock) can say nothing about its rate; these can:
 *
 *   HPET           through /dev/hpet, where the kernel lets it be mapped
 *   PHC            a network card's own clock
 *   RTC            by the edges of its seconds: takes seconds, so never in `check`
 *   NTP            the rate that a daemon with a real source found, with the bound that it states
 *
 * What a hypervisor emulates (HPET and RTC of a guest) or hands out (KVM's PTP clock) is the host's
 * clock: it shows that this machine's TSC keeps step with the host's clock, and nothing of the
 * host's.
 */
#ifndef KVT_SYS_WITNESS_H
#define KVT_SYS_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "sys/answers.h"
#include "sys/calls.h"
#include "sys/root.h"

/* Further apart than this is wrong: the kernel's watchdog lets no source be, nor NTP correct it. */
#define KVT_WITNESS_PPM 500.0

enum kvt_witness_kind {
	KVT_WITNESS_NONE, /* counts the TSC, or follows this machine's clock, or cannot be read */
	KVT_WITNESS_HOST, /* the host's clock */
	KVT_WITNESS_OWN,  /* an oscillator or a source of its own */
};

/* A rate against the TSC's. */
struct kvt_witness_rate {
	bool known;
	double ppm; /* positive = the witness is faster than the TSC at the kernel's rate of it */
	double bound_ppm;
	double seconds; /* watched; 0 = a daemon watched it */
};

struct kvt_witness {
	char *name; /* "hpet", "ptp0 (mlx5_ptp)" */
	enum kvt_witness_kind kind;
	char *why; /* what it shows, or why it is none; a clause without a full stop */
	struct kvt_witness_rate rate;

	/* of the reader */
	const struct kvt_calls *calls;
	int fd; /* -1 = not open */
	bool phc;
	const volatile void *memory;
	uint64_t last, period_fs;
	bool wide; /* a counter of 64 bits */
	uint64_t first_tsc;
	int64_t first_ns;
	uint64_t first_window;
	bool begun;
};

/**
 * kvt_witness_list() - the clocks that can be read at once, and those that are none and why
 * @calls: the machine; kvt_calls_none = a recorded one, which has none
 *
 * Return: owned array of struct kvt_witness *.
 */
GPtrArray *kvt_witness_list(const struct kvt_root *root, const struct kvt_calls *calls,
			    const struct kvt_answers *answers);

/** kvt_witness_read() - one reading in ns since some moment; false if it cannot be read now */
bool kvt_witness_read(struct kvt_witness *witness, int64_t *ret_ns);

/**
 * kvt_witness_begin(), kvt_witness_end() - the ends of a window over which all are compared
 * @khz: the kernel's TSC rate
 *
 * Each end is the narrowest of some readings with the TSC around them; half of both widths over
 * the window is the bound, and half a kHz of @khz is added to it.
 */
void kvt_witness_begin(GPtrArray *witnesses);
void kvt_witness_end(GPtrArray *witnesses, double khz);

/**
 * kvt_witness_ntp() - what the time daemon found of the rate of the kernel's raw clock
 * @in_guest:    this machine is virtual
 * @ret_witness: out; clear it with kvt_witness_clear(). rate.known = false: why says the reason
 *
 * Only while the kernel and the daemon both say that they are synchronised, with a source that is
 * not this machine's own clock, and where the daemon states a bound (chronyd its skew and the
 * residual, ntpd three times its wander).
 */
void kvt_witness_ntp(const struct kvt_answers *answers, bool in_guest,
		     struct kvt_witness *ret_witness);

void kvt_witness_clear(struct kvt_witness *witness);

/** kvt_witness_in_guest() - CPUID says that there is a hypervisor */
bool kvt_witness_in_guest(const struct kvt_answers *answers);

/**
 * kvt_witness_rtc_edge() - wait for the next whole second of the RTC
 * @until_ns: CLOCK_MONOTONIC; give up then
 * @ret_s:    out, the RTC's second
 * @ret_tsc, @ret_width: out, the TSC in the middle of the two readings around the edge, and their
 *            distance
 *
 * Reads /sys/class/rtc/rtc0/since_epoch, which anybody may; an interrupt of the chip would come
 * from a timer of the kernel's on some machines, and count the TSC.
 *
 * Return: false if there is no RTC or no edge came.
 */
bool kvt_witness_rtc_edge(const struct kvt_root *root, const struct kvt_calls *calls,
			  int64_t until_ns, int64_t *ret_s, uint64_t *ret_tsc, uint64_t *ret_width);

#endif
