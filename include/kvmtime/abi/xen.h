/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's time records. A vCPU's vcpu_time_info has the layout of pvclock_vcpu_time_info and lies in
 * vcpu_info; the wall clock lies in shared_info.
 *
 * Source: Xen public headers xen.h and arch-x86 (4.17).
 */
#ifndef KVMTIME_ABI_XEN_H
#define KVMTIME_ABI_XEN_H

#include <stddef.h>
#include <stdint.h>

#include <kvmtime/abi/assert.h>

#define XEN_VCPU_INFO_SIZE     64
#define XEN_VCPU_INFO_TIME     32    /* offset of vcpu_time_info in vcpu_info, i386 and x86-64 */
#define XEN_SHARED_INFO_WC_X64 0xc00 /* offset of the wall clock in shared_info, x86-64 */

/* Interfaces up to this one have three bytes of padding in the place of flags and pad. */
#define XEN_NO_FLAGS_INTERFACE 0x00040600u

struct xen_wall_clock {
	uint32_t wc_version;
	uint32_t wc_sec;
	uint32_t wc_nsec;
	uint32_t wc_sec_hi; /* x86-64; i386 keeps it elsewhere */
};

KVT_ABI_SIZE(xen_wall_clock, 16);

#endif
