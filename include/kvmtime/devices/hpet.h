/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * High precision event timer (IA-PC HPET specification 1.0a): a 64-bit main counter and 3 to 8
 * comparators, each one-shot or periodic, 32 or 64 bits, edge or level, legacy replacement.
 * Message-signalled (FSB) delivery is not offered, and the capability bit says so.
 *
 * How it differs from the specification:
 *   - a comparator that equals the counter when it is written matches after a whole turn
 *   - a 32-bit one-shot interrupts on its match, not also when the counter wraps
 *   - a period written without VAL_SET takes effect with the next match, as specified; with
 *     VAL_SET the comparator and the period are both set (what firmware and QEMU expect)
 *   - the main counter ignores writes while it runs (specified as undefined)
 *   - accesses other than aligned ones of 4 and 8 bytes read as 0 and write nothing
 */
#ifndef KVMTIME_DEVICES_HPET_H
#define KVMTIME_DEVICES_HPET_H

#include <kvmtime/devices/ticks.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVT_HPET_MAX_TIMERS 8u
#define KVT_HPET_SAVE_BYTES 1430u

struct kvt_hpet_config {
	struct kvt_ticks_config ticks; /* policy of each comparator */
	uint32_t period_fs;            /* of the counter, 100000 .. 100000000 fs; 0 = 10 ns */
	uint32_t route_mask;           /* IOAPIC pins that a comparator may be routed to */
	uint8_t timers;                /* 3 .. KVT_HPET_MAX_TIMERS; 0 = 3 */
};

/* Private, except for the @ticks of a timer: report outcomes and acknowledges there. */
struct kvt_hpet_timer {
	struct kvt_ticks ticks;
	uint64_t comparator;
	uint64_t period;
	uint32_t config; /* the writable bits */
};

struct kvt_hpet {
	struct kvt_hpet_timer timer[KVT_HPET_MAX_TIMERS];
	uint64_t origin_ns, now_ns; /* as in kvt_i8254 */
	uint64_t base_ns;           /* when the counter was base_counter */
	uint64_t base_counter;
	uint64_t seen; /* counter up to which matches have been looked for */
	uint32_t period_fs, route_mask;
	uint32_t status; /* level interrupts that are active, a bit a timer */
	uint8_t timers;
	uint8_t enable; /* bit 0: counter runs, bit 1: legacy replacement */
};

/**
 * kvt_hpet_init() - an HPET after reset
 *
 * Return: 0, or
 *   -KVT_E_ARG  @config is not valid
 * Context: freestanding; the caller serialises the calls on one HPET (true of every call here).
 */
int kvt_hpet_init(struct kvt_hpet *hpet, const struct kvt_hpet_config *config, uint64_t now_ns);

/** kvt_hpet_reset() - the machine is reset: counter 0 and halted, comparators all ones */
void kvt_hpet_reset(struct kvt_hpet *hpet, uint64_t now_ns);

/**
 * kvt_hpet_read() - the guest reads memory at base + @offset
 * @offset: any
 * @bytes:  4 or 8, and @offset a multiple of it; anything else reads as 0
 */
uint64_t kvt_hpet_read(struct kvt_hpet *hpet, uint32_t offset, unsigned bytes, uint64_t now_ns);

/** kvt_hpet_write() - the guest writes memory at base + @offset; see kvt_hpet_read() */
void kvt_hpet_write(struct kvt_hpet *hpet, uint32_t offset, unsigned bytes, uint64_t value,
		    uint64_t now_ns);

/**
 * kvt_hpet_run() - let time pass; which timers get an edge?
 *
 * Return: a bit a timer: inject one edge on kvt_hpet_route() and report its outcome to that
 * timer's ticks. Call again until it says 0.
 */
uint32_t kvt_hpet_run(struct kvt_hpet *hpet, uint64_t now_ns);

/** kvt_hpet_levels() - which timers hold a level-triggered line active, a bit a timer */
uint32_t kvt_hpet_levels(const struct kvt_hpet *hpet);

/**
 * kvt_hpet_route() - the line of timer @n
 *
 * Return: IOAPIC pin; with legacy replacement 2 for timer 0 (IRQ 0 of the PIC) and 8 for timer 1.
 */
unsigned kvt_hpet_route(const struct kvt_hpet *hpet, unsigned n);

/** kvt_hpet_next_ns() - the caller's time at which kvt_hpet_run() has something to do */
uint64_t kvt_hpet_next_ns(const struct kvt_hpet *hpet);

/** kvt_hpet_save() - as kvt_i8254_save(); KVT_HPET_SAVE_BYTES */
int kvt_hpet_save(const struct kvt_hpet *hpet, void *buffer, size_t capacity, size_t *ret_size);

/** kvt_hpet_load() - as kvt_i8254_load() */
int kvt_hpet_load(struct kvt_hpet *hpet, const void *buffer, size_t size, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
