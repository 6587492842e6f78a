/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/worker.h"

#include "daemon/marks.h"
#include "guests/sync.h"
#include "guests/watch.h"

#define BUDGET_US 300000 /* for the exchanges of one measurement */

struct kvt_worker {
	GThreadPool *pool;
	kvt_worker_done done;
	void *data;
};

struct work {
	struct kvt_worker *worker;
	struct kvt_job job;
	struct kvt_guard_result *result;
};

static void check(struct work *work)
{
	/* two, so that one that was kept waiting does not count */
	const struct kvt_watch_options options = { .exchanges = 2, .budget_us = BUDGET_US };
	struct kvt_watch_line *line = kvt_watch_guest(work->job.guest, &options);

	work->result->reach = line->reach;
	work->result->before = line->offset;
	work->result->path = line->path;
	work->result->words = g_steal_pointer(&line->words);
	kvt_watch_line_free(line);
}

static bool permit(const struct kvt_offset *before, void *data)
{
	const struct kvt_job *job = data;

	return kvt_marks_put(job->marks, job->id, before->offset_ns);
}

static enum kvt_reach why_not(const struct kvt_sync_result *r)
{
	return r->tries->len > 0 ? g_array_index(r->tries, struct kvt_sync_try, 0).reach
				 : KVT_REACH_NO_AGENT;
}

static void correct(struct work *work)
{
	const struct kvt_sync_options options = {
		.policy = work->job.policy == KVT_POLICY_STEP ? KVT_SYNC_STEP : KVT_SYNC_FORWARD,
		.limit_ns = work->job.limit_ns,
		.exchanges = work->job.exchanges,
		.budget_us = BUDGET_US,
		.apply = work->job.policy != KVT_POLICY_WATCH,
		.permit = permit,
		.permit_data = &work->job,
	};
	struct kvt_sync_result *r = kvt_sync_run(work->job.guest, &options);
	struct kvt_guard_result *result = work->result;

	result->reach = r->action == KVT_SYNC_CANNOT ? why_not(r) : KVT_REACH_OK;
	if (r->action == KVT_SYNC_CANNOT && result->reach == KVT_REACH_OK)
		result->reach = KVT_REACH_GARBAGE;
	result->before = r->before;
	result->path = r->path;
	result->sent = r->sent;
	result->verified = r->verified;
	result->in_order = r->in_order;
	result->after = r->after;
	result->words = g_steal_pointer(&r->why);
	if (!r->sent)
		kvt_marks_drop(work->job.marks, work->job.id);
	kvt_sync_result_free(r);
}

static void work_free(gpointer data)
{
	struct work *work = data;

	kvt_guard_result_free(work->result);
	g_free(work);
}

static gboolean deliver(gpointer data)
{
	const struct work *work = data;

	work->worker->done(work->job.for_guest, work->result, work->worker->data);
	return G_SOURCE_REMOVE;
}

static void run(gpointer data, gpointer user)
{
	struct work *work = data;

	(void)user;
	for (guint i = 0; i < work->job.guest->paths->len; i++)
		((struct kvt_path *)work->job.guest->paths->pdata[i])->timeout_us =
			work->job.timeout_us;
	work->result = g_new0(struct kvt_guard_result, 1);
	if (work->job.order == KVT_ORDER_CHECK)
		check(work);
	else
		correct(work);
	g_idle_add_full(G_PRIORITY_DEFAULT, deliver, work, work_free);
}

struct kvt_worker *kvt_worker_new(kvt_worker_done done, void *data)
{
	struct kvt_worker *worker = g_new0(struct kvt_worker, 1);

	worker->pool = g_thread_pool_new(run, NULL, -1, FALSE, NULL);
	worker->done = done;
	worker->data = data;
	return worker;
}

void kvt_worker_free(struct kvt_worker *worker)
{
	if (worker == NULL)
		return;
	g_thread_pool_free(worker->pool, TRUE, TRUE);
	g_free(worker);
}

void kvt_worker_submit(struct kvt_worker *worker, const struct kvt_job *job)
{
	struct work *work = g_new0(struct work, 1);

	work->worker = worker;
	work->job = *job;
	g_thread_pool_push(worker->pool, work, NULL);
}
