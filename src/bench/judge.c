/* SPDX-License-Identifier: BSD-2-Clause */
/* From measurements to a verdict about the TSC. */
#include <math.h>

#include "bench/stability.h"

#define COARSE_NS 10000.0 /* even between sockets a reading is handed over within 1 us */

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
	} else if (warp->cpus > 1 && warp->resolution_ns > COARSE_NS) {
		verdict->doubt = true;
		say(verdict,
		    "The machine was too busy to compare its CPUs: their offset is known to %.0f "
		    "us only.",
		    warp->resolution_ns / 1e3);
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
	if (!clock->independent || !(clock->rate_bound_ppm > 0)) /* not watched at all */
		return;
	if (fabs(clock->rate_ppm) - clock->rate_bound_ppm > KVT_STABILITY_PPM || wanders(clock)) {
		verdict->against = true;
		say(verdict,
		    "%s, %s, is %+.1f ppm (within %.2f) away from the TSC and wanders by %.0f "
		    "ns.",
		    clock->name,
		    clock->of_host ? "which shows the host's clock"
				   : "which does not count the TSC",
		    clock->rate_ppm, clock->rate_bound_ppm, clock->wander_ns);
	} else if (clock->rate_bound_ppm > KVT_STABILITY_PPM) {
		say(verdict, "%s was watched too shortly to be a witness (known to %.0f ppm).",
		    clock->name, clock->rate_bound_ppm);
	} else if (clock->of_host) {
		say(verdict,
		    "%s shows the host's clock: the TSC keeps step with it to %+.2f ppm, known to "
		    "%.2f ppm. Whether the host's clock is right, only the host can tell.",
		    clock->name, clock->rate_ppm, clock->rate_bound_ppm);
	} else {
		verdict->witness = true;
		say(verdict,
		    "%s, an independent reference, and the TSC agree to %+.2f ppm, known to "
		    "%.2f ppm.",
		    clock->name, clock->rate_ppm, clock->rate_bound_ppm);
	}
}

static void say_no_witness(struct verdict *verdict, const struct kvt_stability *stability)
{
	say(verdict,
	    "No independent reference was watched: tsc, kvm-clock and its page all count the TSC "
	    "itself. hpet or acpi_pm (with --switch), a network card's PHC, an RTC or a clock "
	    "that NTP holds would be one, on hardware of its own.");
	for (guint i = 0; i < stability->no_witnesses->len; i++)
		say(verdict, "%s", (const char *)stability->no_witnesses->pdata[i]);
}

void kvt_stability_judge(struct kvt_stability *stability, bool offered, bool invariant)
{
	struct verdict verdict = { .evidence = stability->evidence };

	judge_kernel(&verdict, offered, invariant);
	judge_warp(&verdict, stability);
	for (guint i = 0; i < stability->clocks->len; i++)
		judge_clock(&verdict, g_ptr_array_index(stability->clocks, i));
	if (!verdict.witness && !verdict.against)
		say_no_witness(&verdict, stability);
	if (verdict.against)
		stability->trust = KVT_TRUST_NO;
	else if (verdict.witness && !verdict.doubt && !stability->lost)
		stability->trust = KVT_TRUST_YES;
	else
		stability->trust = KVT_TRUST_UNKNOWN;
}
