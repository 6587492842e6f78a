/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory shared between a hypervisor and its guest: paravirtual clock, wall clock, steal time.
 * Field names are the kernel's. All fields are little endian.
 *
 * Source: Linux Documentation/virt/kvm/x86/msr.rst and arch/x86/include/asm/pvclock-abi.h (6.19).
 */
#ifndef KVMTIME_ABI_PVCLOCK_H
#define KVMTIME_ABI_PVCLOCK_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/assert.h>

/* One per vCPU; Xen's vcpu_time_info is the same 32 bytes. */
struct pvclock_vcpu_time_info {
	uint32_t version; /* odd while the hypervisor writes */
	uint32_t pad0;
	uint64_t tsc_timestamp;     /* guest TSC at the update, cycles */
	uint64_t system_time;       /* ns since the hypervisor's epoch at tsc_timestamp */
	uint32_t tsc_to_system_mul; /* ns per shifted cycle, as a fraction of 2^32 */
	int8_t tsc_shift;           /* applied to the cycles first; positive = to the left */
	uint8_t flags;              /* PVCLOCK_* */
	uint8_t pad[2];
};

#define PVCLOCK_TSC_STABLE_BIT   (1u << 0) /* reads of different vCPUs are in order */
#define PVCLOCK_GUEST_STOPPED    (1u << 1) /* the guest did not run; it clears the bit itself */
#define PVCLOCK_COUNTS_FROM_ZERO (1u << 2) /* burned; no kernel may use it */

KVT_ABI_SIZE(pvclock_vcpu_time_info, 32);
KVT_ABI_OFFSET(pvclock_vcpu_time_info, version, 0);
KVT_ABI_OFFSET(pvclock_vcpu_time_info, tsc_timestamp, 8);
KVT_ABI_OFFSET(pvclock_vcpu_time_info, system_time, 16);
KVT_ABI_OFFSET(pvclock_vcpu_time_info, tsc_to_system_mul, 24);
KVT_ABI_OFFSET(pvclock_vcpu_time_info, tsc_shift, 28);
KVT_ABI_OFFSET(pvclock_vcpu_time_info, flags, 29);

/* Filled once when the guest asks; wall time = this + the system time. Ends in 2106. */
struct pvclock_wall_clock {
	uint32_t version;
	uint32_t sec;  /* UTC seconds since 1970 at system time 0 */
	uint32_t nsec; /* 0 .. 999 999 999 */
};

KVT_ABI_SIZE(pvclock_wall_clock, 12);

/* One per vCPU, 64-byte aligned, zeroed by the guest before it is registered. */
struct kvm_steal_time {
	uint64_t steal; /* ns during which the vCPU wanted to run and did not */
	uint32_t version;
	uint32_t flags; /* 0 today */
	uint8_t preempted;
	uint8_t u8_pad[3];
	uint32_t pad[11];
};

#define KVM_VCPU_PREEMPTED (1u << 0)
#define KVM_VCPU_FLUSH_TLB (1u << 1)

KVT_ABI_SIZE(kvm_steal_time, 64);
KVT_ABI_OFFSET(kvm_steal_time, version, 8);
KVT_ABI_OFFSET(kvm_steal_time, preempted, 16);

/* What the hypercall KVM_HC_CLOCK_PAIRING writes: host wall clock and guest TSC of one moment. */
struct kvm_clock_pairing {
	int64_t sec;
	int64_t nsec;
	uint64_t tsc;
	uint32_t flags;
	uint32_t pad[9];
};

KVT_ABI_SIZE(kvm_clock_pairing, 64);
KVT_ABI_OFFSET(kvm_clock_pairing, tsc, 16);

#endif
