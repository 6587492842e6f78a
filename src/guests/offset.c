/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/offset.h"

#include "guests/reach.h"

#define STEP_NS_MAX   15625000 /* Windows' clock interrupt, where nothing has asked for more */
#define STEP_NS_SLACK 20000    /* what is read is not cut finer than this */

/* a - b; false if it does not fit */
static bool subtract(int64_t a, int64_t b, int64_t *ret_difference)
{
	return !__builtin_sub_overflow(a, b, ret_difference);
}

static bool delays(const struct kvt_exchange *x, int64_t *ret_utc_ns, int64_t *ret_mono_ns)
{
	int64_t difference, allowed_ns;

	if (!subtract(x->host_utc_after_ns, x->host_utc_before_ns, ret_utc_ns) ||
	    !subtract(x->host_mono_after_ns, x->host_mono_before_ns, ret_mono_ns) ||
	    *ret_mono_ns < 0 || *ret_mono_ns > INT64_MAX / 4 ||
	    !subtract(*ret_utc_ns, *ret_mono_ns, &difference))
		return false;
	allowed_ns = KVT_OFFSET_STEP_NS + *ret_mono_ns / 1000;
	return difference <= allowed_ns && difference >= -allowed_ns;
}

bool kvt_offset_of(const struct kvt_exchange *exchange, int64_t resolution_ns,
		   struct kvt_offset *ret_offset)
{
	int64_t utc_ns, mono_ns, delay_ns, offset_ns;

	if (!delays(exchange, &utc_ns, &mono_ns))
		return false;
	delay_ns = MAX(utc_ns, mono_ns);
	/* the answer was cut to its resolution: the guest's clock was up to that further on */
	if (!subtract(exchange->guest_utc_ns, exchange->host_utc_before_ns, &offset_ns) ||
	    !subtract(offset_ns, utc_ns / 2 - (resolution_ns - 1) / 2, &offset_ns))
		return false;
	*ret_offset = (struct kvt_offset){
		.offset_ns = offset_ns,
		.bound_ns = (delay_ns + resolution_ns) / 2 + 1,
		.delay_ns = delay_ns,
		.host_utc_ns = exchange->host_utc_after_ns,
		.exchanges = 1,
	};
	return true;
}

int64_t kvt_offset_within(const struct kvt_offset *offset)
{
	const int64_t size_ns = offset->offset_ns == INT64_MIN ? INT64_MAX
				: offset->offset_ns < 0        ? -offset->offset_ns
							       : offset->offset_ns;
	int64_t sum_ns;

	return __builtin_add_overflow(size_ns, offset->bound_ns, &sum_ns) ? INT64_MAX : sum_ns;
}

/* What all answers are a multiple of: round ones by chance are not taken for a coarse clock. */
static int64_t common_step(const struct kvt_exchange *exchanges, unsigned n)
{
	static const int64_t steps[] = { 1000000000, 10000000, 1000000, 1000, 100 };

	for (unsigned s = n < 3 ? 3 : 0; s < G_N_ELEMENTS(steps); s++) {
		unsigned i = 0;

		while (i < n && exchanges[i].guest_utc_ns % steps[s] == 0)
			i++;
		if (i == n)
			return steps[s];
	}
	return 1;
}

/*
 * True if the guest's clock stood still, or leapt, between two answers by more than any slewing
 * explains (chrony's 8 %): it moves in steps, as Windows' does by 15.6 ms.
 */
static bool moves_in_steps(const struct kvt_exchange *earlier, const struct kvt_exchange *later)
{
	int64_t guest_ns, least_ns, most_ns;

	if (!subtract(later->guest_utc_ns, earlier->guest_utc_ns, &guest_ns) ||
	    !subtract(later->host_mono_before_ns, earlier->host_mono_after_ns, &least_ns) ||
	    !subtract(later->host_mono_after_ns, earlier->host_mono_before_ns, &most_ns) ||
	    guest_ns < 0 || guest_ns > STEP_NS_MAX || least_ns < 0 || most_ns > INT64_MAX / 4)
		return false;
	return guest_ns < least_ns - least_ns / 10 - STEP_NS_SLACK ||
	       guest_ns > most_ns + most_ns / 10 + STEP_NS_SLACK;
}

static int64_t find_resolution(const struct kvt_exchange *exchanges, unsigned n)
{
	const int64_t common_ns = common_step(exchanges, n);

	for (unsigned i = 1; i < n; i++)
		if (moves_in_steps(&exchanges[i - 1], &exchanges[i]) ||
		    moves_in_steps(&exchanges[0], &exchanges[i]))
			return MAX(common_ns, STEP_NS_MAX);
	return common_ns;
}

/* true if the host's clock was set between two exchanges */
static bool stepped_between(const struct kvt_exchange *earlier, const struct kvt_exchange *later)
{
	const struct kvt_exchange gap = {
		.host_utc_before_ns = earlier->host_utc_after_ns,
		.host_utc_after_ns = later->host_utc_before_ns,
		.host_mono_before_ns = earlier->host_mono_after_ns,
		.host_mono_after_ns = later->host_mono_before_ns,
	};
	int64_t utc_ns, mono_ns;

	return !delays(&gap, &utc_ns, &mono_ns);
}

bool kvt_offset_filter(const struct kvt_exchange *exchanges, unsigned n, int64_t resolution_ns,
		       struct kvt_offset *ret_offset)
{
	struct kvt_offset best = { 0 }, one;
	bool stepped = false;

	if (resolution_ns <= 0)
		resolution_ns = find_resolution(exchanges, n);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0 && stepped_between(&exchanges[i - 1], &exchanges[i]))
			stepped = true, best = (struct kvt_offset){ 0 };
		if (!kvt_offset_of(&exchanges[i], resolution_ns, &one)) {
			stepped = true, best = (struct kvt_offset){ 0 };
			continue;
		}
		one.exchanges = best.exchanges + 1;
		if (best.exchanges == 0 || one.delay_ns < best.delay_ns)
			best = one;
		else
			best.exchanges = one.exchanges;
	}
	best.host_stepped = stepped;
	if (best.exchanges == 0)
		return false;
	*ret_offset = best;
	return true;
}

bool kvt_offset_measure(struct kvt_path *path, unsigned exchanges, gint64 budget_us,
			struct kvt_offset *ret_offset, GError **error)
{
	const int64_t start_ns = path->clock->mono_ns(path->clock->data);
	struct kvt_exchange all[KVT_OFFSET_EXCHANGES];
	g_autoptr(GError) failed = NULL;
	unsigned n = 0;

	while (n < MIN(exchanges, KVT_OFFSET_EXCHANGES) && failed == NULL) {
		if (n > 0 && path->clock->mono_ns(path->clock->data) - start_ns > budget_us * 1000)
			break;
		if (path->ops->get_time(path, &all[n], &failed))
			n++;
	}
	if (n > 0 && kvt_offset_filter(all, n, 0, ret_offset))
		return true;
	if (failed != NULL)
		g_propagate_error(error, g_steal_pointer(&failed));
	else
		kvt_reach_set(error, KVT_REACH_REFUSED,
			      "the host's own clock was set during every exchange");
	return false;
}
