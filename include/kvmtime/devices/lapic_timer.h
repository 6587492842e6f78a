/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timer of a local APIC (Intel SDM volume 3, "APIC Timer"): one-shot, periodic and TSC
 * deadline, divide configuration. Only the timer: vectors, priorities and EOI are the caller's.
 *
 * How it differs from the processor:
 *   - a write to the divide register keeps the count and starts a new divided clock
 *   - a periodic timer's period is exactly the initial count (as KVM's; QEMU's is one more)
 *   - the TSC that deadlines are compared with is the one described at the start; a guest that
 *     writes its TSC is told by kvt_lapic_timer_set_tsc()
 */
#ifndef KVMTIME_DEVICES_LAPIC_TIMER_H
#define KVMTIME_DEVICES_LAPIC_TIMER_H

#include <kvmtime/devices/ticks.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVT_LAPIC_TIMER_SAVE_BYTES 229u

/* Registers, by their offset in the xAPIC page. */
#define KVT_LAPIC_LVT     0x320u
#define KVT_LAPIC_INITIAL 0x380u
#define KVT_LAPIC_CURRENT 0x390u
#define KVT_LAPIC_DIVIDE  0x3e0u

struct kvt_lapic_timer_config {
	struct kvt_ticks_config ticks;
	uint64_t bus_hz; /* clock before the divider; 1 .. 10^10 */
	uint64_t tsc_hz; /* guest TSC, Hz, 1 .. 10^11; 0 = no TSC deadline mode */
	uint64_t tsc;    /* guest TSC at the start */
};

/* Private, except for @ticks: report outcomes and acknowledges (EOI) there. */
struct kvt_lapic_timer {
	struct kvt_ticks ticks;
	uint64_t origin_ns, now_ns; /* as in kvt_i8254 */
	uint64_t bus_hz, tsc_hz;
	uint64_t tsc_base;     /* guest TSC at our zero; wraps */
	uint64_t deadline_tsc; /* 0 = disarmed */
	uint64_t base_ns;      /* when the count was base_count */
	uint64_t expired;      /* ends of the count that the engine was told since base_ns */
	uint32_t base_count;
	uint32_t initial;
	uint32_t lvt;
	uint8_t divide;
};

/**
 * kvt_lapic_timer_init() - a timer after reset: masked, stopped
 *
 * Return: 0, or
 *   -KVT_E_ARG  @config is not valid
 * Context: freestanding; the caller serialises the calls on one timer (true of every call here).
 */
int kvt_lapic_timer_init(struct kvt_lapic_timer *timer, const struct kvt_lapic_timer_config *config,
			 uint64_t now_ns);

/** kvt_lapic_timer_reset() - INIT or RESET of the processor; its TSC goes on */
void kvt_lapic_timer_reset(struct kvt_lapic_timer *timer, uint64_t now_ns);

/** kvt_lapic_timer_in() - the guest reads a register; offsets that are not the timer's read 0 */
uint32_t kvt_lapic_timer_in(struct kvt_lapic_timer *timer, unsigned offset, uint64_t now_ns);

/** kvt_lapic_timer_out() - the guest writes a register; others are ignored */
void kvt_lapic_timer_out(struct kvt_lapic_timer *timer, unsigned offset, uint32_t value,
			 uint64_t now_ns);

/** kvt_lapic_timer_deadline() - the guest reads IA32_TSC_DEADLINE; 0 = disarmed */
uint64_t kvt_lapic_timer_deadline(struct kvt_lapic_timer *timer, uint64_t now_ns);

/** kvt_lapic_timer_set_deadline() - the guest writes it; ignored outside TSC deadline mode */
void kvt_lapic_timer_set_deadline(struct kvt_lapic_timer *timer, uint64_t tsc, uint64_t now_ns);

/** kvt_lapic_timer_set_tsc() - the guest's TSC is @tsc now */
void kvt_lapic_timer_set_tsc(struct kvt_lapic_timer *timer, uint64_t tsc, uint64_t now_ns);

/** kvt_lapic_timer_run() - let time pass; true: inject the vector of the LVT once, call again */
bool kvt_lapic_timer_run(struct kvt_lapic_timer *timer, uint64_t now_ns);

/** kvt_lapic_timer_next_ns() - the caller's time at which there is something to run */
uint64_t kvt_lapic_timer_next_ns(const struct kvt_lapic_timer *timer);

/** kvt_lapic_timer_save() - as kvt_i8254_save(); KVT_LAPIC_TIMER_SAVE_BYTES */
int kvt_lapic_timer_save(const struct kvt_lapic_timer *timer, void *buffer, size_t capacity,
			 size_t *ret_size);

/** kvt_lapic_timer_load() - as kvt_i8254_load() */
int kvt_lapic_timer_load(struct kvt_lapic_timer *timer, const void *buffer, size_t size,
			 uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
