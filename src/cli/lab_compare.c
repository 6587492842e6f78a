/* SPDX-License-Identifier: BSD-2-Clause */
/* An earlier run against this one, and charts of this one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/gnuplot.h"
#include "cli/lab_report.h"
#include "cli/text.h"
#include "sys/error.h"

char *lab_format(double value, const char *unit)
{
	if (g_str_equal(unit, "ns"))
		return kvt_text_ns(value, false);
	if (g_str_equal(unit, "1"))
		return g_strdup_printf("%g", value);
	return g_strdup_printf("%.4g %s", value, unit);
}

/* Differences below this are this machine's mood, not a change. */
static double noise_of(const char *unit)
{
	static const struct {
		const char *unit;
		double noise;
	} table[] = {
		{ "ns", 50000 }, { "ppb", 200 }, { "ppm", 5000 }, { "ticks", 3 }, { "%", 10 }
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (g_str_equal(table[i].unit, unit))
			return table[i].noise;
	return 0;
}

/* The file may be anything: a member of another type is none. */
static JsonNode *value_member(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

static const char *string_member(JsonObject *object, const char *name)
{
	JsonNode *node = value_member(object, name);
	const char *text = node != NULL ? json_node_get_string(node) : NULL;

	return text != NULL ? text : "";
}

static double number_member(JsonObject *object, const char *name, double otherwise)
{
	JsonNode *node = value_member(object, name);

	return node != NULL ? json_node_get_double(node) : otherwise;
}

static JsonObject *find_named(JsonArray *array, const char *name)
{
	for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
		JsonNode *node = json_array_get_element(array, i);
		JsonObject *object =
			JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

		if (object != NULL && g_str_equal(string_member(object, "name"), name))
			return object;
	}
	return NULL;
}

static JsonArray *array_member(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static void compare_measure(const char *experiment, const struct lab_measure *now,
			    JsonObject *before, GPtrArray *lines)
{
	const double old_value = number_member(before, "value", NAN);
	const double old_bound = number_member(before, "bound", 0);
	const bool was_good = g_str_equal(string_member(before, "verdict"), "good");
	const bool judged = now->verdict == LAB_GOOD || now->verdict == LAB_BAD;
	g_autofree char *old_text = lab_format(old_value, now->unit);
	g_autofree char *new_text = lab_format(now->value, now->unit);

	if (was_good && now->verdict == LAB_BAD)
		g_ptr_array_add(lines, g_strdup_printf("%s %s: good before (%s), bad now (%s)",
						       experiment, now->name, old_text, new_text));
	else if (was_good && judged &&
		 fabs(now->value) >
			 2 * fabs(old_value) + old_bound + now->bound + noise_of(now->unit) &&
		 noise_of(now->unit) > 0)
		g_ptr_array_add(lines, g_strdup_printf("%s %s: was %s, is %s", experiment,
						       now->name, old_text, new_text));
}

static void compare_result(const struct lab_result *now, JsonObject *before, GPtrArray *lines)
{
	const char *state = string_member(before, "state");
	JsonArray *measures = array_member(before, "measures");

	if (g_str_equal(state, "measured") && now->state != LAB_MEASURED) {
		g_ptr_array_add(lines, g_strdup_printf("%s: measured before, not now: %s",
						       now->name, now->reason));
		return;
	}
	for (guint i = 0; i < now->measures->len; i++) {
		const struct lab_measure *measure = now->measures->pdata[i];
		JsonObject *old = find_named(measures, measure->name);

		if (old != NULL)
			compare_measure(now->name, measure, old, lines);
	}
}

bool lab_report_compare(const struct lab_report *report, const char *path, GPtrArray **ret_lines,
			GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GError) why = NULL;
	JsonNode *root;
	JsonArray *experiments = NULL;
	GPtrArray *lines;

	if (!json_parser_load_from_file(parser, path, &why)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: %s", path, why->message);
		return false;
	}
	root = json_parser_get_root(parser);
	if (root != NULL && JSON_NODE_HOLDS_OBJECT(root) &&
	    g_str_equal(string_member(json_node_get_object(root), "schema"), "kvmtime.lab/1"))
		experiments = array_member(json_node_get_object(root), "experiments");
	if (experiments == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: not the output of kvmtime lab --json", path);
		return false;
	}
	lines = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < report->results->len; i++) {
		const struct lab_result *now = report->results->pdata[i];
		JsonObject *before = find_named(experiments, now->name);

		if (before != NULL)
			compare_result(now, before, lines);
	}
	*ret_lines = lines;
	return true;
}

/* ---- charts ---- */

bool lab_report_can_plot(const char *path, GError **error)
{
	if (g_str_has_suffix(path, ".svg") || g_str_has_suffix(path, ".png"))
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE,
		    "--plot %s: wants a name that ends in .svg or .png", path);
	return false;
}

/* A cumulative curve: share of interrupts against lateness. */
static void add_curve(const struct lab_histogram *histogram, GString *curves, GString *data)
{
	g_string_append_printf(curves, "%s'-' with steps linewidth 2 title '%s'",
			       curves->len > 0 ? ", " : "plot ", histogram->name);
	for (guint i = 0; i < histogram->values_ns->len; i++)
		g_string_append_printf(data, "%.3f %.5f\n",
				       g_array_index(histogram->values_ns, double, i) / 1e3,
				       (i + 1.0) / histogram->values_ns->len);
	g_string_append(data, "e\n");
}

bool lab_report_plot(const struct lab_report *report, const char *path, GError **error)
{
	g_autoptr(GString) curves = g_string_new(NULL);
	g_autoptr(GString) data = g_string_new(NULL);
	g_autoptr(GString) script = g_string_new(NULL);

	if (!lab_report_can_plot(path, error))
		return false;
	for (guint r = 0; r < report->results->len; r++) {
		const struct lab_result *result = report->results->pdata[r];

		for (guint h = 0; h < result->histograms->len; h++)
			add_curve(result->histograms->pdata[h], curves, data);
	}
	if (curves->len == 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "--plot: the experiment timers measured nothing to draw");
		return false;
	}
	kvt_gnuplot_output(script, path);
	g_string_append_printf(script,
			       "set logscale x\nset yrange [0:1.02]\n"
			       "set xlabel 'timer interrupt late by, us'\n"
			       "set ylabel 'share of the interrupts'\n"
			       "set key bottom right\nset grid\n%s\n%s",
			       curves->str, data->str);
	return kvt_gnuplot_run(script->str, error);
}
