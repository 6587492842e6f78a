/* SPDX-License-Identifier: BSD-2-Clause */
/* What `kvmtime bench` measured, and the ways to show it. */
#ifndef KVT_CLI_BENCH_H
#define KVT_CLI_BENCH_H

#include <stdbool.h>

#include <glib.h>

#include "bench/compare.h"
#include "bench/count.h"
#include "bench/reads.h"
#include "bench/sources.h"
#include "bench/stability.h"

/* One run; the parts that were not asked for are NULL. */
struct kvt_bench_report {
	struct kvt_sources *sources; /* borrowed; names and the original */
	char **labels;               /* NULL-terminated, one a source */
	char *machine; /* "KVM guest", "no hypervisor seen", ... with kernel and CPUs */
	struct kvt_reads *reads;
	struct kvt_trial *trial;
	struct kvt_compare *compare; /* borrowed; of the trial */
	double budget_s;
	struct kvt_count *count;
	char **command; /* borrowed */
	struct kvt_stability *stability;
	char *restored; /* the clock source at the end, as the kernel says it */
	bool switched;
};

void kvt_bench_print_text(const struct kvt_bench_report *report, bool verbose);
void kvt_bench_print_json(const struct kvt_bench_report *report);
void kvt_bench_print_csv(const struct kvt_bench_report *report);

/**
 * kvt_bench_plot() - the distribution of read costs, or the effects with their intervals
 * @output: NAME.svg or NAME.png
 * @error:  out; KVT_STATUS_USAGE for another ending, KVT_STATUS_REFUSED without gnuplot
 */
bool kvt_bench_plot(const struct kvt_bench_report *report, const char *output, GError **error);

/** kvt_bench_is_complete() - false if a source was lost or the user ended it early */
bool kvt_bench_is_complete(const struct kvt_bench_report *report);

/* A cost predicted from counted reads: CPU seconds; NaN if a clock's cost is not known. */
double kvt_bench_predicted_s(const struct kvt_bench_report *report, unsigned source);

const char *kvt_bench_path_word(enum kvt_bench_path path);
const char *kvt_bench_trust_word(enum kvt_trust trust);
const char *kvt_bench_end_word(enum kvt_trial_end end);

#endif
