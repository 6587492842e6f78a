/* SPDX-License-Identifier: BSD-2-Clause */
/* Random definitions: fields drawn from what a format can say. */
#ifndef KVT_TESTS_VMDEF_DRAW_H
#define KVT_TESTS_VMDEF_DRAW_H

#include "vmdef/model.h"

#define PART(timer, part) KVT_VM_TIMER(KVT_TIMER_##timer, KVT_PART_##part)

/* The fields and words that a format can say of a guest of its own, in the newest QEMU. */
struct range {
	enum kvt_vm_field field;
	unsigned words; /* bits of the words it knows; of a yes/no, 1 = no, 2 = yes */
	int64_t max;    /* numbers: 0 ... max */
};

#define ALL 0xffu
#define NO  1u
#define YES 2u

/* Two times in three, say something of the field. */
static inline void draw(struct kvt_vm *vm, const struct range *range)
{
	unsigned words = range->words;
	int timer = ((int)range->field - KVT_VM_TIMERS) / KVT_PART_COUNT;

	if (g_test_rand_int_range(0, 3) == 0)
		return;
	if (words == 0) {
		int64_t low = range->field == KVT_VM_HV_SPINLOCKS ? 4095 : 1;

		kvt_vm_say(vm, range->field,
			   low + (int64_t)(g_test_rand_double() * (double)(range->max - low)), 0);
	} else {
		int word;

		do
			word = g_test_rand_int_range(0, 8);
		while (!(words >> word & 1u));
		kvt_vm_say(vm, range->field, word, 0);
	}
	if (range->field >= KVT_VM_TIMERS)
		kvt_vm_say(vm, KVT_VM_TIMER(timer, KVT_PART_NAMED), KVT_YES, 0);
}

#endif
