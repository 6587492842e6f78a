/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/crew.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "lab/host.h"
#include "sys/error.h"

struct lab_crew {
	struct lab_vcpu *vcpu;
	int cpu_index;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pid_t id;
	bool hold;
	bool held;
	bool quit;
	bool ready;
	bool finished;
	uint64_t rounds; /* returns from the guest */
	GError *error;
	GArray *intervals;
};

/* How long one stay in the guest may last: experiments are shorter, endless guests are told. */
#define STAY_NS (600 * LAB_S)

static bool may_run(struct lab_crew *crew)
{
	bool run;

	pthread_mutex_lock(&crew->lock);
	while (crew->hold && !crew->quit) {
		crew->held = true;
		pthread_cond_broadcast(&crew->changed);
		pthread_cond_wait(&crew->changed, &crew->lock);
	}
	crew->held = false;
	run = !crew->quit;
	pthread_mutex_unlock(&crew->lock);
	return run;
}

static void log_interval(struct lab_crew *crew, int64_t from_ns, int64_t to_ns)
{
	const struct lab_interval interval = { from_ns, to_ns };

	if (crew->intervals->len > 0) {
		struct lab_interval *last = &g_array_index(crew->intervals, struct lab_interval,
							   crew->intervals->len - 1);

		/* a kick without a hold is no interruption */
		if (from_ns - last->to_ns < LAB_MS / 2) {
			last->to_ns = to_ns;
			return;
		}
	}
	g_array_append_val(crew->intervals, interval);
}

static bool stay(struct lab_crew *crew)
{
	const int64_t from_ns = lab_mono();
	enum lab_stop stop = LAB_STOP_KICKED;
	uint32_t event = 0;
	GError *error = NULL;
	const bool ok = lab_vcpu_run(crew->vcpu, STAY_NS, &stop, &event, &error);
	bool go_on = ok;

	log_interval(crew, from_ns, lab_mono());
	pthread_mutex_lock(&crew->lock);
	crew->rounds++;
	if (!ok)
		crew->error = error;
	if (ok && stop == LAB_STOP_EVENT) {
		crew->ready = true;
		go_on = event != LAB_EVENT_DONE;
	}
	crew->finished = !go_on;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
	return go_on;
}

static void *work(void *data)
{
	struct lab_crew *crew = data;

	if (crew->cpu_index >= 0)
		lab_pin((unsigned int)crew->cpu_index);
	crew->id = (pid_t)syscall(SYS_gettid);
	while (may_run(crew) && stay(crew))
		;
	pthread_mutex_lock(&crew->lock);
	crew->finished = true;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
	lab_vcpu_thread_ends();
	return NULL;
}

/* With the lock held; false if the time is over. */
static bool wait_until(struct lab_crew *crew, int64_t mono_ns)
{
	const struct timespec when = { mono_ns / LAB_S, mono_ns % LAB_S };

	return pthread_cond_timedwait(&crew->changed, &crew->lock, &when) == 0;
}

static bool wait_ready(struct lab_crew *crew)
{
	const int64_t until_ns = lab_mono() + LAB_TIMEOUT_NS;
	bool ready;

	pthread_mutex_lock(&crew->lock);
	while (!crew->ready && !crew->finished && wait_until(crew, until_ns))
		;
	ready = crew->ready;
	pthread_mutex_unlock(&crew->lock);
	return ready;
}

struct lab_crew *lab_crew_start(struct lab_vcpu *vcpu, int cpu_index, bool ready, GError **error)
{
	struct lab_crew *crew = g_new0(struct lab_crew, 1);
	pthread_condattr_t monotonic;
	int failed;

	crew->vcpu = vcpu;
	crew->cpu_index = cpu_index;
	crew->intervals = g_array_new(FALSE, FALSE, sizeof(struct lab_interval));
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	failed = pthread_create(&crew->thread, NULL, work, crew);
	if (failed != 0) {
		kvt_error_errno(error, "vCPU thread", failed);
		g_array_unref(crew->intervals);
		g_free(crew);
		return NULL;
	}
	if (!ready || wait_ready(crew))
		return crew;
	if (lab_crew_finish(crew, 0, NULL, error))
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "the guest was not ready within %.3g s", (double)LAB_TIMEOUT_NS / 1e9);
	return NULL;
}

void lab_crew_hold(struct lab_crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->hold = true;
	lab_vcpu_kick(crew->vcpu, crew->thread);
	while (!crew->held && !crew->finished)
		/* again: the first signal may have come just before KVM_RUN looked */
		if (!wait_until(crew, lab_mono() + 10 * LAB_MS))
			lab_vcpu_kick(crew->vcpu, crew->thread);
	pthread_mutex_unlock(&crew->lock);
}

void lab_crew_release(struct lab_crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->hold = false;
	pthread_cond_broadcast(&crew->changed);
	pthread_mutex_unlock(&crew->lock);
}

void lab_crew_visit(struct lab_crew *crew)
{
	lab_crew_hold(crew);
	lab_crew_release(crew);
}

void lab_crew_wait_reads(struct lab_crew *crew, uint64_t more)
{
	volatile struct lab_mailbox *box = lab_mailbox(crew->vcpu->vm);
	const int64_t until_ns = lab_mono() + 2 * LAB_S;
	const uint64_t wanted = box->spin_reads + more;

	while (box->spin_reads < wanted && lab_mono() < until_ns)
		lab_sleep_until(lab_mono() + LAB_MS);
}

pid_t lab_crew_thread(const struct lab_crew *crew)
{
	return crew->id;
}

pthread_t lab_crew_native(const struct lab_crew *crew)
{
	return crew->thread;
}

bool lab_crew_finish(struct lab_crew *crew, int64_t grace_ns, GArray **ret_intervals,
		     GError **error)
{
	const int64_t until_ns = lab_mono() + grace_ns;
	bool ok;

	pthread_mutex_lock(&crew->lock);
	crew->hold = false;
	pthread_cond_broadcast(&crew->changed);
	while (grace_ns > 0 && !crew->finished && wait_until(crew, until_ns))
		;
	crew->quit = true;
	pthread_cond_broadcast(&crew->changed);
	while (!crew->finished) {
		lab_vcpu_kick(crew->vcpu, crew->thread);
		wait_until(crew, lab_mono() + 10 * LAB_MS);
	}
	pthread_mutex_unlock(&crew->lock);
	pthread_join(crew->thread, NULL);
	crew->vcpu->run->immediate_exit = 0;
	ok = crew->error == NULL;
	if (!ok)
		g_propagate_error(error, crew->error);
	if (ret_intervals != NULL)
		*ret_intervals = crew->intervals;
	else
		g_array_unref(crew->intervals);
	pthread_mutex_destroy(&crew->lock);
	pthread_cond_destroy(&crew->changed);
	g_free(crew);
	return ok;
}
