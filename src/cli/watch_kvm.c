/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/watch_kvm.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <kvmtime/abi/pvclock.h>

#include "cli/json.h"
#include "cli/text.h"
#include "lab/host.h"
#include "lab/trace.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

struct view {
	const struct kvt_common *common;
	GHashTable *stable;            /* "PID/vCPU" -> 1 + last state of the stable bit */
	GHashTable *names;             /* PID -> name */
	struct lab_trace_event master; /* the last decision on a master clock */
	bool recorded;                 /* another time, another machine: processes are not asked */
	bool lost;
};

/* Which VM an event is of: its process, or, of a recording, its thread. */
static int owner_of(struct view *view, const struct lab_trace_event *event)
{
	const gpointer key = GINT_TO_POINTER(event->thread);

	if (!view->recorded)
		return lab_thread_process(event->thread);
	if (g_hash_table_lookup(view->names, key) == NULL) {
		g_autofree char *task = kvt_text_printable(event->task);

		g_hash_table_insert(view->names, key,
				    g_strdup_printf("%s-%d", task, event->thread));
	}
	return event->thread;
}

static const char *name_of(struct view *view, int pid)
{
	const char *name = g_hash_table_lookup(view->names, GINT_TO_POINTER(pid));
	g_autoptr(GPtrArray) processes = NULL;
	unsigned int hidden;

	if (name != NULL)
		return name;
	if (view->recorded)
		return "?";
	processes = lab_vm_processes(&hidden);
	for (guint i = 0; i < processes->len; i++) {
		const struct lab_vm_process *process = processes->pdata[i];

		g_hash_table_insert(view->names, GINT_TO_POINTER(process->pid),
				    kvt_text_printable(process->name));
	}
	name = g_hash_table_lookup(view->names, GINT_TO_POINTER(pid));
	return name != NULL ? name : "?";
}

/* When it happened, not when it is told; a recording knows only its own clock. */
static char *time_of(const struct view *view, const struct lab_trace_event *event)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autoptr(GDateTime) then = NULL;

	if (view->recorded)
		return g_strdup_printf("%.6f", event->time_s);
	then = g_date_time_add_seconds(now, event != NULL ? event->time_s - (double)lab_mono() / 1e9
							  : 0);
	return g_date_time_format(then, "%H:%M:%S.%f");
}

static void emit(struct view *view, const char *what, const struct lab_trace_event *event, int pid,
		 const char *text)
{
	if (view->common->quiet)
		return;
	if (view->common->json) {
		JsonBuilder *builder = kvt_json_begin("kvmtime.watch-kvm/1", "this host", true);

		kvt_json_string(builder, "event", what);
		kvt_json_int(builder, "pid", pid);
		kvt_json_string(builder, "vm", name_of(view, pid));
		kvt_json_int(builder, "vcpu", event != NULL ? event->vcpu : -1);
		kvt_json_double(builder, "monotonic_s", event != NULL ? event->time_s : 0);
		kvt_json_string(builder, "text", text);
		kvt_json_end(builder, false);
	} else {
		g_autofree char *when = time_of(view, event);

		printf("%s  %-20s %s\n", when, name_of(view, pid), text);
	}
	fflush(stdout);
}

static void show_vms(struct view *view)
{
	unsigned int hidden;
	g_autoptr(GPtrArray) processes = lab_vm_processes(&hidden);

	for (guint i = 0; i < processes->len; i++) {
		const struct lab_vm_process *process = processes->pdata[i];
		g_autofree char *offsets = lab_vm_tsc_offsets(process->pid);
		g_autofree char *text = g_strdup_printf(
			"pid %d, %u vCPUs, TSC offset %s%s%s", process->pid, process->vcpus,
			offsets != NULL ? offsets : "unknown", process->pit != NULL ? ", PIT " : "",
			process->pit != NULL ? process->pit : "");

		emit(view, "vm", NULL, process->pid, text);
	}
	if (processes->len == 0 && !view->common->json && !view->common->quiet)
		printf("no VM runs here now%s\n", hidden > 0 ? ", as far as may be seen" : "");
}

/* KVM decides on the master clock first, and writes the pages then, on the same thread. */
static const char *reason(const struct view *view, const struct lab_trace_event *event)
{
	const struct lab_trace_event *master = &view->master;

	if (master->thread != event->thread || master->master_clock ||
	    event->time_s - master->time_s > 0.1)
		return "";
	if (!g_str_equal(master->host_clock, "tsc"))
		return ": the host's clock source is not tsc";
	return master->matched
		       ? ": the guest took kvm-clock's old register, or its TSC is not trusted"
		       : ": the TSC offsets of its vCPUs do not match";
}

/* Only a change is news: KVM rewrites pages for many reasons. */
static void on_page(struct view *view, const struct lab_trace_event *event, int pid)
{
	g_autofree char *key = g_strdup_printf("%d/%d", pid, event->vcpu);
	const int before = GPOINTER_TO_INT(g_hash_table_lookup(view->stable, key));
	const int now = 1 + ((event->flags & PVCLOCK_TSC_STABLE_BIT) != 0);
	g_autofree char *text = NULL;

	if (before == now)
		return;
	g_hash_table_insert(view->stable, g_strdup(key), GINT_TO_POINTER(now));
	if (before == 0)
		text = g_strdup_printf("vCPU %d: clock page written, stable bit %s", event->vcpu,
				       now == 2 ? "set" : "clear");
	else
		text = g_strdup_printf("vCPU %d %s the stable bit%s", event->vcpu,
				       now == 2 ? "got back" : "LOST",
				       now == 2 ? "" : reason(view, event));
	view->lost = view->lost || (before == 2 && now == 1);
	emit(view, before != 0 && now == 1 ? "stable-lost" : "page", event, pid, text);
}

static void on_event(struct view *view, const struct lab_trace_event *event)
{
	const int pid = owner_of(view, event);
	g_autofree char *text = NULL;

	switch (event->kind) {
	case LAB_TRACE_PAGE:
		on_page(view, event, pid);
		return;
	case LAB_TRACE_MASTER_CLOCK:
		view->master = *event;
		/* the kernel has words for none and tsc, and numbers for what no guest can use */
		text = g_strdup_printf(
			"master clock %s (host clock %s, TSC offsets %s)",
			event->master_clock ? "on" : "OFF",
			g_str_has_prefix(event->host_clock, "0x") ? "not tsc" : event->host_clock,
			event->matched ? "match" : "do not match");
		emit(view, "master-clock", event, pid, text);
		return;
	case LAB_TRACE_TRACK_TSC:
		return; /* says nothing that the next two do not */
	case LAB_TRACE_TSC_OFFSET:
		text = g_strdup_printf("vCPU %d: TSC offset written: %" G_GINT64_FORMAT " cycles",
				       event->vcpu, event->offset_cycles);
		emit(view, "tsc-offset", event, pid, text);
		return;
	case LAB_TRACE_KINDS:
		return;
	}
}

static void follow(struct view *view, struct lab_trace *trace, double limit_s)
{
	const int64_t end_ns = limit_s > 0 ? lab_mono() + (int64_t)(limit_s * 1e9) : INT64_MAX;
	struct lab_trace_event event;

	while (!stop && !lab_trace_is_over(trace) && (view->recorded || lab_mono() < end_ns))
		if (lab_trace_next(trace, 200, &event))
			on_event(view, &event);
}

int kvt_watch_kvm(const struct kvt_common *common, const char *recording, double limit_s)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct view view = { .common = common, .recorded = recording != NULL };
	GError *error = NULL;
	struct lab_trace *trace = recording != NULL ? lab_trace_open_file(recording, &error)
						    : lab_trace_open(0, &error);

	if (trace == NULL)
		return kvt_fail("watch", error);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	view.stable = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	view.names = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	if (!view.recorded)
		show_vms(&view);
	follow(&view, trace, limit_s);
	lab_trace_free(trace);
	g_hash_table_unref(view.stable);
	g_hash_table_unref(view.names);
	return view.lost ? KVT_STATUS_FOUND : KVT_STATUS_OK;
}
