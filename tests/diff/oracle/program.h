/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the bare guest is given and what it gives back. Shared by the guest (32 bits) and the
 * programs that read it (64 bits): fixed-width members, in an order without padding.
 */
#ifndef KVT_ORACLE_PROGRAM_H
#define KVT_ORACLE_PROGRAM_H

#include <stdint.h>

#define ORACLE_MAGIC 0x4c43524fu
#define ORACLE_LOG   0x01000000u /* guest-physical address of struct oracle_log */

enum oracle_op {
	OP_END,
	OP_OUT,   /* @width bytes of @value to port @address */
	OP_IN,    /* @width bytes from port @address */
	OP_WRITE, /* 4 bytes of @value to memory */
	OP_READ,  /* 4 bytes from memory */
	OP_WAIT,  /* @value ns or more, in pieces of @width us if that is not 0 */
	OP_SPIN,  /* the same without the APIC timer */
	OP_MASK,  /* interrupt lines that are masked: bit 0 = IRQ 0 .. */
	OP_GROUP, /* nothing; a program may be cut here */
};

struct oracle_step {
	uint8_t op;
	uint8_t width;
	uint16_t mask; /* not for the guest: which bits of the answer are compared */
	uint32_t address;
	uint32_t value;
};

struct oracle_program {
	uint32_t magic;
	uint32_t steps;
	uint32_t cycles_per_1024_ns;
	uint32_t capacity; /* entries that fit the log */
};

/* One step, or one interrupt (@step = ORACLE_IRQ + line). */
#define ORACLE_IRQ 0x80000000u

struct oracle_entry {
	uint32_t step;
	uint32_t value;
	uint64_t before, after; /* TSC */
};

struct oracle_log {
	uint32_t magic; /* written last */
	uint32_t entries;
	struct oracle_entry entry[];
};

#endif
