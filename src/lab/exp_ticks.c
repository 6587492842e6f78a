/* SPDX-License-Identifier: BSD-2-Clause */
/* Which device and policy lose ticks when the guest cannot run. */
#include <math.h>
#include <string.h>

#include "lab/host.h"
#include "lab/lab.h"
#include "lab/ticks.h"

#define JUDGED_HZ 300u
#define REPEATS   2u

static const char *const disturbance_names[] = { "calm", "stop", "blackouts", "neighbours" };

static bool wanted(const struct lab_context *context, const struct lab_tick_case *tick_case)
{
	g_auto(GStrv) names = NULL;

	if (context->only == NULL)
		return tick_case->by_default || context->longer;
	names = g_strsplit(context->only, ",", -1);
	return g_strv_contains((const char *const *)names, tick_case->name);
}

/* Only a single stop takes every tick away, and fast ticks are at the limit of slow machines: the
 * rest is a number. */
static enum lab_verdict judge(const struct lab_tick_case *tick_case, const struct lab_tick_run *run,
			      const struct lab_tick_outcome *outcome, double *ret_slack)
{
	const enum lab_verdict verdict =
		lab_ticks_judge(run, outcome, lab_ticks_promise(tick_case, outcome), ret_slack);

	return run->disturbance == LAB_STOP && run->hz <= JUDGED_HZ ? verdict : LAB_INFO;
}

static const char *effect(enum lab_verdict verdict, const struct lab_tick_outcome *outcome)
{
	if (verdict == LAB_UNKNOWN)
		return "this machine had too little time for the guest to tell; measure again when "
		       "it is idle";
	if (outcome->lost > outcome->lost_expected / 2)
		return "a guest that counts ticks stays behind for ever; one with kvm-clock or the "
		       "Hyper-V page does not care";
	if (outcome->burst > 10)
		return "nothing is lost, but the ticks come in a burst";
	return "nothing is lost";
}

static void report(const struct lab_tick_case *tick_case, const struct lab_tick_run *run,
		   const struct lab_tick_outcome *outcome, struct lab_result *result)
{
	const char *kind = disturbance_names[run->disturbance];
	g_autofree char *lost = g_strdup_printf("%s_%s_lost", tick_case->name, kind);
	g_autofree char *control = g_strdup_printf("%s_%s_control", tick_case->name, kind);
	g_autofree char *late = g_strdup_printf("%s_%s_late", tick_case->name, kind);
	g_autofree char *catchup = g_strdup_printf("%s_%s_catchup", tick_case->name, kind);
	double slack;
	const enum lab_verdict verdict = judge(tick_case, run, outcome, &slack);

	lab_measure(result, lost, outcome->lost, slack, "ticks", verdict,
		    "%s: lost for ever of the %.0f due in %.0f ms %s at %.0f Hz; most behind %.0f, "
		    "longest burst %u; %s",
		    tick_case->title, outcome->lost_expected, (double)run->disturb_ns / 1e6, kind,
		    outcome->hz, outcome->behind, outcome->burst, effect(verdict, outcome));
	lab_measure(result, control, outcome->control_lost, 0, "ticks", LAB_INFO,
		    "lost in the %.0f ms before, without any disturbance of ours",
		    (double)run->quiet_ns / 1e6);
	lab_measure(result, late, outcome->late_max_ns, 0, "ns", LAB_INFO,
		    "worst lateness of a tick");
	lab_measure(result, catchup, isfinite(outcome->catchup_ns) ? outcome->catchup_ns : -1, 0,
		    "ns", LAB_INFO,
		    "from the end of the disturbance until within 2 ticks; -1 = never");
}

/* A run that a busy machine spoilt is made again, as often as @again allows. */
static bool measure(const struct lab_tick_case *tick_case, const struct lab_tick_run *run,
		    unsigned int *again, struct lab_tick_outcome *ret_outcome, GError **error)
{
	double slack;

	for (;;) {
		if (!lab_ticks_measure(tick_case, run, ret_outcome, error))
			return false;
		g_clear_pointer(&ret_outcome->intervals, g_array_unref);
		if (judge(tick_case, run, ret_outcome, &slack) != LAB_UNKNOWN || *again == 0)
			return true;
		(*again)--;
	}
}

static bool one(struct lab_context *context, const struct lab_tick_case *tick_case,
		enum lab_disturbance disturbance, unsigned int *again, struct lab_result *result,
		struct lab_tick_outcome *ret_outcome, GError **error)
{
	const int64_t stop_ns = context->stop_ns > 0 ? context->stop_ns : 500 * LAB_MS;
	const struct lab_tick_run run = {
		.disturbance = disturbance,
		.hz = context->hz > 0 ? context->hz : 250,
		.busy = context->busy,
		.quiet_ns = (context->longer ? 2000 : 300) * LAB_MS,
		.disturb_ns = stop_ns,
		/* catchup runs at double rate: it needs as long as the stop was */
		.recover_ns = context->longer ? 4 * stop_ns : stop_ns + stop_ns / 3,
	};

	if (context->progress != NULL)
		context->progress(tick_case->title);
	if (!measure(tick_case, &run, again, ret_outcome, error))
		return false;
	report(tick_case, &run, ret_outcome, result);
	/* the fault on purpose: the same PIT without reinjection must be seen to lose */
	if (tick_case->kernel && !tick_case->reinject && disturbance == LAB_STOP &&
	    tick_case->device == LAB_DEVICE_PIT)
		lab_control(result, ret_outcome->lost > ret_outcome->lost_expected / 2,
			    "reinjection off", "%.0f of %.0f ticks lost", ret_outcome->lost,
			    ret_outcome->lost_expected);
	return true;
}

bool lab_ticks_run(struct lab_context *context, struct lab_result *result, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct lab_tick_outcome outcome;
	unsigned int again = REPEATS;

	if (!context->machine.host_page) {
		lab_skip(result, "the host cannot read the guest's counter here");
		return true;
	}
	for (const struct lab_tick_case *c = lab_tick_cases; c->name != NULL; c++) {
		if (!wanted(context, c))
			continue;
		if (!one(context, c, LAB_STOP, &again, result, &outcome, error))
			return false;
		g_string_append_printf(text, "%s%s %.0f", text->len > 0 ? ", " : "", c->name,
				       outcome.lost);
		for (int d = LAB_BLACKOUTS; context->longer && d <= LAB_NEIGHBOURS; d++)
			if (!one(context, c, (enum lab_disturbance)d, &again, result, &outcome,
				 error))
				return false;
	}
	lab_sentence(result, "Ticks lost for ever by a stop of %.0f ms: %s",
		     (double)(context->stop_ns > 0 ? context->stop_ns : 500 * LAB_MS) / 1e6,
		     text->str);
	return true;
}
