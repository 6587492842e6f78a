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
	GHashTable *stable; /* "PID/vCPU" -> 1 + last state of the stable bit */
	GHashTable *names;  /* PID -> name */
	bool lost;
};

static const char *name_of(struct view *view, int pid)
{
	const char *name = g_hash_table_lookup(view->names, GINT_TO_POINTER(pid));
	g_autoptr(GPtrArray) processes = NULL;
	unsigned int hidden;

	if (name != NULL)
		return name;
	processes = lab_vm_processes(&hidden);
	for (guint i = 0; i < processes->len; i++) {
		const struct lab_vm_process *process = processes->pdata[i];

		g_hash_table_insert(view->names, GINT_TO_POINTER(process->pid),
				    kvt_text_printable(process->name));
	}
	name = g_hash_table_lookup(view->names, GINT_TO_POINTER(pid));
	return name != NULL ? name : "?";
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
		g_autoptr(GDateTime) now = g_date_time_new_now_local();
		g_autofree char *clock = g_date_time_format(now, "%H:%M:%S");

		printf("%s  %-20s %s\n", clock, name_of(view, pid), text);
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
		text = g_strdup_printf("vCPU %d %s the stable bit", event->vcpu,
				       now == 2 ? "got back" : "LOST");
	view->lost = view->lost || (before == 2 && now == 1);
	emit(view, before != 0 && now == 1 ? "stable-lost" : "page", event, pid, text);
}

static void on_event(struct view *view, const struct lab_trace_event *event)
{
	const int pid = lab_thread_process(event->thread);
	g_autofree char *text = NULL;

	switch (event->kind) {
	case LAB_TRACE_PAGE:
		on_page(view, event, pid);
		return;
	case LAB_TRACE_MASTER_CLOCK:
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

int kvt_watch_kvm(const struct kvt_common *common, double limit_s)
{
	const int64_t end_ns = limit_s > 0 ? lab_mono() + (int64_t)(limit_s * 1e9) : INT64_MAX;
	struct sigaction action = { .sa_handler = on_signal };
	struct view view = { .common = common };
	struct lab_trace_event event;
	GError *error = NULL;
	struct lab_trace *trace = lab_trace_open(0, &error);

	if (trace == NULL)
		return kvt_fail("watch", error);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	view.stable = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	view.names = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	show_vms(&view);
	while (!stop && lab_mono() < end_ns)
		if (lab_trace_next(trace, 200, &event))
			on_event(&view, &event);
	lab_trace_free(trace);
	g_hash_table_unref(view.stable);
	g_hash_table_unref(view.names);
	return view.lost ? KVT_STATUS_FOUND : KVT_STATUS_OK;
}
