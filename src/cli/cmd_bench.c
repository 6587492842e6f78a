/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "cli/bench.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "sys/timepages.h"

#define BLOCKS       12 /* of reads */
#define COUNT_BLOCKS 4  /* of reads for a prediction */
#define READ_NS      5000000

static volatile sig_atomic_t stop;

static struct {
	char *sources, *metric, *budget, *plot;
	gboolean may_switch, with_running_vms, time, count_reads, csv;
	double precision, stability_s;
	gint64 seed;
} options;

static const GOptionEntry entries[] = {
	{ "sources", 0, 0, G_OPTION_ARG_STRING, &options.sources,
	  "Clock sources; the first is compared with. One named twice is an A/A run", "A,B,..." },
	{ "switch", 0, 0, G_OPTION_ARG_NONE, &options.may_switch,
	  "Change the machine's clock source for the run (root); put back at the end", NULL },
	{ "with-running-vms", 0, 0, G_OPTION_ARG_NONE, &options.with_running_vms,
	  "... also on a host whose VMs are running", NULL },
	{ "metric", 0, 0, G_OPTION_ARG_STRING, &options.metric,
	  "Compare the number that this expression's group finds in COMMAND's output", "REGEX" },
	{ "time", 0, 0, G_OPTION_ARG_NONE, &options.time,
	  "Compare the time that COMMAND takes (the default)", NULL },
	{ "precision", 0, 0, G_OPTION_ARG_DOUBLE, &options.precision,
	  "Go on until the effect is known this well (default 0.5)", "PERCENT" },
	{ "budget", 0, 0, G_OPTION_ARG_STRING, &options.budget,
	  "... but no longer than this: 90, 10m, 1h (default 10m)", "TIME" },
	{ "count-reads", 0, 0, G_OPTION_ARG_NONE, &options.count_reads,
	  "Run COMMAND once, count its clock reads, say what each source would cost it", NULL },
	{ "stability", 0, 0, G_OPTION_ARG_DOUBLE, &options.stability_s,
	  "Watch the sources' rates this long: may the TSC be trusted?", "SECONDS" },
	{ "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "Of the order of the rounds", "N" },
	{ "csv", 0, 0, G_OPTION_ARG_NONE, &options.csv, "Print CSV", NULL },
	{ "plot", 0, 0, G_OPTION_ARG_FILENAME, &options.plot, "Draw a chart with gnuplot",
	  "FILE.svg|png" },
	G_OPTION_ENTRY_NULL
};

static const char description[] =
	"Without a command: what reading each clock costs. With one: whether the clock source makes\n"
	"a difference to it, in rounds of random order, until the difference is known.\n\n"
	"Examples:\n"
	"  kvmtime bench                                  reads under the current source\n"
	"  sudo kvmtime bench --switch                    ... under every source\n"
	"  sudo kvmtime bench --switch --sources kvm-clock,tsc --metric 'events/s: *([0-9.]+)' \\\n"
	"      -- ./my-benchmark --seconds 10\n"
	"  kvmtime bench --count-reads -- ./my-server --self-test\n"
	"  sudo kvmtime bench --switch --stability 60     may the TSC be trusted?\n\n"
	"Exit status: 0 measured, 1 the TSC is not to be trusted or a source was taken away by the\n"
	"kernel, 2 usage, 3 refused, 4 the command's output holds no such number.";

/* ---- signals and progress ---- */

static void on_signal(int number)
{
	(void)number;
	stop = 1;
	kvt_command_interrupt();
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static bool go_on_reads(void *context, unsigned block)
{
	g_autofree char *line =
		g_strdup_printf("block %u of %u", block, *(const unsigned *)context);

	kvt_text_progress(line);
	return stop == 0;
}

static bool go_on_trial(void *context, const GArray *rounds, double half_width)
{
	g_autofree char *line = isfinite(half_width)
					? g_strdup_printf("%u rounds, known to +-%.2f %%",
							  rounds->len, 100 * half_width)
					: g_strdup_printf("%u rounds", rounds->len);

	(void)context;
	kvt_text_progress(line);
	return stop == 0;
}

static bool go_on_stability(void *context, int64_t left_ns)
{
	g_autofree char *line = g_strdup_printf("%.0f s left", (double)left_ns / 1e9);

	(void)context;
	kvt_text_progress(line);
	return stop == 0;
}

/* ---- options ---- */

/* 90, 90s, 10m, 1h; 0 if it is none of them */
static double seconds_of(const char *text)
{
	char *end;
	const double number = g_ascii_strtod(text, &end);
	const double unit = strcmp(end, "h") == 0                   ? 3600
			    : strcmp(end, "m") == 0                 ? 60
			    : *end == '\0' || strcmp(end, "s") == 0 ? 1
								    : 0;

	return end != text && isfinite(number) && number > 0 && number < 1e7 ? number * unit : 0;
}

/* what follows "--" is the command's, options and all */
static char **split_command(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			argv[i] = NULL;
			*argc = i;
			return argv + i + 1;
		}
	return NULL;
}

static bool has_empty_name(const char *list)
{
	g_auto(GStrv) names = g_strsplit(list != NULL ? list : "x", ",", -1);

	return names[0] == NULL || g_strv_contains((const char *const *)names, "");
}

static const char *wrong_options(char **command, bool json)
{
	const bool has_command = command != NULL && *command != NULL;

	if (command != NULL && !has_command)
		return "-- without a command";
	if (!has_command && (options.metric != NULL || options.time || options.count_reads))
		return "--metric, --time and --count-reads want a command: -- COMMAND...";
	if (has_command && options.stability_s > 0)
		return "--stability takes no command";
	if (options.metric != NULL && options.time)
		return "--metric or --time, not both";
	if (options.with_running_vms && !options.may_switch)
		return "--with-running-vms goes with --switch";
	if (!(options.precision > 0) || options.precision > 100)
		return "--precision takes percent, above 0";
	if (options.stability_s < 0 || options.stability_s > 1e6)
		return "--stability takes seconds, up to a million";
	if (seconds_of(options.budget) <= 0)
		return "--budget takes a time: 90, 10m, 1h";
	if (options.csv && json)
		return "--csv or --json, not both";
	if (has_empty_name(options.sources))
		return "--sources takes names with commas between";
	if (options.plot != NULL && (options.stability_s > 0 || options.count_reads))
		return "--plot draws read costs and workload effects, not this";
	if (options.plot != NULL && !g_str_has_suffix(options.plot, ".svg") &&
	    !g_str_has_suffix(options.plot, ".png"))
		return "--plot takes a name that ends with .svg or .png";
	return NULL;
}

/* ---- the four modes ---- */

static bool run_reads(struct kvt_bench_report *report, unsigned blocks, GError **error)
{
	const struct kvt_reads_plan plan = { .blocks = blocks,
					     .read_ns = READ_NS,
					     .seed = (uint32_t)options.seed,
					     .go_on = go_on_reads,
					     .context = &blocks };

	report->reads = kvt_reads_run(report->sources, &plan, error);
	return report->reads != NULL;
}

static bool run_trial(struct kvt_bench_report *report, struct kvt_command *command, GError **error)
{
	struct kvt_compare *compare = report->compare;

	if (report->sources->n < 2) {
		g_set_error(
			error, KVT_ERROR, KVT_STATUS_USAGE,
			"a comparison wants two sources: --sources A,B with --switch (%s,%s for "
			"an A/A run)",
			report->sources->names[0], report->sources->names[0]);
		return false;
	}
	if (options.metric != NULL) {
		command->metric = g_regex_new(options.metric, G_REGEX_MULTILINE, 0, error);
		if (command->metric == NULL) {
			g_clear_error(error);
			g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE,
				    "--metric: not a regular expression: %s", options.metric);
			return false;
		}
	}
	compare->sources = report->sources;
	compare->command = command;
	compare->plan.precision = options.precision / 100;
	compare->plan.budget_ns = (int64_t)(report->budget_s * 1e9);
	compare->plan.seed = (uint32_t)options.seed;
	compare->go_on = go_on_trial;
	report->trial = kvt_compare_run(compare, error);
	return report->trial != NULL;
}

static bool run_count(struct kvt_bench_report *report, char **command, GError **error)
{
	report->count = g_new0(struct kvt_count, 1);
	return kvt_count_run(command, report->count, error) &&
	       (report->count->processes == 0 || run_reads(report, COUNT_BLOCKS, error));
}

static bool run_stability(const struct kvt_root *root, struct kvt_bench_report *report,
			  GError **error)
{
	const struct kvt_stability_plan plan = { .run_ns = (int64_t)(options.stability_s * 1e9),
						 .go_on = go_on_stability };

	report->stability = kvt_stability_run(root, report->sources, &plan, error);
	return report->stability != NULL;
}

static bool run_mode(const struct kvt_root *root, struct kvt_bench_report *report,
		     struct kvt_command *command, GError **error)
{
	if (options.stability_s > 0)
		return run_stability(root, report, error);
	if (options.count_reads)
		return run_count(report, report->command, error);
	if (report->command != NULL)
		return run_trial(report, command, error);
	return run_reads(report, BLOCKS, error);
}

/* ---- around them ---- */

static char *describe_machine(void)
{
	struct utsname name;
	uint32_t regs[4] = { 0 };

	uname(&name);
	kvt_calls_live.cpuid(NULL, 0x40000000, regs);
	return g_strdup_printf("%s, Linux %s, %u CPUs",
			       memcmp(&regs[1], "KVMKVMKVM\0\0", 12) == 0 ? "KVM guest"
			       : memcmp(&regs[1], "TCGTCGTCGTCG", 12) == 0
				       ? "Guest of QEMU without KVM"
				       : "Not a KVM guest",
			       name.release, g_get_num_processors());
}

static bool show(const struct kvt_bench_report *report, const struct kvt_common *common,
		 GError **error)
{
	if (common->quiet)
		; /* the exit status alone, and a chart if one is wanted */
	else if (common->json)
		kvt_bench_print_json(report);
	else if (options.csv)
		kvt_bench_print_csv(report);
	else
		kvt_bench_print_text(report, common->verbose);
	fflush(stdout);
	return options.plot == NULL || kvt_bench_plot(report, options.plot, error);
}

static bool is_found(const struct kvt_bench_report *report)
{
	if (report->stability != NULL)
		return report->stability->trust == KVT_TRUST_NO || report->stability->lost;
	if (report->trial != NULL)
		for (guint i = 0; i < report->trial->rounds->len; i++)
			if (g_array_index(report->trial->rounds, struct kvt_trial_round, i).lost)
				return true;
	if (report->reads != NULL)
		for (unsigned i = 0; i < report->sources->n; i++)
			if (report->reads->lost[i])
				return true;
	return false;
}

static void clear_report(struct kvt_bench_report *report)
{
	kvt_reads_free(report->reads);
	kvt_trial_free(report->trial);
	kvt_stability_free(report->stability);
	g_free(report->count);
	g_free(report->machine);
	g_free(report->restored);
	g_strfreev(report->labels);
}

static char **make_labels(const struct kvt_sources *sources)
{
	char **labels = g_new0(char *, sources->n + 1);

	for (unsigned i = 0; i < sources->n; i++)
		labels[i] = kvt_sources_label(sources, i);
	return labels;
}

/* The original source is back before anything is printed. The names outlive the switching. */
static bool put_back(const struct kvt_root *root, struct kvt_sources *sources,
		     struct kvt_bench_report *report, GError **error)
{
	g_autoptr(GError) mine = NULL;
	bool ok = true;

	report->switched = sources->sw != NULL;
	if (sources->sw != NULL)
		ok = kvt_switch_close(sources->sw, &mine);
	sources->sw = NULL;
	report->restored = kvt_clocksource_current(root);
	if (!ok && error != NULL && *error == NULL)
		g_propagate_error(error, g_steal_pointer(&mine));
	else if (!ok)
		fprintf(stderr, "kvmtime bench: %s\n", mine->message);
	return ok;
}

static int bench(const struct kvt_root *root, const struct kvt_common *common, char **argv)
{
	struct kvt_sources sources = { 0 };
	struct kvt_compare compare = { 0 };
	struct kvt_command command = { .argv = argv };
	struct kvt_bench_report report = { .sources = &sources,
					   .compare = &compare,
					   .command = argv,
					   .budget_s = seconds_of(options.budget) };
	GError *error = NULL;
	bool ok;
	int status;

	if (!kvt_sources_open(root, options.sources, options.may_switch, options.with_running_vms,
			      &sources, &error))
		return kvt_fail("bench", error);
	report.labels = make_labels(&sources);
	report.machine = describe_machine();
	catch_signals();
	ok = run_mode(root, &report, &command, &error);
	kvt_text_progress(NULL);
	ok = put_back(root, &sources, &report, &error) && ok;
	if (ok)
		ok = show(&report, common, &error);
	status = is_found(&report) ? KVT_STATUS_FOUND : KVT_STATUS_OK;
	clear_report(&report);
	g_clear_pointer(&command.metric, g_regex_unref);
	(void)kvt_sources_close(&sources, NULL);
	return ok ? status : kvt_fail("bench", error);
}

int cmd_bench(int argc, char **argv)
{
	char **command = split_command(&argc, argv);
	g_autoptr(kvt_root) root = NULL;
	struct kvt_common common;
	GError *error = NULL;
	const char *wrong;
	int status;

	options.precision = 0.5;
	options.seed = (gint64)g_random_int();
	if (!kvt_options_parse("bench", "[-- COMMAND...]", description, entries, &common, &argc,
			       &argv, &status))
		return status;
	if (argc > 1)
		return kvt_usage("bench", "'%s': a command follows after --", argv[1]);
	if (options.budget == NULL)
		options.budget = g_strdup("10m");
	wrong = wrong_options(command, common.json);
	if (wrong != NULL)
		return kvt_usage("bench", "%s", wrong);
	root = kvt_root_open("/", &error);
	if (root == NULL)
		return kvt_fail("bench", error);
	return bench(root, &common, command);
}
