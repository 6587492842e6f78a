/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's records where their rules differ from KVM's. The time record itself is read with
 * kvt_pvclock_ns() and its kin.
 */
#ifndef KVMTIME_XEN_H
#define KVMTIME_XEN_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/pvclock.h>
#include <kvmtime/abi/xen.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * kvt_xen_flags() - the flags of a vcpu_time_info, as far as they mean something
 * @ti:        settled copy
 * @interface: Xen's interface version that the guest was built for, e.g. 0x00040700
 *
 * Older interfaces have padding there. Xen sets the stable bit only where it runs on the TSC
 * itself; unlike KVM, no CPUID bit says whether the bit may be honoured, the interface does.
 *
 * Return: PVCLOCK_TSC_STABLE_BIT and PVCLOCK_GUEST_STOPPED as set; 0 for an old interface.
 * Context: pure; freestanding; any thread.
 * Source: Xen public header xen.h, struct vcpu_time_info.
 */
uint8_t kvt_xen_flags(const struct pvclock_vcpu_time_info *ti, uint32_t interface);

/**
 * kvt_xen_vcpu_time() - the time record of a vcpu_info
 * @bytes:  copy of a vcpu_info, little endian
 * @size:   bytes there
 * @ret_ti: out
 *
 * Return: 0, or
 *   -KVT_E_SIZE  fewer than XEN_VCPU_INFO_SIZE bytes
 * Context: pure; freestanding; any thread.
 */
int kvt_xen_vcpu_time(const void *bytes, size_t size, struct pvclock_vcpu_time_info *ret_ti);

/**
 * kvt_xen_wall_clock_utc() - UTC of a system time, with 64 bits of seconds
 * @wall:         settled copy
 * @system_ns:    system time
 * @ret_utc_sec:  out, s since 1970
 * @ret_utc_nsec: out, 0 .. 999 999 999
 *
 * Return: 0, or
 *   -KVT_E_TORN     the version is odd
 *   -KVT_E_CORRUPT  the fraction is a second or more
 *   -KVT_E_RANGE    the seconds leave 64 bits
 * Context: pure; freestanding; any thread.
 */
int kvt_xen_wall_clock_utc(const struct xen_wall_clock *wall, uint64_t system_ns,
			   uint64_t *ret_utc_sec, uint32_t *ret_utc_nsec);

#ifdef __cplusplus
}
#endif

#endif
