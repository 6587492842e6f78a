/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/timepages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <kvmtime/error.h>
#include <kvmtime/scale.h>

#include "sys/error.h"

#define PAGE 4096u

/* ---- finding the page ---- */

const char *kvt_pvclock_implausible(const struct pvclock_vcpu_time_info *ti, uint64_t tsc_cycles)
{
	uint64_t hz;

	if (ti->version == 0)
		return "its version is 0: never written";
	if (ti->pad0 != 0 || ti->pad[0] != 0 || ti->pad[1] != 0)
		return "its padding is not zero";
	if (ti->tsc_to_system_mul < UINT32_C(1) << 31)
		return "its multiplier is not normalised: the top bit is clear";
	if (ti->tsc_shift < -32 || ti->tsc_shift > 32)
		return "its shift is beyond 32";
	if (kvt_scale_to_hz(ti->tsc_to_system_mul, ti->tsc_shift, &hz) < 0 || hz < 1000000 ||
	    hz > UINT64_C(100000000000))
		return "its scale stands for no rate between 1 MHz and 100 GHz";
	if (tsc_cycles != 0 && ti->tsc_timestamp > tsc_cycles)
		return "its timestamp is ahead of the TSC";
	return NULL;
}

/* A settled copy with the padding that kvt_pvclock_snapshot() does not look at. */
static int snapshot(const volatile guint8 *bytes, struct pvclock_vcpu_time_info *ret_ti)
{
	const volatile struct pvclock_vcpu_time_info *live = (const volatile void *)bytes;
	struct pvclock_vcpu_time_info ti;
	const int r = kvt_pvclock_snapshot(live, &ti);

	if (r < 0)
		return r;
	ti.pad0 = live->pad0;
	ti.pad[0] = live->pad[0];
	ti.pad[1] = live->pad[1];
	*ret_ti = ti;
	return 0;
}

static void set_reason(struct kvt_pvclock_page *page, enum kvt_pvclock_state state, char *reason)
{
	g_free(page->reason);
	page->reason = reason;
	page->state = state;
}

/*
 * One page of a mapping. An empty place says more than a page that is something else, because the
 * pages beside pvclock's are HPET's registers (4.5, 4.6) or Hyper-V's page (4.15 and later).
 */
static void look_at(struct kvt_pvclock_page *page, const struct kvt_calls *calls,
		    const char *mapping, uint64_t start, unsigned index)
{
	const volatile guint8 *bytes =
		calls->memory(calls->context, start + (uint64_t)index * PAGE, PAGE);
	struct pvclock_vcpu_time_info ti;
	const char *why;

	if (bytes == NULL) {
		set_reason(page, KVT_PVCLOCK_UNMAPPED,
			   g_strdup_printf(
				   "%s is empty, as pvclock has not been the vDSO's clock since "
				   "boot",
				   mapping));
		return;
	}
	if (snapshot(bytes, &ti) < 0)
		why = "it never settles";
	else
		why = kvt_pvclock_implausible(&ti, calls->tsc(calls->context));
	if (why != NULL && page->state == KVT_PVCLOCK_UNMAPPED)
		return;
	if (why != NULL) {
		set_reason(page, KVT_PVCLOCK_UNLIKELY,
			   g_strdup_printf("page %u of %s holds no pvclock record: %s", index,
					   mapping, why));
		return;
	}
	set_reason(page, KVT_PVCLOCK_FOUND, NULL);
	g_strlcpy(page->mapping, mapping, sizeof(page->mapping));
	page->page = index;
	page->bytes = bytes;
	page->records = PAGE / KVT_PVCLOCK_STRIDE;
}

/* A line of /proc/self/maps that ends with the mapping's name: its range. */
static bool mapping_of(const char *line, const char *name, uint64_t *ret_start, uint64_t *ret_end)
{
	char *after;

	if (!g_str_has_suffix(line, name))
		return false;
	*ret_start = g_ascii_strtoull(line, &after, 16);
	if (*after != '-')
		return false;
	*ret_end = g_ascii_strtoull(after + 1, &after, 16);
	return *after == ' ' && *ret_end > *ret_start && *ret_end - *ret_start <= 64 * PAGE &&
	       *ret_start % PAGE == 0;
}

static void find_live(struct kvt_pvclock_page *page, const struct kvt_calls *calls,
		      char *const *lines)
{
	/* where to look: a mapping of its own, or among the pages of the vDSO's data, of which the
	 * first is the kernel's and the last may be a time namespace's */
	static const struct {
		const char *mapping;
		unsigned first, last;
	} places[] = { { "[vvar_vclock]", 0, 0 }, { "[vvar]", 1, 2 } };
	uint64_t start, end;

	set_reason(page, KVT_PVCLOCK_NO_VVAR, g_strdup("the kernel maps no [vvar] page here"));
	for (guint p = 0; p < G_N_ELEMENTS(places); p++) {
		bool seen = false;

		for (guint l = 0; lines[l] != NULL; l++) {
			if (!mapping_of(lines[l], places[p].mapping, &start, &end))
				continue;
			seen = true;
			for (unsigned i = places[p].first;
			     i <= places[p].last && start + (uint64_t)i * PAGE < end &&
			     page->state != KVT_PVCLOCK_FOUND;
			     i++)
				look_at(page, calls, places[p].mapping, start, i);
		}
		if (seen) /* a kernel with [vvar_vclock] has it nowhere else */
			return;
	}
}

static void find_recorded(const struct kvt_root *root, struct kvt_pvclock_page *page)
{
	struct pvclock_vcpu_time_info ti;
	gsize size = 0;
	const char *why;

	page->recorded = kvt_root_read(root, KVT_RECORDED_PVCLOCK, PAGE, &size, NULL);
	if (page->recorded == NULL || size < sizeof(ti)) {
		set_reason(page, KVT_PVCLOCK_UNKNOWN,
			   g_strdup("the recording holds no pvclock page"));
		return;
	}
	page->bytes = (const volatile guint8 *)page->recorded; /* from malloc: aligned */
	why = snapshot(page->bytes, &ti) < 0 ? "it was being written"
					     : kvt_pvclock_implausible(&ti, 0);
	if (why != NULL) {
		page->bytes = NULL;
		set_reason(page, KVT_PVCLOCK_UNLIKELY,
			   g_strdup_printf("%s holds no pvclock record: %s", KVT_RECORDED_PVCLOCK,
					   why));
		return;
	}
	set_reason(page, KVT_PVCLOCK_FOUND, NULL);
	page->records = (unsigned)((size - sizeof(ti)) / KVT_PVCLOCK_STRIDE) + 1;
}

bool kvt_pvclock_find(const struct kvt_root *root, const struct kvt_calls *calls,
		      struct kvt_pvclock_page *ret_page)
{
	struct kvt_pvclock_page page = { .state = KVT_PVCLOCK_UNKNOWN };
	g_autoptr(GError) error = NULL;

	if (calls == &kvt_calls_none) {
		find_recorded(root, &page);
	} else {
		g_autofree char *maps = kvt_root_read(root, "/proc/self/maps",
						      64 * KVT_ROOT_FILE_LIMIT, NULL, &error);

		if (maps == NULL) {
			page.refused = true;
			set_reason(&page, KVT_PVCLOCK_UNKNOWN, g_strdup(error->message));
		} else {
			g_auto(GStrv) lines = g_strsplit(maps, "\n", -1);

			find_live(&page, calls, lines);
		}
	}
	*ret_page = page;
	return page.state == KVT_PVCLOCK_FOUND;
}

void kvt_pvclock_page_clear(struct kvt_pvclock_page *page)
{
	g_free(page->reason);
	g_free(page->recorded);
	*page = (struct kvt_pvclock_page){ .state = KVT_PVCLOCK_UNKNOWN };
}

int kvt_pvclock_record(const struct kvt_pvclock_page *page, unsigned vcpu,
		       struct pvclock_vcpu_time_info *ret_ti)
{
	struct pvclock_vcpu_time_info ti;
	int r;

	if (vcpu >= page->records)
		return -KVT_E_ARG;
	r = snapshot(page->bytes + (gsize)vcpu * KVT_PVCLOCK_STRIDE, &ti);
	if (r < 0)
		return r;
	if (kvt_pvclock_implausible(&ti, 0) != NULL)
		return -KVT_E_ABSENT;
	*ret_ti = ti;
	return 0;
}

/* ---- beside the kernel's clocks ---- */

/* One attempt; the window in ret_cycles. */
static int pair_once(const struct kvt_pvclock_page *page, const struct kvt_calls *calls,
		     struct kvt_clock_pair *pair, uint64_t *ret_cycles)
{
	struct pvclock_vcpu_time_info after;
	uint64_t before_cycles, after_cycles;
	int r = snapshot(page->bytes, &pair->ti);

	if (r < 0)
		return r;
	before_cycles = calls->tsc(calls->context);
	if (calls->clock(calls->context, pair->clock, &pair->clock_ns) < 0 || before_cycles == 0)
		return -KVT_E_ABSENT;
	after_cycles = calls->tsc(calls->context);
	r = snapshot(page->bytes, &after);
	if (r < 0)
		return r;
	if (after.version != pair->ti.version || after_cycles < before_cycles)
		return -KVT_E_BUSY;
	*ret_cycles = after_cycles - before_cycles;
	pair->tsc_cycles = before_cycles + *ret_cycles / 2;
	return kvt_pvclock_ns(&pair->ti, pair->tsc_cycles, &pair->page_ns);
}

int kvt_clock_pair_read(const struct kvt_pvclock_page *page, const struct kvt_calls *calls,
			clockid_t clock, struct kvt_clock_pair *ret_pair)
{
	uint64_t narrowest = UINT64_MAX, ns;
	struct kvt_clock_pair best = { 0 };
	int r = -KVT_E_BUSY;

	for (int attempt = 0; attempt < KVT_CLOCK_PAIR_ATTEMPTS; attempt++) {
		struct kvt_clock_pair pair = { .clock = clock };
		uint64_t cycles;

		r = pair_once(page, calls, &pair, &cycles);
		if (r == -KVT_E_ABSENT)
			return r;
		if (r == 0 && cycles < narrowest) {
			narrowest = cycles;
			best = pair;
		}
	}
	if (narrowest == UINT64_MAX)
		return r < 0 ? r : -KVT_E_BUSY;
	r = kvt_scale_apply(narrowest, best.ti.tsc_to_system_mul, best.ti.tsc_shift, &ns);
	if (r < 0)
		return r;
	/* half of the window; 1 ns each for what page, clock and the middle cut off */
	best.bound_ns = ns / 2 + 3;
	best.difference_ns = (int64_t)(best.page_ns - (uint64_t)best.clock_ns);
	*ret_pair = best;
	return 0;
}

/* ---- clock source and rate ---- */

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/"

char *kvt_clocksource_current(const struct kvt_root *root)
{
	return kvt_root_line(root, CLOCKSOURCE "current_clocksource");
}

char **kvt_clocksource_available(const struct kvt_root *root)
{
	g_autofree char *line = kvt_root_line(root, CLOCKSOURCE "available_clocksource");

	return line != NULL ? g_strsplit(line, " ", -1) : NULL;
}

/* "2596.124 MHz ..." as kHz; 0 if it is something else */
static uint64_t parse_mhz(const char *text, const char *unit)
{
	char *after;
	const uint64_t mhz = g_ascii_strtoull(text, &after, 10);
	uint64_t khz = 0;

	if (after == text || mhz > 100000 || *after != '.' || strspn(after + 1, "0123456789") < 3)
		return 0;
	for (int i = 1; i <= 3; i++)
		khz = khz * 10 + (uint64_t)(after[i] - '0');
	return g_str_has_prefix(after + 4, unit) ? mhz * 1000 + khz : 0;
}

/* The rate is found in up to three steps of calibration; the last is what the kernel uses. */
static uint64_t khz_of_log(const char *log)
{
	static const char *const steps[] = { "tsc: Detected ",
					     "tsc: Refined TSC clocksource calibration: " };
	uint64_t khz = 0;

	for (guint s = 0; s < G_N_ELEMENTS(steps); s++)
		for (const char *at = log; (at = strstr(at, steps[s])) != NULL;) {
			uint64_t found;

			at += strlen(steps[s]);
			found = parse_mhz(at, " MHz");
			khz = found != 0 ? found : khz;
		}
	return khz;
}

/*
 * "cpu MHz" is the TSC's rate only as long as the kernel knows nothing better about the core's:
 * no APERF/MPERF, no cpufreq. So it is in most guests.
 */
static uint64_t khz_of_cpuinfo(const struct kvt_root *root)
{
	g_autofree char *text =
		kvt_root_read(root, "/proc/cpuinfo", 64 * KVT_ROOT_FILE_LIMIT, NULL, NULL);
	const char *mhz;

	if (text == NULL || strstr(text, " aperfmperf") != NULL ||
	    kvt_root_exists(root, "/sys/devices/system/cpu/cpu0/cpufreq"))
		return 0;
	mhz = strstr(text, "cpu MHz");
	if (mhz == NULL)
		return 0;
	mhz += strcspn(mhz, ":\n");
	return *mhz == ':' ? parse_mhz(mhz + 1 + strspn(mhz + 1, " "), "\n") : 0;
}

uint64_t kvt_tsc_kernel_khz(const struct kvt_root *root, const struct kvt_calls *calls,
			    const char **ret_source)
{
	g_autofree char *file = kvt_root_line(root, "/sys/devices/system/cpu/cpu0/tsc_freq_khz");
	uint64_t khz = file != NULL ? g_ascii_strtoull(file, NULL, 10) : 0;
	const char *source = "tsc_freq_khz";

	if (khz == 0 || khz > 100000000) {
		g_autofree char *log = kvt_kernel_log(root, calls);

		khz = log != NULL ? khz_of_log(log) : 0;
		source = "kernel log";
	}
	if (khz == 0) {
		khz = khz_of_cpuinfo(root);
		source = "/proc/cpuinfo";
	}
	if (ret_source != NULL)
		*ret_source = khz != 0 ? source : NULL;
	return khz;
}

void kvt_tsc_kernel_scale(uint64_t khz, uint32_t *ret_mult, unsigned *ret_shift)
{
	const uint64_t per_second_ms = 1000000;    /* ns in a ms: kHz are cycles a ms */
	uint64_t cycles_high = khz * 600000 >> 32; /* of 600 s */
	unsigned room = 32, shift = 32;
	uint64_t mult;

	for (; cycles_high != 0; cycles_high >>= 1)
		room--;
	for (;; shift--) {
		mult = ((per_second_ms << shift) + khz / 2) / khz;
		if (mult >> room == 0 || shift == 1)
			break;
	}
	*ret_mult = (uint32_t)mult;
	*ret_shift = shift;
}

/* What CLOCK_MONOTONIC_RAW gains over a counter of exactly @khz; negative = loses. Truncated. */
static int raw_gain_ns(uint64_t khz, uint64_t cycles, int64_t *ret_ns)
{
	uint64_t rate, exact, ns;
	uint32_t mult;
	unsigned shift;
	int r;

	kvt_tsc_kernel_scale(khz, &mult, &shift);
	rate = (uint64_t)mult * khz;
	exact = UINT64_C(1000000) << shift;
	r = kvt_muldiv_u64(cycles, rate > exact ? rate - exact : exact - rate, khz << shift, &ns);
	if (r < 0 || ns > INT64_MAX / 4)
		return r < 0 ? r : -KVT_E_RANGE;
	*ret_ns = rate > exact ? (int64_t)ns : -(int64_t)ns;
	return 0;
}

int kvt_clock_raw_bound(const struct pvclock_vcpu_time_info *ti, const char *clocksource,
			uint64_t khz, uint64_t cycles, int64_t *ret_low_ns, int64_t *ret_high_ns)
{
	int64_t low_ns = 0, high_ns = 0, gain_ns = 0;
	uint64_t hz, unsure_ns = 0;
	int r;

	if (strcmp(clocksource, "kvm-clock") == 0) {
		*ret_low_ns = -1; /* what each conversion cuts off */
		*ret_high_ns = 1;
		return 0;
	}
	if (strcmp(clocksource, "tsc") != 0)
		return -KVT_E_ABSENT;
	r = kvt_scale_to_hz(ti->tsc_to_system_mul, ti->tsc_shift, &hz);
	if (r == 0 && khz == 0) {
		khz = MAX(hz / 1000, 1);
		/* 1 kHz of khz, of the time: cycles / khz ms */
		r = kvt_muldiv_u64(cycles, 1000000, khz * khz, &unsure_ns);
	}
	if (r == 0)
		r = kvt_scale_bound(ti->tsc_to_system_mul, ti->tsc_shift, khz * 1000, cycles,
				    &low_ns, &high_ns);
	if (r == 0)
		r = raw_gain_ns(khz, cycles, &gain_ns);
	if (r < 0)
		return r;
	if (unsure_ns > INT64_MAX / 4 || low_ns < INT64_MIN / 4 || high_ns > INT64_MAX / 4)
		return -KVT_E_RANGE;
	*ret_low_ns = low_ns - gain_ns - (int64_t)unsure_ns - 2;
	*ret_high_ns = high_ns - gain_ns + (int64_t)unsure_ns + 2;
	return 0;
}
