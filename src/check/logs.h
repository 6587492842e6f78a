/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the logs below a recorded root tells of the machine's last boot. */
#ifndef KVT_CHECK_LOGS_H
#define KVT_CHECK_LOGS_H

#include "sys/root.h"

/**
 * kvt_logs_prepare() - put the log to judge at /kvmtime/log, with the file's name as its origin
 * @root: recorded; nothing is done if the log is there already
 *
 * The journal of this boot, else the kernel's ring buffer, else a system log; where that does not
 * reach back to the boot, the rotated files before it too, compressed or not.
 */
void kvt_logs_prepare(struct kvt_root *root);

#endif
