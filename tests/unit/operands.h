/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operands mixed with edge values and neighbours of operands that were drawn before:
 * random alone misses the faults that live at the ends. GTest prints the seed ("# random seed"),
 * and --seed repeats a run.
 */
#ifndef KVT_TESTS_OPERANDS_H
#define KVT_TESTS_OPERANDS_H

#include <stdint.h>

#include <glib.h>

static inline uint64_t operand_random(void)
{
	const uint64_t bits = (uint64_t)g_test_rand_int() << 32 ^ (uint32_t)g_test_rand_int();

	return bits >> (g_test_rand_int() & 63);
}

static inline uint64_t operand(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		3,
		999999999,
		1000000000,
		1000000001,
		1193182,
		3579545,
		UINT32_MAX,
		UINT64_C(1) << 32,
		INT64_MAX,
		UINT64_C(1) << 63,
		UINT64_MAX - 1,
		UINT64_MAX,
	};
	static uint64_t before[8];
	static unsigned at;
	uint64_t value;

	switch ((unsigned)g_test_rand_int() % 8) {
	case 0:
		value = edges[(unsigned)g_test_rand_int() % G_N_ELEMENTS(edges)];
		break;
	case 1:
		value = before[(unsigned)g_test_rand_int() % G_N_ELEMENTS(before)] +
			(unsigned)g_test_rand_int() % 3 - 1;
		break;
	case 2:
		value = (UINT64_C(1) << (g_test_rand_int() & 63)) +
			(unsigned)g_test_rand_int() % 3 - 1;
		break;
	default:
		value = operand_random();
	}
	before[at++ % G_N_ELEMENTS(before)] = value;
	return value;
}

#endif
