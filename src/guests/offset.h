/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The offset of a guest's wall clock from the host's, with a bound that holds whatever share of the
 * round trip the way there and the way back took: the guest read its clock between the host's two
 * stamps, so the middle is wrong by at most half the delay (and the guest's resolution).
 */
#ifndef KVT_GUESTS_OFFSET_H
#define KVT_GUESTS_OFFSET_H

#include "guests/path.h"

struct kvt_offset {
	int64_t offset_ns;   /* positive = guest ahead of host */
	int64_t bound_ns;    /* the offset is within this of the truth */
	int64_t delay_ns;    /* of the exchange it comes from */
	int64_t host_utc_ns; /* when, by the host's clock */
	unsigned exchanges;  /* that were fit to be used */
	bool host_stepped;   /* the host's clock jumped meanwhile; exchanges before it were left out
			      */
};

/**
 * kvt_offset_of() - one exchange's offset and bound
 * @exchange:      clocks may have been stepped by a hostile or a careless hand: any values
 * @resolution_ns: of the guest's answer, at least 1
 *
 * bound = (delay + resolution) / 2, and the delay is the longer of what the host's two clocks saw,
 * so that a small step of the host's clock is inside the bound.
 *
 * Return: true; false if the host's clock stepped during the exchange by more than
 * KVT_OFFSET_STEP_NS and a thousandth of the delay, or a difference does not fit.
 */
bool kvt_offset_of(const struct kvt_exchange *exchange, int64_t resolution_ns,
		   struct kvt_offset *ret_offset);

/* What slewing cannot do in an exchange of some ms: 8 % (chrony) of 12 ms. */
#define KVT_OFFSET_STEP_NS 1000000

/**
 * kvt_offset_filter() - the best of several exchanges: of those after the host's last step, the
 * one with the smallest delay
 * @resolution_ns: see kvt_offset_of(); 0 = found from the answers: what all are a multiple of
 *                 (1 us, 1 ms, 1 s ...), and 15.6 ms if the clock stands still between some
 *
 * Return: true; false if none can be used (exchanges = 0).
 */
bool kvt_offset_filter(const struct kvt_exchange *exchanges, unsigned n, int64_t resolution_ns,
		       struct kvt_offset *ret_offset);

/** kvt_offset_within() - how far the clock may be off at most: |offset| + bound, saturating */
int64_t kvt_offset_within(const struct kvt_offset *offset);

#define KVT_OFFSET_EXCHANGES 32 /* the most that one measurement takes */

/**
 * kvt_offset_measure() - ask a guest over an open path
 * @exchanges: wanted, 1 .. KVT_OFFSET_EXCHANGES; fewer if @budget_us is used up
 * @budget_us: no exchange starts after this long
 * @error:     KVT_REACH_*; a path that fails after some good exchanges is no error
 */
bool kvt_offset_measure(struct kvt_path *path, unsigned exchanges, gint64 budget_us,
			struct kvt_offset *ret_offset, GError **error);

#endif
