/* SPDX-License-Identifier: BSD-2-Clause */
/* Little-endian integers in a copy of somebody's memory, on a machine of any byte order. */
#ifndef KVT_CORE_BYTES_H
#define KVT_CORE_BYTES_H

#include <stdint.h>

static inline uint16_t kvt_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t kvt_le32(const uint8_t *p)
{
	return (uint32_t)kvt_le16(p) | (uint32_t)kvt_le16(p + 2) << 16;
}

static inline uint64_t kvt_le64(const uint8_t *p)
{
	return (uint64_t)kvt_le32(p) | (uint64_t)kvt_le32(p + 4) << 32;
}

#endif
