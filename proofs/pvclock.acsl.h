/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is proved of src/core/pvclock.c, on top of what scale.acsl.h says of the arithmetic that it
 * calls. The path for compilers with 128-bit products is left out (a test compares the two).
 */
#include <kvmtime/pvclock.h>

/* ns of a delta by a page's scale: the formula of the interface */
#ifndef ABSTRACT
/*@ logic integer scaled(integer delta, integer mul, integer shift) =
  @   (shift < 0 ? (shift > -64 ? (delta >> -shift) : 0) : (shift == 0 ? delta : (delta << shift)))
  @   * mul / 0x100000000; */
#else /* for callers, to whom its body is of no use and the provers' time a loss */
/*@ axiomatic formula { logic integer scaled(integer delta, integer mul, integer shift); } */
#endif

/*@ requires \valid(ret_ns);
  @ assigns *ret_ns;
  @ ensures \result == 0 || \result == -4;
  @ ensures \result == 0 && shift < 64 ==> *ret_ns == scaled(cycles, mul, shift);
  @ ensures \result != 0 ==> *ret_ns == \old(*ret_ns);
  @ ensures shift <= 0 ==> \result == 0; */
int kvt_scale_apply(uint64_t cycles, uint32_t mul, int8_t shift, uint64_t *ret_ns);

/*@ requires \valid(ret_ns);
  @ assigns *ret_ns;
  @ ensures \result == 0 || \result == -4;
  @ ensures \result == 0 && shift < 64 ==> *ret_ns == scaled(delta, mul, shift);
  @ ensures \result != 0 ==> *ret_ns == \old(*ret_ns); */
static inline int scale_delta(uint64_t delta, uint32_t mul, int8_t shift, uint64_t *ret_ns);

/*@ requires \valid(ret_ns);
  @ assigns *ret_ns;
  @ behavior early: assumes tsc_cycles < timestamp;
  @   ensures \result == -3 && *ret_ns == \old(*ret_ns);
  @ behavior told: assumes tsc_cycles >= timestamp;
  @   ensures \result == 0 || \result == -4;
  @   ensures \result == 0 && shift < 64 ==>
  @     *ret_ns == base_ns + scaled(tsc_cycles - timestamp, mul, shift);
  @   ensures \result == 0 ==> *ret_ns >= base_ns;
  @   ensures \result != 0 ==> *ret_ns == \old(*ret_ns);
  @ complete behaviors; disjoint behaviors; */
static inline int system_time(uint64_t timestamp, uint64_t base_ns, uint32_t mul, int8_t shift,
			      uint64_t tsc_cycles, uint64_t *ret_ns);

/*@ requires \valid_read(ti) && \valid(ret_ns) && \separated(ti, ret_ns);
  @ assigns *ret_ns;
  @ ensures \result == 0 ==> tsc_cycles >= ti->tsc_timestamp && *ret_ns >= ti->system_time;
  @ ensures \result == 0 && ti->tsc_shift < 64 ==> *ret_ns ==
  @   ti->system_time + scaled(tsc_cycles - ti->tsc_timestamp, ti->tsc_to_system_mul, ti->tsc_shift);
  @ ensures \result != 0 ==> *ret_ns == \old(*ret_ns);
  @ ensures (ti->version & 1) != 0 ==> \result == -2;
  @ ensures \result <= 0; */
int kvt_pvclock_ns(const struct pvclock_vcpu_time_info *ti, uint64_t tsc_cycles, uint64_t *ret_ns);

/*@ requires \valid(ret_mul) && \valid(ret_shift) && \separated(ret_mul, ret_shift);
  @ assigns *ret_mul, *ret_shift;
  @ ensures \result == 0 || \result == -1;
  @ ensures \result != 0 ==> *ret_mul == \old(*ret_mul) && *ret_shift == \old(*ret_shift); */
int kvt_scale_from_hz(uint64_t hz, uint32_t *ret_mul, int8_t *ret_shift);

/* Over a republish time does not step: the new record says at its own timestamp exactly what the
 * old one says there. */
/*@ requires \valid_read(ti) && \valid(ret_ti);
  @ requires ret_ti == ti || \separated(ti, ret_ti);
  @ assigns *ret_ti;
  @ ensures \result == 0 ==> ret_ti->tsc_timestamp == tsc_cycles;
  @ ensures \result == 0 && \old(ti->tsc_shift) < 64 ==> ret_ti->system_time ==
  @   \old(ti->system_time) + scaled(tsc_cycles - \old(ti->tsc_timestamp),
  @     \old(ti->tsc_to_system_mul), \old(ti->tsc_shift));
  @ ensures \result == 0 ==> ret_ti->system_time >= \old(ti->system_time);
  @ ensures \result == 0 ==> ret_ti->flags == \old(ti->flags); */
int kvt_pvclock_rebase(const struct pvclock_vcpu_time_info *ti, uint64_t hz, uint64_t tsc_cycles,
		       struct pvclock_vcpu_time_info *ret_ti);
