/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Batches of names go to a pool of threads and come back in order. Of each definition only
 * verdicts are made: no evidence, no reasons. Another kind of target (a log, a record) is read the
 * usual way, one at a time.
 */
#include "cli/check_summary.h"

#include <stdio.h>
#include <string.h>

#include "check/accept.h"
#include "check/configured.h"
#include "cli/domains.h"
#include "cli/expand.h"
#include "cli/json.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "vmdef/facts.h"
#include "vmdef/load.h"

#define BATCH     64
#define IN_FLIGHT 4 /* batches a thread */

/* What all threads share. */
struct work {
	const struct kvt_check_summary *how;
	GPtrArray *rules; /* struct kvt_rule, worst first */
	char *today;
	int qemu;
	GMutex others; /* of targets that are no definitions */
	GMutex mutex;
	GCond done;
};

struct counts {
	guint found, clean, bad, passed;
};

struct batch {
	struct work *work;
	struct kvt_expanded items[BATCH];
	guint count;
	GString *out, *err;
	struct counts counts;
	int status;
	bool done; /* under work->mutex */
};

/* What was found of one target. */
struct tally {
	GPtrArray *found; /* const struct kvt_rule, borrowed, worst first */
	guint by_severity[KVT_CRITICAL + 1];
	guint undecided, accepted;
};

/* ---- one target ---- */

static void weigh(const struct work *work, const struct kvt_facts *facts, struct tally *tally)
{
	for (guint i = 0; i < work->rules->len; i++) {
		const struct kvt_rule *rule = work->rules->pdata[i];
		const enum kvt_verdict verdict = kvt_rule_verdict(rule, facts);

		tally->undecided += verdict == KVT_UNDECIDED;
		if (verdict != KVT_FOUND)
			continue;
		if (work->how->accepted != NULL &&
		    kvt_accept_covers(work->how->accepted, work->today, kvt_facts_target(facts),
				      rule->id)) {
			tally->accepted++;
			continue;
		}
		tally->by_severity[rule->severity]++;
		g_ptr_array_add(tally->found, (gpointer)(guintptr)rule);
	}
}

static void print_text(GString *out, const char *name, const struct tally *tally)
{
	g_autofree char *safe = kvt_text_printable(name);
	const char *before = ": ";

	g_string_append(out, safe);
	for (int s = KVT_CRITICAL; s >= KVT_INFO; s--)
		if (tally->by_severity[s] > 0) {
			g_string_append_printf(out, "%s%u %s", before, tally->by_severity[s],
					       kvt_severity_name((enum kvt_severity)s));
			before = ", ";
		}
	if (tally->found->len == 0)
		g_string_append(out, ": nothing found");
	if (tally->undecided > 0)
		g_string_append_printf(out, ", %u undecided", tally->undecided);
	if (tally->accepted > 0)
		g_string_append_printf(out, ", %u accepted", tally->accepted);
	before = ": ";
	for (guint i = 0; i < tally->found->len; i++) {
		g_string_append(out, before);
		g_string_append(out, ((const struct kvt_rule *)tally->found->pdata[i])->id);
		before = " ";
	}
	g_string_append_c(out, '\n');
}

static void print_json(GString *out, const char *name, const struct tally *tally,
		       const char *message)
{
	JsonBuilder *builder =
		kvt_json_begin("kvmtime.summary/1", name, tally != NULL && tally->undecided == 0);
	g_autofree char *text = NULL;

	kvt_json_string(builder, "error", message);
	json_builder_set_member_name(builder, "findings");
	json_builder_begin_array(builder);
	for (guint i = 0; tally != NULL && i < tally->found->len; i++) {
		const struct kvt_rule *rule = tally->found->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "id", rule->id);
		kvt_json_string(builder, "severity", kvt_severity_name(rule->severity));
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	kvt_json_int(builder, "undecided", tally != NULL ? tally->undecided : 0);
	kvt_json_int(builder, "accepted", tally != NULL ? tally->accepted : 0);
	text = kvt_json_take(builder, false);
	g_string_append_printf(out, "%s\n", text);
}

static void report(struct batch *batch, const char *name, const struct tally *tally)
{
	const struct work *work = batch->work;

	for (int s = (int)work->how->bar; s <= KVT_CRITICAL; s++)
		if (tally->by_severity[s] > 0)
			batch->status = MAX(batch->status, KVT_STATUS_FOUND);
	*(tally->found->len > 0 ? &batch->counts.found : &batch->counts.clean) += 1;
	if (work->how->common->quiet)
		return;
	if (work->how->common->json)
		print_json(batch->out, name, tally, NULL);
	else
		print_text(batch->out, name, tally);
}

static void report_error(struct batch *batch, const char *name, GError *error)
{
	g_autofree char *safe = kvt_text_printable(error->message);

	batch->counts.bad++;
	batch->status = MAX(batch->status, kvt_error_status(error));
	g_string_append_printf(batch->err, "kvmtime check: %s\n", safe);
	if (batch->work->how->common->json && !batch->work->how->common->quiet)
		print_json(batch->out, name, NULL, error->message);
	g_error_free(error);
}

static void judge_definition(struct batch *batch, const char *name, const char *text, gsize length)
{
	GError *error = NULL;
	g_autoptr(kvt_vm) vm = kvt_vm_parse(-1, text, length, name, &error);
	g_autoptr(kvt_facts) facts = NULL;
	struct tally tally = { g_ptr_array_new(), { 0 }, 0, 0 };

	if (vm == NULL || kvt_vm_invalid(vm, &error)) {
		report_error(batch, name, error);
	} else {
		facts = kvt_vm_facts_bare(vm, batch->work->qemu);
		weigh(batch->work, facts, &tally);
		report(batch, name, &tally);
	}
	g_ptr_array_unref(tally.found);
}

/* @text: what was read of standard input, or NULL = read it by its name */
static void judge_other(struct batch *batch, const char *name, const char *text, gsize length)
{
	GError *error = NULL;
	g_autoptr(GPtrArray) sets = NULL;
	struct tally tally = { g_ptr_array_new(), { 0 }, 0, 0 };

	g_mutex_lock(&batch->work->others);
	sets = text != NULL ? kvt_target_read_bytes(name, text, length, &error)
			    : kvt_target_read(name, &error);
	g_mutex_unlock(&batch->work->others);
	for (guint i = 0; sets != NULL && i < sets->len; i++) {
		g_autoptr(kvt_facts) facts = kvt_facts_as_configured(sets->pdata[i], true);

		weigh(batch->work, facts, &tally);
	}
	if (sets != NULL)
		report(batch, name, &tally);
	else
		report_error(batch, name, error);
	g_ptr_array_unref(tally.found);
}

static void judge_item(struct batch *batch, const struct kvt_expanded *item)
{
	const bool in = strcmp(item->name, "-") == 0;
	g_autofree char *text = NULL;
	GError *error = NULL;
	gsize length = 0;
	bool is;

	if (kvt_domains_is(item->name) ||
	    (!in && !item->in_folder && g_file_test(item->name, G_FILE_TEST_IS_DIR))) {
		judge_other(batch, item->name, NULL, 0);
		return;
	}
	text = kvt_vm_read_file(item->name, &length, &error);
	if (text == NULL && g_error_matches(error, KVT_ERROR, KVT_STATUS_REFUSED)) {
		report_error(batch, item->name, error);
		return;
	}
	g_clear_error(&error); /* too long for a definition */
	is = text != NULL && (item->in_folder ? kvt_vm_is_definition(text, length)
					      : kvt_vm_detect(text, length) >= 0);
	if (is)
		judge_definition(batch, in ? "standard input" : item->name, text, length);
	else if (item->in_folder)
		batch->counts.passed++;
	else
		judge_other(batch, item->name, in ? text : NULL, length);
}

/* ---- batches ---- */

static void judge_batch(gpointer data, gpointer user)
{
	struct batch *batch = data;

	(void)user;
	for (guint i = 0; i < batch->count; i++)
		judge_item(batch, &batch->items[i]);
	g_mutex_lock(&batch->work->mutex);
	batch->done = true;
	g_cond_signal(&batch->work->done);
	g_mutex_unlock(&batch->work->mutex);
}

static void free_batch(struct batch *batch)
{
	for (guint i = 0; i < batch->count; i++)
		g_free(batch->items[i].name);
	g_string_free(batch->out, TRUE);
	g_string_free(batch->err, TRUE);
	g_free(batch);
}

/* The next names; NULL = there are no more. */
static struct batch *next_batch(struct work *work, struct kvt_expand *expand)
{
	struct batch *batch = g_new0(struct batch, 1);
	GError *error = NULL;

	batch->work = work;
	batch->out = g_string_new(NULL);
	batch->err = g_string_new(NULL);
	while (batch->count < BATCH &&
	       kvt_expand_next(expand, &batch->items[batch->count], &error)) {
		if (error != NULL)
			report_error(batch, "", g_steal_pointer(&error));
		else
			batch->count++;
	}
	if (batch->count > 0 || batch->err->len > 0)
		return batch;
	free_batch(batch);
	return NULL;
}

static void take_batch(struct batch *batch, struct counts *counts, int *status)
{
	g_mutex_lock(&batch->work->mutex);
	while (!batch->done)
		g_cond_wait(&batch->work->done, &batch->work->mutex);
	g_mutex_unlock(&batch->work->mutex);
	fwrite(batch->out->str, 1, batch->out->len, stdout);
	if (batch->err->len > 0) {
		fflush(stdout);
		fputs(batch->err->str, stderr);
	}
	counts->found += batch->counts.found;
	counts->clean += batch->counts.clean;
	counts->bad += batch->counts.bad;
	counts->passed += batch->counts.passed;
	*status = MAX(*status, batch->status);
	free_batch(batch);
}

static int run(struct work *work, struct kvt_expand *expand, struct counts *counts)
{
	const guint threads = g_get_num_processors();
	GThreadPool *pool =
		threads > 1 ? g_thread_pool_new(judge_batch, NULL, (gint)threads, TRUE, NULL)
			    : NULL;
	GQueue flying = G_QUEUE_INIT;
	struct batch *batch;
	int status = KVT_STATUS_OK;

	while ((batch = next_batch(work, expand)) != NULL) {
		g_queue_push_tail(&flying, batch);
		if (pool == NULL)
			judge_batch(batch, NULL);
		else
			g_thread_pool_push(pool, batch, NULL);
		if (pool == NULL || flying.length >= threads * IN_FLIGHT)
			take_batch(g_queue_pop_head(&flying), counts, &status);
	}
	while ((batch = g_queue_pop_head(&flying)) != NULL)
		take_batch(batch, counts, &status);
	if (pool != NULL)
		g_thread_pool_free(pool, FALSE, TRUE);
	return status;
}

static gint worst_first(gconstpointer a, gconstpointer b)
{
	const struct kvt_rule *x = *(const struct kvt_rule *const *)a;
	const struct kvt_rule *y = *(const struct kvt_rule *const *)b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	return strcmp(x->id, y->id);
}

static void print_counts(const struct counts *counts)
{
	printf("%u judged: %u with findings, %u without", counts->found + counts->clean,
	       counts->found, counts->clean);
	if (counts->bad > 0)
		printf("; %u not read", counts->bad);
	if (counts->passed > 0)
		printf("; %u other file%s passed over", counts->passed,
		       counts->passed == 1 ? "" : "s");
	printf("\n");
}

int kvt_check_summary(const struct kvt_check_summary *how, int count, char **names)
{
	struct work work = { .how = how, .rules = g_ptr_array_new() };
	struct kvt_expand expand = { .count = count, .names = names };
	struct counts counts = { 0 };
	GError *error = NULL;
	int status;

	work.qemu = kvt_qemu_installed() > 0 ? kvt_qemu_installed() : KVT_QEMU_NEWEST;
	work.today = kvt_accept_today();
	for (guint i = 0; i < kvt_rules_count(how->rules); i++)
		g_ptr_array_add(work.rules, (gpointer)(guintptr)kvt_rules_at(how->rules, i));
	g_ptr_array_sort(work.rules, worst_first);
	g_mutex_init(&work.others);
	g_mutex_init(&work.mutex);
	g_cond_init(&work.done);
	status = run(&work, &expand, &counts);
	g_cond_clear(&work.done);
	g_mutex_clear(&work.mutex);
	g_mutex_clear(&work.others);
	g_ptr_array_unref(work.rules);
	g_free(work.today);
	if (counts.found + counts.clean + counts.bad == 0) {
		kvt_expand_nothing(names[0], &error);
		return kvt_fail("check", error);
	}
	if (!how->common->json && !how->common->quiet)
		print_counts(&counts);
	return status;
}
