/* SPDX-License-Identifier: BSD-2-Clause */
#include <kvmtime/devices/ticks.h>
#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "state.h"

#define MAX_DEBT_CLOCKS    (UINT64_C(1) << 63)
#define SLEW_ACKS_A_PERIOD 20u /* as QEMU's mc146818rtc */
#define SLEW_MAX_PARTS     7u  /* plus one */

static uint64_t ns_of(const struct kvt_ticks *ticks, uint64_t clocks)
{
	uint64_t ns;

	return kvt_muldiv_u64(clocks, KVT_NS_PER_S, ticks->clock_hz, &ns) == 0 ? ns : UINT64_MAX;
}

static bool keeps_backlog(const struct kvt_ticks *ticks)
{
	return ticks->config.policy != KVT_TICK_MERGE && ticks->config.policy != KVT_TICK_DISCARD;
}

static int check_config(const struct kvt_ticks_config *config)
{
	if (config->policy >= KVT_TICK_POLICIES || config->feedback > KVT_TICK_BY_STATUS)
		return -KVT_E_ARG;
	return config->slew_percent != 0 && config->slew_percent <= 100 ? -KVT_E_ARG : 0;
}

int kvt_ticks_init(struct kvt_ticks *ticks, const struct kvt_ticks_config *config,
		   uint64_t clock_hz)
{
	const int r = check_config(config);

	if (r < 0 || clock_hz == 0)
		return -KVT_E_ARG;
	*ticks = (struct kvt_ticks){ .config = *config, .clock_hz = clock_hz };
	return 0;
}

void kvt_ticks_reset(struct kvt_ticks *ticks)
{
	*ticks = (struct kvt_ticks){ .config = ticks->config, .clock_hz = ticks->clock_hz };
}

uint64_t kvt_ticks_backlog(const struct kvt_ticks *ticks)
{
	return ticks->period_clocks == 0 ? 0 : kvt_div(ticks->debt_clocks, ticks->period_clocks);
}

uint64_t kvt_ticks_behind_ns(const struct kvt_ticks *ticks)
{
	return ns_of(ticks, ticks->debt_clocks);
}

void kvt_ticks_drop(struct kvt_ticks *ticks)
{
	ticks->counts.dropped += kvt_ticks_backlog(ticks);
	ticks->debt_clocks = 0;
	ticks->catching = 0;
	ticks->fresh_ack = 0;
	ticks->ack_count = 0;
}

/* MERGE and DISCARD have at most one tick waiting, whatever the rate was before. */
static void keep_one(struct kvt_ticks *ticks, bool waiting)
{
	const uint64_t backlog = kvt_ticks_backlog(ticks);

	if (backlog > 1 && ticks->config.policy == KVT_TICK_DISCARD)
		ticks->counts.dropped += backlog - 1;
	else if (backlog > 1)
		ticks->counts.merged += backlog - 1;
	ticks->debt_clocks = waiting ? ticks->period_clocks : 0;
}

int kvt_ticks_configure(struct kvt_ticks *ticks, const struct kvt_ticks_config *config)
{
	if (check_config(config) < 0)
		return -KVT_E_ARG;
	ticks->config = *config;
	ticks->catching = 0;
	ticks->next_ns = 0;
	if (!keeps_backlog(ticks))
		keep_one(ticks, kvt_ticks_backlog(ticks) != 0);
	return 0;
}

/* Shortest time between two ticks while the policy hurries. */
static uint64_t pace_ns(const struct kvt_ticks *ticks)
{
	const uint32_t percent = ticks->config.slew_percent;
	const uint64_t backlog = kvt_ticks_backlog(ticks);
	uint64_t ns;

	if (ticks->config.policy == KVT_TICK_SLEW)
		return kvt_div(ticks->period_ns,
			       (backlog < SLEW_MAX_PARTS ? backlog : SLEW_MAX_PARTS) + 1);
	if (kvt_muldiv_u64(ticks->period_ns, 100, percent == 0 ? 200 : percent, &ns) != 0)
		return ticks->period_ns;
	return ns;
}

void kvt_ticks_set_period(struct kvt_ticks *ticks, uint64_t period_clocks, uint64_t now_ns)
{
	const bool waiting = kvt_ticks_backlog(ticks) != 0;
	uint64_t latest;

	/* a longer one never ends either (HPET: 64 bits), and a debt of it would not fit */
	period_clocks = kvt_min_u64(period_clocks, MAX_DEBT_CLOCKS);
	if (period_clocks == ticks->period_clocks)
		return;
	if (period_clocks == 0)
		kvt_ticks_drop(ticks);
	ticks->period_clocks = period_clocks;
	ticks->period_ns = ns_of(ticks, period_clocks);
	if (!keeps_backlog(ticks))
		ticks->debt_clocks = waiting ? period_clocks : 0;
	ticks->slot = 0;
	latest = now_ns + pace_ns(ticks);
	if (latest >= now_ns && ticks->next_ns > latest)
		ticks->next_ns = latest;
}

static void forget_over_limit(struct kvt_ticks *ticks)
{
	uint64_t limit = MAX_DEBT_CLOCKS, excess;

	if (ticks->config.limit_ns != 0 && ticks->config.policy != KVT_TICK_DELAY)
		limit = kvt_clocks_at(ticks->config.limit_ns, ticks->clock_hz);
	if (limit < ticks->period_clocks)
		limit = ticks->period_clocks;
	if (ticks->debt_clocks <= limit)
		return;
	/* whole ticks, so that what stays is what it was */
	excess = kvt_div(ticks->debt_clocks - limit + ticks->period_clocks - 1,
			 ticks->period_clocks);
	ticks->counts.dropped += excess;
	ticks->debt_clocks -= excess * ticks->period_clocks;
}

static void add_to_backlog(struct kvt_ticks *ticks, uint64_t count)
{
	const uint64_t room =
		kvt_div(2 * (MAX_DEBT_CLOCKS - 1) - ticks->debt_clocks, ticks->period_clocks);

	if (count > room) {
		ticks->counts.dropped += count - room;
		count = room;
	}
	ticks->debt_clocks += count * ticks->period_clocks;
	forget_over_limit(ticks);
}

void kvt_ticks_assume_taken(struct kvt_ticks *ticks, bool assume)
{
	ticks->assumed = assume;
}

/* Would each of them be taken in its own period? */
static bool is_quiet(const struct kvt_ticks *ticks)
{
	if (!ticks->assumed || ticks->in_flight || ticks->single)
		return false;
	return ticks->debt_clocks < ticks->period_clocks || ticks->config.policy == KVT_TICK_DELAY;
}

void kvt_ticks_due(struct kvt_ticks *ticks, uint64_t count, uint64_t now_ns)
{
	const bool waiting = ticks->debt_clocks != 0;

	(void)now_ns;
	if (count == 0 || ticks->period_clocks == 0)
		return;
	ticks->counts.due += count;
	ticks->ack_count = 0;
	if (is_quiet(ticks)) {
		ticks->counts.injected += count;
		ticks->counts.acked += count;
		/* a tick of DELAY that has others before it counts as late */
		ticks->counts.reinjected += ticks->debt_clocks >= ticks->period_clocks ? count : 0;
		return;
	}
	ticks->slot = 1;
	if (keeps_backlog(ticks)) {
		add_to_backlog(ticks, count);
	} else if (ticks->config.policy == KVT_TICK_MERGE) {
		ticks->counts.merged += waiting ? count : count - 1;
		ticks->debt_clocks = ticks->period_clocks;
	} else if (waiting || ticks->in_flight) {
		ticks->counts.dropped += count;
	} else {
		ticks->counts.dropped += count - 1;
		ticks->debt_clocks = ticks->period_clocks;
	}
}

void kvt_ticks_single(struct kvt_ticks *ticks)
{
	ticks->counts.due++;
	if (ticks->single)
		ticks->counts.merged++;
	ticks->single = 1;
}

/* CATCHUP: over the threshold, or still at work below it? */
static bool catches_up(const struct kvt_ticks *ticks)
{
	/* the tick that is due in its own period is no arrear */
	const uint64_t arrears = ticks->debt_clocks - (ticks->slot ? ticks->period_clocks : 0);

	if (arrears < ticks->period_clocks)
		return false;
	return ticks->catching || ns_of(ticks, arrears) >= ticks->config.threshold_ns;
}

/* When the policy lets the next tick go, given that one is owed and none is in flight. */
static uint64_t policy_next_ns(const struct kvt_ticks *ticks)
{
	switch (ticks->config.policy) {
	case KVT_TICK_DELAY:
		return ticks->slot ? 0 : KVT_NEVER;
	case KVT_TICK_CATCHUP:
		if (catches_up(ticks))
			return ticks->next_ns;
		return ticks->slot ? 0 : KVT_NEVER;
	case KVT_TICK_SLEW:
		return ticks->slot || ticks->fresh_ack ? 0 : ticks->next_ns;
	default:
		return 0;
	}
}

uint64_t kvt_ticks_next_ns(const struct kvt_ticks *ticks)
{
	uint64_t next;

	if (ticks->in_flight)
		return KVT_NEVER;
	if (ticks->single)
		return 0;
	if (ticks->period_clocks == 0 || ticks->debt_clocks < ticks->period_clocks)
		return KVT_NEVER;
	next = policy_next_ns(ticks);
	/* after a coalesced tick nothing goes before its time, whatever the policy */
	return next < ticks->retry_at_ns ? ticks->retry_at_ns : next;
}

/* The next tick no sooner than one pace after this one; a late caller does not slow the rate. */
static void set_pace(struct kvt_ticks *ticks, uint64_t now_ns)
{
	const uint64_t pace = pace_ns(ticks);

	if (ticks->config.policy != KVT_TICK_CATCHUP && ticks->config.policy != KVT_TICK_SLEW) {
		ticks->next_ns = 0;
		return;
	}
	if (now_ns - ticks->next_ns < pace && now_ns >= ticks->next_ns)
		ticks->next_ns += pace;
	else
		ticks->next_ns = now_ns + pace;
}

static void take_periodic(struct kvt_ticks *ticks, uint64_t now_ns)
{
	ticks->catching = ticks->config.policy == KVT_TICK_CATCHUP && catches_up(ticks);
	/* with a slot and nothing older waiting it is on time */
	ticks->last_late = !(ticks->slot && ticks->debt_clocks < 2 * ticks->period_clocks);
	ticks->counts.reinjected += ticks->last_late;
	ticks->debt_clocks -= ticks->period_clocks;
	ticks->slot = 0;
	ticks->fresh_ack = 0;
	ticks->last_single = 0;
	set_pace(ticks, now_ns);
}

bool kvt_ticks_take(struct kvt_ticks *ticks, uint64_t now_ns)
{
	if (kvt_ticks_next_ns(ticks) > now_ns)
		return false;
	if (ticks->single) {
		ticks->single = 0;
		ticks->last_single = 1;
		ticks->last_late = 0;
	} else {
		take_periodic(ticks, now_ns);
	}
	ticks->in_flight = 1;
	ticks->counts.injected++;
	return true;
}

/* The injected tick was not seen as one of its own: it is owed again, or is counted as gone. */
static void take_back(struct kvt_ticks *ticks)
{
	const bool waiting = ticks->debt_clocks != 0;

	ticks->counts.coalesced++;
	ticks->counts.injected--;
	ticks->counts.reinjected -= ticks->last_late;
	if (ticks->last_single || ticks->period_clocks == 0)
		ticks->counts.merged++;
	else if (keeps_backlog(ticks))
		add_to_backlog(ticks, 1);
	else if (ticks->config.policy == KVT_TICK_DISCARD)
		ticks->counts.dropped++;
	else if (waiting)
		ticks->counts.merged++;
	else
		ticks->debt_clocks = ticks->period_clocks;
}

static uint64_t retry_ns(const struct kvt_ticks *ticks)
{
	return ticks->config.retry_ns != 0 ? ticks->config.retry_ns : kvt_div(ticks->period_ns, 5);
}

void kvt_ticks_outcome(struct kvt_ticks *ticks, enum kvt_tick_outcome outcome, uint64_t now_ns)
{
	const bool by_status = ticks->config.feedback == KVT_TICK_BY_STATUS;

	if (!ticks->in_flight)
		return;
	if (outcome == KVT_TICK_MASKED) {
		ticks->in_flight = 0;
		ticks->counts.injected--;
		ticks->counts.reinjected -= ticks->last_late;
		ticks->counts.dropped++;
		kvt_ticks_drop(ticks);
		return;
	}
	if (outcome == KVT_TICK_COALESCED) {
		take_back(ticks);
		if (by_status)
			ticks->retry_at_ns = now_ns + retry_ns(ticks);
	}
	if (by_status)
		ticks->in_flight = 0;
	/* BY_ACK: the edge that it was merged with is still to be acknowledged */
}

void kvt_ticks_ack(struct kvt_ticks *ticks)
{
	if (!ticks->in_flight)
		return;
	ticks->in_flight = 0;
	ticks->counts.acked++;
	if (ticks->config.policy != KVT_TICK_SLEW || kvt_ticks_backlog(ticks) == 0 ||
	    ticks->ack_count >= SLEW_ACKS_A_PERIOD)
		return;
	ticks->ack_count++;
	ticks->fresh_ack = 1;
}

/* ---- saved state ---- */

#define WORD_BYTES (15u * 8)
#define FLAG_BYTES 10u

static uint64_t left_ns(uint64_t then_ns, uint64_t now_ns)
{
	return then_ns > now_ns ? then_ns - now_ns : 0;
}

/* Times leave as distances from now, which is another number after the load. */
void kvt_ticks_put(struct kvt_bytes *bytes, const struct kvt_ticks *ticks, uint64_t now_ns)
{
	const struct kvt_ticks_counts *counts = &ticks->counts;
	const uint64_t words[] = {
		ticks->config.threshold_ns,
		ticks->config.limit_ns,
		ticks->config.retry_ns,
		counts->due,
		counts->injected,
		counts->acked,
		counts->coalesced,
		counts->merged,
		counts->dropped,
		counts->reinjected,
		ticks->period_clocks,
		ticks->debt_clocks,
		ticks->next_ns - now_ns, /* may be past: the rhythm goes on from there */
		left_ns(ticks->retry_at_ns, now_ns),
		ticks->config.slew_percent,
	};
	const uint8_t flags[] = {
		ticks->config.policy, ticks->config.feedback, ticks->in_flight, ticks->slot,
		ticks->catching,      ticks->single,          ticks->fresh_ack, ticks->ack_count,
		ticks->last_single,   ticks->last_late,
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		kvt_put(bytes, words[i], 8);
	for (size_t i = 0; i < sizeof(flags); i++)
		kvt_put(bytes, flags[i], 1);
	kvt_put(bytes, 0, KVT_TICKS_SAVE_BYTES - WORD_BYTES - FLAG_BYTES);
}

static void get_flags(struct kvt_bytes *bytes, struct kvt_ticks *ticks)
{
	ticks->config.policy = (uint8_t)kvt_get_max(bytes, 1, KVT_TICK_POLICIES - 1);
	ticks->config.feedback = (uint8_t)kvt_get_max(bytes, 1, KVT_TICK_BY_STATUS);
	ticks->in_flight = (uint8_t)kvt_get_max(bytes, 1, 1);
	ticks->slot = (uint8_t)kvt_get_max(bytes, 1, 1);
	ticks->catching = (uint8_t)kvt_get_max(bytes, 1, 1);
	ticks->single = (uint8_t)kvt_get_max(bytes, 1, 1);
	ticks->fresh_ack = (uint8_t)kvt_get_max(bytes, 1, 1);
	ticks->ack_count = (uint8_t)kvt_get_max(bytes, 1, SLEW_ACKS_A_PERIOD);
	ticks->last_single = (uint8_t)kvt_get_max(bytes, 1, 1);
	ticks->last_late = (uint8_t)kvt_get_max(bytes, 1, 1);
}

void kvt_ticks_get(struct kvt_bytes *bytes, struct kvt_ticks *ret_ticks, uint64_t clock_hz,
		   uint64_t now_ns)
{
	struct kvt_ticks ticks = { .clock_hz = clock_hz };
	uint64_t *const words[] = {
		&ticks.config.threshold_ns,
		&ticks.config.limit_ns,
		&ticks.config.retry_ns,
		&ticks.counts.due,
		&ticks.counts.injected,
		&ticks.counts.acked,
		&ticks.counts.coalesced,
		&ticks.counts.merged,
		&ticks.counts.dropped,
		&ticks.counts.reinjected,
		&ticks.period_clocks,
		&ticks.debt_clocks,
		&ticks.next_ns,
		&ticks.retry_at_ns,
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = kvt_get(bytes, 8);
	ticks.config.slew_percent = (uint32_t)kvt_get_max(bytes, 8, UINT32_MAX);
	get_flags(bytes, &ticks);
	ticks.next_ns += now_ns;
	ticks.retry_at_ns += now_ns;
	for (unsigned i = WORD_BYTES + FLAG_BYTES; i < KVT_TICKS_SAVE_BYTES; i++)
		(void)kvt_get_max(bytes, 1, 0);
	/* a debt without a period would never be paid */
	if (check_config(&ticks.config) < 0 || ticks.debt_clocks > 2 * (MAX_DEBT_CLOCKS - 1) ||
	    ticks.period_clocks > MAX_DEBT_CLOCKS ||
	    (ticks.period_clocks == 0 && ticks.debt_clocks != 0))
		bytes->bad = true;
	ticks.period_ns = ns_of(&ticks, ticks.period_clocks);
	*ret_ticks = ticks;
}

void kvt_ticks_set_clock(struct kvt_ticks *ticks, uint64_t clock_hz)
{
	ticks->clock_hz = clock_hz;
	ticks->period_ns = ns_of(ticks, ticks->period_clocks);
}
