/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arithmetic of clocks: products and quotients wider than 64 bits, the mul/shift scale of the
 * time pages, and how far a scale is from the frequency that it stands for.
 *
 * Exact for every operand, or an error. No division or 128-bit helper of the compiler's run-time
 * library is called, so the code links into a kernel or a guest on i386 as it is.
 */
#ifndef KVMTIME_SCALE_H
#define KVMTIME_SCALE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVT_NS_PER_S 1000000000u

/**
 * kvt_mul_u64() - full product of two 64-bit numbers
 * @a: any
 * @b: any
 * @ret_high: out, upper 64 bits
 * @ret_low:  out, lower 64 bits
 *
 * Return: nothing; cannot fail.
 * Context: pure; freestanding; any thread.
 */
void kvt_mul_u64(uint64_t a, uint64_t b, uint64_t *ret_high, uint64_t *ret_low);

/**
 * kvt_div_u128_u64() - quotient and remainder of a 128-bit number
 * @high:    upper 64 bits of the dividend
 * @low:     lower 64 bits of the dividend
 * @divisor: any
 * @ret_quotient:  out, floor of the quotient
 * @ret_remainder: out, 0 .. @divisor - 1; NULL if not wanted
 *
 * Return: 0, or
 *   -KVT_E_ARG    @divisor is 0
 *   -KVT_E_RANGE  the quotient does not fit 64 bits (@high >= @divisor)
 * Context: pure; freestanding; any thread.
 */
int kvt_div_u128_u64(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *ret_quotient,
		     uint64_t *ret_remainder);

/**
 * kvt_muldiv_u64() - floor(a * b / c), the product in 128 bits
 * @a: any
 * @b: any
 * @c: any
 * @ret_quotient: out
 *
 * The conversion of ticks to ns and back: kvt_muldiv_u64(ticks, KVT_NS_PER_S, hz, &ns).
 *
 * Return: 0, or
 *   -KVT_E_ARG    @c is 0
 *   -KVT_E_RANGE  the quotient does not fit 64 bits
 * Context: pure; freestanding; any thread.
 */
int kvt_muldiv_u64(uint64_t a, uint64_t b, uint64_t c, uint64_t *ret_quotient);

/**
 * kvt_scale_apply() - cycles to ns by a page's scale
 * @cycles: elapsed cycles
 * @mul:    ns per shifted cycle, fraction of 2^32
 * @shift:  shift of @cycles before the product; positive = to the left
 * @ret_ns: out, floor(floor(cycles * 2^shift) * mul / 2^32)
 *
 * Bit for bit what Linux, KVM and Xen compute for the same operands, as long as no bit is lost;
 * where they would lose one silently, this says so.
 *
 * Return: 0, or
 *   -KVT_E_RANGE  the shift loses set bits of @cycles on the left
 * Context: pure; freestanding; any thread.
 * Source: Linux Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW.
 */
int kvt_scale_apply(uint64_t cycles, uint32_t mul, int8_t shift, uint64_t *ret_ns);

/**
 * kvt_scale_from_hz() - the mul/shift pair that a hypervisor publishes for a TSC frequency
 * @hz:        TSC frequency, Hz; 1 .. 2^63
 * @ret_mul:   out, in 2^31 .. 2^32 - 1
 * @ret_shift: out
 *
 * hz * 2^shift is brought into (10^9, 2*10^9]; mul = floor(10^9 * 2^32 / that). The same pair
 * that KVM computes, so that a page made here equals KVM's. The rate is slow by less than 0.5 ppb
 * (the product is cut off), fast by at most 1 ppb (bits of @hz that the shift drops; none for a
 * multiple of 1 kHz below 16 GHz). See kvt_scale_rate_error().
 *
 * Return: 0, or
 *   -KVT_E_ARG  @hz is 0 or above 2^63
 * Context: pure; freestanding; any thread.
 */
int kvt_scale_from_hz(uint64_t hz, uint32_t *ret_mul, int8_t *ret_shift);

/**
 * kvt_scale_to_hz() - the TSC frequency that a mul/shift pair stands for
 * @mul:    as in the page; not 0
 * @shift:  as in the page; -63 .. 63
 * @ret_hz: out, 10^9 * 2^32 / (mul * 2^shift), rounded to the nearest Hz
 *
 * Return: 0, or
 *   -KVT_E_ARG    @mul is 0 or @shift outside its range
 *   -KVT_E_RANGE  the frequency does not fit 64 bits
 * Context: pure; freestanding; any thread.
 */
int kvt_scale_to_hz(uint32_t mul, int8_t shift, uint64_t *ret_hz);

/**
 * kvt_scale_rate_error() - how far a scale's rate is from a stated frequency
 * @mul:   as in the page; not 0
 * @shift: as in the page; -63 .. 63
 * @hz:    the frequency that the counter really has, Hz; not 0
 * @ret_error_ppb_q16: out, ppb times 2^16; positive = the scaled clock runs fast.
 *                     Rounded away from zero: the true error is never larger.
 *
 * The published rate is mul * 2^(shift - 32) ns a cycle, the true one 10^9 / hz.
 *
 * Return: 0, or
 *   -KVT_E_ARG    @mul or @hz is 0, or @shift outside its range
 *   -KVT_E_RANGE  the rate is more than 70 000 times too fast
 * Context: pure; freestanding; any thread.
 */
int kvt_scale_rate_error(uint32_t mul, int8_t shift, uint64_t hz, int64_t *ret_error_ppb_q16);

/**
 * kvt_scale_bound() - how far kvt_scale_apply() can be from true time after a delta
 * @mul:    as in the page; not 0
 * @shift:  as in the page; -63 .. 63
 * @hz:     the frequency that the counter really has, Hz; not 0
 * @cycles: the delta, cycles
 * @ret_low_ns:  out, 0 or negative: the result is behind true time by at most this
 * @ret_high_ns: out, 0 or positive: the result is ahead of true time by at most this
 *
 * Rate error times the delta, and the two truncations: the shift to the right loses less than
 * one shifted cycle (mul / 2^32 ns), the product less than 1 ns. Both ends rounded outwards.
 *
 * Return: 0, or
 *   -KVT_E_ARG    as kvt_scale_rate_error()
 *   -KVT_E_RANGE  the bound does not fit 63 bits, or as kvt_scale_rate_error()
 * Context: pure; freestanding; any thread.
 */
int kvt_scale_bound(uint32_t mul, int8_t shift, uint64_t hz, uint64_t cycles, int64_t *ret_low_ns,
		    int64_t *ret_high_ns);

#ifdef __cplusplus
}
#endif

#endif
