/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile guest: any accesses at any times, saved and loaded in between; then a hostile state. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/devices/hpet.h>
#include <kvmtime/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct kvt_hpet *device, const uint8_t *data, size_t size, uint64_t now)
{
	for (; size >= 6; data += 6, size -= 6) {
		const uint32_t value = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 16 | data[4];

		now += (uint64_t)data[5] << (data[4] & 31);
		switch (data[0] & 3) {
		case 0:
			kvt_hpet_write(device, data[1] * 4u, data[3] & 1 ? 4 : 8,
				       (uint64_t)value << (data[3] & 31), now);
			break;
		case 1:
			(void)kvt_hpet_read(device, data[1] * 4u, data[3] & 1 ? 4 : 8, now);
			break;
		default:
			(void)kvt_hpet_run(device, now);
			(void)kvt_hpet_levels(device);
			(void)kvt_hpet_route(device, data[1]);
			kvt_ticks_ack(&device->timer[data[1] & 7].ticks);
			(void)value;
		}
		(void)kvt_hpet_next_ns(device);
	}
}

/* What was saved loads, and saves to the same bytes. */
static void check_save(const struct kvt_hpet *device)
{
	uint8_t bytes[KVT_HPET_SAVE_BYTES], again[KVT_HPET_SAVE_BYTES];
	struct kvt_hpet other;
	size_t size;

	if (kvt_hpet_save(device, bytes, sizeof(bytes), &size) != 0 ||
	    kvt_hpet_load(&other, bytes, size, 12345) != 0 ||
	    kvt_hpet_save(&other, again, sizeof(again), &size) != 0 ||
	    memcmp(bytes, again, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_hpet device;

	if (size < 2)
		return 0;
	if (kvt_hpet_load(&device, data, size, 1000) == 0) {
		play(&device, data, size, 1000);
		return 0;
	}
	const struct kvt_hpet_config config = { .ticks.policy = data[0] % KVT_TICK_POLICIES,
						.route_mask = 0xffff04 };
	if (kvt_hpet_init(&device, &config, 0) != 0)
		abort();
	play(&device, data + 1, size - 1, 0);
	check_save(&device);
	return 0;
}
