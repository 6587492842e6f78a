/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/vm_options.h"
#include "guests/fleet.h"
#include "guests/sync.h"

struct answers {
	GPtrArray *guests;
	struct kvt_sync_result **results; /* NULL = none in time */
	bool apply;
};

static gpointer work(struct kvt_guest *guest, gpointer data, bool *ret_slow)
{
	*ret_slow = false;
	return kvt_sync_run(guest, data);
}

/* Each path may use its deadlines for the order and for three measurements. */
static gint64 patience_us(const GPtrArray *guests)
{
	gint64 longest_us = 0;

	for (guint i = 0; i < guests->len; i++) {
		const struct kvt_guest *guest = guests->pdata[i];
		gint64 sum_us = 0;

		for (guint j = 0; j < guest->paths->len; j++) {
			const struct kvt_path *path = guest->paths->pdata[j];

			sum_us += path->set_timeout_us + 12 * path->timeout_us;
		}
		longest_us = MAX(longest_us, sum_us);
	}
	return longest_us + 5 * G_USEC_PER_SEC;
}

static void ask_all(struct answers *answers, const struct kvt_sync_options *options)
{
	const guint n = answers->guests->len;
	const gint64 deadline_us = g_get_monotonic_time() + patience_us(answers->guests);
	struct kvt_fleet *fleet =
		kvt_fleet_new(answers->guests, work, g_memdup2(options, sizeof(*options)), g_free,
			      (GDestroyNotify)kvt_sync_result_free);
	struct kvt_sync_result *result;
	guint index, got = 0;

	for (guint i = 0; i < n; i++)
		kvt_fleet_submit(fleet, i);
	while (got < n && (result = kvt_fleet_next(fleet, deadline_us, &index)) != NULL) {
		g_autofree char *progress = g_strdup_printf("%u of %u guests", ++got, n);

		answers->results[index] = result;
		kvt_text_progress(progress);
	}
	kvt_text_progress(NULL);
	kvt_fleet_free(fleet);
}

/* ---- what came of it ---- */

static int status_of(const struct kvt_sync_result *r, bool apply)
{
	if (r == NULL || r->action == KVT_SYNC_CANNOT)
		return KVT_STATUS_REFUSED;
	if (r->action == KVT_SYNC_NONE)
		return KVT_STATUS_OK;
	if (!apply || r->action == KVT_SYNC_LEAVE || (r->action == KVT_SYNC_SLEWED && !r->in_order))
		return KVT_STATUS_FOUND;
	return r->in_order ? KVT_STATUS_OK : KVT_STATUS_REFUSED;
}

static const char *outcome(const struct kvt_sync_result *r, bool apply)
{
	if (r == NULL)
		return "no-answer";
	if (r->action == KVT_SYNC_NONE)
		return "in-order";
	if (r->action == KVT_SYNC_LEAVE)
		return "left-alone";
	if (r->action == KVT_SYNC_CANNOT)
		return "unknown";
	if (r->action == KVT_SYNC_SLEWED)
		return !apply                           ? "would-slew"
		       : r->slew_ppm > 0 || r->in_order ? "slewing"
							: "not-slewing";
	if (!apply)
		return "would-set";
	if (!r->sent)
		return "not-set";
	if (!r->verified)
		return "unconfirmed";
	return r->in_order ? "set" : r->fought ? "fought" : "still-wrong";
}

static char *offset_text(const struct kvt_offset *offset)
{
	return kvt_text_offset((double)offset->offset_ns, (double)offset->bound_ns);
}

static void print_order(const struct kvt_sync_result *r)
{
	g_autofree char *lead = kvt_text_ns((double)r->lead_ns, false);
	g_autofree char *within = kvt_text_ns((double)kvt_offset_within(&r->after), false);
	g_autofree char *backlog =
		r->backlog_cleared
			? g_strdup("RTC backlog cleared")
			: g_strdup_printf("RTC backlog not cleared: %s",
					  r->backlog_words != NULL ? r->backlog_words : "?");
	g_autofree char *text = g_strdup_printf(
		"%s%s%sby %s, %u order%s, %s ahead for its way; %s", r->verified ? "within " : "",
		r->verified ? within : "", r->verified ? " of the host's clock; " : "", r->path,
		r->orders, r->orders == 1 ? "" : "s, the last", lead, backlog);
	g_autofree char *safe = kvt_text_printable(text);

	kvt_text_wrap(10, safe);
}

static void print_slewing(const struct kvt_sync_result *r)
{
	const double left_ns = fabs((double)r->after.offset_ns) / r->slew_ppm * 1e6;
	g_autofree char *left = kvt_text_ns(left_ns, false);

	printf("          by its own chrony, %.0f ppm: about %s more\n", r->slew_ppm, left);
}

static void print_details(const struct kvt_sync_result *r, bool apply, bool verbose)
{
	if (apply && r->sent)
		print_order(r);
	if (r->slew_ppm > 0)
		print_slewing(r);
	for (guint i = 0; i < r->tries->len; i++) {
		const struct kvt_sync_try *one = &g_array_index(r->tries, struct kvt_sync_try, i);

		if (one->words != NULL && (verbose || r->action != KVT_SYNC_CANNOT || i > 0)) {
			g_autofree char *words = kvt_text_printable(one->words);

			printf("          %s said: %s: %s\n", one->path, kvt_reach_word(one->reach),
			       words);
		}
	}
}

static void print_one(const struct kvt_guest *guest, const struct kvt_sync_result *r, bool apply,
		      bool verbose)
{
	const int status = status_of(r, apply);
	g_autofree char *name = kvt_text_printable(guest->name);
	g_autofree char *word = kvt_text_paint(status == KVT_STATUS_OK      ? KVT_GREEN
					       : status == KVT_STATUS_FOUND ? KVT_YELLOW
									    : KVT_RED,
					       outcome(r, apply));
	g_autofree char *why = r != NULL && r->why != NULL ? kvt_text_printable(r->why) : NULL;

	printf("%-8s  %s", name, word);
	if (r == NULL) {
		printf(": it was asked and did not answer in time\n");
		return;
	}
	if (r->action != KVT_SYNC_CANNOT) {
		g_autofree char *before = offset_text(&r->before);

		printf(": %s", before);
	}
	if (r->verified) {
		g_autofree char *after = offset_text(&r->after);

		printf(" %s %s", kvt_text_symbol("→", "->"), after);
	}
	printf("%s%s\n", why != NULL ? "; " : "", why != NULL ? why : "");
	print_details(r, apply, verbose);
	if (r->action == KVT_SYNC_CANNOT && r->tries->len > 0 && guest->steps != NULL &&
	    g_array_index(r->tries, struct kvt_sync_try, 0).reach == KVT_REACH_NO_AGENT) {
		g_autofree char *steps = g_strdup_printf("to have an agent: %s", guest->steps);

		kvt_text_wrap(10, steps);
	}
}

static void print_text(const struct answers *answers, bool verbose)
{
	guint wrong = 0, set = 0;

	for (guint i = 0; i < answers->guests->len; i++) {
		const struct kvt_sync_result *r = answers->results[i];

		wrong += status_of(r, answers->apply) != KVT_STATUS_OK;
		set += r != NULL && r->sent;
	}
	if (answers->apply)
		printf("%u of %u guests set, %u not in order.\n", set, answers->guests->len, wrong);
	else
		printf("%u of %u guests not in order; nothing was changed.\n", wrong,
		       answers->guests->len);
	for (guint i = 0; i < answers->guests->len; i++)
		print_one(answers->guests->pdata[i], answers->results[i], answers->apply, verbose);
	if (answers->apply && set > 0)
		printf("A clock that was set cannot be taken back by kvmtime undo.\n");
	else if (!answers->apply && wrong > 0)
		printf("Set them: the same command with --apply\n");
}

static void json_daemon(JsonBuilder *b, const struct kvt_daemon *daemon)
{
	if (!daemon->known)
		return;
	json_builder_set_member_name(b, "guest_daemon");
	json_builder_begin_object(b);
	kvt_json_bool(b, "synchronised", daemon->synchronised);
	kvt_json_bool(b, "fresh", daemon->fresh);
	kvt_json_i64(b, "behind_ns", daemon->behind_ns);
	kvt_json_i64(b, "error_ns", daemon->error_ns);
	json_builder_end_object(b);
}

static void json_result(JsonBuilder *b, const struct kvt_sync_result *r, bool apply)
{
	kvt_json_string(b, "path", r->path);
	kvt_vm_json_offset(b, "before", r->action != KVT_SYNC_CANNOT ? &r->before : NULL);
	kvt_vm_json_offset(b, "after", r->verified ? &r->after : NULL);
	if (r->slew_ppm > 0)
		kvt_json_double(b, "slew_ppm", r->slew_ppm);
	json_daemon(b, &r->daemon);
	if (r->verified)
		kvt_json_i64(b, "within_ns", kvt_offset_within(&r->after));
	kvt_json_string(b, "why", r->why);
	kvt_json_bool(b, "sent", apply && r->sent);
	kvt_json_int(b, "orders", r->orders);
	kvt_json_i64(b, "lead_ns", apply && r->sent ? r->lead_ns : 0);
	kvt_json_bool(b, "rtc_backlog_cleared", r->backlog_cleared);
	json_builder_set_member_name(b, "tries");
	json_builder_begin_array(b);
	for (guint i = 0; i < r->tries->len; i++) {
		const struct kvt_sync_try *one = &g_array_index(r->tries, struct kvt_sync_try, i);

		json_builder_begin_object(b);
		kvt_json_string(b, "path", one->path);
		kvt_json_string(b, "status", kvt_reach_word(one->reach));
		kvt_json_string(b, "message", one->words);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void print_json(const struct answers *answers)
{
	bool complete = true;
	JsonBuilder *b;

	for (guint i = 0; i < answers->guests->len; i++)
		complete &= answers->results[i] != NULL &&
			    answers->results[i]->action != KVT_SYNC_CANNOT;
	b = kvt_json_begin("kvmtime.sync/1", "guests", complete);
	kvt_json_bool(b, "applied", answers->apply);
	json_builder_set_member_name(b, "guests");
	json_builder_begin_array(b);
	for (guint i = 0; i < answers->guests->len; i++) {
		json_builder_begin_object(b);
		kvt_vm_json_guest(b, answers->guests->pdata[i]);
		kvt_json_string(b, "outcome", outcome(answers->results[i], answers->apply));
		if (answers->results[i] != NULL)
			json_result(b, answers->results[i], answers->apply);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	kvt_json_end(b, true);
}

static int report(const struct answers *answers, const struct kvt_common *common)
{
	int status = KVT_STATUS_OK;

	if (common->json)
		print_json(answers);
	else if (!common->quiet)
		print_text(answers, common->verbose);
	for (guint i = 0; i < answers->guests->len; i++) {
		status = MAX(status, status_of(answers->results[i], answers->apply));
		kvt_sync_result_free(answers->results[i]);
	}
	return status;
}

/* ---- the command line ---- */

struct sync_arguments {
	struct kvt_vm_options vm;
	char *policy;
	double limit_s, settle_s;
	gboolean apply, taint, exec;
	int corrections;
};

static const char description[] =
	"Measures each guest's clock against the host's and says what would be done. With --apply\n"
	"the clock is set through the guest agent, ahead by what the order needs to arrive, the RTC's\n"
	"backlog of ticks is cleared so that it is not corrected twice, and the clock is read back:\n"
	"what is read back is the proof, not the agent's reply. What the way of the order has left is\n"
	"corrected by a few further orders. A path that fails before the order was given hands over to\n"
	"the next one.\n\n"
	"  kvmtime sync --all                 what is wrong, and what would be done\n"
	"  kvmtime sync --vm web1 --apply     put it right\n\n"
	"Policies: forward (default) steps clocks that are behind and leaves alone what is ahead;\n"
	"step sets both; slew has the guest's own chrony measure at once and slew by itself, which takes\n"
	"minutes (needs --exec). With --exec a guest whose chrony has just heard from its servers that\n"
	"its clock is right is left alone by every policy: it is the host that differs.\n\n"
	"Exit status: 0 all in order, 1 a clock is wrong and was left so, 3 one could not be asked\n"
	"or set.";

static bool read_policy(const char *text, enum kvt_sync_policy *ret_policy)
{
	if (text == NULL || strcmp(text, "forward") == 0)
		*ret_policy = KVT_SYNC_FORWARD;
	else if (strcmp(text, "step") == 0)
		*ret_policy = KVT_SYNC_STEP;
	else if (strcmp(text, "slew") == 0)
		*ret_policy = KVT_SYNC_SLEW;
	else
		return false;
	return true;
}

static int sync_guests(const struct sync_arguments *a, const struct kvt_common *common)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) guests = NULL;
	g_autofree struct kvt_sync_result **results = NULL;
	struct kvt_sync_options options = {
		.limit_ns = (int64_t)(a->limit_s * 1e9),
		.exchanges = a->vm.exchanges != 0 ? (unsigned)a->vm.exchanges : 8,
		.budget_us = 500000,
		.corrections = (unsigned)a->corrections,
		.settle_us = (gint64)(a->settle_s * G_USEC_PER_SEC),
		.taint = a->taint,
		.exec = a->exec,
		.apply = a->apply,
	};
	struct answers answers;

	if (!kvt_vm_given(&a->vm))
		return kvt_usage("sync", "name a guest: --vm NAME, --all or --agent SOCKET");
	if (!read_policy(a->policy, &options.policy))
		return kvt_usage("sync", "--policy takes forward, step or slew, not '%s'",
				 a->policy);
	if (options.policy == KVT_SYNC_SLEW && !a->exec)
		return kvt_usage("sync",
				 "--policy slew asks the guest's own chrony: it needs --exec");
	if (!(a->limit_s >= 0 && a->limit_s <= 1e9) || !(a->settle_s >= 0 && a->settle_s <= 3600))
		return kvt_usage("sync", "--limit takes 0 .. 1e9 s, --settle 0 .. 3600 s");
	if (a->corrections < 0 || a->corrections > 20)
		return kvt_usage("sync", "--corrections takes 0 .. 20");
	guests = kvt_vm_find("sync", &a->vm, &error);
	if (guests == NULL)
		return kvt_fail("sync", g_steal_pointer(&error));
	if (guests->len == 0) {
		fprintf(stderr, "kvmtime sync: no running guest found\n");
		return KVT_STATUS_REFUSED;
	}
	results = g_new0(struct kvt_sync_result *, guests->len);
	answers = (struct answers){ guests, results, a->apply };
	ask_all(&answers, &options);
	return report(&answers, common);
}

int cmd_sync(int argc, char **argv)
{
	struct sync_arguments a = { .limit_s = 0.01, .settle_s = 1, .corrections = 3 };
	const GOptionEntry entries[] = {
		KVT_VM_ENTRIES(&a.vm),
		{ "exchanges", 0, 0, G_OPTION_ARG_INT, &a.vm.exchanges,
		  "Questions a measurement (8)", "N" },
		{ "apply", 0, 0, G_OPTION_ARG_NONE, &a.apply, "Set the clocks", NULL },
		{ "policy", 0, 0, G_OPTION_ARG_STRING, &a.policy,
		  "forward (default), step, or slew", "WORD" },
		{ "limit", 0, 0, G_OPTION_ARG_DOUBLE, &a.limit_s,
		  "Seconds that a clock may be off and is left alone (0.01)", "S" },
		{ "settle", 0, 0, G_OPTION_ARG_DOUBLE, &a.settle_s,
		  "Look once more after this many seconds, for what fights back (1); 0 = no", "S" },
		{ "exec", 0, 0, G_OPTION_ARG_NONE, &a.exec,
		  "Programs may be run in the guest: ask its own chrony", NULL },
		{ "corrections", 0, 0, G_OPTION_ARG_INT, &a.corrections,
		  "Further orders for what the way of the first has left (3)", "N" },
		{ "taint", 0, 0, G_OPTION_ARG_NONE, &a.taint,
		  "Use virDomainQemuAgentCommand too, which marks a libvirt domain as tainted",
		  NULL },
		G_OPTION_ENTRY_NULL
	};
	struct kvt_common common;
	int status;

	if (kvt_options_parse("sync", "[OPTION...]", description, entries, &common, &argc, &argv,
			      &status)) {
		if (argc > 1)
			status = kvt_usage("sync", "'%s': guests are named with --vm", argv[1]);
		else
			status = sync_guests(&a, &common);
	}
	kvt_vm_options_clear(&a.vm);
	g_free(a.policy);
	return status;
}
