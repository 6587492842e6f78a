/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's own command as the workload of a trial. */
#ifndef KVT_BENCH_WORKLOAD_H
#define KVT_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* A round is disturbed if the host took more than this part of the machine's CPU time. */
#define KVT_DISTURBED_STEAL 0.01

/* What happened to the machine between two moments. */
struct kvt_disturbance {
	double steal;       /* of all CPU time, 0 .. 1; NaN if not known */
	uint64_t throttled; /* times that a cgroup's quota or heat held the CPUs back */
};

struct kvt_disturbance_mark {
	uint64_t steal_ticks, total_ticks, throttled;
	bool known;
};

/** kvt_disturbance_mark() - remember the counters of now */
void kvt_disturbance_mark(struct kvt_disturbance_mark *ret_mark);

/** kvt_disturbance_since() - what happened since */
struct kvt_disturbance kvt_disturbance_since(const struct kvt_disturbance_mark *mark);

/** kvt_is_disturbed() - too much to take the round for an ordinary one */
bool kvt_is_disturbed(const struct kvt_disturbance *disturbance);

struct kvt_command {
	char **argv;        /* borrowed */
	GRegex *metric;     /* its first group is the number; NULL = the time that it takes */
	char **environment; /* NULL = this process's */
};

/**
 * kvt_command_run() - run it once
 * @ret_value: out, the metric, or seconds
 * @error:     out; KVT_STATUS_REFUSED: not started, or it failed (with its last output);
 *             KVT_STATUS_BAD_INPUT: the metric's expression is not in its output
 *
 * Its output is not shown. It is killed if this process dies.
 */
bool kvt_command_run(const struct kvt_command *command, double *ret_value, GError **error);

/** kvt_command_interrupt() - async-signal-safe: end the command that runs, if any, for good */
void kvt_command_interrupt(void);

/** kvt_command_interrupted() - true after that */
bool kvt_command_interrupted(void);

#endif
