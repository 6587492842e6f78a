/* SPDX-License-Identifier: BSD-2-Clause */
/* One run of the tick experiment: a device with a policy, a disturbance, what was counted. */
#ifndef KVT_LAB_TICKS_H
#define KVT_LAB_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <kvmtime/devices/ticks.h>

#include "lab/crew.h"
#include "lab/result.h"

struct lab_tick_case {
	const char *name;  /* e.g. "rtc_catchup" */
	const char *title; /* for people */
	enum lab_device device;
	bool kernel; /* KVM's own PIT; "reinject" says how */
	bool reinject;
	enum kvt_tick_policy policy; /* of our devices */
	bool by_default;
};

extern const struct lab_tick_case lab_tick_cases[]; /* ends with name = NULL */

enum lab_disturbance {
	LAB_CALM,      /* nothing: the control */
	LAB_STOP,      /* the vCPU stands still once */
	LAB_BLACKOUTS, /* it runs 20 ms of every 100 */
	LAB_NEIGHBOURS /* busy threads on its CPU */
};

struct lab_tick_run {
	enum lab_disturbance disturbance;
	unsigned int hz;  /* 100, 250 or 1000; the device takes the nearest rate it has */
	bool busy;        /* the guest computes between ticks */
	int64_t quiet_ns; /* the control before */
	int64_t disturb_ns;
	int64_t recover_ns;
};

struct lab_tick_outcome {
	double hz;            /* the rate that the device really has */
	double control_lost;  /* ticks behind at the end of the quiet time */
	double behind;        /* most ticks behind, from then on */
	double lost;          /* behind at the end, less the control's */
	double lost_expected; /* length of the disturbance times hz */
	double catchup_ns; /* from the end of the disturbance until within 2 ticks of the control */
	double late_max_ns; /* worst lateness of one tick */
	double gap_max_ns;
	unsigned int burst; /* most ticks in a row closer than half a period */
	double waited_ns;   /* the vCPU's and the device's thread wanted a CPU and had none */
	uint32_t ticks;     /* counted by the guest */
	uint32_t spurious;
	int64_t start_mono_ns; /* the device was started */
	int64_t end_mono_ns;   /* ticks were counted last */
	GArray *intervals;     /* struct lab_interval: when the vCPU could run; owned */
};

/**
 * lab_ticks_measure() - boot a guest, disturb it, count
 * @ret_outcome: out; g_array_unref() its intervals
 */
bool lab_ticks_measure(const struct lab_tick_case *tick_case, const struct lab_tick_run *run,
		       struct lab_tick_outcome *ret_outcome, GError **error);

/**
 * lab_ticks_judge() - did a case lose what was to be expected?
 * @wanted:    loss that the policy promises, or that a simulation predicts, ticks
 * @ret_slack: out: 2 ticks and the control's loss, in proportion to the time
 *
 * Return: LAB_GOOD if the loss is within @ret_slack of @wanted; LAB_UNKNOWN if that is so wide that
 * it says nothing, or if the vCPU's and the device's thread waited so long for a CPU that this
 * explains the difference; else LAB_BAD.
 */
enum lab_verdict lab_ticks_judge(const struct lab_tick_run *run,
				 const struct lab_tick_outcome *outcome, double wanted,
				 double *ret_slack);

/** lab_ticks_promise() - the loss that the policy of a case promises after a single stop */
double lab_ticks_promise(const struct lab_tick_case *tick_case,
			 const struct lab_tick_outcome *outcome);

/** lab_ticks_rate() - PIT divisor or RTC rate code nearest to @hz, and the rate it gives */
uint32_t lab_ticks_rate(enum lab_device device, unsigned int hz, double *ret_hz);

#endif
