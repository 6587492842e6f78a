/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/host.h"

#include <sys/timex.h>

void kvt_host_read(struct kvt_host_state *ret_state)
{
	struct timex timex = { .modes = 0 };
	const int state = adjtimex(&timex);

	*ret_state = (struct kvt_host_state){
		.known = state >= 0,
		.synchronised =
			state >= 0 && state != TIME_ERROR && (timex.status & STA_UNSYNC) == 0,
		.max_error_ns = (int64_t)timex.maxerror * 1000,
		.frequency_ppm = (double)timex.freq / 65536.0,
	};
}
