/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/stability.h"

#include <math.h>
#include <string.h>

#include <kvmtime/tsc.h>

#include "sys/error.h"
#include "sys/timepages.h"

#define SAMPLE_US 50000
#define ATTEMPTS  32 /* a sample is the narrowest of so many readings */
#define WARP_NS   150000000
#define RTC_NS    1500000000 /* a second comes within this */

/* A clock between two readings of the counter. */
struct sample {
	double tsc;      /* cycles since the first sample, middle of the window */
	double clock_ns; /* since the first sample */
	double bound_ns; /* half of the window */
};

struct watch {
	GArray *samples;
	uint64_t first_tsc;
	int64_t first_ns;
	double ns_per_cycle;
};

/* ---- samples ---- */

typedef bool (*read_clock)(void *arg, int64_t *ret_ns);

static bool read_raw(void *arg, int64_t *ret_ns)
{
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	*ret_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	return true;
}

#ifdef KVT_HAVE_TSC
static bool read_page(void *arg, int64_t *ret_ns)
{
	const struct kvt_pvclock_page *page = arg;
	uint64_t ns;

	if (kvt_pvclock_read((const volatile void *)page->bytes, &ns) < 0)
		return false;
	*ret_ns = (int64_t)ns;
	return true;
}
#endif

static void take_sample(struct watch *watch, read_clock read, void *arg)
{
	uint64_t narrowest = UINT64_MAX, tsc = 0;
	struct sample sample;
	int64_t ns = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		const uint64_t before = kvt_bench_stamp();
		int64_t now_ns;
		uint64_t width;

		if (!read(arg, &now_ns))
			continue;
		width = kvt_bench_stamp() - before;
		if (width >= narrowest)
			continue;
		narrowest = width;
		tsc = before + width / 2;
		ns = now_ns;
	}
	if (narrowest == UINT64_MAX)
		return;
	if (watch->samples->len == 0) {
		watch->first_tsc = tsc;
		watch->first_ns = ns;
	}
	sample.tsc = (double)(int64_t)(tsc - watch->first_tsc);
	sample.clock_ns = (double)(ns - watch->first_ns);
	sample.bound_ns = (double)narrowest / 2 * watch->ns_per_cycle + 1;
	g_array_append_val(watch->samples, sample);
}

/* ---- rate and wander ---- */

static double residual_ns(const struct watch *watch, const struct sample *sample, double rate)
{
	return sample->clock_ns - sample->tsc * watch->ns_per_cycle * rate;
}

static void find_wander(struct kvt_stability_clock *clock, const struct watch *watch, double rate)
{
	for (guint i = 0; i < watch->samples->len; i++) {
		const struct sample *sample = &g_array_index(watch->samples, struct sample, i);
		const double away = fabs(residual_ns(watch, sample, rate));

		clock->wander_bound_ns = MAX(clock->wander_bound_ns, sample->bound_ns);
		clock->wander_ns = MAX(clock->wander_ns, away);
	}
}

static void fit(struct kvt_stability_clock *clock, const struct watch *watch)
{
	const struct sample *first, *last;
	double tsc_ns, rate;

	clock->samples = watch->samples->len;
	if (watch->samples->len < 2)
		return;
	first = &g_array_index(watch->samples, struct sample, 0);
	last = &g_array_index(watch->samples, struct sample, watch->samples->len - 1);
	tsc_ns = last->tsc * watch->ns_per_cycle;
	if (!(tsc_ns > 0))
		return;
	rate = last->clock_ns / tsc_ns;
	clock->seconds = tsc_ns / 1e9;
	clock->rate_ppm = (rate - 1) * 1e6;
	clock->rate_bound_ppm = (first->bound_ns + last->bound_ns) / tsc_ns * 1e6;
	find_wander(clock, watch, rate);
}

/* ---- the run ---- */

static bool has_own_crystal(const char *name)
{
	const char *const independent[] = { "hpet",    "acpi_pm", "pit", "refined-jiffies",
					    "jiffies", NULL };

	return g_strv_contains(independent, name);
}

struct kvt_stability *kvt_stability_new(void)
{
	struct kvt_stability *stability = g_new0(struct kvt_stability, 1);

	stability->evidence = g_ptr_array_new_with_free_func(g_free);
	stability->clocks = g_ptr_array_new();
	stability->no_witnesses = g_ptr_array_new_with_free_func(g_free);
	return stability;
}

void kvt_stability_free(struct kvt_stability *stability)
{
	if (stability == NULL)
		return;
	for (guint i = 0; i < stability->clocks->len; i++) {
		struct kvt_stability_clock *clock = g_ptr_array_index(stability->clocks, i);

		g_free(clock->name);
		g_free(clock);
	}
	g_ptr_array_unref(stability->clocks);
	g_ptr_array_unref(stability->evidence);
	g_ptr_array_unref(stability->no_witnesses);
	g_free(stability);
}

struct kvt_stability_clock *kvt_stability_add(struct kvt_stability *stability, const char *name,
					      bool independent)
{
	struct kvt_stability_clock *clock = g_new0(struct kvt_stability_clock, 1);

	clock->name = g_strdup(name);
	clock->independent = independent;
	g_ptr_array_add(stability->clocks, clock);
	return clock;
}

static void measure_warp(struct kvt_stability *stability)
{
	struct kvt_bench_warp warp;

	if (!kvt_bench_tsc_warp(WARP_NS, &warp, NULL))
		return;
	if (!stability->has_warp || warp.backward > stability->warp.backward ||
	    (warp.backward == stability->warp.backward &&
	     warp.resolution_ns < stability->warp.resolution_ns))
		stability->warp = warp;
	stability->has_warp = true;
}

static double cycle_ns(const struct kvt_root *root)
{
	const uint64_t khz = kvt_tsc_kernel_khz(root, &kvt_calls_live, NULL);
	const int64_t start_ns = kvt_bench_now_ns();
	const uint64_t start = kvt_bench_stamp();

	if (khz != 0)
		return 1e6 / (double)khz;
	g_usleep(200000); /* no stated rate: every clock's then counts from CLOCK_MONOTONIC's */
	return (double)(kvt_bench_now_ns() - start_ns) / (double)(kvt_bench_stamp() - start);
}

struct run {
	const struct kvt_stability_plan *plan;
	struct kvt_stability *stability;
	struct kvt_pvclock_page *page;
	struct watch page_watch;
	GPtrArray *witnesses; /* struct kvt_witness * */
	struct watch *witness_watches;
	struct watch rtc_watch;
	int64_t first_rtc_s;
	int64_t end_ns;
	bool in_guest;
};

static bool read_witness(void *arg, int64_t *ret_ns)
{
	return kvt_witness_read(arg, ret_ns);
}

static void sample_witnesses(struct run *run)
{
	for (guint i = 0; i < run->witnesses->len; i++)
		take_sample(&run->witness_watches[i], read_witness, run->witnesses->pdata[i]);
}

/* One edge of the RTC's seconds, begun well before the clock says it is over. */
static void sample_rtc(struct run *run, const struct kvt_root *root)
{
	struct watch *watch = &run->rtc_watch;
	struct sample sample;
	uint64_t tsc, width;
	int64_t second;

	if (!kvt_witness_rtc_edge(root, &kvt_calls_live, kvt_bench_now_ns() + RTC_NS, &second, &tsc,
				  &width))
		return;
	if (watch->samples->len == 0) {
		watch->first_tsc = tsc;
		run->first_rtc_s = second;
	}
	sample.tsc = (double)(int64_t)(tsc - watch->first_tsc);
	sample.clock_ns = (double)(second - run->first_rtc_s) * 1e9;
	sample.bound_ns = (double)width / 2 * watch->ns_per_cycle + 1;
	g_array_append_val(watch->samples, sample);
}

/* false = the user ends it */
static bool watch_source(struct run *run, struct watch *watch, int64_t until_ns)
{
	int64_t now_ns;

	for (;;) {
		take_sample(watch, read_raw, NULL);
#ifdef KVT_HAVE_TSC
		if (run->page != NULL)
			take_sample(&run->page_watch, read_page, run->page);
#endif
		sample_witnesses(run);
		now_ns = kvt_bench_now_ns();
		if (now_ns >= until_ns)
			return true;
		if (run->plan->go_on != NULL &&
		    !run->plan->go_on(run->plan->context, run->end_ns - now_ns))
			return false;
		g_usleep((gulong)MIN(SAMPLE_US, (until_ns - now_ns) / 1000 + 1));
	}
}

/* In a guest, what does not count the TSC is emulated, with the host's clock. */
static void fit_as(struct run *run, const char *name, bool independent, const struct watch *watch)
{
	struct kvt_stability_clock *clock = kvt_stability_add(run->stability, name, independent);

	clock->of_host = independent && run->in_guest;
	fit(clock, watch);
}

static bool watch_sources(struct run *run, struct kvt_sources *sources, GError **error)
{
	for (unsigned i = 0; i < sources->n && !run->stability->stopped; i++) {
		struct watch watch = { .ns_per_cycle = run->page_watch.ns_per_cycle };
		const int64_t now_ns = kvt_bench_now_ns();
		bool lost;

		if (!kvt_sources_select(sources, i, &lost, error))
			return false;
		if (!lost) {
			watch.samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
			run->stability->stopped = !watch_source(
				run, &watch, now_ns + (run->end_ns - now_ns) / (sources->n - i));
			lost = !kvt_sources_kept(sources, i);
			fit_as(run, sources->names[i], has_own_crystal(sources->names[i]), &watch);
			g_array_unref(watch.samples);
		}
		run->stability->lost = run->stability->lost || lost;
	}
	return true;
}

static void say_none(struct kvt_stability *stability, const struct kvt_witness *witness)
{
	g_ptr_array_add(stability->no_witnesses,
			g_strdup_printf("%s is no witness: %s.", witness->name, witness->why));
}

static const struct kvt_stability_clock *find_clock(const struct kvt_stability *stability,
						    const char *name)
{
	for (guint i = 0; i < stability->clocks->len; i++) {
		const struct kvt_stability_clock *clock = stability->clocks->pdata[i];

		if (strcmp(clock->name, name) == 0 && clock->seconds > 0)
			return clock;
	}
	return NULL;
}

/* NTP knows the rate of the source in use; what that is against the TSC was watched. */
static void add_ntp(struct run *run, const char *original)
{
	const struct kvt_stability_clock *source = find_clock(run->stability, original);
	struct kvt_witness ntp;

	kvt_witness_ntp(kvt_answers_live(), run->in_guest, &ntp);
	if (!ntp.rate.known || source == NULL)
		say_none(run->stability, &ntp);
	else {
		struct kvt_stability_clock *clock =
			kvt_stability_add(run->stability, ntp.name, true);

		clock->of_host = ntp.kind == KVT_WITNESS_HOST;
		clock->rate_ppm = ntp.rate.ppm + source->rate_ppm;
		clock->rate_bound_ppm = ntp.rate.bound_ppm + source->rate_bound_ppm;
	}
	kvt_witness_clear(&ntp);
}

static void begin_witnesses(struct run *run, const struct kvt_root *root)
{
	run->in_guest = kvt_witness_in_guest(kvt_answers_live());
	run->witnesses = kvt_witness_list(root, &kvt_calls_live, kvt_answers_live());
	run->witness_watches = g_new0(struct watch, run->witnesses->len);
	for (guint i = 0; i < run->witnesses->len; i++)
		run->witness_watches[i] =
			(struct watch){ .samples = g_array_new(FALSE, FALSE, sizeof(struct sample)),
					.ns_per_cycle = run->page_watch.ns_per_cycle };
	run->rtc_watch =
		(struct watch){ .samples = g_array_new(FALSE, FALSE, sizeof(struct sample)),
				.ns_per_cycle = run->page_watch.ns_per_cycle };
	sample_rtc(run, root);
}

static void end_witnesses(struct run *run, const struct kvt_root *root, const char *original)
{
	for (guint i = 0; i < run->witnesses->len; i++) {
		const struct kvt_witness *witness = run->witnesses->pdata[i];

		if (run->witness_watches[i].samples->len >= 2) {
			struct kvt_stability_clock *clock =
				kvt_stability_add(run->stability, witness->name, true);

			clock->of_host = witness->kind == KVT_WITNESS_HOST;
			fit(clock, &run->witness_watches[i]);
		} else
			say_none(run->stability, witness);
	}
	if (run->rtc_watch.samples->len > 0)
		sample_rtc(run, root);
	if (run->rtc_watch.samples->len >= 2)
		fit_as(run, "RTC seconds", true, &run->rtc_watch);
	add_ntp(run, original);
}

static void clear_witnesses(struct run *run)
{
	for (guint i = 0; i < run->witnesses->len; i++)
		g_array_unref(run->witness_watches[i].samples);
	g_free(run->witness_watches);
	g_array_unref(run->rtc_watch.samples);
	g_ptr_array_unref(run->witnesses);
}

static bool is_invariant(const struct kvt_root *root)
{
	g_autofree char *text =
		kvt_root_read(root, "/proc/cpuinfo", 16 * KVT_ROOT_FILE_LIMIT, NULL, NULL);

	return text != NULL && strstr(text, " constant_tsc") != NULL &&
	       strstr(text, " nonstop_tsc") != NULL;
}

static bool is_offered(const struct kvt_root *root)
{
	g_auto(GStrv) available = kvt_clocksource_available(root);

	return available != NULL && g_strv_contains((const char *const *)available, "tsc");
}

struct kvt_stability *kvt_stability_run(const struct kvt_root *root, struct kvt_sources *sources,
					const struct kvt_stability_plan *plan, GError **error)
{
	struct kvt_stability *stability = kvt_stability_new();
	struct kvt_disturbance_mark mark;
	struct kvt_pvclock_page page;
	struct run run = { .plan = plan, .stability = stability };
	bool ok;

	run.page = kvt_pvclock_find(root, &kvt_calls_live, &page) ? &page : NULL;
	run.page_watch.samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
	run.page_watch.ns_per_cycle = cycle_ns(root);
	kvt_disturbance_mark(&mark);
	measure_warp(stability);
	begin_witnesses(&run, root);
	run.end_ns = kvt_bench_now_ns() + plan->run_ns;
	ok = watch_sources(&run, sources, error);
	if (ok && run.page != NULL)
		fit(kvt_stability_add(stability, "pvclock page", false), &run.page_watch);
	if (ok)
		end_witnesses(&run, root, sources->original);
	clear_witnesses(&run);
	measure_warp(stability);
	stability->disturbance = kvt_disturbance_since(&mark);
	kvt_stability_judge(stability, is_offered(root), is_invariant(root));
	g_array_unref(run.page_watch.samples);
	kvt_pvclock_page_clear(&page);
	if (!ok)
		g_clear_pointer(&stability, kvt_stability_free);
	return stability;
}
