/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the lab and its bare guest say to each other: fixed guest addresses, one mailbox that both
 * write, one port that ends a run. Shared by the host program and both builds of the guest.
 */
#ifndef KVT_LAB_GUEST_MAILBOX_H
#define KVT_LAB_GUEST_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/assert.h>

/* guest physical addresses */
#define LAB_MAILBOX_GPA 0x4000u
#define LAB_CLOCK_GPA   0x5000u /* a pvclock record a vCPU, 64 bytes apart */
#define LAB_STEAL_GPA   0x6000u /* a steal time record a vCPU, 64 bytes */
#define LAB_WALL_GPA    0x7000u
#define LAB_TABLES_GPA  0x8000u /* page tables, and the descriptor table behind them */
#define LAB_IMAGE_GPA   0x20000u
#define LAB_STACK_GPA   0x80000u /* end of vCPU 0's; each is 0x2000 below the one before */
#define LAB_STACK_SIZE  0x2000u
#define LAB_LOG_GPA     0x100000u /* one 64-bit TSC stamp a tick */
#define LAB_MEMORY_SIZE 0x200000u
#define LAB_LOG_ENTRIES ((LAB_MEMORY_SIZE - LAB_LOG_GPA) / 8)
#define LAB_VCPUS_MAX   8

/* OUT of 32 bits: an enum lab_event */
#define LAB_PORT 0x5f0u

enum lab_event {
	LAB_EVENT_READY = 1, /* the job is set up */
	LAB_EVENT_SAMPLE,    /* one reading lies in the mailbox */
	LAB_EVENT_DONE,      /* the job ended */
	LAB_EVENT_EXCEPTION, /* fault_vector and fault_pc are set */
	LAB_EVENT_NO_CLOCK   /* CPUID offers no KVM clock */
};

enum lab_job {
	LAB_JOB_CLOCK,    /* kvm-clock, wall clock and steal time on; a sample after every entry */
	LAB_JOB_SELFTEST, /* speed, and whether an interrupt in service is seen */
	LAB_JOB_TICKS,    /* count the ticks of one device until told to stop */
	LAB_JOB_WARP,     /* several vCPUs compare their clocks under a lock */
	LAB_JOB_SPIN,     /* kvm-clock on, then burn time until told to stop */
	LAB_JOB_PORTS,    /* play the list of port accesses in the log area */
	LAB_JOB_WILD,     /* seeded fault: jump to nowhere */
	LAB_JOB_TRIPLE,   /* seeded fault: no interrupt table, then an exception */
	LAB_JOB_ENDLESS,  /* seeded fault: never leave */
	LAB_JOB_POPCNT    /* an instruction that software KVM does not know; then done */
};

enum lab_device {
	LAB_DEVICE_PIT,
	LAB_DEVICE_RTC,
	LAB_DEVICE_LAPIC_PERIODIC,
	LAB_DEVICE_LAPIC_ONESHOT,
	LAB_DEVICE_LAPIC_DEADLINE,
	LAB_DEVICES
};

enum lab_route { LAB_ROUTE_PIC, LAB_ROUTE_IOAPIC };

#define LAB_FLAG_STABLE  (1u << 0) /* the record's own flags, as the guest saw them last */
#define LAB_FLAG_MSR_OLD (1u << 8) /* in use_flags: the deprecated system time MSR */

struct lab_mailbox {
	/* host to guest, before the run */
	uint32_t job;
	uint32_t device;
	uint32_t route;
	uint32_t busy;            /* 1 = compute instead of HLT between ticks */
	uint32_t reload;          /* PIT divisor, or local APIC timer count */
	uint32_t use_flags;       /* LAB_FLAG_MSR_OLD */
	uint64_t deadline_cycles; /* TSC deadline and one-shot: period */
	uint32_t rounds;          /* WARP: readings a vCPU; PORTS: accesses */
	uint32_t vcpus;
	/* host to guest, during the run */
	uint32_t stop;
	uint32_t rtc_rate; /* rate code of register A */
	uint32_t pit_pin;  /* IOAPIC pin of the PIT, 0 = pin 0 */
	uint32_t no_lapic; /* there is none: leave it alone */
	uint32_t log;      /* 1 = stamp the ticks of "device" into the log */
	uint32_t again;    /* CLOCK: 1 = register the clock anew before the next sample */
	/* guest to host */
	uint32_t ticks[6];     /* by enum lab_device; one spare */
	uint64_t start_cycles; /* TSC when the device was started */
	uint32_t stopped_seen; /* "guest was stopped" flags taken */
	uint32_t flags_seen;   /* of the record at the last reading */
	int32_t clock_error;   /* of the last reading: 0 or -KVT_E_x */
	uint32_t spurious;
	uint64_t sample_cycles_before;
	uint64_t sample_cycles_after;
	uint64_t sample_ns; /* kvm-clock as the guest read it */
	uint64_t steal_ns;
	uint32_t wall_sec;
	uint32_t wall_nsec;
	uint64_t fault_pc;
	uint32_t fault_vector;
	uint32_t in_service;  /* SELFTEST: 1 = the handler saw its interrupt in service */
	uint64_t loop_cycles; /* SELFTEST: TSC cycles of LAB_LOOP rounds of two instructions */
	uint64_t read_cycles; /* SELFTEST: TSC cycles of LAB_READS clock readings */
	uint64_t spin_reads;  /* SPIN: clock readings */
	uint64_t step_max_ns; /* SPIN: longest step between two readings */
	uint64_t back_max_ns; /* SPIN: largest step backwards */
	uint32_t back_count;
	uint32_t warp_done;    /* WARP: vCPUs that ended */
	uint64_t warp_last_ns; /* guarded by warp_lock */
	uint64_t warp_max_ns;
	uint32_t warps;
	uint32_t warp_lock;
};

#define LAB_LOOP  100000u
#define LAB_READS 64u

KVT_ABI_OFFSET(lab_mailbox, deadline_cycles, 24);
KVT_ABI_OFFSET(lab_mailbox, start_cycles, 88);
KVT_ABI_OFFSET(lab_mailbox, fault_pc, 152);
KVT_ABI_SIZE(lab_mailbox, 240);

/* PORTS: one access a log entry: port, direction and size in bits 16.., value above */
#define LAB_ACCESS(port, write, size, value)                                                       \
	((uint64_t)(uint16_t)(port) | (uint64_t)((write) ? 1 : 0) << 16 | (uint64_t)(size) << 20 | \
	 (uint64_t)(uint32_t)(value) << 32)

#endif
