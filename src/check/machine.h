/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine, live, recorded or mounted, read into facts. Which subject its facts belong to is
 * decided first: a guest, a host, or both.
 */
#ifndef KVT_CHECK_MACHINE_H
#define KVT_CHECK_MACHINE_H

#include "check/facts.h"
#include "check/messages.h"
#include "sys/answers.h"
#include "sys/root.h"

/**
 * kvt_machine_read() - everything that can be known about a machine
 * @root:   where its files are
 * @answers:  what is not a file
 * @target: what the facts are about, for people
 *
 * Never fails: what cannot be read is an unknown fact with its reason.
 *
 * Return: owned.
 */
struct kvt_facts *kvt_machine_read(const struct kvt_root *root, const struct kvt_answers *answers,
				   const char *target);

/** kvt_log_read_machine() - a log by itself as a machine: what else it says of it is read too
 *  @name: of the log, for people */
struct kvt_facts *kvt_log_read_machine(const char *bytes, gsize len, const char *name);

/* ---- what the readers share; one function a file read_*.c ---- */

struct kvt_reader {
	const struct kvt_root *root;
	const struct kvt_answers *answers;
	struct kvt_facts *facts;
	unsigned who;                        /* subject bits of the machine */
	const struct kvt_messages *messages; /* NULL = none could be loaded */
};

/* Settles @reader->who and the roles of the set, so it comes first. */
void kvt_read_identity(struct kvt_reader *reader);
void kvt_read_kernel(const struct kvt_reader *reader);
void kvt_read_cpu(const struct kvt_reader *reader);
void kvt_read_clock(const struct kvt_reader *reader);
void kvt_read_cmdline(const struct kvt_reader *reader);
void kvt_read_ntp(const struct kvt_reader *reader);
void kvt_read_kvm(const struct kvt_reader *reader);
void kvt_read_log(const struct kvt_reader *reader);
void kvt_read_measured(const struct kvt_reader *reader);
/* Comes last: it says "configured" of what the others found running. */
void kvt_read_files(const struct kvt_reader *reader);

/** kvt_read_rates() - the TSC's rate, and that of the clocks that can bear it out (sys/witness.h);
 *  the measured kHz, 0 if it was not measured */
double kvt_read_rates(const struct kvt_reader *reader);

/** kvt_judge_trust() - tsc.trusted from the facts that are there: yes only with an independent
 *  witness, an invariant TSC and CPUs in step; no if anything speaks against it; else unknown */
void kvt_judge_trust(const struct kvt_reader *reader);

/** kvt_read_covers() - true if files below that first step of a path were taken along at all: only
 *  then does a file that is not there mean that the machine has none */
bool kvt_read_covers(const struct kvt_reader *reader, const char *first_step);

/** kvt_measured_lines() - what was measured, as a record keeps it: "|KEY VALUE" a line; owned */
char *kvt_measured_lines(const struct kvt_facts *facts);
#define KVT_RECORDED_MEASURED "/kvmtime/measured"

/** kvt_read_from() - where a recorded answer is from: its origin if the root knows one, else
 *  @otherwise; borrowed
 *  @path: of the recorded file */
const char *kvt_read_from(const struct kvt_reader *reader, const char *path, const char *otherwise);

/** kvt_cmdline_is_known() - true if a word of a kernel command line is about time */
bool kvt_cmdline_is_known(const char *argument);

/** kvt_time_daemons - names of processes that have to do with time; NULL-terminated */
extern const char *const kvt_time_daemons[];

/** kvt_messages_shared() - the messages, loaded once for the program's life */
const struct kvt_messages *kvt_messages_shared(void);

/** kvt_read_line() - first line of a file; else the fact becomes unknown (absent if @missing) */
char *kvt_read_line(const struct kvt_reader *reader, const char *path, const char *name,
		    bool missing_is_absent);

/** kvt_read_file() - a whole file, or NULL; no fact is touched */
char *kvt_read_file(const struct kvt_reader *reader, const char *path);

/** kvt_read_failed() - make a fact unknown for the reason that an error gives */
void kvt_read_failed(const struct kvt_reader *reader, unsigned configured, const char *name,
		     const GError *error);

/** kvt_read_setting() - KEY=value of a shell-style file, the last one; owned, NULL = not there;
 *  @ret_line may be NULL */
char *kvt_read_setting(const char *text, const char *key, guint *ret_line);

/** kvt_words() - split at white space without empty words; owned */
char **kvt_words(const char *text);

#endif
