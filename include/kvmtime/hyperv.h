/* SPDX-License-Identifier: BSD-2-Clause */
/* Hyper-V's reference TSC page: reading it as a Windows guest does, making it as KVM does. */
#ifndef KVMTIME_HYPERV_H
#define KVMTIME_HYPERV_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/hyperv.h>

#ifdef __cplusplus
extern "C" {
#endif

/* the unit of the reference clock */
#define KVT_HYPERV_HZ 10000000u

/**
 * kvt_hyperv_decode() - a page from bytes
 * @bytes:    copy of the page, little endian
 * @size:     bytes there
 * @ret_page: out
 *
 * Return: 0, or
 *   -KVT_E_SIZE  fewer than 24 bytes
 * Context: pure; freestanding; any thread.
 */
int kvt_hyperv_decode(const void *bytes, size_t size, struct ms_hyperv_tsc_page *ret_page);

/**
 * kvt_hyperv_time() - reference time at one counter reading
 * @page:       settled copy
 * @tsc_cycles: guest TSC
 * @ret_100ns:  out, 100 ns since the partition was made
 *
 * ((tsc * tsc_scale) >> 64) + tsc_offset, modulo 2^64 as the specification has it: the offset is
 * negative in the usual case.
 *
 * Return: 0, or
 *   -KVT_E_INVALID  the sequence is 0: the hypervisor wants the MSR to be read
 * Context: pure; freestanding; any thread.
 */
int kvt_hyperv_time(const struct ms_hyperv_tsc_page *page, uint64_t tsc_cycles,
		    uint64_t *ret_100ns);

/**
 * kvt_hyperv_read() - reference time now, from the live page and this CPU's TSC
 * @page:      the live page
 * @ret_100ns: out
 *
 * Return: 0, or
 *   -KVT_E_INVALID  as kvt_hyperv_time()
 *   -KVT_E_BUSY     the page changed during every attempt
 * Context: freestanding; x86; any thread; reads shared memory and the TSC.
 */
int kvt_hyperv_read(const volatile struct ms_hyperv_tsc_page *page, uint64_t *ret_100ns);

/**
 * kvt_hyperv_make() - a page for a TSC frequency
 * @hz:         guest TSC frequency, Hz; above 10 MHz
 * @tsc_cycles: guest TSC now
 * @time_100ns: reference time now
 * @ret_page:   out, sequence 1
 *
 * tsc_scale = floor(10^7 * 2^64 / hz): slow by less than 2^-64 of 100 ns a cycle.
 *
 * Return: 0, or
 *   -KVT_E_ARG  @hz is 10 MHz or less: the scale would not fit
 * Context: pure; freestanding; any thread.
 */
int kvt_hyperv_make(uint64_t hz, uint64_t tsc_cycles, uint64_t time_100ns,
		    struct ms_hyperv_tsc_page *ret_page);

/**
 * kvt_hyperv_publish() - write a page where the guest can be reading it
 * @live: the page in guest memory
 * @page: what to publish; its sequence is ignored
 *
 * Sequence 0 while writing, so that a reader falls back to the MSR; then the next number, never 0.
 *
 * Context: freestanding; one writer a page.
 */
void kvt_hyperv_publish(volatile struct ms_hyperv_tsc_page *live,
			const struct ms_hyperv_tsc_page *page);

/**
 * kvt_hyperv_hz() - the TSC frequency that a scale stands for
 * @scale:  not 0
 * @ret_hz: out, 10^7 * 2^64 / scale, rounded to the nearest Hz
 *
 * Return: 0, or
 *   -KVT_E_ARG    @scale is 0
 *   -KVT_E_RANGE  the frequency does not fit 64 bits
 * Context: pure; freestanding; any thread.
 */
int kvt_hyperv_hz(uint64_t scale, uint64_t *ret_hz);

#ifdef __cplusplus
}
#endif

#endif
