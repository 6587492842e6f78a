/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/devices/lapic_timer.h>
#include <kvmtime/error.h>

#include "state.h"

#define LVT_MASK         0x00010000u
#define LVT_MODE         0x00060000u
#define LVT_ONE_SHOT     0x00000000u
#define LVT_PERIODIC     0x00020000u
#define LVT_TSC_DEADLINE 0x00040000u
#define LVT_WRITABLE     0x000700ffu
#define DIVIDE_WRITABLE  0x0bu

static uint32_t mode(const struct kvt_lapic_timer *timer)
{
	return timer->lvt & LVT_MODE;
}

/* Bits 3, 1, 0 of the register: 2, 4, .. 128, and 111 is 1. */
static uint32_t divisor(const struct kvt_lapic_timer *timer)
{
	const unsigned bits = (timer->divide & 3u) | (timer->divide & 8u) >> 1;

	return bits == 7 ? 1 : 2u << bits;
}

static bool counting(const struct kvt_lapic_timer *timer)
{
	return timer->initial != 0 && mode(timer) <= LVT_PERIODIC;
}

/* Divided clocks since base_ns. */
static uint64_t clocks(const struct kvt_lapic_timer *timer, uint64_t t)
{
	return kvt_div(kvt_clocks_at(t - timer->base_ns, timer->bus_hz), divisor(timer));
}

static uint64_t ends_at(const struct kvt_lapic_timer *timer, uint64_t t)
{
	const uint64_t c = clocks(timer, t);

	if (!counting(timer) || timer->base_count == 0 || c < timer->base_count)
		return 0;
	return mode(timer) == LVT_PERIODIC ? 1 + kvt_div(c - timer->base_count, timer->initial) : 1;
}

static uint32_t current(const struct kvt_lapic_timer *timer, uint64_t t)
{
	uint64_t c;

	if (!counting(timer))
		return 0;
	c = clocks(timer, t);
	if (c < timer->base_count)
		return timer->base_count - (uint32_t)c;
	if (mode(timer) != LVT_PERIODIC || timer->base_count == 0)
		return 0;
	return timer->initial - (uint32_t)kvt_mod(c - timer->base_count, timer->initial);
}

static uint64_t tsc_at(const struct kvt_lapic_timer *timer, uint64_t t)
{
	return timer->tsc_base + kvt_clocks_at(t, timer->tsc_hz);
}

static void set_period(struct kvt_lapic_timer *timer, uint64_t t)
{
	const bool runs = counting(timer) && mode(timer) == LVT_PERIODIC && timer->base_count != 0;

	kvt_ticks_set_period(&timer->ticks, runs ? (uint64_t)timer->initial * divisor(timer) : 0,
			     timer->origin_ns + t);
}

/* A masked timer counts, and its interrupts are gone. */
static void expire(struct kvt_lapic_timer *timer, uint64_t ends, uint64_t t)
{
	if (ends == 0 || timer->lvt & LVT_MASK)
		return;
	if (mode(timer) == LVT_PERIODIC)
		kvt_ticks_due(&timer->ticks, ends, timer->origin_ns + t);
	else
		kvt_ticks_single(&timer->ticks);
}

static uint64_t arrive(struct kvt_lapic_timer *timer, uint64_t now_ns)
{
	const uint64_t t = kvt_local_ns(timer->origin_ns, &timer->now_ns, now_ns);
	const uint64_t ends = ends_at(timer, t);

	expire(timer, ends - timer->expired, t);
	timer->expired = ends;
	if (timer->deadline_tsc != 0 && tsc_at(timer, t) >= timer->deadline_tsc) {
		timer->deadline_tsc = 0;
		expire(timer, 1, t);
	}
	return t;
}

/* Count from @count on. */
static void start(struct kvt_lapic_timer *timer, uint32_t count, uint64_t t)
{
	timer->base_ns = t;
	timer->base_count = count;
	timer->expired = 0;
	set_period(timer, t);
}

static void write_lvt(struct kvt_lapic_timer *timer, uint32_t value, uint64_t t)
{
	const uint32_t old = mode(timer), count = current(timer, t);

	value &= LVT_WRITABLE;
	/* without the mode its bit is reserved */
	if (timer->tsc_hz == 0)
		value &= ~LVT_TSC_DEADLINE;
	timer->lvt = value;
	if (old == mode(timer))
		return;
	timer->deadline_tsc = 0;
	/* "a write that changes to or from TSC deadline mode disarms the timer" */
	if (old == LVT_TSC_DEADLINE || mode(timer) >= LVT_TSC_DEADLINE)
		timer->initial = 0;
	start(timer, count, t);
}

void kvt_lapic_timer_out(struct kvt_lapic_timer *timer, unsigned offset, uint32_t value,
			 uint64_t now_ns)
{
	const uint64_t t = arrive(timer, now_ns);
	uint32_t count;

	switch (offset) {
	case KVT_LAPIC_LVT:
		write_lvt(timer, value, t);
		break;
	case KVT_LAPIC_INITIAL:
		if (mode(timer) > LVT_PERIODIC)
			break;
		timer->initial = value;
		start(timer, value, t);
		break;
	case KVT_LAPIC_DIVIDE:
		count = current(timer, t);
		timer->divide = value & DIVIDE_WRITABLE;
		start(timer, count, t);
		break;
	default:
		break;
	}
}

uint32_t kvt_lapic_timer_in(struct kvt_lapic_timer *timer, unsigned offset, uint64_t now_ns)
{
	const uint64_t t = arrive(timer, now_ns);

	switch (offset) {
	case KVT_LAPIC_LVT:
		return timer->lvt;
	case KVT_LAPIC_INITIAL:
		return timer->initial;
	case KVT_LAPIC_CURRENT:
		return current(timer, t);
	case KVT_LAPIC_DIVIDE:
		return timer->divide;
	default:
		return 0;
	}
}

uint64_t kvt_lapic_timer_deadline(struct kvt_lapic_timer *timer, uint64_t now_ns)
{
	(void)arrive(timer, now_ns);
	return timer->deadline_tsc;
}

void kvt_lapic_timer_set_deadline(struct kvt_lapic_timer *timer, uint64_t tsc, uint64_t now_ns)
{
	(void)arrive(timer, now_ns);
	if (mode(timer) != LVT_TSC_DEADLINE)
		return;
	timer->deadline_tsc = tsc;
	(void)arrive(timer, now_ns); /* one that is past fires at once */
}

void kvt_lapic_timer_set_tsc(struct kvt_lapic_timer *timer, uint64_t tsc, uint64_t now_ns)
{
	const uint64_t t = arrive(timer, now_ns);

	timer->tsc_base += tsc - tsc_at(timer, t);
	(void)arrive(timer, now_ns);
}

bool kvt_lapic_timer_run(struct kvt_lapic_timer *timer, uint64_t now_ns)
{
	const uint64_t t = arrive(timer, now_ns);

	return kvt_ticks_take(&timer->ticks, timer->origin_ns + t);
}

static uint64_t next_end(const struct kvt_lapic_timer *timer)
{
	uint64_t end = timer->base_count, ns;

	if (!counting(timer) || timer->base_count == 0 || timer->lvt & LVT_MASK ||
	    (mode(timer) == LVT_ONE_SHOT && timer->expired != 0))
		return KVT_NEVER;
	end += timer->expired * timer->initial;
	ns = kvt_ns_of_clock(end * divisor(timer), timer->bus_hz);
	return ns >= KVT_MAX_LOCAL_NS ? KVT_NEVER
				      : kvt_caller_ns(timer->origin_ns, timer->base_ns + ns);
}

static uint64_t next_deadline(const struct kvt_lapic_timer *timer)
{
	const uint64_t tsc = tsc_at(timer, timer->now_ns);
	uint64_t ns;

	if (timer->deadline_tsc == 0 || timer->lvt & LVT_MASK)
		return KVT_NEVER;
	if (timer->deadline_tsc <= tsc)
		return timer->origin_ns + timer->now_ns;
	/* from our zero, so that the first ns is exact; a TSC base that wrapped cannot get here */
	ns = kvt_ns_of_clock(timer->deadline_tsc - timer->tsc_base, timer->tsc_hz);
	return ns >= KVT_MAX_LOCAL_NS ? KVT_NEVER : kvt_caller_ns(timer->origin_ns, ns);
}

uint64_t kvt_lapic_timer_next_ns(const struct kvt_lapic_timer *timer)
{
	return kvt_min_u64(kvt_ticks_next_ns(&timer->ticks),
			   kvt_min_u64(next_end(timer), next_deadline(timer)));
}

int kvt_lapic_timer_init(struct kvt_lapic_timer *timer, const struct kvt_lapic_timer_config *config,
			 uint64_t now_ns)
{
	struct kvt_lapic_timer fresh = {
		.origin_ns = now_ns,
		.bus_hz = config->bus_hz,
		.tsc_hz = config->tsc_hz,
		.tsc_base = config->tsc,
		.lvt = LVT_MASK,
	};

	if (config->bus_hz == 0 || config->bus_hz > UINT64_C(10000000000) ||
	    config->tsc_hz > UINT64_C(100000000000))
		return -KVT_E_ARG;
	if (kvt_ticks_init(&fresh.ticks, &config->ticks, config->bus_hz) < 0)
		return -KVT_E_ARG;
	*timer = fresh;
	return 0;
}

void kvt_lapic_timer_reset(struct kvt_lapic_timer *timer, uint64_t now_ns)
{
	const uint64_t t = arrive(timer, now_ns);

	kvt_ticks_reset(&timer->ticks);
	timer->lvt = LVT_MASK;
	timer->divide = 0;
	timer->initial = 0;
	timer->deadline_tsc = 0;
	start(timer, 0, t);
}

/* ---- saved state ---- */

static const char magic[4] = { 'K', 'L', 'A', 'T' };
#define VERSION 1

int kvt_lapic_timer_save(const struct kvt_lapic_timer *timer, void *buffer, size_t capacity,
			 size_t *ret_size)
{
	struct kvt_bytes bytes;
	const int r = kvt_save_begin(&bytes, buffer, capacity, KVT_LAPIC_TIMER_SAVE_BYTES, magic,
				     VERSION);

	if (r < 0)
		return r;
	kvt_put(&bytes, timer->now_ns, 8);
	kvt_ticks_put(&bytes, &timer->ticks, timer->origin_ns + timer->now_ns);
	kvt_put(&bytes, timer->bus_hz, 8);
	kvt_put(&bytes, timer->tsc_hz, 8);
	kvt_put(&bytes, timer->tsc_base, 8);
	kvt_put(&bytes, timer->deadline_tsc, 8);
	kvt_put(&bytes, timer->base_ns, 8);
	kvt_put(&bytes, timer->expired, 8);
	kvt_put(&bytes, timer->base_count, 4);
	kvt_put(&bytes, timer->initial, 4);
	kvt_put(&bytes, timer->lvt, 4);
	kvt_put(&bytes, timer->divide, 1);
	kvt_put(&bytes, 0, KVT_LAPIC_TIMER_SAVE_BYTES - (unsigned)bytes.at);
	*ret_size = bytes.at;
	return 0;
}

static bool is_possible(const struct kvt_lapic_timer *timer)
{
	return timer->bus_hz != 0 && timer->bus_hz <= UINT64_C(10000000000) &&
	       timer->tsc_hz <= UINT64_C(100000000000) && (timer->lvt & ~LVT_WRITABLE) == 0 &&
	       (timer->divide & ~DIVIDE_WRITABLE) == 0 &&
	       (timer->initial != 0 || timer->base_count == 0 || !counting(timer)) &&
	       (timer->deadline_tsc == 0 || mode(timer) == LVT_TSC_DEADLINE) &&
	       (timer->tsc_hz != 0 || !(timer->lvt & LVT_TSC_DEADLINE)) &&
	       timer->expired == ends_at(timer, timer->now_ns);
}

int kvt_lapic_timer_load(struct kvt_lapic_timer *timer, const void *buffer, size_t size,
			 uint64_t now_ns)
{
	struct kvt_lapic_timer loaded = { 0 };
	struct kvt_bytes bytes;
	const int r =
		kvt_load_begin(&bytes, buffer, size, KVT_LAPIC_TIMER_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	loaded.now_ns = kvt_get_max(&bytes, 8, KVT_MAX_LOCAL_NS);
	loaded.origin_ns = now_ns - loaded.now_ns;
	kvt_ticks_get(&bytes, &loaded.ticks, 1, now_ns);
	loaded.bus_hz = kvt_get(&bytes, 8);
	loaded.tsc_hz = kvt_get(&bytes, 8);
	loaded.tsc_base = kvt_get(&bytes, 8);
	loaded.deadline_tsc = kvt_get(&bytes, 8);
	loaded.base_ns = kvt_get_max(&bytes, 8, loaded.now_ns);
	loaded.expired = kvt_get(&bytes, 8);
	loaded.base_count = (uint32_t)kvt_get(&bytes, 4);
	loaded.initial = (uint32_t)kvt_get(&bytes, 4);
	loaded.lvt = (uint32_t)kvt_get(&bytes, 4);
	loaded.divide = (uint8_t)kvt_get(&bytes, 1);
	while (bytes.at < size)
		(void)kvt_get_max(&bytes, 1, 0);
	if (bytes.bad || !is_possible(&loaded))
		return -KVT_E_CORRUPT;
	kvt_ticks_set_clock(&loaded.ticks, loaded.bus_hz);
	*timer = loaded;
	return 0;
}
