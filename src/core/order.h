/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fences of the version protocols. x86 keeps loads in order with loads and stores with stores, so
 * there they are no instruction; they stop the compiler.
 */
#ifndef KVT_CORE_ORDER_H
#define KVT_CORE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

static inline void kvt_order_loads(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void kvt_order_stores(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* true if the version was even before the fields were read, and is the same now */
static inline bool kvt_settled(const volatile uint32_t *version, uint32_t before)
{
	kvt_order_loads();
	return (before & 1) == 0 && *version == before;
}

#endif
