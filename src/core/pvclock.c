/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>
#include <kvmtime/tsc.h>

#include "bytes.h"
#include "order.h"

static void write_begin(volatile uint32_t *version)
{
	*version = (*version + 1) | 1; /* odd even after a writer that died halfway */
	kvt_order_stores();
}

static void write_end(volatile uint32_t *version)
{
	kvt_order_stores();
	*version = *version + 1;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;
#endif

/*
 * kvt_scale_apply() for the shifts of every counter of 1 GHz and more, inlined: the reader's cost
 * beyond the counter itself is the chain of instructions that waits for it. With mul moved to the
 * upper half of its word the high half of the product is the result, without a shift of 128 bits;
 * delta * mul < 2^96, so it always fits.
 */
static inline int scale_delta(uint64_t delta, uint32_t mul, int8_t shift, uint64_t *ret_ns)
{
#ifdef __SIZEOF_INT128__
	if (shift <= 0 && shift > -64) {
		const u128 product = (u128)(delta >> -shift) * ((uint64_t)mul << 32);

		*ret_ns = (uint64_t)(product >> 64);
		return 0;
	}
#endif
	return kvt_scale_apply(delta, mul, shift, ret_ns);
}

/* The one formula; the version has been looked at. */
static inline int system_time(uint64_t timestamp, uint64_t base_ns, uint32_t mul, int8_t shift,
			      uint64_t tsc_cycles, uint64_t *ret_ns)
{
	uint64_t ns;

	if (tsc_cycles < timestamp)
		return -KVT_E_ORDER;
	if (scale_delta(tsc_cycles - timestamp, mul, shift, &ns) < 0)
		return -KVT_E_RANGE;
	if (ns > UINT64_MAX - base_ns)
		return -KVT_E_RANGE;
	*ret_ns = base_ns + ns;
	return 0;
}

int kvt_pvclock_ns(const struct pvclock_vcpu_time_info *ti, uint64_t tsc_cycles, uint64_t *ret_ns)
{
	if ((ti->version & 1) != 0)
		return -KVT_E_TORN;
	return system_time(ti->tsc_timestamp, ti->system_time, ti->tsc_to_system_mul, ti->tsc_shift,
			   tsc_cycles, ret_ns);
}

int kvt_pvclock_decode(const void *bytes, size_t size, struct pvclock_vcpu_time_info *ret_ti)
{
	const uint8_t *p = bytes;
	struct pvclock_vcpu_time_info ti = { 0 };

	if (size < sizeof(ti))
		return -KVT_E_SIZE;
	ti.version = kvt_le32(p);
	ti.pad0 = kvt_le32(p + 4);
	ti.tsc_timestamp = kvt_le64(p + 8);
	ti.system_time = kvt_le64(p + 16);
	ti.tsc_to_system_mul = kvt_le32(p + 24);
	ti.tsc_shift = (int8_t)p[28];
	ti.flags = p[29];
	if (ti.tsc_to_system_mul == 0 || ti.tsc_shift < -63 || ti.tsc_shift > 63)
		return -KVT_E_CORRUPT;
	*ret_ti = ti;
	return 0;
}

int kvt_pvclock_snapshot(const volatile struct pvclock_vcpu_time_info *page,
			 struct pvclock_vcpu_time_info *ret_ti)
{
	for (int attempt = 0; attempt < KVT_PVCLOCK_ATTEMPTS; attempt++) {
		struct pvclock_vcpu_time_info ti = { .version = page->version };

		kvt_order_loads();
		ti.tsc_timestamp = page->tsc_timestamp;
		ti.system_time = page->system_time;
		ti.tsc_to_system_mul = page->tsc_to_system_mul;
		ti.tsc_shift = page->tsc_shift;
		ti.flags = page->flags;
		if (kvt_settled(&page->version, ti.version)) {
			*ret_ti = ti;
			return 0;
		}
	}
	return -KVT_E_BUSY;
}

#ifdef KVT_HAVE_TSC
int kvt_pvclock_read(const volatile struct pvclock_vcpu_time_info *page, uint64_t *ret_ns)
{
	for (int attempt = 0; attempt < KVT_PVCLOCK_ATTEMPTS; attempt++) {
		const uint32_t version = page->version;
		uint64_t timestamp, base_ns, tsc_cycles;
		uint32_t mul;
		int8_t shift;

		kvt_order_loads();
		timestamp = page->tsc_timestamp;
		base_ns = page->system_time;
		mul = page->tsc_to_system_mul;
		shift = page->tsc_shift;
		tsc_cycles = kvt_tsc_ordered();
		if (kvt_settled(&page->version, version))
			return system_time(timestamp, base_ns, mul, shift, tsc_cycles, ret_ns);
	}
	return -KVT_E_BUSY;
}
#endif

/* i386 has no 64-bit load or store: one CMPXCHG8B is both, and needs no run-time library. */
static uint64_t swap_u64(uint64_t *word, uint64_t expected, uint64_t desired)
{
#if defined(__i386__)
	__asm__ volatile("lock cmpxchg8b %1"
			 : "+A"(expected), "+m"(*word)
			 : "b"((uint32_t)desired), "c"((uint32_t)(desired >> 32))
			 : "memory", "cc");
	return expected;
#else
	(void)__atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_SEQ_CST,
					  __ATOMIC_SEQ_CST);
	return expected;
#endif
}

uint64_t kvt_pvclock_monotonic(uint64_t *last, uint64_t ns)
{
	uint64_t seen = swap_u64(last, 0, 0); /* a 64-bit load on i386 too */

	while (seen < ns) {
		const uint64_t found = swap_u64(last, seen, ns);

		if (found == seen)
			return ns;
		seen = found;
	}
	return seen;
}

bool kvt_pvclock_take_stopped(volatile struct pvclock_vcpu_time_info *page)
{
	if ((page->flags & PVCLOCK_GUEST_STOPPED) == 0)
		return false;
	page->flags = (uint8_t)(page->flags & ~PVCLOCK_GUEST_STOPPED);
	return true;
}

int kvt_pvclock_init(uint64_t hz, uint64_t tsc_cycles, uint64_t system_ns, uint8_t flags,
		     struct pvclock_vcpu_time_info *ret_ti)
{
	struct pvclock_vcpu_time_info ti = {
		.tsc_timestamp = tsc_cycles,
		.system_time = system_ns,
		.flags = flags,
	};

	if ((flags & ~(PVCLOCK_TSC_STABLE_BIT | PVCLOCK_GUEST_STOPPED)) != 0 ||
	    kvt_scale_from_hz(hz, &ti.tsc_to_system_mul, &ti.tsc_shift) < 0)
		return -KVT_E_ARG;
	*ret_ti = ti;
	return 0;
}

int kvt_pvclock_rebase(const struct pvclock_vcpu_time_info *ti, uint64_t hz, uint64_t tsc_cycles,
		       struct pvclock_vcpu_time_info *ret_ti)
{
	struct pvclock_vcpu_time_info next = *ti;
	int r = kvt_scale_from_hz(hz, &next.tsc_to_system_mul, &next.tsc_shift);

	if (r == 0)
		r = kvt_pvclock_ns(ti, tsc_cycles, &next.system_time);
	if (r < 0)
		return r;
	next.tsc_timestamp = tsc_cycles;
	*ret_ti = next;
	return 0;
}

void kvt_pvclock_publish(volatile struct pvclock_vcpu_time_info *page,
			 const struct pvclock_vcpu_time_info *ti)
{
	write_begin(&page->version);
	page->tsc_timestamp = ti->tsc_timestamp;
	page->system_time = ti->system_time;
	page->tsc_to_system_mul = ti->tsc_to_system_mul;
	page->tsc_shift = ti->tsc_shift;
	page->flags = ti->flags;
	write_end(&page->version);
}

int kvt_wall_clock_publish(volatile struct pvclock_wall_clock *page, uint64_t utc_sec,
			   uint32_t utc_nsec)
{
	if (utc_nsec >= KVT_NS_PER_S)
		return -KVT_E_ARG;
	if (utc_sec > UINT32_MAX)
		return -KVT_E_RANGE;
	write_begin(&page->version);
	page->sec = (uint32_t)utc_sec;
	page->nsec = utc_nsec;
	write_end(&page->version);
	return 0;
}

int kvt_wall_clock_decode(const void *bytes, size_t size, struct pvclock_wall_clock *ret_wall)
{
	const uint8_t *p = bytes;

	if (size < sizeof(*ret_wall))
		return -KVT_E_SIZE;
	if (kvt_le32(p + 8) >= KVT_NS_PER_S)
		return -KVT_E_CORRUPT;
	ret_wall->version = kvt_le32(p);
	ret_wall->sec = kvt_le32(p + 4);
	ret_wall->nsec = kvt_le32(p + 8);
	return 0;
}

int kvt_wall_clock_snapshot(const volatile struct pvclock_wall_clock *page,
			    struct pvclock_wall_clock *ret_wall)
{
	for (int attempt = 0; attempt < KVT_PVCLOCK_ATTEMPTS; attempt++) {
		struct pvclock_wall_clock wall = { .version = page->version };

		kvt_order_loads();
		wall.sec = page->sec;
		wall.nsec = page->nsec;
		if (!kvt_settled(&page->version, wall.version))
			continue;
		if (wall.nsec >= KVT_NS_PER_S)
			return -KVT_E_CORRUPT;
		*ret_wall = wall;
		return 0;
	}
	return -KVT_E_BUSY;
}

int kvt_wall_clock_utc(const struct pvclock_wall_clock *wall, uint64_t system_ns,
		       uint64_t *ret_utc_sec, uint32_t *ret_utc_nsec)
{
	uint64_t sec, nsec;

	if ((wall->version & 1) != 0)
		return -KVT_E_TORN;
	if (wall->nsec >= KVT_NS_PER_S)
		return -KVT_E_CORRUPT;
	(void)kvt_div_u128_u64(0, system_ns, KVT_NS_PER_S, &sec, &nsec); /* never fails: 0 < 10^9 */
	nsec += wall->nsec;
	sec += wall->sec;
	if (nsec >= KVT_NS_PER_S) {
		nsec -= KVT_NS_PER_S;
		sec++;
	}
	*ret_utc_sec = sec;
	*ret_utc_nsec = (uint32_t)nsec;
	return 0;
}

int kvt_steal_decode(const void *bytes, size_t size, struct kvm_steal_time *ret_steal)
{
	const uint8_t *p = bytes;
	struct kvm_steal_time steal = { 0 };

	if (size < sizeof(steal))
		return -KVT_E_SIZE;
	steal.steal = kvt_le64(p);
	steal.version = kvt_le32(p + 8);
	steal.flags = kvt_le32(p + 12);
	steal.preempted = p[16];
	*ret_steal = steal;
	return 0;
}

void kvt_steal_publish(volatile struct kvm_steal_time *page, uint64_t steal_ns, uint8_t preempted)
{
	write_begin(&page->version);
	page->steal = steal_ns;
	page->preempted = preempted;
	write_end(&page->version);
}

int kvt_steal_read(const volatile struct kvm_steal_time *page, uint64_t *ret_steal_ns)
{
	for (int attempt = 0; attempt < KVT_PVCLOCK_ATTEMPTS; attempt++) {
		const uint32_t version = page->version;
		uint64_t steal_ns;

		kvt_order_loads();
		steal_ns = page->steal;
		if (kvt_settled(&page->version, version)) {
			*ret_steal_ns = steal_ns;
			return 0;
		}
	}
	return -KVT_E_BUSY;
}
