/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a reader asks the system beside files, as a set of functions, so that a recorded machine or
 * a test can stand in for a live one. Each function gets @user first and returns 0 or -KVT_E_x.
 */
#ifndef KVT_SYS_ANSWERS_H
#define KVT_SYS_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "sys/root.h"

/* What ntp_adjtime(2) says, in plain units. */
struct kvt_ntp_state {
	bool synchronised; /* not STA_UNSYNC, and the call did not answer TIME_ERROR */
	int64_t offset_ns; /* left to correct; positive = the clock is behind */
	double frequency_ppm;
	int64_t maxerror_us;
	int64_t esterror_us;
	int status;     /* raw STA_ bits */
	bool only_flag; /* all but @synchronised is not known */
};

/* uname(2) */
struct kvt_uname {
	char release[128];
	char version[128];
	char machine[64];
};

struct kvt_answers {
	/* -KVT_E_ABSENT if the leaf or the instruction is not there */
	int (*cpuid)(void *user, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4]);
	int (*ntp)(void *user, struct kvt_ntp_state *ret_state);
	int (*uname)(void *user, struct kvt_uname *ret_name);
	/* the kernel's log as dmesg would print it; NULL and a reason if it cannot be had */
	char *(*log)(void *user, gsize *ret_len, GError **error);
	/*
	 * lines "PID NAME [ARGUMENTS]" of the processes whose name is in the NULL-terminated list;
	 * arguments may be lacking; NULL = the processes cannot be seen
	 */
	char *(*processes)(void *user, const char *const *names);
	/* output of a known question: "chronyc-tracking", ...; NULL = no answer */
	char *(*query)(void *user, const char *question);
	bool is_root;
	bool measured; /* clocks and counters of this very machine may be read for measurement */
	void *user;
};

/** kvt_answers_live() - the machine that the program runs on */
const struct kvt_answers *kvt_answers_live(void);

/**
 * kvt_answers_recorded() - answers from the files below /kvmtime of a root
 * @root: must outlive the answers
 *
 *   cpuid       "LEAF SUBLEAF EAX EBX ECX EDX" a line, hexadecimal
 *   adjtimex    "synchronised yes|no", "offset_ns N", "frequency_ppm X", "maxerror_us N",
 *               "esterror_us N", "status N"; "only yes": nothing but the first is known
 *   uname       "release X", "version X", "machine X"
 *   log         the kernel's log, in any dialect; else /var/log/dmesg and its kin
 *   processes   "PID NAME [ARGUMENTS]" a line
 *   measured    "read_ns X", "read_path vdso|syscall", "warp_ns X", "warp_resolution_ns X",
 *               "warp_reads N": what was measured when the record was made
 *   QUESTION    the output of that question, e.g. chronyc-tracking
 */
void kvt_answers_recorded(const struct kvt_root *root, struct kvt_answers *ret_answers);

/** kvt_is_denied() - true if an error's text says that permission was lacking */
bool kvt_is_denied(const char *message);

#endif
