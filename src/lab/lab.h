/* SPDX-License-Identifier: BSD-2-Clause */
/* The experiments: one table, and running a set of them. */
#ifndef KVT_LAB_LAB_H
#define KVT_LAB_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "lab/result.h"
#include "lab/vm.h"
#include "vmdef/model.h"

/* What the self-test found out about this machine; every bound and limit comes from it. */
struct lab_machine {
	char *backend;     /* kvm_intel, kvm_amd, kvm_pvm, or "built in" */
	char *clocksource; /* of this host */
	double loop_ips;   /* guest instructions a second in a two-instruction loop */
	double read_ns;    /* one clock reading in the guest */
	double exit_ns;    /* one OUT to the VMM and back */
	double create_ns;  /* VM and vCPU */
	bool in_service;   /* an interrupt in service is visible in the local APIC */
	bool tsc_write;    /* a TSC written by the VMM takes effect */
	bool tsc_offset;   /* so does the TSC offset attribute */
	bool host_page;    /* the host can read the guest's page by its own TSC */
	int tsc_khz;       /* as KVM says */
	double tsc_khz_measured;
	uint32_t clock_flags; /* KVM_CLOCK_* that KVM_GET_CLOCK can answer with */
	unsigned int cpus;
};

struct lab_context {
	struct lab_machine machine;
	bool longer;      /* more of everything */
	bool busy;        /* the guest computes between ticks */
	unsigned int hz;  /* of the tick experiment; 0 = 250 */
	int64_t stop_ns;  /* of the tick experiment; 0 = 500 ms */
	const char *only; /* comma-separated part of an experiment, e.g. a device and policy; NULL =
			     all */
	const struct kvt_vm *vm; /* what the QEMU experiment tries; NULL = lab_qemu_example() */
	void (*progress)(const char *what);
};

struct lab_experiment {
	const char *name;
	const char *question;
	bool by_default;
	unsigned int short_s; /* about how long it takes */
	unsigned int long_s;
	bool (*run)(struct lab_context *context, struct lab_result *result, GError **error);
};

extern const struct lab_experiment lab_experiments[]; /* ends with name = NULL */

/**
 * lab_selftest() - what this machine's KVM is, measured
 * @machine: out; its strings are owned by it
 *
 * Return: false with @error if no VM runs here.
 */
bool lab_selftest(struct lab_machine *machine, GError **error);
void lab_machine_clear(struct lab_machine *machine);

const struct lab_experiment *lab_experiment_find(const char *name);

/** lab_experiment_run() - never NULL; a failure is in the result's state and reason */
struct lab_result *lab_experiment_run(const struct lab_experiment *experiment,
				      struct lab_context *context);

/* the experiments, one file each */
bool lab_clock_run(struct lab_context *context, struct lab_result *result, GError **error);
bool lab_pause_run(struct lab_context *context, struct lab_result *result, GError **error);
bool lab_steal_run(struct lab_context *context, struct lab_result *result, GError **error);
bool lab_timers_run(struct lab_context *context, struct lab_result *result, GError **error);
bool lab_migrate_run(struct lab_context *context, struct lab_result *result, GError **error);
bool lab_qemu_run_experiment(struct lab_context *context, struct lab_result *result,
			     GError **error);
bool lab_ticks_run(struct lab_context *context, struct lab_result *result, GError **error);

/** lab_qemu_example() - the definition that is tried where none is given: driftfix=slew; owned */
struct kvt_vm *lab_qemu_example(void);

/** lab_clock_vm() - a VM whose first vCPU has its clock registered and has made one sample */
struct lab_vm *lab_clock_vm(unsigned int vcpus, GError **error);

#endif
