/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where this machine's time pages are: the kernel's own pvclock page, which it maps into every
 * process beside the vDSO, VMClock devices, and the kernel's clock source and TSC rate.
 *
 * Files are read below a struct kvt_root, the rest goes through struct kvt_calls. A recorded
 * machine is a root that is not live with kvt_calls_none: its pvclock page, if it was taken along,
 * is the file KVT_RECORDED_PVCLOCK, its VMClock regions are regular files.
 */
#ifndef KVT_SYS_TIMEPAGES_H
#define KVT_SYS_TIMEPAGES_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <kvmtime/guest.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/vmclock.h>

#include "sys/calls.h"
#include "sys/root.h"

/* In a recorded machine: the bytes of its pvclock page, from the record of vCPU 0 on. */
#define KVT_RECORDED_PVCLOCK "/kvmtime/pvclock"

/* From one vCPU's record to the next in the kernel's page. */
#define KVT_PVCLOCK_STRIDE 64

/* ---- the pvclock page ---- */

enum kvt_pvclock_state {
	KVT_PVCLOCK_UNKNOWN,  /* could not be looked for; see reason */
	KVT_PVCLOCK_NO_VVAR,  /* the kernel maps no such page: too old, not x86, or no vDSO */
	KVT_PVCLOCK_UNMAPPED, /* the place is there, no page in it: pvclock was never the vDSO's
				 clock */
	KVT_PVCLOCK_UNLIKELY, /* a page is there, but what it holds is no pvclock record */
	KVT_PVCLOCK_FOUND,
};

struct kvt_pvclock_page {
	enum kvt_pvclock_state state;
	char *reason;     /* in words, unless found */
	bool refused;     /* unknown because the system refused, not because it is a recording */
	char mapping[16]; /* "[vvar_vclock]", "[vvar]"; empty if recorded or not found */
	unsigned page;    /* which page of the mapping */
	const volatile guint8 *bytes; /* of the first record; NULL unless found */
	unsigned records;             /* that can be had from there: 1 .. 64; vCPU 0 first */
	char *recorded;               /* owns bytes of a recording */
};

/**
 * kvt_pvclock_find() - the pvclock page that the kernel maps into this process
 * @root:     machine; its /proc/self/maps tells the address
 * @calls:    how to look at memory
 * @ret_page: out, filled in any case; kvt_pvclock_page_clear() it
 *
 * Linux 6.13 and later: first page of [vvar_vclock]. Linux 4.5 to 6.12: second or third page of
 * [vvar], with other pages around it; so whatever is found must look like a record that a
 * hypervisor would write (kvt_pvclock_implausible()). No privilege is needed, no signal raised.
 *
 * Return: true if found.
 * Source: Linux arch/x86/entry/vdso/vma.c, 4.5 to 6.19.
 */
bool kvt_pvclock_find(const struct kvt_root *root, const struct kvt_calls *calls,
		      struct kvt_pvclock_page *ret_page);

void kvt_pvclock_page_clear(struct kvt_pvclock_page *page);

/**
 * kvt_pvclock_record() - settled copy of one vCPU's record
 * @page:   found
 * @vcpu:   0 .. @page->records - 1
 * @ret_ti: out
 *
 * Return: 0, or
 *   -KVT_E_ARG     @vcpu has no record in this page
 *   -KVT_E_ABSENT  the record was never written (that vCPU does not exist, or has its own page)
 *   -KVT_E_BUSY    as kvt_pvclock_snapshot()
 */
int kvt_pvclock_record(const struct kvt_pvclock_page *page, unsigned vcpu,
		       struct pvclock_vcpu_time_info *ret_ti);

/**
 * kvt_pvclock_implausible() - why bytes that have a record's layout are none
 * @ti:         settled copy
 * @tsc_cycles: the counter after the copy was made; 0 = not known
 *
 * Looked at: version, padding, the multiplier's top bit and the shift that every hypervisor
 * normalises to, a rate of 1 MHz to 100 GHz, a timestamp that is not in the future. Unknown flags
 * pass.
 *
 * Return: static text, or NULL if it can be a record.
 */
const char *kvt_pvclock_implausible(const struct pvclock_vcpu_time_info *ti, uint64_t tsc_cycles);

/* ---- beside the kernel's clocks ---- */

struct kvt_clock_pair {
	clockid_t clock;
	int64_t clock_ns;      /* what the kernel's clock said */
	uint64_t page_ns;      /* the page's value in the middle of the window around it */
	int64_t difference_ns; /* page minus clock */
	uint64_t bound_ns;   /* how far the difference can be off: half of the window, rounded up */
	uint64_t tsc_cycles; /* at the middle of the window */
	struct pvclock_vcpu_time_info ti; /* the record that page_ns was computed with */
};

/* Attempts of which the one with the narrowest window counts. */
#define KVT_CLOCK_PAIR_ATTEMPTS 64

/**
 * kvt_clock_pair_read() - the page's value beside one of the kernel's clocks
 * @page:     found, of the running machine
 * @calls:    TSC and clock
 * @clock:    CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, ...
 * @ret_pair: out
 *
 * The counter is read before and after the clock; the narrowest of KVT_CLOCK_PAIR_ATTEMPTS
 * windows whose record did not change counts.
 *
 * Return: 0, or
 *   -KVT_E_ABSENT  no such clock, or no counter
 *   -KVT_E_BUSY, -KVT_E_ORDER, -KVT_E_RANGE  as kvt_pvclock_read()
 */
int kvt_clock_pair_read(const struct kvt_pvclock_page *page, const struct kvt_calls *calls,
			clockid_t clock, struct kvt_clock_pair *ret_pair);

/**
 * kvt_clock_raw_bound() - how far page and CLOCK_MONOTONIC_RAW move apart by rounding alone
 * @ti:          the record in force for the whole time
 * @clocksource: the kernel's, e.g. "tsc"
 * @khz:         the rate that the kernel works with; 0 = not known: 1 kHz to either side of the
 *               page's is allowed
 * @cycles:      the time, in cycles of the TSC
 * @ret_low_ns:  out, smallest change of page minus clock
 * @ret_high_ns: out, largest
 *
 * Under kvm-clock both are the same count of ns. Under tsc the page has the hypervisor's scale,
 * the clock the kernel's, each an integer, from a rate in whole kHz. What two readings add is not
 * in it (struct kvt_clock_pair has their bounds).
 *
 * Return: 0, or
 *   -KVT_E_ABSENT  the clock source runs by another counter: nothing is known
 *   -KVT_E_ARG, -KVT_E_RANGE  as kvt_scale_bound()
 */
int kvt_clock_raw_bound(const struct pvclock_vcpu_time_info *ti, const char *clocksource,
			uint64_t khz, uint64_t cycles, int64_t *ret_low_ns, int64_t *ret_high_ns);

/* ---- VMClock ---- */

struct kvt_vmclock_device {
	char *path;             /* "/dev/vmclock0" */
	char *reason;           /* why there is no region, in words; else NULL */
	bool refused;           /* ... because permission is missing */
	struct vmclock_abi abi; /* settled copy */
	/* beside CLOCK_REALTIME, if the region tells the time of this moment */
	bool compared;
	int64_t difference_ns; /* region minus CLOCK_REALTIME, both as UTC; positive = the clock
				* here is behind the host's */
	uint64_t bound_ns;     /* half of the window; the host's own maximum error comes on top */
	struct kvt_vmclock_time time; /* what the region said */
};

/**
 * kvt_vmclock_list() - every /dev/vmclock* with its region
 *
 * Mapped where that works, read where it does not, a regular file in a recording.
 *
 * Return: owned array of struct kvt_vmclock_device *, in order of the names; empty if none.
 */
GPtrArray *kvt_vmclock_list(const struct kvt_root *root, const struct kvt_calls *calls);

/* ---- clock source and rate ---- */

/** kvt_clocksource_current() - e.g. "tsc"; owned, NULL if not known */
char *kvt_clocksource_current(const struct kvt_root *root);

/** kvt_clocksource_available() - in the kernel's order; owned, NULL if not known */
char **kvt_clocksource_available(const struct kvt_root *root);

/**
 * kvt_tsc_kernel_khz() - the TSC rate that the kernel works with
 * @ret_source: out, static: where it was read; NULL if not wanted
 *
 * In this order: /sys/devices/system/cpu/cpu0/tsc_freq_khz (some kernels); the last "tsc:" line
 * of the kernel's log; "cpu MHz" of /proc/cpuinfo where neither cpufreq nor APERF/MPERF would
 * make it the core's momentary rate.
 *
 * Return: kHz, or 0 if not known.
 */
uint64_t kvt_tsc_kernel_khz(const struct kvt_root *root, const struct kvt_calls *calls,
			    const char **ret_source);

/**
 * kvt_tsc_kernel_scale() - the mult/shift pair of Linux's clock source "tsc"
 * @khz:       not 0
 * @ret_mult:  out, ns a cycle, fraction of 2^shift
 * @ret_shift: out
 *
 * The largest multiplier that still fits 64 bits over 600 s; CLOCK_MONOTONIC_RAW runs with it,
 * and is off the stated rate by what rounding it to an integer costs.
 *
 * Source: Linux kernel/time/clocksource.c, clocks_calc_mult_shift(); 6.19.
 */
void kvt_tsc_kernel_scale(uint64_t khz, uint32_t *ret_mult, unsigned *ret_shift);

/**
 * kvt_kernel_log() - the kernel's log
 *
 * /dev/kmsg of a live machine (needs privilege where kernel.dmesg_restrict is set), else
 * /var/log/dmesg, else /var/log/kern.log.
 *
 * Return: owned text, lines ended by '\n'; NULL if it cannot be read.
 */
char *kvt_kernel_log(const struct kvt_root *root, const struct kvt_calls *calls);

#endif
