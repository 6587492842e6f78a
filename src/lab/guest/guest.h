/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bare guest. One source, two builds: 64-bit flat for the lab's own VMM, 32-bit multiboot for
 * QEMU. Baseline integer instructions alone, no INT n, no IRET in 32 bits, no hypercall: what every
 * KVM runs, the one that emulates each instruction in software too.
 */
#ifndef KVT_LAB_GUEST_GUEST_H
#define KVT_LAB_GUEST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/guest/mailbox.h"

#define VECTOR_IRQ0  0x20 /* of the PIC pair: 0x20 .. 0x2f */
#define VECTOR_TIMER 0x30 /* local APIC timer */
#define VECTOR_SELF  0x31 /* the self-test's interrupt */
#define VECTORS      0x32

static inline volatile struct lab_mailbox *mailbox(void)
{
	return (volatile struct lab_mailbox *)(uintptr_t)LAB_MAILBOX_GPA;
}

/* ---- instructions ---- */

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t in16(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

/* plain MOV only: an emulator meets the simplest form */
static inline void mmio_write(uint32_t address, uint32_t value)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(value), "r"((uintptr_t)address) : "memory");
}

static inline uint32_t mmio_read(uint32_t address)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=r"(value) : "r"((uintptr_t)address) : "memory");
	return value;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

/* ---- the parts of the guest ---- */

void interrupts_setup(void);                   /* descriptor table; interrupts stay off */
void interrupt(uint32_t vector, uintptr_t pc); /* from the stubs */
void chips_setup(enum lab_route route);        /* PIC pair and local APIC */
void irq_unmask(uint8_t irq);                  /* after chips_setup() */
bool device_start(enum lab_device device);     /* by the mailbox; false = unknown */
void device_interrupt(uint32_t vector);        /* count, acknowledge, end of interrupt */
void selftest(void);
bool clock_setup(unsigned int vcpu);  /* false = CPUID offers no KVM clock */
void clock_sample(unsigned int vcpu); /* one reading into the mailbox */
uint64_t clock_ns(unsigned int vcpu); /* 0 if it cannot be read */
void job_run(unsigned int vcpu);
void relax(void); /* HLT, or some work, as the mailbox says */

static inline void event(enum lab_event number)
{
	out32(LAB_PORT, (uint32_t)number);
}

#endif
