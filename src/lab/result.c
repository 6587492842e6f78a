/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/result.h"

#include <stdlib.h>

static void free_measure(void *data)
{
	struct lab_measure *measure = data;

	g_free(measure->name);
	g_free(measure->unit);
	g_free(measure->meaning);
	g_free(measure);
}

static void free_control(void *data)
{
	struct lab_control *control = data;

	g_free(control->what);
	g_free(control->seen);
	g_free(control);
}

static void free_histogram(void *data)
{
	struct lab_histogram *histogram = data;

	g_free(histogram->name);
	g_array_unref(histogram->values_ns);
	g_free(histogram);
}

struct lab_result *lab_result_new(const char *name)
{
	struct lab_result *result = g_new0(struct lab_result, 1);

	result->name = g_strdup(name);
	result->measures = g_ptr_array_new_with_free_func(free_measure);
	result->controls = g_ptr_array_new_with_free_func(free_control);
	result->histograms = g_ptr_array_new_with_free_func(free_histogram);
	return result;
}

void lab_result_free(struct lab_result *result)
{
	if (result == NULL)
		return;
	g_free(result->name);
	g_free(result->reason);
	g_free(result->sentence);
	g_ptr_array_unref(result->measures);
	g_ptr_array_unref(result->controls);
	g_ptr_array_unref(result->histograms);
	g_free(result);
}

struct lab_measure *lab_measure(struct lab_result *result, const char *name, double value,
				double bound, const char *unit, enum lab_verdict verdict,
				const char *format, ...)
{
	struct lab_measure *measure = g_new0(struct lab_measure, 1);
	va_list arguments;

	measure->name = g_strdup(name);
	measure->value = value;
	measure->bound = bound;
	measure->unit = g_strdup(unit);
	measure->verdict = verdict;
	va_start(arguments, format);
	measure->meaning = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(result->measures, measure);
	return measure;
}

void lab_control(struct lab_result *result, bool detected, const char *what, const char *format,
		 ...)
{
	struct lab_control *control = g_new0(struct lab_control, 1);
	va_list arguments;

	control->what = g_strdup(what);
	control->detected = detected;
	va_start(arguments, format);
	control->seen = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(result->controls, control);
}

void lab_sentence(struct lab_result *result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_free(result->sentence);
	result->sentence = g_strdup_vprintf(format, arguments);
	va_end(arguments);
}

void lab_skip(struct lab_result *result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_free(result->reason);
	result->reason = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	result->state = LAB_SKIPPED;
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void lab_histogram(struct lab_result *result, const char *name, GArray *values_ns)
{
	struct lab_histogram *histogram = g_new0(struct lab_histogram, 1);

	g_array_sort(values_ns, compare_doubles);
	histogram->name = g_strdup(name);
	histogram->values_ns = values_ns;
	g_ptr_array_add(result->histograms, histogram);
}

double lab_percentile(const GArray *values_ns, double share)
{
	if (values_ns->len == 0)
		return 0;
	return ((const double *)(const void *)
			values_ns->data)[(guint)(share * (values_ns->len - 1))];
}

const struct lab_measure *lab_result_find(const struct lab_result *result, const char *name)
{
	for (guint i = 0; i < result->measures->len; i++) {
		const struct lab_measure *measure = result->measures->pdata[i];

		if (g_str_equal(measure->name, name))
			return measure;
	}
	return NULL;
}

bool lab_result_is_bad(const struct lab_result *result)
{
	for (guint i = 0; i < result->measures->len; i++)
		if (((const struct lab_measure *)result->measures->pdata[i])->verdict == LAB_BAD)
			return true;
	for (guint i = 0; i < result->controls->len; i++)
		if (!((const struct lab_control *)result->controls->pdata[i])->detected)
			return true;
	return false;
}

unsigned int lab_result_unknown(const struct lab_result *result)
{
	unsigned int number = 0;

	for (guint i = 0; i < result->measures->len; i++)
		number += ((const struct lab_measure *)result->measures->pdata[i])->verdict ==
			  LAB_UNKNOWN;
	return number;
}
