/* SPDX-License-Identifier: BSD-2-Clause */
/* One program for each row of doc/device-differences.md, and what each side answers to it. */
#ifndef KVT_ORACLE_DIFFERENCES_H
#define KVT_ORACLE_DIFFERENCES_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define MAX_ANSWERS 128u

/* What one side made of a program. */
struct answers {
	uint32_t value[MAX_ANSWERS]; /* of the reads that count, in order */
	uint64_t read_ns[MAX_ANSWERS];
	unsigned values;
	unsigned irqs;         /* of lines 0 and 8, while they were not masked */
	uint64_t first_irq_ns; /* 0 = none */
	uint64_t written_ns;   /* the last write before the first of them and the first answer */
};

typedef bool check_function(const struct answers *answers);

struct difference {
	const char *device; /* of the transcripts */
	const char *what;   /* the table's second column */
	void (*program)(GArray *steps);
	check_function *ours, *qemu;
	check_function *kvm; /* NULL: KVM has no such device */
};

extern const struct difference pit_differences[], other_differences[]; /* end with NULL */

/* the answer is two bytes, low one first */
static inline uint32_t answer16(const struct answers *answers, unsigned at)
{
	return answers->value[at] | answers->value[at + 1] << 8;
}

static inline bool near(uint64_t value, uint64_t want, uint64_t tolerance)
{
	return value + tolerance >= want && value <= want + tolerance;
}

#endif
