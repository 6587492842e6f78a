/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile guest: any accesses at any times, saved and loaded in between; then a hostile state. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/devices/i8254.h>
#include <kvmtime/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct kvt_i8254 *device, const uint8_t *data, size_t size, uint64_t now)
{
	for (; size >= 6; data += 6, size -= 6) {
		const uint32_t value = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 16 | data[4];

		now += (uint64_t)data[5] << (data[4] & 31);
		switch (data[0] & 3) {
		case 0:
			kvt_i8254_out(device, data[1] & 7, data[3], now);
			break;
		case 1:
			(void)kvt_i8254_in(device, data[1] & 7, now);
			break;
		default:
			if (value & 1)
				kvt_i8254_port61_out(device, data[1], now);
			else if (value & 2)
				(void)kvt_i8254_port61_in(device, now);
			if (kvt_i8254_run(device, now))
				kvt_ticks_outcome(&device->ticks,
						  (enum kvt_tick_outcome)(data[1] % 3), now);
			if (data[1] & 64)
				kvt_ticks_ack(&device->ticks);
		}
		(void)kvt_i8254_next_ns(device);
	}
}

/* What was saved loads, and saves to the same bytes. */
static void check_save(const struct kvt_i8254 *device)
{
	uint8_t bytes[KVT_I8254_SAVE_BYTES], again[KVT_I8254_SAVE_BYTES];
	struct kvt_i8254 other;
	size_t size;

	if (kvt_i8254_save(device, bytes, sizeof(bytes), &size) != 0 ||
	    kvt_i8254_load(&other, bytes, size, 12345) != 0 ||
	    kvt_i8254_save(&other, again, sizeof(again), &size) != 0 ||
	    memcmp(bytes, again, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_i8254 device;

	if (size < 2)
		return 0;
	if (kvt_i8254_load(&device, data, size, 1000) == 0) {
		play(&device, data, size, 1000);
		return 0;
	}
	const struct kvt_ticks_config config = { .policy = data[0] % KVT_TICK_POLICIES,
						 .feedback = data[0] >> 7 };
	if (kvt_i8254_init(&device, &config, 0) != 0)
		abort();
	play(&device, data + 1, size - 1, 0);
	check_save(&device);
	return 0;
}
