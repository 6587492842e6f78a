/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The servo: how a clock follows a source that is given with a bound. Pure arithmetic; time, the
 * source and the clock are the caller's.
 *
 * Inside the bound nothing is known, so nothing is corrected. What lies beyond it is the excess:
 * above step_ns and the clock behind, it is stepped forward (the machine stood still); else it is
 * slewed by a proportional and an integral part, the latter being the clock's own drift. A clock
 * that is ahead is slewed back, never stepped, unless that is allowed.
 */
#ifndef KVT_DAEMON_SERVO_H
#define KVT_DAEMON_SERVO_H

#include <stdbool.h>
#include <stdint.h>

#define KVT_SERVO_RATE_PPB 500000 /* what Linux takes: 500 ppm to either side */

struct kvt_servo {
	int64_t step_ns; /* an excess above this is stepped; > 0 */
	bool may_step_back;
	/* state; zero at the beginning */
	bool begun;
	int64_t at_ns;     /* of the last reading, on a clock that nobody sets */
	int64_t drift_ppb; /* learned: added to the rate; positive = the clock is too slow */
};

struct kvt_servo_order {
	int64_t step_ns;  /* to be added to the clock; 0 = no step; negative only if allowed */
	int64_t rate_ppb; /* the clock's rate from now on; positive = faster */
	bool slewing;     /* there is an excess that the rate works off */
};

/**
 * kvt_servo_take() - one reading
 * @offset_ns: source minus clock; positive = the clock is behind
 * @bound_ns:  the offset is within this of the truth; not negative
 * @now_ns:    when, on a clock that is not set and runs at about the right rate; later than before
 */
struct kvt_servo_order kvt_servo_take(struct kvt_servo *servo, int64_t offset_ns, int64_t bound_ns,
				      int64_t now_ns);

#endif
