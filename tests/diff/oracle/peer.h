/* SPDX-License-Identifier: BSD-2-Clause */
/* Those who run a program on devices that are not ours. */
#ifndef KVT_ORACLE_PEER_H
#define KVT_ORACLE_PEER_H

#include <glib.h>

#include "program.h"
#include "transcript.h"

struct peer {
	const char *name;
	/* NULL if it can run here, else why not (owned) */
	char *(*why_not)(void);
	/* NULL with @error */
	struct transcript *(*run)(const GArray *steps, const char *device, GError **error);
};

extern const struct peer peer_qemu;  /* the bare guest under -accel tcg -icount: exact */
extern const struct peer peer_kvm;   /* the same guest on /dev/kvm: KVM's own PIT, in windows */
extern const struct peer peer_qtest; /* no guest: QEMU's qtest socket, exact */

/* ---- for the peers ---- */

/* How the guest's counter is made device time. */
struct peer_clock {
	double ns_per_cycle;
	uint64_t base_cycles, base_ns;
};

GQuark peer_error_quark(void);
#define PEER_ERROR peer_error_quark()

/* What the guest logged, with the masks of the program put back where they were set. */
struct transcript *peer_transcript(const GArray *steps, const char *device, bool exact,
				   const struct oracle_log *log, const struct peer_clock *clock);
/* The event of one step, without its times and its answer. */
struct event peer_event(const struct oracle_step *step, uint32_t number);
/* The file of the bare guest; owned. */
char *peer_guest(void);

#endif
