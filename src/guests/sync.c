/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/sync.h"

#define READ_BACK_TRIES 3

struct run {
	struct kvt_guest *guest;
	const struct kvt_sync_options *options;
	struct kvt_sync_result *result;
};

static void clear_try(gpointer data)
{
	struct kvt_sync_try *one = data;

	g_free(one->words);
}

void kvt_sync_result_free(struct kvt_sync_result *result)
{
	if (result == NULL)
		return;
	g_array_unref(result->tries);
	g_free(result->why);
	g_free(result->backlog_words);
	g_free(result);
}

static void note_try(struct run *run, const struct kvt_path *path, const GError *error)
{
	const struct kvt_sync_try one = { .path = path->ops->name,
					  .reach = kvt_reach_of(error),
					  .words =
						  error != NULL ? g_strdup(error->message) : NULL };

	g_array_append_val(run->result->tries, one);
}

/* Opens, measures, closes: no socket is held between the steps. */
static bool measure(const struct run *run, struct kvt_path *path, struct kvt_offset *ret_offset,
		    GError **error)
{
	bool done = path->ops->open(path, error) &&
		    kvt_offset_measure(path, run->options->exchanges, run->options->budget_us,
				       ret_offset, error);

	path->ops->close(path);
	return done;
}

static void pass_time(const struct run *run, gint64 us)
{
	if (run->options->sleep != NULL)
		run->options->sleep(us, run->options->sleep_data);
	else
		g_usleep((gulong)us);
}

static int64_t size(int64_t ns)
{
	return ns == INT64_MIN ? INT64_MAX : ns < 0 ? -ns : ns;
}

/* true if the truth may lie within the limit */
static bool within(const struct kvt_offset *offset, int64_t limit_ns)
{
	return size(offset->offset_ns) <= offset->bound_ns ||
	       size(offset->offset_ns) - offset->bound_ns <= limit_ns;
}

static void decide(struct run *run)
{
	struct kvt_sync_result *r = run->result;

	if (within(&r->before, run->options->limit_ns)) {
		r->action = KVT_SYNC_NONE;
		r->why = g_strdup("nothing to put right");
	} else if (r->before.host_stepped) {
		r->action = KVT_SYNC_LEAVE;
		r->why = g_strdup("the host's own clock was set during the measurement");
	} else if (r->before.offset_ns > 0 && run->options->policy == KVT_SYNC_FORWARD) {
		r->action = KVT_SYNC_LEAVE;
		r->why = g_strdup("it is ahead, and a step back can break what runs in the guest");
	} else
		r->action = run->options->policy == KVT_SYNC_SLEW ? KVT_SYNC_SLEWED : KVT_SYNC_SET;
}

/* ---- the guest's own daemon ---- */

static bool ask_daemon(struct run *run, struct kvt_path *path, GError **error)
{
	/* what only slews is told to measure when it is meant to be done */
	const bool measure = run->options->apply || run->options->policy != KVT_SYNC_SLEW;
	bool done;

	for (guint i = 0; i < run->guest->paths->len && run->options->taint; i++) {
		struct kvt_path *other = run->guest->paths->pdata[i];

		if (other->taints)
			path = other;
	}
	done = path->ops->open(path, error) &&
	       kvt_daemon_ask(path, measure, &run->result->daemon, error);
	path->ops->close(path);
	return done;
}

static void leave(struct kvt_sync_result *r, char *why)
{
	r->action = KVT_SYNC_LEAVE;
	r->why = why;
}

/* May change what was decided: the guest may know better, or have nobody to slew its clock. */
static void consult(struct run *run, struct kvt_path *path)
{
	struct kvt_sync_result *r = run->result;
	const struct kvt_daemon *daemon = &r->daemon;
	const bool slew = run->options->policy == KVT_SYNC_SLEW;
	g_autoptr(GError) error = NULL;

	if (!ask_daemon(run, path, &error)) {
		note_try(run, path, error);
		if (slew)
			leave(r, g_strdup_printf("no chrony in the guest that could slew it (%s)",
						 error->message));
	} else if (daemon->synchronised && daemon->fresh &&
		   size(daemon->behind_ns) - daemon->error_ns <= run->options->limit_ns)
		leave(r,
		      g_strdup_printf("its own chrony has just heard from its servers that it is "
				      "right within %.3f s: it is the host's clock that differs",
				      (double)(size(daemon->behind_ns) + daemon->error_ns) / 1e9));
	else if (slew && (!daemon->synchronised || (run->options->apply && !daemon->fresh)))
		leave(r, g_strdup("chrony in the guest has no answer from its servers to slew by"));
}

/* The daemon has been told to measure: does the offset shrink? */
static void watch_slewing(struct run *run, struct kvt_path *path)
{
	struct kvt_sync_result *r = run->result;
	struct kvt_offset first;
	int64_t elapsed_ns, gained_ns;

	if (!measure(run, path, &first, NULL))
		return;
	pass_time(run, MAX(run->options->settle_us, G_USEC_PER_SEC));
	r->verified = measure(run, path, &r->after, NULL);
	if (!r->verified)
		return;
	r->in_order = within(&r->after, run->options->limit_ns);
	elapsed_ns = r->after.host_utc_ns - first.host_utc_ns;
	gained_ns = size(first.offset_ns) - size(r->after.offset_ns);
	if (elapsed_ns > 0 && gained_ns > first.bound_ns + r->after.bound_ns)
		r->slew_ppm = (double)gained_ns / (double)elapsed_ns * 1e6;
	if (r->slew_ppm == 0 && !r->in_order)
		r->why = g_strdup("its chrony was told to measure, and the offset does not shrink");
}

/* ---- setting ---- */

/* An agent that has just been ordered about may still be busy with it: asking again is harmless. */
static bool measure_patiently(const struct run *run, struct kvt_path *path,
			      struct kvt_offset *ret_offset, GError **error)
{
	for (unsigned i = 1;; i++) {
		g_autoptr(GError) failed = NULL;

		if (measure(run, path, ret_offset, &failed))
			return true;
		if (i < READ_BACK_TRIES && (kvt_reach_of(failed) == KVT_REACH_HUNG ||
					    kvt_reach_of(failed) == KVT_REACH_BUSY))
			continue;
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
}

/* After the order: the clock, by the path that set it, or by any other. */
static bool read_back(struct run *run, struct kvt_path *first, struct kvt_offset *ret_offset)
{
	g_autoptr(GError) error = NULL;

	if (measure_patiently(run, first, ret_offset, &error))
		return true;
	note_try(run, first, error);
	for (guint i = 0; i < run->guest->paths->len; i++) {
		struct kvt_path *path = run->guest->paths->pdata[i];

		if (path != first && (run->options->taint || !path->taints) &&
		    measure(run, path, ret_offset, NULL))
			return true;
	}
	return false;
}

static void clear_backlog(struct run *run, struct kvt_path *path)
{
	g_autoptr(GError) error = NULL;

	g_clear_pointer(&run->result->backlog_words, g_free);
	run->result->backlog_cleared = path->ops->reset_reinjection(path, &error);
	if (error != NULL)
		run->result->backlog_words = g_strdup(error->message);
}

/* The agent refused, in words: did the clock stay where it was? It may have drifted a little. */
static bool stayed(const struct run *run)
{
	const struct kvt_sync_result *r = run->result;
	int64_t moved;

	return r->verified &&
	       !__builtin_sub_overflow(r->after.offset_ns, r->before.offset_ns, &moved) &&
	       size(moved) <= r->before.bound_ns + r->after.bound_ns +
				      MAX(size(r->before.offset_ns) / 10, 1000000);
}

static void read_and_judge(struct run *run, struct kvt_path *path)
{
	struct kvt_sync_result *r = run->result;

	r->verified = read_back(run, path, &r->after);
	r->in_order = r->verified && within(&r->after, run->options->limit_ns);
}

/* One order of the host's time and r->lead_ns; false if it has not left. */
static bool order(struct run *run, struct kvt_path *path, int64_t *ret_took_ns, GError **error)
{
	struct kvt_sync_result *r = run->result;
	int64_t start_ns = 0;
	struct kvt_exchange ignored;
	bool sent = false;

	/* a question first: a guest that has just been awake takes the order sooner */
	if (path->ops->open(path, error) && path->ops->get_time(path, &ignored, error)) {
		start_ns = path->clock->mono_ns(path->clock->data);
		path->ops->set_time(path, r->lead_ns, &sent, error);
	}
	*ret_took_ns = path->clock->mono_ns(path->clock->data) - start_ns;
	if (sent) {
		r->orders++;
		clear_backlog(run, path);
	}
	path->ops->close(path);
	return sent;
}

/*
 * The order took effect between its start and its reply, so what is left lies between the lead
 * minus that time, and the lead. Anything else is not the order's doing.
 */
static bool is_explained(const struct run *run, int64_t took_ns)
{
	const struct kvt_sync_result *r = run->result;
	const int64_t slack_ns = r->after.bound_ns + took_ns / 1000;

	return r->after.offset_ns <= r->lead_ns + slack_ns &&
	       r->after.offset_ns >= r->lead_ns - took_ns - slack_ns;
}

static bool wants_correction(const struct run *run, int64_t took_ns)
{
	const struct kvt_sync_result *r = run->result;
	/* an order that was very late is worth more patience */
	const unsigned most = run->options->corrections * (r->in_order ? 1 : 2);

	return r->verified && !r->after.host_stepped && r->orders <= most && !stayed(run) &&
	       size(r->after.offset_ns) > r->after.bound_ns && is_explained(run, took_ns) &&
	       (r->after.offset_ns < 0 || run->options->policy != KVT_SYNC_FORWARD);
}

/*
 * The next lead: the shortest way that an order was seen to take. All of them may have been late,
 * and must not put the clock ahead by that: no more than a whole question and answer takes, and
 * after the first order than a tenth of what is let pass.
 */
static void choose_lead(const struct run *run, int64_t *shortest_ns)
{
	struct kvt_sync_result *r = run->result;
	const bool alone = *shortest_ns == INT64_MAX;
	const int64_t most_ns =
		alone ? r->after.delay_ns : MAX(r->after.delay_ns, run->options->limit_ns / 10);

	*shortest_ns = MAX(0, MIN(*shortest_ns, r->lead_ns - r->after.offset_ns));
	r->lead_ns = MIN(*shortest_ns, most_ns);
}

static void correct(struct run *run, struct kvt_path *path, int64_t took_ns)
{
	int64_t shortest_ns = INT64_MAX;

	while (wants_correction(run, took_ns)) {
		g_autoptr(GError) error = NULL;

		choose_lead(run, &shortest_ns);
		if (!order(run, path, &took_ns, &error))
			return;
		if (error != NULL)
			note_try(run, path, error);
		read_and_judge(run, path);
		if (error != NULL && kvt_reach_of(error) != KVT_REACH_REFUSED)
			return;
	}
}

static void settle(struct run *run, struct kvt_path *path)
{
	struct kvt_sync_result *r = run->result;
	struct kvt_offset later;

	if (!r->in_order || run->options->settle_us == 0)
		return;
	pass_time(run, run->options->settle_us);
	if (!measure(run, path, &later, NULL))
		return;
	r->after = later;
	r->in_order = within(&later, run->options->limit_ns);
	r->fought = !r->in_order;
}

/* Gives the order; true if the matter is closed, false if the next path may try. */
static bool set(struct run *run, struct kvt_path *path)
{
	struct kvt_sync_result *r = run->result;
	g_autoptr(GError) error = NULL;
	enum kvt_reach reach;
	int64_t took_ns;

	if (run->options->permit != NULL &&
	    !run->options->permit(&r->before, run->options->permit_data))
		return true;
	r->path = path->ops->name;
	r->lead_ns = (int64_t)((double)r->before.delay_ns * path->set_share);
	r->sent = order(run, path, &took_ns, &error);
	note_try(run, path, error);
	if (!r->sent)
		return false;
	read_and_judge(run, path);
	reach = kvt_reach_of(error);
	if (reach == KVT_REACH_REFUSED && !r->in_order && stayed(run)) {
		r->sent = r->verified = false;
		g_clear_pointer(&r->backlog_words, g_free);
		return false;
	}
	if (reach == KVT_REACH_OK || reach == KVT_REACH_REFUSED)
		correct(run, path, took_ns);
	settle(run, path);
	return true;
}

static void explain_set(struct run *run)
{
	struct kvt_sync_result *r = run->result;

	g_free(r->why);
	if (!r->sent)
		r->why = g_strdup("no path took the order");
	else if (!r->verified)
		r->why = g_strdup("the order was sent and its effect could not be read back; it is "
				  "not given again");
	else if (r->fought)
		r->why = g_strdup(
			"it was right after the order and is wrong again: something in the "
			"guest sets it");
	else if (!r->in_order)
		r->why = g_strdup("it was set, and is still wrong; it is not set again");
	else
		r->why = NULL;
}

/* One path: measure, decide, set. true if the matter is closed. */
static bool try_path(struct run *run, struct kvt_path *path)
{
	struct kvt_sync_result *r = run->result;
	g_autoptr(GError) error = NULL;

	if (!measure(run, path, &r->before, &error)) {
		note_try(run, path, error);
		/* no other path wakes a machine that stands still */
		return kvt_reach_of(error) == KVT_REACH_PAUSED ||
		       kvt_reach_of(error) == KVT_REACH_FROZEN;
	}
	r->path = path->ops->name;
	decide(run);
	if (run->options->exec && (r->action == KVT_SYNC_SET || r->action == KVT_SYNC_SLEWED))
		consult(run, path);
	if (r->action == KVT_SYNC_SLEWED && run->options->apply)
		watch_slewing(run, path);
	if (r->action != KVT_SYNC_SET || !run->options->apply)
		return true;
	return set(run, path);
}

struct kvt_sync_result *kvt_sync_run(struct kvt_guest *guest,
				     const struct kvt_sync_options *options)
{
	struct kvt_sync_result *r = g_new0(struct kvt_sync_result, 1);
	struct run run = { guest, options, r };

	r->action = KVT_SYNC_CANNOT;
	r->tries = g_array_new(FALSE, FALSE, sizeof(struct kvt_sync_try));
	g_array_set_clear_func(r->tries, clear_try);
	for (guint i = 0; i < guest->paths->len; i++) {
		struct kvt_path *path = guest->paths->pdata[i];

		if (path->taints && !options->taint)
			continue;
		if (try_path(&run, path))
			break;
	}
	if (r->action == KVT_SYNC_SET && options->apply)
		explain_set(&run);
	else if (r->action == KVT_SYNC_CANNOT && r->tries->len > 0)
		r->why = g_strdup(g_array_index(r->tries, struct kvt_sync_try, 0).words);
	return r;
}
