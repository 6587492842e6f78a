/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard under simulated time: guests with clocks of their own that are paused, resumed, hang,
 * refuse and fight back; the guard's orders take simulated time, and nothing else is simulated.
 */
#include <string.h>

#include "daemon/conf.h"
#include "daemon/guard.h"
#include "daemon/hostwatch.h"

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

struct fake {
	struct kvt_guard_guest *guest;
	int64_t offset_ns;    /* of its clock from the host's; positive = ahead */
	int64_t paused_at_ns; /* 0 = it runs */
	int64_t answer_ns;    /* how long an answer takes; INT64_MAX = it hangs */
	int64_t fights_ns;    /* what something in it puts it back to after each set; 0 = nothing */
	bool refuses;         /* the order */
	bool ends;            /* cannot be read after an order */
	bool no_agent, is_gone;
	unsigned orders;     /* that have reached it */
	int64_t right_ns;    /* when it was set last */
	int64_t put_back_ns; /* when the fight is on */
	unsigned asked;
};

struct pending {
	struct fake *fake;
	enum kvt_guard_order order;
	int64_t at_ns;
};

struct world {
	int64_t now_ns;
	struct kvt_daemon_config *config;
	struct kvt_guard *guard;
	GPtrArray *fakes;
	GArray *pending;
	guint threads, most_threads; /* orders under way that block a thread */
	guint notes[KVT_NOTE_BACK + 1];
	guint settled, gone;
};

#define TIMEOUT_NS (2 * S)

static void start(void *data, struct kvt_guard_guest *guest, enum kvt_guard_order order)
{
	struct world *w = data;
	struct fake *f = guest->user;
	const int64_t took_ns = f->paused_at_ns != 0 ? MS : MIN(f->answer_ns, TIMEOUT_NS);
	const struct pending one = { f, order,
				     w->now_ns + (order == KVT_ORDER_CORRECT ? 4 : 1) *
							 MIN(took_ns, TIMEOUT_NS) };

	f->asked++;
	g_array_append_val(w->pending, one);
	if (guest->shared || order == KVT_ORDER_CORRECT)
		w->threads++;
	w->most_threads = MAX(w->most_threads, w->threads);
}

static void note(void *data, const struct kvt_guard_guest *guest, enum kvt_guard_note note,
		 const struct kvt_guard_result *result)
{
	(void)guest;
	(void)result;
	((struct world *)data)->notes[note]++;
}

static void settled(void *data, const struct kvt_guard_guest *guest)
{
	(void)guest;
	((struct world *)data)->settled++;
}

static void gone(void *data, struct kvt_guard_guest *guest)
{
	(void)guest;
	((struct world *)data)->gone++;
}

static const struct kvt_guard_ops ops = { start, note, settled, gone };

static struct world *world_new(void)
{
	struct world *w = g_new0(struct world, 1);

	w->now_ns = 1000 * S;
	w->config = kvt_config_new();
	w->config->guard.timeout_ns = TIMEOUT_NS;
	w->guard = kvt_guard_new(w->config, &ops, w);
	w->fakes = g_ptr_array_new_with_free_func(g_free);
	w->pending = g_array_new(FALSE, FALSE, sizeof(struct pending));
	return w;
}

static struct fake *add(struct world *w, bool shared, int64_t doubt_ns)
{
	g_autofree char *id = g_strdup_printf("guest%u", w->fakes->len);
	struct fake *f = g_new0(struct fake, 1);

	f->answer_ns = 2 * MS;
	f->guest = kvt_guard_add(w->guard, id, id, "test", shared, shared, f, doubt_ns, w->now_ns);
	g_ptr_array_add(w->fakes, f);
	return f;
}

static int64_t offset_of(struct world *w, struct fake *f)
{
	if (f->put_back_ns != 0 && f->put_back_ns <= w->now_ns) {
		f->offset_ns = f->fights_ns;
		f->put_back_ns = 0;
	}
	return f->offset_ns;
}

static void correct(struct world *w, struct fake *f, struct kvt_guard_result *r)
{
	int64_t limit_ns;
	enum kvt_guard_policy policy;

	kvt_config_guest(w->config, f->guest->name, &policy, &limit_ns);
	if (ABS(r->before.offset_ns) <= limit_ns ||
	    (policy == KVT_POLICY_FORWARD && r->before.offset_ns > 0) || f->refuses)
		return;
	f->orders++;
	f->right_ns = w->now_ns;
	r->sent = true;
	if (f->ends)
		return;
	f->offset_ns = MS;
	r->verified = r->in_order = true;
	r->after = (struct kvt_offset){ .offset_ns = MS, .bound_ns = MS };
	if (f->fights_ns != 0)
		f->put_back_ns = w->now_ns + 200 * MS;
}

static void finish(struct world *w, const struct pending *p)
{
	struct fake *f = p->fake;
	struct kvt_guard_result r = { .reach = KVT_REACH_OK, .path = "test" };

	if (f->guest->shared || p->order == KVT_ORDER_CORRECT)
		w->threads--;
	if (f->paused_at_ns != 0)
		r.reach = KVT_REACH_PAUSED;
	else if (f->is_gone)
		r.reach = KVT_REACH_GONE;
	else if (f->no_agent)
		r.reach = KVT_REACH_NO_AGENT;
	else if (f->answer_ns > TIMEOUT_NS)
		r.reach = KVT_REACH_HUNG;
	else {
		r.before = (struct kvt_offset){ .offset_ns = offset_of(w, f), .bound_ns = MS };
		if (p->order == KVT_ORDER_CORRECT)
			correct(w, f, &r);
	}
	kvt_guard_done(w->guard, f->guest, &r, w->now_ns);
}

static gint earlier(gconstpointer a, gconstpointer b)
{
	const struct pending *left = a, *right = b;

	return left->at_ns < right->at_ns ? -1 : left->at_ns > right->at_ns;
}

static void run(struct world *w, int64_t for_ns)
{
	const int64_t end_ns = w->now_ns + for_ns;

	for (;;) {
		const int64_t due_ns = kvt_guard_run(w->guard, w->now_ns);
		int64_t next_ns = MIN(due_ns, end_ns);

		g_assert_cmpint(due_ns, >, w->now_ns);
		g_array_sort(w->pending, earlier);
		if (w->pending->len > 0 &&
		    g_array_index(w->pending, struct pending, 0).at_ns <= next_ns) {
			const struct pending p = g_array_index(w->pending, struct pending, 0);

			w->now_ns = MAX(w->now_ns, p.at_ns);
			g_array_remove_index(w->pending, 0);
			finish(w, &p);
		} else if (next_ns >= end_ns) {
			w->now_ns = end_ns;
			return;
		} else
			w->now_ns = next_ns;
	}
}

static void world_free(struct world *w)
{
	const guint n = kvt_guard_guests(w->guard)->len;

	for (guint i = 0; i < w->fakes->len; i++) /* nothing is under way any more */
		((struct fake *)w->fakes->pdata[i])->answer_ns = 1;
	while (w->pending->len > 0) {
		const struct pending p = g_array_index(w->pending, struct pending, 0);

		g_array_remove_index(w->pending, 0);
		finish(w, &p);
	}
	kvt_guard_free(w->guard);
	g_assert_cmpuint(w->gone, >=, n);
	kvt_config_free(w->config);
	g_array_unref(w->pending);
	g_ptr_array_unref(w->fakes);
	g_free(w);
}

static void stand_still(struct world *w, struct fake *f, int64_t for_ns)
{
	f->paused_at_ns = w->now_ns;
	if (f->guest->has_events)
		kvt_guard_event(w->guard, f->guest, KVT_EVENT_PAUSED, w->now_ns);
	run(w, for_ns);
	f->offset_ns -= w->now_ns - f->paused_at_ns;
	f->paused_at_ns = 0;
	if (f->guest->has_events)
		kvt_guard_event(w->guard, f->guest, KVT_EVENT_RESUMED, w->now_ns);
}

/* ---- what must hold ---- */

static void test_resumed_guest_is_set_once_within_a_second(void)
{
	for (int shared = 0; shared < 2; shared++) {
		struct world *w = world_new();
		struct fake *f = add(w, shared, 0);

		run(w, 5 * S);
		stand_still(w, f, 20 * S);
		run(w, S);
		g_assert_cmpuint(f->orders, ==, 1);
		g_assert_cmpint(f->offset_ns, ==, MS);
		g_assert_cmpint(f->guest->corrected_from.offset_ns, <, -19 * S);
		g_assert_cmpint(f->guest->residual.offset_ns, ==, MS);
		run(w, 3600 * S);
		g_assert_cmpuint(f->orders, ==, 1);
		g_assert_false(f->guest->bad);
		world_free(w);
	}
}

static void test_late_agent_is_set_within_a_second_of_its_answer(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, true, 0);

	run(w, 5 * S);
	f->offset_ns = -60 * S;
	f->no_agent = true;
	kvt_guard_event(w->guard, f->guest, KVT_EVENT_RESTORED, w->now_ns);
	run(w, 17 * S);
	g_assert_cmpuint(f->orders, ==, 0);
	f->no_agent = false;
	run(w, S);
	g_assert_cmpuint(f->orders, ==, 1);
	world_free(w);
}

static void test_second_pause_within_the_hold_off_is_corrected(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, false, 0);

	run(w, 5 * S);
	for (unsigned i = 1; i <= 5; i++) {
		stand_still(w, f, 11 * S);
		run(w, S);
		g_assert_cmpuint(f->orders, ==, i);
	}
	world_free(w);
}

static void test_guest_of_a_new_process_is_corrected_within_the_hold_off(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, false, 0);

	run(w, 5 * S);
	stand_still(w, f, 11 * S);
	run(w, S);
	g_assert_cmpuint(f->orders, ==, 1);
	f->is_gone = true; /* saved, and restored by another QEMU */
	run(w, 12 * S);
	f->is_gone = false;
	f->offset_ns = -12 * S;
	run(w, 1500 * MS);
	g_assert_cmpuint(f->orders, ==, 2);
	world_free(w);
}

static void test_guest_that_fights_is_given_up(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, true, 0);

	f->offset_ns = f->fights_ns = -10 * S;
	run(w, 1800 * S);
	g_assert_cmpuint(f->orders, ==, w->config->guard.give_up_after);
	g_assert_cmpuint(w->notes[KVT_NOTE_GAVE_UP], ==, 1);
	g_assert_true(f->guest->bad);
	/* an event is a new beginning, and so is the end of give_up_for */
	kvt_guard_event(w->guard, f->guest, KVT_EVENT_RESUMED, w->now_ns);
	run(w, 2 * S);
	g_assert_cmpuint(f->orders, ==, w->config->guard.give_up_after + 1);
	run(w, 3600 * S + 600 * S);
	g_assert_cmpuint(f->orders, ==, 3 * w->config->guard.give_up_after);
	world_free(w);
}

static void test_hold_off_lies_between_two_sets(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, true, 0);
	int64_t first_ns;

	f->offset_ns = f->fights_ns = -10 * S;
	run(w, S);
	first_ns = f->right_ns;
	g_assert_cmpuint(f->orders, ==, 1);
	run(w, w->config->guard.hold_off_ns - 2 * S);
	g_assert_cmpuint(f->orders, ==, 1);
	run(w, 15 * S);
	g_assert_cmpuint(f->orders, ==, 2);
	g_assert_cmpint(f->right_ns - first_ns, >=, w->config->guard.hold_off_ns);
	world_free(w);
}

static void test_policies_leave_alone(void)
{
	struct world *w = world_new();
	struct fake *ahead = add(w, true, 0), *watched = add(w, false, 0);
	struct kvt_guest_options *own = g_new0(struct kvt_guest_options, 1);

	own->has_policy = true;
	own->policy = KVT_POLICY_WATCH;
	g_hash_table_insert(w->config->guests, g_strdup("guest1"), own);
	ahead->offset_ns = 60 * S;
	watched->offset_ns = -60 * S;
	run(w, 100 * S);
	kvt_guard_event_all(w->guard, KVT_EVENT_HOST_STEPPED, w->now_ns);
	run(w, 100 * S);
	g_assert_cmpuint(ahead->orders + watched->orders, ==, 0);
	g_assert_true(ahead->guest->bad && watched->guest->bad);
	g_assert_cmpuint(w->notes[KVT_NOTE_LEFT_ALONE], ==,
			 4); /* each: once, and after the event */
	w->config->guard.policy = KVT_POLICY_STEP;
	run(w, 100 * S);
	g_assert_cmpuint(ahead->orders, ==, 1);
	g_assert_cmpuint(watched->orders, ==, 0);
	world_free(w);
}

static void test_two_hundred_at_once_keep_to_the_limit(void)
{
	struct world *w = world_new();
	int64_t last_ns = 0;

	for (guint i = 0; i < 200; i++)
		add(w, i % 2 == 0, 0);
	run(w, 20 * S);
	for (guint i = 0; i < 200; i++)
		((struct fake *)w->fakes->pdata[i])->offset_ns = -3600 * S;
	w->most_threads = 0;
	kvt_guard_event_all(w->guard, KVT_EVENT_HOST_SLEPT, w->now_ns);
	run(w, 5 * S);
	for (guint i = 0; i < 200; i++) {
		const struct fake *f = w->fakes->pdata[i];

		g_assert_cmpuint(f->orders, ==, 1);
		last_ns = MAX(last_ns, f->right_ns);
	}
	g_assert_cmpuint(w->most_threads, <=, w->config->guard.parallel * 3 / 2 + 1);
	/* 200 corrections of 8 ms, 8 at a time */
	g_assert_cmpint(last_ns, <, w->now_ns - 5 * S + S);
	world_free(w);
}

static void test_hung_guests_do_not_keep_others_waiting(void)
{
	struct world *w = world_new();
	struct fake *well = add(w, true, 0);

	for (guint i = 0; i < 20; i++)
		add(w, true, 0)->answer_ns = INT64_MAX;
	run(w, 60 * S);
	stand_still(w, well, 20 * S);
	run(w, S);
	g_assert_cmpuint(well->orders, ==, 1);
	kvt_guard_event_all(w->guard, KVT_EVENT_HOST_SLEPT, w->now_ns);
	well->offset_ns = -8 * 3600 * S;
	run(w, S);
	g_assert_cmpuint(well->orders, ==, 2);
	world_free(w);
}

static void test_hung_agent_behind_a_daemon_is_asked_ever_more_seldom(void)
{
	struct world *w = world_new();
	struct fake *shared = add(w, true, 0), *socket = add(w, false, 0);

	shared->answer_ns = socket->answer_ns = INT64_MAX;
	run(w, 3600 * S);
	g_assert_cmpuint(shared->asked, <, 20);
	/* a question is nearly always under way on a socket: it is answered the moment it runs */
	g_assert_cmpuint(socket->asked, >, 1000);
	world_free(w);
}

static void test_doubtful_order_is_not_repeated(void)
{
	/* killed between set and verify: the order may take effect now, or never */
	for (int shared = 0; shared < 2; shared++) {
		struct world *w = world_new();
		struct fake *f = add(w, shared, S);

		f->offset_ns = -60 * S;
		run(w, 2 * S);
		if (shared)
			kvt_guard_event(w->guard, f->guest, KVT_EVENT_RESUMED, w->now_ns);
		run(w, 10 * S);
		g_assert_cmpuint(f->orders, ==, 0);
		g_assert_true(f->guest->bad);
		f->offset_ns = MS; /* it has taken effect */
		run(w, 60 * S);
		g_assert_cmpuint(f->orders, ==, 0);
		g_assert_cmpuint(w->settled, ==, 1);
		g_assert_false(f->guest->bad);
		world_free(w);
	}
}

static void test_unconfirmed_order_is_not_repeated_at_once(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, true, 0);

	f->offset_ns = -60 * S;
	f->ends = true;
	run(w, 20 * S);
	g_assert_cmpuint(f->orders, ==, 1);
	g_assert_cmpuint(w->notes[KVT_NOTE_UNCONFIRMED], ==, 1);
	world_free(w);
}

static void test_refusal_is_tried_again_and_given_up(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, true, 0);

	f->offset_ns = -60 * S;
	f->refuses = true;
	run(w, 1800 * S);
	g_assert_cmpuint(w->notes[KVT_NOTE_NOT_SET], ==, 3);
	g_assert_cmpuint(w->notes[KVT_NOTE_GAVE_UP], ==, 1);
	g_assert_cmpuint(f->guest->failures, ==, 3);
	world_free(w);
}

static void test_event_while_asked_is_not_lost(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, true, 0);

	f->answer_ns = 500 * MS;
	run(w, 100 * MS); /* the first question is under way */
	kvt_guard_event(w->guard, f->guest, KVT_EVENT_RESUMED, w->now_ns);
	run(w, 400 * MS); /* answered as it was before */
	f->offset_ns = -20 * S;
	run(w, 3 * S);
	g_assert_cmpuint(f->orders, ==, 1);
	world_free(w);
}

static void test_removed_guest_is_gone_when_its_answer_comes(void)
{
	struct world *w = world_new();
	struct fake *f = add(w, true, 0);

	run(w, MS);
	kvt_guard_remove(w->guard, f->guest);
	g_assert_cmpuint(w->gone, ==, 0);
	run(w, S);
	g_assert_cmpuint(w->gone, ==, 1);
	g_assert_null(kvt_guard_find(w->guard, "guest0"));
	world_free(w);
}

/* a day of random pauses, hangs and steps: never two sets without a reason, each pause corrected */
static void test_random_day(void)
{
	struct world *w = world_new();
	guint pauses = 0;

	for (guint i = 0; i < 20; i++)
		add(w, i % 2 == 0, 0);
	run(w, 30 * S);
	for (guint i = 0; i < 1000; i++) {
		struct fake *f = w->fakes->pdata[g_test_rand_int_range(0, 20)];
		const unsigned before = f->orders;

		stand_still(w, f, g_test_rand_int_range(300, 60000) * MS);
		pauses++;
		run(w, 12 * S); /* a short pause between two polls is found by the next check */
		g_assert_cmpint(ABS(f->offset_ns), <=, 101 * MS);
		g_assert_cmpuint(f->orders, <=, before + 1);
		run(w, g_test_rand_int_range(31000, 60000) * MS);
	}
	for (guint i = 0; i < 20; i++)
		g_assert_cmpuint(((struct fake *)w->fakes->pdata[i])->guest->failures, ==, 0);
	g_assert_cmpuint(pauses, ==, 1000);
	world_free(w);
}

/* ---- the host's clocks ---- */

static void test_host_sleep_and_step_are_told_apart(void)
{
	struct kvt_hostwatch watch = { 0 };
	int64_t mono = 100 * S, boot = 150 * S, utc = 1000000 * S;
	struct kvt_host_news news = kvt_hostwatch_look(&watch, mono, boot, utc);

	g_assert_cmpint(news.slept_ns, ==, 0);
	for (guint i = 0; i < 100000; i++) { /* slewed by 500 ppm: 50 s in all, and never told */
		mono += S, boot += S, utc += S + S / 2000;
		news = kvt_hostwatch_look(&watch, mono, boot, utc);
		g_assert_cmpint(news.slept_ns, ==, 0);
		g_assert_cmpint(news.stepped_ns, ==, 0);
	}
	mono += S, boot += 3601 * S, utc += 3601 * S;
	news = kvt_hostwatch_look(&watch, mono, boot, utc);
	g_assert_cmpint(news.slept_ns, ==, 3600 * S);
	g_assert_cmpint(news.stepped_ns, ==, 0);
	mono += S, boot += S, utc += S - 7200 * S;
	news = kvt_hostwatch_look(&watch, mono, boot, utc);
	g_assert_cmpint(news.slept_ns, ==, 0);
	g_assert_cmpint(news.stepped_ns, ==, -7200 * S);
}

/* ---- the configuration ---- */

static void test_configuration_is_read(void)
{
	static const char text[] = "[guard]\ninterval=2.5\nlimit=0.02\npolicy=step\nparallel=4\n"
				   "[guest web 1]\npolicy=watch\nlimit=1\n"
				   "[find]\nlibvirt=none\nqemu=no\n"
				   "[socket a]\nagent=/run/a.qga\nqmp=/run/a.qmp\n"
				   "[metrics]\nlisten=none\nper_guest=bad\nsocket_mode=0600\n";
	g_autoptr(GError) error = NULL;
	struct kvt_daemon_config *c = kvt_config_parse("x", text, strlen(text), &error);
	enum kvt_guard_policy policy;
	int64_t limit_ns;

	g_assert_no_error(error);
	g_assert_cmpint(c->guard.interval_ns, ==, 2500 * MS);
	g_assert_cmpint(c->guard.policy, ==, KVT_POLICY_STEP);
	g_assert_cmpuint(c->guard.parallel, ==, 4);
	g_assert_null(c->libvirt);
	g_assert_null(c->listen);
	g_assert_false(c->qemu);
	g_assert_true(c->proxmox);
	g_assert_cmpuint(c->socket_mode, ==, 0600);
	g_assert_cmpuint(c->sockets->len, ==, 1);
	kvt_config_guest(c, "web 1", &policy, &limit_ns);
	g_assert_cmpint(policy, ==, KVT_POLICY_WATCH);
	g_assert_cmpint(limit_ns, ==, S);
	kvt_config_guest(c, "web 2", &policy, &limit_ns);
	g_assert_cmpint(policy, ==, KVT_POLICY_STEP);
	kvt_config_free(c);
}

static void test_bad_configuration_is_told_with_its_place(void)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "[guard]\nintervall=1\n", "[guard] intervall: unknown key" },
		{ "[gard]\n", "[gard]: unknown section" },
		{ "[guard]\ninterval=0\n", "[guard] interval: '0' is not a number from 0.1" },
		{ "[guard]\ninterval=1s\n", "'1s' is not" },
		{ "[guard]\ninterval=nan\n", "'nan' is not" },
		{ "[guard]\nparallel=1.5\n", "whole number" },
		{ "[guard]\nparallel=-1\n", "whole number" },
		{ "[guard]\npolicy=backward\n", "one of forward, step, watch" },
		{ "[find]\nqemu=true\n", "one of no, yes" },
		{ "[socket a]\nqmp=/x\n", "[socket a]: the key agent is missing" },
		{ "[socket a]\nagent=x\n", "absolute path" },
		{ "[socket ]\nagent=/x\n", "unknown section" },
		{ "[metrics]\nsocket=run/x\n", "absolute path" },
		{ "[metrics]\nsocket_mode=0999\n", "octal" },
		{ "[metrics]\nlisten=\n", "none switches it off" },
		{ "[guest a]\ninterval=1\n", "unknown key" },
		{ "interval=1\n", "x: " },
		{ "[guard\n", "x: " },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(kvt_config_parse("x", cases[i].text, strlen(cases[i].text), &error));
		g_assert_nonnull(error);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, cases[i].words));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guard/resumed guest is set once within a second",
			test_resumed_guest_is_set_once_within_a_second);
	g_test_add_func("/guard/late agent is set within a second of its answer",
			test_late_agent_is_set_within_a_second_of_its_answer);
	g_test_add_func("/guard/second pause within the hold-off is corrected",
			test_second_pause_within_the_hold_off_is_corrected);
	g_test_add_func("/guard/guest of a new process is corrected within the hold-off",
			test_guest_of_a_new_process_is_corrected_within_the_hold_off);
	g_test_add_func("/guard/guest that fights is given up", test_guest_that_fights_is_given_up);
	g_test_add_func("/guard/hold-off lies between two sets",
			test_hold_off_lies_between_two_sets);
	g_test_add_func("/guard/policies leave alone", test_policies_leave_alone);
	g_test_add_func("/guard/two hundred at once keep to the limit",
			test_two_hundred_at_once_keep_to_the_limit);
	g_test_add_func("/guard/hung guests do not keep others waiting",
			test_hung_guests_do_not_keep_others_waiting);
	g_test_add_func("/guard/hung agent behind a daemon is asked ever more seldom",
			test_hung_agent_behind_a_daemon_is_asked_ever_more_seldom);
	g_test_add_func("/guard/doubtful order is not repeated",
			test_doubtful_order_is_not_repeated);
	g_test_add_func("/guard/unconfirmed order is not repeated at once",
			test_unconfirmed_order_is_not_repeated_at_once);
	g_test_add_func("/guard/refusal is tried again and given up",
			test_refusal_is_tried_again_and_given_up);
	g_test_add_func("/guard/event while asked is not lost", test_event_while_asked_is_not_lost);
	g_test_add_func("/guard/removed guest is gone when its answer comes",
			test_removed_guest_is_gone_when_its_answer_comes);
	g_test_add_func("/guard/random day", test_random_day);
	g_test_add_func("/host/sleep and step are told apart",
			test_host_sleep_and_step_are_told_apart);
	g_test_add_func("/configuration/is read", test_configuration_is_read);
	g_test_add_func("/configuration/bad one is told with its place",
			test_bad_configuration_is_told_with_its_place);
	return g_test_run();
}
