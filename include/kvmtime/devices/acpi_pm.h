/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI power management timer: a free-running counter of 24 or 32 bits at 3.579545 MHz, and its
 * bits in PM1_STS and PM1_EN (ACPI 6.5, 4.8.3.3 and 4.8.3.1). Nothing else of the PM1 block.
 *
 * How it differs from hardware: a read is never torn (the PIIX4 needed three reads).
 */
#ifndef KVMTIME_DEVICES_ACPI_PM_H
#define KVMTIME_DEVICES_ACPI_PM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvmtime/devices/ticks.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVT_ACPI_PM_HZ         3579545u
#define KVT_ACPI_PM_SAVE_BYTES 28u
#define KVT_ACPI_PM_STATUS     0u /* offset of PM1_STS in the block */
#define KVT_ACPI_PM_ENABLE     2u
#define KVT_ACPI_PM_TIMER      8u

/* Private. */
struct kvt_acpi_pm {
	uint64_t origin_ns, now_ns; /* as in kvt_i8254 */
	uint64_t halves;            /* changes of the top bit that TMR_STS has told */
	uint8_t bits;               /* 24 or 32 */
	uint8_t status;             /* TMR_STS */
	uint8_t enable;             /* TMR_EN */
};

/**
 * kvt_acpi_pm_init() - a counter that is 0 at @now_ns
 * @bits: 24 or 32
 *
 * Return: 0, or
 *   -KVT_E_ARG  another @bits
 * Context: freestanding; the caller serialises the calls on one timer (true of every call here).
 */
int kvt_acpi_pm_init(struct kvt_acpi_pm *pm, unsigned bits, uint64_t now_ns);

/** kvt_acpi_pm_reset() - status and enable are cleared; the counter goes on */
void kvt_acpi_pm_reset(struct kvt_acpi_pm *pm, uint64_t now_ns);

/** kvt_acpi_pm_in() - the guest reads the register at @offset of the block; others read as 0 */
uint32_t kvt_acpi_pm_in(struct kvt_acpi_pm *pm, unsigned offset, uint64_t now_ns);

/** kvt_acpi_pm_out() - the guest writes: a 1 clears TMR_STS, bit 0 of the enable is TMR_EN */
void kvt_acpi_pm_out(struct kvt_acpi_pm *pm, unsigned offset, uint32_t value, uint64_t now_ns);

/** kvt_acpi_pm_run() - let time pass; returns the level of the timer's part of SCI */
bool kvt_acpi_pm_run(struct kvt_acpi_pm *pm, uint64_t now_ns);

/** kvt_acpi_pm_next_ns() - the caller's time at which SCI may rise; KVT_NEVER while disabled */
uint64_t kvt_acpi_pm_next_ns(const struct kvt_acpi_pm *pm);

/** kvt_acpi_pm_save() - as kvt_i8254_save(); KVT_ACPI_PM_SAVE_BYTES */
int kvt_acpi_pm_save(const struct kvt_acpi_pm *pm, void *buffer, size_t capacity, size_t *ret_size);

/** kvt_acpi_pm_load() - as kvt_i8254_load() */
int kvt_acpi_pm_load(struct kvt_acpi_pm *pm, const void *buffer, size_t size, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
