/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile guest: any accesses at any times, saved and loaded in between; then a hostile state. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/devices/acpi_pm.h>
#include <kvmtime/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct kvt_acpi_pm *device, const uint8_t *data, size_t size, uint64_t now)
{
	for (; size >= 6; data += 6, size -= 6) {
		const uint32_t value = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 16 | data[4];

		now += (uint64_t)data[5] << (data[4] & 31);
		switch (data[0] & 3) {
		case 0:
			kvt_acpi_pm_out(device, data[1] & 15, value, now);
			break;
		case 1:
			(void)kvt_acpi_pm_in(device, data[1] & 15, now);
			break;
		default:
			(void)kvt_acpi_pm_run(device, now);
		}
		(void)kvt_acpi_pm_next_ns(device);
	}
}

/* What was saved loads, and saves to the same bytes. */
static void check_save(const struct kvt_acpi_pm *device)
{
	uint8_t bytes[KVT_ACPI_PM_SAVE_BYTES], again[KVT_ACPI_PM_SAVE_BYTES];
	struct kvt_acpi_pm other;
	size_t size;

	if (kvt_acpi_pm_save(device, bytes, sizeof(bytes), &size) != 0 ||
	    kvt_acpi_pm_load(&other, bytes, size, 12345) != 0 ||
	    kvt_acpi_pm_save(&other, again, sizeof(again), &size) != 0 ||
	    memcmp(bytes, again, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_acpi_pm device;

	if (size < 2)
		return 0;
	if (kvt_acpi_pm_load(&device, data, size, 1000) == 0) {
		play(&device, data, size, 1000);
		return 0;
	}
	if (kvt_acpi_pm_init(&device, data[0] & 1 ? 24 : 32, 0) != 0)
		abort();
	play(&device, data + 1, size - 1, 0);
	check_save(&device);
	return 0;
}
