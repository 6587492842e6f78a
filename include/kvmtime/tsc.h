/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one instruction that the page protocols ask for: an ordered read of the counter.
 */
#ifndef KVMTIME_TSC_H
#define KVMTIME_TSC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__) || defined(__i386__)
#define KVT_HAVE_TSC 1

/**
 * kvt_tsc_ordered() - the time stamp counter, after every earlier load
 *
 * LFENCE; RDTSC. Neither RDTSCP (missing on some CPUs and on software KVM) nor CPUID (an exit in
 * every guest). AMD serialises LFENCE since Linux sets the MSR bit for it (family 10h and later).
 *
 * Return: cycles.
 * Context: freestanding; any thread; #GP if CR4.TSD forbids RDTSC outside ring 0.
 */
static inline uint64_t kvt_tsc_ordered(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}
#endif

#ifdef __cplusplus
}
#endif

#endif
