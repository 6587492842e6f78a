/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>
#include <kvmtime/xen.h>

uint8_t kvt_xen_flags(const struct pvclock_vcpu_time_info *ti, uint32_t interface)
{
	if (interface <= XEN_NO_FLAGS_INTERFACE)
		return 0;
	return (uint8_t)(ti->flags & (PVCLOCK_TSC_STABLE_BIT | PVCLOCK_GUEST_STOPPED));
}

int kvt_xen_vcpu_time(const void *bytes, size_t size, struct pvclock_vcpu_time_info *ret_ti)
{
	if (size < XEN_VCPU_INFO_SIZE)
		return -KVT_E_SIZE;
	return kvt_pvclock_decode((const uint8_t *)bytes + XEN_VCPU_INFO_TIME,
				  size - XEN_VCPU_INFO_TIME, ret_ti);
}

int kvt_xen_wall_clock_utc(const struct xen_wall_clock *wall, uint64_t system_ns,
			   uint64_t *ret_utc_sec, uint32_t *ret_utc_nsec)
{
	/* the low word as KVM's record, the high word on top: one conversion for both */
	const struct pvclock_wall_clock low = { .version = wall->wc_version,
						.sec = wall->wc_sec,
						.nsec = wall->wc_nsec };
	const uint64_t high = (uint64_t)wall->wc_sec_hi << 32;
	uint64_t sec;
	uint32_t nsec;
	const int r = kvt_wall_clock_utc(&low, system_ns, &sec, &nsec);

	if (r < 0)
		return r;
	if (sec > UINT64_MAX - high)
		return -KVT_E_RANGE;
	*ret_utc_sec = sec + high;
	*ret_utc_nsec = nsec;
	return 0;
}
