/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets that hold several things: a sosreport, packed or not, has a machine and the definitions
 * of its guests; an archive holds sosreports, records, logs, definitions. Here and not in
 * src/check, since what is in them may be of any kind.
 */
#ifndef KVT_CLI_TARGET_ARCHIVE_H
#define KVT_CLI_TARGET_ARCHIVE_H

#include "check/target.h"

extern const struct kvt_target_kind kvt_target_sosreport; /* a folder */
extern const struct kvt_target_kind kvt_target_archive;

#endif
