/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bare 32-bit multiboot guest that executes a list of port and memory accesses, and logs each
 * value with the TSC before and after it, and each interrupt with the TSC in its handler.
 */
#include <stdint.h>

#include "program.h"

#define APIC_BASE    0xfee00000u
#define APIC(offset) (*(volatile uint32_t *)(APIC_BASE + (offset)))
#define WAKE_VECTOR  0x40
#define SPIN_NS      20000u

__attribute__((section(".multiboot"), used)) static const uint32_t header[] = {
	0x1badb002, 0x00000002, 0u - 0x1badb002u - 0x00000002u
};

static uint8_t stack[65536] __attribute__((used, aligned(16)));
static struct {
	uint16_t low, selector, flags, high;
} idt[256];
static uint64_t gdt[3];
static struct oracle_log *const log = (struct oracle_log *)ORACLE_LOG;
static uint32_t capacity;
static volatile uint32_t woken;

__asm__(".globl start\nstart:\n\tcli\n\tlea stack + 65536, %esp\n\tpush %ebx\n\tcall main\n"
	"1:\thlt\n\tjmp 1b\n");

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint64_t tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static void note(uint32_t step, uint32_t value, uint64_t before, uint64_t after)
{
	if (log->entries < capacity)
		log->entry[log->entries++] = (struct oracle_entry){ step, value, before, after };
}

static void quit(uint32_t code)
{
	__asm__ volatile("cli\n\toutl %0, %1" : : "a"(code), "Nd"((uint16_t)0xf4));
	for (;;)
		__asm__ volatile("hlt");
}

/* ---- interrupts ---- */

__attribute__((used)) void interrupt(uint32_t vector)
{
	const uint64_t now = tsc();

	if (vector == WAKE_VECTOR) {
		woken = 1;
		APIC(0xb0) = 0;
	} else if (vector >= 0x20 && vector < 0x30) {
		note(ORACLE_IRQ + vector - 0x20, 0, now, now);
		if (vector >= 0x28)
			outb(0xa0, 0x20);
		outb(0x20, 0x20);
	} else if (vector != 0xff) {
		quit(0x10 + vector);
	}
}

/* Back without IRET, which one KVM cannot emulate in 32 bits: the interrupted code ran with
 * interrupts on, so its other flags come first, and STI's shadow covers the far return. */
#define ENTRY(n)                                                                              \
	__asm__("entry" #n ":\n\tpusha\n\tpush $" #n "\n\tcall interrupt\n\tadd $4, %esp\n\t" \
		"popa\n\tpushl 8(%esp)\n\tandl $~0x200, (%esp)\n\tpopf\n\tsti\n\tlret $4\n"); \
	extern const char entry##n[];
/* clang-format off */
ENTRY(0x0d) ENTRY(0x0e) ENTRY(0x06) ENTRY(0x20) ENTRY(0x21) ENTRY(0x22) ENTRY(0x23)
ENTRY(0x24) ENTRY(0x25) ENTRY(0x26) ENTRY(0x27) ENTRY(0x28) ENTRY(0x29) ENTRY(0x2a)
ENTRY(0x2b) ENTRY(0x2c) ENTRY(0x2d) ENTRY(0x2e) ENTRY(0x2f) ENTRY(0x40) ENTRY(0xff)
	/* clang-format on */

	static void gate(unsigned vector, const char *entry)
{
	const uint32_t address = (uint32_t)entry;

	idt[vector].low = (uint16_t)address;
	idt[vector].selector = 8;
	idt[vector].flags = 0x8e00;
	idt[vector].high = (uint16_t)(address >> 16);
}

static void set_up_tables(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = { sizeof(gdt) - 1, (uint32_t)gdt };

	gdt[1] = 0x00cf9a000000ffff;
	gdt[2] = 0x00cf92000000ffff;
	__asm__ volatile("lgdt %0\n\tljmp $8, $1f\n1:\tmov %1, %%ds\n\tmov %1, %%es\n\tmov %1, %%ss"
			 :
			 : "m"(pointer), "r"(16));
#define GATE(n) gate(n, entry##n);
	/* clang-format off */
	GATE(0x0d) GATE(0x0e) GATE(0x06) GATE(0x20) GATE(0x21) GATE(0x22) GATE(0x23)
	GATE(0x24) GATE(0x25) GATE(0x26) GATE(0x27) GATE(0x28) GATE(0x29) GATE(0x2a)
	GATE(0x2b) GATE(0x2c) GATE(0x2d) GATE(0x2e) GATE(0x2f) GATE(0x40) GATE(0xff)
		/* clang-format on */
		pointer.limit = sizeof(idt) - 1;
	pointer.base = (uint32_t)idt;
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

static void set_masks(uint32_t masked)
{
	outb(0x21, (uint8_t)(masked & ~4u)); /* the cascade stays open */
	outb(0xa1, (uint8_t)(masked >> 8));
}

static void set_up_interrupts(void)
{
	static const uint8_t commands[][2] = { { 0x11, 0x11 }, { 0x20, 0x28 }, { 4, 2 }, { 1, 1 } };

	for (unsigned i = 0; i < 4; i++) {
		outb(i == 0 ? 0x20 : 0x21, commands[i][0]);
		outb(i == 0 ? 0xa0 : 0xa1, commands[i][1]);
	}
	set_masks(0xffff);
	APIC(0xf0) = 0x1ff;  /* on, spurious vector 0xff */
	APIC(0x350) = 0x700; /* LINT0: the PIC */
	APIC(0x3e0) = 0xb;   /* timer by 1 */
	APIC(0x320) = WAKE_VECTOR;
}

/* ---- the program ---- */

static void spin(uint64_t cycles)
{
	const uint64_t end = tsc() + cycles;

	while (tsc() < end)
		;
}

/* QEMU's APIC timer counts ns; KVM's too. */
static void halt_for(uint32_t ns)
{
	woken = 0;
	__asm__ volatile("cli");
	APIC(0x320) = WAKE_VECTOR;
	APIC(0x380) = ns;
	while (!woken)
		__asm__ volatile("sti\n\thlt\n\tcli");
	__asm__ volatile("sti");
}

/* In pieces: QEMU tells a halted processor of the RTC's line only with the next timer that is not
 * the RTC's. */
static void wait(uint32_t ns, uint64_t cycles, uint32_t piece_ns)
{
	for (; piece_ns != 0 && ns > piece_ns + SPIN_NS; ns -= piece_ns)
		halt_for(piece_ns);
	if (ns < SPIN_NS)
		spin(cycles);
	else
		halt_for(ns);
}

static uint32_t access(const struct oracle_step *step, uint64_t *before, uint64_t *after)
{
	const uint16_t port = (uint16_t)step->address;
	volatile uint32_t *const memory = (volatile uint32_t *)step->address;
	uint32_t value = step->value;

	/* the same few instructions around each, so that the access lies at one offset */
#define AROUND(code)             \
	do {                     \
		*before = tsc(); \
		code;            \
		*after = tsc();  \
	} while (0)
	switch (step->op << 4 | step->width) {
	case OP_OUT << 4 | 1:
		AROUND(__asm__ volatile("outb %b0, %w1" : : "a"(value), "d"(port) : "memory"));
		break;
	case OP_OUT << 4 | 2:
		AROUND(__asm__ volatile("outw %w0, %w1" : : "a"(value), "d"(port) : "memory"));
		break;
	case OP_OUT << 4 | 4:
		AROUND(__asm__ volatile("outl %0, %w1" : : "a"(value), "d"(port) : "memory"));
		break;
	case OP_IN << 4 | 1:
		value = 0;
		AROUND(__asm__ volatile("inb %w1, %b0" : "+a"(value) : "d"(port) : "memory"));
		break;
	case OP_IN << 4 | 2:
		value = 0;
		AROUND(__asm__ volatile("inw %w1, %w0" : "+a"(value) : "d"(port) : "memory"));
		break;
	case OP_IN << 4 | 4:
		AROUND(__asm__ volatile("inl %w1, %0" : "=a"(value) : "d"(port) : "memory"));
		break;
	case OP_WRITE << 4 | 4:
		AROUND(*memory = value);
		break;
	case OP_READ << 4 | 4:
		AROUND(value = *memory);
		break;
	}
	return value;
}

static void run(const struct oracle_program *program)
{
	const struct oracle_step *const steps = (const struct oracle_step *)(program + 1);
	uint64_t before = 0, after = 0;
	uint32_t value;

	for (uint32_t i = 0; i < program->steps; i++) {
		const uint64_t cycles =
			(uint64_t)steps[i].value * program->cycles_per_1024_ns >> 10;

		switch (steps[i].op) {
		case OP_WAIT:
			wait(steps[i].value, cycles, steps[i].width * 1000u);
			break;
		case OP_SPIN:
			spin(cycles);
			break;
		case OP_MASK:
			set_masks(steps[i].value);
			break;
		case OP_GROUP:
			break;
		default:
			__asm__ volatile("cli");
			value = access(&steps[i], &before, &after);
			note(i, value, before, after);
			__asm__ volatile("sti");
		}
	}
}

__attribute__((used)) int main(const uint32_t *multiboot)
{
	/* the program is the first module: its start is the first word at mods_addr */
	const struct oracle_program *const program =
		*(const struct oracle_program *const *)multiboot[6];

	log->entries = 0;
	if (program->magic != ORACLE_MAGIC)
		quit(1);
	capacity = program->capacity;
	set_up_tables();
	set_up_interrupts();
	__asm__ volatile("sti");
	run(program);
	log->magic = ORACLE_MAGIC;
	quit(0);
	return 0;
}
