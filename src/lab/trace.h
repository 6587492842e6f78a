/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host kernel does to its guests' clocks: KVM's trace events, in a trace instance of our
 * own that goes away with us. Nothing is mounted where others see it.
 */
#ifndef KVT_LAB_TRACE_H
#define KVT_LAB_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum lab_trace_kind {
	LAB_TRACE_PAGE,         /* a vCPU's clock page was rewritten */
	LAB_TRACE_MASTER_CLOCK, /* the master clock was decided on anew */
	LAB_TRACE_TRACK_TSC,    /* TSCs of a VM's vCPUs were compared */
	LAB_TRACE_TSC_OFFSET,   /* a vCPU's TSC offset was written */
	LAB_TRACE_KINDS
};

struct lab_trace_event {
	enum lab_trace_kind kind;
	int thread;        /* of the vCPU, or of whoever asked */
	char task[16];     /* its name */
	double time_s;     /* CLOCK_MONOTONIC */
	int vcpu;          /* -1 = the event does not say */
	bool master_clock; /* MASTER_CLOCK, TRACK_TSC */
	bool matched;      /* MASTER_CLOCK: the vCPUs' offsets match */
	char host_clock[16];
	uint8_t flags;         /* PAGE */
	uint32_t version;      /* PAGE */
	int64_t offset_cycles; /* TSC_OFFSET: the new one */
};

struct lab_trace;

/**
 * lab_trace_open() - start to record
 * @pid: only this process, its threads and children; 0 = every VM of the host
 * @error: KVT_STATUS_REFUSED: no permission (root, and no lockdown), or the kernel has no tracefs
 *
 * Return: owned, or NULL.
 */
struct lab_trace *lab_trace_open(int pid, GError **error);

/**
 * lab_trace_open_file() - events that were recorded: a copy of tracefs' "trace" or "trace_pipe"
 * @path:  "-" = standard input
 * @error: KVT_STATUS_BAD_INPUT: it cannot be read
 */
struct lab_trace *lab_trace_open_file(const char *path, GError **error);

/** lab_trace_is_over() - true at the end of a recording */
bool lab_trace_is_over(const struct lab_trace *trace);
void lab_trace_free(struct lab_trace *trace);

/** lab_trace_next() - an event, waiting at most @timeout_ms; false if none came */
bool lab_trace_next(struct lab_trace *trace, int timeout_ms, struct lab_trace_event *ret_event);

/** lab_trace_parse() - one line of the trace; false if it is another event or is torn */
bool lab_trace_parse(const char *line, struct lab_trace_event *ret_event);

/* A process that holds a VM open. */
struct lab_vm_process {
	int pid;
	unsigned int vms;
	unsigned int vcpus;
	char *name;      /* QEMU's -name, or the program's */
	const char *pit; /* "reinjected", "not reinjected", or NULL: not a QEMU */
};

/** lab_vm_processes() - every one that we may look into; of struct lab_vm_process */
GPtrArray *lab_vm_processes(unsigned int *ret_hidden);

/** lab_vm_tsc_offsets() - "vcpu0 -123, vcpu1 -123" by debugfs, or NULL if it may not be read; owned
 */
char *lab_vm_tsc_offsets(int pid);

/** lab_thread_process() - the process that a thread belongs to, or @thread itself if it is gone */
int lab_thread_process(int thread);

#endif
