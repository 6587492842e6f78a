/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate.h"

#define PICK(rand, array) (array)[g_rand_int_range(rand, 0, G_N_ELEMENTS(array))]

/* 1 .. 2^bits, all orders of magnitude alike */
static uint32_t magnitude(GRand *rand, unsigned bits)
{
	const unsigned b = (unsigned)g_rand_int_range(rand, 0, (gint32)bits);

	return (1u << b) + (g_rand_int(rand) & ((1u << b) - 1));
}

/* ---- i8254 ---- */

struct pit_channel {
	unsigned access, mode;
	unsigned least; /* count */
};

static uint32_t pit_count(GRand *rand, unsigned mode, unsigned least)
{
	static const uint32_t edges[] = {
		0, 0xffff, 0x8000, 0x100, 0xff, 0x101, 2, 4, 1193, 11932
	};
	uint32_t count = g_rand_boolean(rand) ? PICK(rand, edges) : magnitude(rand, 16);

	if (mode == 3)
		count &= ~1u; /* odd counts: see the differences */
	if (count != 0 && count < least)
		count += least;
	return count & 0xffff;
}

static void pit_write_count(GArray *steps, unsigned channel, const struct pit_channel *c,
			    uint32_t count)
{
	if (c->access & 1)
		step_out(steps, 0x40 + channel, count & 0xff);
	if (c->access & 2)
		step_out(steps, 0x40 + channel, count >> 8);
}

static void pit_set(GArray *steps, GRand *rand, unsigned channel, struct pit_channel *c, bool irq)
{
	static const unsigned modes[] = { 0, 2, 2, 3, 4 }, quiet_modes[] = { 0, 2, 2, 3 };
	uint32_t count;

	c->mode = irq && channel == 0 ? PICK(rand, quiet_modes) : PICK(rand, modes);
	c->access = (unsigned)g_rand_int_range(rand, 1, 4);
	count = pit_count(rand, c->mode, c->least);
	if (c->least > 2) /* one byte of it could be less */
		c->access = 3;
	step_out(steps, 0x43, channel << 6 | c->access << 4 | c->mode << 1);
	pit_write_count(steps, channel, c, count);
}

static void pit_read(GArray *steps, unsigned channel, const struct pit_channel *c)
{
	for (unsigned i = c->access == 3 ? 2 : 1; i > 0; i--)
		step_in(steps, 0x40 + channel, 0xff);
}

static void pit_read_back(GArray *steps, GRand *rand, const struct pit_channel *channels)
{
	const unsigned which = (unsigned)g_rand_int_range(rand, 1, 8);
	const unsigned what = (unsigned)g_rand_int_range(rand, 0, 3); /* never neither */

	step_out(steps, 0x43, 0xc0 | what << 4 | which << 1);
	for (unsigned n = 0; n < 3; n++) {
		if (!(which & 1u << n))
			continue;
		/* OUT is left out in modes 2 and 4: see the differences */
		if (!(what & 1))
			step_in(steps, 0x40 + n,
				channels[n].mode & 6 && channels[n].mode != 3 ? 0x7f : 0xff);
		if (!(what & 2))
			pit_read(steps, n, &channels[n]);
	}
}

static void pit_step(GArray *steps, GRand *rand, struct pit_channel *channels, bool irq)
{
	const unsigned n = (unsigned)g_rand_int_range(rand, 0, 3);
	struct pit_channel *c = &channels[n];

	switch (g_rand_int_range(rand, 0, 10)) {
	case 0:
		pit_set(steps, rand, n, c, irq);
		break;
	case 1:
		if (c->mode == 0 || (c->mode == 4 && !(irq && n == 0)))
			pit_write_count(steps, n, c, pit_count(rand, c->mode, c->least));
		break;
	case 2:
		step_out(steps, 0x43, n << 6);
		if (g_rand_boolean(rand))
			step_out(steps, 0x43, n << 6); /* no effect: latched already */
		pit_read(steps, n, c);
		break;
	case 3:
		pit_read_back(steps, rand, channels);
		break;
	case 4:
		step_out(steps, 0x61, 1 | (g_rand_int(rand) & 2));
		step_in(steps, 0x61, channels[2].mode == 0 || channels[2].mode == 3 ? 0x23 : 0x03);
		break;
	case 5:
	case 6:
		pit_read(steps, n, c);
		break;
	default:
		step_wait(steps, magnitude(rand, 23));
	}
}

static void generate_pit(GArray *steps, GRand *rand, unsigned count, bool irq, unsigned least)
{
	struct pit_channel channels[3] = { { .least = least }, { .least = 2 }, { .least = 2 } };
	const guint end = steps->len + count;

	step_mask(steps, 0xffff);
	step_out(steps, 0x61, 1);
	for (unsigned n = 0; n < 3; n++)
		pit_set(steps, rand, n, &channels[n], irq);
	if (irq)
		step_mask(steps, 0xfffa);
	while (steps->len < end) {
		step_group(steps);
		pit_step(steps, rand, channels, irq);
	}
	step_group(steps);
	step_mask(steps, 0xffff);
}

void generate_i8254(GArray *steps, GRand *rand, unsigned count, bool interrupts)
{
	/* a tick a handler can keep up with: 200 clocks are 168 us */
	generate_pit(steps, rand, count, interrupts, interrupts ? 200 : 2);
}

void generate_kvm_i8254(GArray *steps, GRand *rand, unsigned count, bool interrupts)
{
	generate_pit(steps, rand, count, interrupts, interrupts ? 2400 : 240);
}

/* ---- mc146818 ---- */

enum { RTC_A = 10, RTC_B = 11, RTC_C = 12, RTC_D = 13, RTC_CENTURY = 0x32 };

struct rtc_state {
	uint8_t b;
	unsigned rate;
};

static void rtc_put(GArray *steps, unsigned index, unsigned value)
{
	step_out(steps, 0x70, index);
	step_out(steps, 0x71, value);
}

static void rtc_get(GArray *steps, unsigned index, unsigned mask)
{
	step_out(steps, 0x70, index);
	step_in(steps, 0x71, (uint16_t)mask);
}

static unsigned rtc_digits(uint8_t b, unsigned value)
{
	return b & 4 ? value : value / 10 << 4 | value % 10;
}

static unsigned rtc_hour(uint8_t b, unsigned hour)
{
	if (b & 2)
		return rtc_digits(b, hour);
	return rtc_digits(b, hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? 0x80 : 0);
}

/* A time near the end of something, often. */
static unsigned near_end(GRand *rand, unsigned size)
{
	return g_rand_boolean(rand) ? size - 1 : (unsigned)g_rand_int_range(rand, 0, (gint32)size);
}

static void rtc_set_date(GArray *steps, GRand *rand, uint8_t b)
{
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const unsigned month = near_end(rand, 12);
	unsigned year = (unsigned)g_rand_int_range(rand, 1970, 2100);
	unsigned day = near_end(rand, days[month]) + 1;

	if (g_rand_int_range(rand, 0, 4) == 0)
		year = g_rand_boolean(rand) ? 2000 : 1999;
	if (month == 1 && day == 28 && year % 4 == 0 && g_rand_boolean(rand))
		day = 29;
	rtc_put(steps, 0, rtc_digits(b, near_end(rand, 60)));
	rtc_put(steps, 2, rtc_digits(b, near_end(rand, 60)));
	rtc_put(steps, 4, rtc_hour(b, near_end(rand, 24)));
	rtc_put(steps, 6, rtc_digits(b, (unsigned)g_rand_int_range(rand, 1, 8)));
	rtc_put(steps, 7, rtc_digits(b, day));
	rtc_put(steps, 8, rtc_digits(b, month + 1));
	rtc_put(steps, 9, rtc_digits(b, year % 100));
	rtc_put(steps, RTC_CENTURY, rtc_digits(b, year / 100));
}

/* No hour's alarm in 12-hour mode: see the differences. */
static void rtc_set_alarm(GArray *steps, GRand *rand, uint8_t b)
{
	const bool any_hour = !(b & 2) || g_rand_boolean(rand), any_minute = g_rand_boolean(rand);
	const bool any_second = g_rand_boolean(rand);

	rtc_put(steps, 5, any_hour ? 0xff : rtc_hour(b, near_end(rand, 24)));
	rtc_put(steps, 3, any_minute ? 0xc0 : rtc_digits(b, near_end(rand, 60)));
	rtc_put(steps, 1, any_second ? 0xd5 : rtc_digits(b, near_end(rand, 60)));
}

static void rtc_write_b(GArray *steps, struct rtc_state *s, unsigned value)
{
	s->b = (uint8_t)value;
	rtc_put(steps, RTC_B, value);
}

static void rtc_write_rate(GArray *steps, struct rtc_state *s, unsigned rate)
{
	s->rate = rate;
	rtc_put(steps, RTC_A, 0x20 | rate);
}

/* With the rate at 0, so that no flag waits from before: see the differences. */
static void rtc_switch_periodic(GArray *steps, GRand *rand, struct rtc_state *s, bool on)
{
	rtc_write_rate(steps, s, 0);
	rtc_get(steps, RTC_C, 0);
	rtc_write_b(steps, s, on ? s->b | 0x40 : s->b & ~0x40u);
	if (on)
		rtc_write_rate(steps, s, (unsigned)g_rand_int_range(rand, 5, 16));
}

static void rtc_set_time(GArray *steps, GRand *rand, struct rtc_state *s)
{
	rtc_switch_periodic(steps, rand, s, false);
	rtc_write_b(steps, s, 0x80 | (g_rand_int(rand) & 6));
	rtc_set_date(steps, rand, s->b);
	rtc_set_alarm(steps, rand, s->b);
	for (unsigned i = 0; i < 3; i++)
		rtc_get(steps, PICK(rand, ((const unsigned[]){ 0, 2, 4, 6, 7, 8, 9 })), 0xff);
	rtc_write_b(steps, s, s->b & 6);
	rtc_get(steps, RTC_C, 0);
}

static void rtc_wait(GArray *steps, uint32_t ns)
{
	step_add(steps, OP_WAIT, 200, 0, ns, 0);
}

static void rtc_step(GArray *steps, GRand *rand, struct rtc_state *s)
{
	static const unsigned registers[] = { 0,           2,     4,     6, 7, 8, 9,
					      RTC_CENTURY, RTC_B, RTC_D, 1, 3, 5, 0x40 };

	switch (g_rand_int_range(rand, 0, 14)) {
	case 0:
		rtc_set_time(steps, rand, s);
		break;
	case 1:
		rtc_switch_periodic(steps, rand, s, g_rand_boolean(rand));
		break;
	case 2:
		if (s->b & 0x40)
			rtc_write_rate(steps, s, (unsigned)g_rand_int_range(rand, 5, 16));
		break;
	case 3:
		rtc_set_alarm(steps, rand, s->b);
		break;
	case 4:
		rtc_write_b(steps, s, (s->b & 0x46) | (g_rand_int(rand) & 0x30));
		break;
	case 5:
		rtc_put(steps, 0x40, g_rand_int(rand) & 0xff);
		break;
	case 6:
	case 7:
		rtc_get(steps, RTC_C, s->b & 0x40 ? 0xff : 0xbf);
		break;
	case 8:
		rtc_get(steps, RTC_A, 0xff);
		break;
	case 9:
	case 10:
		rtc_wait(steps, magnitude(rand, 30));
		break;
	case 11:
		rtc_wait(steps, magnitude(rand, 20));
		break;
	default:
		rtc_get(steps, PICK(rand, registers), 0xff);
	}
}

void generate_mc146818(GArray *steps, GRand *rand, unsigned count, bool interrupts)
{
	struct rtc_state s = { .b = (uint8_t)(g_rand_int(rand) & 6) };
	const guint end = steps->len + count;

	step_mask(steps, 0xffff);
	/* the divider's reset is where the phase of the seconds is set */
	rtc_write_b(steps, &s, s.b);
	rtc_put(steps, RTC_A, 0x70);
	rtc_set_date(steps, rand, s.b);
	rtc_set_alarm(steps, rand, s.b);
	rtc_get(steps, 0, 0xff);
	rtc_put(steps, 0x40, 0x5a);
	rtc_write_rate(steps, &s, 0);
	rtc_get(steps, RTC_C, 0);
	if (interrupts)
		step_mask(steps, 0xfefb);
	while (steps->len < end) {
		step_group(steps);
		rtc_step(steps, rand, &s);
	}
	step_group(steps);
	rtc_switch_periodic(steps, rand, &s, false);
	step_mask(steps, 0xffff);
	rtc_write_b(steps, &s, 0x02);
	rtc_get(steps, RTC_C, 0);
}

/* ---- HPET ---- */

#define HPET 0xfed00000u

static void hpet_set_timer(GArray *steps, GRand *rand, unsigned n, uint32_t counter)
{
	const uint32_t config = HPET + 0x100 + 0x20 * n, comparator = config + 8;
	const bool interrupts = n < 2, periodic = g_rand_boolean(rand);
	const uint32_t first = counter + 1000 + magnitude(rand, 22);
	/* not so fast that QEMU cannot follow on a busy machine: 100 us */
	const uint32_t period = 10000 + magnitude(rand, 22);

	if (periodic) {
		step_write(steps, config, 0x148u | (interrupts ? 4 : 0));
		step_write(steps, comparator, first);
		step_write(steps, comparator, period);
	} else {
		step_write(steps, config,
			   (g_rand_boolean(rand) ? 0x100u : 0) | (interrupts ? 4 : 0));
		step_write(steps, comparator, first);
		step_write(steps, comparator + 4, 0);
	}
}

static void hpet_start(GArray *steps, GRand *rand)
{
	const uint32_t counter = magnitude(rand, 30);

	step_write(steps, HPET + 0x10, 0);
	step_write(steps, HPET + 0xf0, counter);
	step_write(steps, HPET + 0xf4, 0);
	step_read(steps, HPET + 0xf0);
	for (unsigned n = 0; n < 3; n++)
		hpet_set_timer(steps, rand, n, counter);
	step_write(steps, HPET + 0x10, 3);
}

void generate_hpet(GArray *steps, GRand *rand, unsigned count, bool interrupts)
{
	static const uint32_t registers[] = {
		0x00,  0x04,  0x10,  0x14,  0x20,  0xf0,  0xf0,  0xf4,
		0x108, 0x128, 0x148, 0x10c, 0x12c, 0x100, 0x120, 0x140
	};
	const guint end = steps->len + count;

	step_mask(steps, 0xffff);
	hpet_start(steps, rand);
	if (interrupts)
		step_mask(steps, 0xfefa);
	while (steps->len < end) {
		step_group(steps);
		switch (g_rand_int_range(rand, 0, 12)) {
		case 0:
			hpet_start(steps, rand);
			break;
		case 1:
		case 2:
		case 3:
			step_wait(steps, magnitude(rand, 25));
			break;
		default:
			step_read(steps, HPET + PICK(rand, registers));
		}
	}
	step_group(steps);
	step_mask(steps, 0xffff);
	step_write(steps, HPET + 0x10, 0);
}

/* ---- ACPI PM timer ---- */

void generate_acpi_pm(GArray *steps, GRand *rand, unsigned count, bool interrupts)
{
	const guint end = steps->len + count;

	step_mask(steps, 0xffff);
	acpi_pm_enable(steps);
	step_add(steps, OP_OUT, 2, 0x602, 0, 0);
	step_add(steps, OP_OUT, 2, 0x600, 1, 0);
	(void)interrupts;
	while (steps->len < end) {
		step_group(steps);
		switch (g_rand_int_range(rand, 0, 8)) {
		case 0:
			step_add(steps, OP_OUT, 2, 0x600, 1, 0);
			break;
		case 1:
		case 2:
			step_in16(steps, 0x600, 1);
			break;
		case 3:
			step_wait(steps, magnitude(rand, 31));
			break;
		case 4:
			step_wait(steps, magnitude(rand, 22));
			break;
		default:
			step_add(steps, OP_IN, 4, 0x608, 0, 0xffff);
		}
	}
	step_group(steps);
}

/* ---- local APIC timer ---- */

#define LAPIC 0xfee00000u

void generate_lapic_timer(GArray *steps, GRand *rand, unsigned count, bool interrupts)
{
	static const uint32_t codes[] = { 0, 1, 2, 3, 8, 9, 10, 11 };
	static const uint32_t registers[] = { 0x320, 0x380, 0x390, 0x390, 0x390, 0x3e0 };
	const guint end = steps->len + count;

	step_mask(steps, 0xffff);
	step_write(steps, LAPIC + 0x380, 0);
	step_write(steps, LAPIC + 0x3e0, 0xb);
	step_write(steps, LAPIC + 0x320, 0x10040); /* masked, one-shot: no wait may use it */
	(void)interrupts;
	while (steps->len < end) {
		step_group(steps);
		switch (g_rand_int_range(rand, 0, 6)) {
		case 0:
			step_write(steps, LAPIC + 0x3e0, PICK(rand, codes));
			step_write(steps, LAPIC + 0x380, magnitude(rand, 20) - 1);
			break;
		case 1:
			step_spin(steps, magnitude(rand, 16));
			break;
		default:
			step_read(steps, LAPIC + PICK(rand, registers));
		}
	}
	step_group(steps);
	step_write(steps, LAPIC + 0x380, 0);
	step_write(steps, LAPIC + 0x3e0, 0xb);
}
