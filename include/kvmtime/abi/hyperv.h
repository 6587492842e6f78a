/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hyper-V's reference TSC page, which KVM offers to Windows guests (hv-time, hypervclock).
 *
 * Source: Microsoft Hypervisor Top Level Functional Specification, "Partition Reference TSC";
 * where it names -1 as the invalid sequence (4.0b and before), Linux and KVM use 0.
 */
#ifndef KVMTIME_ABI_HYPERV_H
#define KVMTIME_ABI_HYPERV_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/assert.h>

struct ms_hyperv_tsc_page {
	uint32_t tsc_sequence; /* 0 = invalid: read the MSR instead */
	uint32_t reserved1;
	uint64_t tsc_scale; /* 100 ns a cycle, fraction of 2^64 */
	int64_t tsc_offset; /* 100 ns */
};

KVT_ABI_SIZE(ms_hyperv_tsc_page, 24);
KVT_ABI_OFFSET(ms_hyperv_tsc_page, tsc_scale, 8);

#define HV_X64_MSR_TIME_REF_COUNT 0x40000020u /* 100 ns since the partition was made */
#define HV_X64_MSR_REFERENCE_TSC  0x40000021u /* page frame of the page, bit 0 = enable */

#endif
