/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/ticks.h"

#include <math.h>
#include <string.h>

#include <kvmtime/devices/i8254.h>
#include <kvmtime/devices/mc146818.h>
#include <kvmtime/tsc.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include "lab/board.h"
#include "lab/host.h"
#include "sys/error.h"

#define BLACKOUT_NS (100 * LAB_MS)
#define LIGHT_NS    (20 * LAB_MS)
#define HOGS        3
#define PATIENCE    3 /* times the time to recover */

const struct lab_tick_case lab_tick_cases[] = {
	{ "kvm_pit_reinject", "KVM's PIT, reinjection on (QEMU: delay)", LAB_DEVICE_PIT, true, true,
	  0, true },
	{ "kvm_pit_discard", "KVM's PIT, reinjection off (QEMU: discard)", LAB_DEVICE_PIT, true,
	  false, 0, true },
	{ "rtc_catchup", "our RTC, catchup", LAB_DEVICE_RTC, false, false, KVT_TICK_CATCHUP, true },
	{ "rtc_discard", "our RTC, discard", LAB_DEVICE_RTC, false, false, KVT_TICK_DISCARD, true },
	{ "rtc_delay", "our RTC, delay", LAB_DEVICE_RTC, false, false, KVT_TICK_DELAY, false },
	{ "rtc_merge", "our RTC, merge", LAB_DEVICE_RTC, false, false, KVT_TICK_MERGE, false },
	{ "pit_catchup", "our PIT, catchup", LAB_DEVICE_PIT, false, false, KVT_TICK_CATCHUP,
	  false },
	{ "pit_delay", "our PIT, delay", LAB_DEVICE_PIT, false, false, KVT_TICK_DELAY, false },
	{ "pit_merge", "our PIT, merge", LAB_DEVICE_PIT, false, false, KVT_TICK_MERGE, false },
	{ "pit_discard", "our PIT, discard", LAB_DEVICE_PIT, false, false, KVT_TICK_DISCARD,
	  false },
	{ "lapic", "local APIC, periodic (no policy)", LAB_DEVICE_LAPIC_PERIODIC, true, false, 0,
	  false },
	{ 0 },
};

uint32_t lab_ticks_rate(enum lab_device device, unsigned int hz, double *ret_hz)
{
	uint32_t code = 3;

	switch (device) {
	case LAB_DEVICE_PIT:
		code = (KVT_I8254_HZ + hz / 2) / hz;
		*ret_hz = (double)KVT_I8254_HZ / code;
		return code;
	case LAB_DEVICE_RTC:
		/* powers of two; code n is 32768 >> (n - 1) Hz; the nearest not far below */
		while (code < 15 && (KVT_MC146818_HZ >> code) >= hz)
			code++;
		*ret_hz = (double)(KVT_MC146818_HZ >> (code - 1));
		return code;
	default:
		*ret_hz = hz;
		return 1000000000u / hz;
	}
}

double lab_ticks_promise(const struct lab_tick_case *tick_case,
			 const struct lab_tick_outcome *outcome)
{
	const bool makes_up =
		tick_case->kernel ? tick_case->reinject : tick_case->policy == KVT_TICK_CATCHUP;

	return makes_up && tick_case->device != LAB_DEVICE_LAPIC_PERIODIC ? 0
									  : outcome->lost_expected;
}

enum lab_verdict lab_ticks_judge(const struct lab_tick_run *run,
				 const struct lab_tick_outcome *outcome, double wanted,
				 double *ret_slack)
{
	/* what follows the stop is longer than the control was */
	const double longer = MAX(1.0, (double)run->recover_ns / (double)run->quiet_ns);
	const double slack = 2 + fabs(outcome->control_lost) * longer;
	const double waited = outcome->waited_ns * outcome->hz / 1e9;
	const double off = fabs(outcome->lost - wanted);

	*ret_slack = slack;
	if (slack > outcome->lost_expected / 3)
		return LAB_UNKNOWN;
	return off <= slack ? LAB_GOOD : off <= slack + waited ? LAB_UNKNOWN : LAB_BAD;
}

struct setup {
	const struct lab_tick_case *tick_case;
	const struct lab_tick_run *run;
	struct lab_tick_outcome *outcome;
	struct lab_vm *vm;
	struct lab_board *board;
	struct lab_crew *crew;
	volatile struct lab_mailbox *box;
	uint64_t offset; /* guest TSC minus host TSC */
	double cycle_ns;
};

static bool make_vm(struct setup *setup, GError **error)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL,
					     .kernel_pit = setup->tick_case->kernel };
	struct kvm_reinject_control reinject = { .pit_reinject = setup->tick_case->reinject };
	int khz;

	setup->vm = lab_vm_new(&options, error);
	if (setup->vm == NULL)
		return false;
	setup->box = lab_mailbox(setup->vm);
	khz = ioctl(setup->vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0 || !lab_tsc_offset(&setup->vm->vcpus[0], &setup->offset, NULL)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "the host cannot read the guest's counter here");
		return false;
	}
	setup->cycle_ns = 1e6 / khz;
	if (setup->tick_case->kernel)
		return lab_vm_ioctl(setup->vm, KVM_REINJECT_CONTROL, &reinject,
				    "KVM_REINJECT_CONTROL", error);
	setup->board = lab_board_new(setup->vm, setup->tick_case->policy, error);
	return setup->board != NULL;
}

static bool boot(struct setup *setup, GError **error)
{
	volatile struct lab_mailbox *box = setup->box;
	const enum lab_device device = setup->tick_case->device;

	box->job = LAB_JOB_TICKS;
	box->device = device;
	box->route = LAB_ROUTE_PIC;
	box->busy = setup->run->busy;
	box->log = 1;
	box->reload = lab_ticks_rate(device, setup->run->hz, &setup->outcome->hz);
	box->rtc_rate = box->reload;
	setup->crew = lab_crew_start(&setup->vm->vcpus[0], 0, true, error);
	return setup->crew != NULL;
}

/* Ticks that should have come by now, less those that did. */
static double behind(const struct setup *setup)
{
	const uint64_t now = kvt_tsc_ordered() + setup->offset;
	const uint32_t ticks = setup->box->ticks[setup->tick_case->device];
	const double elapsed_ns = (double)(now - setup->box->start_cycles) * setup->cycle_ns;

	return floor(elapsed_ns * setup->outcome->hz / 1e9) - ticks;
}

/* Look every few ms; the most that was seen. */
static void watch_until(struct setup *setup, int64_t until_ns)
{
	while (lab_mono() < until_ns) {
		lab_sleep_until(MIN(until_ns, lab_mono() + 4 * LAB_MS));
		setup->outcome->behind = MAX(setup->outcome->behind, behind(setup));
	}
}

static void blackouts(struct setup *setup, int64_t until_ns)
{
	while (lab_mono() < until_ns) {
		const int64_t start_ns = lab_mono();

		lab_crew_hold(setup->crew);
		watch_until(setup, start_ns + BLACKOUT_NS - LIGHT_NS);
		lab_crew_release(setup->crew);
		watch_until(setup, start_ns + BLACKOUT_NS);
	}
}

static void disturb(struct setup *setup)
{
	const int64_t until_ns = lab_mono() + setup->run->disturb_ns;
	struct lab_hogs *hogs;
	int cpu;

	switch (setup->run->disturbance) {
	case LAB_CALM:
		watch_until(setup, until_ns);
		break;
	case LAB_STOP:
		lab_crew_hold(setup->crew);
		watch_until(setup, until_ns);
		lab_crew_release(setup->crew);
		break;
	case LAB_BLACKOUTS:
		blackouts(setup, until_ns);
		break;
	case LAB_NEIGHBOURS:
		cpu = lab_pin(0);
		lab_unpin();
		hogs = lab_hogs_start(HOGS, cpu);
		watch_until(setup, until_ns);
		lab_hogs_stop(hogs);
		break;
	}
}

static void recover(struct setup *setup)
{
	const int64_t start_ns = lab_mono();
	struct lab_tick_outcome *outcome = setup->outcome;

	/* what is made up for can take longer on a busy machine, and is not lost meanwhile */
	const bool makes_up = lab_ticks_promise(setup->tick_case, outcome) < 1;

	outcome->catchup_ns = INFINITY;
	while (lab_mono() < start_ns + setup->run->recover_ns ||
	       (makes_up && !isfinite(outcome->catchup_ns) &&
		lab_mono() < start_ns + PATIENCE * setup->run->recover_ns)) {
		lab_sleep_until(lab_mono() + 4 * LAB_MS);
		if (!isfinite(outcome->catchup_ns) && behind(setup) <= outcome->control_lost + 2)
			outcome->catchup_ns = (double)(lab_mono() - start_ns);
	}
	outcome->end_mono_ns = lab_mono();
	outcome->lost = behind(setup) - outcome->control_lost;
	outcome->ticks = setup->box->ticks[setup->tick_case->device];
	outcome->spurious = setup->box->spurious;
}

/* From the guest's stamps: gaps, bursts, and how late a tick came against its number. */
static void read_log(struct setup *setup)
{
	struct lab_tick_outcome *outcome = setup->outcome;
	const uint64_t *log = lab_memory(setup->vm, LAB_LOG_GPA, LAB_LOG_ENTRIES * 8);
	const uint32_t number = MIN(outcome->ticks, (uint32_t)LAB_LOG_ENTRIES);
	const double period_ns = 1e9 / outcome->hz;
	unsigned int burst = 0;

	for (uint32_t i = 0; i < number; i++) {
		const double at_ns = (double)(log[i] - setup->box->start_cycles) * setup->cycle_ns;
		const double gap_ns = i > 0 ? (double)(log[i] - log[i - 1]) * setup->cycle_ns : 0;

		outcome->late_max_ns = MAX(outcome->late_max_ns, at_ns - (i + 1) * period_ns);
		outcome->gap_max_ns = MAX(outcome->gap_max_ns, gap_ns);
		burst = i > 0 && gap_ns < period_ns / 2 ? burst + 1 : 0;
		outcome->burst = MAX(outcome->burst, burst);
	}
}

/* What delivers the ticks: our device thread, or KVM's; 0 where the timer itself does. */
static pid_t device_thread(const struct setup *setup)
{
	if (setup->board != NULL)
		return lab_board_thread(setup->board);
	return setup->tick_case->device == LAB_DEVICE_PIT ? lab_pit_thread() : 0;
}

/* Where the kernel does not count it, nothing is known to have been waited. */
static double waited_ns(const struct setup *setup, pid_t device)
{
	uint64_t vcpu_ns = 0, device_ns = 0;

	lab_run_delay_ns(lab_crew_thread(setup->crew), &vcpu_ns);
	if (device > 0)
		lab_run_delay_ns(device, &device_ns);
	return (double)(vcpu_ns + device_ns);
}

static bool measure(struct setup *setup, GError **error)
{
	int64_t start_ns;
	double waited;
	pid_t device;

	if (!make_vm(setup, error) || !boot(setup, error))
		return false;
	setup->outcome->start_mono_ns =
		lab_mono() -
		(int64_t)((double)(kvt_tsc_ordered() + setup->offset - setup->box->start_cycles) *
			  setup->cycle_ns);
	lab_sleep_until(lab_mono() + setup->run->quiet_ns);
	setup->outcome->control_lost = behind(setup);
	device = device_thread(setup);
	waited = waited_ns(setup, device);
	start_ns = lab_mono();
	disturb(setup);
	setup->outcome->lost_expected = (double)(lab_mono() - start_ns) * setup->outcome->hz / 1e9;
	recover(setup);
	if (setup->run->disturbance != LAB_NEIGHBOURS)
		setup->outcome->waited_ns = waited_ns(setup, device) - waited;
	read_log(setup);
	return true;
}

bool lab_ticks_measure(const struct lab_tick_case *tick_case, const struct lab_tick_run *run,
		       struct lab_tick_outcome *ret_outcome, GError **error)
{
	struct lab_tick_outcome outcome = { 0 };
	struct setup setup = { .tick_case = tick_case, .run = run, .outcome = &outcome };
	bool ok = measure(&setup, error);

	if (setup.crew != NULL) {
		setup.box->stop = 1;
		/* between ticks the guest halts: the next one wakes it, or the end does */
		ok = lab_crew_finish(setup.crew, LAB_S / 5, &outcome.intervals,
				     ok ? error : NULL) &&
		     ok;
	}
	lab_board_free(setup.board);
	lab_vm_free(setup.vm);
	if (ok)
		*ret_outcome = outcome;
	else if (outcome.intervals != NULL)
		g_array_unref(outcome.intervals);
	return ok;
}
