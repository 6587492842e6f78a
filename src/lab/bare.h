/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest without any interrupt controller: the VMM holds a tick until the vCPU can take it and
 * injects its vector itself (KVM_INTERRUPT). HLT comes back to the VMM.
 */
#ifndef KVT_LAB_BARE_H
#define KVT_LAB_BARE_H

#include "lab/vm.h"

/* What the VMM did. */
struct lab_bare_counts {
	unsigned int injected;
	unsigned int halts;
	unsigned int windows; /* had to wait until the guest could take it */
};

/**
 * lab_bare_run() - run the job of the guest on this thread with our PIT, which loses no tick
 * @vm:     LAB_IRQCHIP_NONE, its mailbox filled; the job says LAB_EVENT_READY and later DONE
 * @run_ns: from READY until the guest is told to stop
 * @ret:    out; NULL if not wanted
 *
 * Return: false with @error, a guest that does not come to its end included.
 */
bool lab_bare_run(struct lab_vm *vm, int64_t run_ns, struct lab_bare_counts *ret, GError **error);

#endif
