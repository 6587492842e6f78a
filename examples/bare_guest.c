/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest without a kernel that reads the paravirtual clock: 32-bit code, entered in protected mode
 * by vmm_pvclock.c, which is the other half. Built freestanding with the library's own sources;
 * it needs nothing else (see meson.build, or copy the one-file library of tools/amalgamate.py).
 *
 * A guest of KVM would find the clock by kvt_guest_find() and register it by kvt_guest_writes().
 */
#include <stdint.h>

#include <kvmtime/pvclock.h>
#include <kvmtime/tsc.h>

#include "pvclock_machine.h"

static void tell(uint16_t port, uint64_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"((uint32_t)value), "d"(port));
	__asm__ volatile("outl %0, %1" : : "a"((uint32_t)(value >> 32)), "d"(port));
}

__attribute__((section(".start"), noreturn)) void _start(void);

void _start(void)
{
	const volatile struct pvclock_vcpu_time_info *page = (const void *)PAGE_GPA;
	uint64_t last_ns = 0, ns;

	tell(PORT_TSC, kvt_tsc_ordered()); /* the VMM answers with a record */
	for (unsigned i = 0; i < READINGS; i++)
		if (kvt_pvclock_read(page, &ns) == 0)
			tell(PORT_TIME, kvt_pvclock_monotonic(&last_ns, ns));
		else
			tell(PORT_FAILED, i);
	tell(PORT_END, 0);
	for (;;)
		__asm__ volatile("cli; hlt");
}
