/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/lab_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/report.h"
#include "cli/text.h"

static const char *const verdict_names[] = { "good", "bad", "info", "unknown" };
static const char *const state_names[] = { "measured", "skipped", "failed" };

unsigned int lab_report_bad(const struct lab_report *report)
{
	unsigned int bad = 0;

	for (guint i = 0; i < report->results->len; i++) {
		const struct lab_result *result = report->results->pdata[i];

		bad += result->state == LAB_FAILED ||
		       (result->state == LAB_MEASURED && lab_result_is_bad(result));
	}
	return bad;
}

static unsigned int count_state(const struct lab_report *report, enum lab_state state)
{
	unsigned int number = 0;

	for (guint i = 0; i < report->results->len; i++)
		number += ((const struct lab_result *)report->results->pdata[i])->state == state;
	return number;
}

static void print_verdict(const struct lab_report *report)
{
	const unsigned int bad = lab_report_bad(report), skipped = count_state(report, LAB_SKIPPED);
	g_autoptr(GString) line = g_string_new(NULL);

	if (bad == 0 && count_state(report, LAB_MEASURED) > 0)
		g_string_append(line,
				"The time that this host gives to its guests is right, as far as "
				"was measured.");
	else if (bad == 0)
		g_string_append(line, "Nothing could be measured here.");
	else
		g_string_append_printf(line, "%u of %u experiments found something wrong.", bad,
				       report->results->len);
	if (skipped > 0)
		g_string_append_printf(line, "  %u skipped.", skipped);
	printf("%s\n", line->str);
}

static void print_machine(const struct lab_report *report)
{
	const struct lab_machine *m = report->machine;

	printf("%s, clock source %s, TSC %.3f MHz, %u CPUs; %.1f s at nice %d, %s; no running VM was "
	       "touched.\n\n",
	       m->backend, m->clocksource, m->tsc_khz / 1e3, m->cpus, report->seconds, report->nice,
	       m->loop_ips < 50e6 ? "guests run in software" : "guests run in hardware");
}

static void print_measure(const struct lab_measure *measure)
{
	g_autofree char *value = lab_format(measure->value, measure->unit);
	g_autofree char *bound = lab_format(measure->bound, measure->unit);
	g_autofree char *word = kvt_text_paint(measure->verdict == LAB_BAD    ? KVT_RED
					       : measure->verdict == LAB_GOOD ? KVT_GREEN
									      : KVT_DIM,
					       verdict_names[measure->verdict]);
	const bool unknown = measure->verdict == LAB_UNKNOWN;

	printf("    %-26s %s%s%s  %s\n", measure->name, unknown ? "-" : value,
	       measure->bound > 0 && !unknown ? kvt_text_symbol(" ± ", " +- ") : "",
	       measure->bound > 0 && !unknown ? bound : "", word);
	if (measure->meaning != NULL)
		kvt_text_wrap(8, measure->meaning);
}

static void print_details(const struct lab_result *result, bool verbose)
{
	for (guint i = 0; i < result->measures->len; i++) {
		const struct lab_measure *measure = result->measures->pdata[i];

		if (verbose || measure->verdict == LAB_BAD)
			print_measure(measure);
	}
	for (guint i = 0; i < result->controls->len; i++) {
		const struct lab_control *control = result->controls->pdata[i];

		if (verbose || !control->detected)
			printf("    control: %s: %s (%s)\n", control->what,
			       control->detected ? "detected"
						 : "NOT DETECTED, so do not trust the rest",
			       control->seen);
	}
}

static const char *word_of(const struct lab_result *result, enum kvt_colour *ret_colour)
{
	*ret_colour = KVT_DIM;
	if (result->state == LAB_SKIPPED)
		return "skipped";
	*ret_colour = KVT_RED;
	if (result->state == LAB_FAILED)
		return "failed";
	if (lab_result_is_bad(result))
		return "bad";
	*ret_colour = KVT_GREEN;
	return "good";
}

static void print_result(const struct lab_result *result, bool verbose)
{
	const unsigned int unknown = lab_result_unknown(result);
	enum kvt_colour colour;
	const char *word = word_of(result, &colour);
	g_autofree char *painted = kvt_text_paint(colour, word);
	g_autofree char *safe = kvt_text_printable(result->state == LAB_MEASURED ? result->sentence
										 : result->reason);

	printf("%-8s %s%*s  %s", result->name, painted, (int)(8 - strlen(word)), "", safe);
	if (unknown > 0)
		printf(" (%u number%s could not be judged: -v)", unknown, unknown == 1 ? "" : "s");
	printf("\n");
	print_details(result, verbose);
}

static void print_kernel(const struct lab_kernel_events *kernel)
{
	if (kernel->reason != NULL)
		printf("kernel events: not read: %s\n", kernel->reason);
	else
		printf("kernel events: %u clock pages written, master clock on %u and off %u times, %u TSC "
		       "offsets written\n",
		       kernel->pages, kernel->master_on, kernel->master_off, kernel->offsets);
}

static void print_more(const struct kvt_judgement *judgement)
{
	printf("more: kvmtime lab -v (every number with its bound, and the faults made on purpose)");
	if (judgement->found->len > 0)
		printf("; kvmtime explain %s",
		       ((const struct kvt_finding *)judgement->found->pdata[0])->rule->id);
	printf("\n");
}

void lab_report_text(const struct lab_report *report, bool verbose)
{
	print_verdict(report);
	print_machine(report);
	for (guint i = 0; i < report->results->len; i++)
		print_result(report->results->pdata[i], verbose);
	printf("\n");
	kvt_report_findings(report->judgement, verbose);
	if (verbose)
		print_kernel(&report->kernel);
	else
		print_more(report->judgement);
}

/* ---- JSON ---- */

static void json_machine(JsonBuilder *builder, const struct lab_machine *m)
{
	json_builder_set_member_name(builder, "machine");
	json_builder_begin_object(builder);
	kvt_json_string(builder, "backend", m->backend);
	kvt_json_string(builder, "clocksource", m->clocksource);
	kvt_json_int(builder, "cpus", m->cpus);
	kvt_json_int(builder, "tsc_khz", m->tsc_khz);
	kvt_json_double(builder, "tsc_khz_measured", m->tsc_khz_measured);
	kvt_json_double(builder, "instructions_per_s", m->loop_ips);
	kvt_json_double(builder, "guest_read_ns", m->read_ns);
	kvt_json_double(builder, "exit_ns", m->exit_ns);
	kvt_json_double(builder, "create_ns", m->create_ns);
	kvt_json_bool(builder, "interrupt_in_service_visible", m->in_service);
	kvt_json_bool(builder, "tsc_write_effective", m->tsc_write);
	kvt_json_bool(builder, "tsc_offset_effective", m->tsc_offset);
	json_builder_end_object(builder);
}

static void json_measures(JsonBuilder *builder, const struct lab_result *result)
{
	json_builder_set_member_name(builder, "measures");
	json_builder_begin_array(builder);
	for (guint i = 0; i < result->measures->len; i++) {
		const struct lab_measure *measure = result->measures->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "name", measure->name);
		kvt_json_double(builder, "value",
				measure->verdict == LAB_UNKNOWN ? NAN : measure->value);
		kvt_json_double(builder, "bound", measure->bound);
		kvt_json_string(builder, "unit", measure->unit);
		kvt_json_string(builder, "verdict", verdict_names[measure->verdict]);
		kvt_json_string(builder, "meaning", measure->meaning);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void json_controls(JsonBuilder *builder, const struct lab_result *result)
{
	json_builder_set_member_name(builder, "controls");
	json_builder_begin_array(builder);
	for (guint i = 0; i < result->controls->len; i++) {
		const struct lab_control *control = result->controls->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "fault", control->what);
		kvt_json_bool(builder, "detected", control->detected);
		kvt_json_string(builder, "seen", control->seen);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void json_histograms(JsonBuilder *builder, const struct lab_result *result)
{
	json_builder_set_member_name(builder, "histograms");
	json_builder_begin_array(builder);
	for (guint i = 0; i < result->histograms->len; i++) {
		const struct lab_histogram *histogram = result->histograms->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "name", histogram->name);
		kvt_json_int(builder, "count", histogram->values_ns->len);
		kvt_json_double(builder, "p50_ns", lab_percentile(histogram->values_ns, 0.5));
		kvt_json_double(builder, "p99_ns", lab_percentile(histogram->values_ns, 0.99));
		kvt_json_double(builder, "max_ns", lab_percentile(histogram->values_ns, 1));
		json_builder_set_member_name(builder, "values_ns");
		json_builder_begin_array(builder);
		for (guint v = 0; v < MIN(histogram->values_ns->len, 1000u); v++)
			json_builder_add_double_value(
				builder, g_array_index(histogram->values_ns, double, v));
		json_builder_end_array(builder);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void json_kernel(JsonBuilder *builder, const struct lab_kernel_events *kernel)
{
	json_builder_set_member_name(builder, "kernel_events");
	json_builder_begin_object(builder);
	kvt_json_string(builder, "not_read", kernel->reason);
	kvt_json_int(builder, "pages", kernel->pages);
	kvt_json_int(builder, "master_clock_on", kernel->master_on);
	kvt_json_int(builder, "master_clock_off", kernel->master_off);
	kvt_json_int(builder, "tsc_offsets", kernel->offsets);
	json_builder_end_object(builder);
}

void lab_report_json(JsonBuilder *builder, const struct lab_report *report)
{
	json_machine(builder, report->machine);
	json_kernel(builder, &report->kernel);
	kvt_json_double(builder, "seconds", report->seconds);
	kvt_json_int(builder, "bad", lab_report_bad(report));
	kvt_report_findings_json(builder, report->judgement);
	json_builder_set_member_name(builder, "experiments");
	json_builder_begin_array(builder);
	for (guint i = 0; i < report->results->len; i++) {
		const struct lab_result *result = report->results->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "name", result->name);
		kvt_json_string(builder, "state", state_names[result->state]);
		kvt_json_string(builder, "reason", result->reason);
		kvt_json_string(builder, "sentence", result->sentence);
		kvt_json_bool(builder, "good",
			      result->state == LAB_MEASURED && !lab_result_is_bad(result));
		kvt_json_double(builder, "seconds", result->seconds);
		json_measures(builder, result);
		json_controls(builder, result);
		json_histograms(builder, result);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}
