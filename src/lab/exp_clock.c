/* SPDX-License-Identifier: BSD-2-Clause */
/* Is the guest's kvm-clock the host's clock, and how exactly? */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>
#include <kvmtime/tsc.h>

#include "lab/crew.h"
#include "lab/host.h"
#include "lab/lab.h"
#include "sys/error.h"

#define READINGS 2000
#define SAMPLES  1000
#define SHIFT_NS 5000

struct clock_run {
	struct lab_context *context;
	struct lab_result *result;
	struct lab_vm *vm;
	uint64_t offset; /* guest TSC minus host TSC, cycles */
	struct lab_offset first;
	uint32_t first_version;
};

static bool visit(struct clock_run *run, GError **error)
{
	return lab_vcpu_expect(&run->vm->vcpus[0], LAB_TIMEOUT_NS, LAB_EVENT_SAMPLE, error);
}

/* CLOCK_MONOTONIC_RAW is what new kernels build the page on; NTP slews none of the two. */
static bool measure(struct clock_run *run, int64_t shift_ns, struct lab_offset *ret, GError **error)
{
	return lab_measure_offset(run->vm, 0, run->offset, CLOCK_MONOTONIC_RAW, READINGS, shift_ns,
				  ret, error);
}

static bool first_offset(struct clock_run *run, GError **error)
{
	struct lab_offset shifted;
	struct pvclock_vcpu_time_info page;

	if (!measure(run, 0, &run->first, error))
		return false;
	lab_measure(
		run->result, "offset_bound", run->first.bound_ns, 0, "ns",
		run->first.bound_ns <= 100 ? LAB_GOOD : LAB_BAD,
		"half width of the offset that the host finds in %u readings of the guest's page",
		run->first.readings);
	if (!measure(run, SHIFT_NS, &shifted, error))
		return false;
	lab_control(run->result,
		    fabs(shifted.offset_ns - run->first.offset_ns - SHIFT_NS) <
			    run->first.bound_ns + shifted.bound_ns + 50,
		    "the page shifted by 5 us", "%+.0f ns seen",
		    shifted.offset_ns - run->first.offset_ns);
	if (kvt_pvclock_snapshot(lab_clock_page(run->vm, 0), &page) == 0)
		run->first_version = page.version;
	return true;
}

/* KVM's own answer at a host TSC against the page read at that TSC. */
static bool compare_get_clock(struct clock_run *run, GError **error)
{
	unsigned int equal = 0, compared = 0;
	int64_t worst_ns = 0;

	for (unsigned int i = 0; i < SAMPLES; i++) {
		struct kvm_clock_data clock = { 0 };
		uint64_t ns;

		if (!lab_vm_ioctl(run->vm, KVM_GET_CLOCK, &clock, "KVM_GET_CLOCK", error))
			return false;
		if (!(clock.flags & KVM_CLOCK_HOST_TSC) ||
		    lab_page_ns(run->vm, 0, run->offset, clock.host_tsc, &ns) != 0)
			continue;
		compared++;
		worst_ns = MAX(worst_ns, llabs((int64_t)(ns - clock.clock)));
		equal += llabs((int64_t)(ns - clock.clock)) <= 1;
	}
	if (compared == 0) {
		lab_measure(run->result, "get_clock_agree", 0, 0, "samples", LAB_UNKNOWN,
			    "KVM_GET_CLOCK tells no host TSC here (Linux before 5.16, or no master "
			    "clock)");
		return true;
	}
	lab_measure(run->result, "get_clock_agree", equal, 0, "samples",
		    equal == SAMPLES ? LAB_GOOD : LAB_BAD,
		    "of %u agree to 1 ns with KVM_GET_CLOCK; largest difference %" G_GINT64_FORMAT
		    " ns",
		    compared, worst_ns);
	return true;
}

static const char *stable_reason(const struct clock_run *run)
{
	if (!g_str_equal(run->context->machine.clocksource, "tsc"))
		return "the host's clock source is not tsc";
	return "the host's clock source is tsc: the vCPUs' TSCs do not match, or the boot vCPU uses "
	       "the old MSR";
}

static void judge_flags(struct clock_run *run)
{
	const uint8_t flags = lab_clock_page(run->vm, 0)->flags;
	const bool stable = flags & PVCLOCK_TSC_STABLE_BIT;

	lab_measure(run->result, "stable", stable, 0, "1", stable ? LAB_GOOD : LAB_BAD,
		    stable ? "the stable bit is set: Linux reads the clock in the vDSO, Windows by "
			     "its reference page"
			   : "the stable bit is clear: every clock reading of a Linux guest is a "
			     "system call; %s",
		    stable_reason(run));
}

/* The guest's own witness: where its reading lies between two host readings. */
static bool guests_view(struct clock_run *run, GError **error)
{
	volatile struct lab_mailbox *box = lab_mailbox(run->vm);
	double low = -INFINITY, high = INFINITY;

	for (unsigned int i = 0; i < 200; i++) {
		const int64_t before_ns = lab_clock(CLOCK_MONOTONIC_RAW);

		if (!visit(run, error))
			return false;
		if (box->clock_error != 0)
			continue;
		high = MIN(high, (double)((int64_t)box->sample_ns - before_ns));
		low = MAX(low, (double)((int64_t)box->sample_ns - lab_clock(CLOCK_MONOTONIC_RAW)));
	}
	lab_measure(run->result, "guest_view", (low + high) / 2 - run->first.offset_ns,
		    (high - low) / 2, "ns",
		    fabs((low + high) / 2 - run->first.offset_ns) <= (high - low) / 2 + 50
			    ? LAB_GOOD
			    : LAB_BAD,
		    "what the guest read itself, against the page read by the host");
	return true;
}

/* The guest registers by the old MSR, then by the new: KVM makes a new master clock each time. */
static bool force_update(struct clock_run *run, GError **error)
{
	volatile struct lab_mailbox *box = lab_mailbox(run->vm);

	box->use_flags = LAB_FLAG_MSR_OLD;
	box->again = 1;
	if (!visit(run, error))
		return false;
	box->use_flags = 0;
	box->again = 1;
	/* twice: the new page is written on the entry after the registration */
	return visit(run, error) && visit(run, error);
}

static bool rate_and_step(struct clock_run *run, GError **error)
{
	struct pvclock_vcpu_time_info before, after;
	struct lab_offset last;
	uint64_t now, old_ns = 0, new_ns = 0;
	double elapsed_s, ppb, bound_ppb;

	lab_sleep_until(lab_mono() + (run->context->longer ? 20000 : 700) * LAB_MS);
	if (!visit(run, error) || !measure(run, 0, &last, error) ||
	    kvt_pvclock_snapshot(lab_clock_page(run->vm, 0), &before) != 0)
		return false;
	elapsed_s = (double)(last.host_ns - run->first.host_ns) / 1e9;
	ppb = (last.offset_ns - run->first.offset_ns) / elapsed_s;
	bound_ppb = (last.bound_ns + run->first.bound_ns) / elapsed_s;
	lab_measure(run->result, "rate_error", ppb, bound_ppb, "ppb",
		    fabs(ppb) - bound_ppb < 1000 ? LAB_GOOD : LAB_BAD,
		    "against CLOCK_MONOTONIC_RAW over %.1f s; positive = the guest runs fast",
		    elapsed_s);
	lab_measure(run->result, "updates", (before.version - run->first_version) / 2, 0, "1",
		    LAB_INFO, "rewrites of the page in that time");
	if (!force_update(run, error) ||
	    kvt_pvclock_snapshot(lab_clock_page(run->vm, 0), &after) != 0)
		return false;
	now = kvt_tsc_ordered() + run->offset;
	if (kvt_pvclock_ns(&before, now, &old_ns) != 0 || kvt_pvclock_ns(&after, now, &new_ns) != 0)
		return true;
	lab_measure(
		run->result, "hidden_step", (double)(int64_t)(new_ns - old_ns), 1, "ns",
		llabs((int64_t)(new_ns - old_ns)) < 100000 ? LAB_GOOD : LAB_BAD,
		"the step that the next master clock update brings: rate error times the age of "
		"the page");
	return true;
}

static void wall_clock(struct clock_run *run)
{
	volatile struct lab_mailbox *box = lab_mailbox(run->vm);
	struct pvclock_wall_clock wall = { 0, box->wall_sec, box->wall_nsec };
	const int64_t before_ns = lab_clock(CLOCK_REALTIME);
	const uint64_t now = kvt_tsc_ordered();
	const int64_t after_ns = lab_clock(CLOCK_REALTIME);
	uint64_t system_ns = 0, sec = 0;
	uint32_t nsec = 0;
	int64_t wall_ns;

	if (lab_page_ns(run->vm, 0, run->offset, now, &system_ns) != 0 ||
	    kvt_wall_clock_utc(&wall, system_ns, &sec, &nsec) != 0)
		return;
	wall_ns = (int64_t)(sec * KVT_NS_PER_S) + nsec;
	lab_measure(run->result, "wall_offset",
		    (double)(wall_ns - before_ns - (after_ns - before_ns) / 2),
		    (double)(after_ns - before_ns) / 2, "ns",
		    llabs(wall_ns - before_ns) < LAB_S ? LAB_GOOD : LAB_BAD,
		    "wall clock record plus system time against the host's date");
}

/*
 * A host date change is a change of the wall clock record's truth, not of the record: it is shown
 * by changing the record, since changing this host's date would disturb everybody on it.
 */
static bool wall_is_apart(struct clock_run *run, GError **error)
{
	struct pvclock_wall_clock *record = lab_memory(run->vm, LAB_WALL_GPA, sizeof(*record));
	struct lab_offset before, after;
	uint32_t version;

	if (!measure(run, 0, &before, error))
		return false;
	version = record->version;
	record->sec += 3600;
	if (!visit(run, error) || !measure(run, 0, &after, error))
		return false;
	lab_measure(
		run->result, "date_reaches_guest",
		fabs(after.offset_ns - before.offset_ns) > 1000 || record->version != version, 0,
		"1",
		fabs(after.offset_ns - before.offset_ns) <= 1000 && record->version == version
			? LAB_GOOD
			: LAB_INFO,
		"0 = a changed date of the host does not reach the guest: the wall clock record "
		"is written only when the guest asks, and an hour added to it moved kvm-clock by "
		"%+.0f ns",
		after.offset_ns - before.offset_ns);
	return true;
}

/* ---- several vCPUs ---- */

static bool page_difference(struct lab_vm *vm, double *ret_ns, GError **error)
{
	uint64_t offsets[2], now, first = 0, second = 0;

	if (!lab_tsc_offset(&vm->vcpus[0], &offsets[0], error) ||
	    !lab_tsc_offset(&vm->vcpus[1], &offsets[1], error))
		return false;
	now = kvt_tsc_ordered();
	if (lab_page_ns(vm, 0, offsets[0], now, &first) != 0 ||
	    lab_page_ns(vm, 1, offsets[1], now, &second) != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "a vCPU's page cannot be read");
		return false;
	}
	*ret_ns = (double)(int64_t)(second - first);
	return true;
}

static bool warp_run(struct lab_vm *vm, uint32_t rounds, GError **error)
{
	volatile struct lab_mailbox *box = lab_mailbox(vm);
	struct lab_crew *crews[2];
	bool ok;

	box->job = LAB_JOB_WARP;
	box->rounds = rounds;
	box->warps = box->warp_done = 0;
	box->warp_max_ns = box->warp_last_ns = 0;
	crews[0] = lab_crew_start(&vm->vcpus[0], 0, true, error);
	if (crews[0] == NULL)
		return false;
	crews[1] = lab_crew_start(&vm->vcpus[1], 1, true, error);
	if (crews[1] == NULL) {
		lab_crew_finish(crews[0], 0, NULL, NULL);
		return false;
	}
	ok = lab_crew_finish(crews[0], 20 * LAB_S, NULL, error);
	return lab_crew_finish(crews[1], 20 * LAB_S, NULL, ok ? error : NULL) && ok;
}

static bool several_vcpus(struct clock_run *run, GError **error)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL, .vcpus = 2 };
	volatile struct pvclock_vcpu_time_info *second;
	double difference_ns, shifted_ns;
	enum lab_verdict apart; /* what it means if they differ */
	struct lab_vm *vm;
	bool ok;

	if (run->context->machine.cpus < 2) {
		lab_measure(run->result, "warps", 0, 0, "1", LAB_UNKNOWN, "one CPU only");
		return true;
	}
	vm = lab_vm_new(&options, error);
	if (vm == NULL)
		return false;
	ok = warp_run(vm, run->context->longer ? 100000 : 3000, error) &&
	     page_difference(vm, &difference_ns, error);
	apart = lab_clock_page(vm, 0)->flags & PVCLOCK_TSC_STABLE_BIT ? LAB_BAD : LAB_INFO;
	if (ok) {
		lab_measure(run->result, "vcpu_difference", difference_ns, 1, "ns",
			    fabs(difference_ns) <= 1 ? LAB_GOOD : apart,
			    "second vCPU's page minus the first's, at one moment%s",
			    apart == LAB_INFO ? "; without a master clock they differ, and a guest "
						"that knows it never steps back"
					      : "");
		/* a warp shorter than the time from one vCPU's reading to the other's stays unseen
		 */
		lab_measure(
			run->result, "warps", lab_mailbox(vm)->warps, 0, "1",
			lab_mailbox(vm)->warps == 0 ? LAB_GOOD : apart,
			"times that a vCPU read less than the other before it; a guest cannot see "
			"less than about %.3g us here",
			2 * run->context->machine.read_ns / 1e3);
		second = lab_clock_page(vm, 1);
		second->system_time -= SHIFT_NS;
		ok = page_difference(vm, &shifted_ns, error);
		if (ok)
			lab_control(run->result, fabs(shifted_ns - difference_ns + SHIFT_NS) <= 1,
				    "the second vCPU's page shifted back by 5 us", "%+.0f ns seen",
				    shifted_ns - difference_ns);
	}
	lab_vm_free(vm);
	return ok;
}

static bool measure_all(struct clock_run *run, GError **error)
{
	/* KVM rewrites a new page once about 100 ms after it was registered */
	lab_sleep_until(lab_mono() + 150 * LAB_MS);
	if (!visit(run, error) || !first_offset(run, error) || !compare_get_clock(run, error))
		return false;
	judge_flags(run);
	wall_clock(run);
	return guests_view(run, error) && rate_and_step(run, error) && wall_is_apart(run, error) &&
	       several_vcpus(run, error);
}

bool lab_clock_run(struct lab_context *context, struct lab_result *result, GError **error)
{
	struct clock_run run = { .context = context, .result = result };
	const struct lab_measure *rate;
	bool ok;

	if (!context->machine.host_page) {
		lab_skip(result,
			 "the host cannot read the guest's page here: its TSC is scaled or its "
			 "offset unknown");
		return true;
	}
	run.vm = lab_clock_vm(1, error);
	if (run.vm == NULL)
		return false;
	ok = lab_tsc_offset(&run.vm->vcpus[0], &run.offset, error) && measure_all(&run, error);
	lab_vm_free(run.vm);
	if (!ok)
		return false;
	rate = lab_result_find(result, "rate_error");
	lab_sentence(
		result,
		"A guest's kvm-clock follows this host's clock: known to +-%.0f ns, rate %+.0f ppb "
		"+- %.0f ppb",
		run.first.bound_ns, rate->value, rate->bound);
	return true;
}
