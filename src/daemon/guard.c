/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/guard.h"

#include <string.h>

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

#define RETRY_NS       (150 * MS) /* an agent that is awaited */
#define PAUSED_POLL_NS (200 * MS) /* a machine whose manager tells of nothing */
#define DOUBT_NS       (15 * S)   /* an order of a killed forerunner may take effect so late */
#define BACK_OFF_LIMIT 6          /* a silent agent behind a daemon: interval * 2^6 at most */

/*
 * Lanes. Sockets are asked by one thread, so many at a time. What blocks a thread has room for
 * "parallel" guests, and those that hung the last time wait among themselves.
 */
enum { SWEEP, QUICK, SLOW, LANES };
enum { URGENT, ROUTINE, QUEUES };
#define SWEEP_ROOM 128

struct kvt_guard {
	const struct kvt_guard_options *options;
	const struct kvt_daemon_config *config;
	const struct kvt_guard_ops *ops;
	void *data;
	GPtrArray *guests;
	GHashTable *by_id;
	GSequence *waiting[LANES][QUEUES]; /* by time */
	guint running[LANES];
	guint64 events[KVT_EVENT_COUNT];
};

const char *kvt_guard_event_word(enum kvt_guard_event event)
{
	static const char *const words[] = {
#define KVT_EVENT_WORD(name, word) word,
		KVT_GUARD_EVENTS(KVT_EVENT_WORD)
#undef KVT_EVENT_WORD
	};

	return (guint)event < G_N_ELEMENTS(words) ? words[event] : "unknown";
}

void kvt_guard_result_free(struct kvt_guard_result *result)
{
	if (result == NULL)
		return;
	g_free(result->words);
	g_free(result);
}

struct kvt_guard *kvt_guard_new(const struct kvt_daemon_config *config,
				const struct kvt_guard_ops *ops, void *data)
{
	struct kvt_guard *guard = g_new0(struct kvt_guard, 1);

	guard->ops = ops;
	guard->data = data;
	guard->guests = g_ptr_array_new();
	guard->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint lane = 0; lane < LANES; lane++)
		for (guint i = 0; i < QUEUES; i++)
			guard->waiting[lane][i] = g_sequence_new(NULL);
	kvt_guard_configure(guard, config);
	return guard;
}

static void drop(struct kvt_guard *guard, struct kvt_guard_guest *guest)
{
	guard->ops->gone(guard->data, guest);
	g_free(guest->id);
	g_free(guest->name);
	g_free(guest->manager);
	g_free(guest);
}

void kvt_guard_free(struct kvt_guard *guard)
{
	if (guard == NULL)
		return;
	for (guint lane = 0; lane < LANES; lane++)
		for (guint i = 0; i < QUEUES; i++)
			g_sequence_free(guard->waiting[lane][i]);
	for (guint i = 0; i < guard->guests->len; i++)
		drop(guard, guard->guests->pdata[i]);
	g_ptr_array_unref(guard->guests);
	g_hash_table_unref(guard->by_id);
	g_free(guard);
}

/* ---- waiting ---- */

static gint sooner(gconstpointer a, gconstpointer b, gpointer data)
{
	const struct kvt_guard_guest *left = a, *right = b;

	(void)data;
	return left->due_ns < right->due_ns ? -1 : left->due_ns > right->due_ns;
}

static unsigned lane_of(const struct kvt_guard_guest *guest)
{
	if (!guest->shared && guest->order == KVT_ORDER_CHECK)
		return SWEEP;
	return guest->slow ? SLOW : QUICK;
}

static guint room(const struct kvt_guard *guard, unsigned lane)
{
	switch (lane) {
	case SWEEP:
		return SWEEP_ROOM;
	case QUICK:
		return guard->options->parallel;
	default:
		return (guard->options->parallel + 1) / 2;
	}
}

static void unqueue(struct kvt_guard_guest *guest)
{
	if (guest->place != NULL)
		g_sequence_remove(guest->place);
	guest->place = NULL;
}

static void queue(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		  enum kvt_guard_order order, int64_t due_ns, bool urgent)
{
	unqueue(guest);
	guest->order = order;
	guest->due_ns = due_ns;
	if (guest->in_flight || guest->removed)
		return; /* what comes of the order under way decides anew */
	guest->lane = lane_of(guest);
	guest->place = g_sequence_insert_sorted(
		guard->waiting[guest->lane][urgent ? URGENT : ROUTINE], guest, sooner, NULL);
}

void kvt_guard_configure(struct kvt_guard *guard, const struct kvt_daemon_config *config)
{
	guard->config = config;
	guard->options = &config->guard;
}

/* ---- guests ---- */

struct kvt_guard_guest *kvt_guard_add(struct kvt_guard *guard, const char *id, const char *name,
				      const char *manager, bool shared, bool has_events, void *user,
				      int64_t doubt_ns, int64_t now_ns)
{
	struct kvt_guard_guest *guest = g_new0(struct kvt_guard_guest, 1);

	guest->id = g_strdup(id);
	guest->name = g_strdup(name);
	guest->manager = g_strdup(manager);
	guest->user = user;
	guest->shared = shared;
	guest->has_events = has_events;
	guest->reach = KVT_REACH_NO_AGENT;
	guest->cause = KVT_EVENT_FOUND;
	if (doubt_ns > 0) {
		guest->bad = guest->marked = true;
		guest->tries = 1;
		guest->doubt_until_ns = now_ns + MAX(DOUBT_NS - doubt_ns, 0);
		guest->held_until_ns =
			MAX(guest->doubt_until_ns, now_ns + guard->options->hold_off_ns - doubt_ns);
	}
	g_ptr_array_add(guard->guests, guest);
	g_hash_table_insert(guard->by_id, guest->id, guest);
	guard->events[KVT_EVENT_FOUND]++;
	queue(guard, guest, KVT_ORDER_CHECK, now_ns, false);
	return guest;
}

struct kvt_guard_guest *kvt_guard_find(const struct kvt_guard *guard, const char *id)
{
	return g_hash_table_lookup(guard->by_id, id);
}

void kvt_guard_remove(struct kvt_guard *guard, struct kvt_guard_guest *guest)
{
	unqueue(guest);
	g_hash_table_remove(guard->by_id, guest->id);
	g_ptr_array_remove_fast(guard->guests, guest);
	guest->removed = true;
	if (!guest->in_flight)
		drop(guard, guest);
}

const GPtrArray *kvt_guard_guests(const struct kvt_guard *guard)
{
	return guard->guests;
}

const guint64 *kvt_guard_events(const struct kvt_guard *guard)
{
	return guard->events;
}

guint kvt_guard_in_flight(const struct kvt_guard *guard)
{
	guint sum = 0;

	for (guint lane = 0; lane < LANES; lane++)
		sum += guard->running[lane];
	return sum;
}

/* ---- events ---- */

static enum kvt_guard_policy policy_of(const struct kvt_guard *guard,
				       const struct kvt_guard_guest *guest, int64_t *ret_limit_ns)
{
	enum kvt_guard_policy policy;

	kvt_config_guest(guard->config, guest->name, &policy, ret_limit_ns);
	return policy;
}

/* The guest may be wrong for a new reason: what was held against setting it is forgotten. */
static void begin_anew(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		       enum kvt_guard_event event, int64_t now_ns)
{
	int64_t limit_ns;

	guest->cause = event;
	guest->overtaken = guest->in_flight;
	if (event != KVT_EVENT_HOST_SLEPT && event != KVT_EVENT_HOST_STEPPED)
		guest->slow = false; /* what hung before the host slept hangs still */
	guest->given_up = false;
	guest->left_alone = false;
	guest->eager_until_ns = now_ns + guard->options->eager_ns;
	if (guest->doubt_until_ns <= now_ns) {
		guest->tries = 0;
		guest->held_until_ns = 0;
	}
	guest->event_pending = true;
	/* a socket is asked without a thread first; its answer leads to the correction */
	queue(guard, guest,
	      !guest->shared || guest->held_until_ns > now_ns ||
			      policy_of(guard, guest, &limit_ns) == KVT_POLICY_WATCH
		      ? KVT_ORDER_CHECK
		      : KVT_ORDER_CORRECT,
	      now_ns, true);
}

static void happen(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		   enum kvt_guard_event event, int64_t now_ns)
{
	switch (event) {
	case KVT_EVENT_PAUSED:
		guest->reach = KVT_REACH_PAUSED;
		guest->event_pending = false;
		queue(guard, guest, KVT_ORDER_CHECK, now_ns + guard->options->interval_ns, false);
		break;
	case KVT_EVENT_AGENT:
		if (guest->event_pending || guest->reach != KVT_REACH_OK) {
			guest->slow = false;
			queue(guard, guest, guest->event_pending ? guest->order : KVT_ORDER_CHECK,
			      now_ns, true);
		}
		break;
	default:
		begin_anew(guard, guest, event, now_ns);
	}
}

void kvt_guard_event(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		     enum kvt_guard_event event, int64_t now_ns)
{
	guard->events[event]++;
	happen(guard, guest, event, now_ns);
}

void kvt_guard_event_all(struct kvt_guard *guard, enum kvt_guard_event event, int64_t now_ns)
{
	guard->events[event]++;
	for (guint i = 0; i < guard->guests->len; i++)
		happen(guard, guard->guests->pdata[i], event, now_ns);
}

/* ---- answers ---- */

static int64_t size(int64_t ns)
{
	return ns == INT64_MIN ? INT64_MAX : ns < 0 ? -ns : ns;
}

static bool is_wrong(const struct kvt_offset *offset, int64_t limit_ns)
{
	return size(offset->offset_ns) - offset->bound_ns > limit_ns;
}

static void note(const struct kvt_guard *guard, const struct kvt_guard_guest *guest,
		 enum kvt_guard_note what, const struct kvt_guard_result *result)
{
	guard->ops->note(guard->data, guest, what, result);
}

static void check_later(struct kvt_guard *guard, struct kvt_guard_guest *guest, int64_t now_ns,
			int64_t after_ns)
{
	queue(guard, guest, KVT_ORDER_CHECK, now_ns + after_ns, false);
}

/* No answer: how soon the next question? */
static void take_silence(struct kvt_guard *guard, struct kvt_guard_guest *guest,
			 const struct kvt_guard_result *result, int64_t now_ns)
{
	const int64_t interval_ns = guard->options->interval_ns;
	const bool was_heard = guest->reach == KVT_REACH_OK;

	guest->reach = result->reach;
	guest->silences++;
	guest->silent++;
	if (was_heard && result->reach != KVT_REACH_PAUSED)
		note(guard, guest, KVT_NOTE_LOST, result);
	guest->slow = guest->shared && result->reach == KVT_REACH_HUNG;
	if (result->reach == KVT_REACH_PAUSED) {
		guest->event_pending = false;
		check_later(guard, guest, now_ns,
			    guest->has_events ? interval_ns : MIN(interval_ns, PAUSED_POLL_NS));
	} else if (guest->event_pending && guest->eager_until_ns > now_ns)
		queue(guard, guest, guest->running, now_ns + RETRY_NS, !guest->slow);
	else if (!guest->shared && result->reach == KVT_REACH_HUNG) {
		/* a question that waits in its channel is answered the moment it runs again */
		check_later(guard, guest, now_ns, MIN(interval_ns, RETRY_NS));
	} else if (guest->shared)
		check_later(guard, guest, now_ns,
			    interval_ns << MIN(guest->silent - 1, BACK_OFF_LIMIT));
	else
		check_later(guard, guest, now_ns, MIN(interval_ns, S));
}

static void leave_alone(struct kvt_guard *guard, struct kvt_guard_guest *guest,
			const struct kvt_guard_result *result, int64_t now_ns)
{
	if (!guest->left_alone)
		note(guard, guest, KVT_NOTE_LEFT_ALONE, result);
	guest->left_alone = true;
	guest->event_pending = false;
	check_later(guard, guest, now_ns, guard->options->interval_ns);
}

static bool leaves_alone(enum kvt_guard_policy policy, const struct kvt_offset *offset)
{
	return policy == KVT_POLICY_WATCH ||
	       (policy == KVT_POLICY_FORWARD && offset->offset_ns > 0);
}

/* Measured, and wrong: may it be set? */
static void consider(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		     const struct kvt_guard_result *result, enum kvt_guard_policy policy,
		     int64_t now_ns)
{
	const struct kvt_guard_options *options = guard->options;

	guest->bad = true;
	if (leaves_alone(policy, &result->before)) {
		leave_alone(guard, guest, result, now_ns);
	} else if (guest->given_up && guest->given_up_until_ns > now_ns) {
		check_later(guard, guest, now_ns, options->interval_ns);
	} else if (guest->held_until_ns > now_ns) {
		check_later(guard, guest, now_ns,
			    MIN(options->interval_ns, guest->held_until_ns - now_ns));
	} else if (guest->tries >= options->give_up_after && !guest->given_up) {
		guest->given_up = true;
		guest->given_up_until_ns = now_ns + options->give_up_for_ns;
		note(guard, guest, KVT_NOTE_GAVE_UP, result);
		check_later(guard, guest, now_ns, options->interval_ns);
	} else {
		if (guest->given_up)
			guest->tries = 0; /* its time is over: a new beginning */
		guest->given_up = false;
		if (!guest->event_pending && guest->answers > 1)
			guest->cause = KVT_EVENT_DRIFTED;
		guest->event_pending = true;
		guest->eager_until_ns = now_ns + options->eager_ns;
		queue(guard, guest, KVT_ORDER_CORRECT, now_ns, true);
	}
}

static void take_right(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		       const struct kvt_guard_result *result, int64_t now_ns)
{
	if (guest->event_pending && guest->cause != KVT_EVENT_DRIFTED)
		note(guard, guest, KVT_NOTE_IN_ORDER, result);
	if (guest->marked)
		guard->ops->settled(guard->data, guest);
	guest->marked = false;
	guest->doubt_until_ns = 0;
	if (guest->held_until_ns <= now_ns)
		guest->tries = 0; /* the last set has held */
	guest->bad = guest->given_up = guest->left_alone = guest->event_pending = false;
	check_later(guard, guest, now_ns, guard->options->interval_ns);
}

/* The answer was so late that nothing follows from it: a guest that stood still meanwhile. */
static void take_vague(struct kvt_guard *guard, struct kvt_guard_guest *guest, int64_t now_ns)
{
	check_later(guard, guest, now_ns, MIN(guard->options->interval_ns, S));
}

/* Set, still wrong, and much nearer: the way of the order was longer than it was before. Nothing
 * fights back, so a second one need not wait. */
static bool is_nearer(const struct kvt_guard_result *result)
{
	return result->verified && !result->in_order &&
	       size(result->after.offset_ns) < size(result->before.offset_ns) / 10;
}

static void take_set(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		     const struct kvt_guard_result *result, int64_t now_ns)
{
	const int64_t interval_ns = guard->options->interval_ns;

	guest->tries++;
	guest->corrections++;
	guest->event_pending = false;
	guest->held_until_ns = now_ns + (is_nearer(result) ? S : guard->options->hold_off_ns);
	guest->corrected_from = result->before;
	guest->bad = !result->in_order;
	guest->marked = !result->verified;
	if (!result->in_order)
		guest->failures++;
	if (result->verified) {
		guest->residual = guest->offset = result->after;
		guest->has_residual = true;
		guard->ops->settled(guard->data, guest);
	}
	note(guard, guest,
	     result->in_order   ? KVT_NOTE_SET
	     : result->verified ? KVT_NOTE_STILL_WRONG
				: KVT_NOTE_UNCONFIRMED,
	     result);
	/* soon again: to see who fights back, or whether it took effect after all */
	check_later(guard, guest, now_ns, MIN(interval_ns, S));
}

/* It stood still when it was asked the last time: that is an event, though nobody told. */
static void seen_resumed(struct kvt_guard *guard, struct kvt_guard_guest *guest, int64_t now_ns)
{
	guard->events[KVT_EVENT_RESUMED]++;
	guest->cause = KVT_EVENT_RESUMED;
	guest->event_pending = true;
	guest->given_up = guest->left_alone = false;
	if (guest->doubt_until_ns <= now_ns) {
		guest->tries = 0;
		guest->held_until_ns = 0;
	}
}

/* To be set, and nobody took the order. */
static void take_refusal(struct kvt_guard *guard, struct kvt_guard_guest *guest,
			 const struct kvt_guard_result *result, int64_t now_ns)
{
	guest->bad = true;
	guest->failures++;
	guest->tries++;
	guest->event_pending = false;
	guest->held_until_ns = now_ns + guard->options->hold_off_ns;
	note(guard, guest, KVT_NOTE_NOT_SET, result);
	check_later(guard, guest, now_ns, guard->options->interval_ns);
}

static void take_answer(struct kvt_guard *guard, struct kvt_guard_guest *guest,
			const struct kvt_guard_result *result, int64_t now_ns)
{
	const bool was_silent = guest->silent > 0 && guest->answers > 0;
	/* a machine whose socket was gone is a new one, or the same out of a saved file */
	const bool was_still = guest->reach == KVT_REACH_PAUSED ||
			       (guest->reach == KVT_REACH_GONE && !guest->marked);
	int64_t limit_ns;
	const enum kvt_guard_policy policy = policy_of(guard, guest, &limit_ns);

	guest->reach = KVT_REACH_OK;
	guest->path = result->path;
	guest->offset = result->before;
	guest->measured = true;
	guest->measured_ns = now_ns;
	guest->answers++;
	guest->silent = 0;
	guest->slow = false;
	if (was_silent && !was_still)
		note(guard, guest, KVT_NOTE_BACK, result);
	if (was_still && was_silent && !guest->event_pending)
		seen_resumed(guard, guest, now_ns);
	if (result->sent)
		take_set(guard, guest, result, now_ns);
	else if (!is_wrong(&result->before, limit_ns) && result->before.bound_ns > limit_ns)
		take_vague(guard, guest, now_ns);
	else if (!is_wrong(&result->before, limit_ns))
		take_right(guard, guest, result, now_ns);
	else if (guest->running == KVT_ORDER_CHECK || leaves_alone(policy, &result->before))
		consider(guard, guest, result, policy, now_ns);
	else
		take_refusal(guard, guest, result, now_ns);
}

void kvt_guard_done(struct kvt_guard *guard, struct kvt_guard_guest *guest,
		    const struct kvt_guard_result *result, int64_t now_ns)
{
	const bool overtaken = guest->overtaken;

	guest->in_flight = guest->overtaken = false;
	guard->running[guest->lane]--;
	if (guest->removed) {
		drop(guard, guest);
		return;
	}
	if (result->reach == KVT_REACH_OK)
		take_answer(guard, guest, result, now_ns);
	else
		take_silence(guard, guest, result, now_ns);
	/* an event came while it was asked: the answer may be older than that */
	if (overtaken)
		begin_anew(guard, guest, guest->cause, now_ns);
}

/* ---- starting ---- */

static void start(struct kvt_guard *guard, struct kvt_guard_guest *guest)
{
	unqueue(guest);
	guest->in_flight = true;
	guest->running = guest->order;
	guard->running[guest->lane]++;
	guard->ops->start(guard->data, guest, guest->order);
}

/* of one queue; when its first is due, if that is later */
static int64_t run_queue(struct kvt_guard *guard, unsigned lane, GSequence *waiting, int64_t now_ns)
{
	while (!g_sequence_is_empty(waiting) && guard->running[lane] < room(guard, lane)) {
		struct kvt_guard_guest *first = g_sequence_get(g_sequence_get_begin_iter(waiting));

		if (first->due_ns > now_ns)
			return first->due_ns;
		start(guard, first);
	}
	return INT64_MAX; /* empty, or full: an answer makes room */
}

int64_t kvt_guard_run(struct kvt_guard *guard, int64_t now_ns)
{
	int64_t next_ns = INT64_MAX;

	for (unsigned lane = 0; lane < LANES; lane++)
		for (unsigned i = 0; i < QUEUES; i++) {
			const int64_t due_ns =
				run_queue(guard, lane, guard->waiting[lane][i], now_ns);

			next_ns = MIN(next_ns, due_ns);
		}
	return next_ns;
}
