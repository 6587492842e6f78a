/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/reads.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>

#include <kvmtime/tsc.h>

#include "sys/timepages.h"

#define THREADS_NS     20000000
#define AGREEMENT_NS   60000000
#define SAME_CPU_READS 100000
#define MOST_THREADS   64u

const struct kvt_read_what kvt_read_whats[] = {
	{ "MONOTONIC", CLOCK_MONOTONIC, false },
	{ "REALTIME", CLOCK_REALTIME, false },
	{ "MONOTONIC_RAW", CLOCK_MONOTONIC_RAW, false },
	{ "BOOTTIME", CLOCK_BOOTTIME, false },
	{ "TAI", CLOCK_TAI, false },
	{ "MONOTONIC_COARSE", CLOCK_MONOTONIC_COARSE, false },
	{ "REALTIME_COARSE", CLOCK_REALTIME_COARSE, false },
	{ "PROCESS_CPUTIME_ID", CLOCK_PROCESS_CPUTIME_ID, false },
	{ "THREAD_CPUTIME_ID", CLOCK_THREAD_CPUTIME_ID, false },
	{ "ordered TSC alone", 0, true },
	{ "our pvclock reader", 0, true },
};
const unsigned kvt_read_n_whats = G_N_ELEMENTS(kvt_read_whats);

enum { WHAT_TSC = 9, WHAT_PAGE = 10 };

struct run {
	struct kvt_sources *sources;
	const struct kvt_reads_plan *plan;
	struct kvt_reads *reads;
	struct kvt_pvclock_page page;
	bool has_page;
};

/* ---- what is read ---- */

#ifdef KVT_HAVE_TSC
static void batch_tsc(void *arg, unsigned reads)
{
	(void)arg;
	for (unsigned i = 0; i < reads; i++)
		KVT_BENCH_KEEP(kvt_tsc_ordered());
}

static void batch_page(void *arg, unsigned reads)
{
	const struct run *run = arg;
	const volatile void *record = run->page.bytes;
	uint64_t ns = 0;

	for (unsigned i = 0; i < reads; i++) {
		(void)kvt_pvclock_read(record, &ns);
		KVT_BENCH_KEEP(ns);
	}
}
#endif

static bool has_what(const struct run *run, unsigned what)
{
#ifdef KVT_HAVE_TSC
	return what != WHAT_PAGE || run->has_page;
#else
	(void)run;
	return !kvt_read_whats[what].peer;
#endif
}

static bool measure(struct run *run, unsigned what, enum kvt_bench_way way,
		    struct kvt_bench_cost *ret_cost, GArray **ret_all)
{
	if (!kvt_read_whats[what].peer)
		return kvt_bench_clock_costs(kvt_read_whats[what].clock, way, run->plan->read_ns,
					     ret_cost, ret_all, NULL);
#ifdef KVT_HAVE_TSC
	if (way == KVT_BENCH_LIBC) {
		kvt_bench_cost(what == WHAT_TSC ? batch_tsc : batch_page, run, run->plan->read_ns,
			       ret_cost, ret_all);
		return true;
	}
#endif
	return false;
}

/* ---- one block ---- */

static void add_cost(struct kvt_read_cost *sum, const struct kvt_bench_cost *cost)
{
	if (!sum->known || cost->min_ns < sum->min_ns)
		sum->min_ns = cost->min_ns;
	g_array_append_val(sum->p99s_ns, cost->p99_ns);
	sum->overhead_ns = cost->overhead_ns;
	sum->known = true;
}

static void measure_into(struct run *run, unsigned what, enum kvt_bench_way way,
			 struct kvt_read_cost *sum, GArray *batches)
{
	g_autoptr(GArray) all = NULL;
	struct kvt_bench_cost cost;
	double median_ns = NAN;

	if (measure(run, what, way, &cost, &all)) {
		add_cost(sum, &cost);
		median_ns = cost.median_ns;
		if (batches != NULL)
			g_array_append_vals(batches, all->data, all->len);
	}
	g_array_append_val(sum->medians_ns, median_ns);
}

static struct kvt_read_row *row_of(const struct kvt_reads *reads, unsigned source, unsigned what)
{
	for (guint i = 0; i < reads->rows->len; i++) {
		struct kvt_read_row *row = &g_array_index(reads->rows, struct kvt_read_row, i);

		if (row->source == source && row->what == what)
			return row;
	}
	return NULL;
}

const struct kvt_read_row *kvt_reads_row(const struct kvt_reads *reads, unsigned source,
					 unsigned what)
{
	return row_of(reads, source, what);
}

static void measure_source(struct run *run, unsigned source)
{
	for (unsigned what = 0; what < kvt_read_n_whats; what++) {
		struct kvt_read_row *row = row_of(run->reads, source, what);

		if (row == NULL)
			continue;
		measure_into(run, what, KVT_BENCH_LIBC, &row->libc, row->batches_ns);
		if (!kvt_read_whats[what].peer)
			measure_into(run, what, KVT_BENCH_SYSCALL, &row->syscall, NULL);
	}
}

static void init_cost(struct kvt_read_cost *cost)
{
	cost->medians_ns = g_array_new(FALSE, FALSE, sizeof(double));
	cost->p99s_ns = g_array_new(FALSE, FALSE, sizeof(double));
}

static void finish_cost(struct kvt_read_cost *cost)
{
	cost->median_ns = kvt_stats_median(cost->medians_ns);
	cost->p99_ns = kvt_stats_median(cost->p99s_ns);
}

static void clear_cost(struct kvt_read_cost *cost)
{
	g_array_unref(cost->medians_ns);
	g_array_unref(cost->p99s_ns);
}

static void add_row(struct run *run, unsigned source, unsigned what)
{
	const struct kvt_read_what *read = &kvt_read_whats[what];
	struct kvt_read_row row = { .source = source, .what = what, .resolution_ns = NAN };
	struct timespec resolution;

	if (!read->peer) {
		row.path = kvt_bench_path(read->clock);
		if (clock_getres(read->clock, &resolution) == 0)
			row.resolution_ns =
				(double)resolution.tv_sec * 1e9 + (double)resolution.tv_nsec;
	}
	if (read->peer || what == KVT_READ_MONOTONIC)
		row.batches_ns = g_array_new(FALSE, FALSE, sizeof(double));
	init_cost(&row.libc);
	init_cost(&row.syscall);
	g_array_append_val(run->reads->rows, row);
}

/* ---- once a source: threads, agreement ---- */

struct thread {
	pthread_t id;
	unsigned cpu;
	GMutex *gate;
	double ns;
};

static void *read_in_thread(void *data)
{
	struct thread *thread = data;
	struct kvt_bench_cost cost = { .median_ns = NAN };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(thread->cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	g_mutex_lock(thread->gate); /* all start when the gate opens */
	g_mutex_unlock(thread->gate);
	(void)kvt_bench_clock_cost(CLOCK_MONOTONIC, KVT_BENCH_LIBC, THREADS_NS, &cost, NULL);
	thread->ns = cost.median_ns;
	return NULL;
}

static void measure_threads(struct run *run, unsigned source, const GArray *cpus, unsigned n)
{
	g_autofree struct thread *threads = g_new0(struct thread, n);
	g_autoptr(GArray) costs = g_array_new(FALSE, FALSE, sizeof(double));
	struct kvt_read_threads result = { .source = source, .threads = n };
	GMutex gate;
	unsigned started = 0;

	g_mutex_init(&gate);
	g_mutex_lock(&gate);
	for (unsigned i = 0; i < n; i++, started++) {
		threads[i].cpu = g_array_index(cpus, guint, i);
		threads[i].gate = &gate;
		if (pthread_create(&threads[i].id, NULL, read_in_thread, &threads[i]) != 0)
			break;
	}
	g_mutex_unlock(&gate);
	for (unsigned i = 0; i < started; i++) {
		pthread_join(threads[i].id, NULL);
		g_array_append_val(costs, threads[i].ns);
	}
	g_mutex_clear(&gate);
	result.median_ns = kvt_stats_median(costs);
	if (started == n)
		g_array_append_val(run->reads->threads, result);
}

static uint64_t read_monotonic(void *arg)
{
	(void)arg;
	return (uint64_t)kvt_bench_now_ns();
}

static void measure_agreement(struct run *run, unsigned source)
{
	struct kvt_read_agreement result = { .source = source, .reads = SAME_CPU_READS };
	int64_t last_ns = kvt_bench_now_ns();

	for (int i = 0; i < SAME_CPU_READS; i++) {
		const int64_t now_ns = kvt_bench_now_ns();

		result.backward += now_ns < last_ns;
		last_ns = now_ns;
	}
	result.known = kvt_bench_warp(read_monotonic, NULL, 1, AGREEMENT_NS, &result.warp, NULL);
	g_array_append_val(run->reads->agreements, result);
}

static GArray *my_cpus(void)
{
	GArray *cpus = g_array_new(FALSE, FALSE, sizeof(guint));
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		for (guint cpu = 0; cpu < CPU_SETSIZE && cpus->len < MOST_THREADS; cpu++)
			if (CPU_ISSET(cpu, &set))
				g_array_append_val(cpus, cpu);
	return cpus;
}

static void first_visit(struct run *run, unsigned source)
{
	g_autoptr(GArray) cpus = my_cpus();

	for (unsigned what = 0; what < kvt_read_n_whats; what++)
		if (has_what(run, what))
			add_row(run, source, what);
	for (unsigned n = 1; n < cpus->len; n *= 2)
		measure_threads(run, source, cpus, n);
	if (cpus->len > 0)
		measure_threads(run, source, cpus, cpus->len);
	measure_agreement(run, source);
}

/* ---- the run ---- */

static bool visit(struct run *run, unsigned source, unsigned block, GError **error)
{
	bool lost = false;

	if (run->reads->lost[source])
		return true;
	if (!kvt_sources_select(run->sources, source, &lost, error))
		return false;
	if (!lost) {
		if (block == 0)
			first_visit(run, source);
		measure_source(run, source);
		lost = !kvt_sources_kept(run->sources, source);
	}
	run->reads->lost[source] = lost;
	return true;
}

static bool run_blocks(struct run *run, GError **error)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(run->plan->seed);
	const unsigned n = run->sources->n;

	for (unsigned block = 0; block < run->plan->blocks; block++) {
		const unsigned from = (unsigned)g_rand_int_range(random, 0, (gint32)n);
		const unsigned step = g_rand_boolean(random) ? 1 : n - 1;

		/* the first visit is in the order of the list: rows are made in it */
		for (unsigned i = 0; i < n; i++)
			if (!visit(run, block == 0 ? i : (from + i * step) % n, block, error))
				return false;
		run->reads->blocks++;
		if (run->plan->go_on != NULL && !run->plan->go_on(run->plan->context, block + 1)) {
			run->reads->stopped = true;
			break;
		}
	}
	return true;
}

static void compare(const struct kvt_reads *reads, struct kvt_read_row *row)
{
	const struct kvt_read_row *first = kvt_reads_row(reads, 0, row->what);
	g_autoptr(GArray) differences = g_array_new(FALSE, FALSE, sizeof(double));

	if (row->source == 0 || first == NULL)
		return;
	for (guint i = 0; i < MIN(row->libc.medians_ns->len, first->libc.medians_ns->len); i++) {
		const double difference = g_array_index(row->libc.medians_ns, double, i) -
					  g_array_index(first->libc.medians_ns, double, i);

		if (isfinite(difference))
			g_array_append_val(differences, difference);
	}
	row->dearer_ns = kvt_stats_interval(differences, KVT_STATS_ALPHA);
}

static void finish(struct kvt_reads *reads)
{
	for (guint i = 0; i < reads->rows->len; i++) {
		struct kvt_read_row *row = &g_array_index(reads->rows, struct kvt_read_row, i);

		finish_cost(&row->libc);
		finish_cost(&row->syscall);
		compare(reads, row);
	}
}

void kvt_reads_free(struct kvt_reads *reads)
{
	if (reads == NULL)
		return;
	for (guint i = 0; i < reads->rows->len; i++) {
		struct kvt_read_row *row = &g_array_index(reads->rows, struct kvt_read_row, i);

		clear_cost(&row->libc);
		clear_cost(&row->syscall);
		g_clear_pointer(&row->batches_ns, g_array_unref);
	}
	g_array_unref(reads->rows);
	g_array_unref(reads->threads);
	g_array_unref(reads->agreements);
	g_free(reads->lost);
	g_free(reads->no_page);
	g_free(reads);
}

struct kvt_reads *kvt_reads_run(struct kvt_sources *sources, const struct kvt_reads_plan *plan,
				GError **error)
{
	g_autoptr(kvt_root) root = kvt_root_open("/", error);
	struct run run = { .sources = sources, .plan = plan };
	bool ok;

	if (root == NULL)
		return NULL;
	run.reads = g_new0(struct kvt_reads, 1);
	run.reads->rows = g_array_new(FALSE, FALSE, sizeof(struct kvt_read_row));
	run.reads->threads = g_array_new(FALSE, FALSE, sizeof(struct kvt_read_threads));
	run.reads->agreements = g_array_new(FALSE, FALSE, sizeof(struct kvt_read_agreement));
	run.reads->lost = g_new0(bool, sources->n);
	run.has_page = kvt_pvclock_find(root, &kvt_calls_live, &run.page);
	if (!run.has_page)
		run.reads->no_page = g_strdup(run.page.reason);
	ok = run_blocks(&run, error);
	finish(run.reads);
	kvt_pvclock_page_clear(&run.page);
	if (!ok)
		g_clear_pointer(&run.reads, kvt_reads_free);
	return run.reads;
}
