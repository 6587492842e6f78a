/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HPET. The counter is computed from time; a comparator keeps the value of its next match, which
 * is what the specification shows as the accumulated comparator of a periodic timer.
 */
#include <kvmtime/devices/hpet.h>
#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "state.h"

#define FS_PER_NS 1000000u
#define FS_PER_S  UINT64_C(1000000000000000)

#define REG_CAPABILITIES 0x000u
#define REG_CONFIG       0x010u
#define REG_STATUS       0x020u
#define REG_COUNTER      0x0f0u
#define REG_TIMERS       0x100u /* 0x20 each: configuration, comparator, FSB route */

#define CONFIG_ENABLE 1u
#define CONFIG_LEGACY 2u

#define TN_LEVEL        0x0002u
#define TN_INTERRUPT    0x0004u
#define TN_PERIODIC     0x0008u
#define TN_PERIODIC_CAP 0x0010u
#define TN_SIZE_CAP     0x0020u
#define TN_VAL_SET      0x0040u
#define TN_32_BIT       0x0100u
#define TN_ROUTE        0x3e00u
#define TN_WRITABLE     (TN_LEVEL | TN_INTERRUPT | TN_PERIODIC | TN_VAL_SET | TN_32_BIT | TN_ROUTE)

/* 8086h, legacy replacement, 64 bits, revision 1 */
#define CAPABILITIES 0x8086a001u

static bool enabled(const struct kvt_hpet *hpet)
{
	return hpet->enable & CONFIG_ENABLE;
}

static bool is_periodic(const struct kvt_hpet_timer *timer)
{
	return timer->config & TN_PERIODIC;
}

static uint64_t width(const struct kvt_hpet_timer *timer)
{
	return timer->config & TN_32_BIT ? UINT32_MAX : UINT64_MAX;
}

static uint64_t counter(const struct kvt_hpet *hpet, uint64_t t)
{
	uint64_t clocks = 0;

	if (enabled(hpet)) /* at most 2^62 ns * 10: fits */
		(void)kvt_muldiv_u64(t - hpet->base_ns, FS_PER_NS, hpet->period_fs, &clocks);
	return hpet->base_counter + clocks;
}

/* Clocks after hpet->seen at which @timer matches next, less one, so that a whole turn fits. */
static uint64_t distance(const struct kvt_hpet *hpet, const struct kvt_hpet_timer *timer)
{
	return (timer->comparator - hpet->seen - 1) & width(timer);
}

/* ---- matches ---- */

static void matched(struct kvt_hpet *hpet, unsigned n, uint64_t matches, uint64_t t)
{
	struct kvt_hpet_timer *timer = &hpet->timer[n];

	if (!(timer->config & TN_INTERRUPT)) {
		/* "can still count and generate appropriate status bits" */
		if (timer->config & TN_LEVEL)
			hpet->status |= 1u << n;
	} else if (is_periodic(timer) && timer->period != 0) {
		kvt_ticks_due(&timer->ticks, matches, hpet->origin_ns + t);
	} else {
		kvt_ticks_single(&timer->ticks);
	}
}

/* The matches of timer @n until the counter is @now; they lie after hpet->seen. */
static void match(struct kvt_hpet *hpet, unsigned n, uint64_t now, uint64_t t)
{
	struct kvt_hpet_timer *timer = &hpet->timer[n];
	const uint64_t passed = now - hpet->seen, first = distance(hpet, timer);
	uint64_t matches = 1;

	if (passed <= first)
		return;
	if (is_periodic(timer) && timer->period != 0) {
		matches += kvt_div(passed - first - 1, timer->period);
		timer->comparator = (timer->comparator + matches * timer->period) & width(timer);
	}
	matched(hpet, n, matches, t);
}

static uint64_t arrive(struct kvt_hpet *hpet, uint64_t now_ns)
{
	const uint64_t t = kvt_local_ns(hpet->origin_ns, &hpet->now_ns, now_ns);
	const uint64_t now = counter(hpet, t);

	if (!enabled(hpet))
		return t;
	for (unsigned n = 0; n < hpet->timers; n++)
		match(hpet, n, now, t);
	hpet->seen = now;
	return t;
}

/* Level interrupts become active here; edges are left to kvt_hpet_run(). */
static void take_levels(struct kvt_hpet *hpet, uint64_t t)
{
	for (unsigned n = 0; n < hpet->timers; n++) {
		struct kvt_hpet_timer *timer = &hpet->timer[n];

		if (timer->config & TN_LEVEL && kvt_ticks_take(&timer->ticks, hpet->origin_ns + t))
			hpet->status |= 1u << n;
	}
}

static void set_period(struct kvt_hpet *hpet, struct kvt_hpet_timer *timer, uint64_t t)
{
	const bool ticks = enabled(hpet) && is_periodic(timer) && timer->config & TN_INTERRUPT;

	kvt_ticks_set_period(&timer->ticks, ticks ? timer->period : 0, hpet->origin_ns + t);
}

/* ---- registers ---- */

static uint64_t timer_config(const struct kvt_hpet *hpet, const struct kvt_hpet_timer *timer)
{
	return (uint64_t)hpet->route_mask << 32 | TN_PERIODIC_CAP | TN_SIZE_CAP | timer->config;
}

static uint64_t read_timer(const struct kvt_hpet *hpet, uint32_t offset)
{
	const unsigned n = (offset - REG_TIMERS) / 0x20;

	if (n >= hpet->timers)
		return 0;
	switch (offset & 0x18) {
	case 0x00:
		return timer_config(hpet, &hpet->timer[n]);
	case 0x08:
		return hpet->timer[n].comparator;
	default:
		return 0;
	}
}

/* The 8 bytes at @offset, a multiple of 8. */
static uint64_t read_register(const struct kvt_hpet *hpet, uint32_t offset, uint64_t t)
{
	switch (offset) {
	case REG_CAPABILITIES:
		return (uint64_t)hpet->period_fs << 32 | CAPABILITIES | (hpet->timers - 1u) << 8;
	case REG_CONFIG:
		return hpet->enable;
	case REG_STATUS:
		return hpet->status;
	case REG_COUNTER:
		return counter(hpet, t);
	default:
		return offset >= REG_TIMERS ? read_timer(hpet, offset) : 0;
	}
}

static void write_config(struct kvt_hpet *hpet, uint8_t value, uint64_t t)
{
	hpet->base_counter = counter(hpet, t);
	hpet->base_ns = t;
	hpet->seen = hpet->base_counter;
	hpet->enable = value & (CONFIG_ENABLE | CONFIG_LEGACY);
	for (unsigned n = 0; n < hpet->timers; n++)
		set_period(hpet, &hpet->timer[n], t);
}

/* "If set to level-triggered mode, a write of 1 clears the interrupt." */
static void write_status(struct kvt_hpet *hpet, uint32_t value, uint64_t t)
{
	const uint32_t cleared = hpet->status & value;

	hpet->status &= ~cleared;
	for (unsigned n = 0; n < hpet->timers; n++)
		if (cleared & 1u << n)
			kvt_ticks_ack(&hpet->timer[n].ticks);
	take_levels(hpet, t);
}

static void write_timer_config(struct kvt_hpet *hpet, unsigned n, uint32_t value, uint64_t t)
{
	struct kvt_hpet_timer *timer = &hpet->timer[n];
	uint32_t route = value & TN_ROUTE;

	/* "a write of a pin that is not supported does not read back" */
	if (!(hpet->route_mask >> (route >> 9) & 1))
		route = timer->config & TN_ROUTE;
	timer->config = (value & (TN_WRITABLE & ~TN_ROUTE)) | route;
	if (timer->config & TN_32_BIT) {
		timer->comparator &= UINT32_MAX;
		timer->period &= UINT32_MAX;
	}
	if (!(timer->config & TN_LEVEL) && hpet->status & 1u << n) {
		hpet->status &= ~(1u << n);
		kvt_ticks_ack(&timer->ticks);
	}
	set_period(hpet, timer, t);
}

static void write_comparator(struct kvt_hpet *hpet, unsigned n, uint64_t value, uint64_t mask,
			     uint64_t t)
{
	struct kvt_hpet_timer *timer = &hpet->timer[n];

	if (!is_periodic(timer) || timer->config & TN_VAL_SET)
		timer->comparator = ((timer->comparator & ~mask) | (value & mask)) & width(timer);
	if (is_periodic(timer))
		timer->period = ((timer->period & ~mask) | (value & mask)) & width(timer);
	timer->config &= ~TN_VAL_SET; /* "automatically cleared" */
	set_period(hpet, timer, t);
}

static void write_timer(struct kvt_hpet *hpet, uint32_t offset, uint64_t value, uint64_t mask,
			uint64_t t)
{
	const unsigned n = (offset - REG_TIMERS) / 0x20;

	if (n >= hpet->timers)
		return;
	if ((offset & 0x18) == 0x00 && mask & UINT32_MAX)
		write_timer_config(hpet, n, (uint32_t)value, t);
	else if ((offset & 0x18) == 0x08)
		write_comparator(hpet, n, value, mask, t);
}

/* @mask: which bits of the 8 bytes at @offset are written */
static void write_register(struct kvt_hpet *hpet, uint32_t offset, uint64_t value, uint64_t mask,
			   uint64_t t)
{
	if (offset == REG_CONFIG && mask & UINT32_MAX) {
		write_config(hpet, (uint8_t)value, t);
	} else if (offset == REG_STATUS && mask & UINT32_MAX) {
		write_status(hpet, (uint32_t)value, t);
	} else if (offset == REG_COUNTER && !enabled(hpet)) {
		hpet->base_counter = (hpet->base_counter & ~mask) | (value & mask);
		hpet->seen = hpet->base_counter;
	} else if (offset >= REG_TIMERS) {
		write_timer(hpet, offset, value, mask, t);
	}
}

static bool is_aligned(uint32_t offset, unsigned bytes)
{
	return (bytes == 4 || bytes == 8) && offset % bytes == 0 && offset < 0x400;
}

uint64_t kvt_hpet_read(struct kvt_hpet *hpet, uint32_t offset, unsigned bytes, uint64_t now_ns)
{
	const uint64_t t = arrive(hpet, now_ns);
	uint64_t value;

	take_levels(hpet, t);
	if (!is_aligned(offset, bytes))
		return 0;
	value = read_register(hpet, offset & ~7u, t);
	if (bytes == 8)
		return value;
	return offset & 4 ? value >> 32 : value & UINT32_MAX;
}

void kvt_hpet_write(struct kvt_hpet *hpet, uint32_t offset, unsigned bytes, uint64_t value,
		    uint64_t now_ns)
{
	const uint64_t t = arrive(hpet, now_ns);

	take_levels(hpet, t);
	if (!is_aligned(offset, bytes))
		return;
	if (bytes == 8)
		write_register(hpet, offset, value, UINT64_MAX, t);
	else if (offset & 4)
		write_register(hpet, offset & ~7u, value << 32, (uint64_t)UINT32_MAX << 32, t);
	else
		write_register(hpet, offset, value & UINT32_MAX, UINT32_MAX, t);
}

/* ---- time ---- */

uint32_t kvt_hpet_run(struct kvt_hpet *hpet, uint64_t now_ns)
{
	const uint64_t t = arrive(hpet, now_ns);
	uint32_t edges = 0;

	take_levels(hpet, t);
	for (unsigned n = 0; n < hpet->timers; n++)
		if (!(hpet->timer[n].config & TN_LEVEL) &&
		    kvt_ticks_take(&hpet->timer[n].ticks, hpet->origin_ns + t))
			edges |= 1u << n;
	return edges;
}

uint32_t kvt_hpet_levels(const struct kvt_hpet *hpet)
{
	uint32_t levels = 0;

	for (unsigned n = 0; n < hpet->timers; n++)
		if (hpet->timer[n].config & TN_INTERRUPT)
			levels |= hpet->status & 1u << n;
	return levels;
}

unsigned kvt_hpet_route(const struct kvt_hpet *hpet, unsigned n)
{
	if (n >= hpet->timers)
		return 0;
	if (hpet->enable & CONFIG_LEGACY && n < 2)
		return n == 0 ? 2 : 8;
	return (hpet->timer[n].config & TN_ROUTE) >> 9;
}

static uint64_t next_match(const struct kvt_hpet *hpet, const struct kvt_hpet_timer *timer)
{
	const uint64_t passed = hpet->seen - hpet->base_counter, first = distance(hpet, timer);
	const uint64_t clocks = passed + first + 1;
	uint64_t high, low, ns, rest;

	/* a match a whole 64-bit turn away, 5849 years at the least, never comes */
	if (!enabled(hpet) || !(timer->config & TN_INTERRUPT) || clocks <= passed)
		return KVT_NEVER;
	kvt_mul_u64(clocks, hpet->period_fs, &high, &low);
	if (kvt_div_u128_u64(high, low, FS_PER_NS, &ns, &rest) != 0 || ns >= KVT_MAX_LOCAL_NS)
		return KVT_NEVER;
	return kvt_caller_ns(hpet->origin_ns, hpet->base_ns + ns + (rest != 0));
}

uint64_t kvt_hpet_next_ns(const struct kvt_hpet *hpet)
{
	uint64_t next = KVT_NEVER;

	for (unsigned n = 0; n < hpet->timers; n++) {
		next = kvt_min_u64(next, next_match(hpet, &hpet->timer[n]));
		next = kvt_min_u64(next, kvt_ticks_next_ns(&hpet->timer[n].ticks));
	}
	return next;
}

int kvt_hpet_init(struct kvt_hpet *hpet, const struct kvt_hpet_config *config, uint64_t now_ns)
{
	struct kvt_hpet fresh = {
		.origin_ns = now_ns,
		.period_fs = config->period_fs != 0 ? config->period_fs : 10 * FS_PER_NS,
		.route_mask = config->route_mask,
		.timers = config->timers != 0 ? config->timers : 3,
	};

	if (fresh.period_fs < 100000 || fresh.period_fs > 100000000 || fresh.timers < 3 ||
	    fresh.timers > KVT_HPET_MAX_TIMERS)
		return -KVT_E_ARG;
	for (unsigned n = 0; n < KVT_HPET_MAX_TIMERS; n++)
		if (kvt_ticks_init(&fresh.timer[n].ticks, &config->ticks,
				   kvt_div(FS_PER_S, fresh.period_fs)) < 0)
			return -KVT_E_ARG;
	*hpet = fresh;
	kvt_hpet_reset(hpet, now_ns);
	return 0;
}

void kvt_hpet_reset(struct kvt_hpet *hpet, uint64_t now_ns)
{
	const uint64_t t = arrive(hpet, now_ns);

	hpet->enable = 0;
	hpet->status = 0;
	hpet->base_ns = t;
	hpet->base_counter = 0;
	hpet->seen = 0;
	for (unsigned n = 0; n < KVT_HPET_MAX_TIMERS; n++) {
		hpet->timer[n].comparator = UINT64_MAX;
		hpet->timer[n].period = 0;
		hpet->timer[n].config = 0;
		kvt_ticks_reset(&hpet->timer[n].ticks);
	}
}

/* ---- saved state ---- */

static const char magic[4] = { 'K', 'H', 'P', 'T' };
#define VERSION 1

int kvt_hpet_save(const struct kvt_hpet *hpet, void *buffer, size_t capacity, size_t *ret_size)
{
	struct kvt_bytes bytes;
	const int r = kvt_save_begin(&bytes, buffer, capacity, KVT_HPET_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	kvt_put(&bytes, hpet->now_ns, 8);
	kvt_put(&bytes, hpet->base_ns, 8);
	kvt_put(&bytes, hpet->base_counter, 8);
	kvt_put(&bytes, hpet->seen, 8);
	kvt_put(&bytes, hpet->period_fs, 4);
	kvt_put(&bytes, hpet->route_mask, 4);
	kvt_put(&bytes, hpet->status, 4);
	kvt_put(&bytes, hpet->timers, 1);
	kvt_put(&bytes, hpet->enable, 1);
	for (unsigned n = 0; n < KVT_HPET_MAX_TIMERS; n++) {
		kvt_ticks_put(&bytes, &hpet->timer[n].ticks, hpet->origin_ns + hpet->now_ns);
		kvt_put(&bytes, hpet->timer[n].comparator, 8);
		kvt_put(&bytes, hpet->timer[n].period, 8);
		kvt_put(&bytes, hpet->timer[n].config, 4);
	}
	*ret_size = bytes.at;
	return 0;
}

static void get_timer(struct kvt_bytes *bytes, struct kvt_hpet_timer *timer, uint64_t hz,
		      uint64_t now_ns)
{
	kvt_ticks_get(bytes, &timer->ticks, hz, now_ns);
	timer->comparator = kvt_get(bytes, 8);
	timer->period = kvt_get(bytes, 8);
	timer->config = (uint32_t)kvt_get(bytes, 4);
	if (timer->config & ~TN_WRITABLE || timer->comparator > width(timer) ||
	    timer->period > width(timer))
		bytes->bad = true;
}

int kvt_hpet_load(struct kvt_hpet *hpet, const void *buffer, size_t size, uint64_t now_ns)
{
	struct kvt_hpet loaded = { 0 };
	struct kvt_bytes bytes;
	const int r = kvt_load_begin(&bytes, buffer, size, KVT_HPET_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	loaded.now_ns = kvt_get_max(&bytes, 8, KVT_MAX_LOCAL_NS);
	loaded.origin_ns = now_ns - loaded.now_ns;
	loaded.base_ns = kvt_get_max(&bytes, 8, loaded.now_ns);
	loaded.base_counter = kvt_get(&bytes, 8);
	loaded.seen = kvt_get(&bytes, 8);
	loaded.period_fs = (uint32_t)kvt_get_max(&bytes, 4, 100000000);
	loaded.route_mask = (uint32_t)kvt_get(&bytes, 4);
	loaded.status = (uint32_t)kvt_get_max(&bytes, 4, (1u << KVT_HPET_MAX_TIMERS) - 1);
	loaded.timers = (uint8_t)kvt_get_max(&bytes, 1, KVT_HPET_MAX_TIMERS);
	loaded.enable = (uint8_t)kvt_get_max(&bytes, 1, CONFIG_ENABLE | CONFIG_LEGACY);
	if (loaded.period_fs < 100000 || loaded.timers < 3)
		return -KVT_E_CORRUPT;
	for (unsigned n = 0; n < KVT_HPET_MAX_TIMERS; n++)
		get_timer(&bytes, &loaded.timer[n], kvt_div(FS_PER_S, loaded.period_fs), now_ns);
	if (bytes.bad || loaded.seen != counter(&loaded, loaded.now_ns))
		return -KVT_E_CORRUPT;
	*hpet = loaded;
	return 0;
}
