/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU on a thread of its own, which can be held still and logs when it ran. */
#ifndef KVT_LAB_CREW_H
#define KVT_LAB_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "lab/vm.h"

/* the vCPU could run from .. to; CLOCK_MONOTONIC */
struct lab_interval {
	int64_t from_ns;
	int64_t to_ns;
};

struct lab_crew;

/**
 * lab_crew_start() - run a vCPU on a new thread until it is done, fails, or is ended
 * @cpu_index: pinned to that allowed CPU; -1 = anywhere
 * @wait_ready: come back only when the guest said LAB_EVENT_READY
 *
 * Return: owned, or NULL with @error, the guest's failure before it was ready included.
 */
struct lab_crew *lab_crew_start(struct lab_vcpu *vcpu, int cpu_index, bool wait_ready,
				GError **error);

/** lab_crew_hold() - the vCPU is out of the guest and stays out when this returns */
void lab_crew_hold(struct lab_crew *crew);
void lab_crew_release(struct lab_crew *crew);

/** lab_crew_visit() - out of the guest and in again: KVM updates its pages on the way */
void lab_crew_visit(struct lab_crew *crew);

/**
 * lab_crew_wait_reads() - until a guest of LAB_JOB_SPIN has read its clock some more times
 *
 * A busy machine may not run it at once; after two seconds it comes back all the same.
 */
void lab_crew_wait_reads(struct lab_crew *crew, uint64_t more);

/** lab_crew_thread() - thread id, for /proc/self/task */
pid_t lab_crew_thread(const struct lab_crew *crew);

/** lab_crew_native() - for lab_vcpu_kick() */
pthread_t lab_crew_native(const struct lab_crew *crew);

/**
 * lab_crew_finish() - end the thread and free the crew
 * @grace_ns:      how long the guest may take to say LAB_EVENT_DONE by itself; 0 = not at all
 * @ret_intervals: out, of struct lab_interval, owned; NULL if not wanted
 *
 * Return: false with @error if the guest failed during its run.
 */
bool lab_crew_finish(struct lab_crew *crew, int64_t grace_ns, GArray **ret_intervals,
		     GError **error);

#endif
