/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/error.h>
#include <kvmtime/pairing.h>
#include <kvmtime/scale.h>

#include "bytes.h"

static int check(const struct kvm_clock_pairing *pairing)
{
	if (pairing->sec < 0 || pairing->nsec < 0 || pairing->nsec >= (int64_t)KVT_NS_PER_S)
		return -KVT_E_CORRUPT;
	return 0;
}

int kvt_pairing_decode(const void *bytes, size_t size, struct kvm_clock_pairing *ret_pairing)
{
	const uint8_t *p = bytes;
	struct kvm_clock_pairing pairing = { 0 };

	if (size < sizeof(pairing))
		return -KVT_E_SIZE;
	pairing.sec = (int64_t)kvt_le64(p);
	pairing.nsec = (int64_t)kvt_le64(p + 8);
	pairing.tsc = kvt_le64(p + 16);
	pairing.flags = kvt_le32(p + 24);
	if (check(&pairing) < 0)
		return -KVT_E_CORRUPT;
	*ret_pairing = pairing;
	return 0;
}

int kvt_pairing_utc(const struct kvm_clock_pairing *pairing,
		    const struct pvclock_vcpu_time_info *ti, uint64_t tsc_cycles,
		    uint64_t *ret_utc_sec, uint32_t *ret_utc_nsec)
{
	uint64_t delta_ns, sec, nsec;

	if (check(pairing) < 0)
		return -KVT_E_CORRUPT;
	if (tsc_cycles < pairing->tsc)
		return -KVT_E_ORDER;
	if (kvt_scale_apply(tsc_cycles - pairing->tsc, ti->tsc_to_system_mul, ti->tsc_shift,
			    &delta_ns) < 0)
		return -KVT_E_RANGE;
	(void)kvt_div_u128_u64(0, delta_ns, KVT_NS_PER_S, &sec, &nsec);
	nsec += (uint64_t)pairing->nsec;
	sec += (uint64_t)pairing->sec; /* 2^63 + 2^35: fits */
	if (nsec >= KVT_NS_PER_S) {
		nsec -= KVT_NS_PER_S;
		sec++;
	}
	*ret_utc_sec = sec;
	*ret_utc_nsec = (uint32_t)nsec;
	return 0;
}

int kvt_pairing_result(int64_t value)
{
	switch (value) {
	case 0:
		return 0;
	case -95:   /* KVM_EOPNOTSUPP */
	case -1000: /* KVM_ENOSYS */
		return -KVT_E_ABSENT;
	default:
		return -KVT_E_ARG;
	}
}
