/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's answer: printing it, its JSON, comparison with an earlier one, charts. */
#ifndef KVT_CLI_LAB_REPORT_H
#define KVT_CLI_LAB_REPORT_H

#include <stdbool.h>

#include <json-glib/json-glib.h>

#include "check/rules.h"
#include "lab/lab.h"

/* What the host kernel's trace said about our VMs meanwhile. */
struct lab_kernel_events {
	char *reason; /* why they could not be read; NULL = they were */
	unsigned int pages;
	unsigned int master_on;
	unsigned int master_off;
	unsigned int offsets;
};

struct lab_report {
	const struct lab_machine *machine;
	GPtrArray *results;                    /* struct lab_result, owned */
	const struct kvt_judgement *judgement; /* lab_findings() of the results */
	struct lab_kernel_events kernel;
	double seconds;
	int nice;
};

/** lab_report_text() - one page, the verdict first; @verbose: every number and control */
void lab_report_text(const struct lab_report *report, bool verbose);

/** lab_report_json() - members of an open object */
void lab_report_json(JsonBuilder *builder, const struct lab_report *report);

/** lab_report_bad() - how many experiments are bad or failed */
unsigned int lab_report_bad(const struct lab_report *report);

/**
 * lab_report_compare() - against an earlier run's JSON
 * @ret_lines: out, owned strings: what became worse; empty = nothing
 * @error:     KVT_STATUS_BAD_INPUT: not such a document
 *
 * Worse is: good before and bad now; measured before and not now; or a judged number more than
 * twice as far from zero, beyond both bounds and the unit's noise.
 */
bool lab_report_compare(const struct lab_report *report, const char *path, GPtrArray **ret_lines,
			GError **error);

/** lab_report_can_plot() - false with @error (KVT_STATUS_USAGE) if no chart has that name */
bool lab_report_can_plot(const char *path, GError **error);

/** lab_report_plot() - the histograms by gnuplot, to an .svg or .png file */
bool lab_report_plot(const struct lab_report *report, const char *path, GError **error);

/** lab_format() - a value with its unit, for people; owned */
char *lab_format(double value, const char *unit);

#endif
