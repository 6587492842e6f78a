/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest under QEMU: counts PIT and RTC ticks against kvm-clock and writes a line every 100 ms
 * on the serial port. Its command line: words "pit=DIVISOR", "rtc=CODE", "ioapic", "busy",
 * "ms=TIME"; numbers are decimal. Its lines: a letter and hexadecimal numbers.
 *   K start of the clock, ns     (or N: no kvm-clock)
 *   T now ns, PIT ticks, RTC ticks, spurious interrupts, PIT started ns, RTC started ns
 *   E the end
 */
#include <kvmtime/tsc.h>

#include "lab/guest/guest.h"

#define SERIAL     0x3f8
#define SERIAL_LSR 0x3fd
#define DEBUG_EXIT 0xf4
#define STEP_NS    100000000u

void guest_multiboot(uint32_t magic, uintptr_t info);

static void put(char c)
{
	while (!(in8(SERIAL_LSR) & 0x20))
		;
	out8(SERIAL, (uint8_t)c);
}

static void put_hex(uint64_t value)
{
	int shift = 60;

	while (shift > 0 && (value >> shift) == 0)
		shift -= 4;
	put(' ');
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[value >> shift & 15]);
}

/* The number behind "name=" in the command line, or 0. */
static uint32_t argument(const char *line, const char *name)
{
	for (; *line != '\0'; line++) {
		const char *a = line, *b = name;
		uint32_t value = 0;

		while (*b != '\0' && *a == *b)
			a++, b++;
		if (*b != '\0')
			continue;
		while (*a >= '0' && *a <= '9')
			value = value * 10 + (uint32_t)(*a++ - '0');
		return value != 0 ? value : 1;
	}
	return 0;
}

static void report(uint64_t now_ns, const uint64_t started_ns[2])
{
	volatile struct lab_mailbox *box = mailbox();

	put('T');
	put_hex(now_ns);
	put_hex(box->ticks[LAB_DEVICE_PIT]);
	put_hex(box->ticks[LAB_DEVICE_RTC]);
	put_hex(box->spurious);
	put_hex(started_ns[0]);
	put_hex(started_ns[1]);
	put('\n');
}

static void count_ticks(uint32_t length_ms)
{
	volatile struct lab_mailbox *box = mailbox();
	uint64_t started_ns[2] = { 0, 0 };
	uint64_t next_ns, end_ns;

	if (box->reload != 0) {
		device_start(LAB_DEVICE_PIT);
		started_ns[0] = clock_ns(0);
	}
	if (box->rtc_rate != 0) {
		device_start(LAB_DEVICE_RTC);
		started_ns[1] = clock_ns(0);
	}
	next_ns = clock_ns(0);
	end_ns = next_ns + (uint64_t)length_ms * 1000000u;
	__asm__ volatile("sti" : : : "memory");
	while (next_ns < end_ns) {
		const uint64_t now_ns = clock_ns(0);

		if (now_ns < next_ns) {
			relax();
			continue;
		}
		report(now_ns, started_ns);
		while (next_ns <= now_ns)
			next_ns += STEP_NS;
	}
	__asm__ volatile("cli" : : : "memory");
}

static void clear(volatile uint32_t *words, uint32_t size)
{
	for (uint32_t i = 0; i < size / 4; i++)
		words[i] = 0;
}

void guest_multiboot(uint32_t magic, uintptr_t info)
{
	volatile struct lab_mailbox *box = mailbox();
	const uint32_t *words = (const uint32_t *)info;
	/* flags bit 2: the command line is there */
	const char *line =
		magic == 0x2badb002 && (words[0] & 4) ? (const char *)(uintptr_t)words[4] : "";

	clear((volatile uint32_t *)box, sizeof(*box));
	clear((volatile uint32_t *)(uintptr_t)LAB_CLOCK_GPA, 64);
	clear((volatile uint32_t *)(uintptr_t)LAB_STEAL_GPA, 64);
	interrupts_setup();
	if (!clock_setup(0)) {
		put('N');
		put('\n');
	} else {
		box->reload = argument(line, "pit=");
		box->rtc_rate = argument(line, "rtc=");
		box->busy = argument(line, "busy");
		box->device = LAB_DEVICES;
		box->pit_pin = 2;
		chips_setup(argument(line, "ioapic") ? LAB_ROUTE_IOAPIC : LAB_ROUTE_PIC);
		put('K');
		put_hex(clock_ns(0));
		put('\n');
		count_ticks(argument(line, "ms="));
		put('E');
		put('\n');
	}
	for (;;)
		out8(DEBUG_EXIT, 0);
}
