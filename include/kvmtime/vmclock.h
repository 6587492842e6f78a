/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a VMClock region: real time from the CPU's counter, with the host's own error bound. */
#ifndef KVMTIME_VMCLOCK_H
#define KVMTIME_VMCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/vmclock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A moment, and how wrong it can be. */
struct kvt_vmclock_time {
	uint64_t sec;         /* since the epoch of the region's time_type */
	uint64_t frac_q64;    /* s / 2^64 */
	uint64_t maxerror_ns; /* valid if maxerror_known */
	bool maxerror_known;  /* the region states both the time's and the period's maximum error */
};

/**
 * kvt_vmclock_decode() - a region from bytes, checked
 * @bytes:   copy of the region, little endian
 * @size:    bytes there
 * @ret_abi: out; vm_generation_counter is 0 unless it is flagged and there
 *
 * Return: 0, or
 *   -KVT_E_SIZE     fewer bytes than VMCLOCK_SIZE_MIN, or than the region says it has
 *   -KVT_E_MAGIC    not "VCLK"
 *   -KVT_E_VERSION  not version 1
 *   -KVT_E_TORN     seq_count is odd
 * Context: pure; freestanding; any thread.
 */
int kvt_vmclock_decode(const void *bytes, size_t size, struct vmclock_abi *ret_abi);

/**
 * kvt_vmclock_snapshot() - settled copy of a live region
 * @region:  the mapped region
 * @size:    bytes mapped
 * @ret_abi: out
 *
 * Return: as kvt_vmclock_decode(), and
 *   -KVT_E_BUSY  the region was being written in every attempt
 * Context: freestanding; any thread; reads shared memory.
 */
int kvt_vmclock_snapshot(const volatile void *region, size_t size, struct vmclock_abi *ret_abi);

/**
 * kvt_vmclock_time() - the time at one counter reading
 * @abi:      settled copy
 * @counter:  counter of the kind that counter_id says; not before counter_value
 * @ret_time: out
 *
 * time + (counter - counter_value) * period / 2^(64 + shift) s, in 128 bits, truncated.
 * Maximum error: the time's, and the period's times the delta, rounded up.
 *
 * Return: 0, or
 *   -KVT_E_INVALID  no counter, no period, a smeared or unknown time type, or a clock that is
 *                   initializing or unreliable: the host says nothing about the time
 *   -KVT_E_ORDER    @counter is before the record
 *   -KVT_E_RANGE    the time leaves 64 bits of seconds, or the error 64 bits of ns
 * Context: pure; freestanding; any thread.
 */
int kvt_vmclock_time(const struct vmclock_abi *abi, uint64_t counter,
		     struct kvt_vmclock_time *ret_time);

/**
 * kvt_vmclock_hz() - frequency of the counter
 * @abi:    settled copy
 * @ret_hz: out, 2^(64 + shift) / period, rounded to the nearest Hz
 *
 * Return: 0, or
 *   -KVT_E_INVALID  no period
 *   -KVT_E_RANGE    the frequency does not fit 64 bits
 * Context: pure; freestanding; any thread.
 */
int kvt_vmclock_hz(const struct vmclock_abi *abi, uint64_t *ret_hz);

/** kvt_vmclock_frac_ns() - ns of a fraction of a second in units of 2^-64 s, truncated */
uint32_t kvt_vmclock_frac_ns(uint64_t frac_q64);

#ifdef __cplusplus
}
#endif

#endif
