/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime lab: boot micro-VMs on this host's own KVM and measure the time that it gives them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/lab_findings.h"
#include "cli/lab_report.h"
#include "cli/options.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/vm_options.h"
#include "lab/host.h"
#include "lab/ticks.h"
#include "lab/trace.h"
#include "sys/error.h"
#include "vmdef/facts.h"
#include "vmdef/load.h"

static const char description[] =
	"Experiments: clock, pause, steal, timers, migrate, ticks; without a name all of them, in under\n"
	"15 s on a host that is not busy; and by name only: qemu. They boot small VMs of their own; no\n"
	"running VM is touched. Findings are those of kvmtime check, with the numbers as evidence.\n"
	"\n"
	"Examples:\n"
	"  kvmtime lab                               a page, the verdict first\n"
	"  kvmtime lab -v clock migrate              every number with its bound\n"
	"  kvmtime lab ticks --case rtc_catchup --hz 1000 --stop 2000\n"
	"  kvmtime lab qemu                          QEMU's driftfix=slew behind PIC and IOAPIC\n"
	"  kvmtime lab qemu --vm web1                the clock of a running domain's definition\n"
	"  virsh dumpxml web1 | kvmtime lab qemu --domain -\n"
	"  kvmtime lab timers --plot late.svg        a chart\n"
	"  kvmtime lab --json >before; ...; kvmtime lab --baseline before\n"
	"\n"
	"Exit status: 0 nothing found, 1 findings or worse than the baseline, 2 usage, 3 no KVM here or\n"
	"not for you, 4 the baseline or the definition cannot be read.\n";

struct request {
	struct kvt_common common;
	struct lab_context context;
	gboolean longer, busy, list;
	int nice, hz, stop_ms;
	char *baseline, *plot, *only, *domain;
	struct kvt_vm_options vms; /* a running domain's name and connection */
	const struct kvt_rules *rules;
	struct kvt_vm *vm;       /* what "qemu" tries; NULL = its example */
	struct kvt_facts *facts; /* of this host and of that definition */
};

static void progress(const char *what)
{
	g_autofree char *line = g_strdup_printf("lab: %s ...", what);

	kvt_text_progress(line);
}

static void list(void)
{
	for (const struct lab_experiment *e = lab_experiments; e->name != NULL; e++)
		printf("%-8s %s%s\n", e->name, e->question,
		       e->by_default ? "" : "  (by name only)");
	printf("\npairs of device and policy for ticks --case:\n");
	for (const struct lab_tick_case *c = lab_tick_cases; c->name != NULL; c++)
		printf("  %-17s %s%s\n", c->name, c->title,
		       c->by_default ? "" : "  (by name only)");
}

static bool chosen(const struct lab_experiment *experiment, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (g_str_equal(names[i], experiment->name))
			return true;
	return count == 0 && experiment->by_default;
}

static bool names_are_known(int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (lab_experiment_find(names[i]) == NULL) {
			kvt_usage("lab", "no experiment '%s'; kvmtime lab --list", names[i]);
			return false;
		}
	return true;
}

static void announce(const struct request *request, int count, char **names)
{
	unsigned int seconds = 1; /* the self-test */

	for (const struct lab_experiment *e = lab_experiments; e->name != NULL; e++)
		if (chosen(e, count, names))
			seconds += request->longer ? e->long_s : e->short_s;
	if (!request->common.quiet)
		fprintf(stderr,
			"kvmtime lab: up to %u of %u CPUs for about %u s at nice %d; boots VMs of its own and "
			"touches no running one\n",
			MIN(2u, lab_cpus()), lab_cpus(), seconds, request->nice);
}

static bool is_found(const struct kvt_judgement *judgement)
{
	for (int s = KVT_LOW; s <= KVT_CRITICAL; s++)
		if (judgement->by_severity[s] > 0)
			return true;
	return false;
}

static int finish(struct request *request, struct lab_report *report)
{
	g_autoptr(GPtrArray) worse = NULL;
	GError *error = NULL;
	int status = is_found(report->judgement) ? KVT_STATUS_FOUND : KVT_STATUS_OK;

	if (request->baseline != NULL &&
	    !lab_report_compare(report, request->baseline, &worse, &error))
		return kvt_fail("lab", error);
	if (worse != NULL)
		status = worse->len > 0 ? KVT_STATUS_FOUND : KVT_STATUS_OK;
	if (request->common.json) {
		JsonBuilder *builder = kvt_json_begin("kvmtime.lab/1", "this machine", true);

		lab_report_json(builder, report);
		if (worse != NULL) {
			json_builder_set_member_name(builder, "worse");
			json_builder_begin_array(builder);
			for (guint i = 0; i < worse->len; i++)
				json_builder_add_string_value(builder, worse->pdata[i]);
			json_builder_end_array(builder);
		}
		kvt_json_end(builder, true);
	} else if (!request->common.quiet) {
		lab_report_text(report, request->common.verbose);
		if (worse != NULL)
			printf("\n%s\n", worse->len > 0 ? "Worse than the baseline:"
							: "Nothing is worse than the baseline.");
		for (guint i = 0; worse != NULL && i < worse->len; i++)
			printf("  %s\n", (const char *)worse->pdata[i]);
	}
	if (request->plot != NULL && !lab_report_plot(report, request->plot, &error))
		return kvt_fail("lab", error);
	return status;
}

static void count_events(struct lab_trace *trace, struct lab_kernel_events *counts)
{
	struct lab_trace_event event;

	while (trace != NULL && lab_trace_next(trace, 0, &event)) {
		counts->pages += event.kind == LAB_TRACE_PAGE;
		counts->master_on += event.kind == LAB_TRACE_MASTER_CLOCK && event.master_clock;
		counts->master_off += event.kind == LAB_TRACE_MASTER_CLOCK && !event.master_clock;
		counts->offsets += event.kind == LAB_TRACE_TSC_OFFSET;
	}
}

static void run_experiments(struct request *request, struct lab_report *report, int count,
			    char **names)
{
	g_autoptr(GError) no_trace = NULL;
	struct lab_trace *trace = lab_trace_open((int)getpid(), &no_trace);

	report->kernel.reason = no_trace != NULL ? g_strdup(no_trace->message) : NULL;
	report->results =
		g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))lab_result_free);
	for (const struct lab_experiment *e = lab_experiments; e->name != NULL; e++)
		if (chosen(e, count, names)) {
			g_ptr_array_add(report->results, lab_experiment_run(e, &request->context));
			count_events(trace, &report->kernel);
		}
	lab_trace_free(trace);
}

static int run(struct request *request, int count, char **names)
{
	struct lab_report report = { .machine = &request->context.machine, .nice = request->nice };
	g_autoptr(kvt_judgement) judgement = NULL;
	const int64_t start_ns = lab_mono();
	GError *error = NULL;
	int status;

	announce(request, count, names);
	if (setpriority(PRIO_PROCESS, 0, request->nice) != 0)
		fprintf(stderr, "kvmtime lab: nice %d: %s\n", request->nice, g_strerror(errno));
	if (!lab_selftest(&request->context.machine, &error)) {
		lab_machine_clear(&request->context.machine);
		return kvt_fail("lab", error);
	}
	run_experiments(request, &report, count, names);
	kvt_text_progress(NULL);
	report.seconds = (double)(lab_mono() - start_ns) / 1e9;
	report.judgement = judgement = lab_findings(request->rules, request->facts, report.results);
	status = finish(request, &report);
	g_ptr_array_unref(report.results);
	g_free(report.kernel.reason);
	lab_machine_clear(&request->context.machine);
	return status;
}

/* ---- the definition that "qemu" tries ---- */

/* A bare <clock> section stands for a domain that has nothing else to say. */
static struct kvt_vm *parse(const char *text, gsize length, const char *name, GError **error)
{
	const char *start = text;
	g_autofree char *whole = NULL;

	while (g_ascii_isspace(*start))
		start++;
	if (!g_str_has_prefix(start, "<clock"))
		return kvt_vm_parse(-1, text, length, name, error);
	whole = g_strdup_printf("<domain type='kvm'><name>clock</name><memory>16384</memory><os>"
				"<type arch='x86_64' machine='pc'>hvm</type></os>%s</domain>",
				start);
	return kvt_vm_parse(KVT_FORMAT_LIBVIRT, whole, strlen(whole), name, error);
}

static struct kvt_vm *from_file(const char *path, GError **error)
{
	gsize length;
	g_autofree char *text = kvt_vm_read_file(path, &length, error);

	return text != NULL ? parse(text, length, path, error) : NULL;
}

static struct kvt_vm *from_running(const struct kvt_vm_options *options, GError **error)
{
	g_autoptr(GPtrArray) guests = kvt_vm_find("lab", options, error);
	g_autofree char *text = NULL;
	const struct kvt_guest *guest;
	gsize length;

	if (guests == NULL)
		return NULL;
	if (guests->len != 1) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE, "--vm takes one running guest");
		return NULL;
	}
	guest = guests->pdata[0];
	text = kvt_vm_definition(guest, options, &length, error);
	return text != NULL ? kvt_vm_parse(-1, text, length, guest->name, error) : NULL;
}

static bool load_definition(struct request *request, GError **error)
{
	if (request->domain == NULL && request->vms.names == NULL)
		return true;
	request->vm = request->domain != NULL ? from_file(request->domain, error)
					      : from_running(&request->vms, error);
	request->context.vm = request->vm;
	return request->vm != NULL;
}

/* What check reads of this machine, and of the definition if one is tried. */
static bool read_facts(struct request *request, bool with_vm, GError **error)
{
	g_autoptr(GPtrArray) machines = kvt_target_read(NULL, error);
	struct kvt_vm *example = NULL;

	if (machines == NULL)
		return false;
	request->facts = kvt_facts_new("this machine");
	kvt_facts_copy_into(request->facts, machines->pdata[0], KVT_HOST);
	if (with_vm) {
		g_autoptr(kvt_facts) facts = NULL;

		if (request->vm == NULL)
			example = lab_qemu_example();
		facts = kvt_vm_facts(example != NULL ? example : request->vm, kvt_qemu_installed());
		kvt_facts_copy_into(request->facts, facts, KVT_VM);
		kvt_vm_free(example);
	}
	return true;
}

static int run_judged(struct request *request, int count, char **names)
{
	GError *error = NULL;
	const bool with_vm = chosen(lab_experiment_find("qemu"), count, names);
	const int kvm = lab_kvm_open(NULL, &error);
	g_autoptr(kvt_rules) rules = kvm >= 0 ? kvt_rules_load(&error) : NULL;
	int status;

	request->rules = rules;
	if (rules != NULL && load_definition(request, &error) &&
	    read_facts(request, with_vm, &error))
		status = run(request, count, names);
	else
		status = kvt_fail("lab", error);
	if (kvm >= 0)
		close(kvm);
	kvt_facts_free(request->facts);
	kvt_vm_free(request->vm);
	return status;
}

static bool cases_are_known(const char *names)
{
	g_auto(GStrv) words = g_strsplit(names, ",", -1);

	for (guint i = 0; words[i] != NULL; i++) {
		const struct lab_tick_case *c = lab_tick_cases;

		while (c->name != NULL && !g_str_equal(c->name, words[i]))
			c++;
		if (c->name == NULL) {
			kvt_usage("lab", "--case: no pair '%s'; kvmtime lab --list", words[i]);
			return false;
		}
	}
	return true;
}

/* Told before minutes are spent. */
static bool is_baseline(const char *path, GError **error)
{
	g_autoptr(GPtrArray) nothing = g_ptr_array_new();
	g_autoptr(GPtrArray) lines = NULL;
	const struct lab_report empty = { .results = nothing };

	return lab_report_compare(&empty, path, &lines, error);
}

static int check_and_run(struct request *request, int argc, char **argv)
{
	GError *error = NULL;

	if (request->hz < 0 || (request->hz > 0 && (request->hz < 20 || request->hz > 2000)))
		return kvt_usage("lab", "--hz takes 20 .. 2000");
	if (request->stop_ms < 0 || request->stop_ms > 60000)
		return kvt_usage("lab", "--stop takes 1 .. 60000 ms");
	if (request->nice < -20 || request->nice > 19)
		return kvt_usage("lab", "--nice takes -20 .. 19");
	if (request->list) {
		list();
		return KVT_STATUS_OK;
	}
	if (!names_are_known(argc - 1, argv + 1) ||
	    (request->only != NULL && !cases_are_known(request->only)))
		return KVT_STATUS_USAGE;
	request->context.longer = request->longer;
	request->context.busy = request->busy;
	request->context.hz = (unsigned int)request->hz;
	request->context.stop_ns = request->stop_ms * LAB_MS;
	request->context.only = request->only;
	if ((request->domain != NULL || request->vms.names != NULL) &&
	    !chosen(lab_experiment_find("qemu"), argc - 1, argv + 1))
		return kvt_usage("lab", "--domain and --vm are for the experiment qemu");
	if (request->domain != NULL && request->vms.names != NULL)
		return kvt_usage("lab", "--domain or --vm, not both");
	if (request->plot != NULL && !lab_report_can_plot(request->plot, &error))
		return kvt_fail("lab", error);
	if (request->plot != NULL && !chosen(lab_experiment_find("timers"), argc - 1, argv + 1))
		return kvt_usage("lab", "--plot draws the experiment timers, which is not chosen");
	if (request->baseline != NULL && !is_baseline(request->baseline, &error))
		return kvt_fail("lab", error);
	return run_judged(request, argc - 1, argv + 1);
}

int cmd_lab(int argc, char **argv)
{
	struct request request = { .nice = 19, .context = { .progress = progress } };
	const GOptionEntry entries[] = {
		{ "list", 0, 0, G_OPTION_ARG_NONE, &request.list, "The experiments", NULL },
		{ "long", 0, 0, G_OPTION_ARG_NONE, &request.longer, "Minutes instead of seconds",
		  NULL },
		{ "baseline", 0, 0, G_OPTION_ARG_FILENAME, &request.baseline,
		  "Compare with an earlier run's JSON", "FILE" },
		{ "plot", 0, 0, G_OPTION_ARG_FILENAME, &request.plot,
		  "Chart of the timers' lateness: .svg or .png", "FILE" },
		{ "nice", 0, 0, G_OPTION_ARG_INT, &request.nice,
		  "Priority, -20 .. 19 (default 19, the lowest)", "N" },
		{ "busy", 0, 0, G_OPTION_ARG_NONE, &request.busy, "Guests compute between ticks",
		  NULL },
		{ "hz", 0, 0, G_OPTION_ARG_INT, &request.hz, "Tick rate (default 250)", "N" },
		{ "stop", 0, 0, G_OPTION_ARG_INT, &request.stop_ms,
		  "Stop of the tick experiment (500)", "MS" },
		{ "domain", 0, 0, G_OPTION_ARG_FILENAME, &request.domain,
		  "For qemu: try this VM definition's clock, - = standard input", "FILE" },
		{ "vm", 0, 0, G_OPTION_ARG_STRING_ARRAY, &request.vms.names,
		  "For qemu: try this running guest's definition, by name, UUID or PID", "NAME" },
		{ "connect", 0, 0, G_OPTION_ARG_STRING, &request.vms.uri,
		  "libvirt's guests at this URI alone", "URI" },
		{ "case", 0, 0, G_OPTION_ARG_STRING, &request.only,
		  "Only these pairs of device and policy, e.g. rtc_catchup,pit_merge", "NAMES" },
		G_OPTION_ENTRY_NULL
	};
	int status;

	if (!kvt_options_parse("lab", "[EXPERIMENT...]", description, entries, &request.common,
			       &argc, &argv, &status))
		return status;
	status = check_and_run(&request, argc, argv);
	g_free(request.baseline);
	g_free(request.plot);
	g_free(request.domain);
	kvt_vm_options_clear(&request.vms);
	g_free(request.only);
	return status;
}
