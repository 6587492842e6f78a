/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the author of a kernel or unikernel: finding KVM's clock by CPUID, and the MSR writes that
 * each vCPU has to do.
 *
 *   1. kvt_guest_find() once on the boot CPU.
 *   2. Memory: a pvclock record a vCPU (32 bytes, 4-byte aligned; give each 64 bytes, so that
 *      vCPUs do not share a cache line, and a page of their own if user space shall map them);
 *      a steal time record a vCPU (64 bytes, 64-byte aligned, zeroed); one wall clock record
 *      (12 bytes, 4-byte aligned). All in RAM that is not moved, and in a confidential guest
 *      shared with the host.
 *   3. kvt_guest_writes() at KVT_GUEST_START on every vCPU, and what it lists written by that
 *      vCPU itself: WRMSR acts on the CPU that executes it.
 *   4. Time: kvt_pvclock_read() on the own record. If features.stable_bit is false, or the flag
 *      is clear, through kvt_pvclock_monotonic().
 *   5. KVT_GUEST_RESUME on every vCPU after a suspend to RAM, and on the boot CPU whenever the
 *      wall clock is wanted anew: the hypervisor fills that record only when it is asked. A
 *      restore from a snapshot or a migration keeps the MSRs, but not the truth of a wall clock
 *      that was read before.
 *   6. KVT_GUEST_STOP before a vCPU goes off line or another kernel takes over the memory.
 */
#ifndef KVMTIME_GUEST_H
#define KVMTIME_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/kvm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What KVM offers to this guest. */
struct kvt_guest_features {
	uint32_t base;        /* the signature leaf: 0x40000000, or moved up by another interface */
	uint32_t feature_eax; /* of leaf base + 1 */
	bool clock;           /* a pvclock record can be had */
	bool old_msrs;        /* ... by the deprecated MSRs alone */
	bool stable_bit;      /* the flag PVCLOCK_TSC_STABLE_BIT may be honoured */
	bool steal_time;
	uint32_t msr_system_time; /* 0 if not clock */
	uint32_t msr_wall_clock;  /* 0 if not clock */
	uint32_t msr_steal_time;  /* 0 if not steal_time */
};

/**
 * kvt_guest_find() - KVM's leaves, features and MSR numbers
 * @cpuid:   executes CPUID: ret = EAX, EBX, ECX, EDX of the leaf, subleaf 0
 * @context: passed through to @cpuid
 * @ret_features: out
 *
 * The hypervisor bit is checked first, then every place where the signature may have moved to.
 *
 * Return: 0, or
 *   -KVT_E_ABSENT  not in a virtual machine, or not under KVM's interface
 * Context: freestanding; CPUID exits to the hypervisor: once at boot.
 * Source: Linux Documentation/virt/kvm/x86/cpuid.rst.
 */
int kvt_guest_find(void (*cpuid)(void *context, uint32_t leaf, uint32_t ret[4]), void *context,
		   struct kvt_guest_features *ret_features);

enum kvt_guest_moment {
	KVT_GUEST_START,  /* the vCPU comes up */
	KVT_GUEST_RESUME, /* the machine was suspended, or the wall clock is wanted anew */
	KVT_GUEST_STOP    /* the vCPU goes off line, or the memory gets another owner */
};

/* Where the records of one vCPU lie. */
struct kvt_guest_records {
	uint64_t system_time_gpa; /* pvclock_vcpu_time_info */
	uint64_t steal_time_gpa;  /* kvm_steal_time; 0 = none wanted */
	uint64_t wall_clock_gpa;  /* pvclock_wall_clock; 0 = not by this vCPU */
};

struct kvt_guest_write {
	uint32_t msr;
	uint64_t value;
};

#define KVT_GUEST_WRITES 3

/**
 * kvt_guest_writes() - the MSR writes of one vCPU, in their order
 * @features: from kvt_guest_find()
 * @moment:   which
 * @records:  the vCPU's own
 * @ret_writes: out
 * @ret_count:  out, writes to do
 *
 * Return: 0, or
 *   -KVT_E_ARG     @moment is none of the three
 *   -KVT_E_ABSENT  a record is given that KVM does not offer here
 *   -KVT_E_ALIGN   a record's address is not aligned as the interface demands
 *   -KVT_E_RANGE   an address is 0 where one is needed, or above 52 bits
 * Context: pure; freestanding; any thread.
 * Source: Linux Documentation/virt/kvm/x86/msr.rst.
 */
int kvt_guest_writes(const struct kvt_guest_features *features, enum kvt_guest_moment moment,
		     const struct kvt_guest_records *records,
		     struct kvt_guest_write ret_writes[KVT_GUEST_WRITES], size_t *ret_count);

#ifdef __cplusplus
}
#endif

#endif
