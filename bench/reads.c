/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reads: what one read costs, of the ordered TSC alone, of the kernel's pvclock page through our
 * reader, and of CLOCK_MONOTONIC. The four take turns, so that all meet the same disturbances.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/pvclock.h>
#include <kvmtime/tsc.h>

#include "bench/measure.h"
#include "bench/sources.h"
#include "sys/timepages.h"

#define ROUNDS   15
#define ROUND_NS 10000000

static void batch_tsc(void *arg, unsigned reads)
{
	(void)arg;
	for (unsigned i = 0; i < reads; i++)
		KVT_BENCH_KEEP(kvt_tsc_ordered());
}

static void batch_page(void *arg, unsigned reads)
{
	const volatile struct pvclock_vcpu_time_info *page = arg;
	uint64_t ns;

	for (unsigned i = 0; i < reads; i++) {
		KVT_BENCH_KEEP(kvt_pvclock_read(page, &ns));
		KVT_BENCH_KEEP(ns);
	}
}

static void batch_vdso(void *arg, unsigned reads)
{
	struct timespec now;

	(void)arg;
	for (unsigned i = 0; i < reads; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		KVT_BENCH_KEEP(&now);
	}
}

static struct way {
	const char *name;
	kvt_bench_batch batch; /* NULL = clock_gettime() as a system call */
	void *arg;
	double median_ns[ROUNDS];
} ways[] = {
	{ .name = "ordered TSC (the limit)", .batch = batch_tsc },
	{ .name = "our pvclock read", .batch = batch_page },
	{ .name = "clock_gettime, C library", .batch = batch_vdso },
	{ .name = "clock_gettime, system call" },
};

enum { LIMIT, OURS, VDSO };

static void measure(struct way *way, int round)
{
	struct kvt_bench_cost cost = { 0 };

	if (way->batch != NULL)
		kvt_bench_cost(way->batch, way->arg, ROUND_NS, &cost, NULL);
	else
		kvt_bench_clock_cost(CLOCK_MONOTONIC, KVT_BENCH_SYSCALL, ROUND_NS, &cost, NULL);
	way->median_ns[round] = cost.median_ns;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const struct way *way, const char *source)
{
	const double limit = ways[LIMIT].median_ns[ROUNDS / 2];
	const double vdso = ways[VDSO].median_ns[ROUNDS / 2];
	const double mine = way->median_ns[ROUNDS / 2];

	printf("%-10s %-27s %8.2f %8.2f %9.2f %9.2f\n", source, way->name, way->median_ns[0], mine,
	       mine / limit, mine / vdso);
}

static void run_source(const struct kvt_pvclock_page *page, const char *source)
{
	const char *path[] = { "unknown", "vDSO", "system call" };
	const bool found = page->state == KVT_PVCLOCK_FOUND;

	for (int round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++)
			if (i != OURS || found)
				measure(&ways[i], round);
	for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++)
		qsort(ways[i].median_ns, ROUNDS, sizeof(double), compare);
	for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++)
		if (i != OURS || found)
			print(&ways[i], source);
		else
			printf("%-10s %-27s none: %s\n", source, ways[i].name, page->reason);
	printf("%-10s the C library's way: %s\n", source, path[kvt_bench_path(CLOCK_MONOTONIC)]);
}

int main(int argc, char **argv)
{
	g_autoptr(kvt_root) root = kvt_root_open("/", NULL);
	g_autoptr(GError) error = NULL;
	const bool with_vms = argc > 1 && strcmp(argv[1], "--with-running-vms") == 0;
	struct kvt_sources sources;
	struct kvt_pvclock_page page;
	bool lost;

	if (!kvt_sources_open(root, NULL, true, with_vms, &sources, &error)) {
		printf("only the current clock source: %s\n", error->message);
		g_clear_error(&error);
		if (!kvt_sources_open(root, NULL, false, false, &sources, &error))
			return 3;
	}
	printf("%-10s %-27s %8s %8s %9s %9s\n", "source", "read", "min ns", "median", "to limit",
	       "to libc");
	if (kvt_pvclock_find(root, &kvt_calls_live,
			     &page)) /* the library takes it as volatile again */
		ways[OURS].arg = (void *)(uintptr_t)page.bytes;
	for (unsigned i = 0; i < sources.n; i++)
		if (kvt_sources_select(&sources, i, &lost, NULL) && !lost)
			run_source(&page, sources.names[i]);
	kvt_pvclock_page_clear(&page);
	return kvt_sources_close(&sources, NULL) ? 0 : 3;
}
