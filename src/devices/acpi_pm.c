/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/devices/acpi_pm.h>
#include <kvmtime/error.h>

#include "state.h"

#define TMR 0x0001u /* TMR_STS and TMR_EN are both bit 0 */

/* "TMR_STS is set any time the most significant bit changes": these are its changes. */
static uint64_t halves_at(const struct kvt_acpi_pm *pm, uint64_t t)
{
	return kvt_clocks_at(t, KVT_ACPI_PM_HZ) >> (pm->bits - 1);
}

static uint64_t arrive(struct kvt_acpi_pm *pm, uint64_t now_ns)
{
	const uint64_t t = kvt_local_ns(pm->origin_ns, &pm->now_ns, now_ns);
	const uint64_t halves = halves_at(pm, t);

	if (halves != pm->halves)
		pm->status = TMR;
	pm->halves = halves;
	return t;
}

int kvt_acpi_pm_init(struct kvt_acpi_pm *pm, unsigned bits, uint64_t now_ns)
{
	if (bits != 24 && bits != 32)
		return -KVT_E_ARG;
	*pm = (struct kvt_acpi_pm){ .origin_ns = now_ns, .bits = (uint8_t)bits };
	return 0;
}

void kvt_acpi_pm_reset(struct kvt_acpi_pm *pm, uint64_t now_ns)
{
	(void)arrive(pm, now_ns);
	pm->status = 0;
	pm->enable = 0;
}

uint32_t kvt_acpi_pm_in(struct kvt_acpi_pm *pm, unsigned offset, uint64_t now_ns)
{
	const uint64_t t = arrive(pm, now_ns);
	const uint32_t mask = pm->bits == 24 ? 0xffffff : UINT32_MAX;

	switch (offset) {
	case KVT_ACPI_PM_STATUS:
		return pm->status;
	case KVT_ACPI_PM_ENABLE:
		return pm->enable;
	case KVT_ACPI_PM_TIMER:
		return (uint32_t)kvt_clocks_at(t, KVT_ACPI_PM_HZ) & mask;
	default:
		return 0;
	}
}

void kvt_acpi_pm_out(struct kvt_acpi_pm *pm, unsigned offset, uint32_t value, uint64_t now_ns)
{
	(void)arrive(pm, now_ns);
	if (offset == KVT_ACPI_PM_STATUS)
		pm->status &= (uint8_t)~value;
	else if (offset == KVT_ACPI_PM_ENABLE)
		pm->enable = value & TMR;
}

bool kvt_acpi_pm_run(struct kvt_acpi_pm *pm, uint64_t now_ns)
{
	(void)arrive(pm, now_ns);
	return pm->status & pm->enable;
}

uint64_t kvt_acpi_pm_next_ns(const struct kvt_acpi_pm *pm)
{
	const uint64_t half = (pm->halves + 1) << (pm->bits - 1);

	if (!pm->enable || pm->status)
		return KVT_NEVER;
	return kvt_caller_ns(pm->origin_ns, kvt_ns_of_clock(half, KVT_ACPI_PM_HZ));
}

/* ---- saved state ---- */

static const char magic[4] = { 'K', 'P', 'M', 'T' };
#define VERSION 1

int kvt_acpi_pm_save(const struct kvt_acpi_pm *pm, void *buffer, size_t capacity, size_t *ret_size)
{
	struct kvt_bytes bytes;
	const int r =
		kvt_save_begin(&bytes, buffer, capacity, KVT_ACPI_PM_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	kvt_put(&bytes, pm->now_ns, 8);
	kvt_put(&bytes, pm->halves, 8);
	kvt_put(&bytes, pm->bits, 1);
	kvt_put(&bytes, pm->status, 1);
	kvt_put(&bytes, pm->enable, 1);
	kvt_put(&bytes, 0, 1);
	*ret_size = bytes.at;
	return 0;
}

int kvt_acpi_pm_load(struct kvt_acpi_pm *pm, const void *buffer, size_t size, uint64_t now_ns)
{
	struct kvt_acpi_pm loaded = { 0 };
	struct kvt_bytes bytes;
	const int r = kvt_load_begin(&bytes, buffer, size, KVT_ACPI_PM_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	loaded.now_ns = kvt_get_max(&bytes, 8, KVT_MAX_LOCAL_NS);
	loaded.origin_ns = now_ns - loaded.now_ns;
	loaded.halves = kvt_get(&bytes, 8);
	loaded.bits = (uint8_t)kvt_get(&bytes, 1);
	loaded.status = (uint8_t)kvt_get_max(&bytes, 1, TMR);
	loaded.enable = (uint8_t)kvt_get_max(&bytes, 1, TMR);
	(void)kvt_get_max(&bytes, 1, 0);
	if (loaded.bits != 24 && loaded.bits != 32)
		return -KVT_E_CORRUPT;
	if (bytes.bad || loaded.halves != halves_at(&loaded, loaded.now_ns))
		return -KVT_E_CORRUPT;
	*pm = loaded;
	return 0;
}
