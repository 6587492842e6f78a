/* SPDX-License-Identifier: BSD-2-Clause */
/* The TSC's rate, what bears it out, and what follows from that: may the TSC be trusted? */
#include <math.h>
#include <string.h>

#include "check/machine.h"
#include "sys/measure.h"
#include "sys/timepages.h"
#include "sys/witness.h"

#define RATE_MS    60
#define WITNESS_MS 250 /* a PHC read within 2 us is then known to 8 ppm */

struct rates {
	const struct kvt_reader *reader;
	const struct kvt_witness *best; /* an independent one, known the best */
	double off_ppm;
	const struct kvt_witness *off_by;
	GString *others; /* why the rest is none */
};

static double sure_ppm(const struct kvt_witness_rate *rate)
{
	return MAX(fabs(rate->ppm) - rate->bound_ppm, 0);
}

static void note(struct rates *rates, const struct kvt_witness *witness)
{
	g_string_append_printf(rates->others, "%s%s: %s", rates->others->len > 0 ? "; " : "",
			       witness->name, witness->why);
	if (witness->rate.known)
		g_string_append_printf(rates->others, ", %+.2f ppm +- %.2f from the TSC",
				       witness->rate.ppm, witness->rate.bound_ppm);
}

static void weigh(struct rates *rates, const struct kvt_witness *witness)
{
	if (!witness->rate.known || witness->kind == KVT_WITNESS_NONE) {
		note(rates, witness);
		return;
	}
	if (rates->off_by == NULL || sure_ppm(&witness->rate) > rates->off_ppm) {
		rates->off_ppm = sure_ppm(&witness->rate);
		rates->off_by = witness;
	}
	if (witness->kind == KVT_WITNESS_HOST)
		note(rates, witness);
	else if (rates->best == NULL || witness->rate.bound_ppm < rates->best->rate.bound_ppm)
		rates->best = witness;
}

static char *describe(const struct kvt_witness *witness)
{
	if (witness->rate.seconds > 0)
		return g_strdup_printf("measured: %s over %.0f ms: %s", witness->name,
				       1e3 * witness->rate.seconds, witness->why);
	return g_strdup(witness->why);
}

static void say(const struct rates *rates)
{
	const struct kvt_reader *reader = rates->reader;
	const struct kvt_witness *best = rates->best;

	if (best != NULL) {
		g_autofree char *source = describe(best);

		kvt_facts_set_text(reader->facts, reader->who, "tsc.witness", best->name, source);
		kvt_facts_set_real(reader->facts, reader->who, "tsc.witness_ppm", best->rate.ppm,
				   source);
		kvt_facts_set_real(reader->facts, reader->who, "tsc.witness_bound_ppm",
				   best->rate.bound_ppm, source);
	} else
		kvt_facts_set_text(reader->facts, reader->who, "tsc.witness", "none",
				   rates->others->str);
	if (rates->off_by != NULL) {
		g_autofree char *source = describe(rates->off_by);

		kvt_facts_set_real(reader->facts, reader->who, "tsc.off_ppm", rates->off_ppm,
				   source);
	}
}

/* The kernel's clock counts what its clock source counts. */
static bool counts_another(const char *source)
{
	return strcmp(source, "hpet") == 0 || strcmp(source, "acpi_pm") == 0;
}

/* @raw_ppm: the kernel's raw clock against the TSC, known to @bound_ppm */
static void weigh_source(struct rates *rates, struct kvt_witness *witness, double raw_ppm,
			 double bound_ppm)
{
	const struct kvt_reader *reader = rates->reader;
	const char *current = kvt_facts_text(reader->facts, "clocksource.current", "");
	const bool in_guest = kvt_witness_in_guest(reader->answers);

	if (!counts_another(current) || !isfinite(raw_ppm))
		return;
	witness->name = g_strdup_printf("clock source %s", current);
	witness->kind = in_guest ? KVT_WITNESS_HOST : KVT_WITNESS_OWN;
	witness->why = g_strdup(in_guest ? "emulated: it shows the host's clock"
					 : "a counter with an oscillator of its own");
	witness->rate = (struct kvt_witness_rate){
		.known = true, .ppm = raw_ppm, .bound_ppm = bound_ppm, .seconds = RATE_MS / 1e3
	};
	weigh(rates, witness);
}

/* What NTP says of the raw clock goes on to the TSC by what that clock is against it. */
static void weigh_ntp(struct rates *rates, struct kvt_witness *ntp, double raw_ppm,
		      double bound_ppm)
{
	const struct kvt_reader *reader = rates->reader;
	const bool on_tsc =
		strcmp(kvt_facts_text(reader->facts, "clocksource.current", ""), "tsc") == 0;

	if (!kvt_facts_is(reader->facts, "ntp.synchronised", false) ||
	    !kvt_facts_is(reader->facts, "ntp.daemon_synchronised", false)) {
		g_string_append_printf(rates->others, "%sNTP: %s",
				       rates->others->len > 0 ? "; " : "",
				       kvt_facts_is(reader->facts, "ntp.synchronised", false)
					       ? "the time daemon states no bound for its rate"
					       : "the clock is not known to be synchronised");
		return;
	}
	kvt_witness_ntp(reader->answers, kvt_witness_in_guest(reader->answers), ntp);
	if (!on_tsc && !isfinite(raw_ppm) && ntp->rate.known) {
		ntp->rate.known = false;
		g_free(ntp->why);
		ntp->why = g_strdup("its clock does not count the TSC");
	}
	if (ntp->rate.known && isfinite(raw_ppm)) {
		ntp->rate.ppm += raw_ppm;
		ntp->rate.bound_ppm += bound_ppm;
	}
	weigh(rates, ntp);
}

/* Readings between which the clocks are compared; the TSC's measured rate in kHz, or 0. */
static double measure(const struct kvt_reader *reader, GPtrArray *witnesses, double kernel_khz,
		      double *ret_ppm)
{
	bool any = false;
	unsigned window_ms;
	double khz;

	for (guint i = 0; i < witnesses->len; i++)
		any |= ((struct kvt_witness *)witnesses->pdata[i])->kind != KVT_WITNESS_NONE;
	window_ms = any ? WITNESS_MS : RATE_MS;
	kvt_witness_begin(witnesses);
	if (kvt_measure_tsc_khz(window_ms, &khz, ret_ppm) < 0)
		return 0;
	kvt_witness_end(witnesses, kernel_khz);
	{
		g_autofree char *source = g_strdup_printf(
			"measured: against CLOCK_MONOTONIC_RAW over %u ms, +- %.1f ppm", window_ms,
			*ret_ppm);

		kvt_facts_set_int(reader->facts, reader->who, "tsc.measured_khz",
				  (gint64)(khz + 0.5), source);
	}
	return khz;
}

double kvt_read_rates(const struct kvt_reader *reader)
{
	const bool live = reader->answers->measured && kvt_root_is_live(reader->root);
	const double kernel_khz = (double)kvt_tsc_kernel_khz(
		reader->root, live ? &kvt_calls_live : &kvt_calls_none, NULL);
	g_autoptr(GPtrArray) witnesses = kvt_witness_list(
		reader->root, live ? &kvt_calls_live : &kvt_calls_none, reader->answers);
	struct kvt_witness source = { .fd = -1 }, ntp = { .fd = -1 };
	struct rates rates = { .reader = reader, .others = g_string_new(NULL) };
	double khz = 0, bound_ppm = 0, raw_ppm = NAN;

	if (live)
		khz = measure(reader, witnesses, kernel_khz, &bound_ppm);
	if (khz > 0 && kernel_khz > 0) {
		raw_ppm = (kernel_khz / khz - 1) * 1e6;
		bound_ppm += 0.5e6 / kernel_khz;
	}
	weigh_source(&rates, &source, raw_ppm, bound_ppm);
	for (guint i = 0; i < witnesses->len; i++)
		weigh(&rates, witnesses->pdata[i]);
	weigh_ntp(&rates, &ntp, raw_ppm, bound_ppm);
	say(&rates);
	kvt_witness_clear(&source);
	kvt_witness_clear(&ntp);
	g_string_free(rates.others, TRUE);
	return khz;
}

/* ---- trust ---- */

static void trust(const struct kvt_reader *reader, bool value, const char *because)
{
	kvt_facts_set_bool(reader->facts, reader->who, "tsc.trusted", value, because);
}

static double real_or(const struct kvt_reader *reader, const char *name, double fallback)
{
	const struct kvt_fact *fact = kvt_facts_any(reader->facts, name);

	return fact != NULL && fact->state == KVT_KNOWN ? fact->real : fallback;
}

static const char *against(const struct kvt_reader *reader)
{
	const struct kvt_fact *available = kvt_facts_any(reader->facts, "clocksource.available");

	if (real_or(reader, "tsc.warp_ns", 0) > 0)
		return "time steps back between the CPUs";
	if (real_or(reader, "tsc.off_ppm", 0) >= KVT_WITNESS_PPM)
		return "its rate is wrong by a clock that does not count it";
	if (kvt_facts_has_word(reader->facts, "log.clocksource_unstable", "tsc"))
		return "the kernel's watchdog demoted it";
	if (available != NULL && available->state == KVT_KNOWN && available->list[0] != NULL &&
	    !kvt_facts_has_word(reader->facts, "clocksource.available", "tsc"))
		return "the kernel does not offer it";
	return NULL;
}

static const char *doubt(const struct kvt_reader *reader)
{
	const struct kvt_fact *cpus = kvt_facts_any(reader->facts, "cpu.count");
	const struct kvt_fact *witness = kvt_facts_any(reader->facts, "tsc.witness");
	const bool one = cpus != NULL && cpus->state == KVT_KNOWN && cpus->integer == 1;

	if (witness == NULL || witness->state != KVT_KNOWN || strcmp(witness->text, "none") == 0)
		return "no clock here is independent of it";
	if (fabs(real_or(reader, "tsc.witness_ppm", INFINITY)) +
		    real_or(reader, "tsc.witness_bound_ppm", INFINITY) >
	    KVT_WITNESS_PPM)
		return "its witness is too coarse";
	if (!kvt_facts_is(reader->facts, "tsc.invariant", false))
		return "the CPU does not promise that it is invariant";
	if (!one && real_or(reader, "tsc.warp_ns", -1) < 0)
		return "the CPUs were not compared";
	return NULL;
}

void kvt_judge_trust(const struct kvt_reader *reader)
{
	const char *no = against(reader), *unsure = doubt(reader);

	if (no != NULL)
		trust(reader, false, no);
	else if (unsure != NULL)
		kvt_facts_set_unknown(reader->facts, reader->who, "tsc.trusted", false, unsure);
	else
		trust(reader, true, "borne out by tsc.witness; invariant; CPUs in step");
}
