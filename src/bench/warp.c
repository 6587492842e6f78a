/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <kvmtime/tsc.h>

#include "bench/measure.h"
#include "sys/error.h"

#define SPINS_A_LOOK 512 /* spins between two looks at the deadline */

/* One direction of the exchange: a reading, and the turn that it belongs to. */
struct lane {
	_Alignas(64) atomic_uint_fast64_t turn;
	uint64_t value;
};

struct pair {
	kvt_bench_read read;
	void *arg;
	int64_t deadline_ns;
	struct lane to_other, to_reference;
	_Alignas(64) atomic_bool stop;
	/* written by one thread each */
	_Alignas(64) int64_t out_min; /* other's reading minus the reference's before it */
	uint64_t out_backward;
	_Alignas(64) int64_t back_min;
	uint64_t back_backward, turns;
};

static void note(int64_t trip, int64_t *min, uint64_t *backward)
{
	if (trip < *min)
		*min = trip;
	if (trip < 0)
		++*backward;
}

static bool await(struct pair *pair, struct lane *lane, uint64_t turn)
{
	for (unsigned spins = 1;; spins++) {
		if (atomic_load_explicit(&lane->turn, memory_order_acquire) == turn)
			return true;
		if (spins % SPINS_A_LOOK != 0)
			continue;
		if (atomic_load(&pair->stop) || kvt_bench_now_ns() > pair->deadline_ns)
			return false;
		sched_yield(); /* where others want the CPU that the partner needs */
	}
}

static void hand_over(struct lane *lane, uint64_t value, uint64_t turn)
{
	lane->value = value;
	atomic_store_explicit(&lane->turn, turn, memory_order_release);
}

static void *other_side(void *data)
{
	struct pair *pair = data;

	for (uint64_t turn = 1; await(pair, &pair->to_other, turn); turn++) {
		const uint64_t seen = pair->to_other.value;
		const uint64_t now = pair->read(pair->arg);

		hand_over(&pair->to_reference, now, turn);
		note((int64_t)(now - seen), &pair->out_min, &pair->out_backward);
	}
	return NULL;
}

static void *reference_side(void *data)
{
	struct pair *pair = data;

	for (uint64_t turn = 1;; turn++) {
		uint64_t seen, now;

		hand_over(&pair->to_other, pair->read(pair->arg), turn);
		if (!await(pair, &pair->to_reference, turn))
			break;
		seen = pair->to_reference.value;
		now = pair->read(pair->arg);
		note((int64_t)(now - seen), &pair->back_min, &pair->back_backward);
		pair->turns = turn;
		if (turn % SPINS_A_LOOK == 0 && kvt_bench_now_ns() > pair->deadline_ns)
			break;
	}
	atomic_store(&pair->stop, true);
	return NULL;
}

static bool start_on(unsigned cpu, void *(*side)(void *), struct pair *pair, pthread_t *ret_thread)
{
	pthread_attr_t attributes;
	cpu_set_t set;
	int r;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_init(&attributes);
	r = pthread_attr_setaffinity_np(&attributes, sizeof(set), &set);
	if (r == 0)
		r = pthread_create(ret_thread, &attributes, side, pair);
	pthread_attr_destroy(&attributes);
	return r == 0;
}

static bool run_pair(struct pair *pair, unsigned reference, unsigned other)
{
	pthread_t threads[2];

	if (!start_on(other, other_side, pair, &threads[0]))
		return false;
	if (!start_on(reference, reference_side, pair, &threads[1])) {
		atomic_store(&pair->stop, true);
		pthread_join(threads[0], NULL);
		return false;
	}
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	return true;
}

static void take(struct kvt_bench_warp *warp, const struct pair *pair, unsigned cpu)
{
	/* halves of a sum and a difference that both fit easily: the trips are short or the clocks
	 * far apart, never both near 2^63 */
	const double offset = ((double)pair->out_min - (double)pair->back_min) / 2;
	const double resolution = ((double)pair->out_min + (double)pair->back_min) / 2;
	const int64_t backward = -MIN(MIN(pair->out_min, pair->back_min), 0);

	warp->reads += 2 * pair->turns;
	warp->backward += pair->out_backward + pair->back_backward;
	warp->backward_ns = MAX(warp->backward_ns, (double)backward);
	if (warp->cpus == 1 ||
	    ABS(offset) + resolution > ABS(warp->offset_ns) + warp->resolution_ns) {
		warp->offset_ns = offset;
		warp->resolution_ns = resolution;
		warp->cpu = cpu;
	}
	warp->cpus++;
}

static void scale(struct kvt_bench_warp *warp, double unit_ns)
{
	warp->offset_ns *= unit_ns;
	warp->resolution_ns *= unit_ns;
	warp->backward_ns *= unit_ns;
}

static bool my_cpus(GArray *cpus, GError **error)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "the CPUs of this process are not known: %m");
		return false;
	}
	for (guint cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			g_array_append_val(cpus, cpu);
	return true;
}

bool kvt_bench_warp(kvt_bench_read read, void *arg, double unit_ns, int64_t budget_ns,
		    struct kvt_bench_warp *ret_warp, GError **error)
{
	g_autoptr(GArray) cpus = g_array_new(FALSE, FALSE, sizeof(guint));
	struct kvt_bench_warp warp = { .cpus = 1 };
	const int64_t start_ns = kvt_bench_now_ns();
	const uint64_t start_stamp = kvt_bench_stamp();

	if (!my_cpus(cpus, error))
		return false;
	warp.cpu = warp.reference_cpu = g_array_index(cpus, guint, 0);
	for (guint i = 1; i < cpus->len; i++) {
		const guint cpu = g_array_index(cpus, guint, i);
		struct pair pair = {
			.read = read, .arg = arg, .out_min = INT64_MAX, .back_min = INT64_MAX
		};

		pair.deadline_ns = start_ns + budget_ns * i / (cpus->len - 1);
		if (!run_pair(&pair, warp.reference_cpu, cpu)) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
				    "no thread can be bound to CPU %u", cpu);
			return false;
		}
		if (pair.turns == 0)
			warp.unreached++;
		else
			take(&warp, &pair, cpu);
	}
	if (unit_ns == 0)
		unit_ns = (double)(kvt_bench_now_ns() - start_ns) /
			  (double)(kvt_bench_stamp() - start_stamp);
	scale(&warp, unit_ns);
	*ret_warp = warp;
	return true;
}

#ifdef KVT_HAVE_TSC
static uint64_t read_tsc(void *arg)
{
	(void)arg;
	return kvt_tsc_ordered();
}
#endif

bool kvt_bench_tsc_warp(int64_t budget_ns, struct kvt_bench_warp *ret_warp, GError **error)
{
#ifdef KVT_HAVE_TSC
	return kvt_bench_warp(read_tsc, NULL, 0, budget_ns, ret_warp, error);
#else
	(void)budget_ns;
	(void)ret_warp;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "this machine has no TSC");
	return false;
#endif
}
