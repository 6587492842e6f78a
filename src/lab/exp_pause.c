/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest's time does while it is stopped, by how the VMM starts it again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <kvmtime/abi/kvm.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>
#include <kvmtime/tsc.h>

#include "lab/crew.h"
#include "lab/host.h"
#include "lab/lab.h"
#include "sys/error.h"

#define STOP_NS (100 * LAB_MS)
#define BACK_NS (50 * LAB_MS)

enum way { LEFT_ALONE, CLOCK_SET, CLOCK_REALTIME_SET, CLOCK_SET_BACK };

struct pause_run {
	struct lab_result *result;
	struct lab_vm *vm;
	struct lab_crew *crew;
	uint64_t offset;
	double stopped_ns; /* how long it really stood still */
	double jump_ns;    /* guest clock against host time: 0 = it went on as if never stopped */
	double wall_ns;    /* wall clock record plus guest clock, minus the host's date */
};

static bool start(struct pause_run *run, GError **error)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };

	run->vm = lab_vm_new(&options, error);
	if (run->vm == NULL)
		return false;
	lab_mailbox(run->vm)->job = LAB_JOB_SPIN;
	if (!lab_tsc_offset(&run->vm->vcpus[0], &run->offset, error))
		return false;
	run->crew = lab_crew_start(&run->vm->vcpus[0], 0, true, error);
	return run->crew != NULL;
}

static bool finish(struct pause_run *run, GError **error)
{
	bool ok = true;

	if (run->crew != NULL) {
		lab_mailbox(run->vm)->stop = 1;
		ok = lab_crew_finish(run->crew, LAB_TIMEOUT_NS, NULL, error);
	}
	lab_vm_free(run->vm);
	run->crew = NULL;
	run->vm = NULL;
	return ok;
}

/* guest clock minus CLOCK_MONOTONIC_RAW */
static double offset_now(struct pause_run *run)
{
	struct lab_offset offset = { 0 };

	lab_measure_offset(run->vm, 0, run->offset, CLOCK_MONOTONIC_RAW, 100, 0, &offset, NULL);
	return offset.offset_ns;
}

static bool set_clock(struct pause_run *run, enum way way, struct kvm_clock_data *clock,
		      GError **error)
{
	if (way == LEFT_ALONE)
		return true;
	clock->flags = way == CLOCK_REALTIME_SET ? clock->flags & KVM_CLOCK_REALTIME : 0;
	if (way == CLOCK_SET_BACK)
		clock->clock -= BACK_NS;
	return lab_vm_ioctl(run->vm, KVM_SET_CLOCK, clock, "KVM_SET_CLOCK", error);
}

static void read_wall(struct pause_run *run)
{
	struct pvclock_wall_clock wall;
	uint64_t system_ns = 0, sec = 0;
	uint32_t nsec = 0;

	if (kvt_wall_clock_snapshot(lab_memory(run->vm, LAB_WALL_GPA, sizeof(wall)), &wall) == 0 &&
	    lab_page_ns(run->vm, 0, run->offset, kvt_tsc_ordered(), &system_ns) == 0 &&
	    kvt_wall_clock_utc(&wall, system_ns, &sec, &nsec) == 0)
		run->wall_ns =
			(double)((int64_t)(sec * KVT_NS_PER_S) + nsec - lab_clock(CLOCK_REALTIME));
}

static bool stop_and_go(struct pause_run *run, enum way way, bool tell, GError **error)
{
	struct kvm_clock_data clock = { 0 };
	int64_t start_ns;
	double before;
	bool ok;

	before = offset_now(run);
	start_ns = lab_mono();
	lab_crew_hold(run->crew);
	ok = lab_vm_ioctl(run->vm, KVM_GET_CLOCK, &clock, "KVM_GET_CLOCK", error);
	lab_sleep_until(start_ns + STOP_NS);
	ok = ok && set_clock(run, way, &clock, error);
	run->stopped_ns = (double)(lab_mono() - start_ns);
	if (tell)
		ok = ok && lab_vcpu_ioctl(&run->vm->vcpus[0], KVM_KVMCLOCK_CTRL, NULL,
					  "KVM_KVMCLOCK_CTRL", error);
	lab_crew_release(run->crew);
	/* the guest must have seen the new page, and compared a reading with one before the stop */
	lab_crew_wait_reads(run->crew, 10);
	run->jump_ns = offset_now(run) - before;
	read_wall(run);
	return ok;
}

static bool one_way(struct lab_result *result, enum way way, bool tell, struct pause_run *run,
		    uint32_t *ret_flags_seen, struct lab_mailbox *ret_box, GError **error)
{
	bool ok;

	*run = (struct pause_run){ .result = result };
	ok = start(run, error);
	if (ok) {
		/* past the rewrite that KVM does of every new page */
		lab_sleep_until(lab_mono() + 120 * LAB_MS);
		ok = stop_and_go(run, way, tell, error);
		lab_mailbox(run->vm)->stop = 1;
		ok = lab_crew_finish(run->crew, LAB_TIMEOUT_NS, NULL, ok ? error : NULL) && ok;
		run->crew = NULL;
		*ret_flags_seen = lab_mailbox(run->vm)->stopped_seen;
		memcpy(ret_box, lab_memory(run->vm, LAB_MAILBOX_GPA, sizeof(*ret_box)),
		       sizeof(*ret_box));
	}
	return finish(run, ok ? error : NULL) && ok;
}

static void say(struct lab_result *result, const char *name, const struct pause_run *run,
		double wanted_ns, const char *meaning)
{
	/* exits, scheduling and the VMM's own calls lie between the readings: a tenth of the stop
	 */
	const bool as_wanted = fabs(run->jump_ns - wanted_ns) < (double)STOP_NS / 10;

	lab_measure(result, name, run->jump_ns, 0, "ns", as_wanted ? LAB_GOOD : LAB_BAD,
		    "%s; wall time is then %+.1f ms from the host's date", meaning,
		    run->wall_ns / 1e6);
}

static bool plain_ways(struct lab_context *context, struct lab_result *result, GError **error)
{
	struct lab_mailbox box;
	struct pause_run run;
	uint32_t flags;

	if (!one_way(result, LEFT_ALONE, false, &run, &flags, &box, error))
		return false;
	say(result, "jump_left_alone", &run, 0,
	    "nothing set: the clock counted through the stop, and the guest saw time leap by it");
	lab_measure(result, "guests_leap", (double)box.step_max_ns, 0, "ns", LAB_INFO,
		    "longest step between two clock readings in the guest, stop of %.1f ms",
		    run.stopped_ns / 1e6);
	lab_measure(result, "flag_untold", flags, 0, "1", flags == 0 ? LAB_GOOD : LAB_BAD,
		    "\"guest was stopped\" flags seen without KVM_KVMCLOCK_CTRL");
	if (!one_way(result, CLOCK_SET, false, &run, &flags, &box, error))
		return false;
	say(result, "jump_set_clock", &run, -run.stopped_ns,
	    "KVM_SET_CLOCK with the value saved at the stop, as QEMU does: the guest lost the stop");
	if (!(context->machine.clock_flags & KVM_CLOCK_REALTIME)) {
		lab_measure(result, "jump_realtime", 0, 0, "ns", LAB_UNKNOWN,
			    "KVM_CLOCK_REALTIME is not offered here (Linux before 5.16)");
		return true;
	}
	if (!one_way(result, CLOCK_REALTIME_SET, false, &run, &flags, &box, error))
		return false;
	say(result, "jump_realtime", &run, 0,
	    "KVM_SET_CLOCK with KVM_CLOCK_REALTIME: the stop was counted");
	return true;
}

static bool controls(struct lab_result *result, GError **error)
{
	struct lab_mailbox box;
	struct pause_run run;
	uint32_t flags;

	if (!one_way(result, LEFT_ALONE, true, &run, &flags, &box, error))
		return false;
	lab_measure(result, "flag_told", flags, 0, "1", flags == 1 ? LAB_GOOD : LAB_BAD,
		    "\"guest was stopped\" flags seen after KVM_KVMCLOCK_CTRL: one is right, and a "
		    "guest that sees it calms its watchdogs");
	lab_control(result, flags > 0, "the paused flag raised", "seen %u times by the guest",
		    flags);
	if (!one_way(result, CLOCK_SET_BACK, false, &run, &flags, &box, error))
		return false;
	lab_control(result, run.jump_ns < -(double)BACK_NS && box.back_count > 0,
		    "the clock set back by 50 ms",
		    "%+.1f ms by the page, %u steps backwards of up to "
		    "%.1f ms seen by the guest",
		    run.jump_ns / 1e6, box.back_count, (double)box.back_max_ns / 1e6);
	return true;
}

bool lab_pause_run(struct lab_context *context, struct lab_result *result, GError **error)
{
	const struct lab_measure *left, *set;

	if (!context->machine.host_page) {
		lab_skip(result, "the host cannot read the guest's page here");
		return true;
	}
	if (!plain_ways(context, result, error) || !controls(result, error))
		return false;
	left = lab_result_find(result, "jump_left_alone");
	set = lab_result_find(result, "jump_set_clock");
	lab_sentence(
		result,
		"After a 100 ms stop the clock is off by %+.3g ms if left alone and by %+.3g ms "
		"if the VMM sets it back to where it stopped",
		left->value / 1e6, set->value / 1e6);
	return true;
}
