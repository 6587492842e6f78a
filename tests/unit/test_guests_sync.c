/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offsets and setting against a fake guest under simulated time: it has a clock of its own, and
 * every way to fail that an agent, a manager or the host's clock can have.
 */
#include "guests/offset.h"
#include "guests/reach.h"
#include "guests/sync.h"
#include "guests/watch.h"
#include "operands.h"

#define MS     INT64_C(1000000)
#define S      INT64_C(1000000000)
#define UTC_NS (INT64_C(1795200000) * S)

struct world {
	int64_t mono_ns;      /* true time */
	int64_t host_step_ns; /* the host's UTC is UTC_NS + mono_ns + this */
	int64_t guest_ns;     /* offset of the guest's clock from true UTC */
	unsigned orders;      /* guest-set-time commands that the guest has got */
};

struct fake {
	struct kvt_path path;
	struct kvt_host_clock clock;
	struct world *world;
	int64_t there_ns, back_ns; /* the way of a question and of an answer */
	int64_t jitter_ns;         /* added at random to both */
	enum kvt_reach open_fails, time_fails, set_fails;
	unsigned good_times;  /* answers before time_fails counts */
	bool set_works;       /* also where the reply is a failure */
	bool dies_on_set;     /* nothing answers after an order */
	int64_t set_slip_ns;  /* the guest is set this far from what was ordered */
	unsigned late_orders; /* so many orders take late_ns longer to arrive */
	int64_t late_ns;
	int64_t host_step_at_ns, host_step_by_ns;
	GRand *random;
};

static struct fake *fake_of(struct kvt_path *path)
{
	return (struct fake *)(void *)path;
}

static int64_t world_mono(void *data)
{
	return ((struct world *)data)->mono_ns;
}

static int64_t world_utc(void *data)
{
	struct world *world = data;

	return UTC_NS + world->mono_ns + world->host_step_ns;
}

static void pass(struct fake *f, int64_t ns)
{
	ns += f->jitter_ns > 0 ? g_rand_int_range(f->random, 0, (gint32)f->jitter_ns) : 0;
	if (f->host_step_by_ns != 0 && f->world->mono_ns < f->host_step_at_ns &&
	    f->world->mono_ns + ns >= f->host_step_at_ns)
		f->world->host_step_ns += f->host_step_by_ns;
	f->world->mono_ns += ns;
}

static bool fail(enum kvt_reach reach, GError **error)
{
	if (reach == KVT_REACH_OK)
		return true;
	kvt_reach_set(error, reach, "as ordered");
	return false;
}

static bool fake_open(struct kvt_path *path, GError **error)
{
	return fail(fake_of(path)->open_fails, error);
}

static void fake_close(struct kvt_path *path)
{
	(void)path;
}

static bool fake_get_time(struct kvt_path *path, struct kvt_exchange *ret_exchange, GError **error)
{
	struct fake *f = fake_of(path);

	if (f->good_times > 0)
		f->good_times--;
	else if (!fail(f->time_fails, error))
		return false;
	kvt_path_stamp_before(path, ret_exchange);
	pass(f, f->there_ns);
	ret_exchange->guest_utc_ns =
		(UTC_NS + f->world->mono_ns + f->world->guest_ns) / 1000 * 1000;
	pass(f, f->back_ns);
	kvt_path_stamp_after(path, ret_exchange);
	return true;
}

static bool fake_set_time(struct kvt_path *path, int64_t lead_ns, bool *ret_sent, GError **error)
{
	struct fake *f = fake_of(path);
	const int64_t order_ns = world_utc(f->world) + lead_ns;

	if (f->set_fails == KVT_REACH_GONE)
		return fail(f->set_fails, error);
	*ret_sent = true;
	f->world->orders++;
	pass(f, f->there_ns);
	if (f->late_orders > 0) {
		f->late_orders--;
		pass(f, f->late_ns);
	}
	if (f->set_works)
		f->world->guest_ns = order_ns + f->set_slip_ns - UTC_NS - f->world->mono_ns;
	pass(f, f->back_ns + 300 * MS);
	if (f->dies_on_set)
		f->open_fails = KVT_REACH_GONE;
	return fail(f->set_fails, error);
}

static bool fake_reset(struct kvt_path *path, GError **error)
{
	(void)path;
	(void)error;
	return true;
}

static void fake_free(struct kvt_path *path)
{
	g_rand_free(fake_of(path)->random);
	g_free(path);
}

static const struct kvt_path_ops fake_ops = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.get_time = fake_get_time,
	.set_time = fake_set_time,
	.reset_reinjection = fake_reset,
	.free = fake_free,
};

static struct fake *add_fake(struct kvt_guest *guest, struct world *world)
{
	struct fake *f = g_new0(struct fake, 1);

	f->clock = (struct kvt_host_clock){ world_mono, world_utc, world };
	f->path = (struct kvt_path){ .ops = &fake_ops, .clock = &f->clock, .set_share = 0.5 };
	f->world = world;
	f->there_ns = f->back_ns = 100000;
	f->set_works = true;
	f->random = g_rand_new_with_seed((guint32)g_test_rand_int());
	kvt_guest_add_path(guest, &f->path);
	return f;
}

static struct kvt_sync_options options(struct world *world)
{
	return (struct kvt_sync_options){ .policy = KVT_SYNC_FORWARD,
					  .limit_ns = MS,
					  .exchanges = 8,
					  .budget_us = 500000,
					  .corrections = 3,
					  .apply = true,
					  .sleep_data = world };
}

/* ---- offset ---- */

static void test_truth_is_within_the_bound(void)
{
	for (int round = 0; round < 2000; round++) {
		struct world world = { .guest_ns = (int64_t)(operand() % (2000 * (uint64_t)S)) -
						   1000 * S };
		struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
		struct fake *f = add_fake(guest, &world);
		struct kvt_offset offset;

		f->there_ns = (int64_t)(operand() % (uint64_t)(20 * MS));
		f->back_ns = (int64_t)(operand() % (uint64_t)(20 * MS));
		f->jitter_ns = MS;
		g_assert_true(kvt_offset_measure(&f->path, 5, 500000, &offset, NULL));
		g_assert_cmpint(ABS(offset.offset_ns - world.guest_ns), <=, offset.bound_ns);
		g_assert_cmpint(offset.bound_ns, <=, offset.delay_ns / 2 + 1000);
		kvt_guest_free(guest);
	}
}

static void test_smallest_delay_wins(void)
{
	const int64_t delays_ns[] = { 900, 300, 700 };
	struct kvt_exchange x[3];
	struct kvt_offset offset;

	for (unsigned i = 0; i < 3; i++)
		x[i] = (struct kvt_exchange){ .guest_utc_ns = UTC_NS + 1 + i * 1000,
					      .host_utc_before_ns = UTC_NS + i * 1000,
					      .host_utc_after_ns = UTC_NS + i * 1000 + delays_ns[i],
					      .host_mono_before_ns = i * 1000,
					      .host_mono_after_ns = i * 1000 + delays_ns[i] };
	g_assert_true(kvt_offset_filter(x, 3, 1, &offset));
	g_assert_cmpint(offset.delay_ns, ==, 300);
	g_assert_cmpint(offset.exchanges, ==, 3);
	g_assert_false(offset.host_stepped);
}

static void test_host_step_discards_what_was_before(void)
{
	struct world world = { .guest_ns = 5 * S };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct fake *f = add_fake(guest, &world);
	struct kvt_offset offset;

	f->host_step_at_ns = 500000; /* in the third exchange */
	f->host_step_by_ns = 2 * S;
	g_assert_true(kvt_offset_measure(&f->path, 8, 500000, &offset, NULL));
	g_assert_true(offset.host_stepped);
	g_assert_cmpint(ABS(offset.offset_ns - 3 * S), <=, offset.bound_ns);
	g_assert_cmpint(offset.exchanges, ==, 5);
	kvt_guest_free(guest);
}

static void test_step_in_the_only_exchange_is_an_error(void)
{
	struct world world = { 0 };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct fake *f = add_fake(guest, &world);
	g_autoptr(GError) error = NULL;
	struct kvt_offset offset;

	f->host_step_at_ns = 1;
	f->host_step_by_ns = -S;
	g_assert_false(kvt_offset_measure(&f->path, 1, 500000, &offset, &error));
	g_assert_error(error, KVT_REACH_ERROR, KVT_REACH_REFUSED);
	kvt_guest_free(guest);
}

static void test_any_numbers_are_taken(void)
{
	for (int round = 0; round < 200000; round++) {
		struct kvt_exchange x[3];
		struct kvt_offset offset = { .bound_ns = 1 };

		for (unsigned i = 0; i < 3; i++)
			x[i] = (struct kvt_exchange){ (int64_t)operand(), (int64_t)operand(),
						      (int64_t)operand(), (int64_t)operand(),
						      (int64_t)operand() };
		if (kvt_offset_filter(x, 3, 0, &offset))
			g_assert_cmpint(offset.bound_ns, >, 0);
	}
}

static void test_coarse_guest_clock_widens_the_bound(void)
{
	struct kvt_exchange x[4];
	struct kvt_offset offset;

	for (unsigned i = 0; i < 4; i++) {
		const int64_t at = i * 40 * MS;

		x[i] = (struct kvt_exchange){ (UTC_NS + at) / (10 * MS) * (10 * MS), UTC_NS + at,
					      UTC_NS + at + 1000, at, at + 1000 };
	}
	g_assert_true(kvt_offset_filter(x, 4, 0, &offset));
	g_assert_cmpint(offset.bound_ns, >=, 5 * MS);
}

/* Windows: answers of 100 ns, and a clock that moves every 15.6 ms, in whatever phase. */
static void test_clock_that_stands_still_widens_the_bound(void)
{
	for (int round = 0; round < 2000; round++) {
		const int64_t phase = (int64_t)(operand() % 15625000);
		struct kvt_exchange x[8];
		struct kvt_offset offset;

		for (unsigned i = 0; i < 8; i++) {
			const int64_t at = i * MS / 3 + phase;

			x[i] = (struct kvt_exchange){ UTC_NS + at / 15625000 * 15625000,
						      UTC_NS + at - 50000, UTC_NS + at + 50000,
						      at - 50000, at + 50000 };
		}
		g_assert_true(kvt_offset_filter(x, 8, 0, &offset));
		g_assert_cmpint(ABS(offset.offset_ns), <=, offset.bound_ns);
	}
}

/* ---- setting ---- */

static void test_behind_is_set_once_and_proved(void)
{
	for (int round = 0; round < 200; round++) {
		struct world world = { .guest_ns = -(int64_t)(operand() % (uint64_t)(400000 * S)) -
						   10 * MS };
		struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
		struct fake *f = add_fake(guest, &world);
		struct kvt_sync_options o = options(&world);
		struct kvt_sync_result *r;

		f->jitter_ns = 200000;
		o.corrections = 0;
		r = kvt_sync_run(guest, &o);
		g_assert_true(r->in_order && r->verified && r->sent && r->backlog_cleared);
		g_assert_cmpuint(world.orders, ==, 1);
		g_assert_cmpint(ABS(world.guest_ns), <=, 500000);
		g_assert_cmpint(ABS(r->after.offset_ns - world.guest_ns), <=, r->after.bound_ns);
		kvt_sync_result_free(r);
		kvt_guest_free(guest);
	}
}

static void test_delay_of_the_order_is_made_up_for(void)
{
	struct world world = { .guest_ns = -60 * S };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct fake *f = add_fake(guest, &world);
	const struct kvt_sync_options o = options(&world);
	struct kvt_sync_result *r;

	f->there_ns = f->back_ns = 15 * MS;
	r = kvt_sync_run(guest, &o);
	g_assert_true(r->in_order);
	g_assert_cmpint(r->lead_ns, ==, 15 * MS);
	g_assert_cmpint(ABS(world.guest_ns), <=, 1000);
	kvt_sync_result_free(r);
	kvt_guest_free(guest);
}

/* What an order's way has left is corrected until no more is to be seen, whatever the ways are. */
static void test_late_orders_are_corrected(void)
{
	for (int round = 0; round < 500; round++) {
		struct world world = { .guest_ns = -60 * S };
		struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
		struct fake *f = add_fake(guest, &world);
		const struct kvt_sync_options o = options(&world);
		struct kvt_sync_result *r;

		f->there_ns = 20011 + (int64_t)(operand() % (uint64_t)(5 * MS));
		f->back_ns = 20011 + (int64_t)(operand() % (uint64_t)(5 * MS));
		f->late_orders = (unsigned)(operand() % 3);
		f->late_ns = 1 * MS + (int64_t)(operand() % (uint64_t)(100 * MS));
		r = kvt_sync_run(guest, &o);
		g_assert_true(r->in_order && r->verified);
		g_assert_cmpuint(r->orders, ==, world.orders);
		g_assert_cmpint(ABS(world.guest_ns), <=, kvt_offset_within(&r->after));
		g_assert_cmpint(ABS(r->after.offset_ns), <=,
				MAX(f->there_ns + f->back_ns, o.limit_ns / 10) + 2000);
		/* forward: what is behind beyond the reading's bound has been brought up */
		g_assert_cmpint(r->after.offset_ns, >=, -r->after.bound_ns);
		kvt_sync_result_free(r);
		kvt_guest_free(guest);
	}
}

static void test_no_correction_is_made_unasked(void)
{
	struct world world = { .guest_ns = -60 * S };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct fake *f = add_fake(guest, &world);
	struct kvt_sync_options o = options(&world);
	struct kvt_sync_result *r;

	f->late_orders = 1;
	f->late_ns = MS / 2;
	o.corrections = 0;
	r = kvt_sync_run(guest, &o);
	g_assert_cmpuint(world.orders, ==, 1);
	g_assert_cmpint(ABS(world.guest_ns), <=, kvt_offset_within(&r->after));
	kvt_sync_result_free(r);
	kvt_guest_free(guest);
}

struct fault {
	const char *name;
	int64_t guest_ns;
	struct fake fake;
	enum kvt_sync_policy policy;
	bool apply;
	unsigned orders;
	enum kvt_sync_action action;
	bool sent, verified, in_order;
};

static const struct fault faults[] = {
	{ .name = "no-apply-sets-nothing",
	  .guest_ns = -S,
	  .fake = { .set_works = true },
	  .action = KVT_SYNC_SET },
	{ .name = "small-offset-is-left-alone",
	  .guest_ns = -MS / 2,
	  .fake = { .set_works = true },
	  .apply = true,
	  .action = KVT_SYNC_NONE },
	{ .name = "ahead-is-left-alone-by-forward",
	  .guest_ns = S,
	  .fake = { .set_works = true },
	  .apply = true,
	  .action = KVT_SYNC_LEAVE },
	{ .name = "ahead-is-set-by-step",
	  .guest_ns = S,
	  .fake = { .set_works = true },
	  .policy = KVT_SYNC_STEP,
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET,
	  .sent = true,
	  .verified = true,
	  .in_order = true },
	{ .name = "hung-agent-is-unknown",
	  .guest_ns = -S,
	  .fake = { .time_fails = KVT_REACH_HUNG, .set_works = true },
	  .apply = true,
	  .action = KVT_SYNC_CANNOT },
	{ .name = "garbage-is-unknown",
	  .guest_ns = -S,
	  .fake = { .time_fails = KVT_REACH_GARBAGE, .set_works = true },
	  .apply = true,
	  .action = KVT_SYNC_CANNOT },
	{ .name = "error-without-hwclock-is-read-back-as-set",
	  .guest_ns = -S,
	  .fake = { .set_fails = KVT_REACH_REFUSED, .set_works = true },
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET,
	  .sent = true,
	  .verified = true,
	  .in_order = true },
	{ .name = "refusal-without-effect-is-not-set",
	  .guest_ns = -S,
	  .fake = { .set_fails = KVT_REACH_REFUSED },
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET },
	{ .name = "hung-order-that-worked-is-read-back",
	  .guest_ns = -S,
	  .fake = { .set_fails = KVT_REACH_HUNG, .set_works = true },
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET,
	  .sent = true,
	  .verified = true,
	  .in_order = true },
	{ .name = "hung-order-without-effect-is-not-repeated",
	  .guest_ns = -S,
	  .fake = { .set_fails = KVT_REACH_HUNG },
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET,
	  .sent = true,
	  .verified = true },
	{ .name = "death-after-the-order-is-unconfirmed",
	  .guest_ns = -S,
	  .fake = { .dies_on_set = true, .set_works = true },
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET,
	  .sent = true },
	{ .name = "ok-without-effect-is-seen",
	  .guest_ns = -S,
	  .fake = { .set_works = false },
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET,
	  .sent = true,
	  .verified = true },
	{ .name = "wrong-set-is-seen",
	  .guest_ns = -S,
	  .fake = { .set_works = true, .set_slip_ns = 700 * MS },
	  .apply = true,
	  .orders = 1,
	  .action = KVT_SYNC_SET,
	  .sent = true,
	  .verified = true },
	{ .name = "host-step-before-the-decision-leaves-alone",
	  .guest_ns = -10 * S,
	  .fake = { .set_works = true, .host_step_at_ns = 500000, .host_step_by_ns = 3 * S },
	  .apply = true,
	  .action = KVT_SYNC_LEAVE },
};

static void take_faults(struct fake *f, const struct fake *from)
{
	f->open_fails = from->open_fails;
	f->time_fails = from->time_fails;
	f->set_fails = from->set_fails;
	f->set_works = from->set_works;
	f->dies_on_set = from->dies_on_set;
	f->set_slip_ns = from->set_slip_ns;
	f->host_step_at_ns = from->host_step_at_ns;
	f->host_step_by_ns = from->host_step_by_ns;
}

static void test_fault(gconstpointer data)
{
	const struct fault *fault = data;
	struct world world = { .guest_ns = fault->guest_ns };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct fake *f = add_fake(guest, &world);
	struct kvt_sync_options o = options(&world);
	struct kvt_sync_result *r;

	take_faults(f, &fault->fake);
	o.policy = fault->policy;
	o.apply = fault->apply;
	r = kvt_sync_run(guest, &o);
	g_assert_cmpuint(world.orders, ==, fault->orders);
	g_assert_cmpint((int)r->action, ==, (int)fault->action);
	g_assert_cmpint(r->sent, ==, fault->sent);
	g_assert_cmpint(r->verified, ==, fault->verified);
	g_assert_cmpint(r->in_order, ==, fault->in_order);
	kvt_sync_result_free(r);
	kvt_guest_free(guest);
}

/* two paths: the second one's world is the same guest */
static struct kvt_sync_result *run_two(struct world *world, const struct fake *first, bool taints)
{
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct kvt_sync_options o = options(world);
	struct kvt_sync_result *r;
	struct fake *second;

	take_faults(add_fake(guest, world), first);
	second = add_fake(guest, world);
	second->path.taints = taints;
	r = kvt_sync_run(guest, &o);
	kvt_guest_free(guest);
	return r;
}

static void test_next_path_takes_over(void)
{
	const struct fake first[] = { { .open_fails = KVT_REACH_NO_AGENT },
				      { .time_fails = KVT_REACH_HUNG },
				      { .set_fails = KVT_REACH_GONE, .set_works = true },
				      { .set_fails = KVT_REACH_REFUSED } };

	for (guint i = 0; i < G_N_ELEMENTS(first); i++) {
		struct world world = { .guest_ns = -S };
		struct kvt_sync_result *r = run_two(&world, &first[i], false);

		g_assert_true(r->in_order);
		g_assert_cmpint(ABS(world.guest_ns), <=, MS);
		g_assert_cmpuint(world.orders, ==, first[i].set_fails == KVT_REACH_REFUSED ? 2 : 1);
		kvt_sync_result_free(r);
	}
}

static void test_no_second_order_after_a_hung_one(void)
{
	const struct fake first = { .set_fails = KVT_REACH_HUNG };
	struct world world = { .guest_ns = -S };
	struct kvt_sync_result *r = run_two(&world, &first, false);

	g_assert_cmpuint(world.orders, ==, 1);
	g_assert_false(r->in_order);
	g_assert_true(r->verified);
	kvt_sync_result_free(r);
}

static void test_tainting_path_wants_its_option(void)
{
	const struct fake first = { .open_fails = KVT_REACH_NO_AGENT };
	struct world world = { .guest_ns = -S };
	struct kvt_sync_result *r = run_two(&world, &first, true);

	g_assert_cmpuint(world.orders, ==, 0);
	g_assert_cmpint((int)r->action, ==, (int)KVT_SYNC_CANNOT);
	kvt_sync_result_free(r);
}

static void pull_back(gint64 us, void *data)
{
	struct world *world = data;

	world->mono_ns += us * 1000;
	world->guest_ns = -2 * S;
}

static void step_host(gint64 us, void *data)
{
	struct world *world = data;

	world->mono_ns += us * 1000;
	world->host_step_ns += 3 * S;
}

/* The guest was right; the host's clock is set before the second look: no second order. */
static void test_host_step_after_the_order_sets_nothing_twice(void)
{
	struct world world = { .guest_ns = -2 * S };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct kvt_sync_options o = options(&world);
	struct kvt_sync_result *r;

	add_fake(guest, &world);
	o.settle_us = 1000000;
	o.sleep = step_host;
	r = kvt_sync_run(guest, &o);
	g_assert_false(r->in_order);
	g_assert_cmpuint(world.orders, ==, 1);
	g_assert_cmpint(ABS(world.guest_ns), <=, MS);
	kvt_sync_result_free(r);
	kvt_guest_free(guest);
}

/* The host's clock is set while the order is on its way: what is read back is not its doing. */
static void test_host_step_during_the_order_sets_nothing_twice(void)
{
	struct world world = { .guest_ns = -20 * S };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct fake *f = add_fake(guest, &world);
	struct kvt_sync_options o = options(&world);
	struct kvt_sync_result *r;

	/* eight exchanges of 0.2 ms, and a question before the order */
	f->host_step_at_ns = 9 * 200000 + 50000;
	f->host_step_by_ns = 5 * S;
	o.exchanges = 8;
	r = kvt_sync_run(guest, &o);
	g_assert_true(r->verified);
	g_assert_false(r->in_order);
	g_assert_cmpuint(world.orders, ==, 1);
	kvt_sync_result_free(r);
	kvt_guest_free(guest);
}

static void test_daemon_that_fights_back_is_seen(void)
{
	struct world world = { .guest_ns = -2 * S };
	struct kvt_guest *guest = kvt_guest_new("g", "fake", "1");
	struct kvt_sync_options o = options(&world);
	struct kvt_sync_result *r;

	add_fake(guest, &world);
	o.settle_us = 1000000;
	o.sleep = pull_back;
	r = kvt_sync_run(guest, &o);
	g_assert_true(r->fought);
	g_assert_false(r->in_order);
	g_assert_cmpuint(world.orders, ==, 1);
	kvt_sync_result_free(r);
	kvt_guest_free(guest);
}

/* ---- from round to round ---- */

static struct kvt_watch_line line_at(int64_t mono_ns, int64_t offset_ns)
{
	return (struct kvt_watch_line){ .reach = KVT_REACH_OK,
					.offset = { .offset_ns = offset_ns, .bound_ns = 100000 },
					.vcpus_known = true,
					.vcpus = { .vcpus = 2 },
					.host_mono_ns = mono_ns,
					.host_utc_ns = UTC_NS + mono_ns };
}

static void test_lost_time_is_seen(void)
{
	const struct kvt_watch_line first = line_at(S, 5 * MS);
	struct kvt_watch_line second = line_at(31 * S, 5 * MS - 20 * S);
	struct kvt_watch_change change;

	kvt_watch_compare(&first, true, &second, &change);
	g_assert_true(change.moved && change.paused);
	g_assert_cmpint(change.moved_ns, ==, -20 * S);
	g_assert_cmpint(change.since_ns, ==, 30 * S);
	second = line_at(31 * S, 5 * MS + 14 * MS); /* 467 ppm */
	kvt_watch_compare(&first, false, &second, &change);
	g_assert_false(change.moved);
	second.reach = KVT_REACH_HUNG;
	second.offset.offset_ns = 1000 * S;
	kvt_watch_compare(&first, false, &second, &change);
	g_assert_false(change.moved);
}

static void test_hosts_own_step_is_not_the_guests(void)
{
	const struct kvt_watch_line first = line_at(S, 0);
	struct kvt_watch_line second = line_at(6 * S, -3 * S);
	struct kvt_watch_change change;

	second.host_utc_ns += 3 * S;
	kvt_watch_compare(&first, false, &second, &change);
	g_assert_cmpint(change.host_ns, ==, 3 * S);
	g_assert_false(change.moved);
}

static void test_steal_is_the_share_of_waiting(void)
{
	const struct kvt_watch_line first = line_at(S, 0);
	struct kvt_watch_line second = line_at(3 * S, 0);
	struct kvt_watch_change change;

	second.vcpus.wait_ns = S;
	kvt_watch_compare(&first, false, &second, &change);
	g_assert_true(change.steal_known);
	g_assert_cmpfloat(change.steal, ==, 0.25);
	second.vcpus.vcpus = 3; /* one was plugged in */
	kvt_watch_compare(&first, false, &second, &change);
	g_assert_false(change.steal_known);
}

static void test_any_two_lines_are_compared(void)
{
	for (int round = 0; round < 100000; round++) {
		struct kvt_watch_line line[2] = { 0 };
		struct kvt_watch_change change;

		for (int i = 0; i < 2; i++) {
			line[i].offset.offset_ns = (int64_t)operand();
			line[i].offset.bound_ns = (int64_t)(operand() >> 3);
			line[i].host_mono_ns = (int64_t)(operand() >> 1);
			line[i].host_utc_ns = (int64_t)operand();
			line[i].vcpus_known = true;
			line[i].vcpus = (struct kvt_vcpu_time){ (unsigned)operand(), 0,
								(int64_t)(operand() >> 1) };
		}
		kvt_watch_compare(&line[0], false, &line[1], &change);
		if (change.steal_known)
			g_assert_true(change.steal >= 0 && change.steal <= 1);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/offset/truth-is-within-the-bound", test_truth_is_within_the_bound);
	g_test_add_func("/offset/smallest-delay-wins", test_smallest_delay_wins);
	g_test_add_func("/offset/host-step-discards-what-was-before",
			test_host_step_discards_what_was_before);
	g_test_add_func("/offset/step-in-the-only-exchange-is-an-error",
			test_step_in_the_only_exchange_is_an_error);
	g_test_add_func("/offset/any-numbers-are-taken", test_any_numbers_are_taken);
	g_test_add_func("/offset/coarse-guest-clock-widens-the-bound",
			test_coarse_guest_clock_widens_the_bound);
	g_test_add_func("/offset/clock-that-stands-still-widens-the-bound",
			test_clock_that_stands_still_widens_the_bound);
	g_test_add_func("/sync/behind-is-set-once-and-proved", test_behind_is_set_once_and_proved);
	g_test_add_func("/sync/delay-of-the-order-is-made-up-for",
			test_delay_of_the_order_is_made_up_for);
	g_test_add_func("/sync/late-orders-are-corrected", test_late_orders_are_corrected);
	g_test_add_func("/sync/no-correction-is-made-unasked", test_no_correction_is_made_unasked);
	for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
		g_autofree char *name = g_strdup_printf("/sync/%s", faults[i].name);

		g_test_add_data_func(name, &faults[i], test_fault);
	}
	g_test_add_func("/sync/next-path-takes-over", test_next_path_takes_over);
	g_test_add_func("/sync/no-second-order-after-a-hung-one",
			test_no_second_order_after_a_hung_one);
	g_test_add_func("/sync/tainting-path-wants-its-option",
			test_tainting_path_wants_its_option);
	g_test_add_func("/sync/host-step-after-the-order-sets-nothing-twice",
			test_host_step_after_the_order_sets_nothing_twice);
	g_test_add_func("/sync/host-step-during-the-order-sets-nothing-twice",
			test_host_step_during_the_order_sets_nothing_twice);
	g_test_add_func("/sync/daemon-that-fights-back-is-seen",
			test_daemon_that_fights_back_is_seen);
	g_test_add_func("/watch/lost-time-is-seen", test_lost_time_is_seen);
	g_test_add_func("/watch/hosts-own-step-is-not-the-guests",
			test_hosts_own_step_is_not_the_guests);
	g_test_add_func("/watch/steal-is-the-share-of-waiting", test_steal_is_the_share_of_waiting);
	g_test_add_func("/watch/any-two-lines-are-compared", test_any_two_lines_are_compared);
	return g_test_run();
}
