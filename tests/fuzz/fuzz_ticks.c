/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy engine under any calls in any order: its account always balances. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/devices/ticks.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t number(const uint8_t *data)
{
	/* all magnitudes: a byte of value, a byte of shift */
	return (uint64_t)data[0] << (data[1] & 63) | data[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_ticks_config config = { 0 };
	struct kvt_ticks ticks;
	uint64_t now = 0;

	if (size < 12)
		return 0;
	config.policy = data[0] % KVT_TICK_POLICIES;
	config.feedback = data[1] & 1;
	config.slew_percent = data[2] == 0 ? 0 : 100u + data[2];
	config.threshold_ns = number(data + 3);
	config.limit_ns = number(data + 5);
	config.retry_ns = number(data + 7);
	if (kvt_ticks_init(&ticks, &config, number(data + 9) | 1) != 0)
		abort();
	kvt_ticks_set_period(&ticks, 1000, now);
	for (size_t at = 12; at + 3 <= size; at += 3) {
		const uint64_t value = number(data + at + 1);
		const struct kvt_ticks_counts *counts = &ticks.counts;

		now += value >> 20;
		switch (data[at] % 9) {
		case 0:
		case 1:
			kvt_ticks_due(&ticks, value >> 8, now);
			break;
		case 2:
			if (kvt_ticks_take(&ticks, now) && !ticks.in_flight)
				abort();
			break;
		case 3:
			kvt_ticks_ack(&ticks);
			break;
		case 4:
			kvt_ticks_outcome(&ticks, (enum kvt_tick_outcome)(value % 3), now);
			break;
		case 5:
			kvt_ticks_single(&ticks);
			break;
		case 6:
			kvt_ticks_drop(&ticks);
			break;
		case 7:
			config.policy = (uint8_t)(value % KVT_TICK_POLICIES);
			if (kvt_ticks_configure(&ticks, &config) != 0)
				abort();
			break;
		default:
			(void)kvt_ticks_behind_ns(&ticks);
			(void)kvt_ticks_next_ns(&ticks);
		}
		if (counts->due != counts->injected + counts->merged + counts->dropped +
					   ticks.single + kvt_ticks_backlog(&ticks))
			abort();
	}
	return 0;
}
