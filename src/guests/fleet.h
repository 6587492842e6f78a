/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ask many guests at once, each in a thread, and never let one that hangs keep the others waiting:
 * a guest that hung (twice in a row, if it ever answered) goes to a lane of its own, and a guest
 * that is still being asked is not asked again.
 */
#ifndef KVT_GUESTS_FLEET_H
#define KVT_GUESTS_FLEET_H

#include "guests/guest.h"
#include "guests/reach.h"

struct kvt_fleet;

/**
 * kvt_fleet_new() - lanes for some guests
 * @guests: array of struct kvt_guest; the fleet holds a reference
 * @work:   runs in a thread, for one guest; its result is owned by whoever takes it; sets *ret_slow
 *          if the guest hung, so that it goes to the slow lane from then on
 * @free_data: for @data, when no thread uses it any more; or NULL
 * @free_result: for results that nobody takes
 */
struct kvt_fleet *
kvt_fleet_new(GPtrArray *guests,
	      gpointer (*work)(struct kvt_guest *guest, gpointer data, bool *ret_slow),
	      gpointer data, GDestroyNotify free_data, GDestroyNotify free_result);

/** kvt_fleet_free() - one with calls in flight is left to the end of the program */
void kvt_fleet_free(struct kvt_fleet *fleet);

/** kvt_fleet_submit() - ask one guest; false if it is being asked already */
bool kvt_fleet_submit(struct kvt_fleet *fleet, guint index);

/** kvt_fleet_waiting_us() - how long a guest has been asked by now; 0 = it is not */
gint64 kvt_fleet_waiting_us(const struct kvt_fleet *fleet, guint index);

/**
 * kvt_fleet_next() - the next result
 * @deadline_us: g_get_monotonic_time(); at that time NULL comes back
 * @ret_index:   out, whose it is
 */
gpointer kvt_fleet_next(struct kvt_fleet *fleet, gint64 deadline_us, guint *ret_index);

/** kvt_fleet_took_us() - from being asked to its last result, the wait for its turn included */
gint64 kvt_fleet_took_us(const struct kvt_fleet *fleet, guint index);

#endif
