/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/watch.h"

void kvt_watch_line_free(struct kvt_watch_line *line)
{
	if (line == NULL)
		return;
	g_free(line->words);
	g_free(line);
}

#define DRIFT_PPM    500     /* what a clock that nobody touches may drift by */
#define HOST_STEP_NS 1000000 /* a smaller step of the host's clock is not told from slewing */

/* the host's UTC against its own unsteered clock, from line to line; 0 if it was not set */
static int64_t host_step(const struct kvt_watch_line *earlier, const struct kvt_watch_line *now,
			 int64_t elapsed_ns)
{
	int64_t utc_ns, step_ns;

	if (__builtin_sub_overflow(now->host_utc_ns, earlier->host_utc_ns, &utc_ns) ||
	    __builtin_sub_overflow(utc_ns, elapsed_ns, &step_ns))
		return 0;
	return step_ns > -HOST_STEP_NS - elapsed_ns / 1000 &&
			       step_ns < HOST_STEP_NS + elapsed_ns / 1000
		       ? 0
		       : step_ns;
}

static void compare_offsets(const struct kvt_watch_line *earlier, const struct kvt_watch_line *now,
			    struct kvt_watch_change *change)
{
	const int64_t allowed_ns = earlier->offset.bound_ns + now->offset.bound_ns +
				   change->since_ns / 1000000 * DRIFT_PPM;
	int64_t moved_ns;

	/* ahead of a host that was set back: the guest has not moved */
	if (__builtin_sub_overflow(now->offset.offset_ns, earlier->offset.offset_ns, &moved_ns) ||
	    __builtin_add_overflow(moved_ns, change->host_ns, &moved_ns))
		return;
	change->moved = moved_ns > allowed_ns || moved_ns < -allowed_ns;
	change->moved_ns = change->moved ? moved_ns : 0;
}

void kvt_watch_compare(const struct kvt_watch_line *earlier, bool paused_between,
		       const struct kvt_watch_line *now, struct kvt_watch_change *ret_change)
{
	const int64_t elapsed_ns = now->host_mono_ns - earlier->host_mono_ns;

	*ret_change = (struct kvt_watch_change){ .paused = paused_between };
	if (elapsed_ns <= 0)
		return;
	ret_change->since_ns = elapsed_ns;
	ret_change->host_ns = host_step(earlier, now, elapsed_ns);
	if (earlier->reach == KVT_REACH_OK && now->reach == KVT_REACH_OK)
		compare_offsets(earlier, now, ret_change);
	if (earlier->vcpus_known && now->vcpus_known && now->vcpus.vcpus > 0 &&
	    now->vcpus.vcpus == earlier->vcpus.vcpus &&
	    now->vcpus.wait_ns >= earlier->vcpus.wait_ns) {
		const double waited_ns = (double)(now->vcpus.wait_ns - earlier->vcpus.wait_ns);

		ret_change->steal = MIN(1, waited_ns / (double)elapsed_ns / now->vcpus.vcpus);
		ret_change->steal_known = true;
	}
}

static bool ask(struct kvt_path *path, const struct kvt_watch_options *options,
		struct kvt_watch_line *line)
{
	g_autoptr(GError) error = NULL;
	bool done;

	line->host_mono_ns = path->clock->mono_ns(path->clock->data);
	line->host_utc_ns = path->clock->utc_ns(path->clock->data);
	done = path->ops->open(path, &error) &&
	       kvt_offset_measure(path, options->exchanges, options->budget_us, &line->offset,
				  &error);
	if (done && path->ops->vcpu_time != NULL)
		line->vcpus_known = path->ops->vcpu_time(path, &line->vcpus, NULL);
	path->ops->close(path);
	line->reach = kvt_reach_of(error);
	line->path = path->ops->name;
	g_free(line->words);
	line->words = error != NULL ? g_strdup(error->message) : NULL;
	return done;
}

struct kvt_watch_line *kvt_watch_guest(struct kvt_guest *guest,
				       const struct kvt_watch_options *options)
{
	struct kvt_watch_line *line = g_new0(struct kvt_watch_line, 1);
	const gint64 start_us = g_get_monotonic_time();

	line->guest = guest;
	line->reach = KVT_REACH_NO_AGENT;
	for (guint i = 0; i < guest->paths->len; i++) {
		struct kvt_path *path = guest->paths->pdata[i];

		if (path->taints)
			continue;
		if (ask(path, options, line) || line->reach == KVT_REACH_PAUSED ||
		    line->reach == KVT_REACH_FROZEN)
			break;
	}
	line->took_us = g_get_monotonic_time() - start_us;
	return line;
}

static gpointer work(struct kvt_guest *guest, gpointer data, bool *ret_slow)
{
	struct kvt_watch_line *line = kvt_watch_guest(guest, data);

	*ret_slow = line->reach == KVT_REACH_HUNG;
	return line;
}

/* what is kept of a guest from round to round */
struct before {
	struct kvt_watch_line line; /* the last one with an offset; its words are not kept */
	bool known, paused;         /* paused since then */
};

struct watch {
	GPtrArray *guests;
	const struct kvt_watch_options *options;
	struct kvt_fleet *fleet;
	struct before *before; /* one a guest */
	unsigned round;
	void (*print)(const struct kvt_watch_line *line, void *data);
	void *data;
};

static void print_waiting(const struct watch *w, guint index)
{
	const gint64 waiting_us = kvt_fleet_waiting_us(w->fleet, index);
	g_autofree char *words =
		g_strdup_printf("asked %.1f s ago, no answer yet", (double)waiting_us / 1e6);
	const struct kvt_watch_line line = { .guest = w->guests->pdata[index],
					     .round = w->round,
					     .reach = KVT_REACH_HUNG,
					     .words = words,
					     .took_us = waiting_us };

	w->print(&line, w->data);
}

static bool stopped(const struct watch *w)
{
	return w->options->stop != NULL && *w->options->stop != 0;
}

static void compare(const struct watch *w, guint index, struct kvt_watch_line *line)
{
	struct before *before = &w->before[index];

	if (before->known)
		kvt_watch_compare(&before->line, before->paused, line, &line->change);
	if (line->reach == KVT_REACH_OK) {
		before->line = *line;
		before->line.words = NULL;
		before->known = true;
		before->paused = false;
	} else if (line->reach == KVT_REACH_PAUSED)
		before->paused = true;
}

/* results until all that were asked have answered, or the deadline */
static guint take(const struct watch *w, guint asked, gint64 deadline_us)
{
	while (asked > 0 && !stopped(w)) {
		/* short, so that an interrupt is seen */
		const gint64 slice_us = MIN(deadline_us, g_get_monotonic_time() + 100000);
		struct kvt_watch_line *line;
		guint index;

		line = kvt_fleet_next(w->fleet, slice_us, &index);
		if (line != NULL) {
			line->round = w->round;
			line->took_us = kvt_fleet_took_us(w->fleet, index);
			compare(w, index, line);
			w->print(line, w->data);
			kvt_watch_line_free(line);
			asked--;
		} else if (g_get_monotonic_time() >= deadline_us)
			break;
	}
	return asked;
}

static void rest(const struct watch *w, gint64 until_us)
{
	gint64 left_us;

	while (!stopped(w) && (left_us = until_us - g_get_monotonic_time()) > 0)
		g_usleep((gulong)MIN(left_us, 100000));
}

static void run_round(struct watch *w, guint *left, bool last)
{
	const gint64 start_us = g_get_monotonic_time();
	const gint64 end_us = start_us + (last ? w->options->patience_us : w->options->interval_us);

	for (guint i = 0; i < w->guests->len; i++) {
		if (kvt_fleet_submit(w->fleet, i))
			(*left)++;
		else
			print_waiting(w, i);
	}
	*left = take(w, *left, end_us);
	if (!last)
		rest(w, end_us);
	else if (!stopped(w))
		for (guint i = 0; i < w->guests->len; i++)
			if (kvt_fleet_waiting_us(w->fleet, i) > w->options->patience_us / 2)
				print_waiting(w, i);
}

void kvt_watch_run(GPtrArray *guests, const struct kvt_watch_options *options,
		   void (*print)(const struct kvt_watch_line *line, void *data), void *data)
{
	struct kvt_watch_options *copy = g_memdup2(options, sizeof(*options));
	g_autofree struct before *before = g_new0(struct before, guests->len + 1);
	struct watch w = { guests, options, NULL, before, 0, print, data };
	guint left = 0;

	/* threads that hang may outlive this call: the fleet owns what they read */
	w.fleet = kvt_fleet_new(guests, work, copy, g_free, (GDestroyNotify)kvt_watch_line_free);
	do {
		w.round++;
		run_round(&w, &left, w.round == options->rounds);
	} while (!stopped(&w) && w.round != options->rounds);
	kvt_fleet_free(w.fleet);
}
