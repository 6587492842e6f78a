/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an experiment hands back: numbers with names that stay, each with its bound, a verdict and
 * what it means; and the positive control that shows that the experiment can fail.
 */
#ifndef KVT_LAB_RESULT_H
#define KVT_LAB_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum lab_verdict {
	LAB_GOOD,
	LAB_BAD,
	LAB_INFO,   /* a number without a judgement */
	LAB_UNKNOWN /* could not be measured */
};

struct lab_measure {
	char *name; /* e.g. "offset_bound"; unique in its experiment, kept for ever */
	double value;
	double bound; /* half width of the uncertainty, same unit; 0 = exact or not applicable */
	char *unit;   /* "ns", "ticks", "ppb", "1" */
	enum lab_verdict verdict;
	char *meaning; /* a sentence for people; may be NULL */
};

enum lab_state { LAB_MEASURED, LAB_SKIPPED, LAB_FAILED };

struct lab_histogram {
	char *name;
	GArray *values_ns; /* double, sorted */
};

struct lab_result {
	char *name; /* the experiment's */
	enum lab_state state;
	char *reason;          /* why skipped or failed */
	char *sentence;        /* the verdict in words */
	GPtrArray *measures;   /* struct lab_measure */
	GPtrArray *histograms; /* struct lab_histogram */
	GPtrArray *controls;   /* struct lab_control */
	double seconds;
};

/* A fault made on purpose, which the experiment must notice. */
struct lab_control {
	char *what;
	bool detected;
	char *seen; /* what it looked like */
};

struct lab_result *lab_result_new(const char *name);
void lab_result_free(struct lab_result *result);

struct lab_measure *lab_measure(struct lab_result *result, const char *name, double value,
				double bound, const char *unit, enum lab_verdict verdict,
				const char *format, ...) G_GNUC_PRINTF(7, 8);

void lab_control(struct lab_result *result, bool detected, const char *what, const char *format,
		 ...) G_GNUC_PRINTF(4, 5);

void lab_sentence(struct lab_result *result, const char *format, ...) G_GNUC_PRINTF(2, 3);
void lab_skip(struct lab_result *result, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** lab_histogram() - keep values for percentiles and plots; sorts and takes over @values_ns */
void lab_histogram(struct lab_result *result, const char *name, GArray *values_ns);

/** lab_percentile() - of sorted values; @share 0 .. 1; 0 if there are none */
double lab_percentile(const GArray *values_ns, double share);

/** lab_result_find() - a measure by its name, or NULL */
const struct lab_measure *lab_result_find(const struct lab_result *result, const char *name);

/** lab_result_is_bad() - true if a measure is bad or a control was not detected */
bool lab_result_is_bad(const struct lab_result *result);

/** lab_result_unknown() - how many measures could not be judged */
unsigned int lab_result_unknown(const struct lab_result *result);

#endif
