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
