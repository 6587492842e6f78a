/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile guest: any accesses at any times, saved and loaded in between; then a hostile state. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/devices/lapic_timer.h>
#include <kvmtime/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct kvt_lapic_timer *device, const uint8_t *data, size_t size, uint64_t now)
{
	for (; size >= 6; data += 6, size -= 6) {
		const uint32_t value = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 16 | data[4];

		now += (uint64_t)data[5] << (data[4] & 31);
		switch (data[0] & 3) {
		case 0:
			kvt_lapic_timer_out(device, 0x300u + data[1] * 16u % 0x100u, value, now);
			break;
		case 1:
			(void)kvt_lapic_timer_in(device, 0x300u + data[1] * 16u % 0x100u, now);
			break;
		default:
			if (data[1] & 1)
				kvt_lapic_timer_set_deadline(
					device, (uint64_t)value << (data[3] & 31), now);
			else if (data[1] & 2)
				kvt_lapic_timer_set_tsc(device, (uint64_t)value << (data[3] & 31),
							now);
			(void)kvt_lapic_timer_run(device, now);
			kvt_ticks_ack(&device->ticks);
		}
		(void)kvt_lapic_timer_next_ns(device);
	}
}

/* What was saved loads, and saves to the same bytes. */
static void check_save(const struct kvt_lapic_timer *device)
{
	uint8_t bytes[KVT_LAPIC_TIMER_SAVE_BYTES], again[KVT_LAPIC_TIMER_SAVE_BYTES];
	struct kvt_lapic_timer other;
	size_t size;

	if (kvt_lapic_timer_save(device, bytes, sizeof(bytes), &size) != 0 ||
	    kvt_lapic_timer_load(&other, bytes, size, 12345) != 0 ||
	    kvt_lapic_timer_save(&other, again, sizeof(again), &size) != 0 ||
	    memcmp(bytes, again, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_lapic_timer device;

	if (size < 2)
		return 0;
	if (kvt_lapic_timer_load(&device, data, size, 1000) == 0) {
		play(&device, data, size, 1000);
		return 0;
	}
	const struct kvt_lapic_timer_config config = { .ticks.policy = data[0] % KVT_TICK_POLICIES,
						       .bus_hz = 1000000000,
						       .tsc_hz = data[0] & 64 ? 2300000000u : 0 };
	if (kvt_lapic_timer_init(&device, &config, 0) != 0)
		abort();
	play(&device, data + 1, size - 1, 0);
	check_save(&device);
	return 0;
}
