/* SPDX-License-Identifier: BSD-2-Clause */
/* When the virtual CPU runs and when it does not. */
#ifndef KVT_SIM_LOAD_H
#define KVT_SIM_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum kvt_load_kind { KVT_LOAD_NONE, KVT_LOAD_STEAL, KVT_LOAD_ONOFF, KVT_LOAD_STOP, KVT_LOAD_TRACE };

/*
 * Why the whole VM stands; the clocks around it differ in what they do meanwhile.
 *
 *            PIT, HPET, APIC   RTC       backlog            TSC      kvm-clock
 * pause      go on             goes on   kept               goes on  goes on
 * migration  stand             goes on   kept, but the PIT's  stands   stands
 * sleep      stand             goes on   kept               stands   goes on
 *
 * pause: the VMM's process stands (SIGSTOP, stalled storage); the timers of its host go on.
 * migration, also save and restore: QEMU's devices go by QEMU_CLOCK_VIRTUAL, which is saved, the
 * RTC by the host's wall clock (-rtc clock=host), its backlog in its saved state; struct
 *   kvm_pit_state2 has none. The TSC and KVM_SET_CLOCK get the values that were saved.
 * sleep: of the host. Timers go by CLOCK_MONOTONIC, which stands; KVM lets a guest's TSC go on from
 *   where it was, and kvm-clock by the host's boot time, which counts the sleep.
 */
enum kvt_load_stop { KVT_STOP_NONE, KVT_STOP_PAUSE, KVT_STOP_MIGRATION, KVT_STOP_SLEEP };

/*
 * One of these, and, after a "+", one pause, migration or sleep: "steal:30+migration:1".
 *
 * none              always runs
 * steal:P           P % of the time in intervals of random length, 20 ms stolen on average
 * onoff:RUN,OFF     runs RUN ms, stands OFF ms, and so on (overcommit:N = onoff:30,30*(N-1))
 * pause:S           stands once for S s, after a tenth of the time; also migration:S, sleep:S
 * trace:FILE        a line an interval: ns that it ran, ns that were stolen
 * schedstat:FILE    samples of its thread's schedstat; see recording.h
 * sched:TID:FILE    the scheduler's trace events of its thread
 */
struct kvt_load {
	enum kvt_load_kind kind;
	enum kvt_load_stop stop;
	uint64_t stop_ns;
	char *text; /* as it was given; owned */
	double percent;
	uint64_t run_ns, off_ns;
	GArray *trace; /* uint64_t, run and off in turn; or NULL */
};

/**
 * kvt_load_parse() - a load from its text; see above
 *
 * Return: owned; NULL with @error: KVT_STATUS_BAD_INPUT for a recording, else KVT_STATUS_USAGE.
 */
struct kvt_load *kvt_load_parse(const char *text, GError **error);
void kvt_load_free(struct kvt_load *load);

/* Walks over the intervals of a load. */
struct kvt_load_walk {
	const struct kvt_load *load;
	uint64_t until_ns; /* the load ends here: afterwards the vCPU always runs */
	uint64_t random;
	uint64_t next_ns; /* end of this interval */
	guint at;
	bool runs;
};

void kvt_load_start(struct kvt_load_walk *walk, const struct kvt_load *load, uint64_t until_ns,
		    uint64_t seed);
/** kvt_load_stand() - the whole VM stands for @ns: what is left of the load comes so much later */
void kvt_load_stand(struct kvt_load_walk *walk, uint64_t ns);
/** kvt_load_step() - go to the interval that begins at walk->next_ns; UINT64_MAX = the last one */
void kvt_load_step(struct kvt_load_walk *walk);

#endif
