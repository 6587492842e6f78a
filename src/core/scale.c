/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stddef.h>

#include <kvmtime/error.h>
#include <kvmtime/scale.h>

/*
 * Halves of a 64-bit number are written as quotient and remainder by 2^32: the compiler makes the
 * same shifts of it, and the provers of proofs/ know more about division than about bits. Their
 * helper assertions stand in the comments that begin with an @.
 */
#define TWO_32 (UINT64_C(1) << 32)

void kvt_mul_u64(uint64_t a, uint64_t b, uint64_t *ret_high, uint64_t *ret_low)
{
	const uint64_t a0 = a % TWO_32, a1 = a / TWO_32, b0 = b % TWO_32, b1 = b / TWO_32;
	const uint64_t low = a0 * b0;
	const uint64_t mid = a1 * b0 + low / TWO_32; /* at most (2^32-1)^2 + 2^32-1: fits */
	const uint64_t mid2 = a0 * b1 + mid % TWO_32;

	/*@ assert split: a * b == a1 * b1 * 0x10000000000000000 + (a1 * b0 + a0 * b1) * 0x100000000
	  @   + a0 * b0; */
	/*@ assert sum: (a1 * b1 + mid / 0x100000000 + mid2 / 0x100000000) * 0x10000000000000000
	  @   + (mid2 % 0x100000000) * 0x100000000 + low % 0x100000000 == a * b; */
	*ret_high = a1 * b1 + mid / TWO_32 + mid2 / TWO_32;
	*ret_low = mid2 % TWO_32 * TWO_32 + low % TWO_32;
}

/*
 * One digit of a long division: (remainder * 2^32 + next) / divisor with remainder < divisor and
 * divisor < 2^32, so the quotient fits 32 bits. i386 has the instruction but the compiler would
 * call its run-time library.
 */
static uint32_t div_digit(uint32_t *remainder, uint32_t next, uint32_t divisor)
{
#if defined(__i386__)
	uint32_t quotient;

	__asm__("divl %4"
		: "=a"(quotient), "=d"(*remainder)
		: "a"(next), "d"(*remainder), "rm"(divisor)
		: "cc");
	return quotient;
#else
	const uint64_t dividend = *remainder * TWO_32 + next;

	/*@ assert less: dividend <= (divisor - 1) * 0x100000000 + 0xffffffff; */
	/*@ assert exact: dividend == dividend / divisor * divisor + dividend % divisor; */
	*remainder = (uint32_t)(dividend % divisor);
	return (uint32_t)(dividend / divisor);
#endif
}

static void div_by_32_bits(uint64_t high, uint64_t low, uint32_t divisor, uint64_t *ret_quotient,
			   uint64_t *ret_remainder)
{
	uint32_t remainder = (uint32_t)high; /* high < divisor */
	const uint32_t q1 = div_digit(&remainder, (uint32_t)(low / TWO_32), divisor);
	/*@ assert first: q1 * divisor + remainder == high * 0x100000000 + low / 0x100000000; */
	const uint32_t q0 = div_digit(&remainder, (uint32_t)(low % TWO_32), divisor);

	/*@ assert both: (q1 * 0x100000000 + q0) * divisor + remainder ==
	  @   (q1 * divisor) * 0x100000000 + q0 * divisor + remainder; */
	*ret_quotient = q1 * TWO_32 + q0;
	*ret_remainder = remainder;
}

/* Restoring division, a bit a round: for divisors above 32 bits, off every hot path. */
static void div_by_64_bits(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *ret_quotient,
			   uint64_t *ret_remainder)
{
	uint64_t quotient = 0;

	for (int bit = 63; bit >= 0; bit--) {
		const uint64_t carry = high >> 63;

		high = high << 1 | (low >> bit & 1);
		if (carry != 0 || high >= divisor) {
			high -= divisor;
			quotient |= UINT64_C(1) << bit;
		}
	}
	*ret_quotient = quotient;
	*ret_remainder = high;
}

int kvt_div_u128_u64(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *ret_quotient,
		     uint64_t *ret_remainder)
{
	uint64_t quotient, remainder;

	if (divisor == 0)
		return -KVT_E_ARG;
	if (high >= divisor)
		return -KVT_E_RANGE;
	if (divisor <= UINT32_MAX)
		div_by_32_bits(high, low, (uint32_t)divisor, &quotient, &remainder);
	else
		div_by_64_bits(high, low, divisor, &quotient, &remainder);
	*ret_quotient = quotient;
	if (ret_remainder != NULL)
		*ret_remainder = remainder;
	return 0;
}

int kvt_muldiv_u64(uint64_t a, uint64_t b, uint64_t c, uint64_t *ret_quotient)
{
	uint64_t high, low;

	kvt_mul_u64(a, b, &high, &low);
	return kvt_div_u128_u64(high, low, c, ret_quotient, NULL);
}

/* floor(cycles * mul / 2^32); the high half cannot overflow: (2^32-1)^2 + (2^32-2) < 2^64 */
static uint64_t mul_fraction(uint64_t cycles, uint32_t mul)
{
	const uint64_t high = cycles / TWO_32, low = cycles % TWO_32;

	/*@ assert split: cycles * mul == high * mul * 0x100000000 + low * mul; */
	/*@ assert floor: cycles * mul / 0x100000000 == high * mul + low * mul / 0x100000000; */
	return high * mul + low * mul / TWO_32;
}

int kvt_scale_apply(uint64_t cycles, uint32_t mul, int8_t shift, uint64_t *ret_ns)
{
	if (shift < 0) {
		cycles = shift > -64 ? cycles >> -shift : 0;
	} else if (shift > 63) {
		if (cycles != 0)
			return -KVT_E_RANGE;
	} else if (shift > 0) {
		if (cycles > UINT64_MAX >> shift)
			return -KVT_E_RANGE;
		cycles <<= shift;
	}
	*ret_ns = mul_fraction(cycles, mul);
	return 0;
}

int kvt_scale_from_hz(uint64_t hz, uint32_t *ret_mul, int8_t *ret_shift)
{
	uint64_t mul;
	int8_t shift = 0;

	if (hz == 0 || hz > UINT64_C(1) << 63)
		return -KVT_E_ARG;
	for (; hz > UINT64_C(2) * KVT_NS_PER_S; shift--)
		hz >>= 1;
	for (; hz <= KVT_NS_PER_S; shift++)
		hz <<= 1;
	/* 10^9 * 2^32 / (10^9, 2*10^9]: below 2^32, so the division cannot fail */
	(void)kvt_muldiv_u64(KVT_NS_PER_S, UINT64_C(1) << 32, hz, &mul);
	*ret_mul = (uint32_t)mul;
	*ret_shift = shift;
	return 0;
}

static int check_scale(uint32_t mul, int8_t shift)
{
	return mul == 0 || shift < -63 || shift > 63 ? -KVT_E_ARG : 0;
}

/* value * 2^shift over 128 bits; -KVT_E_RANGE if set bits leave on the left */
static int shift_u128(uint64_t value, int shift, uint64_t *ret_high, uint64_t *ret_low)
{
	uint64_t high = 0, low = value;

	for (; shift > 0; shift--) {
		if (high >> 63 != 0)
			return -KVT_E_RANGE;
		high = high << 1 | low >> 63;
		low <<= 1;
	}
	*ret_high = high;
	*ret_low = low;
	return 0;
}

int kvt_scale_to_hz(uint32_t mul, int8_t shift, uint64_t *ret_hz)
{
	const uint64_t numerator = (uint64_t)KVT_NS_PER_S << 32; /* 2^61.9 */
	uint64_t high, low, hz, remainder;
	uint64_t divisor = mul;
	int r = check_scale(mul, shift);

	if (r < 0)
		return r;
	if (shift < 0) {
		r = shift_u128(numerator, -shift, &high, &low);
		if (r < 0)
			return r;
	} else {
		high = 0;
		low = numerator;
		if (shift > 0 && divisor >> (64 - shift) != 0) { /* divisor >= 2^64: below 1/2 Hz */
			*ret_hz = 0;
			return 0;
		}
		divisor <<= shift;
	}
	r = kvt_div_u128_u64(high, low, divisor, &hz, &remainder);
	if (r < 0)
		return r;
	if (remainder >= divisor - remainder && hz++ == UINT64_MAX)
		return -KVT_E_RANGE;
	*ret_hz = hz;
	return 0;
}

/*
 * rate / true rate - 1 = (mul * hz * 2^shift - 10^9 * 2^32) / (10^9 * 2^32).
 * Both terms are brought over a common power of two, subtracted in 128 bits, and the quotient
 * times 10^9 * 2^16 is (difference / 2^(32 - 16)) / 2^k: only shifts remain, no division.
 */
int kvt_scale_rate_error(uint32_t mul, int8_t shift, uint64_t hz, int64_t *ret_error_ppb_q16)
{
	uint64_t high, low, one_high, one_low, dropped, error;
	const int down = shift < 0 ? -shift : 0;
	bool fast;
	int r = check_scale(mul, shift);

	if (r < 0 || hz == 0)
		return -KVT_E_ARG;
	/* product * 2^shift against 10^9 * 2^32, both times 2^down */
	kvt_mul_u64(mul, hz, &high, &low);
	for (int i = 0; i < shift; i++) {
		if (high >> 63 != 0)
			return -KVT_E_RANGE;
		high = high << 1 | low >> 63;
		low <<= 1;
	}
	r = shift_u128((uint64_t)KVT_NS_PER_S << 32, down, &one_high, &one_low);
	if (r < 0)
		return r;
	fast = high > one_high || (high == one_high && low >= one_low);
	if (fast) {
		high = high - one_high - (low < one_low);
		low -= one_low;
	} else {
		const uint64_t borrow = one_low < low;

		low = one_low - low;
		high = one_high - high - borrow;
	}
	/* ppb_q16 = difference / 2^(down + 16), rounded up */
	dropped = 0;
	for (int i = 0; i < down + 16; i++) {
		dropped |= low & 1;
		low = low >> 1 | high << 63;
		high >>= 1;
	}
	error = low + (dropped != 0);
	if (high != 0 || error > (UINT64_C(1) << 62))
		return -KVT_E_RANGE;
	*ret_error_ppb_q16 = fast ? (int64_t)error : -(int64_t)error;
	return 0;
}

int kvt_scale_bound(uint32_t mul, int8_t shift, uint64_t hz, uint64_t cycles, int64_t *ret_low_ns,
		    int64_t *ret_high_ns)
{
	const uint64_t ppb_one = (uint64_t)KVT_NS_PER_S << 16;
	uint64_t true_ns, rate_ns, truncated_ns;
	int64_t error;
	int r = kvt_scale_rate_error(mul, shift, hz, &error);

	if (r < 0)
		return r;
	/* true elapsed time rounded up, times the rate error rounded up */
	r = kvt_muldiv_u64(cycles, KVT_NS_PER_S, hz, &true_ns);
	if (r < 0 || true_ns == UINT64_MAX)
		return -KVT_E_RANGE;
	r = kvt_muldiv_u64(true_ns + 1, (uint64_t)(error < 0 ? -error : error), ppb_one, &rate_ns);
	if (r < 0 || rate_ns >= UINT64_C(1) << 62)
		return -KVT_E_RANGE;
	rate_ns += error != 0;
	truncated_ns = shift < 0 ? 2 : 1;
	*ret_low_ns = -(int64_t)(truncated_ns + (error < 0 ? rate_ns : 0));
	*ret_high_ns = error > 0 ? (int64_t)rate_ns : 0;
	return 0;
}
