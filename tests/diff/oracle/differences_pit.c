/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the 8254 and of port 0x61. Channel 2 where nothing else is said: it has a gate. */
#include "differences.h"
#include "generate.h"

#define MS 1000000u

static void set(GArray *steps, unsigned channel, unsigned mode_and_bcd, unsigned count)
{
	step_out(steps, 0x43, channel << 6 | 0x30 | mode_and_bcd);
	step_out(steps, 0x40 + channel, count & 0xff);
	step_out(steps, 0x40 + channel, count >> 8);
}

static void look(GArray *steps, unsigned channel)
{
	step_out(steps, 0x43, channel << 6);
	step_in(steps, 0x40 + channel, 0xff);
	step_in(steps, 0x40 + channel, 0xff);
}

static void look_at_status(GArray *steps, unsigned channel)
{
	step_out(steps, 0x43, 0xe0u | 2u << channel);
	step_in(steps, 0x40 + channel, 0xff);
}

#define OUT_HIGH(a)   (((a)->value[0] & 0x80) != 0)
#define NULL_COUNT(a) (((a)->value[0] & 0x40) != 0)
#define MODE_2        0x04u
#define MODE_3        0x06u
#define MODE_4        0x08u

static bool stands(const struct answers *a)
{
	return answer16(a, 0) == answer16(a, 2);
}

static bool moves(const struct answers *a)
{
	return !stands(a);
}

static bool out_is_high(const struct answers *a)
{
	return OUT_HIGH(a);
}

static bool out_is_low(const struct answers *a)
{
	return !OUT_HIGH(a);
}

static bool no_interrupt(const struct answers *a)
{
	return a->irqs == 0;
}

/* ---- new count while counting ---- */

static void new_count(GArray *steps)
{
	step_out(steps, 0x61, 1);
	set(steps, 2, MODE_2, 60000);
	step_wait(steps, MS);
	step_out(steps, 0x42, 1000 & 0xff);
	step_out(steps, 0x42, 1000 >> 8);
	look(steps, 2);
}

static bool old_cycle(const struct answers *a)
{
	return answer16(a, 0) > 1000;
}

static bool new_cycle(const struct answers *a)
{
	return answer16(a, 0) <= 1000;
}

/* ---- counting ---- */

static void odd_count(GArray *steps)
{
	step_out(steps, 0x61, 1);
	set(steps, 2, MODE_3, 60001);
	look(steps, 2);
}

static bool even_value(const struct answers *a)
{
	return answer16(a, 0) % 2 == 0;
}

static bool odd_value(const struct answers *a)
{
	return answer16(a, 0) % 2 == 1;
}

static void no_trigger(GArray *steps)
{
	step_out(steps, 0x61, 1); /* high already: no edge will come */
	set(steps, 2, 0x02, 60000);
	look(steps, 2);
	step_wait(steps, MS);
	look(steps, 2);
}

static void gate_low(GArray *steps)
{
	step_out(steps, 0x61, 1);
	set(steps, 2, MODE_2, 60000);
	step_out(steps, 0x61, 0);
	look(steps, 2);
	step_wait(steps, MS);
	look(steps, 2);
}

static void bcd(GArray *steps)
{
	step_out(steps, 0x61, 1);
	set(steps, 2, 0x01, 0x9000);
	step_wait(steps, 3 * MS); /* 3579 clocks */
	look(steps, 2);
}

static bool is_decimal(const struct answers *a)
{
	return answer16(a, 0) <= 0x5421 && answer16(a, 0) > 0x4000;
}

static bool is_binary(const struct answers *a)
{
	return answer16(a, 0) <= 0x9000 - 3579 && answer16(a, 0) > 0x7000;
}

static void control_word_alone(GArray *steps)
{
	step_out(steps, 0x61, 1);
	set(steps, 2, MODE_2, 60000);
	step_wait(steps, MS);
	step_out(steps, 0x43, 0xb0);
	look(steps, 2);
	step_wait(steps, MS);
	look(steps, 2);
}

/* ---- OUT and status ---- */

static void out_mode_2(GArray *steps)
{
	step_out(steps, 0x61, 1);
	set(steps, 2, MODE_2, 60000);
	step_wait(steps, MS);
	look_at_status(steps, 2);
}

static void out_mode_4(GArray *steps)
{
	step_out(steps, 0x61, 1);
	set(steps, 2, MODE_4, 60000);
	step_wait(steps, MS);
	look_at_status(steps, 2);
}

static void out_mode_1(GArray *steps)
{
	step_out(steps, 0x61, 0);
	set(steps, 2, 0x02, 60000);
	step_out(steps, 0x61, 1);
	step_wait(steps, MS);
	look_at_status(steps, 2);
}

static void no_count_yet(GArray *steps)
{
	step_out(steps, 0x43, 0xb4);
	look_at_status(steps, 2);
}

static bool null_count(const struct answers *a)
{
	return NULL_COUNT(a);
}

static bool no_null_count(const struct answers *a)
{
	return !NULL_COUNT(a);
}

static void mode_6(GArray *steps)
{
	set(steps, 2, 0x0c, 60000);
	look_at_status(steps, 2);
}

static bool is_mode_2(const struct answers *a)
{
	return (a->value[0] >> 1 & 7) == 2;
}

static bool is_mode_6(const struct answers *a)
{
	return (a->value[0] >> 1 & 7) == 6;
}

/* ---- interrupts ---- */

static void load_of_mode_3(GArray *steps)
{
	step_mask(steps, 0xffff);
	set(steps, 0, 0x00, 60000); /* OUT goes low for 50 ms */
	step_wait(steps, MS);
	step_mask(steps, 0xfffa);
	set(steps, 0, MODE_3, 60000);
	step_wait(steps, 5 * MS);
	step_mask(steps, 0xffff);
}

static bool one_interrupt(const struct answers *a)
{
	return a->irqs == 1;
}

static void control_word_stops(GArray *steps)
{
	step_mask(steps, 0xffff);
	set(steps, 0, MODE_2, 11932);
	step_wait(steps, 5 * MS);
	step_out(steps, 0x43, 0x34);
	step_mask(steps, 0xfffa);
	step_wait(steps, 100 * MS);
	step_mask(steps, 0xffff);
}

static bool interrupts_go_on(const struct answers *a)
{
	return a->irqs >= 3;
}

/* 100 us, where KVM allows 200 at least; 20 ms of it */
static void short_period(GArray *steps)
{
	step_mask(steps, 0xffff);
	set(steps, 0, MODE_2, 119);
	step_mask(steps, 0xfffa);
	step_wait(steps, 20 * MS);
	step_mask(steps, 0xffff);
}

static bool about_200(const struct answers *a)
{
	return a->irqs > 150;
}

static bool at_most_half(const struct answers *a)
{
	return a->irqs > 0 && a->irqs <= 101;
}

/* ---- port 0x61 ---- */

static void refresh(GArray *steps)
{
	for (unsigned i = 0; i < 64; i++)
		step_in(steps, 0x61, 0xff);
}

static unsigned toggles(const struct answers *a)
{
	unsigned number = 0;

	for (unsigned i = 1; i < a->values; i++)
		number += (a->value[i] ^ a->value[i - 1]) >> 4 & 1;
	return number;
}

static bool toggles_by_time(const struct answers *a)
{
	return toggles(a) < 60;
}

static bool toggles_by_reads(const struct answers *a)
{
	return toggles(a) == 63;
}

static void upper_bits(GArray *steps)
{
	step_out(steps, 0x61, 0x0d);
	step_in(steps, 0x61, 0xff);
	step_out(steps, 0x61, 0x01);
}

static bool read_back(const struct answers *a)
{
	return (a->value[0] & 0x0c) == 0x0c;
}

static bool read_as_0(const struct answers *a)
{
	return (a->value[0] & 0x0c) == 0;
}

const struct difference pit_differences[] = {
	{ "i8254", "new count written in mode 2 or 3 while counting", new_count, old_cycle,
	  new_cycle, new_cycle },
	{ "i8254", "odd count in mode 3", odd_count, even_value, odd_value, odd_value },
	{ "i8254", "OUT in mode 2 in the status byte", out_mode_2, out_is_high, out_is_low,
	  out_is_low },
	{ "i8254", "OUT in mode 4", out_mode_4, out_is_high, out_is_low, out_is_low },
	{ "i8254", "OUT in mode 1 while the one-shot runs", out_mode_1, out_is_low, out_is_high,
	  out_is_high },
	{ "i8254", "modes 1 and 5", no_trigger, stands, moves, moves },
	{ "i8254", "gate of channel 2 low", gate_low, stands, moves, moves },
	{ "i8254", "null count in the status byte", no_count_yet, null_count, no_null_count,
	  no_null_count },
	{ "i8254", "BCD", bcd, is_decimal, is_binary, is_binary },
	{ "i8254", "mode bits 110 and 111", mode_6, is_mode_2, is_mode_6, is_mode_2 },
	{ "i8254", "read between control word and count", control_word_alone, stands, moves,
	  moves },
	{ "i8254", "interrupt at the load of mode 3", load_of_mode_3, no_interrupt, one_interrupt,
	  no_interrupt },
	{ "i8254", "interrupts between control word and count", control_word_stops, no_interrupt,
	  interrupts_go_on, interrupts_go_on },
	{ "i8254", "a period below 200 us on channel 0", short_period, about_200, about_200,
	  at_most_half },
	{ "i8254", "refresh bit of port 0x61", refresh, toggles_by_time, toggles_by_reads,
	  toggles_by_time },
	{ "i8254", "bits 2 and 3 of port 0x61", upper_bits, read_back, read_as_0, read_as_0 },
	{ 0 }
};
