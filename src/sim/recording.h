/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings of when a virtual CPU's thread ran: each as ns that it could run, ns stolen, in turn.
 */
#ifndef KVT_SIM_RECORDING_H
#define KVT_SIM_RECORDING_H

#include <glib.h>

/**
 * kvt_recording_intervals() - a line an interval: ns that it ran, ns that were stolen
 * @path:  file
 * @error: out; KVT_STATUS_BAD_INPUT, the message naming file and line
 *
 * Return: owned, uint64_t; NULL with @error. So the others.
 */
GArray *kvt_recording_intervals(const char *path, GError **error);

/**
 * kvt_recording_schedstat() - samples of /proc/TID/schedstat
 *
 * A line a sample: its time in ns, then the file's own words, of which the second is the ns that
 * the thread waited for a CPU (Linux Documentation/scheduler/sched-stats.rst). What was stolen
 * between two samples is taken as one piece at their end, so that samples 10 ms apart or closer are
 * wanted:
 *
 *     while sleep 0.01; do echo "$(date +%s%N) $(cat /proc/TID/schedstat)"; done >steal
 */
GArray *kvt_recording_schedstat(const char *path, GError **error);

/**
 * kvt_recording_sched() - the trace events sched_switch and sched_wakeup, as text
 * @what: TID, a colon, and the file: of tracefs or of "perf script"
 *
 * Stolen is from the wakeup, or from being switched away while runnable, until it is switched to;
 * a thread that sleeps (HLT) could run. Events of other threads do not matter.
 */
GArray *kvt_recording_sched(const char *what, GError **error);

#endif
