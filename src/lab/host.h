/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's side of a measurement: its clocks, the guest's page read by its TSC, busy threads. */
#ifndef KVT_LAB_HOST_H
#define KVT_LAB_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>

#include "lab/vm.h"

#define LAB_MS INT64_C(1000000)
#define LAB_S  INT64_C(1000000000)
/* the watchdog of a run: far beyond what the slowest KVM needs, and still soon */
#define LAB_TIMEOUT_NS (5 * LAB_S)

int64_t lab_clock(clockid_t clock); /* ns */
#define lab_mono() lab_clock(CLOCK_MONOTONIC)
void lab_sleep_until(int64_t mono_ns);

/**
 * lab_tsc_offset() - guest TSC minus host TSC of a vCPU
 * @ret_cycles: out, modulo 2^64
 *
 * By KVM's own attribute; checked against the guest's last sample by the caller if it matters.
 *
 * Return: false if KVM does not say, or scales the counter: the host cannot read the page then.
 */
bool lab_tsc_offset(struct lab_vcpu *vcpu, uint64_t *ret_cycles, GError **error);

/** lab_page_ns() - a settled copy of a vCPU's record read at a host TSC; 0 or -KVT_E_x */
int lab_page_ns(struct lab_vm *vm, unsigned int vcpu, uint64_t offset_cycles,
		uint64_t host_tsc_cycles, uint64_t *ret_ns);

/* Guest clock minus a host clock, by sandwiches of TSC readings around the host clock's. */
struct lab_offset {
	double offset_ns; /* guest ahead of host positive; middle of the intersection */
	double bound_ns;  /* half width of the intersection */
	double single_ns; /* half width of the best single reading */
	int64_t host_ns;  /* the clock's own value at the middle of the readings */
	unsigned int readings;
};

/**
 * lab_measure_offset() - read the guest's page beside a host clock, many times
 * @shift_ns: added to what the page says: the positive control's fault
 *
 * Return: false with @error if the page cannot be read.
 */
bool lab_measure_offset(struct lab_vm *vm, unsigned int vcpu, uint64_t offset_cycles,
			clockid_t clock, unsigned int readings, int64_t shift_ns,
			struct lab_offset *ret_offset, GError **error);

/** lab_pin() - keep this thread on one CPU of the allowed ones (by index, modulo); its number */
int lab_pin(unsigned int index);
void lab_unpin(void);
unsigned int lab_cpus(void); /* allowed ones */

/* Threads that burn time on the calling thread's allowed CPUs. */
struct lab_hogs;
struct lab_hogs *lab_hogs_start(unsigned int number, int cpu); /* cpu < 0: anywhere */
void lab_hogs_stop(struct lab_hogs *hogs);

/** lab_run_delay_ns() - time that a thread waited for a CPU; false without schedstat */
bool lab_run_delay_ns(pid_t thread, uint64_t *ret_ns);

/** lab_pit_thread() - the kernel's thread that delivers the ticks of our PIT; 0 = none is seen */
pid_t lab_pit_thread(void);

#endif
