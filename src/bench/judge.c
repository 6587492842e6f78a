/* SPDX-License-Identifier: BSD-2-Clause */
/* From measurements to a verdict about the TSC. */
#include <math.h>

#include "bench/stability.h"

struct verdict {
	GPtrArray *evidence;
	bool against, doubt, witness;
};

static void say(struct verdict *verdict, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void say(struct verdict *verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_ptr_array_add(verdict->evidence, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

static void judge_kernel(struct verdict *verdict, bool offered, bool invariant)
{
	if (!offered) {
		verdict->against = true;
		say(verdict, "The kernel does not offer tsc: its watchdog demoted it, or it never "
			     "qualified (kvmtime check reads the kernel's log).");
	}
	if (!invariant) {
		verdict->doubt = true;
		say(verdict, "The CPU does not promise a constant TSC that goes on in idle "
			     "(constant_tsc, nonstop_tsc in /proc/cpuinfo).");
	}
}

static void judge_warp(struct verdict *verdict, const struct kvt_stability *stability)
{
	const struct kvt_bench_warp *warp = &stability->warp;

	if (!stability->has_warp) {
		verdict->doubt = true;
		say(verdict, "Whether the CPUs agree could not be measured.");
	} else if (warp->backward > 0) {
		verdict->against = true;
		say(verdict,
		    "Time goes backwards: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
		    " readings between CPU %u and CPU %u, by up to %.0f ns.",
		    warp->backward, warp->reads, warp->reference_cpu, warp->cpu, warp->backward_ns);
	} else if (warp->unreached > 0) {
		verdict->doubt = true;
		say(verdict, "%u CPUs could not be compared in the time given.", warp->unreached);
	} else if (warp->cpus > 1)
		say(verdict,
		    "%u CPUs agree: offset %+.0f ns, known to %.0f ns; none of %" G_GUINT64_FORMAT
		    " readings went back.",
		    warp->cpus, warp->offset_ns, warp->resolution_ns, warp->reads);
	else
		say(verdict, "There is one CPU only: nothing to disagree with.");
}

/* more than a rate: the line through the readings is not straight */
static bool wanders(const struct kvt_stability_clock *clock)
{
	return clock->seconds > 0 &&
	       clock->wander_ns >
		       clock->wander_bound_ns + clock->seconds * 1e9 * KVT_STABILITY_PPM / 1e6;
}

static void judge_clock(struct verdict *verdict, const struct kvt_stability_clock *clock)
{
	if (clock->samples < 2 && clock->seconds <= 0 && clock->rate_bound_ppm <= 0)
		return;
	if (!clock->independent)
		return;
	if (fabs(clock->rate_ppm) - clock->rate_bound_ppm > KVT_STABILITY_PPM || wanders(clock)) {
		verdict->against = true;
		say(verdict,
		    "%s, which has a crystal of its own, is %+.1f ppm (within %.2f) away "
		    "from the TSC and wanders by %.0f ns.",
		    clock->name, clock->rate_ppm, clock->rate_bound_ppm, clock->wander_ns);
	} else if (clock->rate_bound_ppm > KVT_STABILITY_PPM) {
		say(verdict, "%s was watched too shortly to be a witness (known to %.0f ppm).",
		    clock->name, clock->rate_bound_ppm);
	} else {
		verdict->witness = true;
		say(verdict,
		    "%s, an independent reference, and the TSC agree to %+.2f ppm, known to "
		    "%.2f ppm.",
		    clock->name, clock->rate_ppm, clock->rate_bound_ppm);
	}
}

void kvt_stability_judge(struct kvt_stability *stability, bool offered, bool invariant)
{
	struct verdict verdict = { .evidence = stability->evidence };

	judge_kernel(&verdict, offered, invariant);
	judge_warp(&verdict, stability);
	for (guint i = 0; i < stability->clocks->len; i++)
		judge_clock(&verdict, g_ptr_array_index(stability->clocks, i));
	if (!verdict.witness && !verdict.against)
		say(&verdict,
		    "No independent reference was watched: tsc, kvm-clock and its page all "
		    "count the TSC itself. hpet or acpi_pm (with --switch) or a clock that "
		    "NTP holds would be one.");
	if (verdict.against)
		stability->trust = KVT_TRUST_NO;
	else if (verdict.witness && !verdict.doubt && !stability->lost)
		stability->trust = KVT_TRUST_YES;
	else
		stability->trust = KVT_TRUST_UNKNOWN;
}
