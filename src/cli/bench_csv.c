/* SPDX-License-Identifier: BSD-2-Clause */
/* CSV and charts of a bench report. */
#include <math.h>
#include <stdio.h>

#include "cli/bench.h"
#include "cli/gnuplot.h"
#include "sys/error.h"

/* ---- CSV: one heading a mode, no quoting needed: no field holds a comma or a quote ---- */

static void csv_cost(const struct kvt_read_cost *cost)
{
	if (cost->known)
		printf(",%.3f,%.3f,%.3f", cost->min_ns, cost->median_ns, cost->p99_ns);
	else
		printf(",,,");
}

static void csv_reads(const struct kvt_bench_report *report)
{
	printf("source,clock,path,min_ns,median_ns,p99_ns,syscall_min_ns,syscall_median_ns,"
	       "syscall_p99_ns,resolution_ns,against_first_ns,low_ns,high_ns\n");
	for (guint i = 0; i < report->reads->rows->len; i++) {
		const struct kvt_read_row *row =
			&g_array_index(report->reads->rows, struct kvt_read_row, i);
		const bool peer = kvt_read_whats[row->what].peer;

		printf("%s,%s,%s", report->labels[row->source], kvt_read_whats[row->what].name,
		       peer ? "" : kvt_bench_path_word(row->path));
		csv_cost(&row->libc);
		csv_cost(&row->syscall);
		if (peer)
			printf(",");
		else
			printf(",%.0f", row->resolution_ns);
		if (row->dearer_ns.n > 1)
			printf(",%.3f,%.3f,%.3f\n", row->dearer_ns.mean, row->dearer_ns.low,
			       row->dearer_ns.high);
		else
			printf(",,,\n");
	}
}

static void csv_trial(const struct kvt_bench_report *report)
{
	printf("block,source,value,seconds,steal,throttled,disturbed,lost\n");
	for (guint i = 0; i < report->trial->rounds->len; i++) {
		const struct kvt_trial_round *round =
			&g_array_index(report->trial->rounds, struct kvt_trial_round, i);

		printf("%u,%s,%.9g,%.6f,", round->block, report->labels[round->source],
		       round->value, (double)round->took_ns / 1e9);
		if (isfinite(round->steal))
			printf("%.6f", round->steal);
		printf(",%" G_GUINT64_FORMAT ",%d,%d\n", round->throttled, round->disturbed,
		       round->lost);
	}
}

static void csv_count(const struct kvt_bench_report *report)
{
	printf("call,reads,per_second\n");
	for (unsigned kind = 0; kind < KVT_COUNT_KINDS; kind++)
		if (report->count->reads[kind] > 0)
			printf("%s,%" G_GUINT64_FORMAT ",%.1f\n", kvt_count_name(kind),
			       report->count->reads[kind],
			       (double)report->count->reads[kind] / report->count->seconds);
}

static void csv_stability(const struct kvt_stability *stability)
{
	printf("clock,independent,seconds,rate_ppm,rate_bound_ppm,wander_ns,wander_bound_ns,trust,"
	       "of_host\n");
	for (guint i = 0; i < stability->clocks->len; i++) {
		const struct kvt_stability_clock *clock = g_ptr_array_index(stability->clocks, i);

		printf("%s,%d,%.3f,%.6f,%.6f,%.1f,%.1f,%s,%d\n", clock->name, clock->independent,
		       clock->seconds, clock->rate_ppm, clock->rate_bound_ppm, clock->wander_ns,
		       clock->wander_bound_ns, kvt_bench_trust_word(stability->trust),
		       clock->of_host);
	}
}

void kvt_bench_print_csv(const struct kvt_bench_report *report)
{
	if (report->stability != NULL)
		csv_stability(report->stability);
	else if (report->count != NULL)
		csv_count(report);
	else if (report->trial != NULL)
		csv_trial(report);
	else if (report->reads != NULL)
		csv_reads(report);
}

/* ---- charts ---- */

static int compare_double(gconstpointer a, gconstpointer b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* the share of batches that were cheaper, at 500 places */
static void add_distribution(GString *script, const GArray *batches, unsigned block)
{
	g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(double));

	g_array_append_vals(sorted, batches->data, batches->len);
	g_array_sort(sorted, compare_double);
	g_string_append_printf(script, "$data%u << EOD\n", block);
	for (unsigned i = 0; i < 500; i++) {
		const guint at = (guint)((double)i / 499 * (sorted->len - 1));

		g_string_append_printf(script, "%.4f %.5f\n", g_array_index(sorted, double, at),
				       (double)i / 499);
	}
	g_string_append(script, "EOD\n");
}

static void plot_reads(GString *script, const struct kvt_bench_report *report)
{
	g_autoptr(GString) plot = g_string_new("plot ");
	unsigned block = 0;

	g_string_append(script,
			"set title 'What one read costs: share of the batches that were "
			"cheaper'\nset xlabel 'ns a read'\nset ylabel 'share'\nset key bottom "
			"right\nset logscale x\nset grid\nset yrange [0:1]\n");
	for (guint i = 0; i < report->reads->rows->len; i++) {
		const struct kvt_read_row *row =
			&g_array_index(report->reads->rows, struct kvt_read_row, i);

		if (row->batches_ns == NULL || row->batches_ns->len < 2)
			continue;
		add_distribution(script, row->batches_ns, block);
		g_string_append_printf(plot, "%s$data%u using 1:2 with lines lw 2 title '%s: %s'",
				       block > 0 ? ", " : "", block, report->labels[row->source],
				       kvt_read_whats[row->what].name);
		block++;
	}
	g_string_append_printf(script, "%s\n", plot->str);
}

static void plot_trial(GString *script, const struct kvt_bench_report *report)
{
	g_string_append_printf(
		script,
		"set title 'Effect of the clock source on the command, against %s (95 %%)'\n"
		"set ylabel 'percent'\nset grid\nset xrange [0.5:%u.5]\nset xzeroaxis lw 2\n"
		"set key off\n$data << EOD\n",
		report->labels[0], report->sources->n - 1);
	for (unsigned i = 1; i < report->sources->n; i++) {
		const struct kvt_interval *r =
			&g_array_index(report->trial->effects, struct kvt_trial_effect, i - 1)
				 .ratio;

		if (r->n > 1)
			g_string_append_printf(script, "%u %.5f %.5f %.5f \"%s\"\n", i,
					       100 * r->mean, 100 * r->low, 100 * r->high,
					       report->labels[i]);
	}
	g_string_append(script,
			"EOD\nplot $data using 1:2:3:4:xtic(5) with yerrorbars pt 7 lw 2\n");
}

bool kvt_bench_plot(const struct kvt_bench_report *report, const char *output, GError **error)
{
	g_autoptr(GString) script = g_string_new(NULL);

	kvt_gnuplot_output(script, output);
	if (report->trial != NULL)
		plot_trial(script, report);
	else if (report->reads != NULL)
		plot_reads(script, report);
	else {
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE,
			    "--plot draws read costs and workload effects, not this");
		return false;
	}
	return kvt_gnuplot_run(script->str, error);
}
