/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the devices share: their own time line, which begins at 0 and never runs back, and saved
 * states as little-endian bytes behind a magic and a version.
 */
#ifndef KVT_DEVICES_STATE_H
#define KVT_DEVICES_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvmtime/devices/ticks.h>

#define KVT_MAX_LOCAL_NS (UINT64_C(1) << 62) /* 146 years: no sum of two times overflows */

/* The caller's time in the device's own; one that lies before an earlier one counts as that. */
static inline uint64_t kvt_local_ns(uint64_t origin_ns, uint64_t *now_ns, uint64_t caller_ns)
{
	const uint64_t local = caller_ns - origin_ns;

	if (local > *now_ns && local < KVT_MAX_LOCAL_NS)
		*now_ns = local;
	return *now_ns;
}

static inline uint64_t kvt_caller_ns(uint64_t origin_ns, uint64_t local_ns)
{
	/* a time that the caller's clock cannot show never comes */
	if (local_ns == KVT_NEVER || (origin_ns < KVT_MAX_LOCAL_NS && local_ns >= KVT_MAX_LOCAL_NS))
		return KVT_NEVER;
	return origin_ns + local_ns;
}

static inline uint64_t kvt_min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* floor(ns * hz / 10^9); saturates */
uint64_t kvt_clocks_at(uint64_t ns, uint64_t hz);
/* the first ns at which kvt_clocks_at() is @clocks or more; KVT_NEVER if there is none */
uint64_t kvt_ns_of_clock(uint64_t clocks, uint64_t hz);
uint64_t kvt_div(uint64_t dividend, uint64_t divisor); /* divisor not 0 */
uint64_t kvt_mod(uint64_t dividend, uint64_t divisor);

/* ---- saved states ---- */

struct kvt_bytes {
	uint8_t *out;      /* when saving */
	const uint8_t *in; /* when loading */
	size_t at, size;
	bool bad; /* a value was outside its range */
};

int kvt_save_begin(struct kvt_bytes *bytes, void *buffer, size_t capacity, size_t size,
		   const char magic[4], uint16_t version);
int kvt_load_begin(struct kvt_bytes *bytes, const void *buffer, size_t size, size_t want,
		   const char magic[4], uint16_t version);

void kvt_put(struct kvt_bytes *bytes, uint64_t value, unsigned width);
uint64_t kvt_get(struct kvt_bytes *bytes, unsigned width);
/* a value that may not pass @max; else 0 and bytes->bad */
uint64_t kvt_get_max(struct kvt_bytes *bytes, unsigned width, uint64_t max);

#define KVT_TICKS_SAVE_BYTES 152u
void kvt_ticks_put(struct kvt_bytes *bytes, const struct kvt_ticks *ticks, uint64_t now_ns);
void kvt_ticks_get(struct kvt_bytes *bytes, struct kvt_ticks *ret_ticks, uint64_t clock_hz,
		   uint64_t now_ns);
/* where the clock is known only after the load */
void kvt_ticks_set_clock(struct kvt_ticks *ticks, uint64_t clock_hz);

#endif
