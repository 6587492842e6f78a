/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile guest: any accesses at any times, saved and loaded in between; then a hostile state. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/devices/mc146818.h>
#include <kvmtime/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct kvt_mc146818 *device, const uint8_t *data, size_t size, uint64_t now)
{
	for (; size >= 6; data += 6, size -= 6) {
		const uint32_t value = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 16 | data[4];

		now += (uint64_t)data[5] << (data[4] & 31);
		switch (data[0] & 3) {
		case 0:
			kvt_mc146818_out(device, data[1] & 1, data[3], now);
			break;
		case 1:
			(void)kvt_mc146818_in(device, data[1] & 1, now);
			break;
		default:
			(void)kvt_mc146818_run(device, now);
			if (value & 1)
				kvt_mc146818_set_seconds(
					device, (int64_t)((uint64_t)value << (data[1] & 31)), now);
			(void)kvt_mc146818_seconds(device, now);
			(void)kvt_mc146818_ram(device, data[1]);
		}
		(void)kvt_mc146818_next_ns(device);
	}
}

/* What was saved loads, and saves to the same bytes. */
static void check_save(const struct kvt_mc146818 *device)
{
	uint8_t bytes[KVT_MC146818_SAVE_BYTES], again[KVT_MC146818_SAVE_BYTES];
	struct kvt_mc146818 other;
	size_t size;

	if (kvt_mc146818_save(device, bytes, sizeof(bytes), &size) != 0 ||
	    kvt_mc146818_load(&other, bytes, size, 12345) != 0 ||
	    kvt_mc146818_save(&other, again, sizeof(again), &size) != 0 ||
	    memcmp(bytes, again, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_mc146818 device;

	if (size < 2)
		return 0;
	if (kvt_mc146818_load(&device, data, size, 1000) == 0) {
		play(&device, data, size, 1000);
		return 0;
	}
	const struct kvt_mc146818_config config = { .ticks.policy = data[0] % KVT_TICK_POLICIES,
						    .century_register = 0x32 };
	if (kvt_mc146818_init(&device, &config, 0) != 0)
		abort();
	play(&device, data + 1, size - 1, 0);
	check_save(&device);
	return 0;
}
