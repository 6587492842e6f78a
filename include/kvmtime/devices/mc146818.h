/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Motorola MC146818 real-time clock with 114 bytes of NVRAM, at ports 0x70 and 0x71, on IRQ 8:
 * periodic, alarm and update-ended interrupts, 12/24 h, BCD/binary, century byte, update in
 * progress, divider reset, update inhibit (SET).
 *
 * How it differs from the chip (datasheet of 1984):
 *   - the time is kept as a number and shown in the format of the moment: a change of DM or 24/12
 *     converts what is read, where the chip would leave the digits alone
 *   - the periodic interrupt starts its period when it is enabled (PIE 0 to 1), or at the tick
 *     before when only the rate changes; the chip's divider runs free. QEMU does as we do.
 *   - only the 32768 Hz time base is modelled; DV 000 and 001 count as it, 011 to 111 stop
 *   - the update takes no time: registers are valid during UIP
 *   - daylight saving (DSE) is stored and does nothing
 *   - SQWE is stored and there is no pin
 *   - a time register written while the clock runs takes effect at once
 * Registers written with SET stay as they are until SET is cleared; a value that is no time of day
 * is then carried over as numbers are (25 h = 1 h of the next day, hour 0 of 12 = 12).
 */
#ifndef KVMTIME_DEVICES_MC146818_H
#define KVMTIME_DEVICES_MC146818_H

#include <kvmtime/devices/ticks.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVT_MC146818_HZ         32768u
#define KVT_MC146818_UIP_NS     244140u /* 8 clocks before an update */
#define KVT_MC146818_SAVE_BYTES 339u
#define KVT_MC146818_CENTURY    0x32u /* the usual place */

struct kvt_mc146818_config {
	struct kvt_ticks_config ticks; /* policy of the periodic interrupt; feedback is BY_ACK */
	int64_t start_s;          /* what it shows at first, s since 1970-01-01 00:00 of the zone
				     that it keeps: UTC, or UTC + offset for a local base */
	uint8_t century_register; /* 0x0e .. 0x7f, as ACPI's FADT says; 0 = none */
};

/* Private, except for @ticks, whose policy and backlog may be set and read. */
struct kvt_mc146818 {
	struct kvt_ticks ticks;
	uint64_t origin_ns, now_ns; /* as in kvt_i8254 */
	uint64_t base_ns;           /* start of the second base_s, modulo 2^64 */
	int64_t base_s;
	uint64_t base_clock;  /* periodic: 32768 Hz clock from which periods are counted */
	uint64_t ticks_taken; /* periods told to the engine since then */
	uint64_t edges;
	uint8_t index;
	uint8_t level;
	uint8_t century_register;
	uint8_t ram[128];
};

/**
 * kvt_mc146818_init() - an RTC that has kept time
 * @rtc:    out
 * @config: see there; start_s from 0000-01-01 to 9999-12-31
 * @now_ns: the caller's time; the second start_s begins now
 *
 * Return: 0, or
 *   -KVT_E_ARG  @config is not valid
 * Context: freestanding; the caller serialises the calls on one RTC (true of every call here).
 */
int kvt_mc146818_init(struct kvt_mc146818 *rtc, const struct kvt_mc146818_config *config,
		      uint64_t now_ns);

/**
 * kvt_mc146818_reset() - the RESET pin: interrupts off and flags cleared, time and RAM kept,
 * backlog and totals of the policy gone
 */
void kvt_mc146818_reset(struct kvt_mc146818 *rtc, uint64_t now_ns);

/** kvt_mc146818_out() - the guest writes port 0x70 + @offset (0: index, 1: data) */
void kvt_mc146818_out(struct kvt_mc146818 *rtc, unsigned offset, uint8_t value, uint64_t now_ns);

/**
 * kvt_mc146818_in() - the guest reads port 0x70 + @offset; the index reads as 0xff
 *
 * A read of register C clears it, lowers the line and is the acknowledge of the policy; the line
 * may be high again at once.
 */
uint8_t kvt_mc146818_in(struct kvt_mc146818 *rtc, unsigned offset, uint64_t now_ns);

/** kvt_mc146818_ram() - the byte at @index without side effects; for firmware and tests */
uint8_t kvt_mc146818_ram(const struct kvt_mc146818 *rtc, unsigned index);

/** kvt_mc146818_set_ram() - store a byte of NVRAM (0x0e .. 0x7f) from the host's side */
void kvt_mc146818_set_ram(struct kvt_mc146818 *rtc, unsigned index, uint8_t value);

/** kvt_mc146818_seconds() - the time that it shows, s since 1970-01-01 00:00 of its zone */
int64_t kvt_mc146818_seconds(struct kvt_mc146818 *rtc, uint64_t now_ns);

/** kvt_mc146818_set_seconds() - the host sets the time; sub-seconds begin now */
void kvt_mc146818_set_seconds(struct kvt_mc146818 *rtc, int64_t seconds, uint64_t now_ns);

/** kvt_mc146818_run() - let time pass; returns the level of IRQ 8 */
bool kvt_mc146818_run(struct kvt_mc146818 *rtc, uint64_t now_ns);

/** kvt_mc146818_level() - the level of IRQ 8 */
bool kvt_mc146818_level(const struct kvt_mc146818 *rtc);

/**
 * kvt_mc146818_edges() - how often the line has risen
 *
 * A read of C can lower and raise the line in one call: who sees this number change pulls the
 * line low before setting it to kvt_mc146818_level().
 */
uint64_t kvt_mc146818_edges(const struct kvt_mc146818 *rtc);

/** kvt_mc146818_next_ns() - the caller's time at which the line may rise; KVT_NEVER if never */
uint64_t kvt_mc146818_next_ns(const struct kvt_mc146818 *rtc);

/** kvt_mc146818_save() - as kvt_i8254_save(); KVT_MC146818_SAVE_BYTES */
int kvt_mc146818_save(const struct kvt_mc146818 *rtc, void *buffer, size_t capacity,
		      size_t *ret_size);

/** kvt_mc146818_load() - as kvt_i8254_load() */
int kvt_mc146818_load(struct kvt_mc146818 *rtc, const void *buffer, size_t size, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
