/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "state.h"

uint64_t kvt_clocks_at(uint64_t ns, uint64_t hz)
{
	uint64_t clocks;

	return kvt_muldiv_u64(ns, hz, KVT_NS_PER_S, &clocks) == 0 ? clocks : UINT64_MAX;
}

uint64_t kvt_ns_of_clock(uint64_t clocks, uint64_t hz)
{
	uint64_t high, low, ns, rest;

	kvt_mul_u64(clocks, KVT_NS_PER_S, &high, &low);
	if (kvt_div_u128_u64(high, low, hz, &ns, &rest) != 0)
		return KVT_NEVER;
	return ns + (rest != 0 && ns != UINT64_MAX);
}

uint64_t kvt_div(uint64_t dividend, uint64_t divisor)
{
	uint64_t quotient = 0;

	(void)kvt_div_u128_u64(0, dividend, divisor, &quotient, NULL);
	return quotient;
}

uint64_t kvt_mod(uint64_t dividend, uint64_t divisor)
{
	uint64_t quotient, rest = 0;

	(void)kvt_div_u128_u64(0, dividend, divisor, &quotient, &rest);
	return rest;
}

void kvt_put(struct kvt_bytes *bytes, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		bytes->out[bytes->at++] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
}

uint64_t kvt_get(struct kvt_bytes *bytes, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint64_t)bytes->in[bytes->at++] << 8 * i;
	return value;
}

uint64_t kvt_get_max(struct kvt_bytes *bytes, unsigned width, uint64_t max)
{
	const uint64_t value = kvt_get(bytes, width);

	if (value <= max)
		return value;
	bytes->bad = true;
	return 0;
}

/* magic, version, 2 bytes of zero */
int kvt_save_begin(struct kvt_bytes *bytes, void *buffer, size_t capacity, size_t size,
		   const char magic[4], uint16_t version)
{
	if (capacity < size)
		return -KVT_E_SIZE;
	*bytes = (struct kvt_bytes){ .out = buffer, .size = size };
	for (int i = 0; i < 4; i++)
		kvt_put(bytes, (uint8_t)magic[i], 1);
	kvt_put(bytes, version, 2);
	kvt_put(bytes, 0, 2);
	return 0;
}

int kvt_load_begin(struct kvt_bytes *bytes, const void *buffer, size_t size, size_t want,
		   const char magic[4], uint16_t version)
{
	if (size < 8)
		return -KVT_E_SIZE;
	*bytes = (struct kvt_bytes){ .in = buffer, .size = size };
	for (int i = 0; i < 4; i++)
		if (kvt_get(bytes, 1) != (uint8_t)magic[i])
			return -KVT_E_MAGIC;
	if (kvt_get(bytes, 2) != version)
		return -KVT_E_VERSION;
	if (size != want)
		return -KVT_E_SIZE;
	return kvt_get(bytes, 2) == 0 ? 0 : -KVT_E_CORRUPT;
}
