/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/trial.h"

#include <math.h>

#include "sys/error.h"

#define LEAST_BLOCKS 3

struct state {
	const struct kvt_trial_plan *plan;
	const struct kvt_trial_ops *ops;
	struct kvt_trial *trial;
	GRand *random;
	bool *lost; /* by source */
	bool abandoned;
	int64_t start_ns;
};

void kvt_trial_free(struct kvt_trial *trial)
{
	if (trial == NULL)
		return;
	g_array_unref(trial->rounds);
	g_array_unref(trial->effects);
	g_free(trial);
}

bool kvt_trial_differs(const struct kvt_interval *ratio)
{
	return ratio->low > 0 || ratio->high < 0;
}

static void shuffle(GRand *random, unsigned *order, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	for (unsigned i = n; i > 1; i--) {
		const unsigned j = (unsigned)g_rand_int_range(random, 0, (gint32)i);
		const unsigned keep = order[i - 1];

		order[i - 1] = order[j];
		order[j] = keep;
	}
}

static bool run_round(struct state *state, unsigned source, GError **error)
{
	struct kvt_trial_round round = { .steal = NAN };
	const int64_t start_ns = state->ops->now_ns(state->ops->context);

	if (!state->ops->run(state->ops->context, source, &round, error))
		return false;
	round.block = state->trial->blocks;
	round.source = source;
	round.took_ns = state->ops->now_ns(state->ops->context) - start_ns;
	if (round.abandoned) {
		state->abandoned = true;
		return true;
	}
	if (round.lost)
		state->lost[source] = true;
	else if (!(round.value > 0) || !isfinite(round.value)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "the command's number is %g; only positive ones can be compared",
			    round.value);
		return false;
	}
	state->trial->disturbed += round.disturbed;
	g_array_append_val(state->trial->rounds, round);
	return true;
}

static bool run_block(struct state *state, GError **error)
{
	g_autofree unsigned *order = g_new(unsigned, state->plan->sources);

	shuffle(state->random, order, state->plan->sources);
	for (unsigned i = 0; i < state->plan->sources && !state->abandoned; i++)
		if (!state->lost[order[i]] && !run_round(state, order[i], error))
			return false;
	if (!state->abandoned)
		state->trial->blocks++;
	return true;
}

/* logarithms of value / value of the first source, one a block that has both */
static GArray *log_ratios(const struct kvt_trial *trial, unsigned source, bool undisturbed)
{
	GArray *ratios = g_array_new(FALSE, FALSE, sizeof(double));
	double first = NAN, mine = NAN;
	bool disturbed = false;
	unsigned block = 0;

	for (guint i = 0; i <= trial->rounds->len; i++) {
		const struct kvt_trial_round *round =
			i < trial->rounds->len
				? &g_array_index(trial->rounds, struct kvt_trial_round, i)
				: NULL;

		if (round == NULL || round->block != block) {
			const double ratio = log(mine / first);

			if (isfinite(ratio) && !(undisturbed && disturbed))
				g_array_append_val(ratios, ratio);
			first = mine = NAN;
			disturbed = false;
			if (round == NULL)
				break;
			block = round->block;
		}
		if (round->lost || (round->source != 0 && round->source != source))
			continue;
		*(round->source == 0 ? &first : &mine) = round->value;
		disturbed = disturbed || round->disturbed;
	}
	return ratios;
}

static struct kvt_interval ratio_of(const struct kvt_trial *trial, unsigned source,
				    bool undisturbed, double alpha)
{
	g_autoptr(GArray) ratios = log_ratios(trial, source, undisturbed);
	struct kvt_interval interval = kvt_stats_interval(ratios, alpha);

	interval.mean = expm1(interval.mean);
	interval.low = expm1(interval.low);
	interval.high = expm1(interval.high);
	return interval;
}

/* Fills the effects; returns the largest half width of a source that is still there. */
static double look(struct state *state)
{
	struct kvt_trial *trial = state->trial;
	const unsigned others = state->plan->sources - 1;
	const double alpha = KVT_STATS_LOOK_ALPHA / others;
	double widest = 0;

	trial->looks++;
	g_array_set_size(trial->effects, 0);
	for (unsigned source = 1; source <= others; source++) {
		const struct kvt_trial_effect effect = {
			.ratio = ratio_of(trial, source, false, alpha),
			.undisturbed_ratio = ratio_of(trial, source, true, alpha),
			.lost = state->lost[source],
		};

		g_array_append_val(trial->effects, effect);
		if (!effect.lost)
			widest = MAX(widest, (effect.ratio.high - effect.ratio.low) / 2);
	}
	return widest;
}

static bool may_begin(const struct state *state)
{
	const int64_t spent_ns = state->ops->now_ns(state->ops->context) - state->start_ns;
	const unsigned blocks = state->trial->blocks;

	return blocks < LEAST_BLOCKS || spent_ns + spent_ns / blocks <= state->plan->budget_ns;
}

/* The first source, or all the others, are gone: nothing is left to compare. */
static bool comparable(const struct state *state)
{
	for (unsigned source = 1; source < state->plan->sources; source++)
		if (!state->lost[source])
			return !state->lost[0];
	return false;
}

static bool run_blocks(struct state *state, GError **error)
{
	unsigned next_look = kvt_stats_next_look(0), looked_at = 0;
	double widest = INFINITY;

	for (;;) {
		if (!run_block(state, error))
			return false;
		if (!state->abandoned && state->trial->blocks == next_look) {
			widest = look(state);
			looked_at = next_look;
			next_look = kvt_stats_next_look(next_look);
		}
		if (state->abandoned)
			state->trial->end = KVT_TRIAL_STOPPED;
		else if (!comparable(state))
			state->trial->end = KVT_TRIAL_LOST;
		else if (looked_at == state->trial->blocks && widest <= state->plan->precision)
			state->trial->end = KVT_TRIAL_PRECISE;
		else if (state->ops->go_on != NULL &&
			 !state->ops->go_on(state->ops->context, state->trial->rounds, widest))
			state->trial->end = KVT_TRIAL_STOPPED;
		else if (!may_begin(state))
			state->trial->end = KVT_TRIAL_BUDGET;
		else
			continue;
		if (looked_at != state->trial->blocks || state->trial->looks == 0)
			(void)look(state);
		return true;
	}
}

struct kvt_trial *kvt_trial_run(const struct kvt_trial_plan *plan, const struct kvt_trial_ops *ops,
				GError **error)
{
	g_autoptr(kvt_trial) trial = g_new0(struct kvt_trial, 1);
	g_autofree bool *lost = g_new0(bool, plan->sources);
	g_autoptr(GRand) random = g_rand_new_with_seed(plan->seed);
	struct state state = { .plan = plan,
			       .ops = ops,
			       .trial = trial,
			       .random = random,
			       .lost = lost,
			       .start_ns = ops->now_ns(ops->context) };

	trial->rounds = g_array_new(FALSE, FALSE, sizeof(struct kvt_trial_round));
	trial->effects = g_array_new(FALSE, FALSE, sizeof(struct kvt_trial_effect));
	return run_blocks(&state, error) ? g_steal_pointer(&trial) : NULL;
}
