/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is proved of src/core/scale.c, in ACSL: contracts on its functions, over the integers of
 * mathematics. proofs/run puts this file in front of the source as it is.
 */
#include <stddef.h>
#include <stdint.h>

/*@ lemma product_grows: \forall integer x, y, X, Y;
  @   0 <= x <= X && 0 <= y <= Y ==> 0 <= x * y <= X * Y; */

/*@ requires \valid(ret_high) && \valid(ret_low) && \separated(ret_high, ret_low);
  @ assigns *ret_high, *ret_low;
  @ ensures *ret_high * 0x10000000000000000 + *ret_low == a * b; */
void kvt_mul_u64(uint64_t a, uint64_t b, uint64_t *ret_high, uint64_t *ret_low);

/*@ requires \valid(remainder) && 0 < divisor && *remainder < divisor;
  @ assigns *remainder;
  @ ensures \result * divisor + *remainder == \old(*remainder) * 0x100000000 + next;
  @ ensures *remainder < divisor; */
static uint32_t div_digit(uint32_t *remainder, uint32_t next, uint32_t divisor);

/*@ requires \valid(ret_quotient) && \valid(ret_remainder);
  @ requires \separated(ret_quotient, ret_remainder) && high < divisor;
  @ assigns *ret_quotient, *ret_remainder;
  @ ensures *ret_quotient * divisor + *ret_remainder == high * 0x10000000000000000 + low;
  @ ensures *ret_remainder < divisor; */
static void div_by_32_bits(uint64_t high, uint64_t low, uint32_t divisor, uint64_t *ret_quotient,
			   uint64_t *ret_remainder);

/*@ assigns \nothing;
  @ ensures \result == cycles * mul / 0x100000000; */
static uint64_t mul_fraction(uint64_t cycles, uint32_t mul);

/*@ lemma mul_fraction_is_monotone: \forall integer x, y, m;
  @   0 <= x <= y && 0 <= m ==> x * m / 0x100000000 <= y * m / 0x100000000; */

/* Taken for granted; tests/unit/test_scale.c tries every shift at its largest operand, and the
 * left side grows with c. */
/*@ axiomatic shifts {
  @   axiom shift_left_fits: \forall integer c, n;
  @     0 < n < 64 && 0 <= c <= (0xffffffffffffffff >> n) ==> 0 <= (c << n) <= 0xffffffffffffffff;
  @ } */

/*@ requires \valid(ret_ns);
  @ assigns *ret_ns;
  @ behavior none: assumes shift == 0;
  @   ensures \result == 0 && *ret_ns == cycles * mul / 0x100000000;
  @ behavior right: assumes -64 < shift < 0;
  @   ensures \result == 0 && *ret_ns == (cycles >> -shift) * mul / 0x100000000;
  @ behavior far_right: assumes shift <= -64;
  @   ensures \result == 0 && *ret_ns == 0;
  @ behavior left: assumes 0 < shift < 64 && cycles <= (0xffffffffffffffff >> shift);
  @   ensures \result == 0 && *ret_ns == (cycles << shift) * mul / 0x100000000;
  @ behavior lost: assumes 0 < shift < 64 && cycles > (0xffffffffffffffff >> shift);
  @   assigns \nothing;
  @   ensures \result == -4;
  @ behavior far_left: assumes shift > 63;
  @   ensures cycles == 0 ==> \result == 0 && *ret_ns == 0;
  @   ensures cycles != 0 ==> \result == -4 && *ret_ns == \old(*ret_ns);
  @ complete behaviors;
  @ disjoint behaviors; */
int kvt_scale_apply(uint64_t cycles, uint32_t mul, int8_t shift, uint64_t *ret_ns);
