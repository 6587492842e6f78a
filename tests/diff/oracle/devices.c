/* SPDX-License-Identifier: BSD-2-Clause */
/* Our devices behind the interface of the transcripts. */
#include <string.h>

#include <kvmtime/devices/acpi_pm.h>
#include <kvmtime/devices/hpet.h>
#include <kvmtime/devices/i8254.h>
#include <kvmtime/devices/lapic_timer.h>
#include <kvmtime/devices/mc146818.h>

#include "transcript.h"

static const struct kvt_ticks_config discard = { .policy = KVT_TICK_DISCARD };

/* ---- i8254 ---- */

static void pit_init(void *state)
{
	(void)kvt_i8254_init(state, &discard, 0);
}

static uint32_t pit_in(void *state, const struct event *event, uint64_t now_ns)
{
	if (event->address == 0x61)
		return kvt_i8254_port61_in(state, now_ns);
	return kvt_i8254_in(state, event->address - 0x40, now_ns);
}

static void pit_out(void *state, const struct event *event, uint64_t now_ns)
{
	if (event->address == 0x61)
		kvt_i8254_port61_out(state, (uint8_t)event->value, now_ns);
	else
		kvt_i8254_out(state, event->address - 0x40, (uint8_t)event->value, now_ns);
}

static uint64_t pit_next(const void *state)
{
	return kvt_i8254_next_ns(state);
}

static unsigned pit_run(void *state, uint64_t now_ns)
{
	struct kvt_i8254 *const pit = state;
	unsigned lines = 0;

	while (kvt_i8254_run(pit, now_ns)) {
		kvt_ticks_ack(&pit->ticks);
		lines = 1;
	}
	return lines;
}

/* ---- mc146818 ---- */

struct rtc {
	struct kvt_mc146818 rtc;
	uint64_t edges;
};

static void rtc_init(void *state)
{
	const struct kvt_mc146818_config config = { .ticks = discard,
						    .start_s = 1577836800,
						    .century_register = KVT_MC146818_CENTURY };
	struct rtc *const rtc = state;

	(void)kvt_mc146818_init(&rtc->rtc, &config, 0);
	rtc->edges = 0;
}

static uint32_t rtc_in(void *state, const struct event *event, uint64_t now_ns)
{
	return kvt_mc146818_in(&((struct rtc *)state)->rtc, event->address - 0x70, now_ns);
}

static void rtc_out(void *state, const struct event *event, uint64_t now_ns)
{
	kvt_mc146818_out(&((struct rtc *)state)->rtc, event->address - 0x70, (uint8_t)event->value,
			 now_ns);
}

static uint64_t rtc_next(const void *state)
{
	return kvt_mc146818_next_ns(&((const struct rtc *)state)->rtc);
}

static unsigned rtc_run(void *state, uint64_t now_ns)
{
	struct rtc *const rtc = state;
	const uint64_t before = rtc->edges;

	(void)kvt_mc146818_run(&rtc->rtc, now_ns);
	rtc->edges = kvt_mc146818_edges(&rtc->rtc);
	return rtc->edges != before ? 1u << 8 : 0;
}

/* ---- HPET ---- */

#define HPET_BASE 0xfed00000u

static void hpet_init(void *state)
{
	const struct kvt_hpet_config config = { .ticks = discard, .route_mask = 0x00000004 };

	(void)kvt_hpet_init(state, &config, 0);
}

static uint32_t hpet_in(void *state, const struct event *event, uint64_t now_ns)
{
	return (uint32_t)kvt_hpet_read(state, event->address - HPET_BASE, event->width, now_ns);
}

static void hpet_out(void *state, const struct event *event, uint64_t now_ns)
{
	kvt_hpet_write(state, event->address - HPET_BASE, event->width, event->value, now_ns);
}

static uint64_t hpet_next(const void *state)
{
	return kvt_hpet_next_ns(state);
}

static unsigned hpet_run(void *state, uint64_t now_ns)
{
	struct kvt_hpet *const hpet = state;
	unsigned lines = 0;
	uint32_t timers;

	while ((timers = kvt_hpet_run(hpet, now_ns)) != 0)
		for (unsigned n = 0; n < 3; n++)
			if (timers & 1u << n) {
				const unsigned pin = kvt_hpet_route(hpet, n);

				kvt_ticks_ack(&hpet->timer[n].ticks);
				lines |= 1u << (pin == 2 ? 0 : pin); /* pin 2 is IRQ 0 */
			}
	return lines;
}

/* ---- ACPI PM timer: the PM1 block is at port 0x600 ---- */

static void pm_init(void *state)
{
	(void)kvt_acpi_pm_init(state, 24, 0);
}

static uint32_t pm_in(void *state, const struct event *event, uint64_t now_ns)
{
	return event->address < 0x600 ? 0 : kvt_acpi_pm_in(state, event->address - 0x600, now_ns);
}

static void pm_out(void *state, const struct event *event, uint64_t now_ns)
{
	if (event->address >= 0x600 && event->address < 0x610)
		kvt_acpi_pm_out(state, event->address - 0x600, event->value, now_ns);
}

static uint64_t pm_next(const void *state)
{
	return kvt_acpi_pm_next_ns(state);
}

static unsigned pm_run(void *state, uint64_t now_ns)
{
	(void)kvt_acpi_pm_run(state, now_ns);
	return 0;
}

/* ---- local APIC timer ---- */

static void lapic_init(void *state)
{
	const struct kvt_lapic_timer_config config = { .ticks = discard, .bus_hz = 1000000000 };

	(void)kvt_lapic_timer_init(state, &config, 0);
}

static uint32_t lapic_in(void *state, const struct event *event, uint64_t now_ns)
{
	return kvt_lapic_timer_in(state, event->address & 0xfff, now_ns);
}

static void lapic_out(void *state, const struct event *event, uint64_t now_ns)
{
	kvt_lapic_timer_out(state, event->address & 0xfff, event->value, now_ns);
}

static uint64_t lapic_next(const void *state)
{
	return kvt_lapic_timer_next_ns(state);
}

static unsigned lapic_run(void *state, uint64_t now_ns)
{
	(void)kvt_lapic_timer_run(state, now_ns);
	return 0;
}

const struct device device_list[] = {
	{ "i8254", sizeof(struct kvt_i8254), pit_init, pit_in, pit_out, pit_next, pit_run, 0 },
	{ "mc146818", sizeof(struct rtc), rtc_init, rtc_in, rtc_out, rtc_next, rtc_run, 0 },
	{ "hpet", sizeof(struct kvt_hpet), hpet_init, hpet_in, hpet_out, hpet_next, hpet_run,
	  true },
	{ "acpi_pm", sizeof(struct kvt_acpi_pm), pm_init, pm_in, pm_out, pm_next, pm_run, 0 },
	{ "lapic_timer", sizeof(struct kvt_lapic_timer), lapic_init, lapic_in, lapic_out,
	  lapic_next, lapic_run, 0 },
	{ 0 }
};

const struct device *device_by_name(const char *name)
{
	for (const struct device *device = device_list; device->name != NULL; device++)
		if (strcmp(name, device->name) == 0)
			return device;
	return NULL;
}
