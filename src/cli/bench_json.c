/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>

#include "cli/bench.h"
#include "cli/json.h"

#define SCHEMA "kvmtime.bench/1"

static void begin_object(JsonBuilder *builder, const char *name)
{
	if (name != NULL)
		json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
}

static void begin_array(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
}

static void add_interval(JsonBuilder *builder, const char *name, const struct kvt_interval *i)
{
	begin_object(builder, name);
	kvt_json_int(builder, "n", i->n);
	kvt_json_double(builder, "mean", i->mean);
	kvt_json_double(builder, "low", i->low);
	kvt_json_double(builder, "high", i->high);
	json_builder_end_object(builder);
}

static void add_cost(JsonBuilder *builder, const char *name, const struct kvt_read_cost *cost)
{
	begin_object(builder, name);
	kvt_json_double(builder, "min_ns", cost->known ? cost->min_ns : NAN);
	kvt_json_double(builder, "median_ns", cost->median_ns);
	kvt_json_double(builder, "p99_ns", cost->known ? cost->p99_ns : NAN);
	kvt_json_double(builder, "overhead_ns", cost->known ? cost->overhead_ns : NAN);
	json_builder_end_object(builder);
}

static void add_warp(JsonBuilder *builder, const char *name, const struct kvt_bench_warp *warp)
{
	begin_object(builder, name);
	kvt_json_int(builder, "cpus", warp->cpus);
	kvt_json_int(builder, "unreached", warp->unreached);
	kvt_json_int(builder, "reads", (int64_t)warp->reads);
	kvt_json_int(builder, "backward", (int64_t)warp->backward);
	kvt_json_double(builder, "backward_ns", warp->backward_ns);
	kvt_json_double(builder, "offset_ns", warp->offset_ns);
	kvt_json_double(builder, "resolution_ns", warp->resolution_ns);
	kvt_json_int(builder, "reference_cpu", warp->reference_cpu);
	kvt_json_int(builder, "cpu", warp->cpu);
	json_builder_end_object(builder);
}

static void add_read_rows(JsonBuilder *builder, const struct kvt_reads *reads)
{
	begin_array(builder, "rows");
	for (guint i = 0; i < reads->rows->len; i++) {
		const struct kvt_read_row *row =
			&g_array_index(reads->rows, struct kvt_read_row, i);
		const struct kvt_read_what *what = &kvt_read_whats[row->what];

		begin_object(builder, NULL);
		kvt_json_int(builder, "source", row->source);
		kvt_json_string(builder, "clock", what->name);
		kvt_json_bool(builder, "peer", what->peer);
		kvt_json_string(builder, "path",
				what->peer ? NULL : kvt_bench_path_word(row->path));
		kvt_json_double(builder, "resolution_ns", row->resolution_ns);
		add_cost(builder, "libc", &row->libc);
		if (!what->peer)
			add_cost(builder, "syscall", &row->syscall);
		if (row->dearer_ns.n > 0)
			add_interval(builder, "against_first_ns", &row->dearer_ns);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_threads(JsonBuilder *builder, const struct kvt_reads *reads)
{
	begin_array(builder, "threads");
	for (guint i = 0; i < reads->threads->len; i++) {
		const struct kvt_read_threads *t =
			&g_array_index(reads->threads, struct kvt_read_threads, i);

		begin_object(builder, NULL);
		kvt_json_int(builder, "source", t->source);
		kvt_json_int(builder, "threads", t->threads);
		kvt_json_double(builder, "median_ns", t->median_ns);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_agreements(JsonBuilder *builder, const struct kvt_reads *reads)
{
	begin_array(builder, "agreement");
	for (guint i = 0; i < reads->agreements->len; i++) {
		const struct kvt_read_agreement *a =
			&g_array_index(reads->agreements, struct kvt_read_agreement, i);

		begin_object(builder, NULL);
		kvt_json_int(builder, "source", a->source);
		kvt_json_int(builder, "same_cpu_reads", (int64_t)a->reads);
		kvt_json_int(builder, "same_cpu_backward", (int64_t)a->backward);
		if (a->known)
			add_warp(builder, "across_cpus", &a->warp);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_reads(JsonBuilder *builder, const struct kvt_bench_report *report)
{
	begin_object(builder, "reads");
	kvt_json_int(builder, "blocks", report->reads->blocks);
	add_read_rows(builder, report->reads);
	add_threads(builder, report->reads);
	add_agreements(builder, report->reads);
	json_builder_end_object(builder);
}

static void add_rounds(JsonBuilder *builder, const struct kvt_trial *trial)
{
	begin_array(builder, "rounds");
	for (guint i = 0; i < trial->rounds->len; i++) {
		const struct kvt_trial_round *round =
			&g_array_index(trial->rounds, struct kvt_trial_round, i);

		begin_object(builder, NULL);
		kvt_json_int(builder, "block", round->block);
		kvt_json_int(builder, "source", round->source);
		kvt_json_double(builder, "value", round->value);
		kvt_json_double(builder, "seconds", (double)round->took_ns / 1e9);
		kvt_json_double(builder, "steal", round->steal);
		kvt_json_int(builder, "throttled", (int64_t)round->throttled);
		kvt_json_bool(builder, "disturbed", round->disturbed);
		kvt_json_bool(builder, "lost", round->lost);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_effects(JsonBuilder *builder, const struct kvt_trial *trial)
{
	begin_array(builder, "effects");
	for (guint i = 0; i < trial->effects->len; i++) {
		const struct kvt_trial_effect *effect =
			&g_array_index(trial->effects, struct kvt_trial_effect, i);

		begin_object(builder, NULL);
		kvt_json_int(builder, "source", i + 1);
		kvt_json_bool(builder, "differs",
			      effect->ratio.n > 1 && kvt_trial_differs(&effect->ratio));
		kvt_json_bool(builder, "lost", effect->lost);
		add_interval(builder, "ratio", &effect->ratio);
		add_interval(builder, "undisturbed_ratio", &effect->undisturbed_ratio);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_trial(JsonBuilder *builder, const struct kvt_bench_report *report)
{
	const GRegex *metric = report->compare->command->metric;

	begin_object(builder, "workload");
	kvt_json_string(builder, "metric", metric != NULL ? g_regex_get_pattern(metric) : NULL);
	kvt_json_double(builder, "precision", report->compare->plan.precision);
	kvt_json_double(builder, "budget_s", report->budget_s);
	kvt_json_int(builder, "seed", report->compare->plan.seed);
	kvt_json_double(builder, "warm_up", report->compare->warm_up);
	kvt_json_int(builder, "blocks", report->trial->blocks);
	kvt_json_int(builder, "looks", report->trial->looks);
	kvt_json_int(builder, "disturbed", report->trial->disturbed);
	kvt_json_string(builder, "end", kvt_bench_end_word(report->trial->end));
	add_effects(builder, report->trial);
	add_rounds(builder, report->trial);
	json_builder_end_object(builder);
}

static void add_predictions(JsonBuilder *builder, const struct kvt_bench_report *report)
{
	begin_array(builder, "predictions");
	for (unsigned i = 0; i < report->sources->n; i++) {
		begin_object(builder, NULL);
		kvt_json_int(builder, "source", i);
		kvt_json_double(builder, "cpu_seconds", kvt_bench_predicted_s(report, i));
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_count(JsonBuilder *builder, const struct kvt_bench_report *report)
{
	const struct kvt_count *count = report->count;

	begin_object(builder, "counted");
	kvt_json_int(builder, "processes", (int64_t)count->processes);
	kvt_json_double(builder, "seconds", count->seconds);
	kvt_json_double(builder, "cpu_seconds", count->cpu_seconds);
	begin_array(builder, "calls");
	for (unsigned kind = 0; kind < KVT_COUNT_KINDS; kind++) {
		const clockid_t clock = kvt_count_clock(kind);

		if (count->reads[kind] == 0)
			continue;
		begin_object(builder, NULL);
		kvt_json_string(builder, "call", kvt_count_name(kind));
		kvt_json_u64(builder, "reads", count->reads[kind]);
		kvt_json_string(builder, "path",
				clock >= 0 ? kvt_bench_path_word(kvt_bench_path(clock))
					   : "unknown");
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	add_predictions(builder, report);
	json_builder_end_object(builder);
}

static void add_clocks(JsonBuilder *builder, const struct kvt_stability *stability)
{
	begin_array(builder, "clocks");
	for (guint i = 0; i < stability->clocks->len; i++) {
		const struct kvt_stability_clock *clock = g_ptr_array_index(stability->clocks, i);

		begin_object(builder, NULL);
		kvt_json_string(builder, "name", clock->name);
		kvt_json_bool(builder, "independent", clock->independent);
		kvt_json_bool(builder, "of_host", clock->of_host);
		kvt_json_double(builder, "seconds", clock->seconds);
		kvt_json_int(builder, "samples", clock->samples);
		kvt_json_double(builder, "rate_ppm", clock->rate_ppm);
		kvt_json_double(builder, "rate_bound_ppm", clock->rate_bound_ppm);
		kvt_json_double(builder, "wander_ns", clock->wander_ns);
		kvt_json_double(builder, "wander_bound_ns", clock->wander_bound_ns);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_stability(JsonBuilder *builder, const struct kvt_stability *stability)
{
	begin_object(builder, "stability");
	kvt_json_string(builder, "trust", kvt_bench_trust_word(stability->trust));
	begin_array(builder, "evidence");
	for (guint i = 0; i < stability->evidence->len; i++)
		json_builder_add_string_value(builder, g_ptr_array_index(stability->evidence, i));
	json_builder_end_array(builder);
	add_clocks(builder, stability);
	if (stability->has_warp)
		add_warp(builder, "warp", &stability->warp);
	kvt_json_double(builder, "steal", stability->disturbance.steal);
	kvt_json_bool(builder, "lost", stability->lost);
	json_builder_end_object(builder);
}

void kvt_bench_print_json(const struct kvt_bench_report *report)
{
	JsonBuilder *builder = kvt_json_begin(SCHEMA, "/", kvt_bench_is_complete(report));

	begin_array(builder, "sources");
	for (unsigned i = 0; i < report->sources->n; i++)
		json_builder_add_string_value(builder, report->labels[i]);
	json_builder_end_array(builder);
	kvt_json_string(builder, "machine", report->machine);
	kvt_json_bool(builder, "switched", report->switched);
	kvt_json_string(builder, "clocksource_now", report->restored);
	if (report->command != NULL) {
		begin_array(builder, "command");
		for (char **word = report->command; *word != NULL; word++) {
			g_autofree char *valid = g_utf8_make_valid(*word, -1);

			json_builder_add_string_value(builder, valid);
		}
		json_builder_end_array(builder);
	}
	if (report->reads != NULL)
		add_reads(builder, report);
	if (report->trial != NULL)
		add_trial(builder, report);
	if (report->count != NULL)
		add_count(builder, report);
	if (report->stability != NULL)
		add_stability(builder, report->stability);
	kvt_json_end(builder, true);
}
