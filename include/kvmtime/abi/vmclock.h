/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMClock: the counter of the CPU related to real time by the host, in memory shared with the
 * guest. All fields are little endian.
 *
 * Source: UAPI.13 VMClock 1.0 (uapi-group specifications) and Linux
 * include/uapi/linux/vmclock-abi.h (6.19).
 */
#ifndef KVMTIME_ABI_VMCLOCK_H
#define KVMTIME_ABI_VMCLOCK_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/assert.h>

struct vmclock_abi {
	/* constant */
	uint32_t magic;
	uint32_t size; /* of the region, bytes */
	uint16_t version;
	uint8_t counter_id; /* VMCLOCK_COUNTER_* */
	uint8_t time_type;  /* VMCLOCK_TIME_* */
	/* changing, under seq_count */
	uint32_t seq_count;         /* odd = being written */
	uint64_t disruption_marker; /* another value after every migration */
	uint64_t flags;             /* VMCLOCK_FLAG_* */
	uint8_t pad[2];
	uint8_t clock_status; /* VMCLOCK_STATUS_* */
	uint8_t leap_second_smearing_hint;
	int16_t tai_offset_sec; /* TAI minus UTC */
	uint8_t leap_indicator;
	uint8_t counter_period_shift;
	uint64_t counter_value;           /* at time_sec, time_frac_sec */
	uint64_t counter_period_frac_sec; /* s / 2^(64 + counter_period_shift), as the next two */
	uint64_t counter_period_esterror_rate_frac_sec;
	uint64_t counter_period_maxerror_rate_frac_sec;
	uint64_t time_sec;
	uint64_t time_frac_sec; /* s / 2^64 */
	uint64_t time_esterror_nanosec;
	uint64_t time_maxerror_nanosec;
	uint64_t vm_generation_counter; /* in regions that have room for it and the flag */
};

#define VMCLOCK_MAGIC   0x4b4c4356u /* "VCLK" */
#define VMCLOCK_VERSION 1

/* the part that every version 1 region has */
#define VMCLOCK_SIZE_MIN 104

#define VMCLOCK_COUNTER_ARM_VCNT 0
#define VMCLOCK_COUNTER_X86_TSC  1
#define VMCLOCK_COUNTER_INVALID  0xff

#define VMCLOCK_TIME_UTC       0
#define VMCLOCK_TIME_TAI       1
#define VMCLOCK_TIME_MONOTONIC 2
/* 3 and 4 mean smeared time, which the interface forbids */

#define VMCLOCK_FLAG_TAI_OFFSET_VALID       (1u << 0)
#define VMCLOCK_FLAG_DISRUPTION_SOON        (1u << 1)
#define VMCLOCK_FLAG_DISRUPTION_IMMINENT    (1u << 2)
#define VMCLOCK_FLAG_PERIOD_ESTERROR_VALID  (1u << 3)
#define VMCLOCK_FLAG_PERIOD_MAXERROR_VALID  (1u << 4)
#define VMCLOCK_FLAG_TIME_ESTERROR_VALID    (1u << 5)
#define VMCLOCK_FLAG_TIME_MAXERROR_VALID    (1u << 6)
#define VMCLOCK_FLAG_TIME_MONOTONIC         (1u << 7)
#define VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT (1u << 8)

#define VMCLOCK_STATUS_UNKNOWN      0
#define VMCLOCK_STATUS_INITIALIZING 1
#define VMCLOCK_STATUS_SYNCHRONIZED 2
#define VMCLOCK_STATUS_FREERUNNING  3
#define VMCLOCK_STATUS_UNRELIABLE   4

KVT_ABI_SIZE(vmclock_abi, 112);
KVT_ABI_OFFSET(vmclock_abi, seq_count, 12);
KVT_ABI_OFFSET(vmclock_abi, disruption_marker, 16);
KVT_ABI_OFFSET(vmclock_abi, flags, 24);
KVT_ABI_OFFSET(vmclock_abi, clock_status, 34);
KVT_ABI_OFFSET(vmclock_abi, tai_offset_sec, 36);
KVT_ABI_OFFSET(vmclock_abi, counter_period_shift, 39);
KVT_ABI_OFFSET(vmclock_abi, counter_value, 40);
KVT_ABI_OFFSET(vmclock_abi, time_sec, 72);
KVT_ABI_OFFSET(vmclock_abi, time_maxerror_nanosec, 96);

#endif
