/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/watch.h"

void kvt_watch_line_free(struct kvt_watch_line *line)
{
	if (line == NULL)
		return;
	g_free(line->words);
	g_free(line);
}

static bool ask(struct kvt_path *path, const struct kvt_watch_options *options,
		struct kvt_watch_line *line)
{
	g_autoptr(GError) error = NULL;
	const bool done = path->ops->open(path, &error) &&
			  kvt_offset_measure(path, options->exchanges, options->budget_us,
					     &line->offset, &error);

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

struct watch {
	GPtrArray *guests;
	const struct kvt_watch_options *options;
	struct kvt_fleet *fleet;
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
	struct watch w = { guests, options, NULL, 0, print, data };
	guint left = 0;

	/* threads that hang may outlive this call: the fleet owns what they read */
	w.fleet = kvt_fleet_new(guests, work, copy, g_free, (GDestroyNotify)kvt_watch_line_free);
	do {
		w.round++;
		run_round(&w, &left, w.round == options->rounds);
	} while (!stopped(&w) && w.round != options->rounds);
	kvt_fleet_free(w.fleet);
}
