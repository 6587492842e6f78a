/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile vcpu_info and Xen wall clock. */
#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/xen.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pvclock_vcpu_time_info ti;
	struct input rest = { data, size };
	struct xen_wall_clock wall = { 0 };
	uint64_t ns, sec;
	uint32_t nsec;

	if (size >= sizeof(wall))
		memcpy(&wall, data, sizeof(wall));
	for (int i = 0; i < 2; i++)
		(void)input_u64(&rest);
	if (kvt_xen_wall_clock_utc(&wall, input_u64(&rest), &sec, &nsec) == 0)
		PROMISE(nsec < 1000000000);
	if (kvt_xen_vcpu_time(data, size, &ti) == 0) {
		PROMISE((kvt_xen_flags(&ti, (uint32_t)input_u64(&rest)) & ~3) == 0);
		PROMISE(kvt_xen_flags(&ti, XEN_NO_FLAGS_INTERFACE) == 0);
		(void)kvt_pvclock_ns(&ti, input_u64(&rest), &ns);
	}
	return 0;
}
