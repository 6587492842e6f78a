/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include <glib-unix.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/text.h"
#include "daemon/asker.h"
#include "daemon/conf.h"
#include "daemon/find.h"
#include "daemon/hostwatch.h"
#include "daemon/http.h"
#include "daemon/log.h"
#include "daemon/marks.h"
#include "daemon/metrics.h"
#include "daemon/worker.h"
#include "guests/libvirt.h"
#include "sys/error.h"

#define TICK_MS   1000
#define SETTLE_NS INT64_C(500000000) /* steps of the host's clock come in bunches */

struct daemon {
	const struct kvt_daemon_options *options;
	GMainLoop *loop;
	struct kvt_daemon_config *config;
	GPtrArray *old_configs; /* a thread may still read them */
	GMutex lock; /* guard and state: changed by the main loop, read by the listener */
	struct kvt_guard *guard;
	struct kvt_daemon_state state;
	struct kvt_asker *asker;
	struct kvt_worker *worker;
	struct kvt_http *http;
	guint wake; /* source, or 0 */
	/* events of guests that are not known yet */
	GHashTable *early; /* id -> event */
	bool looking, look_again, judging;
	int64_t look_ns;
	struct kvt_judged *judged;
	char *libvirt_why; /* told last */
	bool libvirt_watched;
	struct kvt_hostwatch hostwatch;
	struct kvt_host_news news; /* not told yet */
	int64_t news_ns;
	int timer;
};

/* What a guest of the guard stands for. */
struct link {
	struct daemon *daemon;
	struct kvt_guard_guest *of;
	struct kvt_guest *guest;
	const char *agent, *qmp; /* sockets that are asked without a thread; or NULL */
};

static int64_t clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The guard's time runs on while the host sleeps. */
static int64_t now_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* ---- running what is due ---- */

static void run_guard(struct daemon *d);

static gboolean wake_up(gpointer data)
{
	struct daemon *d = data;

	d->wake = 0;
	run_guard(d);
	return G_SOURCE_REMOVE;
}

static void run_guard(struct daemon *d)
{
	int64_t now, next;

	g_mutex_lock(&d->lock);
	now = now_ns();
	next = kvt_guard_run(d->guard, now);
	g_mutex_unlock(&d->lock);
	if (d->wake != 0)
		g_source_remove(d->wake);
	d->wake = 0;
	if (next != INT64_MAX) {
		const int64_t wait_ms = CLAMP((next - now + 999999) / 1000000, 0, 3600000);

		d->wake = g_timeout_add((guint)wait_ms, wake_up, d);
	}
}

/* Soon, once, after all that this turn of the loop brings. */
static void run_soon(struct daemon *d)
{
	if (d->wake != 0)
		g_source_remove(d->wake);
	d->wake = g_idle_add_full(G_PRIORITY_DEFAULT, wake_up, d, NULL);
}

static void done(struct kvt_guard_guest *guest, const struct kvt_guard_result *result, void *data)
{
	struct daemon *d = data;

	g_mutex_lock(&d->lock);
	kvt_guard_done(d->guard, guest, result, now_ns());
	g_mutex_unlock(&d->lock);
	run_soon(d);
}

static void answered(const struct kvt_guard_result *result, void *data)
{
	struct link *link = data;

	done(link->of, result, link->daemon);
}

/* ---- what the guard asks for ---- */

static void start(void *data, struct kvt_guard_guest *guest, enum kvt_guard_order order)
{
	struct daemon *d = data;
	struct link *link = guest->user;
	const gint64 timeout_us = d->config->guard.timeout_ns / 1000;

	if (order == KVT_ORDER_CHECK && link->agent != NULL) {
		const struct kvt_question question = {
			.agent = link->agent,
			.qmp = link->qmp,
			.monitor_first = guest->reach != KVT_REACH_OK,
			.timeout_us = timeout_us,
			.done = answered,
			.data = link,
		};

		kvt_asker_ask(d->asker, &question);
	} else {
		struct kvt_job job = { .for_guest = guest,
				       .guest = link->guest,
				       .order = order,
				       .exchanges = d->config->guard.exchanges,
				       .timeout_us = timeout_us,
				       .id = guest->id,
				       .marks = d->options->state };

		kvt_config_guest(d->config, guest->name, &job.policy, &job.limit_ns);
		kvt_worker_submit(d->worker, &job);
	}
}

static char *offset_text(const struct kvt_offset *offset)
{
	return kvt_text_offset((double)offset->offset_ns, (double)offset->bound_ns);
}

static const char *note_words(enum kvt_guard_note note)
{
	static const char *const words[] = {
		[KVT_NOTE_SET] = "set",
		[KVT_NOTE_STILL_WRONG] = "set, and still wrong",
		[KVT_NOTE_UNCONFIRMED] = "set, and not confirmed",
		[KVT_NOTE_NOT_SET] = "not set",
		[KVT_NOTE_IN_ORDER] = "in order",
		[KVT_NOTE_LEFT_ALONE] = "wrong, and left alone",
		[KVT_NOTE_GAVE_UP] = "wrong again and again: given up for a while",
		[KVT_NOTE_LOST] = "does not answer any more",
		[KVT_NOTE_BACK] = "answers again",
	};

	return words[note];
}

static enum kvt_priority note_priority(enum kvt_guard_note note)
{
	switch (note) {
	case KVT_NOTE_SET:
		return KVT_LOG_NOTICE;
	case KVT_NOTE_IN_ORDER:
	case KVT_NOTE_BACK:
	case KVT_NOTE_LOST:
		return KVT_LOG_INFO;
	default:
		return KVT_LOG_WARNING;
	}
}

static void count(struct daemon *d, enum kvt_guard_note note)
{
	d->state.corrections += note == KVT_NOTE_SET || note == KVT_NOTE_STILL_WRONG ||
				note == KVT_NOTE_UNCONFIRMED;
	d->state.failures += note == KVT_NOTE_STILL_WRONG || note == KVT_NOTE_UNCONFIRMED ||
			     note == KVT_NOTE_NOT_SET;
}

static void note(void *data, const struct kvt_guard_guest *guest, enum kvt_guard_note note,
		 const struct kvt_guard_result *r)
{
	const bool measured = r->reach == KVT_REACH_OK;
	g_autofree char *name = kvt_text_printable(guest->name);
	g_autofree char *before = measured ? offset_text(&r->before) : NULL;
	g_autofree char *after = r->verified ? offset_text(&r->after) : NULL;
	g_autofree char *words = r->words != NULL ? kvt_text_printable(r->words) : NULL;
	g_autofree char *before_ns =
		measured ? g_strdup_printf("%" G_GINT64_FORMAT, r->before.offset_ns) : NULL;
	g_autofree char *after_ns =
		r->verified ? g_strdup_printf("%" G_GINT64_FORMAT, r->after.offset_ns) : NULL;
	g_autofree char *bound_ns =
		r->verified ? g_strdup_printf("%" G_GINT64_FORMAT, r->after.bound_ns) : NULL;
	const char *const fields[] = { "KVMTIME_VM",
				       guest->name,
				       "KVMTIME_VM_ID",
				       guest->id,
				       "KVMTIME_EVENT",
				       kvt_guard_event_word(guest->cause),
				       "KVMTIME_OUTCOME",
				       note_words(note),
				       "KVMTIME_STATUS",
				       kvt_reach_word(r->reach),
				       "KVMTIME_TRANSPORT",
				       r->path != NULL ? r->path : "",
				       "KVMTIME_BEFORE_NS",
				       before_ns,
				       "KVMTIME_AFTER_NS",
				       after_ns,
				       "KVMTIME_BOUND_NS",
				       bound_ns,
				       NULL };

	count(data, note);
	kvt_say(note_priority(note), fields, "%s: %s%s%s%s%s%s%s (%s%s%s)", name, note_words(note),
		before != NULL ? ": " : "", before != NULL ? before : "",
		after != NULL ? " -> " : "", after != NULL ? after : "", words != NULL ? "; " : "",
		words != NULL ? words : "", kvt_guard_event_word(guest->cause),
		r->path != NULL ? ", by " : "", r->path != NULL ? r->path : "");
}

static void settled(void *data, const struct kvt_guard_guest *guest)
{
	kvt_marks_drop(((struct daemon *)data)->options->state, guest->id);
}

static void gone(void *data, struct kvt_guard_guest *guest)
{
	struct link *link = guest->user;

	(void)data;
	kvt_guest_free(link->guest);
	g_free(link);
}

static const struct kvt_guard_ops guard_ops = { start, note, settled, gone };

/* ---- finding guests ---- */

static void look(struct daemon *d);

static const char *agent_of(const struct kvt_guest *guest, const char **ret_qmp)
{
	const char *agent = NULL;

	*ret_qmp = NULL;
	if (guest->paths->len > 0 && kvt_path_is_sockets(guest->paths->pdata[0], &agent, ret_qmp))
		return agent;
	return NULL;
}

/* with the lock held; takes the guest over */
static void add_guest(struct daemon *d, const char *id, struct kvt_guest *guest)
{
	const struct kvt_path *path = guest->paths->len > 0 ? guest->paths->pdata[0] : NULL;
	const bool shared = path != NULL && path->shared;
	struct link *link = g_new0(struct link, 1);
	gpointer event;

	link->daemon = d;
	link->guest = guest;
	link->agent = agent_of(guest, &link->qmp);
	link->of = kvt_guard_add(d->guard, id, guest->name, guest->manager, shared, shared, link,
				 kvt_marks_age_ns(d->options->state, id), now_ns());
	if (g_hash_table_lookup_extended(d->early, id, NULL, &event))
		kvt_guard_event(d->guard, link->of, (enum kvt_guard_event)GPOINTER_TO_INT(event),
				now_ns());
	g_hash_table_remove(d->early, id);
}

/* A socket that two managers show is one guest: the first. */
static bool is_taken(GHashTable *agents, const struct kvt_guest *guest)
{
	const char *qmp, *agent = agent_of(guest, &qmp);

	return agent != NULL && !g_hash_table_add(agents, g_strdup(agent));
}

static bool is_of_libvirt(const struct kvt_guard_guest *guest)
{
	return strcmp(guest->manager, "libvirt") == 0;
}

static void remove_unseen(struct daemon *d, GHashTable *seen, bool libvirt_known)
{
	const GPtrArray *guests = kvt_guard_guests(d->guard);

	for (guint i = guests->len; i > 0; i--) {
		struct kvt_guard_guest *guest = guests->pdata[i - 1];

		if (g_hash_table_contains(seen, guest->id) ||
		    (is_of_libvirt(guest) && d->config->libvirt != NULL && !libvirt_known))
			continue;
		kvt_guard_remove(d->guard, guest);
	}
}

static void take_found(struct daemon *d, struct kvt_found *found)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) agents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	g_mutex_lock(&d->lock);
	for (guint i = 0; i < found->guests->len; i++) {
		struct kvt_guest *guest = found->guests->pdata[i];
		char *id = kvt_find_id(guest);

		if (g_hash_table_contains(seen, id) || is_taken(agents, guest)) {
			g_free(id);
			continue;
		}
		g_hash_table_add(seen, id);
		if (kvt_guard_find(d->guard, id) != NULL)
			continue;
		found->guests->pdata[i] = NULL;
		add_guest(d, id, guest);
	}
	remove_unseen(d, seen, found->libvirt_asked);
	g_mutex_unlock(&d->lock);
	if (found->libvirt_why != NULL && g_strcmp0(found->libvirt_why, d->libvirt_why) != 0)
		kvt_say(d->config->libvirt_named ? KVT_LOG_WARNING : KVT_LOG_INFO, NULL, "%s",
			found->libvirt_why);
	g_free(d->libvirt_why);
	d->libvirt_why = g_steal_pointer(&found->libvirt_why);
}

struct looking {
	struct daemon *daemon;
	const struct kvt_daemon_config *config;
	struct kvt_found *found;
};

static gboolean looked(gpointer data)
{
	struct looking *l = data;
	struct daemon *d = l->daemon;

	d->looking = false;
	if (l->config == d->config) /* else it looked by an old configuration */
		take_found(d, l->found);
	else
		d->look_again = true;
	d->look_ns = now_ns() + d->config->rescan_ns;
	kvt_found_free(l->found);
	g_free(l);
	run_soon(d);
	if (d->look_again)
		look(d);
	return G_SOURCE_REMOVE;
}

static gpointer look_in_thread(gpointer data)
{
	struct looking *l = data;

	l->found = kvt_find(l->config);
	g_idle_add_full(G_PRIORITY_DEFAULT, looked, l, NULL);
	return NULL;
}

static void look(struct daemon *d)
{
	struct looking *l;

	d->look_again = d->looking;
	if (d->looking)
		return;
	d->looking = true;
	l = g_new0(struct looking, 1);
	l->daemon = d;
	l->config = d->config;
	g_thread_unref(g_thread_new("look", look_in_thread, l));
}

/* ---- libvirt's events ---- */

struct news {
	struct daemon *daemon;
	enum kvt_libvirt_news news;
	char *id, *name;
};

static void connected(struct daemon *d)
{
	const GPtrArray *guests = kvt_guard_guests(d->guard);

	kvt_say(KVT_LOG_INFO, NULL, "libvirt tells of its machines");
	d->state.libvirt_connected = true;
	/* what happened while nobody told is found by looking at each */
	for (guint i = 0; i < guests->len; i++)
		if (is_of_libvirt(guests->pdata[i]))
			kvt_guard_event(d->guard, guests->pdata[i], KVT_EVENT_FOUND, now_ns());
	look(d);
}

static enum kvt_guard_event event_of(enum kvt_libvirt_news news)
{
	switch (news) {
	case KVT_LIBVIRT_STARTED:
		return KVT_EVENT_STARTED;
	case KVT_LIBVIRT_RESTORED:
		return KVT_EVENT_RESTORED;
	case KVT_LIBVIRT_MIGRATED:
		return KVT_EVENT_MIGRATED;
	case KVT_LIBVIRT_RESUMED:
		return KVT_EVENT_RESUMED;
	case KVT_LIBVIRT_PAUSED:
		return KVT_EVENT_PAUSED;
	case KVT_LIBVIRT_AGENT:
		return KVT_EVENT_AGENT;
	default:
		return KVT_EVENT_NONE;
	}
}

static void take_event(struct daemon *d, const struct news *n)
{
	g_autofree char *id = g_strconcat("libvirt:", n->id, NULL);
	struct kvt_guard_guest *guest = kvt_guard_find(d->guard, id);
	const enum kvt_guard_event event = event_of(n->news);

	if (n->news == KVT_LIBVIRT_STOPPED) {
		if (guest != NULL)
			kvt_guard_remove(d->guard, guest);
		g_hash_table_remove(d->early, id);
	} else if (guest != NULL)
		kvt_guard_event(d->guard, guest, event, now_ns());
	else {
		if (event != KVT_EVENT_PAUSED && event != KVT_EVENT_AGENT)
			g_hash_table_replace(d->early, g_strdup(id), GINT_TO_POINTER((int)event));
		look(d);
	}
}

static gboolean take_news(gpointer data)
{
	struct news *n = data;
	struct daemon *d = n->daemon;

	g_mutex_lock(&d->lock);
	if (n->news == KVT_LIBVIRT_CONNECTED)
		connected(d);
	else if (n->news == KVT_LIBVIRT_LOST) {
		d->state.libvirt_connected = false;
		kvt_say(KVT_LOG_WARNING, NULL, "libvirt is gone; connecting again");
	} else
		take_event(d, n);
	g_mutex_unlock(&d->lock);
	run_soon(d);
	return G_SOURCE_REMOVE;
}

static void free_news(gpointer data)
{
	struct news *n = data;

	g_free(n->id);
	g_free(n->name);
	g_free(n);
}

/* in libvirt's thread */
static void notify(enum kvt_libvirt_news news, const char *id, const char *name, void *data)
{
	struct news *n = g_new0(struct news, 1);

	n->daemon = data;
	n->news = news;
	n->id = g_strdup(id);
	n->name = g_strdup(name);
	g_idle_add_full(G_PRIORITY_DEFAULT, take_news, n, free_news);
}

static void watch_libvirt(struct daemon *d)
{
	g_autoptr(GError) error = NULL;

	d->state.libvirt_asked = d->config->libvirt != NULL;
	if (d->config->libvirt == NULL || d->libvirt_watched)
		return;
	d->libvirt_watched = kvt_libvirt_watch(
		d->config->libvirt[0] != '\0' ? d->config->libvirt : NULL, notify, d, &error);
	if (!d->libvirt_watched)
		d->state.libvirt_asked = false; /* looking says why */
}

/* ---- the host's clocks ---- */

static void look_at_clocks(struct daemon *d)
{
	const struct kvt_host_news news =
		kvt_hostwatch_look(&d->hostwatch, clock_ns(CLOCK_MONOTONIC),
				   clock_ns(CLOCK_BOOTTIME), clock_ns(CLOCK_REALTIME));

	if (news.slept_ns == 0 && news.stepped_ns == 0)
		return;
	d->news.slept_ns += news.slept_ns;
	d->news.stepped_ns += news.stepped_ns;
	d->news_ns = now_ns() + SETTLE_NS;
}

static void tell_clocks(struct daemon *d)
{
	const struct kvt_host_news news = d->news;
	g_autofree char *slept = kvt_text_ns((double)news.slept_ns, false);
	g_autofree char *stepped = kvt_text_ns((double)news.stepped_ns, true);

	if ((news.slept_ns == 0 && news.stepped_ns == 0) || d->news_ns > now_ns())
		return;
	d->news = (struct kvt_host_news){ 0, 0 };
	if (news.slept_ns != 0)
		kvt_say(KVT_LOG_NOTICE, NULL, "the host has slept for %s", slept);
	if (news.stepped_ns != 0)
		kvt_say(KVT_LOG_NOTICE, NULL, "the host's clock was set by %s", stepped);
	g_mutex_lock(&d->lock);
	kvt_guard_event_all(d->guard,
			    news.slept_ns != 0 ? KVT_EVENT_HOST_SLEPT : KVT_EVENT_HOST_STEPPED,
			    now_ns());
	g_mutex_unlock(&d->lock);
	run_soon(d);
}

static gboolean clock_was_set(gint fd, GIOCondition condition, gpointer data)
{
	(void)condition;
	kvt_hostwatch_rearm(fd);
	look_at_clocks(data);
	return G_SOURCE_CONTINUE;
}

/* ---- the host's findings ---- */

struct judging {
	struct daemon *daemon;
	struct kvt_judged *judged;
};

static gboolean judged(gpointer data)
{
	struct judging *j = data;
	struct daemon *d = j->daemon;

	g_mutex_lock(&d->lock);
	d->judging = false;
	kvt_judged_free(d->judged);
	d->judged = j->judged;
	d->state.findings = d->judged != NULL ? d->judged->findings : NULL;
	d->state.host = d->judged != NULL ? d->judged->facts : NULL;
	d->state.findings_ns = now_ns();
	g_mutex_unlock(&d->lock);
	g_free(j);
	return G_SOURCE_REMOVE;
}

static gpointer judge_in_thread(gpointer data)
{
	struct judging *j = data;
	g_autoptr(GError) error = NULL;

	j->judged = kvt_find_findings(&error);
	if (error != NULL)
		kvt_say(KVT_LOG_WARNING, NULL, "findings: %s", error->message);
	g_idle_add_full(G_PRIORITY_DEFAULT, judged, j, NULL);
	return NULL;
}

static void judge(struct daemon *d)
{
	struct judging *j;

	if (!d->config->findings || d->judging ||
	    (d->state.findings_ns != 0 && now_ns() - d->state.findings_ns < d->config->findings_ns))
		return;
	d->judging = true;
	j = g_new0(struct judging, 1);
	j->daemon = d;
	g_thread_unref(g_thread_new("judge", judge_in_thread, j));
}

/* ---- the listener ---- */

static GString *render(void *data)
{
	struct daemon *d = data;
	GString *text;

	g_mutex_lock(&d->lock);
	d->state.now_ns = now_ns();
	text = kvt_metrics_text(d->guard, d->config->per_guest, &d->state);
	g_mutex_unlock(&d->lock);
	return text;
}

static bool open_http(struct daemon *d, const struct kvt_daemon_config *config, GError **error)
{
	if (config->listen == NULL && config->socket == NULL)
		return true;
	d->http =
		kvt_http_new(config->listen, config->socket, config->socket_mode, render, d, error);
	if (d->http != NULL && config->listen != NULL)
		kvt_say(KVT_LOG_INFO, NULL, "metrics on port %u (%s)", kvt_http_port(d->http),
			config->listen);
	return d->http != NULL;
}

static bool same_listener(const struct kvt_daemon_config *a, const struct kvt_daemon_config *b)
{
	return g_strcmp0(a->listen, b->listen) == 0 && g_strcmp0(a->socket, b->socket) == 0 &&
	       a->socket_mode == b->socket_mode;
}

/* ---- signals and the tick ---- */

static void take_config(struct daemon *d, struct kvt_daemon_config *config)
{
	g_autoptr(GError) error = NULL;

	if (!same_listener(d->config, config)) {
		g_clear_pointer(&d->http, kvt_http_free);
		if (!open_http(d, config, &error))
			kvt_say(KVT_LOG_ERR, NULL, "no metrics: %s", error->message);
	}
	g_mutex_lock(&d->lock);
	g_ptr_array_add(d->old_configs, d->config);
	d->config = config;
	kvt_guard_configure(d->guard, config);
	g_mutex_unlock(&d->lock);
	watch_libvirt(d);
	look(d);
	run_soon(d);
}

static gboolean reload(gpointer data)
{
	struct daemon *d = data;
	g_autoptr(GError) error = NULL;
	g_autofree char *state = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
						 clock_ns(CLOCK_MONOTONIC) / 1000);
	struct kvt_daemon_config *config;

	kvt_notify(state);
	config = kvt_config_load(d->options->config, d->options->config_named, &error);
	d->state.config_good = config != NULL;
	if (config == NULL)
		kvt_say(KVT_LOG_ERR, NULL, "%s; the old configuration stays in force",
			error->message);
	else {
		take_config(d, config);
		kvt_say(KVT_LOG_INFO, NULL, "configuration read anew: %s", d->options->config);
	}
	kvt_notify("READY=1");
	return G_SOURCE_CONTINUE;
}

static gboolean quit(gpointer data)
{
	kvt_notify("STOPPING=1");
	g_main_loop_quit(((struct daemon *)data)->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean tick(gpointer data)
{
	struct daemon *d = data;

	look_at_clocks(d);
	tell_clocks(d);
	judge(d);
	if (d->http != NULL)
		kvt_http_reap(d->http);
	if (!d->looking && d->look_ns <= now_ns())
		look(d);
	return G_SOURCE_CONTINUE;
}

static gboolean pet_watchdog(gpointer data)
{
	(void)data;
	kvt_notify("WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

/* ---- beginning and end ---- */

static void attach(struct daemon *d)
{
	const guint64 watchdog_us = kvt_notify_watchdog_us();

	g_unix_signal_add(SIGHUP, reload, d);
	g_unix_signal_add(SIGTERM, quit, d);
	g_unix_signal_add(SIGINT, quit, d);
	g_timeout_add(TICK_MS, tick, d);
	if (watchdog_us != 0)
		g_timeout_add((guint)MAX(watchdog_us / 2000, 1), pet_watchdog, NULL);
	d->timer = kvt_hostwatch_timer();
	if (d->timer >= 0)
		g_unix_fd_add(d->timer, G_IO_IN | G_IO_ERR, clock_was_set, d);
}

static bool begin(struct daemon *d, GError **error)
{
	g_autoptr(GError) failed = NULL;

	d->config = kvt_config_load(d->options->config, d->options->config_named, error);
	if (d->config == NULL || !kvt_marks_open(d->options->state, error))
		return false;
	d->state.config_good = true;
	d->state.started_utc_ns = clock_ns(CLOCK_REALTIME);
	d->guard = kvt_guard_new(d->config, &guard_ops, d);
	d->asker = kvt_asker_new(&kvt_host_clock);
	d->worker = kvt_worker_new(done, d);
	if (!open_http(d, d->config, &failed)) {
		if (d->config->listen_named || d->config->socket != NULL) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		kvt_say(KVT_LOG_WARNING, NULL, "no metrics: %s", failed->message);
	}
	return true;
}

static void end(struct daemon *d)
{
	kvt_http_free(d->http);
	kvt_asker_free(d->asker);
	kvt_worker_free(d->worker); /* an order that has left is read back first */
	if (d->timer >= 0)
		close(d->timer);
}

bool kvt_daemon_run(const struct kvt_daemon_options *options, GError **error)
{
	/* threads of libvirt's and of a look may outlive this call: what they use is left to the
	 * end of the program */
	struct daemon *d = g_new0(struct daemon, 1);
	bool good;

	d->options = options;
	d->timer = -1;
	d->loop = g_main_loop_new(NULL, FALSE);
	d->old_configs = g_ptr_array_new();
	d->early = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_mutex_init(&d->lock);
	good = begin(d, error);
	if (good) {
		attach(d);
		look_at_clocks(d);
		watch_libvirt(d); /* before anything else of libvirt's */
		look(d);
		judge(d);
		kvt_notify("READY=1");
		g_main_loop_run(d->loop);
	}
	end(d);
	return good;
}
