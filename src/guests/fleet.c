/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/fleet.h"

/*
 * Calls in flight. A socket costs nobody else anything. libvirtd has 20 workers for everybody: two
 * thirds of them at most are taken, and a third by guests that hung the last time.
 */
enum { OWN, SHARED, KINDS };
enum { QUICK, SLOW, LANES };
static const int threads[KINDS][LANES] = { [OWN] = { 64, 64 }, [SHARED] = { 8, 6 } };

struct job {
	guint index;
	bool slow;
	gint64 done_us;
	gpointer result;
};

struct kvt_fleet {
	GPtrArray *guests;
	gpointer (*work)(struct kvt_guest *guest, gpointer data, bool *ret_slow);
	gpointer data;
	GDestroyNotify free_data, free_result;
	GThreadPool *lanes[KINDS][LANES];
	GAsyncQueue *done;
	/* of the caller's thread alone, one an index */
	gint64 *since_us; /* asked since; 0 = not */
	gint64 *took_us;  /* the last time */
	guint *hung;      /* times in a row */
	bool *answered;   /* ever */
	guint in_flight;
};

static void run_job(gpointer data, gpointer user)
{
	struct job *job = data;
	struct kvt_fleet *fleet = user;

	job->result = fleet->work(fleet->guests->pdata[job->index], fleet->data, &job->slow);
	job->done_us = g_get_monotonic_time();
	g_async_queue_push(fleet->done, job);
}

struct kvt_fleet *kvt_fleet_new(GPtrArray *guests,
				gpointer (*work)(struct kvt_guest *guest, gpointer data,
						 bool *ret_slow),
				gpointer data, GDestroyNotify free_data, GDestroyNotify free_result)
{
	struct kvt_fleet *fleet = g_new0(struct kvt_fleet, 1);

	fleet->guests = g_ptr_array_ref(guests);
	fleet->work = work;
	fleet->data = data;
	fleet->free_data = free_data;
	fleet->free_result = free_result;
	for (guint kind = 0; kind < KINDS; kind++)
		for (guint lane = 0; lane < LANES; lane++)
			fleet->lanes[kind][lane] =
				g_thread_pool_new(run_job, fleet, threads[kind][lane], FALSE, NULL);
	fleet->done = g_async_queue_new();
	fleet->since_us = g_new0(gint64, guests->len + 1);
	fleet->took_us = g_new0(gint64, guests->len + 1);
	fleet->hung = g_new0(guint, guests->len + 1);
	fleet->answered = g_new0(bool, guests->len + 1);
	return fleet;
}

void kvt_fleet_free(struct kvt_fleet *fleet)
{
	struct job *job;

	if (fleet == NULL)
		return;
	while ((job = g_async_queue_try_pop(fleet->done)) != NULL) {
		fleet->in_flight--;
		fleet->free_result(job->result);
		g_free(job);
	}
	if (fleet->in_flight > 0)
		return; /* threads that hang still use it */
	for (guint kind = 0; kind < KINDS; kind++)
		for (guint lane = 0; lane < LANES; lane++)
			g_thread_pool_free(fleet->lanes[kind][lane], TRUE, TRUE);
	g_async_queue_unref(fleet->done);
	g_ptr_array_unref(fleet->guests);
	if (fleet->free_data != NULL)
		fleet->free_data(fleet->data);
	g_free(fleet->since_us);
	g_free(fleet->took_us);
	g_free(fleet->hung);
	g_free(fleet->answered);
	g_free(fleet);
}

/* One answer that came late, on a busy host, does not put a healthy guest among those that hang. */
static bool is_slow(const struct kvt_fleet *fleet, guint index)
{
	return fleet->hung[index] >= (fleet->answered[index] ? 2 : 1);
}

bool kvt_fleet_submit(struct kvt_fleet *fleet, guint index)
{
	const struct kvt_guest *guest = fleet->guests->pdata[index];
	const struct kvt_path *path = guest->paths->len > 0 ? guest->paths->pdata[0] : NULL;
	const int kind = path != NULL && path->shared ? SHARED : OWN;
	struct job *job;

	if (fleet->since_us[index] != 0)
		return false;
	job = g_new0(struct job, 1);
	job->index = index;
	fleet->since_us[index] = g_get_monotonic_time();
	fleet->in_flight++;
	g_thread_pool_push(fleet->lanes[kind][is_slow(fleet, index) ? SLOW : QUICK], job, NULL);
	return true;
}

gint64 kvt_fleet_waiting_us(const struct kvt_fleet *fleet, guint index)
{
	return fleet->since_us[index] == 0 ? 0 : g_get_monotonic_time() - fleet->since_us[index];
}

gint64 kvt_fleet_took_us(const struct kvt_fleet *fleet, guint index)
{
	return fleet->took_us[index];
}

gpointer kvt_fleet_next(struct kvt_fleet *fleet, gint64 deadline_us, guint *ret_index)
{
	const gint64 left_us = deadline_us - g_get_monotonic_time();
	struct job *job = left_us > 0 ? g_async_queue_timeout_pop(fleet->done, (guint64)left_us)
				      : g_async_queue_try_pop(fleet->done);
	gpointer result;

	if (job == NULL)
		return NULL;
	*ret_index = job->index;
	fleet->took_us[job->index] = job->done_us - fleet->since_us[job->index];
	fleet->since_us[job->index] = 0;
	fleet->hung[job->index] = job->slow ? fleet->hung[job->index] + 1 : 0;
	fleet->answered[job->index] |= !job->slow;
	fleet->in_flight--;
	result = job->result;
	g_free(job);
	return result;
}
