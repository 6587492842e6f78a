/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime watch --kvm: what the host kernel does to the clocks of all its running VMs. */
#ifndef KVT_CLI_WATCH_KVM_H
#define KVT_CLI_WATCH_KVM_H

#include "cli/options.h"

/**
 * kvt_watch_kvm() - the VMs as they are, then each change
 * @recording: a trace that was recorded, "-" = standard input; NULL = this host, live
 * @limit_s:   live: end after that many seconds; 0 = when interrupted
 *
 * Return: exit status: 1 if a VM lost its stable bit meanwhile.
 */
int kvt_watch_kvm(const struct kvt_common *common, const char *recording, double limit_s);

#endif
