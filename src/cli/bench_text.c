/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/text.h"

const char *kvt_bench_path_word(enum kvt_bench_path path)
{
	return path == KVT_BENCH_PATH_VDSO      ? "vDSO"
	       : path == KVT_BENCH_PATH_SYSCALL ? "system call"
						: "unknown";
}

const char *kvt_bench_trust_word(enum kvt_trust trust)
{
	return trust == KVT_TRUST_YES ? "yes" : trust == KVT_TRUST_NO ? "no" : "unknown";
}

const char *kvt_bench_end_word(enum kvt_trial_end end)
{
	const char *const words[] = {
		[KVT_TRIAL_PRECISE] = "precise",
		[KVT_TRIAL_BUDGET] = "budget",
		[KVT_TRIAL_STOPPED] = "stopped",
		[KVT_TRIAL_LOST] = "lost",
	};

	return words[end];
}

bool kvt_bench_is_complete(const struct kvt_bench_report *report)
{
	if (report->trial != NULL)
		return report->trial->end == KVT_TRIAL_PRECISE ||
		       report->trial->end == KVT_TRIAL_BUDGET;
	if (report->stability != NULL)
		return !report->stability->lost && !report->stability->stopped;
	return report->reads == NULL || !report->reads->stopped;
}

double kvt_bench_predicted_s(const struct kvt_bench_report *report, unsigned source)
{
	double sum_ns = 0;

	for (unsigned kind = 0; kind < KVT_COUNT_KINDS; kind++) {
		const clockid_t clock = kvt_count_clock(kind);
		const struct kvt_read_row *row = NULL;

		if (report->count->reads[kind] == 0)
			continue;
		for (unsigned what = 0; what < kvt_read_n_whats; what++)
			if (!kvt_read_whats[what].peer && kvt_read_whats[what].clock == clock)
				row = kvt_reads_row(report->reads, source, what);
		if (row == NULL || !row->libc.known)
			return NAN;
		sum_ns += (double)report->count->reads[kind] * row->libc.median_ns;
	}
	return sum_ns / 1e9;
}

/* ---- tables ---- */

static void free_row(gpointer row)
{
	g_strfreev(row);
}

static GPtrArray *table_new(void)
{
	return g_ptr_array_new_with_free_func(free_row);
}

/* cells with '|' between them */
static void add_row(GPtrArray *rows, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add_row(GPtrArray *rows, const char *format, ...)
{
	va_list arguments;
	g_autofree char *line = NULL;

	va_start(arguments, format);
	line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(rows, g_strsplit(line, "|", -1));
}

static char *cost(double ns)
{
	return isfinite(ns) ? kvt_text_ns(ns, false) : g_strdup("-");
}

/* ---- reads ---- */

static void print_verdict_of_read(const struct kvt_bench_report *report, unsigned source)
{
	const struct kvt_read_row *row = kvt_reads_row(report->reads, source, KVT_READ_MONOTONIC);
	g_autofree char *median = NULL;
	g_autofree char *name = kvt_text_paint(KVT_BOLD, report->labels[source]);

	if (row == NULL || !row->libc.known) {
		printf("%s: not measured; the kernel took it away.\n", name);
		return;
	}
	median = cost(row->libc.median_ns);
	printf("%s: %s a read, %s", name, median,
	       row->path == KVT_BENCH_PATH_VDSO ? "answered by the vDSO"
	       : row->path == KVT_BENCH_PATH_SYSCALL
		       ? "a system call each time: the vDSO is not used"
		       : "vDSO or system call is not known");
	if (source > 0 && row->dearer_ns.n >= 2) {
		const struct kvt_interval *d = &row->dearer_ns;

		if (kvt_trial_differs(d))
			printf("; %+.2f ns (%+.2f .. %+.2f) against %s", d->mean, d->low, d->high,
			       report->labels[0]);
		else
			printf("; no difference larger than %.2f ns from %s",
			       MAX(fabs(d->low), fabs(d->high)), report->labels[0]);
	}
	printf("%s\n", report->reads->lost[source] ? "; the kernel took it away in the run" : ".");
}

static bool is_shown(const struct kvt_read_row *row, bool verbose)
{
	const char *const common[] = { "MONOTONIC", "REALTIME", "MONOTONIC_RAW", "MONOTONIC_COARSE",
				       NULL };

	return verbose || kvt_read_whats[row->what].peer ||
	       g_strv_contains(common, kvt_read_whats[row->what].name);
}

static void print_costs(const struct kvt_bench_report *report, bool verbose)
{
	g_autoptr(GPtrArray) rows = table_new();

	add_row(rows, "source|clock|answered by|min|median|p99|system call|resolution");
	for (guint i = 0; i < report->reads->rows->len; i++) {
		const struct kvt_read_row *row =
			&g_array_index(report->reads->rows, struct kvt_read_row, i);
		g_autofree char *min = cost(row->libc.known ? row->libc.min_ns : NAN);
		g_autofree char *median = cost(row->libc.median_ns);
		g_autofree char *p99 = cost(row->libc.known ? row->libc.p99_ns : NAN);
		g_autofree char *call = cost(row->syscall.median_ns);
		g_autofree char *resolution = cost(row->resolution_ns);

		if (is_shown(row, verbose))
			add_row(rows, "%s|%s|%s|%s|%s|%s|%s|%s", report->labels[row->source],
				kvt_read_whats[row->what].name,
				kvt_read_whats[row->what].peer ? "-"
							       : kvt_bench_path_word(row->path),
				min, median, p99, call, resolution);
	}
	printf("\n");
	kvt_text_table(rows, "lllrrrrr");
}

static void print_threads(const struct kvt_reads *reads, const struct kvt_bench_report *report)
{
	g_autoptr(GPtrArray) rows = table_new();

	add_row(rows, "source|threads|a MONOTONIC read, all at once");
	for (guint i = 0; i < reads->threads->len; i++) {
		const struct kvt_read_threads *t =
			&g_array_index(reads->threads, struct kvt_read_threads, i);
		g_autofree char *median = cost(t->median_ns);

		add_row(rows, "%s|%u|%s", report->labels[t->source], t->threads, median);
	}
	printf("\n");
	kvt_text_table(rows, "lrr");
}

static void print_agreement(const struct kvt_reads *reads, const struct kvt_bench_report *report)
{
	for (guint i = 0; i < reads->agreements->len; i++) {
		const struct kvt_read_agreement *a =
			&g_array_index(reads->agreements, struct kvt_read_agreement, i);

		printf("%s: back steps on one CPU: %" G_GUINT64_FORMAT " in %" G_GUINT64_FORMAT
		       " reads",
		       report->labels[a->source], a->backward, a->reads);
		if (a->known && a->warp.cpus > 1)
			printf("; between %u CPUs: %" G_GUINT64_FORMAT " in %" G_GUINT64_FORMAT
			       ", offset known to %.0f ns",
			       a->warp.cpus, a->warp.backward, a->warp.reads,
			       a->warp.resolution_ns);
		printf("\n");
	}
}

static void print_reads(const struct kvt_bench_report *report, bool verbose)
{
	for (unsigned i = 0; i < report->sources->n; i++)
		print_verdict_of_read(report, i);
	print_costs(report, verbose);
	print_threads(report->reads, report);
	printf("\n");
	print_agreement(report->reads, report);
	if (report->reads->no_page != NULL)
		printf("Our pvclock reader has no row: %s\n", report->reads->no_page);
	printf("%u interleaved blocks%s; the loop's own time is subtracted; intervals are of 95 %%.\n",
	       report->reads->blocks, report->reads->stopped ? ", interrupted" : "");
}

/* ---- workload ---- */

static void print_effect(const struct kvt_bench_report *report, unsigned source)
{
	const struct kvt_trial_effect *effect =
		&g_array_index(report->trial->effects, struct kvt_trial_effect, source - 1);
	const struct kvt_interval *r = &effect->ratio;
	const bool is_time = report->compare->command->metric == NULL;
	const char *first = report->labels[0], *mine = report->labels[source];

	if (r->n < 2)
		printf("%s against %s: not known, %u blocks are too few.\n", mine, first, r->n);
	else if (!kvt_trial_differs(r))
		printf("%s against %s: no difference larger than %.2f %%.\n", mine, first,
		       100 * MAX(fabs(r->low), fabs(r->high)));
	else
		printf("%s against %s: %.2f %% %s (%+.2f .. %+.2f %%).\n", mine, first,
		       100 * fabs(r->mean),
		       is_time ? (r->mean > 0 ? "more time" : "less time")
			       : (r->mean > 0 ? "higher" : "lower"),
		       100 * r->low, 100 * r->high);
	if (effect->lost)
		printf("The kernel took %s away in the run: what it has is from before.\n", mine);
}

static double median_value(const struct kvt_trial *trial, unsigned source, unsigned *ret_rounds,
			   unsigned *ret_disturbed)
{
	g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));

	*ret_disturbed = 0;
	for (guint i = 0; i < trial->rounds->len; i++) {
		const struct kvt_trial_round *round =
			&g_array_index(trial->rounds, struct kvt_trial_round, i);

		if (round->source != source || round->lost)
			continue;
		g_array_append_val(values, round->value);
		*ret_disturbed += round->disturbed;
	}
	*ret_rounds = values->len;
	return kvt_stats_median(values);
}

/* a run that was interrupted early has no round of some source */
static char *median_text(const struct kvt_bench_report *report, double median)
{
	if (!isfinite(median))
		return g_strdup("-");
	return g_strdup_printf("%.6g%s", median,
			       report->compare->command->metric == NULL ? " s" : "");
}

static char *interval_text(const struct kvt_interval *r)
{
	if (r->n < 2)
		return g_strdup("-");
	return g_strdup_printf("%+.2f %% (%+.2f .. %+.2f)", 100 * r->mean, 100 * r->low,
			       100 * r->high);
}

static void print_rounds(const struct kvt_bench_report *report)
{
	g_autoptr(GPtrArray) rows = table_new();

	add_row(rows, "source|rounds|disturbed|median|effect, all rounds|without disturbed blocks");
	for (unsigned i = 0; i < report->sources->n; i++) {
		unsigned rounds, disturbed;
		const double median = median_value(report->trial, i, &rounds, &disturbed);
		const struct kvt_trial_effect *effect =
			i > 0 ? &g_array_index(report->trial->effects, struct kvt_trial_effect,
					       i - 1)
			      : NULL;
		g_autofree char *all =
			effect != NULL ? interval_text(&effect->ratio) : g_strdup("compared with");
		g_autofree char *quiet = effect != NULL && report->trial->disturbed > 0
						 ? interval_text(&effect->undisturbed_ratio)
						 : g_strdup("");

		g_autofree char *middle = median_text(report, median);

		add_row(rows, "%s|%u|%u|%s|%s|%s", report->labels[i], rounds, disturbed, middle,
			all, quiet);
	}
	printf("\n");
	kvt_text_table(rows, "lrrrll");
}

static void print_trial(const struct kvt_bench_report *report)
{
	const struct kvt_trial *trial = report->trial;
	double widest = 0;

	for (unsigned i = 1; i < report->sources->n; i++)
		print_effect(report, i);
	print_rounds(report);
	for (guint i = 0; i < trial->effects->len; i++) {
		const struct kvt_interval *r =
			&g_array_index(trial->effects, struct kvt_trial_effect, i).ratio;

		widest = MAX(widest, (r->high - r->low) / 2);
	}
	switch (trial->end) {
	case KVT_TRIAL_PRECISE:
		printf("%u blocks: the precision of %.2g %% is reached.", trial->blocks,
		       100 * report->compare->plan.precision);
		break;
	case KVT_TRIAL_BUDGET:
		printf("%u blocks: the budget of %.0f s is spent", trial->blocks, report->budget_s);
		if (isfinite(widest))
			printf(" at +-%.2f %%", 100 * widest);
		printf(", the precision of %.2g %% not reached.",
		       100 * report->compare->plan.precision);
		break;
	case KVT_TRIAL_STOPPED:
		printf("%u blocks: interrupted.", trial->blocks);
		break;
	case KVT_TRIAL_LOST:
		printf("%u blocks: nothing is left to compare.", trial->blocks);
		break;
	}
	printf(" Intervals are of 95 %%.\n");
	if (trial->disturbed > 0)
		printf("%u rounds were disturbed by steal over %.0f %% or by throttling; they are "
		       "counted.\n",
		       trial->disturbed, 100 * KVT_DISTURBED_STEAL);
}

/* ---- counted reads ---- */

static void print_counts(const struct kvt_bench_report *report)
{
	const struct kvt_count *count = report->count;
	g_autoptr(GPtrArray) rows = table_new();

	add_row(rows, "call|reads|a second|answered by");
	for (unsigned kind = 0; kind < KVT_COUNT_KINDS; kind++)
		if (count->reads[kind] > 0) {
			const clockid_t clock = kvt_count_clock(kind);

			add_row(rows, "%s|%" G_GUINT64_FORMAT "|%.0f|%s", kvt_count_name(kind),
				count->reads[kind], (double)count->reads[kind] / count->seconds,
				clock >= 0 ? kvt_bench_path_word(kvt_bench_path(clock))
					   : "unknown");
		}
	printf("\n");
	kvt_text_table(rows, "lrrl");
}

static void print_predictions(const struct kvt_bench_report *report)
{
	g_autoptr(GPtrArray) rows = table_new();
	const double base_s = kvt_bench_predicted_s(report, 0);

	add_row(rows, "source|CPU time of the reads|of the command's|against %s",
		report->labels[0]);
	for (unsigned i = 0; i < report->sources->n; i++) {
		const double reads_s = kvt_bench_predicted_s(report, i);
		g_autofree char *total = cost(reads_s * 1e9);
		g_autofree char *share =
			isfinite(reads_s)
				? g_strdup_printf("%.3g %%",
						  100 * reads_s /
							  MAX(report->count->cpu_seconds, 1e-9))
				: g_strdup("-");
		g_autofree char *more = isfinite(reads_s - base_s)
						? g_strdup_printf("%+.3f s", reads_s - base_s)
						: g_strdup("-");

		add_row(rows, "%s|%s|%s|%s", report->labels[i], total, share, i == 0 ? "" : more);
	}
	printf("\n");
	kvt_text_table(rows, "lrrr");
}

static void print_count(const struct kvt_bench_report *report)
{
	const struct kvt_count *count = report->count;
	uint64_t all = 0;

	for (unsigned kind = 0; kind < KVT_COUNT_KINDS; kind++)
		all += count->reads[kind];
	if (count->processes == 0) {
		printf("Not counted: no process of the command loaded the counting library (static, "
		       "set-user-ID, or not using libc).\n");
		return;
	}
	printf("%" G_GUINT64_FORMAT " clock reads in %.2f s, %.0f a second, by %" G_GUINT64_FORMAT
	       " process%s through libc; the command used %.2f s of CPU time.\n",
	       all, count->seconds, (double)all / count->seconds, count->processes,
	       count->processes == 1 ? "" : "es", count->cpu_seconds);
	if (all == 0)
		return;
	print_counts(report);
	print_predictions(report);
	printf("Reads that do not go through libc (static programs, Go) are not seen.\n");
}

/* ---- stability ---- */

static const char *counts_word(const struct kvt_stability_clock *clock)
{
	return !clock->independent ? "the TSC" : clock->of_host ? "the host's clock" : "its own";
}

static void print_clocks(const struct kvt_stability *stability)
{
	g_autoptr(GPtrArray) rows = table_new();

	add_row(rows, "clock|counts|watched|rate against the TSC|wander");
	for (guint i = 0; i < stability->clocks->len; i++) {
		const struct kvt_stability_clock *clock = g_ptr_array_index(stability->clocks, i);
		const char *sign = kvt_text_symbol("±", "+-");

		if (clock->seconds > 0)
			add_row(rows, "%s|%s|%.1f s|%+.3f ppm %s %.3f|%.0f ns %s %.0f", clock->name,
				counts_word(clock), clock->seconds, clock->rate_ppm, sign,
				clock->rate_bound_ppm, clock->wander_ns, sign,
				clock->wander_bound_ns);
		else
			add_row(rows, "%s|%s|-|%+.3f ppm %s %.3f|-", clock->name,
				counts_word(clock), clock->rate_ppm, sign, clock->rate_bound_ppm);
	}
	printf("\n");
	kvt_text_table(rows, "llrrr");
}

static void print_stability(const struct kvt_stability *stability)
{
	const char *const verdicts[] = {
		[KVT_TRUST_YES] = "The TSC may be trusted here.",
		[KVT_TRUST_NO] = "The TSC must not be trusted here.",
		[KVT_TRUST_UNKNOWN] = "Whether the TSC may be trusted here is unknown.",
	};
	g_autofree char *verdict = kvt_text_paint(KVT_BOLD, verdicts[stability->trust]);

	printf("%s\n", verdict);
	for (guint i = 0; i < stability->evidence->len; i++)
		kvt_text_wrap(2, g_ptr_array_index(stability->evidence, i));
	print_clocks(stability);
	if (isfinite(stability->disturbance.steal))
		printf("Steal in the run: %.2f %% of the CPU time.\n",
		       100 * stability->disturbance.steal);
	if (stability->lost)
		printf("The kernel took a clock source away in the run.\n");
	if (stability->stopped)
		printf("Interrupted: this is from the time before.\n");
}

void kvt_bench_print_text(const struct kvt_bench_report *report, bool verbose)
{
	if (report->stability != NULL)
		print_stability(report->stability);
	else if (report->count != NULL)
		print_count(report);
	else if (report->trial != NULL)
		print_trial(report);
	else if (report->reads != NULL)
		print_reads(report, verbose);
	printf("%s. ", report->machine);
	if (report->switched)
		printf("The clock source is back on %s.\n", report->restored);
	else
		printf("The clock source stayed on %s.\n", report->restored);
}
