/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recorded machine: one text that holds the time facts of a machine, file by file, and nothing
 * else. kvmtime record and tools/record.sh write it, kvmtime check reads it.
 *
 *   kvmtime-record 1            first line
 *   # text                      a remark; "# synthetic: why" marks one that was written by hand
 *   = /proc/cmdline             a file; its lines follow, each after a '|'
 *   |ro quiet
 *   = /kvmtime/pvclock
 *   x 0400000000000000          ... or its bytes, in hexadecimal, where it is no text
 *   ! /path reason              a file that could not be read
 *   end                         last line: nothing was cut off
 */
#ifndef KVT_CHECK_RECORD_H
#define KVT_CHECK_RECORD_H

#include "check/facts.h"
#include "sys/answers.h"
#include "sys/root.h"

/** kvt_record_looks_like() - true if the bytes begin as a record does */
bool kvt_record_looks_like(const char *bytes, gsize len);

/**
 * kvt_record_parse() - a record as a machine in memory
 * @name:  what the machine's root is called
 * @error: out; KVT_STATUS_BAD_INPUT "NAME:LINE: what is wrong"; a record without its last line is
 *         truncated, which is an error too
 *
 * Return: owned, or NULL.
 */
struct kvt_root *kvt_record_parse(const char *bytes, gsize len, const char *name, GError **error);

/**
 * kvt_record_write() - the record of a machine
 * @root, @answers: the machine
 * @remark:         a line of text, or NULL
 *
 * Only what the list in record_write.c names is taken, and of it only what is about time: known
 * words of the command line, matching lines of the log, time lines of configurations. What becomes
 * a pseudonym, and which names are not recognised, says record_hide.h.
 *
 * Return: owned text.
 */
char *kvt_record_write(const struct kvt_root *root, const struct kvt_answers *answers,
		       const char *remark);

#endif
