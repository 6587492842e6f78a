/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lost tick policies: what to do about periodic interrupts that the guest could not take in time.
 * One engine for every periodic device here; it may also drive a timer that is not from here.
 *
 * A device says that ticks fell due, the engine says when to inject one, and the caller tells the
 * engine what became of it. The backlog is kept in clocks of the device, not in ticks, so that it
 * keeps its length in time when the guest changes the rate. No call takes longer for a larger
 * backlog.
 */
#ifndef KVMTIME_DEVICES_TICKS_H
#define KVMTIME_DEVICES_TICKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "Never", wherever a device says when it wants to run. */
#define KVT_NEVER UINT64_MAX

/*
 * The first four are libvirt's words (formatdomain, element timer, attribute tickpolicy). The
 * words of QEMU differ: its kvm-pit "delay" is KVT_TICK_REPLAY (KVM's reinjection), its
 * mc146818rtc "slew" is KVT_TICK_SLEW. A tick is missed if another one is waiting for the guest
 * when it falls due.
 *
 *   DELAY    one tick a period, at the normal rate; the guest stays behind by what it missed, and
 *            the backlog stays on the account (a change of policy can still send it)
 *   CATCHUP  faster than normal until nothing is owed; see the knobs
 *   MERGE    all the ticks that were missed become one
 *   DISCARD  missed ticks are dropped
 *   REPLAY   every missed tick, each as soon as the one before it is acknowledged
 *   SLEW     reinject on acknowledge, at most 20 a period, and by time in 2 .. 8 parts of a period
 */
enum kvt_tick_policy {
	KVT_TICK_DELAY = 0,
	KVT_TICK_CATCHUP = 1,
	KVT_TICK_MERGE = 2,
	KVT_TICK_DISCARD = 3,
	KVT_TICK_REPLAY = 4,
	KVT_TICK_SLEW = 5,
};
#define KVT_TICK_POLICIES 6

/*
 * How the caller learns that the guest took a tick.
 *   BY_ACK     it sees the acknowledge (EOI of the PIC, KVM's resamplefd, register C of the RTC)
 *              and calls kvt_ticks_ack(); until then no other tick is injected
 *   BY_STATUS  it only learns whether the edge was coalesced (KVM_IRQ_LINE_STATUS) and must call
 *              kvt_ticks_outcome() after each injection; a coalesced tick is tried again
 */
enum kvt_tick_feedback {
	KVT_TICK_BY_ACK = 0,
	KVT_TICK_BY_STATUS = 1,
};

/* What became of an injected tick; the three answers of KVM_IRQ_LINE_STATUS (1, 0, -1). */
enum kvt_tick_outcome {
	KVT_TICK_DELIVERED = 0,
	KVT_TICK_COALESCED = 1, /* the tick before it was still waiting: the guest sees one */
	KVT_TICK_MASKED = 2,    /* the guest has the line masked: nothing is owed any more */
};

/* All zero is a valid configuration: DELAY, BY_ACK. */
struct kvt_ticks_config {
	uint8_t policy;        /* enum kvt_tick_policy */
	uint8_t feedback;      /* enum kvt_tick_feedback */
	uint32_t slew_percent; /* CATCHUP: rate while catching up, % of normal, 101 .. ; 0 = 200 */
	uint64_t threshold_ns; /* CATCHUP: start when behind by at least this; 0 = one tick */
	uint64_t limit_ns;     /* CATCHUP, REPLAY, SLEW: never owe more than this; 0 = no limit */
	uint64_t retry_ns;     /* BY_STATUS: wait before a coalesced tick is tried again;
				  0 = 1/5 of a period */
};

/* Totals since kvt_ticks_reset(), in ticks. */
struct kvt_ticks_counts {
	uint64_t due;        /* fell due */
	uint64_t injected;   /* injected and not reported as coalesced or masked */
	uint64_t acked;      /* acknowledged */
	uint64_t coalesced;  /* reported as coalesced; injected again later or counted below */
	uint64_t merged;     /* one other tick stood for them */
	uint64_t dropped;    /* the guest will never see them */
	uint64_t reinjected; /* of @injected: sent later than in their own period */
};

/* The members are private, except that @counts may be read. Times are the owner's. */
struct kvt_ticks {
	struct kvt_ticks_config config;
	struct kvt_ticks_counts counts;
	uint64_t clock_hz;
	uint64_t period_clocks; /* 0 = stopped */
	uint64_t period_ns;
	uint64_t debt_clocks; /* due and not injected */
	uint64_t next_ns;     /* the pace allows no tick before */
	uint64_t retry_at_ns; /* nor a coalesced one */
	uint8_t in_flight;    /* injected, its fate unknown */
	uint8_t slot;         /* this period's own tick may go */
	uint8_t catching;     /* CATCHUP: over the threshold, until nothing is owed */
	uint8_t single;       /* an interrupt without a period waits */
	uint8_t fresh_ack;    /* SLEW: an acknowledge allows one tick at once */
	uint8_t ack_count;    /* SLEW: ticks sent on acknowledge in this period */
	uint8_t last_single;  /* what was injected last was the one without a period */
	uint8_t last_late;    /* it was counted as reinjected */
	uint8_t assumed;      /* kvt_ticks_assume_taken() */
};

/**
 * kvt_ticks_init() - an engine at rest
 * @ticks:    out
 * @config:   copied
 * @clock_hz: clock in which periods are given, Hz; not 0
 *
 * Return: 0, or
 *   -KVT_E_ARG  @clock_hz is 0, or a member of @config outside its range
 * Context: freestanding; the caller serialises calls on one engine (true of every call here).
 */
int kvt_ticks_init(struct kvt_ticks *ticks, const struct kvt_ticks_config *config,
		   uint64_t clock_hz);

/**
 * kvt_ticks_configure() - another policy or other knobs, with the backlog kept
 * @config: copied
 *
 * MERGE and DISCARD keep at most one waiting tick of the backlog and drop the rest.
 *
 * Return: 0, or
 *   -KVT_E_ARG  a member of @config is outside its range; nothing was changed
 */
int kvt_ticks_configure(struct kvt_ticks *ticks, const struct kvt_ticks_config *config);

/** kvt_ticks_reset() - back to kvt_ticks_init(): no period, no backlog, totals zero */
void kvt_ticks_reset(struct kvt_ticks *ticks);

/**
 * kvt_ticks_set_period() - the guest programmed a rate
 * @period_clocks: length of a period in clocks of the device; 0 = no periodic ticks any more,
 *                 which drops the backlog; longer than 2^63 is taken as 2^63
 * @now_ns:        time
 *
 * The backlog keeps its length in time: 16 missed ticks of 1024 Hz are one of 64 Hz.
 */
void kvt_ticks_set_period(struct kvt_ticks *ticks, uint64_t period_clocks, uint64_t now_ns);

/**
 * kvt_ticks_due() - periodic ticks fell due
 * @count:  how many since the last call; any number costs the same
 * @now_ns: time
 *
 * Nothing happens while no period is set. An amount of backlog above 2^63 clocks is dropped.
 */
void kvt_ticks_due(struct kvt_ticks *ticks, uint64_t count, uint64_t now_ns);

/** kvt_ticks_single() - an interrupt without a period (one-shot) fell due; at most one waits */
void kvt_ticks_single(struct kvt_ticks *ticks);

/**
 * kvt_ticks_take() - shall one tick be injected now?
 * @now_ns: time
 *
 * Return: true: the caller injects one edge now, and the engine counts on that;
 *         false: not now, see kvt_ticks_next_ns().
 */
bool kvt_ticks_take(struct kvt_ticks *ticks, uint64_t now_ns);

/**
 * kvt_ticks_outcome() - what became of the tick that kvt_ticks_take() gave last
 * @outcome: see there; DELIVERED need not be reported under BY_ACK
 * @now_ns:  time
 *
 * A report without a tick in flight is ignored.
 */
void kvt_ticks_outcome(struct kvt_ticks *ticks, enum kvt_tick_outcome outcome, uint64_t now_ns);

/** kvt_ticks_ack() - the guest has acknowledged; ignored if no tick is in flight */
void kvt_ticks_ack(struct kvt_ticks *ticks);

/**
 * kvt_ticks_drop() - forget the backlog
 *
 * For whoever has set the guest's clock: what it missed must not be corrected twice (QEMU's
 * command rtc-reset-reinjection).
 */
void kvt_ticks_drop(struct kvt_ticks *ticks);

/**
 * kvt_ticks_assume_taken() - for simulators: skip over a stretch in which the guest takes each tick
 * @assume: while true, a tick that falls due with nothing in flight and nothing to catch up is
 *          counted as injected and acknowledged in its own period, without being injected
 *
 * What follows is as if each had been taken one by one. Not part of a saved state.
 */
void kvt_ticks_assume_taken(struct kvt_ticks *ticks, bool assume);

/** kvt_ticks_backlog() - ticks that are due and not injected, at the present rate */
uint64_t kvt_ticks_backlog(const struct kvt_ticks *ticks);

/** kvt_ticks_behind_ns() - the backlog as a time, rounded down; saturates */
uint64_t kvt_ticks_behind_ns(const struct kvt_ticks *ticks);

/**
 * kvt_ticks_next_ns() - when kvt_ticks_take() will say yes without further news
 *
 * Return: a time in ns, which may be past (at once), or KVT_NEVER: only a tick that falls due, an
 * outcome or an acknowledge can change the answer.
 */
uint64_t kvt_ticks_next_ns(const struct kvt_ticks *ticks);

#ifdef __cplusplus
}
#endif

#endif
