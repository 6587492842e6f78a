/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/vm_options.h"
#include "cli/watch_kvm.h"
#include "cli/watch_plot.h"
#include "guests/host.h"
#include "guests/watch.h"

static volatile int stop;

struct view {
	const struct kvt_common *common;
	int64_t limit_ns;
	int name_width;
	unsigned round; /* whose host line has been printed */
	bool found, unknown;
	GHashTable *told; /* guests whose steps have been printed */
};

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static bool is_over(const struct view *view, const struct kvt_offset *offset)
{
	return fabs((double)offset->offset_ns) - (double)offset->bound_ns > (double)view->limit_ns;
}

static void json_change(JsonBuilder *b, const struct kvt_watch_change *change)
{
	if (change->steal_known)
		kvt_json_double(b, "steal", change->steal);
	if (change->since_ns == 0)
		return;
	json_builder_set_member_name(b, "change");
	json_builder_begin_object(b);
	kvt_json_i64(b, "since_ns", change->since_ns);
	kvt_json_i64(b, "moved_ns", change->moved_ns);
	kvt_json_i64(b, "host_set_ns", change->host_ns);
	kvt_json_bool(b, "paused", change->paused);
	json_builder_end_object(b);
}

static void print_json(const struct kvt_watch_line *line, bool complete)
{
	JsonBuilder *builder = kvt_json_begin("kvmtime.watch/1", line->guest->name, complete);
	struct kvt_host_state host;

	kvt_host_read(&host);
	kvt_vm_json_guest(builder, line->guest);
	kvt_json_int(builder, "round", line->round);
	kvt_json_string(builder, "status", kvt_reach_word(line->reach));
	kvt_vm_json_offset(builder, "offset", line->reach == KVT_REACH_OK ? &line->offset : NULL);
	kvt_json_string(builder, "path", line->path);
	kvt_json_string(builder, "message", line->words);
	kvt_json_int(builder, "took_us", line->took_us);
	json_change(builder, &line->change);
	json_builder_set_member_name(builder, "host");
	json_builder_begin_object(builder);
	kvt_json_bool(builder, "synchronised", host.synchronised);
	kvt_json_i64(builder, "max_error_ns", host.max_error_ns);
	kvt_json_double(builder, "frequency_ppm", host.frequency_ppm);
	json_builder_end_object(builder);
	kvt_json_end(builder, false);
	fflush(stdout);
}

static char *clock_text(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();

	return g_date_time_format(now, "%H:%M:%S");
}

static void print_host(void)
{
	struct kvt_host_state host;
	g_autofree char *error = NULL;

	kvt_host_read(&host);
	error = kvt_text_ns((double)host.max_error_ns, false);
	if (host.synchronised)
		printf("The host's clock is synchronised, within %s (adjtimex).\n", error);
	else
		printf("Nothing keeps the host's own clock (adjtimex: not synchronised): a guest that "
		       "agrees with it can be wrong.\n");
}

/* how to get an agent, once a guest */
static void print_steps(struct view *view, const struct kvt_guest *guest)
{
	g_autofree char *text = NULL;

	if (guest->steps == NULL || !g_hash_table_add(view->told, (gpointer)(uintptr_t)guest))
		return;
	text = g_strdup_printf("to have an agent: %s", guest->steps);
	kvt_text_wrap(10, text);
}

/* What happened since the last time, below the line; a guest that loses time has stood still. */
static void print_change(const struct kvt_watch_change *change)
{
	g_autofree char *since = kvt_text_ns((double)change->since_ns, false);
	g_autofree char *moved = kvt_text_ns(fabs((double)change->moved_ns), false);
	g_autofree char *host = kvt_text_ns((double)change->host_ns, true);
	const bool lost = change->moved_ns < 0 && -change->moved_ns <= change->since_ns;

	if (change->host_ns != 0)
		printf("          the host's own clock was set by %s in these %s\n", host, since);
	if (change->moved)
		printf("          it %s %s in these %s%s\n",
		       change->moved_ns < 0 ? "lost" : "gained", moved, since,
		       change->paused ? ": it was seen paused"
		       : lost         ? ": it stood still, or was set or slewed back"
				      : ": its clock was set or slewed");
}

static void print_text(struct view *view, const struct kvt_watch_line *line)
{
	g_autofree char *now = clock_text(), *name = kvt_text_printable(line->guest->name);

	printf("%s  %-*s  ", now, view->name_width, name);
	if (line->reach == KVT_REACH_OK) {
		g_autofree char *offset = kvt_text_offset((double)line->offset.offset_ns,
							  (double)line->offset.bound_ns);
		g_autofree char *delay = kvt_text_ns((double)line->offset.delay_ns, false);
		g_autofree char *painted =
			kvt_text_paint(is_over(view, &line->offset) ? KVT_RED : KVT_PLAIN, offset);

		g_autofree char *steal =
			line->change.steal_known
				? g_strdup_printf("  steal %.1f %%", line->change.steal * 100)
				: g_strdup("");

		printf("%s%*s  delay %-8s %s%s%s\n", painted,
		       (int)MAX(0, 34 - g_utf8_strlen(offset, -1)), "", delay, line->path, steal,
		       line->offset.host_stepped ? "; the host's clock was set meanwhile" : "");
		print_change(&line->change);
	} else {
		g_autofree char *words = kvt_text_printable(line->words != NULL ? line->words : "");
		g_autofree char *status = kvt_text_paint(KVT_YELLOW, kvt_reach_word(line->reach));

		printf("unknown: %s  %s\n", status, words);
		if (line->reach == KVT_REACH_NO_AGENT)
			print_steps(view, line->guest);
	}
	fflush(stdout);
}

static void print_line(const struct kvt_watch_line *line, void *data)
{
	struct view *view = data;

	if (line->reach == KVT_REACH_OK)
		view->found |= is_over(view, &line->offset);
	else
		view->unknown = true;
	if (view->common->json)
		print_json(line, line->reach == KVT_REACH_OK);
	else if (!view->common->quiet) {
		if (view->round == 0)
			print_host();
		view->round = line->round;
		print_text(view, line);
	}
}

static const char description[] =
	"Asks each guest's agent for the time, several times, and keeps the exchange with the\n"
	"smallest delay: the guest's offset from the host's clock is the value, half the delay the\n"
	"bound. Positive = guest ahead. A guest that cannot be asked has an unknown offset.\n\n"
	"  kvmtime watch --all                        every running guest, every 5 s\n"
	"  kvmtime watch --vm web1 --count 1          one guest, once\n"
	"  kvmtime watch --all --json >recording      JSON Lines, until interrupted\n"
	"  kvmtime watch --plot recording             draw it\n"
	"  kvmtime watch --kvm                        master clock, stable bits, TSC offsets: each change\n\n"
	"Exit status: 0 all within --limit, 1 a guest is not, 3 a guest could not be asked.";

struct watch_arguments {
	struct kvt_vm_options vm;
	double interval_s, limit_s;
	int count;
	char *plot, *output;
};

static bool check_arguments(const struct watch_arguments *a, int *ret_status)
{
	if (!(a->interval_s >= 0.01 && a->interval_s <= 86400))
		*ret_status = kvt_usage("watch", "--interval takes 0.01 .. 86400 s");
	else if (!(a->limit_s >= 0 && a->limit_s <= 1e9))
		*ret_status = kvt_usage("watch", "--limit takes 0 .. 1e9 s");
	else if (a->count < 0)
		*ret_status = kvt_usage("watch", "--count takes 0 (for ever) or more");
	else if (!kvt_vm_given(&a->vm))
		*ret_status =
			kvt_usage("watch", "name a guest: --vm NAME, --all or --agent SOCKET");
	else
		return true;
	return false;
}

static int watch(const struct watch_arguments *a, const struct kvt_common *common)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) guests = kvt_vm_find("watch", &a->vm, &error);
	g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
	struct view view = { .common = common,
			     .limit_ns = (int64_t)(a->limit_s * 1e9),
			     .name_width = 8,
			     .told = told };
	const double timeout_s = a->vm.timeout_s != 0 ? a->vm.timeout_s : 2;
	const struct kvt_watch_options options = {
		.rounds = (unsigned)a->count,
		.interval_us = (gint64)(a->interval_s * G_USEC_PER_SEC),
		.patience_us = (gint64)((3 * timeout_s + 2) * G_USEC_PER_SEC),
		.exchanges = a->vm.exchanges != 0 ? (unsigned)a->vm.exchanges : 8,
		.budget_us = 500000,
		.stop = &stop,
	};

	if (guests == NULL)
		return kvt_fail("watch", g_steal_pointer(&error));
	if (guests->len == 0) {
		fprintf(stderr, "kvmtime watch: no running guest found\n");
		return KVT_STATUS_REFUSED;
	}
	for (guint i = 0; i < guests->len; i++) {
		const struct kvt_guest *guest = guests->pdata[i];

		view.name_width =
			MAX(view.name_width, MIN(30, (int)g_utf8_strlen(guest->name, -1)));
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	kvt_watch_run(guests, &options, print_line, &view);
	return view.unknown ? KVT_STATUS_REFUSED : view.found ? KVT_STATUS_FOUND : KVT_STATUS_OK;
}

int cmd_watch(int argc, char **argv)
{
	struct watch_arguments a = { .interval_s = 5, .limit_s = 0.1 };
#ifdef __x86_64__
	gboolean kvm = FALSE;
	g_autofree char *trace = NULL;
#endif
	const GOptionEntry entries[] = {
		KVT_VM_ENTRIES(&a.vm),
		{ "exchanges", 0, 0, G_OPTION_ARG_INT, &a.vm.exchanges,
		  "Questions a measurement (8)", "N" },
		{ "interval", 0, 0, G_OPTION_ARG_DOUBLE, &a.interval_s, "Seconds a round (5)",
		  "S" },
		{ "count", 0, 0, G_OPTION_ARG_INT, &a.count, "Rounds; 0 = until interrupted", "N" },
		{ "limit", 0, 0, G_OPTION_ARG_DOUBLE, &a.limit_s,
		  "Seconds that a guest may be off (0.1)", "S" },
		{ "plot", 0, 0, G_OPTION_ARG_FILENAME, &a.plot,
		  "Draw a recording (needs gnuplot); - = standard input", "FILE" },
		{ "output", 0, 0, G_OPTION_ARG_FILENAME, &a.output,
		  "Draw to FILE.svg or FILE.png instead of the terminal", "FILE" },
#ifdef __x86_64__
		{ "kvm", 0, 0, G_OPTION_ARG_NONE, &kvm,
		  "What the host kernel does to all running VMs' clocks (root)", NULL },
		{ "trace", 0, 0, G_OPTION_ARG_FILENAME, &trace,
		  "With --kvm: a recorded trace instead of this host; - = standard input", "FILE" },
#endif
		G_OPTION_ENTRY_NULL
	};
	struct kvt_common common;
	int status;

	if (kvt_options_parse("watch", "[OPTION...]", description, entries, &common, &argc, &argv,
			      &status)) {
		if (argc > 1)
			status = kvt_usage("watch", "'%s': guests are named with --vm", argv[1]);
		else if (a.plot != NULL)
			status = kvt_watch_plot(a.plot, a.output);
#ifdef __x86_64__
		else if (trace != NULL && !kvm)
			status = kvt_usage("watch", "--trace goes with --kvm");
		else if (kvm)
			status = kvt_watch_kvm(&common, trace, a.count * a.interval_s);
#endif
		else if (check_arguments(&a, &status))
			status = watch(&a, &common);
	}
	kvt_vm_options_clear(&a.vm);
	g_free(a.plot);
	g_free(a.output);
	return status;
}
