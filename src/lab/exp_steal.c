/* SPDX-License-Identifier: BSD-2-Clause */
/* The steal time record against what the host's scheduler says about the vCPU's thread. */
#include <math.h>

#include <kvmtime/pvclock.h>

#include "lab/crew.h"
#include "lab/host.h"
#include "lab/lab.h"
#include "sys/error.h"

#define NEIGHBOURS 1
#define LOAD_NS    (300 * LAB_MS)
#define SHIFT_NS   (50 * LAB_MS)
#define READINGS   4

struct steal_run {
	struct lab_vm *vm;
	struct lab_crew *crew;
	uint64_t page_ns;
	uint64_t host_ns;
};

/* Held: both sides stand still, and KVM has counted up to its last entry. */
static bool read_once(struct steal_run *run, GError **error)
{
	/* in and out once more: KVM adds what it knows at an entry */
	lab_crew_visit(run->crew);
	lab_crew_wait_reads(run->crew, 2);
	lab_crew_hold(run->crew);
	if (lab_run_delay_ns(lab_crew_thread(run->crew), &run->host_ns) &&
	    kvt_steal_read(lab_steal_page(run->vm, 0), &run->page_ns) == 0)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "schedstat or the page is unreadable");
	return false;
}

/*
 * What the thread waited after KVM's last entry is the scheduler's count alone: of some readings
 * the one with the least of it is taken. A KVM that counts wrong does so in all of them.
 */
static bool read_both(struct steal_run *run, GError **error)
{
	struct steal_run best = { 0 };

	for (int i = 0; i < READINGS; i++) {
		if (i > 0)
			lab_crew_release(run->crew);
		if (!read_once(run, error))
			return false;
		if (i == 0 ||
		    (int64_t)(run->host_ns - run->page_ns) < (int64_t)(best.host_ns - best.page_ns))
			best = *run;
	}
	*run = best;
	return true;
}

struct steal_delta {
	double page_ns;
	double host_ns;
	double elapsed_ns;
};

static bool load(struct steal_run *run, unsigned int neighbours, int64_t shift_ns, int cpu,
		 struct steal_delta *ret, GError **error)
{
	struct steal_run before = *run;
	struct lab_hogs *hogs;
	int64_t start_ns;

	if (!read_both(&before, error))
		return false;
	start_ns = lab_mono();
	lab_crew_release(run->crew);
	hogs = lab_hogs_start(neighbours, cpu);
	lab_sleep_until(start_ns + LOAD_NS);
	lab_hogs_stop(hogs);
	/* the guest's own record: KVM adds to what it finds */
	lab_steal_page(run->vm, 0)->steal += (uint64_t)shift_ns;
	if (!read_both(run, error))
		return false;
	*ret = (struct steal_delta){ (double)(run->page_ns - before.page_ns),
				     (double)(run->host_ns - before.host_ns),
				     (double)(lab_mono() - start_ns) };
	lab_crew_release(run->crew);
	return true;
}

static bool measure(struct steal_run *run, int cpu, struct lab_result *result, GError **error)
{
	struct steal_delta quiet, busy, shifted;

	if (!load(run, 0, 0, cpu, &quiet, error) || !load(run, NEIGHBOURS, 0, cpu, &busy, error) ||
	    !load(run, 0, SHIFT_NS, cpu, &shifted, error))
		return false;
	/* the held vCPU's thread may wait for its CPU between the two readings */
	lab_measure(result, "difference", busy.page_ns - busy.host_ns, 0, "ns",
		    fabs(busy.page_ns - busy.host_ns) < 5e6 + busy.host_ns / 20 ? LAB_GOOD
										: LAB_BAD,
		    "steal time page minus the scheduler's run delay, of %.1f ms, with a busy "
		    "neighbour on the same CPU",
		    busy.host_ns / 1e6);
	lab_measure(result, "quiet_share", 100 * quiet.page_ns / quiet.elapsed_ns, 0, "%", LAB_INFO,
		    "stolen without a neighbour of ours: what this machine's other work takes");
	lab_measure(result, "busy_share", 100 * busy.page_ns / busy.elapsed_ns, 0, "%", LAB_INFO,
		    "stolen with one busy neighbour");
	lab_control(result, busy.page_ns > quiet.page_ns && busy.page_ns > 0.1 * busy.elapsed_ns,
		    "a busy neighbour", "%.0f%% stolen instead of %.0f%%",
		    100 * busy.page_ns / busy.elapsed_ns, 100 * quiet.page_ns / quiet.elapsed_ns);
	lab_control(result, shifted.page_ns - shifted.host_ns > (double)SHIFT_NS / 2,
		    "50 ms added to the record", "%+.1f ms seen",
		    (shifted.page_ns - shifted.host_ns) / 1e6);
	lab_sentence(result,
		     "The guest learns what it waited: %.0f of %.0f ms under a busy neighbour",
		     busy.page_ns / 1e6, busy.host_ns / 1e6);
	return true;
}

bool lab_steal_run(struct lab_context *context, struct lab_result *result, GError **error)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	struct steal_run run = { 0 };
	uint64_t unused;
	bool ok = false;
	int cpu;

	(void)context;
	cpu = lab_pin(0);
	lab_unpin();
	run.vm = lab_vm_new(&options, error);
	if (run.vm == NULL)
		return false;
	lab_mailbox(run.vm)->job = LAB_JOB_SPIN;
	run.crew = lab_crew_start(&run.vm->vcpus[0], 0, true, error);
	if (run.crew != NULL) {
		if (!lab_run_delay_ns(lab_crew_thread(run.crew), &unused)) {
			lab_skip(result,
				 "this kernel counts no run delay (/proc/self/task/*/schedstat)");
			ok = true;
		} else if (!read_both(&run, error))
			ok = false;
		else if (lab_crew_release(run.crew), lab_steal_page(run.vm, 0)->version == 0) {
			lab_skip(result, "KVM offers no steal time here");
			ok = true;
		} else
			ok = measure(&run, cpu, result, error);
		lab_mailbox(run.vm)->stop = 1;
		ok = lab_crew_finish(run.crew, LAB_TIMEOUT_NS, NULL, ok ? error : NULL) && ok;
	}
	lab_vm_free(run.vm);
	return ok;
}
