/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Motorola MC146818. The time is a number of seconds and the moment at which that second began;
 * registers 0 to 9 are made from it when they are read, and hold what was written while the clock
 * stands (SET, or the divider in reset).
 */
#include <kvmtime/devices/mc146818.h>
#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "calendar.h"
#include "state.h"

enum { /* the datasheet's address map */
       SECONDS,
       SECONDS_ALARM,
       MINUTES,
       MINUTES_ALARM,
       HOURS,
       HOURS_ALARM,
       WEEKDAY,
       DAY,
       MONTH,
       YEAR,
       REG_A,
       REG_B,
       REG_C,
       REG_D,
       RAM
};

#define A_UIP     0x80
#define A_DIVIDER 0x70
#define A_RATE    0x0f
#define B_SET     0x80
#define B_PIE     0x40
#define B_AIE     0x20
#define B_UIE     0x10
#define B_SQWE    0x08
#define B_DM      0x04 /* 1 = binary */
#define B_24H     0x02
#define C_IRQF    0x80
#define C_PF      0x40
#define C_AF      0x20
#define C_UF      0x10
#define C_FLAGS   (C_PF | C_AF | C_UF)
#define D_VALID   0x80
#define HOURS_PM  0x80

/* ---- registers and time ---- */

static uint8_t encode(const struct kvt_mc146818 *rtc, uint32_t value)
{
	return (uint8_t)(rtc->ram[REG_B] & B_DM ? value : value / 10 << 4 | value % 10);
}

static uint32_t decode(const struct kvt_mc146818 *rtc, uint8_t value)
{
	return rtc->ram[REG_B] & B_DM ? value : (value >> 4) * 10u + (value & 15u);
}

static uint8_t encode_hour(const struct kvt_mc146818 *rtc, uint32_t hour)
{
	if (rtc->ram[REG_B] & B_24H)
		return encode(rtc, hour);
	return (uint8_t)(encode(rtc, hour % 12 == 0 ? 12 : hour % 12) |
			 (hour >= 12 ? HOURS_PM : 0));
}

static uint32_t decode_hour(const struct kvt_mc146818 *rtc, uint8_t value)
{
	if (rtc->ram[REG_B] & B_24H)
		return decode(rtc, value);
	return decode(rtc, value & 0x7f) % 12 + (value & HOURS_PM ? 12 : 0);
}

static bool running(const struct kvt_mc146818 *rtc)
{
	return !(rtc->ram[REG_B] & B_SET) && (rtc->ram[REG_A] & A_DIVIDER) <= 0x20;
}

static bool divider_in_reset(uint8_t a)
{
	return (a & 0x60) == 0x60;
}

static int64_t seconds_at(const struct kvt_mc146818 *rtc, uint64_t t)
{
	if (!running(rtc))
		return rtc->base_s;
	return rtc->base_s + (int64_t)kvt_div(t - rtc->base_ns, KVT_NS_PER_S);
}

static void fill_registers(struct kvt_mc146818 *rtc, int64_t seconds)
{
	const struct kvt_date date = kvt_date_split(seconds);

	rtc->ram[SECONDS] = encode(rtc, date.second);
	rtc->ram[MINUTES] = encode(rtc, date.minute);
	rtc->ram[HOURS] = encode_hour(rtc, date.hour);
	rtc->ram[WEEKDAY] = encode(rtc, date.weekday);
	rtc->ram[DAY] = encode(rtc, date.day);
	rtc->ram[MONTH] = encode(rtc, date.month);
	rtc->ram[YEAR] = encode(rtc, date.year % 100);
	if (rtc->century_register != 0)
		rtc->ram[rtc->century_register] = encode(rtc, date.year / 100);
}

static int64_t from_registers(const struct kvt_mc146818 *rtc)
{
	struct kvt_date date = {
		.year = decode(rtc, rtc->ram[YEAR]),
		.month = decode(rtc, rtc->ram[MONTH]),
		.day = decode(rtc, rtc->ram[DAY]),
		.hour = decode_hour(rtc, rtc->ram[HOURS]),
		.minute = decode(rtc, rtc->ram[MINUTES]),
		.second = decode(rtc, rtc->ram[SECONDS]),
	};

	if (rtc->century_register != 0)
		date.year += decode(rtc, rtc->ram[rtc->century_register]) * 100;
	else
		date.year += date.year < 70 ? 2000 : 1900;
	return kvt_date_join(&date);
}

static bool is_time_register(const struct kvt_mc146818 *rtc, unsigned index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= WEEKDAY && index <= YEAR) ||
	       (index == rtc->century_register && index != 0);
}

/* ---- alarm ---- */

#define ANY 255u

static uint32_t alarm_field(const struct kvt_mc146818 *rtc, unsigned index)
{
	const uint8_t value = rtc->ram[index];

	if ((value & 0xc0) == 0xc0)
		return ANY;
	return index == HOURS_ALARM ? decode_hour(rtc, value) : decode(rtc, value);
}

/* The first value from @from that matches, or @size if there is none. */
static uint32_t first_match(uint32_t alarm, uint32_t from, uint32_t size)
{
	if (alarm == ANY)
		return from < size ? from : size;
	return alarm >= from && alarm < size ? alarm : size;
}

/* The first matching second of the day at or after @from, or 86400 and more: of the next day. */
static uint32_t alarm_of_day(const uint32_t alarm[3], uint32_t from)
{
	const uint32_t hour = from / 3600, minute = from / 60 % 60, second = from % 60;
	const uint32_t first_s = first_match(alarm[0], 0, 60),
		       first_m = first_match(alarm[1], 0, 60);
	uint32_t h = first_match(alarm[2], hour, 24), m, s;

	if (h == hour) {
		m = first_match(alarm[1], minute, 60);
		s = first_match(alarm[0], second, 60);
		if (m == minute && s < 60)
			return h * 3600 + m * 60 + s;
		m = first_match(alarm[1], minute + 1, 60);
		if (m < 60)
			return h * 3600 + m * 60 + first_s;
		h = first_match(alarm[2], hour + 1, 24);
	}
	if (h < 24)
		return h * 3600 + first_m * 60 + first_s;
	return KVT_DAY_S + first_match(alarm[2], 0, 24) * 3600 + first_m * 60 + first_s;
}

/* Seconds from @seconds to the next match, 1 .. 86400; 0 = never. */
static uint32_t seconds_to_alarm(const struct kvt_mc146818 *rtc, int64_t seconds)
{
	const uint32_t alarm[3] = { alarm_field(rtc, SECONDS_ALARM),
				    alarm_field(rtc, MINUTES_ALARM),
				    alarm_field(rtc, HOURS_ALARM) };
	const struct kvt_date date = kvt_date_split(seconds);
	const uint32_t now = date.hour * 3600 + date.minute * 60 + date.second;

	if ((alarm[0] != ANY && alarm[0] > 59) || (alarm[1] != ANY && alarm[1] > 59) ||
	    (alarm[2] != ANY && alarm[2] > 23))
		return 0;
	if (now + 1 == KVT_DAY_S)
		return 1 + alarm_of_day(alarm, 0);
	return alarm_of_day(alarm, now + 1) - now;
}

/* ---- interrupts ---- */

static uint32_t period_clocks(const struct kvt_mc146818 *rtc)
{
	const unsigned rate = rtc->ram[REG_A] & A_RATE;

	if (rate == 0 || divider_in_reset(rtc->ram[REG_A]))
		return 0;
	return UINT32_C(1) << (rate <= 2 ? rate + 6 : rate - 1);
}

static void update_line(struct kvt_mc146818 *rtc)
{
	const bool level = (rtc->ram[REG_C] & rtc->ram[REG_B] & C_FLAGS) != 0;

	rtc->ram[REG_C] = (uint8_t)((rtc->ram[REG_C] & C_FLAGS) | (level ? C_IRQF : 0));
	rtc->edges += level && !rtc->level;
	rtc->level = level;
}

static void run_periodic(struct kvt_mc146818 *rtc, uint64_t t)
{
	const uint32_t period = period_clocks(rtc);
	uint64_t passed;

	if (period == 0)
		return;
	passed = kvt_div(kvt_clocks_at(t, KVT_MC146818_HZ) - rtc->base_clock, period);
	if (rtc->ram[REG_B] & B_PIE)
		kvt_ticks_due(&rtc->ticks, passed - rtc->ticks_taken, rtc->origin_ns + t);
	else if (passed != rtc->ticks_taken)
		rtc->ram[REG_C] |= C_PF;
	rtc->ticks_taken = passed;
	if (kvt_ticks_take(&rtc->ticks, rtc->origin_ns + t))
		rtc->ram[REG_C] |= C_PF;
}

static void run_update(struct kvt_mc146818 *rtc, uint64_t before, uint64_t t)
{
	const int64_t from = seconds_at(rtc, before), to = seconds_at(rtc, t);
	uint32_t alarm;

	if (to == from)
		return;
	rtc->ram[REG_C] |= C_UF;
	alarm = seconds_to_alarm(rtc, from);
	if (alarm != 0 && to - from >= (int64_t)alarm)
		rtc->ram[REG_C] |= C_AF;
}

static uint64_t arrive(struct kvt_mc146818 *rtc, uint64_t now_ns)
{
	const uint64_t before = rtc->now_ns;
	const uint64_t t = kvt_local_ns(rtc->origin_ns, &rtc->now_ns, now_ns);

	run_update(rtc, before, t);
	run_periodic(rtc, t);
	update_line(rtc);
	return t;
}

/* The rate or PIE has changed; @old_period is 0 if periods are to start now. */
static void restart_periodic(struct kvt_mc146818 *rtc, uint32_t old_period, uint64_t t)
{
	const uint32_t period = period_clocks(rtc);
	const uint64_t clock = kvt_clocks_at(t, KVT_MC146818_HZ);
	uint64_t since = 0;

	if (old_period != 0)
		since = kvt_min_u64(clock - rtc->base_clock - rtc->ticks_taken * old_period,
				    period);
	rtc->base_clock = clock - since;
	rtc->ticks_taken = 0;
	kvt_ticks_set_period(&rtc->ticks, rtc->ram[REG_B] & B_PIE ? period : 0, rtc->origin_ns + t);
	run_periodic(rtc, t);
}

/* ---- programming ---- */

/* The clock stopped or started between @was and now. */
static void changed_running(struct kvt_mc146818 *rtc, bool was, int64_t seconds, uint64_t t)
{
	if (was == running(rtc))
		return;
	if (was) {
		rtc->base_ns = t - kvt_mod(t - rtc->base_ns, KVT_NS_PER_S);
		rtc->base_s = seconds;
	} else {
		/* seconds keep their phase while the clock stands */
		rtc->base_ns = t - kvt_mod(t - rtc->base_ns, KVT_NS_PER_S);
		rtc->base_s = from_registers(rtc);
	}
}

static void write_a(struct kvt_mc146818 *rtc, uint8_t value, uint64_t t)
{
	const bool was = running(rtc);
	const int64_t seconds = seconds_at(rtc, t);
	const uint32_t old_period = period_clocks(rtc);
	const uint8_t old = rtc->ram[REG_A];

	if (was)
		fill_registers(rtc, seconds);
	rtc->ram[REG_A] = value & (uint8_t)~A_UIP;
	/* "the first update cycle begins one-half second later" */
	if (divider_in_reset(old) && !divider_in_reset(value))
		rtc->base_ns = t - KVT_NS_PER_S / 2;
	changed_running(rtc, was, seconds, t);
	if (period_clocks(rtc) != old_period)
		restart_periodic(rtc, old_period, t);
}

static void write_b(struct kvt_mc146818 *rtc, uint8_t value, uint64_t t)
{
	const bool was = running(rtc);
	const int64_t seconds = seconds_at(rtc, t);
	const uint8_t old = rtc->ram[REG_B];

	if (was)
		fill_registers(rtc, seconds); /* in the old format: SET shows what there was */
	rtc->ram[REG_B] = value & B_SET ? value & (uint8_t)~B_UIE : value;
	changed_running(rtc, was, seconds, t);
	if ((old ^ value) & B_PIE)
		restart_periodic(rtc, value & B_PIE ? 0 : period_clocks(rtc), t);
}

static void write_time(struct kvt_mc146818 *rtc, unsigned index, uint8_t value, uint64_t t)
{
	if (!running(rtc)) {
		rtc->ram[index] = value;
		return;
	}
	fill_registers(rtc, seconds_at(rtc, t));
	rtc->ram[index] = value;
	rtc->base_ns = t - kvt_mod(t - rtc->base_ns, KVT_NS_PER_S);
	rtc->base_s = from_registers(rtc);
}

void kvt_mc146818_out(struct kvt_mc146818 *rtc, unsigned offset, uint8_t value, uint64_t now_ns)
{
	const uint64_t t = arrive(rtc, now_ns);
	const unsigned index = rtc->index;

	if (offset == 0)
		rtc->index = value & 0x7f;
	if (offset != 1)
		return;
	if (index == REG_A)
		write_a(rtc, value, t);
	else if (index == REG_B)
		write_b(rtc, value, t);
	else if (is_time_register(rtc, index))
		write_time(rtc, index, value, t);
	else if (index != REG_C && index != REG_D)
		rtc->ram[index] = value;
	update_line(rtc);
}

static uint8_t read_c(struct kvt_mc146818 *rtc, uint64_t t)
{
	const uint8_t value = rtc->ram[REG_C];

	rtc->ram[REG_C] = 0;
	rtc->level = 0;
	if (value & C_PF)
		kvt_ticks_ack(&rtc->ticks);
	if (kvt_ticks_take(&rtc->ticks, rtc->origin_ns + t))
		rtc->ram[REG_C] |= C_PF;
	update_line(rtc);
	return value;
}

static uint8_t read_a(const struct kvt_mc146818 *rtc, uint64_t t)
{
	const bool uip = running(rtc) && kvt_mod(t - rtc->base_ns, KVT_NS_PER_S) >=
						 KVT_NS_PER_S - KVT_MC146818_UIP_NS;

	return (uint8_t)(rtc->ram[REG_A] | (uip ? A_UIP : 0));
}

uint8_t kvt_mc146818_in(struct kvt_mc146818 *rtc, unsigned offset, uint64_t now_ns)
{
	const uint64_t t = arrive(rtc, now_ns);

	if (offset != 1)
		return 0xff;
	if (rtc->index == REG_A)
		return read_a(rtc, t);
	if (rtc->index == REG_C)
		return read_c(rtc, t);
	if (rtc->index == REG_D)
		return D_VALID;
	if (running(rtc) && is_time_register(rtc, rtc->index))
		fill_registers(rtc, seconds_at(rtc, t));
	return rtc->ram[rtc->index];
}

/* ---- the host's side ---- */

uint8_t kvt_mc146818_ram(const struct kvt_mc146818 *rtc, unsigned index)
{
	struct kvt_mc146818 copy = *rtc;

	if (running(rtc))
		fill_registers(&copy, seconds_at(rtc, rtc->now_ns));
	return copy.ram[index & 0x7f];
}

void kvt_mc146818_set_ram(struct kvt_mc146818 *rtc, unsigned index, uint8_t value)
{
	if (index >= RAM && index < sizeof(rtc->ram))
		rtc->ram[index] = value;
}

int64_t kvt_mc146818_seconds(struct kvt_mc146818 *rtc, uint64_t now_ns)
{
	const uint64_t t = arrive(rtc, now_ns);

	return running(rtc) ? seconds_at(rtc, t) : from_registers(rtc);
}

void kvt_mc146818_set_seconds(struct kvt_mc146818 *rtc, int64_t seconds, uint64_t now_ns)
{
	const uint64_t t = arrive(rtc, now_ns);
	const struct kvt_date date =
		kvt_date_split(seconds < -KVT_MAX_DATE_S || seconds > KVT_MAX_DATE_S ? 0 : seconds);

	rtc->base_s = kvt_date_join(&date);
	rtc->base_ns = t;
	fill_registers(rtc, rtc->base_s);
}

bool kvt_mc146818_run(struct kvt_mc146818 *rtc, uint64_t now_ns)
{
	(void)arrive(rtc, now_ns);
	return rtc->level;
}

bool kvt_mc146818_level(const struct kvt_mc146818 *rtc)
{
	return rtc->level;
}

uint64_t kvt_mc146818_edges(const struct kvt_mc146818 *rtc)
{
	return rtc->edges;
}

static uint64_t next_periodic(const struct kvt_mc146818 *rtc)
{
	const uint32_t period = period_clocks(rtc);
	uint64_t tick_ns;

	if (period == 0 || !(rtc->ram[REG_B] & B_PIE))
		return KVT_NEVER;
	tick_ns =
		kvt_ns_of_clock(rtc->base_clock + (rtc->ticks_taken + 1) * period, KVT_MC146818_HZ);
	return kvt_min_u64(kvt_caller_ns(rtc->origin_ns, tick_ns), kvt_ticks_next_ns(&rtc->ticks));
}

static uint64_t next_update(const struct kvt_mc146818 *rtc)
{
	const uint8_t waits = rtc->ram[REG_B] & (uint8_t)~rtc->ram[REG_C];
	const uint64_t second_ns = rtc->now_ns - kvt_mod(rtc->now_ns - rtc->base_ns, KVT_NS_PER_S);
	uint32_t seconds;

	if (!running(rtc))
		return KVT_NEVER;
	if (waits & B_UIE)
		seconds = 1;
	else if (waits & B_AIE)
		seconds = seconds_to_alarm(rtc, seconds_at(rtc, rtc->now_ns));
	else
		return KVT_NEVER;
	if (seconds == 0)
		return KVT_NEVER;
	return kvt_caller_ns(rtc->origin_ns, second_ns + (uint64_t)seconds * KVT_NS_PER_S);
}

uint64_t kvt_mc146818_next_ns(const struct kvt_mc146818 *rtc)
{
	return kvt_min_u64(next_periodic(rtc), next_update(rtc));
}

int kvt_mc146818_init(struct kvt_mc146818 *rtc, const struct kvt_mc146818_config *config,
		      uint64_t now_ns)
{
	struct kvt_mc146818 fresh = {
		.origin_ns = now_ns,
		.base_s = config->start_s,
		.century_register = config->century_register,
		.ram = { [REG_A] = 0x26, [REG_B] = B_24H, [REG_D] = D_VALID },
	};

	if (config->ticks.feedback != KVT_TICK_BY_ACK || config->start_s < -INT64_C(62167219200) ||
	    config->start_s > INT64_C(253402300799) || config->century_register > 0x7f ||
	    (config->century_register != 0 && config->century_register < RAM))
		return -KVT_E_ARG;
	if (kvt_ticks_init(&fresh.ticks, &config->ticks, KVT_MC146818_HZ) < 0)
		return -KVT_E_ARG;
	*rtc = fresh;
	return 0;
}

void kvt_mc146818_reset(struct kvt_mc146818 *rtc, uint64_t now_ns)
{
	(void)arrive(rtc, now_ns);
	kvt_ticks_reset(&rtc->ticks);
	rtc->ram[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
	rtc->ram[REG_C] = 0;
	rtc->level = 0;
}

/* ---- saved state ---- */

static const char magic[4] = { 'K', 'R', 'T', 'C' };
#define VERSION 1

int kvt_mc146818_save(const struct kvt_mc146818 *rtc, void *buffer, size_t capacity,
		      size_t *ret_size)
{
	struct kvt_bytes bytes;
	const int r =
		kvt_save_begin(&bytes, buffer, capacity, KVT_MC146818_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	kvt_put(&bytes, rtc->now_ns, 8);
	kvt_ticks_put(&bytes, &rtc->ticks, rtc->origin_ns + rtc->now_ns);
	kvt_put(&bytes, rtc->base_ns, 8);
	kvt_put(&bytes, (uint64_t)rtc->base_s, 8);
	kvt_put(&bytes, rtc->base_clock, 8);
	kvt_put(&bytes, rtc->ticks_taken, 8);
	kvt_put(&bytes, rtc->edges, 8);
	kvt_put(&bytes, rtc->index, 1);
	kvt_put(&bytes, rtc->level, 1);
	kvt_put(&bytes, rtc->century_register, 1);
	for (size_t i = 0; i < sizeof(rtc->ram); i++)
		kvt_put(&bytes, rtc->ram[i], 1);
	*ret_size = bytes.at;
	return 0;
}

/* What the members say together must be possible. */
static bool is_possible(const struct kvt_mc146818 *rtc)
{
	const uint32_t period = period_clocks(rtc);
	const uint64_t clock = kvt_clocks_at(rtc->now_ns, KVT_MC146818_HZ);

	if (rtc->now_ns - rtc->base_ns > KVT_MAX_LOCAL_NS || rtc->base_clock > clock ||
	    rtc->base_s < -KVT_MAX_DATE_S || rtc->base_s > KVT_MAX_DATE_S ||
	    rtc->ram[REG_A] & A_UIP)
		return false;
	if (period != 0 && rtc->ticks_taken > kvt_div(clock - rtc->base_clock, period))
		return false;
	if (rtc->century_register != 0 && rtc->century_register < RAM)
		return false;
	return rtc->ticks.period_clocks == (rtc->ram[REG_B] & B_PIE ? period : 0) &&
	       rtc->level == ((rtc->ram[REG_C] & rtc->ram[REG_B] & C_FLAGS) != 0);
}

int kvt_mc146818_load(struct kvt_mc146818 *rtc, const void *buffer, size_t size, uint64_t now_ns)
{
	struct kvt_mc146818 loaded = { 0 };
	struct kvt_bytes bytes;
	const int r = kvt_load_begin(&bytes, buffer, size, KVT_MC146818_SAVE_BYTES, magic, VERSION);

	if (r < 0)
		return r;
	loaded.now_ns = kvt_get_max(&bytes, 8, KVT_MAX_LOCAL_NS);
	loaded.origin_ns = now_ns - loaded.now_ns;
	kvt_ticks_get(&bytes, &loaded.ticks, KVT_MC146818_HZ, now_ns);
	loaded.base_ns = kvt_get(&bytes, 8);
	loaded.base_s = (int64_t)kvt_get(&bytes, 8);
	loaded.base_clock = kvt_get(&bytes, 8);
	loaded.ticks_taken = kvt_get(&bytes, 8);
	loaded.edges = kvt_get(&bytes, 8);
	loaded.index = (uint8_t)kvt_get_max(&bytes, 1, 0x7f);
	loaded.level = (uint8_t)kvt_get_max(&bytes, 1, 1);
	loaded.century_register = (uint8_t)kvt_get_max(&bytes, 1, 0x7f);
	for (size_t i = 0; i < sizeof(loaded.ram); i++)
		loaded.ram[i] = (uint8_t)kvt_get(&bytes, 1);
	if (bytes.bad || !is_possible(&loaded))
		return -KVT_E_CORRUPT;
	*rtc = loaded;
	return 0;
}
