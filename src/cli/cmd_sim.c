/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "sim/sim.h"

#define MAX_S 31536000.0 /* a year */

static struct {
	char *guest, *policy, *load, *plot;
	double duration, settle, threshold_ms, limit_ms;
	int slew;
	gint64 seed;
	gboolean grid, csv, step;
} o;

static const GOptionEntry entries[] = {
	{ "guest", 'g', 0, G_OPTION_ARG_STRING, &o.guest, "How the guest keeps time (see below)",
	  "KIND" },
	{ "policy", 'p', 0, G_OPTION_ARG_STRING, &o.policy,
	  "delay, catchup, merge, discard, replay or slew; all if not given", "POLICY" },
	{ "load", 'l', 0, G_OPTION_ARG_STRING, &o.load, "When the vCPU does not run (see below)",
	  "LOAD" },
	{ "duration", 'd', 0, G_OPTION_ARG_DOUBLE, &o.duration, "The load lasts this long (60)",
	  "S" },
	{ "settle", 0, 0, G_OPTION_ARG_DOUBLE, &o.settle, "Then the vCPU always runs (10)", "S" },
	{ "slew", 0, 0, G_OPTION_ARG_INT, &o.slew, "catchup: rate, % of normal (200)", "PERCENT" },
	{ "threshold", 0, 0, G_OPTION_ARG_DOUBLE, &o.threshold_ms,
	  "catchup: start when behind by this (0)", "MS" },
	{ "limit", 0, 0, G_OPTION_ARG_DOUBLE, &o.limit_ms, "Never owe more than this (no limit)",
	  "MS" },
	{ "seed", 0, 0, G_OPTION_ARG_INT64, &o.seed, "Of a random load (1)", "N" },
	{ "step", 0, 0, G_OPTION_ARG_NONE, &o.step, "Step every tick, also where nothing happens",
	  NULL },
	{ "grid", 0, 0, G_OPTION_ARG_NONE, &o.grid, "All guests, all policies, four loads", NULL },
	{ "csv", 0, 0, G_OPTION_ARG_NONE, &o.csv,
	  "Print the drift over time (a grid: its cells) as CSV", NULL },
	{ "plot", 0, 0, G_OPTION_ARG_FILENAME, &o.plot, "Draw the drift over time; needs gnuplot",
	  "FILE.svg|png" },
	{ 0 }
};

static char *description(void)
{
	GString *text = g_string_new("Guests (--guest):\n");

	for (const struct kvt_sim_guest *guest = kvt_sim_guests; guest->name != NULL; guest++)
		g_string_append_printf(text, "  %-14s %s\n", guest->name, guest->summary);
	g_string_append(
		text,
		"\nLoads (--load):\n"
		"  none           the vCPU always runs\n"
		"  steal:P        P % of the time is stolen, 20 ms at a time on average\n"
		"  onoff:R,O      runs R ms, stands O ms; overcommit:N = onoff:30,30*(N-1)\n"
		"  pause:S        the VMM stands once for S seconds; migration:S and sleep:S (of the\n"
		"                 host) stop some clocks too. Alone, or after one of the others and a +\n"
		"  trace:FILE     a line an interval: ns run, ns stolen\n"
		"  schedstat:FILE samples of a vCPU thread's schedstat, each after its time in ns\n"
		"  sched:TID:FILE trace events sched_switch and sched_wakeup of that thread\n"
		"\nPolicies: delay, catchup, merge and discard as libvirt defines them; replay is what KVM's\n"
		"PIT does (QEMU: kvm-pit.lost_tick_policy=delay), slew is QEMU's -rtc driftfix=slew.\n"
		"\nA scenario file has these options as KEY=VALUE lines in a group [sim].\n"
		"\nExamples:\n"
		"  kvmtime sim --guest rtc-1024 --load steal:10\n"
		"  kvmtime sim --guest pit-1000 --policy replay --load pause:10 --plot drift.svg\n"
		"  kvmtime sim --guest rtc-1024 --load steal:30+migration:2\n"
		"  kvmtime sim --grid\n");
	return g_string_free(text, FALSE);
}

/* ---- one scenario ---- */

struct cell {
	struct kvt_sim_config config;
	struct kvt_sim_result result;
};

static void cell_free(void *data)
{
	struct cell *cell = data;

	if (cell->result.points != NULL)
		g_array_unref(cell->result.points);
	g_free(cell);
}

static struct cell *run_cell(const struct kvt_sim_guest *guest, unsigned policy,
			     const struct kvt_load *load, bool points)
{
	struct cell *cell = g_new0(struct cell, 1);

	cell->config = (struct kvt_sim_config){
		.guest = guest,
		.load = load,
		.ticks = { .policy = (uint8_t)policy,
			   .slew_percent = (uint32_t)o.slew,
			   .threshold_ns = (uint64_t)(o.threshold_ms * 1e6),
			   .limit_ns = (uint64_t)(o.limit_ms * 1e6) },
		.load_ns = (uint64_t)(o.duration * 1e9),
		.settle_ns = (uint64_t)(o.settle * 1e9),
		.seed = (uint64_t)o.seed,
		.step_all = o.step,
	};
	if (points)
		cell->config.sample_ns =
			MAX((cell->config.load_ns + cell->config.settle_ns) / 400, 1000000);
	kvt_sim_run(&cell->config, &cell->result);
	return cell;
}

static bool keeps_time(const struct cell *cell)
{
	/* a tick that is on its way is no drift */
	return ABS(cell->result.drift_ns) < 40000000;
}

static char *drift_text(const struct cell *cell)
{
	if (keeps_time(cell))
		return g_strdup("keeps time");
	return kvt_text_ns((double)cell->result.drift_ns, true);
}

/* ---- output ---- */

static void add_row(GPtrArray *rows, ...)
{
	GPtrArray *row = g_ptr_array_new();
	va_list list;
	char *text;

	va_start(list, rows);
	while ((text = va_arg(list, char *)) != NULL)
		g_ptr_array_add(row, text);
	va_end(list);
	g_ptr_array_add(row, NULL);
	g_ptr_array_add(rows, g_ptr_array_free(row, FALSE));
}

static void print_cells(const GPtrArray *cells)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	const struct cell *first = cells->pdata[0];

	printf("%s under load %s for %g s, then %g s without: %.1f %% stolen\n\n",
	       first->config.guest->name, first->config.load->text, o.duration, o.settle,
	       100.0 * (double)first->result.stolen_ns / (double)first->result.elapsed_ns);
	add_row(rows, g_strdup("policy"), g_strdup("clock at the end"), g_strdup("worst behind"),
		g_strdup("worst late"), g_strdup("sent again"), g_strdup("lost"), g_strdup("owed"),
		g_strdup("burst"), g_strdup("extra/s"), g_strdup("caught up after"), NULL);
	for (guint i = 0; i < cells->len; i++) {
		const struct cell *cell = cells->pdata[i];
		const struct kvt_sim_result *r = &cell->result;

		add_row(rows, g_strdup(kvt_sim_policy_name(cell->config.ticks.policy)),
			drift_text(cell), kvt_text_ns((double)r->worst_behind_ns, false),
			kvt_text_ns((double)r->worst_late_ns, false),
			g_strdup_printf("%" G_GUINT64_FORMAT, r->counts.reinjected),
			g_strdup_printf("%" G_GUINT64_FORMAT, r->counts.dropped + r->counts.merged),
			g_strdup_printf("%" G_GUINT64_FORMAT, r->owed),
			g_strdup_printf("%" G_GUINT64_FORMAT, r->burst),
			g_strdup_printf("%.0f", r->extra_per_s),
			r->recovered_ns == UINT64_MAX ? g_strdup("never")
						      : kvt_text_ns((double)r->recovered_ns, false),
			NULL);
	}
	kvt_text_table(rows, "lrrrrrrrrr");
}

static void print_grid(const GPtrArray *cells, guint loads)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	GPtrArray *row = g_ptr_array_new();

	g_ptr_array_add(row, g_strdup("guest"));
	g_ptr_array_add(row, g_strdup("policy"));
	for (guint i = 0; i < loads; i++)
		g_ptr_array_add(row, g_strdup(((struct cell *)cells->pdata[i])->config.load->text));
	g_ptr_array_add(row, NULL);
	g_ptr_array_add(rows, g_ptr_array_free(row, FALSE));
	for (guint i = 0; i < cells->len; i += loads) {
		const struct cell *cell = cells->pdata[i];

		row = g_ptr_array_new();
		g_ptr_array_add(row, g_strdup(cell->config.guest->name));
		g_ptr_array_add(row, g_strdup(kvt_sim_policy_name(cell->config.ticks.policy)));
		for (guint j = 0; j < loads; j++)
			g_ptr_array_add(row, drift_text(cells->pdata[i + j]));
		g_ptr_array_add(row, NULL);
		g_ptr_array_add(rows, g_ptr_array_free(row, FALSE));
	}
	printf("Drift of the guest's clock after %g s of load and %g s without; + = ahead of true time.\n"
	       "\"keeps time\": within 40 ms.\n\n",
	       o.duration, o.settle);
	kvt_text_table(rows, "llrrrrrr");
}

static void json_cell(JsonBuilder *b, const struct cell *cell)
{
	const struct kvt_sim_result *r = &cell->result;

	json_builder_begin_object(b);
	kvt_json_string(b, "guest", cell->config.guest->name);
	kvt_json_string(b, "policy", kvt_sim_policy_name(cell->config.ticks.policy));
	kvt_json_string(b, "load", cell->config.load->text);
	kvt_json_i64(b, "drift_ns", r->drift_ns);
	kvt_json_bool(b, "keeps_time", keeps_time(cell));
	kvt_json_i64(b, "worst_behind_ns", r->worst_behind_ns);
	kvt_json_i64(b, "worst_ahead_ns", r->worst_ahead_ns);
	kvt_json_u64(b, "worst_late_ns", r->worst_late_ns);
	kvt_json_u64(b, "elapsed_ns", r->elapsed_ns);
	kvt_json_u64(b, "stolen_ns", r->stolen_ns);
	if (r->recovered_ns == UINT64_MAX)
		kvt_json_string(b, "recovered_ns", NULL);
	else
		kvt_json_u64(b, "recovered_ns", r->recovered_ns);
	kvt_json_double(b, "extra_per_s", r->extra_per_s);
	kvt_json_u64(b, "burst", r->burst);
	kvt_json_u64(b, "due", r->counts.due);
	kvt_json_u64(b, "injected", r->counts.injected);
	kvt_json_u64(b, "reinjected", r->counts.reinjected);
	kvt_json_u64(b, "merged", r->counts.merged);
	kvt_json_u64(b, "dropped", r->counts.dropped);
	kvt_json_u64(b, "owed", r->owed);
	kvt_json_u64(b, "invented", r->invented);
	if (r->points != NULL) {
		json_builder_set_member_name(b, "drift");
		json_builder_begin_array(b);
		for (guint i = 0; i < r->points->len; i++) {
			const struct kvt_sim_point *point =
				&g_array_index(r->points, struct kvt_sim_point, i);

			json_builder_begin_array(b);
			json_builder_add_double_value(b, (double)point->at_ns / 1e9);
			json_builder_add_double_value(b, (double)point->drift_ns / 1e9);
			json_builder_end_array(b);
		}
		json_builder_end_array(b);
	}
	json_builder_end_object(b);
}

static void print_json(const GPtrArray *cells)
{
	JsonBuilder *b = kvt_json_begin("kvmtime.sim/1", "simulation", true);

	kvt_json_double(b, "duration_s", o.duration);
	kvt_json_double(b, "settle_s", o.settle);
	kvt_json_i64(b, "seed", o.seed);
	json_builder_set_member_name(b, "runs");
	json_builder_begin_array(b);
	for (guint i = 0; i < cells->len; i++)
		json_cell(b, cells->pdata[i]);
	json_builder_end_array(b);
	kvt_json_end(b, true);
}

static void print_points(const GPtrArray *cells, FILE *file, char separator)
{
	const struct cell *first = cells->pdata[0];

	fprintf(file, "time_s");
	for (guint i = 0; i < cells->len; i++)
		fprintf(file, "%c%s_s", separator,
			kvt_sim_policy_name(((struct cell *)cells->pdata[i])->config.ticks.policy));
	fputc('\n', file);
	for (guint p = 0; p < first->result.points->len; p++) {
		fprintf(file, "%.6f",
			(double)g_array_index(first->result.points, struct kvt_sim_point, p).at_ns /
				1e9);
		for (guint i = 0; i < cells->len; i++) {
			const struct cell *cell = cells->pdata[i];

			fprintf(file, "%c%.6f", separator,
				(double)g_array_index(cell->result.points, struct kvt_sim_point, p)
						.drift_ns /
					1e9);
		}
		fputc('\n', file);
	}
}

static void print_csv(const GPtrArray *cells)
{
	if (!o.grid) {
		print_points(cells, stdout, ',');
		return;
	}
	printf("guest,policy,load,drift_s,worst_behind_s,reinjected,lost,owed\n");
	for (guint i = 0; i < cells->len; i++) {
		const struct cell *cell = cells->pdata[i];
		const struct kvt_sim_result *r = &cell->result;

		printf("%s,%s,\"%s\",%.6f,%.6f,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
		       ",%" G_GUINT64_FORMAT "\n",
		       cell->config.guest->name, kvt_sim_policy_name(cell->config.ticks.policy),
		       cell->config.load->text, (double)r->drift_ns / 1e9,
		       (double)r->worst_behind_ns / 1e9, r->counts.reinjected,
		       r->counts.dropped + r->counts.merged, r->owed);
	}
}

static bool plot(const GPtrArray *cells, GError **error)
{
	const char *terminal = g_str_has_suffix(o.plot, ".png") ? "pngcairo" : "svg";
	const struct cell *first = cells->pdata[0];
	g_autofree char *data = NULL;
	g_autoptr(GString) script = g_string_new(NULL);
	char *argv[] = { (char[]){ "gnuplot" }, (char[]){ "-e" }, NULL, NULL };
	g_autofree char *errors = NULL;
	int status;
	FILE *file;
	const int fd = g_file_open_tmp("kvmtime-sim-XXXXXX", &data, error);

	if (fd < 0)
		return false;
	file = fdopen(fd, "w");
	print_points(cells, file, ' ');
	fclose(file);
	g_string_printf(script,
			"set terminal %s size 900,500; set output \"%s\"; set xlabel \"time, s\"; "
			"set ylabel \"guest ahead, s\"; set grid; set key outside; "
			"set title \"%s, load %s\"; plot for [i=2:%u] \"%s\" using 1:i with lines "
			"title columnheader(i)",
			terminal, o.plot, first->config.guest->name, first->config.load->text,
			cells->len + 1, data);
	argv[2] = script->str;
	if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &errors, &status,
			  NULL)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "gnuplot is not there; Debian: gnuplot-nox");
		status = -1;
	} else if (status != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "gnuplot could not draw %s: %s",
			    o.plot, errors);
	}
	(void)remove(data);
	return status == 0;
}

/* ---- what was asked for ---- */

static bool read_scenario(const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	struct {
		const char *key;
		char **text;
		double *number;
	} keys[] = { { "guest", &o.guest, NULL },   { "policy", &o.policy, NULL },
		     { "load", &o.load, NULL },     { "duration", NULL, &o.duration },
		     { "settle", NULL, &o.settle }, { "threshold", NULL, &o.threshold_ms },
		     { "limit", NULL, &o.limit_ms } };
	g_auto(GStrv) found = NULL;

	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error))
		return false;
	found = g_key_file_get_keys(file, "sim", NULL, error);
	for (guint i = 0; found != NULL && found[i] != NULL && *error == NULL; i++) {
		guint k;

		for (k = 0; k < G_N_ELEMENTS(keys) && strcmp(found[i], keys[k].key) != 0; k++)
			;
		if (strcmp(found[i], "slew") == 0)
			o.slew = g_key_file_get_integer(file, "sim", "slew", error);
		else if (strcmp(found[i], "seed") == 0)
			o.seed = g_key_file_get_int64(file, "sim", "seed", error);
		else if (k == G_N_ELEMENTS(keys))
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "unknown key '%s'",
				    found[i]);
		else if (keys[k].text != NULL)
			*keys[k].text = g_key_file_get_string(file, "sim", found[i], error);
		else
			*keys[k].number = g_key_file_get_double(file, "sim", found[i], error);
	}
	return *error == NULL;
}

static bool in_range(double value, double least, double most)
{
	return isfinite(value) && value >= least && value <= most;
}

static const char *check_numbers(void)
{
	if (!in_range(o.duration, 0.001, MAX_S) || !in_range(o.settle, 0, MAX_S))
		return "--duration and --settle are up to a year of seconds";
	if (!in_range(o.threshold_ms, 0, MAX_S * 1000) || !in_range(o.limit_ms, 0, MAX_S * 1000))
		return "--threshold and --limit are milliseconds, up to a year";
	if (o.slew != 0 && o.slew <= 100)
		return "--slew is a rate above 100 %";
	return NULL;
}

static int run_grid(GPtrArray *cells)
{
	static const char *const texts[] = { "steal:1", "steal:10", "steal:50", "pause:10" };
	static struct kvt_load *loads[G_N_ELEMENTS(texts)];

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		loads[i] = kvt_load_parse(texts[i], NULL);
	for (const struct kvt_sim_guest *guest = kvt_sim_guests; guest->name != NULL; guest++)
		for (unsigned policy = 0; policy < KVT_TICK_POLICIES; policy++) {
			for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
				g_ptr_array_add(cells, run_cell(guest, policy, loads[i], false));
			if (!guest->counts_ticks)
				break; /* no policy matters to it */
		}
	return G_N_ELEMENTS(texts);
}

static int output(const struct kvt_common *common, const GPtrArray *cells, guint loads)
{
	GError *error = NULL;

	if (o.plot != NULL && !plot(cells, &error))
		return kvt_fail("sim", error);
	if (common->quiet)
		return KVT_STATUS_OK;
	if (common->json)
		print_json(cells);
	else if (o.csv)
		print_csv(cells);
	else if (o.grid)
		print_grid(cells, loads);
	else
		print_cells(cells);
	return KVT_STATUS_OK;
}

int cmd_sim(int argc, char **argv)
{
	g_autofree char *text = description();
	g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(cell_free);
	const struct kvt_sim_guest *guest;
	struct kvt_common common;
	struct kvt_load *load;
	GError *error = NULL;
	int status, policy;

	memset(&o, 0, sizeof(o));
	o.duration = 60;
	o.settle = 10;
	o.seed = 1;
	if (!kvt_options_parse("sim", "[SCENARIO]", text, entries, &common, &argc, &argv, &status))
		return status;
	if (argc > 2)
		return kvt_usage("sim", "one scenario at a time");
	if (argc == 2 && !read_scenario(argv[1], &error)) {
		g_prefix_error(&error, "%s: ", argv[1]);
		error->domain = KVT_ERROR;
		error->code = KVT_STATUS_BAD_INPUT;
		return kvt_fail("sim", error);
	}
	if (check_numbers() != NULL)
		return kvt_usage("sim", "%s", check_numbers());
	if (o.grid && o.plot != NULL)
		return kvt_usage("sim", "--plot draws one guest and one load, not a grid");
	if (o.grid)
		return output(&common, cells, (guint)run_grid(cells));
	guest = kvt_sim_guest(o.guest != NULL ? o.guest : "pit-1000");
	if (guest == NULL)
		return kvt_usage("sim", "no guest '%s'", o.guest);
	policy = o.policy != NULL ? kvt_sim_policy(o.policy) : 0;
	if (policy < 0)
		return kvt_usage("sim", "no policy '%s'", o.policy);
	load = kvt_load_parse(o.load != NULL ? o.load : "steal:10", &error);
	if (load == NULL)
		return kvt_fail("sim", error);
	for (int p = policy; p < (o.policy != NULL ? policy + 1 : KVT_TICK_POLICIES); p++)
		g_ptr_array_add(cells, run_cell(guest, (unsigned)p, load,
						o.plot != NULL || o.csv || common.json));
	status = output(&common, cells, 1);
	kvt_load_free(load);
	return status;
}
