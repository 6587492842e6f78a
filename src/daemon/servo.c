/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/servo.h"

/* Of an excess, this much is worked off until the next reading, and this much is taken as drift. */
#define PROPORTIONAL 0.5
#define INTEGRAL     0.1

static int64_t excess_of(int64_t offset_ns, int64_t bound_ns)
{
	if (offset_ns > bound_ns)
		return offset_ns - bound_ns;
	if (offset_ns < -bound_ns)
		return offset_ns + bound_ns;
	return 0;
}

static int64_t clamp_rate(double ppb)
{
	if (!(ppb < KVT_SERVO_RATE_PPB))
		return KVT_SERVO_RATE_PPB;
	return ppb < -KVT_SERVO_RATE_PPB ? -KVT_SERVO_RATE_PPB : (int64_t)ppb;
}

/* An excess that is to be gone after some time, as a rate. */
static double rate_of(int64_t excess_ns, int64_t time_ns, double share)
{
	return (double)excess_ns * share * 1e9 / (double)(time_ns > 0 ? time_ns : 1000000000);
}

struct kvt_servo_order kvt_servo_take(struct kvt_servo *servo, int64_t offset_ns, int64_t bound_ns,
				      int64_t now_ns)
{
	const int64_t excess_ns = excess_of(offset_ns, bound_ns);
	const int64_t time_ns = servo->begun ? now_ns - servo->at_ns : 0;
	const bool steps =
		excess_ns > servo->step_ns || (servo->may_step_back && excess_ns < -servo->step_ns);
	struct kvt_servo_order order = { 0, servo->drift_ppb, false };

	servo->begun = true;
	servo->at_ns = now_ns;
	if (steps) {
		/* all of it, not only the excess: the middle is the best guess. A stop says nothing
		 * about the drift. */
		order.step_ns = offset_ns;
		return order;
	}
	order.slewing = excess_ns != 0;
	order.rate_ppb =
		clamp_rate((double)servo->drift_ppb + rate_of(excess_ns, time_ns, PROPORTIONAL));
	/* an excess that takes the whole rate for a while is no drift */
	if (time_ns > 0 && order.rate_ppb > -KVT_SERVO_RATE_PPB &&
	    order.rate_ppb < KVT_SERVO_RATE_PPB)
		servo->drift_ppb = clamp_rate((double)servo->drift_ppb +
					      rate_of(excess_ns, time_ns, INTEGRAL));
	return order;
}
