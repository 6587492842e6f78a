/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a lost tick policy does to a guest's clock: the devices of src/devices under simulated
 * time, a virtual CPU that is not always there, and a guest that counts.
 */
#ifndef KVT_SIM_SIM_H
#define KVT_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <kvmtime/devices/ticks.h>

#include "sim/load.h"

enum kvt_sim_device { KVT_SIM_PIT, KVT_SIM_RTC, KVT_SIM_HPET, KVT_SIM_LAPIC };

enum kvt_sim_counter { KVT_SIM_TSC, KVT_SIM_KVM_CLOCK };

/* One list of the kinds of guest. */
struct kvt_sim_guest {
	const char *name;
	const char *summary;
	enum kvt_sim_device device;
	uint32_t divisor;  /* of the PIT, or clocks of the RTC or HPET a tick */
	bool counts_ticks; /* else its time is a counter's and ticks only wake it */
	bool detects_lost; /* adds ticks that it finds missing by its counter */
	enum kvt_sim_counter counter;
};

extern const struct kvt_sim_guest kvt_sim_guests[]; /* ends with name = NULL */
const struct kvt_sim_guest *kvt_sim_guest(const char *name);
const char *kvt_sim_policy_name(unsigned policy);
/** kvt_sim_policy() - number of a policy's name, or -1 */
int kvt_sim_policy(const char *name);

struct kvt_sim_config {
	const struct kvt_sim_guest *guest;
	const struct kvt_load *load;
	struct kvt_ticks_config ticks;
	uint64_t load_ns;   /* the load lasts this long */
	uint64_t settle_ns; /* and then the vCPU always runs for this long */
	uint64_t sample_ns; /* a point of the drift's curve; 0 = none */
	uint64_t seed;
	bool step_all; /* no closed form over quiet stretches */
};

struct kvt_sim_point {
	uint64_t at_ns;
	int64_t drift_ns; /* positive = guest ahead of true time */
};

struct kvt_sim_result {
	int64_t drift_ns;        /* at the end; positive = guest ahead of true time */
	int64_t worst_behind_ns; /* 0 or more */
	int64_t worst_ahead_ns;  /* 0 or more */
	uint64_t elapsed_ns;     /* simulated */
	uint64_t stolen_ns;      /* of that the vCPU did not run */
	uint64_t
		recovered_ns; /* after the load, until within a tick for good; UINT64_MAX = never */
	uint64_t worst_late_ns; /* from a tick's injection to its handler */
	uint64_t burst;         /* most ticks in a row closer than half a period */
	double extra_per_s;     /* most ticks above the rate in any second, 1/s */
	struct kvt_ticks_counts counts;
	uint64_t owed;
	uint64_t invented; /* ticks that the guest added on its own */
	GArray *points;    /* struct kvt_sim_point; or NULL */
};

/** kvt_sim_run() - one scenario; @ret_result is filled, its points are owned by the caller */
void kvt_sim_run(const struct kvt_sim_config *config, struct kvt_sim_result *ret_result);

#endif
