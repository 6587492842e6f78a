/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of targets that check, fix and their kin take, in the order in which they are asked. */
#ifndef KVT_CLI_TARGETS_H
#define KVT_CLI_TARGETS_H

#include "check/target.h"

/**
 * kvt_target_read() - a target's facts
 * @name:  as given on the command line, libvirt:NAME too; NULL = this machine
 * @error: out; KVT_STATUS_REFUSED or KVT_STATUS_BAD_INPUT
 *
 * Return: owned array of owned struct kvt_facts, at least one; or NULL.
 */
GPtrArray *kvt_target_read(const char *name, GError **error);

/**
 * kvt_target_read_bytes() - the facts of a target that is in memory already
 * @name: for people and messages
 *
 * Return and errors as kvt_target_read().
 */
GPtrArray *kvt_target_read_bytes(const char *name, const char *bytes, gsize len, GError **error);

/** kvt_target_is_unknown() - true of the error that says that it is of no kind at all */
bool kvt_target_is_unknown(const GError *error);

#endif
