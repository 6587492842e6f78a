/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <kvmtime/devices/hpet.h>
#include <kvmtime/devices/i8254.h>
#include <kvmtime/devices/lapic_timer.h>
#include <kvmtime/devices/mc146818.h>
#include <kvmtime/scale.h>

#include "sim/sim.h"

#define HANDLER_NS 2000u /* from the interrupt to its acknowledge */
#define HPET_HZ    100000000u
#define NEVER      UINT64_MAX
#define SECOND_NS  UINT64_C(1000000000)

const struct kvt_sim_guest kvt_sim_guests[] = {
	{ "pit-100", "counts PIT ticks at 100 Hz (Linux 2.4, BSD)", KVT_SIM_PIT, 11932, true, false,
	  KVT_SIM_TSC },
	{ "pit-1000", "counts PIT ticks at 1000 Hz (Linux 2.6 without loss detection)", KVT_SIM_PIT,
	  1193, true, false, KVT_SIM_TSC },
	{ "pit-1000-lost",
	  "as pit-1000, and adds ticks that the TSC says are missing (Linux 2.6.9)", KVT_SIM_PIT,
	  1193, true, true, KVT_SIM_TSC },
	{ "rtc-64", "counts RTC ticks at 64 Hz (older Windows, idle)", KVT_SIM_RTC, 10, true, false,
	  KVT_SIM_TSC },
	{ "rtc-1024", "counts RTC ticks at 1024 Hz (older Windows, 1 ms timers)", KVT_SIM_RTC, 6,
	  true, false, KVT_SIM_TSC },
	{ "rtc-2048", "counts RTC ticks at 2048 Hz (older Windows, multimedia)", KVT_SIM_RTC, 5,
	  true, false, KVT_SIM_TSC },
	{ "hpet", "counts HPET ticks at 1000 Hz", KVT_SIM_HPET, 100000, true, false, KVT_SIM_TSC },
	{ "tsc", "tickless, time from the TSC, one APIC timer a second", KVT_SIM_LAPIC, 0, false,
	  false, KVT_SIM_TSC },
	{ "kvm-clock", "tickless, time from kvm-clock, one APIC timer a second", KVT_SIM_LAPIC, 0,
	  false, false, KVT_SIM_KVM_CLOCK },
	{ 0 }
};

static const char *const policy_names[KVT_TICK_POLICIES] = { "delay",   "catchup", "merge",
							     "discard", "replay",  "slew" };

const struct kvt_sim_guest *kvt_sim_guest(const char *name)
{
	for (const struct kvt_sim_guest *guest = kvt_sim_guests; guest->name != NULL; guest++)
		if (strcmp(guest->name, name) == 0)
			return guest;
	return NULL;
}

const char *kvt_sim_policy_name(unsigned policy)
{
	return policy < KVT_TICK_POLICIES ? policy_names[policy] : "?";
}

int kvt_sim_policy(const char *name)
{
	for (int i = 0; i < KVT_TICK_POLICIES; i++)
		if (strcmp(policy_names[i], name) == 0)
			return i;
	return -1;
}

/* ---- the machine ---- */

struct machine {
	const struct kvt_sim_config *config;
	union {
		struct kvt_i8254 pit;
		struct kvt_mc146818 rtc;
		struct kvt_hpet hpet;
		struct kvt_lapic_timer lapic;
	} u;
	struct kvt_ticks *ticks;
	double period_ns;
	uint64_t now_ns;
	uint64_t device_stood_ns;  /* the device's clock is so far behind, */
	uint64_t counter_stood_ns; /* and the guest's counter */
	uint64_t injected_ns;      /* a tick waits for the guest since then; NEVER = none */
	uint64_t ack_ns;           /* the handler is at work until then; NEVER = none */
	uint64_t handled;          /* ticks that the guest has seen */
	uint64_t invented;
	uint64_t last_tick_ns; /* by the guest's counter */
	uint64_t burst;
	uint64_t second, second_ticks;
	struct kvt_sim_result *result;
};

static void set_up_pit(struct machine *m)
{
	const uint32_t divisor = m->config->guest->divisor;

	(void)kvt_i8254_init(&m->u.pit, &m->config->ticks, 0);
	kvt_i8254_out(&m->u.pit, 3, 0x34, 0);
	kvt_i8254_out(&m->u.pit, 0, divisor & 0xff, 0);
	kvt_i8254_out(&m->u.pit, 0, (uint8_t)(divisor >> 8), 0);
	m->ticks = &m->u.pit.ticks;
	m->period_ns = divisor * 1e9 / KVT_I8254_HZ;
}

static void set_up_rtc(struct machine *m)
{
	const struct kvt_mc146818_config config = { .ticks = m->config->ticks };
	const uint32_t rate = m->config->guest->divisor;

	(void)kvt_mc146818_init(&m->u.rtc, &config, 0);
	kvt_mc146818_out(&m->u.rtc, 0, 10, 0);
	kvt_mc146818_out(&m->u.rtc, 1, (uint8_t)(0x20 | rate), 0);
	kvt_mc146818_out(&m->u.rtc, 0, 11, 0);
	kvt_mc146818_out(&m->u.rtc, 1, 0x42, 0);
	kvt_mc146818_out(&m->u.rtc, 0, 12, 0);
	m->ticks = &m->u.rtc.ticks;
	m->period_ns = (double)(1u << (rate - 1)) * 1e9 / KVT_MC146818_HZ;
}

static void set_up_hpet(struct machine *m)
{
	const struct kvt_hpet_config config = { .ticks = m->config->ticks };
	const uint32_t period = m->config->guest->divisor;

	(void)kvt_hpet_init(&m->u.hpet, &config, 0);
	kvt_hpet_write(&m->u.hpet, 0x100, 4, 0x4c, 0);
	kvt_hpet_write(&m->u.hpet, 0x108, 8, period, 0);
	kvt_hpet_write(&m->u.hpet, 0x108, 8, period, 0);
	kvt_hpet_write(&m->u.hpet, 0x10, 4, 3, 0);
	m->ticks = &m->u.hpet.timer[0].ticks;
	m->period_ns = period * 1e9 / HPET_HZ;
}

static void set_up_lapic(struct machine *m)
{
	const struct kvt_lapic_timer_config config = { .ticks = m->config->ticks,
						       .bus_hz = 1000000000 };

	(void)kvt_lapic_timer_init(&m->u.lapic, &config, 0);
	kvt_lapic_timer_out(&m->u.lapic, KVT_LAPIC_DIVIDE, 0xb, 0);
	kvt_lapic_timer_out(&m->u.lapic, KVT_LAPIC_LVT, 0x30, 0);
	kvt_lapic_timer_out(&m->u.lapic, KVT_LAPIC_INITIAL, 1000000000, 0);
	m->ticks = &m->u.lapic.ticks;
	m->period_ns = 1e9;
}

static void set_up(struct machine *m)
{
	switch (m->config->guest->device) {
	case KVT_SIM_PIT:
		set_up_pit(m);
		break;
	case KVT_SIM_RTC:
		set_up_rtc(m);
		break;
	case KVT_SIM_HPET:
		set_up_hpet(m);
		break;
	case KVT_SIM_LAPIC:
		set_up_lapic(m);
		break;
	}
}

static uint64_t device_ns(const struct machine *m)
{
	return m->now_ns - m->device_stood_ns;
}

static uint64_t counter_ns(const struct machine *m)
{
	return m->now_ns - m->counter_stood_ns;
}

static uint64_t next_by_device_ns(const struct machine *m)
{
	switch (m->config->guest->device) {
	case KVT_SIM_PIT:
		return kvt_i8254_next_ns(&m->u.pit);
	case KVT_SIM_RTC:
		return kvt_mc146818_next_ns(&m->u.rtc);
	case KVT_SIM_HPET:
		return kvt_hpet_next_ns(&m->u.hpet);
	default:
		return kvt_lapic_timer_next_ns(&m->u.lapic);
	}
}

static uint64_t device_next_ns(const struct machine *m)
{
	const uint64_t next_ns = next_by_device_ns(m);

	return next_ns < NEVER - m->device_stood_ns ? next_ns + m->device_stood_ns : NEVER;
}

/* Let the device see the time; is an interrupt given? */
static bool device_run(struct machine *m)
{
	const uint64_t edges = m->u.rtc.edges;

	switch (m->config->guest->device) {
	case KVT_SIM_PIT:
		return kvt_i8254_run(&m->u.pit, device_ns(m));
	case KVT_SIM_RTC:
		return kvt_mc146818_run(&m->u.rtc, device_ns(m)) && m->u.rtc.edges != edges;
	case KVT_SIM_HPET:
		return kvt_hpet_run(&m->u.hpet, device_ns(m)) != 0;
	default:
		return kvt_lapic_timer_run(&m->u.lapic, device_ns(m));
	}
}

/* ---- the guest ---- */

static void count_rate(struct machine *m, uint64_t ticks)
{
	const uint64_t second = m->now_ns / SECOND_NS;
	double extra;

	if (second != m->second) {
		m->second = second;
		m->second_ticks = 0;
	}
	m->second_ticks += ticks;
	extra = (double)m->second_ticks - 1e9 / m->period_ns;
	m->result->extra_per_s = MAX(m->result->extra_per_s, extra);
}

static void handle_tick(struct machine *m)
{
	const uint64_t late_ns = m->now_ns - m->injected_ns;
	const uint64_t since_ns = counter_ns(m) - m->last_tick_ns;

	m->result->worst_late_ns = MAX(m->result->worst_late_ns, late_ns);
	m->handled++;
	/* Linux 2.6.9: what the TSC says beyond this tick is added; a tick too soon is not taken
	 * off */
	if (m->config->guest->detects_lost && (double)since_ns >= 2 * m->period_ns)
		m->invented += (uint64_t)((double)since_ns / m->period_ns) - 1;
	m->burst = (double)since_ns < m->period_ns / 2 ? m->burst + 1 : 0;
	m->result->burst = MAX(m->result->burst, m->burst);
	m->last_tick_ns = counter_ns(m);
	count_rate(m, 1);
}

static void acknowledge(struct machine *m)
{
	const uint64_t edges = m->u.rtc.edges;

	m->ack_ns = NEVER;
	switch (m->config->guest->device) {
	case KVT_SIM_RTC:
		(void)kvt_mc146818_in(&m->u.rtc, 1, device_ns(m));
		if (m->u.rtc.edges != edges && kvt_mc146818_level(&m->u.rtc))
			m->injected_ns = m->now_ns;
		break;
	case KVT_SIM_LAPIC:
		kvt_ticks_ack(m->ticks);
		kvt_lapic_timer_out(&m->u.lapic, KVT_LAPIC_INITIAL, 1000000000, device_ns(m));
		break;
	default:
		kvt_ticks_ack(m->ticks);
	}
}

static int64_t drift_ns(const struct machine *m)
{
	const uint64_t ticks = m->handled + m->invented;
	double guest_ns;

	if (!m->config->guest->counts_ticks)
		return -(int64_t)m->counter_stood_ns;
	guest_ns = (double)ticks * m->period_ns;
	return (int64_t)(guest_ns - (double)m->now_ns);
}

/* ---- time ---- */

/* The state as seen between events: a tick that is due within this period is no drift. */
static void note_drift(struct machine *m, uint64_t load_end_ns)
{
	const int64_t drift = drift_ns(m);
	struct kvt_sim_result *r = m->result;

	r->worst_behind_ns = MAX(r->worst_behind_ns, -drift);
	r->worst_ahead_ns = MAX(r->worst_ahead_ns, drift);
	if ((double)ABS(drift) > 2 * m->period_ns)
		r->recovered_ns = NEVER;
	else if (r->recovered_ns == NEVER && m->now_ns >= load_end_ns)
		r->recovered_ns = m->now_ns - load_end_ns;
}

/*
 * Will the next tick tell the guest of lost ones? They were dropped while a handler that the vCPU
 * did not run had yet to acknowledge, so that none of them waits now.
 */
static bool finds_loss_next(const struct machine *m)
{
	return m->config->guest->detects_lost && (double)(device_next_ns(m) - m->counter_stood_ns -
							  m->last_tick_ns) >= 2 * m->period_ns;
}

/*
 * The vCPU runs until @end_ns and nothing is owed: each tick but the last few is taken in its own
 * period, and the stretch costs one call. Equal to stepping; a test says so.
 */
static void skip_quiet(struct machine *m, uint64_t end_ns)
{
	const uint64_t margin = (uint64_t)(4 * m->period_ns) + HANDLER_NS;
	const uint64_t before = m->ticks->counts.acked;
	uint64_t ticks;

	if (m->config->step_all || m->config->guest->device == KVT_SIM_LAPIC ||
	    m->injected_ns != NEVER || m->ack_ns != NEVER || end_ns == NEVER ||
	    device_next_ns(m) <= m->now_ns /* ticks that were missed are waiting */ ||
	    end_ns < m->now_ns + 4 * margin || finds_loss_next(m) ||
	    (m->config->ticks.policy != KVT_TICK_DELAY && kvt_ticks_backlog(m->ticks) != 0))
		return;
	/* not across a second, in which the most ticks are looked for */
	m->now_ns = MIN(end_ns - margin, (m->now_ns / SECOND_NS + 1) * SECOND_NS - 1);
	kvt_ticks_assume_taken(m->ticks, true);
	(void)device_run(m);
	kvt_ticks_assume_taken(m->ticks, false);
	ticks = m->ticks->counts.acked - before;
	m->handled += ticks;
	if (ticks > 0)
		m->last_tick_ns = device_next_ns(m) - m->counter_stood_ns - (uint64_t)m->period_ns;
	if (ticks > 0)
		m->burst = 0;
	count_rate(m, ticks);
}

/* What can be done at this moment; true if something was. */
static bool act(struct machine *m, bool vm_runs, bool cpu_runs)
{
	if (m->ack_ns <= m->now_ns && cpu_runs) {
		acknowledge(m);
		return true;
	}
	if (vm_runs && device_run(m)) {
		m->injected_ns = m->now_ns;
		return true;
	}
	if (cpu_runs && m->injected_ns != NEVER && m->ack_ns == NEVER) {
		handle_tick(m);
		m->injected_ns = NEVER;
		m->ack_ns = m->now_ns + HANDLER_NS;
		return true;
	}
	return false;
}

static uint64_t next_event_ns(const struct machine *m, bool vm_runs, bool cpu_runs)
{
	uint64_t next = NEVER;

	if (cpu_runs)
		next = m->ack_ns;
	if (vm_runs)
		next = MIN(next, device_next_ns(m));
	return next > m->now_ns ? next : m->now_ns + 1;
}

/* The whole VM goes on after it stood: see enum kvt_load_stop. */
static void resume(struct machine *m, const struct kvt_load *load)
{
	const enum kvt_load_stop stop = load->stop;

	if (stop != KVT_STOP_PAUSE && m->config->guest->device != KVT_SIM_RTC)
		m->device_stood_ns += load->stop_ns;
	if (stop == KVT_STOP_MIGRATION ||
	    (stop == KVT_STOP_SLEEP && m->config->guest->counter == KVT_SIM_TSC))
		m->counter_stood_ns += load->stop_ns;
	if (stop == KVT_STOP_MIGRATION && m->config->guest->device == KVT_SIM_PIT)
		kvt_ticks_drop(m->ticks);
}

static void add_point(struct machine *m)
{
	const struct kvt_sim_point point = { m->now_ns, drift_ns(m) };

	g_array_append_val(m->result->points, point);
}

static void run_until(struct machine *m, uint64_t end_ns, bool vm_runs, bool cpu_runs,
		      uint64_t load_end_ns)
{
	while (m->now_ns < end_ns) {
		while (act(m, vm_runs, cpu_runs))
			;
		if (cpu_runs)
			skip_quiet(m, end_ns);
		note_drift(m, load_end_ns);
		m->now_ns = MIN(next_event_ns(m, vm_runs, cpu_runs), end_ns);
	}
	note_drift(m, load_end_ns);
}

static void run_load(struct machine *m, struct kvt_load_walk *walk)
{
	const struct kvt_sim_config *config = m->config;
	const struct kvt_load *load = config->load;
	const uint64_t load_end = config->load_ns + load->stop_ns;
	const uint64_t end = load_end + config->settle_ns;
	const uint64_t stop_at = load->stop != KVT_STOP_NONE ? config->load_ns / 10 : NEVER;
	uint64_t sample = config->sample_ns != 0 ? 0 : NEVER;

	while (m->now_ns < end) {
		const uint64_t from = m->now_ns;
		const bool stands = from >= stop_at && from - stop_at < load->stop_ns;
		uint64_t next = from < stop_at ? MIN(stop_at, walk->next_ns) : walk->next_ns;

		if (stands)
			next = stop_at + load->stop_ns;
		run_until(m, MIN(MIN(next, sample), end), !stands, walk->runs && !stands, load_end);
		if (stands || !walk->runs)
			m->result->stolen_ns += m->now_ns - from;
		if (m->now_ns == sample) {
			add_point(m);
			sample += config->sample_ns;
		}
		if (m->now_ns == stop_at)
			kvt_load_stand(walk, load->stop_ns);
		else if (stands && m->now_ns == next)
			resume(m, load);
		if (!stands && m->now_ns == walk->next_ns)
			kvt_load_step(walk);
	}
}

void kvt_sim_run(const struct kvt_sim_config *config, struct kvt_sim_result *ret_result)
{
	struct machine m = {
		.config = config, .injected_ns = NEVER, .ack_ns = NEVER, .result = ret_result
	};
	struct kvt_load_walk walk;

	*ret_result = (struct kvt_sim_result){ .recovered_ns = NEVER };
	if (config->sample_ns != 0)
		ret_result->points = g_array_new(FALSE, FALSE, sizeof(struct kvt_sim_point));
	set_up(&m);
	kvt_load_start(&walk, config->load, config->load_ns, config->seed);
	run_load(&m, &walk);
	ret_result->elapsed_ns = m.now_ns;
	ret_result->drift_ns = drift_ns(&m);
	ret_result->counts = m.ticks->counts;
	ret_result->owed = kvt_ticks_backlog(m.ticks);
	ret_result->invented = m.invented;
}
