/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own clock: a guest that agrees with a wrong host is wrong as well. */
#ifndef KVT_GUESTS_HOST_H
#define KVT_GUESTS_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct kvt_host_state {
	bool known;
	bool synchronised;    /* by the kernel's clock discipline: a time daemon keeps it */
	int64_t max_error_ns; /* the daemon's bound, grown since its last update */
	double frequency_ppm; /* positive = the clock runs faster than the hardware */
};

/**
 * kvt_host_read() - what the kernel knows of the host's synchronisation
 *
 * Source: adjtimex(2), STA_UNSYNC and maxerror; nothing is changed.
 */
void kvt_host_read(struct kvt_host_state *ret_state);

#endif
