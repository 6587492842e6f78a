/* SPDX-License-Identifier: BSD-2-Clause */
/* Which device and policy lose ticks when the guest cannot run. */
#include <math.h>
#include <string.h>

#include "lab/host.h"
#include "lab/lab.h"
#include "lab/ticks.h"

static const char *const disturbance_names[] = { "calm", "stop", "blackouts", "neighbours" };

static bool wanted(const struct lab_context *context, const struct lab_tick_case *tick_case)
{
	g_auto(GStrv) names = NULL;

	if (context->only == NULL)
		return tick_case->by_default || context->longer;
	names = g_strsplit(context->only, ",", -1);
	return g_strv_contains((const char *const *)names, tick_case->name);
}

/* What the policy promises to end with, in ticks of loss; negative = no promise. */
static double promise(const struct lab_tick_case *tick_case, const struct lab_tick_outcome *outcome)
{
	if (tick_case->device == LAB_DEVICE_LAPIC_PERIODIC)
		return outcome->lost_expected;
	if (tick_case->kernel)
		return tick_case->reinject ? 0 : outcome->lost_expected;
	return tick_case->policy == KVT_TICK_CATCHUP ? 0 : outcome->lost_expected;
}

static const char *effect(const struct lab_tick_outcome *outcome)
{
	if (outcome->lost > outcome->lost_expected / 2)
		return "a guest that counts ticks stays behind for ever; one with kvm-clock or the "
		       "Hyper-V page does not care";
	if (outcome->burst > 10)
		return "nothing is lost, but the ticks come in a burst";
	return "nothing is lost";
}

/* Ticks that this machine itself may cost: the control's, or those of the time without a CPU. */
static double noise(const struct lab_tick_run *run, const struct lab_tick_outcome *outcome)
{
	/* what follows the stop is longer than the control was */
	const double longer = MAX(1.0, (double)run->recover_ns / (double)run->quiet_ns);

	/* all or nothing of a hundred is the question: a few are the machine, not the policy */
	return 5 +
	       MAX(fabs(outcome->control_lost) * longer, outcome->waited_ns * outcome->hz / 1e9);
}

static void report(const struct lab_tick_case *tick_case, const struct lab_tick_run *run,
		   const struct lab_tick_outcome *outcome, struct lab_result *result)
{
	const char *kind = disturbance_names[run->disturbance];
	g_autofree char *lost = g_strdup_printf("%s_%s_lost", tick_case->name, kind);
	g_autofree char *control = g_strdup_printf("%s_%s_control", tick_case->name, kind);
	g_autofree char *late = g_strdup_printf("%s_%s_late", tick_case->name, kind);
	g_autofree char *catchup = g_strdup_printf("%s_%s_catchup", tick_case->name, kind);
	/* only a single stop takes every tick away; elsewhere it is a number */
	const bool judged = run->disturbance == LAB_STOP;
	const double slack = noise(run, outcome);
	const bool kept = fabs(outcome->lost - promise(tick_case, outcome)) <= slack;

	lab_measure(result, lost, outcome->lost, slack, "ticks",
		    !judged                                      ? LAB_INFO
		    : kept && slack > outcome->lost_expected / 3 ? LAB_UNKNOWN
		    : kept                                       ? LAB_GOOD
								 : LAB_BAD,
		    "%s: lost for ever of the %.0f due in %.0f ms %s at %.0f Hz; most behind %.0f, "
		    "longest burst %u; %s",
		    tick_case->title, outcome->lost_expected, (double)run->disturb_ns / 1e6, kind,
		    outcome->hz, outcome->behind, outcome->burst, effect(outcome));
	lab_measure(result, control, outcome->control_lost, 0, "ticks", LAB_INFO,
		    "lost in the %.0f ms before, without any disturbance of ours",
		    (double)run->quiet_ns / 1e6);
	lab_measure(result, late, outcome->late_max_ns, 0, "ns", LAB_INFO,
		    "worst lateness of a tick");
	lab_measure(result, catchup, isfinite(outcome->catchup_ns) ? outcome->catchup_ns : -1, 0,
		    "ns", LAB_INFO,
		    "from the end of the disturbance until within 2 ticks; -1 = never");
}

static bool one(struct lab_context *context, const struct lab_tick_case *tick_case,
		enum lab_disturbance disturbance, struct lab_result *result,
		struct lab_tick_outcome *ret_outcome, GError **error)
{
	const struct lab_tick_run run = {
		.disturbance = disturbance,
		.hz = context->hz > 0 ? context->hz : 250,
		.busy = context->busy,
		.quiet_ns = (context->longer ? 2000 : 300) * LAB_MS,
		.disturb_ns = context->stop_ns > 0 ? context->stop_ns : 500 * LAB_MS,
		.recover_ns = (context->longer ? 2000 : 650) * LAB_MS,
	};

	if (context->progress != NULL)
		context->progress(tick_case->title);
	if (!lab_ticks_measure(tick_case, &run, ret_outcome, error))
		return false;
	g_clear_pointer(&ret_outcome->intervals, g_array_unref);
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

	if (!context->machine.host_page) {
		lab_skip(result, "the host cannot read the guest's counter here");
		return true;
	}
	for (const struct lab_tick_case *c = lab_tick_cases; c->name != NULL; c++) {
		if (!wanted(context, c))
			continue;
		if (!one(context, c, LAB_STOP, result, &outcome, error))
			return false;
		g_string_append_printf(text, "%s%s %.0f", text->len > 0 ? ", " : "", c->name,
				       outcome.lost);
		for (int d = LAB_BLACKOUTS; context->longer && d <= LAB_NEIGHBOURS; d++)
			if (!one(context, c, (enum lab_disturbance)d, result, &outcome, error))
				return false;
	}
	lab_sentence(result, "Ticks lost for ever by a stop of %.0f ms: %s",
		     (double)(context->stop_ns > 0 ? context->stop_ns : 500 * LAB_MS) / 1e6,
		     text->str);
	return true;
}
