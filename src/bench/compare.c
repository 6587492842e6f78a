/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/compare.h"

#include "bench/measure.h"

static int64_t now_ns(void *context)
{
	(void)context;
	return kvt_bench_now_ns();
}

static bool run_round(void *context, unsigned source, struct kvt_trial_round *ret_round,
		      GError **error)
{
	struct kvt_compare *compare = context;
	struct kvt_disturbance_mark mark;
	struct kvt_disturbance disturbance;
	GError *mine = NULL;

	ret_round->abandoned = kvt_command_interrupted();
	if (ret_round->abandoned)
		return true;
	if (!kvt_sources_select(compare->sources, source, &ret_round->lost, error))
		return false;
	if (ret_round->lost)
		return true;
	kvt_disturbance_mark(&mark);
	if (!kvt_command_run(compare->command, &ret_round->value, &mine)) {
		ret_round->abandoned = kvt_command_interrupted();
		if (ret_round->abandoned)
			g_error_free(mine);
		else
			g_propagate_error(error, mine);
		return ret_round->abandoned;
	}
	disturbance = kvt_disturbance_since(&mark);
	ret_round->steal = disturbance.steal;
	ret_round->throttled = disturbance.throttled;
	ret_round->disturbed = kvt_is_disturbed(&disturbance);
	/* demoted by the kernel's watchdog meanwhile: the round was not all under this source */
	ret_round->lost = !kvt_sources_kept(compare->sources, source);
	return true;
}

static bool go_on(void *context, const GArray *rounds, double half_width)
{
	struct kvt_compare *compare = context;

	return compare->go_on == NULL || compare->go_on(compare->context, rounds, half_width);
}

struct kvt_trial *kvt_compare_run(struct kvt_compare *compare, GError **error)
{
	const struct kvt_trial_ops ops = { compare, now_ns, run_round, go_on };
	struct kvt_trial_round warm_up = { 0 };

	compare->plan.sources = compare->sources->n;
	if (!run_round(compare, 0, &warm_up, error))
		return NULL;
	compare->warm_up = warm_up.value;
	return kvt_trial_run(&compare->plan, &ops, error);
}
