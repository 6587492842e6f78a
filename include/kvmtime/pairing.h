/* SPDX-License-Identifier: BSD-2-Clause */
/* The record of the clock pairing hypercall: host wall clock and guest TSC of one moment. */
#ifndef KVMTIME_PAIRING_H
#define KVMTIME_PAIRING_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/pvclock.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * kvt_pairing_decode() - a record from bytes, checked
 * @bytes:       copy of the record, little endian
 * @size:        bytes there
 * @ret_pairing: out
 *
 * Return: 0, or
 *   -KVT_E_SIZE     fewer than 64 bytes
 *   -KVT_E_CORRUPT  nsec is not 0 .. 999 999 999, or sec is negative
 * Context: pure; freestanding; any thread.
 */
int kvt_pairing_decode(const void *bytes, size_t size, struct kvm_clock_pairing *ret_pairing);

/**
 * kvt_pairing_utc() - host wall clock at another counter reading
 * @pairing:      a checked record
 * @ti:           settled pvclock record of the same guest, for the scale
 * @tsc_cycles:   guest TSC; not older than @pairing->tsc
 * @ret_utc_sec:  out, s since 1970
 * @ret_utc_nsec: out, 0 .. 999 999 999
 *
 * Return: 0, or
 *   -KVT_E_CORRUPT  as kvt_pairing_decode()
 *   -KVT_E_ORDER    @tsc_cycles is older than the record
 *   -KVT_E_RANGE    the delta leaves 64 bits of ns
 * Context: pure; freestanding; any thread.
 */
int kvt_pairing_utc(const struct kvm_clock_pairing *pairing,
		    const struct pvclock_vcpu_time_info *ti, uint64_t tsc_cycles,
		    uint64_t *ret_utc_sec, uint32_t *ret_utc_nsec);

/**
 * kvt_pairing_result() - what the hypercall's return value means
 * @value: as the hypercall returned it
 *
 * Return: 0 for success, or
 *   -KVT_E_ABSENT   -95: the host's clock source is not the TSC, or the guest's TSC is emulated;
 *                   -1000: the host does not know the hypercall
 *   -KVT_E_ARG      anything else: a bad address or type
 * Context: pure; freestanding; any thread.
 * Source: Linux Documentation/virt/kvm/x86/hypercalls.rst, KVM_HC_CLOCK_PAIRING.
 */
int kvt_pairing_result(int64_t value);

#ifdef __cplusplus
}
#endif

#endif
