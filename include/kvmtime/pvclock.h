/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paravirtual clock of KVM and Xen: reading a vCPU's record as the guest does, writing it as
 * the hypervisor does, and the wall clock and steal time records beside it.
 *
 * A record is in memory that the other side writes at any time, and the other side may be
 * hostile: every field is taken as data, every loop ends.
 */
#ifndef KVMTIME_PVCLOCK_H
#define KVMTIME_PVCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/pvclock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads of one record before a reader gives up. KVM writes it within one VM entry. */
#define KVT_PVCLOCK_ATTEMPTS 1000

/* ---- the guest's side: reading ---- */

/**
 * kvt_pvclock_decode() - a record from bytes
 * @bytes:  copy of the record, little endian
 * @size:   bytes there
 * @ret_ti: out
 *
 * Return: 0, or
 *   -KVT_E_SIZE     fewer than 32 bytes
 *   -KVT_E_CORRUPT  the multiplier is 0, or the shift beyond 63: no hypervisor writes that
 * Context: pure; freestanding; any thread; for dumps (a live record: kvt_pvclock_snapshot()).
 */
int kvt_pvclock_decode(const void *bytes, size_t size, struct pvclock_vcpu_time_info *ret_ti);

/** kvt_wall_clock_decode() - 12 bytes; errors: -KVT_E_SIZE, -KVT_E_CORRUPT (fraction >= 1 s) */
int kvt_wall_clock_decode(const void *bytes, size_t size, struct pvclock_wall_clock *ret_wall);

/** kvt_steal_decode() - 64 bytes; errors: -KVT_E_SIZE */
int kvt_steal_decode(const void *bytes, size_t size, struct kvm_steal_time *ret_steal);

/**
 * kvt_pvclock_ns() - guest system time at one counter reading
 * @ti:         settled copy of the vCPU's record, version even
 * @tsc_cycles: guest TSC; not older than @ti->tsc_timestamp
 * @ret_ns:     out, ns since the hypervisor's epoch
 *
 * system_time + ((delta shifted by tsc_shift) * tsc_to_system_mul >> 32), in 96 bits.
 *
 * Return: 0, or
 *   -KVT_E_TORN   the version is odd: the host was writing
 *   -KVT_E_ORDER  @tsc_cycles is older than the record
 *   -KVT_E_RANGE  the shift or the sum leaves 64 bits
 * Context: pure; freestanding; any thread.
 * Source: Linux Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW.
 */
int kvt_pvclock_ns(const struct pvclock_vcpu_time_info *ti, uint64_t tsc_cycles, uint64_t *ret_ns);

/**
 * kvt_pvclock_snapshot() - settled copy of a record that the other side may be writing
 * @page:    the live record
 * @ret_ti:  out, a copy with one even version
 *
 * Return: 0, or
 *   -KVT_E_BUSY  the record changed, or was being written, in KVT_PVCLOCK_ATTEMPTS reads
 * Context: freestanding; any thread; reads shared memory.
 */
int kvt_pvclock_snapshot(const volatile struct pvclock_vcpu_time_info *page,
			 struct pvclock_vcpu_time_info *ret_ti);

/**
 * kvt_pvclock_read() - guest system time now, from the live record and this CPU's TSC
 * @page:   the live record of this vCPU, or of any vCPU if the stable bit is set
 * @ret_ns: out, ns since the hypervisor's epoch
 *
 * One settled read with the TSC taken between the two looks at the version. Without the stable
 * bit two vCPUs may disagree: pass the result through kvt_pvclock_monotonic().
 *
 * Return: 0, or
 *   -KVT_E_BUSY   as kvt_pvclock_snapshot()
 *   -KVT_E_ORDER  the TSC is older than the record (a record of another CPU's TSC)
 *   -KVT_E_RANGE  the record's scale or sum leaves 64 bits
 * Context: freestanding; x86; any thread; reads shared memory and the TSC.
 */
int kvt_pvclock_read(const volatile struct pvclock_vcpu_time_info *page, uint64_t *ret_ns);

/**
 * kvt_pvclock_monotonic() - never backwards across vCPUs
 * @last: the latest time that any vCPU handed out, ns; shared by all, 8-byte aligned, starts at 0
 * @ns:   what this vCPU read
 *
 * Return: the larger of the two, which is also what @last holds afterwards (or later still).
 * Context: freestanding; any thread; one compare-and-swap.
 */
uint64_t kvt_pvclock_monotonic(uint64_t *last, uint64_t ns);

/**
 * kvt_pvclock_take_stopped() - see and clear the "guest was stopped" flag
 * @page: this vCPU's own live record
 *
 * The guest clears the bit itself, and then pacifies its own watchdogs.
 *
 * Return: true if the flag was set.
 * Context: freestanding; on the vCPU that owns the record.
 * Source: Linux Documentation/virt/kvm/x86/msr.rst, flag bit 1.
 */
bool kvt_pvclock_take_stopped(volatile struct pvclock_vcpu_time_info *page);

/* ---- the hypervisor's side: writing ---- */

/**
 * kvt_pvclock_init() - first record of a vCPU
 * @hz:         guest TSC frequency, Hz; 1 .. 2^63
 * @tsc_cycles: guest TSC now
 * @system_ns:  guest system time now
 * @flags:      PVCLOCK_*
 * @ret_ti:     out, version 0 (kvt_pvclock_publish() counts)
 *
 * Return: 0, or
 *   -KVT_E_ARG  @hz is out of range, or @flags has a bit that no guest may see
 * Context: pure; freestanding; any thread.
 */
int kvt_pvclock_init(uint64_t hz, uint64_t tsc_cycles, uint64_t system_ns, uint8_t flags,
		     struct pvclock_vcpu_time_info *ret_ti);

/**
 * kvt_pvclock_rebase() - the same clock, going on at a new frequency without a step
 * @ti:         the record in force
 * @hz:         guest TSC frequency from now on, Hz
 * @tsc_cycles: guest TSC now; not older than @ti->tsc_timestamp
 * @ret_ti:     out; may be @ti itself
 *
 * The new system_time is the old record's answer at @tsc_cycles, so no reader sees time go back,
 * and none sees it jump by 1 ns or more. Flags are kept.
 *
 * Return: 0, or
 *   -KVT_E_ARG    @hz is out of range
 *   -KVT_E_TORN, -KVT_E_ORDER, -KVT_E_RANGE  as kvt_pvclock_ns()
 * Context: pure; freestanding; any thread.
 */
int kvt_pvclock_rebase(const struct pvclock_vcpu_time_info *ti, uint64_t hz, uint64_t tsc_cycles,
		       struct pvclock_vcpu_time_info *ret_ti);

/**
 * kvt_pvclock_publish() - write a record where the guest can be reading it
 * @page: the live record in guest memory
 * @ti:   what to publish; its version is ignored
 *
 * Odd version, fields, even version, each visible in this order. The version only counts up, so
 * that a reader asleep in its loop cannot meet the same number again for 2^31 updates.
 *
 * Return: nothing; cannot fail.
 * Context: freestanding; one writer a record.
 */
void kvt_pvclock_publish(volatile struct pvclock_vcpu_time_info *page,
			 const struct pvclock_vcpu_time_info *ti);

/* ---- the wall clock record ---- */

/**
 * kvt_wall_clock_publish() - write the guest's wall clock record
 * @page:       the record in guest memory
 * @utc_sec:    UTC at system time 0, s since 1970
 * @utc_nsec:   its fraction, 0 .. 999 999 999
 *
 * Return: 0, or
 *   -KVT_E_ARG    @utc_nsec is not a fraction of a second
 *   -KVT_E_RANGE  the record has 32 bits for the seconds: it ends on 2106-02-07
 * Context: freestanding; one writer a record.
 */
int kvt_wall_clock_publish(volatile struct pvclock_wall_clock *page, uint64_t utc_sec,
			   uint32_t utc_nsec);

/**
 * kvt_wall_clock_snapshot() - settled copy of a live wall clock record
 * @page:     the live record
 * @ret_wall: out, a copy with one even version
 *
 * Return: 0, or
 *   -KVT_E_BUSY     as kvt_pvclock_snapshot()
 *   -KVT_E_CORRUPT  its fraction is a second or more
 * Context: freestanding; any thread; reads shared memory.
 */
int kvt_wall_clock_snapshot(const volatile struct pvclock_wall_clock *page,
			    struct pvclock_wall_clock *ret_wall);

/**
 * kvt_wall_clock_utc() - UTC of a system time
 * @wall:         settled copy
 * @system_ns:    guest system time
 * @ret_utc_sec:  out, s since 1970
 * @ret_utc_nsec: out, 0 .. 999 999 999
 *
 * True when the record was written; the hypervisor does not follow a later change of its date.
 *
 * Return: 0, or
 *   -KVT_E_TORN     the version is odd
 *   -KVT_E_CORRUPT  the fraction is a second or more
 * Context: pure; freestanding; any thread.
 */
int kvt_wall_clock_utc(const struct pvclock_wall_clock *wall, uint64_t system_ns,
		       uint64_t *ret_utc_sec, uint32_t *ret_utc_nsec);

/* ---- the steal time record ---- */

/**
 * kvt_steal_publish() - write a vCPU's steal time
 * @page:      the record in guest memory
 * @steal_ns:  ns that the vCPU waited for a CPU, since it was made
 * @preempted: KVM_VCPU_PREEMPTED while it does not run, else 0
 *
 * Return: nothing; cannot fail.
 * Context: freestanding; one writer a record.
 */
void kvt_steal_publish(volatile struct kvm_steal_time *page, uint64_t steal_ns, uint8_t preempted);

/**
 * kvt_steal_read() - a vCPU's steal time
 * @page:         the live record
 * @ret_steal_ns: out
 *
 * Return: 0, or
 *   -KVT_E_BUSY  as kvt_pvclock_snapshot()
 * Context: freestanding; any thread; reads shared memory.
 */
int kvt_steal_read(const volatile struct kvm_steal_time *page, uint64_t *ret_steal_ns);

#ifdef __cplusplus
}
#endif

#endif
