/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the MC146818, the HPET, the ACPI PM timer and the local APIC timer. */
#include "differences.h"
#include "generate.h"

#define US    1000u
#define MS    1000000u
#define S     1000000000u
#define RTC8  0xfefbu /* masks that leave IRQ 8, or IRQ 0, open */
#define IRQ0  0xfffau
#define TRIES 20u

static bool no_interrupt(const struct answers *a)
{
	return a->irqs == 0;
}

static bool one_interrupt(const struct answers *a)
{
	return a->irqs == 1;
}

static bool two_interrupts(const struct answers *a)
{
	return a->irqs == 2;
}

/* ---- MC146818 ---- */

static void put(GArray *steps, unsigned index, unsigned value)
{
	step_out(steps, 0x70, index);
	step_out(steps, 0x71, value);
}

static void get(GArray *steps, unsigned index)
{
	step_out(steps, 0x70, index);
	step_in(steps, 0x71, 0xff);
}

static void forget_flags(GArray *steps)
{
	step_out(steps, 0x70, 12);
	step_in(steps, 0x71, 0);
}

/* 2020-01-01 10:30:00 by @b, its seconds from now plus a half; no alarm, no rate */
static void set_clock(GArray *steps, unsigned b)
{
	static const uint8_t registers[][2] = { { 0, 0 }, { 2, 0x30 }, { 4, 0x10 }, { 6, 4 },
						{ 7, 1 }, { 8, 1 },    { 9, 0x20 }, { 0x32, 0x20 },
						{ 1, 0 }, { 3, 0 },    { 5, 0 } };

	step_mask(steps, 0xffff);
	put(steps, 11, b);
	put(steps, 10, 0x70);
	for (unsigned i = 0; i < G_N_ELEMENTS(registers); i++)
		put(steps, registers[i][0], registers[i][1]);
	put(steps, 10, 0x20);
	forget_flags(steps);
}

static void flag_without_enable(GArray *steps)
{
	set_clock(steps, 2);
	put(steps, 10, 0x26);
	step_wait(steps, 20 * MS);
	get(steps, 12);
}

static bool pf(const struct answers *a)
{
	return (a->value[0] & 0x40) != 0;
}

static bool no_pf(const struct answers *a)
{
	return !pf(a);
}

static void phase(GArray *steps)
{
	set_clock(steps, 2);
	put(steps, 10, 0x2f); /* 2 Hz */
	step_wait(steps, 137 * MS);
	step_mask(steps, RTC8);
	put(steps, 11, 0x42);
	step_wait(steps, 800 * MS);
	step_mask(steps, 0xffff);
	put(steps, 11, 0x02);
}

static bool starts_when_enabled(const struct answers *a)
{
	return a->irqs == 1 && near(a->first_irq_ns - a->written_ns, 500 * MS, MS);
}

static void update_while_set(GArray *steps)
{
	set_clock(steps, 2);
	put(steps, 11, 0x82);
	forget_flags(steps);
	step_wait(steps, 2 * S + 200 * MS);
	get(steps, 12);
	put(steps, 11, 0x02);
}

static bool uf(const struct answers *a)
{
	return (a->value[0] & 0x10) != 0;
}

static bool no_uf(const struct answers *a)
{
	return !uf(a);
}

/* The next second is told by an interrupt; 0.5 s after set_clock() without the write. */
static void phase_of_seconds(GArray *steps)
{
	set_clock(steps, 2);
	put(steps, 11, 0x12);
	step_wait(steps, 200 * MS);
	put(steps, 0, 0x10);
	step_mask(steps, RTC8);
	step_wait(steps, 2 * S);
	step_mask(steps, 0xffff);
	put(steps, 11, 0x02);
}

static bool next_after_300_ms(const struct answers *a)
{
	return a->first_irq_ns != 0 && near(a->first_irq_ns - a->written_ns, 300 * MS, MS);
}

static bool next_after_500_ms(const struct answers *a)
{
	return a->first_irq_ns != 0 && near(a->first_irq_ns - a->written_ns, 500 * MS, MS);
}

/* 11:59:50 PM, alarm at 7:59 AM, any second */
static void alarm_12_hours(GArray *steps)
{
	set_clock(steps, 0);
	put(steps, 11, 0x80);
	put(steps, 0, 0x50);
	put(steps, 2, 0x59);
	put(steps, 4, 0x91);
	put(steps, 1, 0xff);
	put(steps, 3, 0x59);
	put(steps, 5, 0x07);
	put(steps, 11, 0x00);
	forget_flags(steps);
	step_wait(steps, 3 * S);
	get(steps, 12);
	put(steps, 11, 0x02);
}

static bool af(const struct answers *a)
{
	return (a->value[0] & 0x20) != 0;
}

static bool no_af(const struct answers *a)
{
	return !af(a);
}

/* ---- HPET: timer 0, its counter stopped at @counter ---- */

#define HPET(offset) (0xfed00000u + (offset))

static void hpet_stop(GArray *steps, uint32_t counter)
{
	step_mask(steps, 0xffff);
	step_write(steps, HPET(0x10), 0);
	step_write(steps, HPET(0xf0), counter);
	step_write(steps, HPET(0xf4), 0);
	step_write(steps, HPET(0x20), 7);
}

static void hpet_go(GArray *steps, uint32_t ns)
{
	step_mask(steps, IRQ0);
	step_write(steps, HPET(0x10), 3); /* with legacy routing: IRQ 0 */
	step_wait(steps, ns);
	step_mask(steps, 0xffff);
}

static void comparator_behind(GArray *steps)
{
	hpet_stop(steps, 1000000);
	step_write(steps, HPET(0x100), 0x004);
	step_write(steps, HPET(0x108), 999000);
	step_write(steps, HPET(0x10c), 0);
	hpet_go(steps, MS);
}

/* The processor is awake, so that it can take the first of two at once. */
static void first_tick(GArray *steps)
{
	for (unsigned i = 0; i < TRIES; i++) {
		hpet_stop(steps, 1000);
		step_write(steps, HPET(0x100), 0x14c);
		step_write(steps, HPET(0x108), 2000 + i * 7);
		step_write(steps, HPET(0x108), 200000);
		step_mask(steps, IRQ0);
		step_write(steps, HPET(0x10), 3);
		step_spin(steps, 15 * US);
	}
	step_mask(steps, 0xffff);
}

static bool one_a_try(const struct answers *a)
{
	return a->irqs == TRIES;
}

static bool more_than_one(const struct answers *a)
{
	return a->irqs > TRIES;
}

/* 41 us to the wrap, 400 us more to the match; awake, for the two would become one otherwise */
static void wrap_of_32_bits(GArray *steps)
{
	hpet_stop(steps, 0xfffff000);
	step_write(steps, HPET(0x100), 0x104);
	step_write(steps, HPET(0x108), 40000);
	step_mask(steps, IRQ0);
	step_write(steps, HPET(0x10), 3);
	step_spin(steps, MS);
	step_mask(steps, 0xffff);
}

static void level_without_enable(GArray *steps)
{
	hpet_stop(steps, 1000);
	step_write(steps, HPET(0x100), 0x002);
	step_write(steps, HPET(0x108), 2000);
	step_write(steps, HPET(0x10c), 0);
	hpet_go(steps, MS);
	step_read(steps, HPET(0x20));
	step_write(steps, HPET(0x20), 7);
}

static bool status_set(const struct answers *a)
{
	return (a->value[0] & 1) != 0;
}

static bool status_clear(const struct answers *a)
{
	return !status_set(a);
}

static void long_period(GArray *steps)
{
	hpet_stop(steps, 1000);
	step_write(steps, HPET(0x100), 0x14c);
	step_write(steps, HPET(0x108), 11000);
	step_write(steps, HPET(0x108), 0x81000000);
	hpet_go(steps, MS);
	step_read(steps, HPET(0x108));
}

static bool whole_period(const struct answers *a)
{
	return a->value[0] == 11000 + 0x81000000;
}

static bool period_without_top_bit(const struct answers *a)
{
	return a->value[0] == 11000 + 0x01000000;
}

/* ---- ACPI PM timer ---- */

static void pm_status(GArray *steps)
{
	step_mask(steps, 0xffff);
	acpi_pm_enable(steps);
	step_in16(steps, 0x600, 1);
}

/* ---- local APIC timer, 1 GHz ---- */

#define LAPIC(offset) (0xfee00000u + (offset))

static void lapic_off(GArray *steps)
{
	step_write(steps, LAPIC(0x380), 0);
	step_write(steps, LAPIC(0x3e0), 0xb);
	step_write(steps, LAPIC(0x320), 0x10040);
}

static void lapic_period(GArray *steps)
{
	step_mask(steps, 0xffff);
	lapic_off(steps);
	step_write(steps, LAPIC(0x320), 0x30040);
	step_write(steps, LAPIC(0x380), 1000);
	step_spin(steps, 500 * US);
	step_read(steps, LAPIC(0x390));
	lapic_off(steps);
}

/* some 500 periods later the two are half a period apart */
static uint32_t count_after(const struct answers *a, uint32_t period)
{
	return 1000 - (uint32_t)((a->read_ns[0] - a->written_ns) % period);
}

static bool period_1000(const struct answers *a)
{
	return near(a->value[0], count_after(a, 1000), 40);
}

static bool period_1001(const struct answers *a)
{
	return near(a->value[0], count_after(a, 1001), 40);
}

static void divide_while_counting(GArray *steps)
{
	step_mask(steps, 0xffff);
	lapic_off(steps);
	step_write(steps, LAPIC(0x380), 1000000000);
	step_spin(steps, 100 * US);
	step_write(steps, LAPIC(0x3e0), 0); /* by 2 */
	step_read(steps, LAPIC(0x390));
	lapic_off(steps);
}

static bool goes_on(const struct answers *a)
{
	return near(a->value[0], 1000000000 - 100000, 2000);
}

static bool computed_anew(const struct answers *a)
{
	return near(a->value[0], 1000000000 - 50000, 2000);
}

const struct difference other_differences[] = {
	{ "mc146818", "PF without PIE", flag_without_enable, pf, no_pf, NULL },
	{ "mc146818", "phase of the periodic interrupt", phase, starts_when_enabled,
	  starts_when_enabled, NULL },
	{ "mc146818", "UF while SET", update_while_set, no_uf, uf, NULL },
	{ "mc146818", "sub-second phase when a time register is written without SET",
	  phase_of_seconds, next_after_300_ms, next_after_500_ms, NULL },
	{ "mc146818", "an alarm at an hour, 12-hour mode", alarm_12_hours, no_af, af, NULL },
	{ "hpet", "comparator below the counter when it is written", comparator_behind,
	  no_interrupt, one_interrupt, NULL },
	{ "hpet", "first tick of a period", first_tick, one_a_try, more_than_one, NULL },
	{ "hpet", "32-bit one-shot when the counter wraps", wrap_of_32_bits, one_interrupt,
	  two_interrupts, NULL },
	{ "hpet", "status bit of a level timer without interrupt enable", level_without_enable,
	  status_set, status_clear, NULL },
	{ "hpet", "period above 2^31", long_period, whole_period, period_without_top_bit, NULL },
	{ "acpi_pm", "TMR_STS after reset", pm_status, status_clear, status_set, NULL },
	{ "lapic_timer", "period of the periodic mode", lapic_period, period_1000, period_1001,
	  NULL },
	{ "lapic_timer", "divide register written while counting", divide_while_counting, goes_on,
	  computed_anew, NULL },
	{ 0 }
};
