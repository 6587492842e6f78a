/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/follow.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check/machine.h"
#include "cli/text.h"
#include "daemon/log.h"
#include "daemon/servo.h"
#include "daemon/source.h"
#include "fix/plan.h"
#include "sys/error.h"

#define TELL_EVERY_US (600 * (gint64)G_USEC_PER_SEC)

/* Everywhere else an offset is the clock's: positive = ahead. */
static char *offset_text(const struct kvt_time_reading *reading)
{
	return kvt_text_offset(-(double)reading->offset_ns, (double)reading->bound_ns);
}

/* ---- chrony ---- */

static const struct kvt_step *only_step(const struct kvt_plan *plan)
{
	return plan->steps->pdata[0];
}

static void show_plan(const struct kvt_plan *plan, unsigned number)
{
	g_autofree char *diff = kvt_plan_diff(plan);

	if (plan->changes->len == 0) {
		printf("chrony   is configured to follow the host's clock\n");
		return;
	}
	printf("%s", diff);
	for (guint i = 0; i < plan->commands->len; i++)
		printf("then     %s\n",
		       ((const struct kvt_command *)plan->commands->pdata[i])->run);
	if (number > 0)
		printf("Done as change %u.  kvmtime undo %u takes it back.\n", number, number);
	else
		printf("Nothing is changed yet: kvmtimed --guest --apply\n");
}

static bool apply_plan(const struct kvt_plan *plan, unsigned *ret_number, GError **error)
{
	g_autoptr(GPtrArray) notes = NULL;
	g_autoptr(kvt_journal) journal = kvt_journal_open(kvt_root_dir(plan->root), &notes, error);

	return journal != NULL && kvt_journal_apply(journal, "kvmtimed --guest (chrony-phc)",
						    plan->changes, NULL, NULL, ret_number, error);
}

/* Hands the clock to chrony; the exit status, or -1. */
static int plan_chrony(const struct kvt_root *root, bool apply, GError **error)
{
	struct kvt_answers answers = *kvt_answers_live();
	g_autoptr(kvt_facts) facts = NULL;
	g_autoptr(kvt_plan) plan = NULL;
	unsigned number = 0;

	answers.measured = false;
	facts = kvt_machine_read(root, &answers, "this machine");
	plan = kvt_plan_new(root, facts);
	kvt_plan_add(plan, NULL, "chrony-phc");
	if (only_step(plan)->refused != NULL) {
		printf("chrony   cannot be used: %s\n", only_step(plan)->refused);
		printf("instead  kvmtimed --guest --servo disciplines the clock by itself\n");
		return KVT_STATUS_FOUND;
	}
	if (apply && plan->changes->len > 0 && !apply_plan(plan, &number, error))
		return -1;
	show_plan(plan, number);
	return plan->changes->len == 0 || number > 0 ? KVT_STATUS_OK : KVT_STATUS_FOUND;
}

/* ---- the servo ---- */

struct follow {
	GMainLoop *loop;
	struct kvt_time_source *source;
	struct kvt_servo servo;
	gint64 told_us;
	bool silent; /* the source gave nothing the last time */
	GError *error;
};

static int64_t raw_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void tell(struct follow *f, const struct kvt_time_reading *reading,
		 const struct kvt_servo_order *order)
{
	g_autofree char *offset = offset_text(reading);
	const char *status = order->step_ns != 0 ? "stepped"
			     : order->slewing    ? "slewing"
						 : "following";
	g_autofree char *notify =
		g_strdup_printf("STATUS=%s %s: %s", status, f->source->name, offset);

	kvt_notify(notify);
	if (order->step_ns == 0 && f->told_us != 0 &&
	    g_get_monotonic_time() - f->told_us < TELL_EVERY_US)
		return;
	f->told_us = g_get_monotonic_time();
	kvt_say(order->step_ns != 0 ? KVT_LOG_NOTICE : KVT_LOG_INFO, NULL,
		"%s: %s against %s; rate %+.3f ppm", status, offset, f->source->name,
		(double)order->rate_ppb / 1000);
}

static bool obey(struct follow *f, const struct kvt_time_reading *reading,
		 const struct kvt_servo_order *order)
{
	if (order->step_ns != 0 && !kvt_clock_step(order->step_ns, &f->error))
		return false;
	if (!kvt_clock_set_rate(order->rate_ppb, &f->error))
		return false;
	if (f->source->may_declare && !order->slewing)
		kvt_clock_declare(reading->bound_ns);
	return true;
}

static gboolean take_reading(gpointer data)
{
	struct follow *f = data;
	struct kvt_time_reading reading;
	struct kvt_servo_order order;
	g_autoptr(GError) error = NULL;

	if (!f->source->read(f->source, &reading, &error)) {
		if (!f->silent)
			kvt_say(KVT_LOG_WARNING, NULL, "%s", error->message);
		f->silent = true; /* the clock runs on at the rate that was learned */
		return G_SOURCE_CONTINUE;
	}
	f->silent = false;
	order = kvt_servo_take(&f->servo, reading.offset_ns, reading.bound_ns, raw_ns());
	tell(f, &reading, &order);
	if (obey(f, &reading, &order))
		return G_SOURCE_CONTINUE;
	g_main_loop_quit(f->loop);
	return G_SOURCE_REMOVE;
}

static gboolean pet_watchdog(gpointer data)
{
	(void)data;
	kvt_notify("WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

static gboolean quit(gpointer data)
{
	g_main_loop_quit(((struct follow *)data)->loop);
	return G_SOURCE_CONTINUE;
}

static int run_servo(struct kvt_time_source *source, bool step_back, GError **error)
{
	struct follow f = { .source = source,
			    .servo = { .step_ns = source->step_ns, .may_step_back = step_back } };
	const guint64 watchdog_us = kvt_notify_watchdog_us();

	f.loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, quit, &f);
	g_unix_signal_add(SIGINT, quit, &f);
	if (watchdog_us != 0)
		g_timeout_add((guint)MAX(watchdog_us / 2000, 1), pet_watchdog, NULL);
	kvt_notify("READY=1");
	if (take_reading(&f)) {
		g_timeout_add((guint)(source->interval_us / 1000), take_reading, &f);
		g_main_loop_run(f.loop);
	}
	g_main_loop_unref(f.loop);
	if (f.error == NULL)
		return KVT_STATUS_OK;
	g_propagate_error(error, f.error);
	return -1;
}

/* ---- together ---- */

static bool show_source(struct kvt_time_source *source, GError **error)
{
	struct kvt_time_reading reading;
	g_autofree char *offset = NULL;

	if (!source->read(source, &reading, error))
		return false;
	offset = offset_text(&reading);
	printf("source   %s\nclock    %s\n", source->name, offset);
	return true;
}

int kvt_follow_run(const struct kvt_follow_options *options, GError **error)
{
	g_autoptr(kvt_root) root = kvt_root_open(options->root, error);
	struct kvt_time_source *source;
	int status = -1;

	if (root == NULL)
		return -1;
	if (!kvt_root_is_live(root)) /* a tree has no clocks, only files */
		return plan_chrony(root, options->apply, error);
	source = kvt_time_source_best(root, &kvt_calls_live, error);
	if (source == NULL)
		return -1;
	if (options->servo)
		status = run_servo(source, options->step_back, error);
	else if (show_source(source, error) && source->is_ptp)
		status = plan_chrony(root, options->apply, error);
	else if (*error == NULL) {
		printf("chrony   cannot follow this source; kvmtimed --guest --servo can\n");
		status = KVT_STATUS_FOUND;
	}
	kvt_time_source_free(source);
	return status;
}
