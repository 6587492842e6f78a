/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 8254. Nothing counts here: a channel knows where its clocks are counted from, and every
 * answer is computed from the clocks that have passed, in the same time for 1 as for 10^12.
 * Sections named below are those of datasheet 231164-005.
 */
#include <kvmtime/devices/i8254.h>
#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "state.h"

#define REFRESH_CLOCKS 18u
#define MAX_CLOCKS     (UINT64_C(1) << 62)

enum state {
	IDLE,    /* a control word, or nothing yet: no count */
	HALTED,  /* mode 0, between the two bytes of a count */
	WAITING, /* modes 1 and 5: a count, no trigger yet */
	RUNNING,
};

enum access { LOW_BYTE = 1, HIGH_BYTE = 2, BOTH_BYTES = 3 };

static bool triggered_by_gate(const struct kvt_i8254_channel *c)
{
	return c->mode == 1 || c->mode == 5;
}

static bool is_periodic(const struct kvt_i8254_channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

static bool counting(const struct kvt_i8254_channel *c)
{
	return c->state == RUNNING && (c->gate || triggered_by_gate(c));
}

/* Clocks since the count was loaded. */
static uint64_t clocks(const struct kvt_i8254_channel *c, uint64_t t)
{
	return c->base_ticks + (counting(c) ? kvt_clocks_at(t - c->base_ns, KVT_I8254_HZ) : 0);
}

static uint32_t high_half(const struct kvt_i8254_channel *c)
{
	return (c->count + 1) / 2;
}

/* OUT, by the "Mode Definitions". */
static bool output(const struct kvt_i8254_channel *c, uint64_t t)
{
	const uint64_t d = clocks(c, t);

	if (c->state != RUNNING)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
	case 1:
		return d >= c->count;
	case 2:
		return !c->gate || c->count == 1 || kvt_mod(d, c->count) != c->count - 1;
	case 3:
		return !c->gate || kvt_mod(d, c->count) < high_half(c);
	default:
		return d != c->count;
	}
}

/* Mode 3 counts by two, an odd count from one less, each half from the start. */
static uint32_t mode3_count(const struct kvt_i8254_channel *c, uint64_t d)
{
	uint32_t x = (uint32_t)kvt_mod(d, c->count);

	if (x >= high_half(c))
		x -= high_half(c);
	return (c->count & ~1u) - 2 * x;
}

static uint16_t to_bcd(uint32_t value)
{
	uint32_t bcd = 0;

	for (unsigned shift = 0; shift < 16; shift += 4, value /= 10)
		bcd |= value % 10 << shift;
	return (uint16_t)bcd;
}

/* The counting element as a number. */
static uint32_t value_at(const struct kvt_i8254_channel *c, uint64_t t)
{
	const uint64_t d = clocks(c, t);
	const uint32_t modulus = c->bcd ? 10000 : 65536;
	uint32_t value;

	if (c->state == RUNNING && c->mode == 3)
		value = mode3_count(c, d);
	else if (c->state == RUNNING && c->mode == 2)
		value = c->count - (uint32_t)kvt_mod(d, c->count);
	else
		value = c->count % modulus + modulus - (uint32_t)kvt_mod(d, modulus);
	return value % modulus;
}

/* and as it is read */
static uint16_t reading(const struct kvt_i8254_channel *c, uint64_t t)
{
	const uint32_t value = value_at(c, t);

	return c->bcd ? to_bcd(value) : (uint16_t)value;
}

/* A count that reads as @value; 0 is what the largest one reads as. */
static uint32_t count_of(bool bcd, uint32_t value)
{
	return value != 0 ? value : bcd ? 10000 : 65536;
}

/* ---- loading and the edges of OUT ---- */

static void set_first_edge(struct kvt_i8254_channel *c)
{
	/* the strobe of modes 4 and 5 is low for one clock: it rises after it */
	c->next_edge = c->mode >= 4 ? (uint64_t)c->count + 1 : c->count;
}

static void load(struct kvt_i8254_channel *c, uint32_t count, uint64_t t)
{
	c->count = count;
	c->next_count = 0;
	c->base_ns = t;
	c->base_ticks = 0;
	c->state = RUNNING;
	set_first_edge(c);
}

/* A clock at which a new count may take over: modes 2 and 3, "new count while counting". */
static uint64_t cycle_end(const struct kvt_i8254_channel *c, uint64_t d)
{
	const uint64_t x = kvt_mod(d, c->count);
	const uint32_t half = c->mode == 3 && x < high_half(c) ? high_half(c) : c->count;

	return d - x + half;
}

static uint64_t edges_until(struct kvt_i8254_channel *c, uint64_t d)
{
	uint64_t n = 1;

	if (d < c->next_edge)
		return 0;
	if (is_periodic(c)) {
		n = kvt_div(d - c->next_edge, c->count) + 1;
		c->next_edge += n * c->count;
	} else {
		c->next_edge = KVT_NEVER;
	}
	return n;
}

static void switch_count(struct kvt_i8254_channel *c)
{
	const bool at_half = c->mode == 3 && kvt_mod(c->switch_at, c->count) != 0;

	c->base_ticks -= c->switch_at; /* below zero; the elapsed clocks bring it back up */
	c->count = c->next_count;
	c->next_count = 0;
	if (at_half)
		c->base_ticks += high_half(c);
	c->next_edge = c->count;
}

static void tell_engine(struct kvt_i8254 *pit, uint64_t edges, uint64_t t)
{
	if (is_periodic(&pit->channel[0]))
		kvt_ticks_due(&pit->ticks, edges, pit->origin_ns + t);
	else if (edges != 0)
		kvt_ticks_single(&pit->ticks);
}

static void tell_period(struct kvt_i8254 *pit, uint64_t t)
{
	const struct kvt_i8254_channel *c = &pit->channel[0];

	kvt_ticks_set_period(&pit->ticks, is_periodic(c) ? c->count : 0, pit->origin_ns + t);
}

/* Everything that happened to channel @n until @t. */
static void advance(struct kvt_i8254 *pit, unsigned n, uint64_t t)
{
	struct kvt_i8254_channel *c = &pit->channel[n];
	uint64_t edges;

	if (!counting(c))
		return;
	if (is_periodic(c) && c->next_count != 0 && clocks(c, t) >= c->switch_at) {
		edges = edges_until(c, c->switch_at);
		if (n == 0)
			tell_engine(pit, edges, t);
		switch_count(c);
		if (n == 0)
			tell_period(pit, t);
	}
	edges = edges_until(c, clocks(c, t));
	if (n == 0)
		tell_engine(pit, edges, t);
}

static uint64_t arrive(struct kvt_i8254 *pit, uint64_t now_ns)
{
	const uint64_t t = kvt_local_ns(pit->origin_ns, &pit->now_ns, now_ns);

	for (unsigned n = 0; n < 3; n++)
		advance(pit, n, t);
	return t;
}

/* ---- programming ---- */

static uint32_t decode_count(const struct kvt_i8254_channel *c, uint16_t value)
{
	uint32_t count = 0;

	if (!c->bcd)
		return value == 0 ? 65536 : value;
	for (int shift = 12; shift >= 0; shift -= 4) /* digits above 9 weigh what they say */
		count = count * 10 + (value >> shift & 15);
	return count == 0 ? 10000 : count;
}

static void count_written(struct kvt_i8254 *pit, unsigned n, uint16_t value, uint64_t t)
{
	struct kvt_i8254_channel *c = &pit->channel[n];
	const uint32_t count = decode_count(c, value);

	if (triggered_by_gate(c)) {
		if (c->state == RUNNING) {
			c->next_count = count;
		} else {
			c->count = count;
			c->state = WAITING;
		}
	} else if (is_periodic(c) && counting(c)) {
		c->next_count = count;
		c->switch_at = cycle_end(c, clocks(c, t));
	} else {
		load(c, count, t);
		if (n == 0)
			tell_period(pit, t);
	}
}

static void write_count(struct kvt_i8254 *pit, unsigned n, uint8_t value, uint64_t t)
{
	struct kvt_i8254_channel *c = &pit->channel[n];

	if (c->access == LOW_BYTE) {
		count_written(pit, n, value, t);
	} else if (c->access == HIGH_BYTE) {
		count_written(pit, n, (uint16_t)(value << 8), t);
	} else if (c->write_high) {
		c->write_high = 0;
		count_written(pit, n, (uint16_t)(value << 8 | c->write_low), t);
	} else {
		c->write_high = 1;
		c->write_low = value;
		if (c->mode == 0 && c->state == RUNNING) { /* "the first byte disables counting" */
			c->count = count_of(c->bcd, value_at(c, t));
			c->base_ticks = 0;
			c->state = HALTED;
		}
	}
}

static void latch_count(struct kvt_i8254_channel *c, uint64_t t)
{
	if (c->count_latch != 0)
		return;
	c->latched_count = reading(c, t);
	c->count_latch = c->access == BOTH_BYTES ? 2 : 1;
}

static void latch_status(struct kvt_i8254_channel *c, uint64_t t)
{
	const bool null_count = c->state != RUNNING || c->next_count != 0;

	if (c->status_latch)
		return;
	c->latched_status = (uint8_t)((unsigned)output(c, t) << 7 | (unsigned)null_count << 6 |
				      (unsigned)c->access << 4 | (unsigned)c->mode << 1 | c->bcd);
	c->status_latch = 1;
}

static void read_back(struct kvt_i8254 *pit, uint8_t command, uint64_t t)
{
	for (unsigned n = 0; n < 3; n++) {
		if (!(command & 2 << n))
			continue;
		if (!(command & 0x20))
			latch_count(&pit->channel[n], t);
		if (!(command & 0x10))
			latch_status(&pit->channel[n], t);
	}
}

static void set_mode(struct kvt_i8254_channel *c, uint8_t command, uint64_t t)
{
	const uint32_t value = value_at(c, t);
	const uint8_t mode = command >> 1 & 7;
	struct kvt_i8254_channel fresh = {
		.mode = mode >= 6 ? mode - 4 : mode, /* the top bit of 11x is "don't care" */
		.access = command >> 4 & 3,
		.bcd = command & 1,
		.gate = c->gate,
		.next_edge = KVT_NEVER,
		.base_ns = t,
	};

	fresh.count = count_of(fresh.bcd, value);
	*c = fresh;
}

static void control(struct kvt_i8254 *pit, uint8_t command, uint64_t t)
{
	const unsigned n = command >> 6;

	if (n == 3)
		read_back(pit, command, t);
	else if ((command & 0x30) == 0)
		latch_count(&pit->channel[n], t);
	else
		set_mode(&pit->channel[n], command, t);
}

void kvt_i8254_out(struct kvt_i8254 *pit, unsigned offset, uint8_t value, uint64_t now_ns)
{
	const uint64_t t = arrive(pit, now_ns);

	if (offset == 3)
		control(pit, value, t);
	else if (offset < 3)
		write_count(pit, offset, value, t);
}

/* Low or high byte of @value, by the access bits and whose turn it is. */
static uint8_t pick_byte(const struct kvt_i8254_channel *c, uint16_t value, bool second)
{
	return (uint8_t)(c->access == HIGH_BYTE || second ? value >> 8 : value);
}

uint8_t kvt_i8254_in(struct kvt_i8254 *pit, unsigned offset, uint64_t now_ns)
{
	const uint64_t t = arrive(pit, now_ns);
	struct kvt_i8254_channel *c;
	uint8_t value;

	if (offset > 2)
		return 0;
	c = &pit->channel[offset];
	if (c->status_latch) {
		c->status_latch = 0;
		return c->latched_status;
	}
	if (c->count_latch != 0) {
		value = pick_byte(c, c->latched_count,
				  c->access == BOTH_BYTES && c->count_latch == 1);
		c->count_latch--;
		return value;
	}
	value = pick_byte(c, reading(c, t), c->read_high);
	c->read_high = c->access == BOTH_BYTES ? !c->read_high : 0;
	return value;
}

/* ---- port 0x61 ---- */

static void set_gate(struct kvt_i8254_channel *c, bool gate, uint64_t t)
{
	const bool rises = gate && !c->gate;

	if (gate == (bool)c->gate)
		return;
	if (!triggered_by_gate(c)) { /* counting stops or goes on here */
		c->base_ticks = clocks(c, t);
		c->base_ns = t;
	}
	c->gate = gate;
	if (!rises || c->state < WAITING)
		return;
	if (triggered_by_gate(c) || is_periodic(c))
		load(c, c->next_count != 0 ? c->next_count : c->count, t);
}

void kvt_i8254_port61_out(struct kvt_i8254 *pit, uint8_t value, uint64_t now_ns)
{
	const uint64_t t = arrive(pit, now_ns);

	pit->port61 = value & 0x0f;
	set_gate(&pit->channel[2], value & 1, t);
}

uint8_t kvt_i8254_port61_in(struct kvt_i8254 *pit, uint64_t now_ns)
{
	const uint64_t t = arrive(pit, now_ns);
	const uint64_t refresh = kvt_div(kvt_clocks_at(t, KVT_I8254_HZ), REFRESH_CLOCKS);

	return (uint8_t)(pit->port61 | (refresh & 1) << 4 |
			 (unsigned)output(&pit->channel[2], t) << 5);
}

bool kvt_i8254_output(struct kvt_i8254 *pit, unsigned channel, uint64_t now_ns)
{
	const uint64_t t = arrive(pit, now_ns);

	return channel < 3 && output(&pit->channel[channel], t);
}

/* ---- time ---- */

bool kvt_i8254_run(struct kvt_i8254 *pit, uint64_t now_ns)
{
	const uint64_t t = arrive(pit, now_ns);

	return kvt_ticks_take(&pit->ticks, pit->origin_ns + t);
}

uint64_t kvt_i8254_next_ns(const struct kvt_i8254 *pit)
{
	const struct kvt_i8254_channel *c = &pit->channel[0];
	const uint64_t engine_ns = kvt_ticks_next_ns(&pit->ticks);
	uint64_t at = c->next_edge, edge_ns;

	if (!counting(c))
		return engine_ns;
	if (is_periodic(c) && c->next_count != 0)
		at = kvt_min_u64(at, c->switch_at);
	if (at == KVT_NEVER)
		return engine_ns;
	edge_ns = kvt_ns_of_clock(at - c->base_ticks, KVT_I8254_HZ);
	if (edge_ns >= KVT_MAX_LOCAL_NS)
		return engine_ns;
	return kvt_min_u64(engine_ns, kvt_caller_ns(pit->origin_ns, c->base_ns + edge_ns));
}

int kvt_i8254_init(struct kvt_i8254 *pit, const struct kvt_ticks_config *config, uint64_t now_ns)
{
	struct kvt_i8254 fresh = { .origin_ns = now_ns };
	const int r = kvt_ticks_init(&fresh.ticks, config, KVT_I8254_HZ);

	if (r < 0)
		return r;
	*pit = fresh;
	kvt_i8254_reset(pit, now_ns);
	return 0;
}

void kvt_i8254_reset(struct kvt_i8254 *pit, uint64_t now_ns)
{
	const uint64_t t = arrive(pit, now_ns);

	kvt_ticks_reset(&pit->ticks);
	pit->port61 = 0;
	for (unsigned n = 0; n < 3; n++) {
		pit->channel[n].gate = n != 2;
		set_mode(&pit->channel[n], 0x36, t);
		pit->channel[n].count = 65536;
	}
}

/* ---- saved state ---- */

static const char magic[4] = { 'K', 'P', 'I', 'T' };
#define VERSION 1

static void put_channel(struct kvt_bytes *bytes, const struct kvt_i8254_channel *c)
{
	kvt_put(bytes, c->base_ns, 8);
	kvt_put(bytes, c->base_ticks, 8);
	kvt_put(bytes, c->next_edge, 8);
	kvt_put(bytes, c->switch_at, 8);
	kvt_put(bytes, c->count, 4);
	kvt_put(bytes, c->next_count, 4);
	kvt_put(bytes, c->latched_count, 2);
	kvt_put(bytes, c->latched_status, 1);
	kvt_put(bytes, c->count_latch, 1);
	kvt_put(bytes, c->status_latch, 1);
	kvt_put(bytes, c->mode, 1);
	kvt_put(bytes, c->access, 1);
	kvt_put(bytes, c->bcd, 1);
	kvt_put(bytes, c->gate, 1);
	kvt_put(bytes, c->state, 1);
	kvt_put(bytes, c->read_high, 1);
	kvt_put(bytes, c->write_high, 1);
	kvt_put(bytes, c->write_low, 1);
}

static void get_channel(struct kvt_bytes *bytes, struct kvt_i8254_channel *c, uint64_t now_ns)
{
	c->base_ns = kvt_get_max(bytes, 8, now_ns);
	c->base_ticks = kvt_get(bytes, 8);
	c->next_edge = kvt_get(bytes, 8);
	c->switch_at = kvt_get_max(bytes, 8, MAX_CLOCKS);
	c->count = (uint32_t)kvt_get_max(bytes, 4, 65536);
	c->next_count = (uint32_t)kvt_get_max(bytes, 4, 65536);
	c->latched_count = (uint16_t)kvt_get(bytes, 2);
	c->latched_status = (uint8_t)kvt_get(bytes, 1);
	c->count_latch = (uint8_t)kvt_get_max(bytes, 1, 2);
	c->status_latch = (uint8_t)kvt_get_max(bytes, 1, 1);
	c->mode = (uint8_t)kvt_get_max(bytes, 1, 5);
	c->access = (uint8_t)kvt_get_max(bytes, 1, BOTH_BYTES);
	c->bcd = (uint8_t)kvt_get_max(bytes, 1, 1);
	c->gate = (uint8_t)kvt_get_max(bytes, 1, 1);
	c->state = (uint8_t)kvt_get_max(bytes, 1, RUNNING);
	c->read_high = (uint8_t)kvt_get_max(bytes, 1, 1);
	c->write_high = (uint8_t)kvt_get_max(bytes, 1, 1);
	c->write_low = (uint8_t)kvt_get(bytes, 1);
	if (c->count == 0 || c->access == 0 || clocks(c, now_ns) > MAX_CLOCKS ||
	    (c->next_edge > MAX_CLOCKS && c->next_edge != KVT_NEVER))
		bytes->bad = true;
}

int kvt_i8254_save(const struct kvt_i8254 *pit, void *buffer, size_t capacity, size_t *ret_size)
{
	struct kvt_bytes bytes;
	const int r =
		kvt_save_begin(&bytes, buffer, capacity, KVT_I8254_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	kvt_put(&bytes, pit->now_ns, 8);
	kvt_ticks_put(&bytes, &pit->ticks, pit->origin_ns + pit->now_ns);
	for (unsigned n = 0; n < 3; n++)
		put_channel(&bytes, &pit->channel[n]);
	kvt_put(&bytes, pit->port61, 1);
	*ret_size = bytes.at;
	return 0;
}

int kvt_i8254_load(struct kvt_i8254 *pit, const void *buffer, size_t size, uint64_t now_ns)
{
	struct kvt_i8254 loaded = { 0 };
	struct kvt_bytes bytes;
	const int r = kvt_load_begin(&bytes, buffer, size, KVT_I8254_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	loaded.now_ns = kvt_get_max(&bytes, 8, KVT_MAX_LOCAL_NS);
	loaded.origin_ns = now_ns - loaded.now_ns;
	kvt_ticks_get(&bytes, &loaded.ticks, KVT_I8254_HZ, now_ns);
	for (unsigned n = 0; n < 3; n++)
		get_channel(&bytes, &loaded.channel[n], loaded.now_ns);
	loaded.port61 = (uint8_t)kvt_get_max(&bytes, 1, 0x0f);
	if (bytes.bad)
		return -KVT_E_CORRUPT;
	*pit = loaded;
	return 0;
}
