/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic against a reference that shares nothing with it: numbers as arrays of bytes,
 * schoolbook product, division by repeated subtraction of shifted divisors.
 */
#include <string.h>

#include <glib.h>

#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "operands.h"

#define ROUNDS 1000000

/* ---- the big-integer reference: little-endian bytes ---- */

#define BIG 40
struct big {
	uint8_t byte[BIG];
};

static struct big big_from(uint64_t value)
{
	struct big big = { { 0 } };

	for (int i = 0; i < 8; i++)
		big.byte[i] = (uint8_t)(value >> (8 * i));
	return big;
}

static struct big big_mul(struct big a, struct big b)
{
	struct big product = { { 0 } };

	for (int i = 0; i < BIG; i++) {
		unsigned carry = 0;

		if (a.byte[i] == 0)
			continue;
		for (int j = 0; i + j < BIG; j++) {
			carry += product.byte[i + j] + (unsigned)a.byte[i] * b.byte[j];
			product.byte[i + j] = (uint8_t)carry;
			carry >>= 8;
		}
	}
	return product;
}

static int big_cmp(const struct big *a, const struct big *b)
{
	for (int i = BIG - 1; i >= 0; i--)
		if (a->byte[i] != b->byte[i])
			return a->byte[i] < b->byte[i] ? -1 : 1;
	return 0;
}

static void big_sub(struct big *a, const struct big *b)
{
	int borrow = 0;

	for (int i = 0; i < BIG; i++) {
		const int digit = a->byte[i] - b->byte[i] - borrow;

		a->byte[i] = (uint8_t)digit;
		borrow = digit < 0;
	}
}

static struct big big_shl(struct big a, unsigned bits)
{
	struct big out = { { 0 } };

	for (int i = BIG - 1; i >= 0; i--) {
		const int from = i - (int)(bits / 8);

		if (from >= 0)
			out.byte[i] = (uint8_t)(a.byte[from] << bits % 8);
		if (from >= 1 && bits % 8 != 0)
			out.byte[i] |= (uint8_t)(a.byte[from - 1] >> (8 - bits % 8));
	}
	return out;
}

/* floor(a / b); the quotient must fit 192 bits */
static struct big big_div(struct big a, struct big b)
{
	struct big quotient = { { 0 } };

	for (int bit = 191; bit >= 0; bit--) {
		struct big part = big_shl(b, (unsigned)bit);

		if (big_cmp(&a, &part) < 0)
			continue;
		big_sub(&a, &part);
		quotient.byte[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
	return quotient;
}

static gboolean big_u64(const struct big *a, uint64_t *value)
{
	*value = 0;
	for (int i = BIG - 1; i >= 0; i--) {
		if (i >= 8 && a->byte[i] != 0)
			return FALSE;
		if (i < 8)
			*value |= (uint64_t)a->byte[i] << (8 * i);
	}
	return TRUE;
}

/* ---- the tests ---- */

static void test_the_reference_itself_is_right(void)
{
	struct big a = big_mul(big_from(UINT64_MAX), big_from(UINT64_MAX));
	struct big b = big_div(a, big_from(UINT64_MAX));
	uint64_t value;

	g_assert_true(big_u64(&b, &value));
	g_assert_cmpuint(value, ==, UINT64_MAX);
	b = big_div(big_from(1000), big_from(7));
	g_assert_true(big_u64(&b, &value));
	g_assert_cmpuint(value, ==, 142);
}

static void test_products_equal_the_reference(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t a = operand(), b = operand();
		const struct big want = big_mul(big_from(a), big_from(b));
		uint64_t high, low;

		kvt_mul_u64(a, b, &high, &low);
		for (int k = 0; k < 8; k++) {
			g_assert_cmpuint(want.byte[k], ==, (uint8_t)(low >> (8 * k)));
			g_assert_cmpuint(want.byte[8 + k], ==, (uint8_t)(high >> (8 * k)));
		}
	}
}

static void test_muldiv_equals_the_reference_or_says_range(void)
{
	int fits = 0;

	for (int i = 0; i < ROUNDS / 50; i++) {
		const uint64_t a = operand(), b = operand(), c = operand();
		uint64_t want, got = 77;
		struct big quotient;
		int r;

		r = kvt_muldiv_u64(a, b, c, &got);
		if (c == 0) {
			g_assert_cmpint(r, ==, -KVT_E_ARG);
			g_assert_cmpuint(got, ==, 77);
			continue;
		}
		quotient = big_div(big_mul(big_from(a), big_from(b)), big_from(c));
		if (!big_u64(&quotient, &want)) {
			g_assert_cmpint(r, ==, -KVT_E_RANGE);
			g_assert_cmpuint(got, ==, 77);
			continue;
		}
		g_assert_cmpint(r, ==, 0);
		g_assert_cmpuint(got, ==, want);
		fits++;
	}
	g_assert_cmpint(fits, >, ROUNDS / 500);
}

static void test_division_leaves_the_right_remainder(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t high = operand(), low = operand(), divisor = operand();
		uint64_t quotient, remainder, back_high, back_low;

		if (divisor == 0 || high >= divisor) {
			g_assert_cmpint(kvt_div_u128_u64(high, low, divisor, &quotient, &remainder),
					<, 0);
			continue;
		}
		g_assert_cmpint(kvt_div_u128_u64(high, low, divisor, &quotient, &remainder), ==, 0);
		g_assert_cmpuint(remainder, <, divisor);
		kvt_mul_u64(quotient, divisor, &back_high, &back_low);
		back_high += back_low + remainder < back_low;
		back_low += remainder;
		g_assert_cmpuint(back_high, ==, high);
		g_assert_cmpuint(back_low, ==, low);
	}
}

static void test_apply_equals_the_reference_for_a_million_operands(void)
{
	int applied = 0;

	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t cycles = operand();
		const uint32_t mul = (uint32_t)operand();
		const int8_t shift =
			(int8_t)(g_test_rand_int() % 4 == 0 ? g_test_rand_int()
							    : g_test_rand_int() % 33 - 16);
		struct big shifted = big_from(cycles);
		uint64_t want, got = 77;
		int r;

		if (shift >= 0)
			shifted = big_shl(shifted, MIN((unsigned)shift, 130));
		else
			shifted = big_from(shift > -64 ? cycles >> -shift : 0);
		r = kvt_scale_apply(cycles, mul, shift, &got);
		if (!big_u64(&shifted, &want)) {
			g_assert_cmpint(r, ==, -KVT_E_RANGE);
			g_assert_cmpuint(got, ==, 77);
			continue;
		}
		shifted = big_mul(shifted, big_from(mul));
		memmove(shifted.byte, shifted.byte + 4, BIG - 4);
		g_assert_true(big_u64(&shifted, &want));
		g_assert_cmpint(r, ==, 0);
		g_assert_cmpuint(got, ==, want);
		applied++;
	}
	g_assert_cmpint(applied, >, ROUNDS / 3);
}

/* proofs/scale.acsl.h takes for granted that this never loses a bit */
static void test_the_largest_operand_of_every_shift_fits(void)
{
	for (int n = 1; n < 64; n++) {
		const uint64_t largest = UINT64_MAX >> n;
		uint64_t ns;

		g_assert_cmpuint(largest << n >> n, ==, largest);
		g_assert_cmpint(kvt_scale_apply(largest, 1, (int8_t)n, &ns), ==, 0);
		g_assert_cmpint(kvt_scale_apply(largest + 1, 1, (int8_t)n, &ns), ==, -KVT_E_RANGE);
	}
}

static void test_scale_of_a_frequency_is_normalised_and_under_one_ppb(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t hz = operand();
		uint32_t mul = 77;
		int8_t shift = 77;
		int64_t error;
		int r = kvt_scale_from_hz(hz, &mul, &shift);

		if (hz == 0 || hz > UINT64_C(1) << 63) {
			g_assert_cmpint(r, ==, -KVT_E_ARG);
			g_assert_cmpuint(mul, ==, 77);
			continue;
		}
		g_assert_cmpint(r, ==, 0);
		g_assert_cmpuint(mul, >=, UINT32_C(1) << 31);
		g_assert_cmpint(kvt_scale_rate_error(mul, shift, hz, &error), ==, 0);
		/* slow by the product's truncation, fast by the bits that the shift dropped */
		if (shift >= 0 || (hz & ((UINT64_C(1) << -shift) - 1)) == 0)
			g_assert_cmpint(error, <=, 0);
		g_assert_cmpint(error, >=, -65536 / 2);
		g_assert_cmpint(error, <=, 65536);
	}
}

/* what KVM wrote for these frequencies, read from its pages on live machines */
static void test_known_pages(void)
{
	static const struct {
		uint64_t hz;
		uint32_t mul;
		int8_t shift;
	} known[] = {
		{ 2300000000, 3734754170u, -1 }, /* a 2.3 GHz Xeon: 0xde9bd37a */
		{ 2596124000, 3308753584u, -1 }, /* a 2.6 GHz EPYC */
		{ 1000000000, 2147483648u, 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		uint32_t mul;
		int8_t shift;
		uint64_t hz;

		g_assert_cmpint(kvt_scale_from_hz(known[i].hz, &mul, &shift), ==, 0);
		g_assert_cmpuint(mul, ==, known[i].mul);
		g_assert_cmpint(shift, ==, known[i].shift);
		g_assert_cmpint(kvt_scale_to_hz(mul, shift, &hz), ==, 0);
		g_assert_cmpuint(hz, >=, known[i].hz);
		g_assert_cmpuint(hz - known[i].hz, <=, 1);
	}
}

/* a VMM that keeps the multiplier as a 16-bit fraction is 32 ppm off at 2.3 GHz */
static void test_a_coarse_multiplier_is_seen(void)
{
	const uint32_t coarse = (uint32_t)((UINT64_C(1000000000) << 16) / 2300000000u) << 16;
	int64_t error;

	g_assert_cmpint(kvt_scale_rate_error(coarse, 0, 2300000000, &error), ==, 0);
	g_assert_cmpint(error / 65536, <, -15000);
	g_assert_cmpint(error / 65536, >, -40000);
}

static void test_hz_survives_the_way_there_and_back(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t hz = 1000000 + operand() % UINT64_C(10000000000);
		uint32_t mul;
		int8_t shift;
		uint64_t back;

		g_assert_cmpint(kvt_scale_from_hz(hz, &mul, &shift), ==, 0);
		g_assert_cmpint(kvt_scale_to_hz(mul, shift, &back), ==, 0);
		g_assert_cmpuint(back > hz ? back - hz : hz - back, <=, hz / 1000000000 * 2 + 8);
	}
}

/* the true time of a delta is computed in the reference; the result lies within the bound */
static void test_the_bound_holds(void)
{
	int tight = 0;

	for (int i = 0; i < ROUNDS / 20; i++) {
		const uint64_t hz = 1000000 + operand() % UINT64_C(10000000000);
		const uint64_t cycles = operand() >> 2;
		uint64_t true_floor, got;
		struct big quotient;
		int64_t low, high;
		uint32_t mul;
		int8_t shift;
		gint64 difference;

		g_assert_cmpint(kvt_scale_from_hz(hz, &mul, &shift), ==, 0);
		if (g_test_rand_int() % 2 == 0)
			mul -= (uint32_t)operand() % 1000000; /* a page that is off */
		if (kvt_scale_bound(mul, shift, hz, cycles, &low, &high) < 0 ||
		    kvt_scale_apply(cycles, mul, shift, &got) < 0)
			continue;
		quotient = big_div(big_mul(big_from(cycles), big_from(1000000000)), big_from(hz));
		if (!big_u64(&quotient, &true_floor) || true_floor > INT64_MAX || got > INT64_MAX)
			continue;
		difference = (gint64)got - (gint64)true_floor;
		/* true time is in [true_floor, true_floor + 1) */
		g_assert_cmpint(difference, >=, low);
		g_assert_cmpint(difference - 1, <=, high);
		tight += difference <= low + 3 || difference >= high - 3;
	}
	g_assert_cmpint(tight, >, ROUNDS / 200);
}

static void test_arguments_are_refused(void)
{
	int64_t error, high;
	uint64_t hz;

	g_assert_cmpint(kvt_scale_to_hz(0, 0, &hz), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_scale_to_hz(1, 64, &hz), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_scale_to_hz(1, -128, &hz), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_scale_to_hz(1, -63, &hz), ==, -KVT_E_RANGE);
	g_assert_cmpint(kvt_scale_to_hz(UINT32_MAX, 63, &hz), ==, 0);
	g_assert_cmpuint(hz, ==, 0);
	g_assert_cmpint(kvt_scale_rate_error(0, 0, 1, &error), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_scale_rate_error(1, 0, 0, &error), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_scale_rate_error(UINT32_MAX, 63, UINT64_MAX, &error), ==, -KVT_E_RANGE);
	g_assert_cmpint(kvt_scale_bound(1, 64, 1, 1, &error, &high), ==, -KVT_E_ARG);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/scale/" #name, test_##name)
	ADD(the_reference_itself_is_right);
	ADD(products_equal_the_reference);
	ADD(muldiv_equals_the_reference_or_says_range);
	ADD(division_leaves_the_right_remainder);
	ADD(apply_equals_the_reference_for_a_million_operands);
	ADD(the_largest_operand_of_every_shift_fits);
	ADD(scale_of_a_frequency_is_normalised_and_under_one_ppb);
	ADD(known_pages);
	ADD(a_coarse_multiplier_is_seen);
	ADD(hz_survives_the_way_there_and_back);
	ADD(the_bound_holds);
	ADD(arguments_are_refused);
	return g_test_run();
}
