/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "sys/error.h"
#include "sys/timepages.h"

#define REGION   4096u
#define ATTEMPTS 64

static void device_free(gpointer data)
{
	struct kvt_vmclock_device *device = data;

	g_free(device->path);
	g_free(device->reason);
	g_free(device);
}

/* The region's time as ns of UTC; false if it does not tell UTC, or not of this counter. */
static bool region_utc_ns(const struct kvt_vmclock_device *device, uint64_t tsc_cycles,
			  struct kvt_vmclock_time *time, int64_t *ret_ns)
{
	const struct vmclock_abi *abi = &device->abi;
	int64_t leap_sec = 0;

	if (abi->counter_id != VMCLOCK_COUNTER_X86_TSC || tsc_cycles == 0)
		return false;
	if (abi->time_type == VMCLOCK_TIME_TAI && (abi->flags & VMCLOCK_FLAG_TAI_OFFSET_VALID) != 0)
		leap_sec = abi->tai_offset_sec;
	else if (abi->time_type != VMCLOCK_TIME_UTC)
		return false;
	if (kvt_vmclock_time(abi, tsc_cycles, time) < 0 || time->sec > UINT64_C(9000000000))
		return false;
	*ret_ns = ((int64_t)time->sec - leap_sec) * (int64_t)KVT_NS_PER_S +
		  kvt_vmclock_frac_ns(time->frac_q64);
	return true;
}

/* CLOCK_REALTIME between two readings of the counter; the narrowest window counts. */
static void compare(struct kvt_vmclock_device *device, const struct kvt_calls *calls)
{
	uint64_t narrowest = UINT64_MAX, hz, half_ns;

	if (kvt_vmclock_hz(&device->abi, &hz) < 0 || hz == 0)
		return;
	for (int i = 0; i < ATTEMPTS; i++) {
		const uint64_t before = calls->tsc(calls->context);
		int64_t realtime_ns, region_ns;
		struct kvt_vmclock_time time;
		uint64_t after;

		if (calls->clock(calls->context, CLOCK_REALTIME, &realtime_ns) < 0)
			return;
		after = calls->tsc(calls->context);
		if (after < before || after - before >= narrowest ||
		    !region_utc_ns(device, before + (after - before) / 2, &time, &region_ns))
			continue;
		narrowest = after - before;
		device->time = time;
		device->difference_ns = region_ns - realtime_ns;
	}
	if (narrowest == UINT64_MAX ||
	    kvt_muldiv_u64(narrowest, KVT_NS_PER_S, 2 * hz, &half_ns) < 0)
		return;
	device->bound_ns = half_ns + 3; /* what the quotients and both clocks cut off */
	device->compared = true;
}

static int take_region(const struct kvt_calls *calls, int fd, struct vmclock_abi *ret_abi)
{
	const volatile void *region = calls->map(calls->context, fd, REGION);
	guint8 bytes[REGION];
	gssize got;
	int r;

	if (region != NULL) {
		r = kvt_vmclock_snapshot(region, REGION, ret_abi);
		calls->unmap(calls->context, region, REGION);
		return r;
	}
	/* the driver's read() settles by itself */
	got = calls->read(calls->context, fd, bytes, sizeof(bytes));
	return got < 0 ? -KVT_E_ABSENT : kvt_vmclock_decode(bytes, (gsize)got, ret_abi);
}

static void read_device(struct kvt_vmclock_device *device, const struct kvt_calls *calls)
{
	const int fd = calls->open(calls->context, device->path, O_RDONLY | O_NONBLOCK);
	int r;

	if (fd < 0) {
		device->refused = fd == -EACCES || fd == -EPERM;
		device->reason = g_strdup(g_strerror(-fd));
		return;
	}
	r = take_region(calls, fd, &device->abi);
	calls->close(calls->context, fd);
	if (r < 0)
		device->reason = g_strdup(kvt_strerror(r));
	else
		compare(device, calls);
}

static void read_recorded(struct kvt_vmclock_device *device, const struct kvt_root *root)
{
	g_autoptr(GError) error = NULL;
	gsize size;
	g_autofree char *bytes = kvt_root_read(root, device->path, REGION, &size, &error);
	int r;

	if (bytes == NULL) {
		device->reason = g_strdup(error->message);
		return;
	}
	r = kvt_vmclock_decode(bytes, size, &device->abi);
	if (r < 0)
		device->reason = g_strdup(kvt_strerror(r));
}

GPtrArray *kvt_vmclock_list(const struct kvt_root *root, const struct kvt_calls *calls)
{
	g_autoptr(GPtrArray) names = kvt_root_list(root, "/dev");
	GPtrArray *devices = g_ptr_array_new_with_free_func(device_free);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		struct kvt_vmclock_device *device;

		if (!g_str_has_prefix(names->pdata[i], "vmclock"))
			continue;
		device = g_new0(struct kvt_vmclock_device, 1);
		device->path = g_strdup_printf("/dev/%s", (const char *)names->pdata[i]);
		if (calls == &kvt_calls_none)
			read_recorded(device, root);
		else
			read_device(device, calls);
		g_ptr_array_add(devices, device);
	}
	return devices;
}
