/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt controllers and timers, as a small kernel programs them. */
#include <kvmtime/tsc.h>

#include "lab/guest/guest.h"

#define PIC1    0x20
#define PIC2    0xa0
#define PIC_EOI 0x20

#define PIT_COUNTER0 0x40
#define PIT_CONTROL  0x43
#define PIT_MODE2    0x34 /* counter 0, low then high byte, rate generator */

#define RTC_INDEX 0x70
#define RTC_DATA  0x71
#define RTC_A     0x0a
#define RTC_B     0x0b
#define RTC_C     0x0c
#define RTC_PIE   0x40
#define RTC_PF    0x40
#define RTC_32KHZ 0x20
#define RTC_24H   0x02

#define LAPIC            0xfee00000u
#define LAPIC_EOI        0x0b0
#define LAPIC_SVR        0x0f0
#define LAPIC_ISR        0x100
#define LAPIC_ICR        0x300
#define LAPIC_TIMER      0x320
#define LAPIC_LINT0      0x350
#define LAPIC_COUNT      0x380
#define LAPIC_DIVIDE     0x3e0
#define TIMER_PERIODIC   (1u << 17)
#define TIMER_DEADLINE   (2u << 17)
#define LINT_EXTINT      0x700u
#define ICR_SELF         (1u << 18)
#define MSR_TSC_DEADLINE 0x6e0

#define IOAPIC       0xfec00000u
#define IOAPIC_DATA  0x10
#define IOAPIC_REDIR 0x10

static uint32_t route;

static void lapic_write(uint32_t reg, uint32_t value)
{
	mmio_write(LAPIC + reg, value);
}

static void pic_start(uint16_t base, uint8_t vector, uint8_t cascade)
{
	out8(base, 0x11);
	out8((uint16_t)(base + 1), vector);
	out8((uint16_t)(base + 1), cascade);
	out8((uint16_t)(base + 1), 0x01);
	out8((uint16_t)(base + 1), 0xff);
}

void irq_unmask(uint8_t irq)
{
	if (route == LAB_ROUTE_IOAPIC) {
		/* a board with interrupt source overrides has the PIT's line on pin 2 */
		const uint32_t pin = irq == 0 && mailbox()->pit_pin != 0 ? mailbox()->pit_pin : irq;

		mmio_write(IOAPIC, IOAPIC_REDIR + 2 * pin + 1);
		mmio_write(IOAPIC + IOAPIC_DATA, 0); /* to local APIC 0 */
		mmio_write(IOAPIC, IOAPIC_REDIR + 2 * pin);
		mmio_write(IOAPIC + IOAPIC_DATA, VECTOR_IRQ0 + (uint32_t)irq); /* edge, fixed */
		return;
	}
	if (irq >= 8) {
		out8(PIC2 + 1, (uint8_t)(in8(PIC2 + 1) & ~(1u << (irq - 8))));
		irq = 2;
	}
	out8(PIC1 + 1, (uint8_t)(in8(PIC1 + 1) & ~(1u << irq)));
}

static void end_of_irq(uint32_t irq)
{
	if (route == LAB_ROUTE_IOAPIC) {
		lapic_write(LAPIC_EOI, 0);
		return;
	}
	if (irq >= 8)
		out8(PIC2, PIC_EOI);
	out8(PIC1, PIC_EOI);
}

void chips_setup(enum lab_route to)
{
	route = to;
	pic_start(PIC1, VECTOR_IRQ0, 0x04);
	pic_start(PIC2, VECTOR_IRQ0 + 8, 0x02);
	if (mailbox()->no_lapic)
		return;
	lapic_write(LAPIC_SVR, 0x1ff);
	lapic_write(LAPIC_LINT0, to == LAB_ROUTE_PIC ? LINT_EXTINT : LINT_EXTINT | 1u << 16);
}

static uint8_t rtc_read(uint8_t index)
{
	out8(RTC_INDEX, index);
	return in8(RTC_DATA);
}

static void rtc_write(uint8_t index, uint8_t value)
{
	out8(RTC_INDEX, index);
	out8(RTC_DATA, value);
}

static void lapic_timer(uint32_t mode, uint32_t count)
{
	lapic_write(LAPIC_DIVIDE, 0xb); /* divide by 1 */
	lapic_write(LAPIC_TIMER, VECTOR_TIMER | mode);
	if (mode != TIMER_DEADLINE)
		lapic_write(LAPIC_COUNT, count);
}

static void arm_deadline(void)
{
	/* the mode must be in force before the MSR counts; the APIC is memory mapped */
	__asm__ volatile("mfence" : : : "memory");
	wrmsr(MSR_TSC_DEADLINE, kvt_tsc_ordered() + mailbox()->deadline_cycles);
}

bool device_start(enum lab_device device)
{
	volatile struct lab_mailbox *box = mailbox();
	const uint32_t reload = device == LAB_DEVICE_RTC ? box->rtc_rate : box->reload;

	box->start_cycles = kvt_tsc_ordered();
	switch (device) {
	case LAB_DEVICE_PIT:
		irq_unmask(0);
		out8(PIT_CONTROL, PIT_MODE2);
		out8(PIT_COUNTER0, (uint8_t)reload);
		out8(PIT_COUNTER0, (uint8_t)(reload >> 8));
		return true;
	case LAB_DEVICE_RTC:
		irq_unmask(8);
		rtc_write(RTC_A, (uint8_t)(RTC_32KHZ | (reload & 0x0f)));
		rtc_read(RTC_C);
		rtc_write(RTC_B, RTC_24H | RTC_PIE);
		return true;
	case LAB_DEVICE_LAPIC_PERIODIC:
		lapic_timer(TIMER_PERIODIC, reload);
		return true;
	case LAB_DEVICE_LAPIC_ONESHOT:
		lapic_timer(0, reload);
		return true;
	case LAB_DEVICE_LAPIC_DEADLINE:
		lapic_timer(TIMER_DEADLINE, 0);
		arm_deadline();
		return true;
	case LAB_DEVICES:
		break;
	}
	return false;
}

static void count(enum lab_device device)
{
	volatile struct lab_mailbox *box = mailbox();
	const uint32_t number = box->ticks[device];

	if (number < LAB_LOG_ENTRIES && box->device == device && box->log)
		((volatile uint64_t *)(uintptr_t)LAB_LOG_GPA)[number] = kvt_tsc_ordered();
	box->ticks[device] = number + 1;
}

static void lapic_tick(void)
{
	const uint32_t device = mailbox()->device;

	count((enum lab_device)device);
	lapic_write(LAPIC_EOI, 0);
	if (device == LAB_DEVICE_LAPIC_ONESHOT)
		lapic_write(LAPIC_COUNT, mailbox()->reload);
	else if (device == LAB_DEVICE_LAPIC_DEADLINE)
		arm_deadline();
}

void device_interrupt(uint32_t vector)
{
	volatile struct lab_mailbox *box = mailbox();

	switch (vector) {
	case VECTOR_IRQ0:
		count(LAB_DEVICE_PIT);
		end_of_irq(0);
		return;
	case VECTOR_IRQ0 + 8:
		/* reading C acknowledges; without its bit the line had another reason */
		if (rtc_read(RTC_C) & RTC_PF)
			count(LAB_DEVICE_RTC);
		else
			box->spurious++;
		end_of_irq(8);
		return;
	case VECTOR_TIMER:
		lapic_tick();
		return;
	case VECTOR_SELF:
		box->in_service =
			mmio_read(LAPIC + LAPIC_ISR + VECTOR_SELF / 32 * 16) >> VECTOR_SELF % 32 &
			1;
		lapic_write(LAPIC_EOI, 0);
		return;
	default:
		box->spurious++;
		if (vector >= VECTOR_IRQ0 + 8 && vector < VECTOR_TIMER)
			out8(PIC1,
			     PIC_EOI); /* a spurious IRQ 15: only the first PIC has it in service */
	}
}

void selftest(void)
{
	volatile struct lab_mailbox *box = mailbox();
	uint32_t rounds = LAB_LOOP;
	uint64_t before = kvt_tsc_ordered();

	__asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
	box->loop_cycles = kvt_tsc_ordered() - before;
	before = kvt_tsc_ordered();
	for (uint32_t i = 0; i < LAB_READS; i++)
		clock_ns(0);
	box->read_cycles = kvt_tsc_ordered() - before;
	chips_setup(LAB_ROUTE_IOAPIC);
	__asm__ volatile("sti" : : : "memory");
	lapic_write(LAPIC_ICR, ICR_SELF | VECTOR_SELF);
	for (rounds = 0; rounds < 1000; rounds++)
		__asm__ volatile("nop" : : : "memory");
	__asm__ volatile("cli" : : : "memory");
}
