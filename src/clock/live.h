/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that this machine's time pages say at one moment. */
#ifndef KVT_CLOCK_LIVE_H
#define KVT_CLOCK_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "clock/page.h"
#include "clock/record.h"
#include "sys/calls.h"
#include "sys/ptp.h"
#include "sys/root.h"
#include "sys/timepages.h"

struct kvt_live_clock {
	const char *name; /* "CLOCK_MONOTONIC" */
	const char *meaning;
	int error; /* 0, or -KVT_E_x and no pair */
	struct kvt_clock_pair pair;
};

/* MONOTONIC, MONOTONIC_RAW, BOOTTIME */
#define KVT_LIVE_CLOCKS 3
#define KVT_LIVE_RAW    1

struct kvt_live_vcpu {
	unsigned vcpu;
	struct pvclock_vcpu_time_info ti;
};

struct kvt_live {
	const struct kvt_root *root;
	const struct kvt_calls *calls;
	/* what does not change from one look to the next */
	char hypervisor[13]; /* signature by CPUID, "" without one */
	bool features_known;
	struct kvt_guest_features features; /* if known */
	uint64_t kernel_khz;                /* 0 = not known */
	uint64_t khz;                       /* the kernel's, or what was stated; 0 = not known */
	const char *khz_source;
	struct kvt_pvclock_page page;
	/* what does */
	char *clocksource;          /* NULL = not known */
	char **clocksources;        /* NULL = not known */
	GArray *vcpus;              /* of struct kvt_live_vcpu; empty unless a page was found */
	int error;                  /* vCPU 0's record: 0 or -KVT_E_x */
	int value_clock;            /* which of clocks gave the narrowest window; -1 = none */
	struct kvt_record *pvclock; /* NULL unless found */
	struct kvt_live_clock clocks[KVT_LIVE_CLOCKS]; /* if pvclock */
	GPtrArray *vmclocks;                           /* of struct kvt_vmclock_device */
	GPtrArray *vmclock_records; /* of struct kvt_record or NULL, in step with vmclocks */
	GPtrArray *phcs;            /* of struct kvt_phc */
	unsigned refused;           /* things that only a privileged user could have read */
};

/**
 * kvt_live_open() - find what there is
 * @root, @calls: the machine; borrowed as long as the answer
 * @khz:          the TSC's rate as the user states it; 0 = take the kernel's
 *
 * Return: owned; kvt_live_look() fills the rest.
 */
struct kvt_live *kvt_live_open(const struct kvt_root *root, const struct kvt_calls *calls,
			       uint64_t khz);

/** kvt_live_look() - read everything anew; what an earlier look gave is freed */
void kvt_live_look(struct kvt_live *live);

void kvt_live_free(struct kvt_live *live);

typedef struct kvt_live kvt_live; /* for g_autoptr(kvt_live) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_live, kvt_live_free)

/** kvt_live_complete() - false if something that is there could not be read */
bool kvt_live_complete(const struct kvt_live *live);

/** kvt_live_refused() - true if no page, region or PHC could be read, and one was refused */
bool kvt_live_refused(const struct kvt_live *live);

/** kvt_live_in_step() - all vCPUs' records are the same but for their versions */
bool kvt_live_in_step(const struct kvt_live *live);

#endif
