/* SPDX-License-Identifier: BSD-2-Clause */
/* How late and how regular are timer interrupts, by the guest's own stamps. */
#include <math.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kvmtime/pvclock.h>

#include "lab/bare.h"
#include "lab/crew.h"
#include "lab/host.h"
#include "lab/lab.h"
#include "sys/error.h"

#define PIT_HZ 1193182.0
/* a machine whose threads wait so much of the time for a CPU is judged another day */
#define BUSY_SHARE 0.1

struct timer_case {
	const char *name;
	const char *title;
	enum lab_device device;
	double period_ns; /* what the guest programs */
	bool periodic;    /* else each starts when the one before was handled */
	enum lab_irqchip irqchip;
};

static const struct timer_case cases[] = {
	{ "pit", "KVM's PIT", LAB_DEVICE_PIT, 4773 * 1e9 / PIT_HZ, true, LAB_IRQCHIP_KERNEL },
	{ "lapic_periodic", "local APIC, periodic", LAB_DEVICE_LAPIC_PERIODIC, 4e6, true,
	  LAB_IRQCHIP_KERNEL },
	{ "lapic_oneshot", "local APIC, one-shot", LAB_DEVICE_LAPIC_ONESHOT, 4e6, false,
	  LAB_IRQCHIP_KERNEL },
	{ "tsc_deadline", "local APIC, TSC deadline", LAB_DEVICE_LAPIC_DEADLINE, 4e6, false,
	  LAB_IRQCHIP_KERNEL },
	{ "split_deadline", "local APIC alone in the kernel (split), TSC deadline",
	  LAB_DEVICE_LAPIC_DEADLINE, 4e6, false, LAB_IRQCHIP_SPLIT },
	{ "none_pit", "no interrupt controller, our PIT by KVM_INTERRUPT", LAB_DEVICE_PIT,
	  4773 * 1e9 / PIT_HZ, true, LAB_IRQCHIP_NONE },
};

static bool run_on_thread(struct lab_vm *vm, int64_t run_ns, double *ret_waited_ns, GError **error)
{
	struct lab_crew *crew = lab_crew_start(&vm->vcpus[0], 0, true, error);
	uint64_t vcpu_ns = 0, pit_ns = 0;

	if (crew == NULL)
		return false;
	lab_sleep_until(lab_mono() + run_ns);
	lab_mailbox(vm)->stop = 1;
	lab_run_delay_ns(lab_crew_thread(crew), &vcpu_ns);
	if (vm->options.kernel_pit)
		lab_run_delay_ns(lab_pit_thread(), &pit_ns);
	*ret_waited_ns = (double)(vcpu_ns + pit_ns);
	return lab_crew_finish(crew, LAB_TIMEOUT_NS, NULL, error);
}

static bool run_here(struct lab_vm *vm, int64_t run_ns, double *ret_waited_ns, GError **error)
{
	const pid_t self = (pid_t)syscall(SYS_gettid);
	uint64_t before_ns = 0, after_ns = 0;
	bool ok;

	lab_run_delay_ns(self, &before_ns);
	ok = lab_bare_run(vm, run_ns, NULL, error);
	lab_run_delay_ns(self, &after_ns);
	*ret_waited_ns = (double)(after_ns - before_ns);
	return ok;
}

/* Stamps of one run in guest ns; false with @error. */
static bool collect(const struct timer_case *timer, double stretch, int64_t run_ns, bool busy,
		    const struct lab_machine *machine, GArray *ret_stamps, double *ret_waited_ns,
		    GError **error)
{
	const struct lab_options options = { .irqchip = timer->irqchip,
					     .kernel_pit = timer->irqchip == LAB_IRQCHIP_KERNEL };
	struct lab_vm *vm = lab_vm_new(&options, error);
	const double cycle_ns = 1e6 / machine->tsc_khz_measured;
	volatile struct lab_mailbox *box;
	bool ok;

	if (vm == NULL)
		return false;
	box = lab_mailbox(vm);
	box->job = LAB_JOB_TICKS;
	box->device = timer->device;
	box->route = LAB_ROUTE_PIC;
	box->busy = busy;
	box->log = 1;
	box->reload =
		timer->device == LAB_DEVICE_PIT
			? (uint32_t)(4773 * stretch)
			: (uint32_t)(timer->period_ns * stretch); /* 1 GHz bus, divided by 1 */
	box->deadline_cycles = (uint64_t)(timer->period_ns * stretch / cycle_ns);
	ok = timer->irqchip == LAB_IRQCHIP_NONE ? run_here(vm, run_ns, ret_waited_ns, error)
						: run_on_thread(vm, run_ns, ret_waited_ns, error);
	if (ok) {
		const uint64_t *log = lab_memory(vm, LAB_LOG_GPA, LAB_LOG_ENTRIES * 8);

		for (uint32_t i = 0; i < MIN(box->ticks[timer->device], LAB_LOG_ENTRIES); i++) {
			const double ns = (double)(int64_t)(log[i] - box->start_cycles) * cycle_ns;

			g_array_append_val(ret_stamps, ns);
		}
	}
	lab_vm_free(vm);
	return ok;
}

/* Lateness of each tick against the grid that the earliest one defines. */
static GArray *latenesses(const struct timer_case *timer, const GArray *stamps)
{
	GArray *late = g_array_new(FALSE, FALSE, sizeof(double));
	double earliest = INFINITY;

	for (guint i = 1; i < stamps->len; i++) {
		double value = g_array_index(stamps, double, i);

		if (timer->periodic)
			/* a tick that came a period late and merged is late, not another grid */
			value -= floor(value / timer->period_ns) * timer->period_ns;
		else
			value -= g_array_index(stamps, double, i - 1) + timer->period_ns;
		g_array_append_val(late, value);
		earliest = MIN(earliest, value);
	}
	return late;
}

static double mean_period(const GArray *stamps)
{
	return (g_array_index(stamps, double, stamps->len - 1) - g_array_index(stamps, double, 0)) /
	       (stamps->len - 1);
}

static bool run_case(const struct timer_case *timer, struct lab_context *context,
		     struct lab_result *result, GError **error)
{
	g_autoptr(GArray) stamps = g_array_new(FALSE, FALSE, sizeof(double));
	const int64_t run_ns = (context->longer ? 5000 : 200) * LAB_MS;
	g_autofree char *latency = g_strconcat(timer->name, "_late", NULL);
	g_autofree char *period = g_strconcat(timer->name, "_period", NULL);
	double waited_ns = 0, ppm, p50, p99, max;
	GArray *late;

	if (!collect(timer, 1, run_ns, context->busy, &context->machine, stamps, &waited_ns, error))
		return false;
	if (stamps->len < 10) {
		lab_measure(result, latency, stamps->len, 0, "ticks", LAB_BAD,
			    "%s: only %u interrupts in %.1f s", timer->title, stamps->len,
			    (double)run_ns / 1e9);
		return true;
	}
	ppm = (mean_period(stamps) / timer->period_ns - 1) * 1e6;
	late = latenesses(timer, stamps);
	lab_histogram(result, timer->name, late); /* sorts */
	p50 = lab_percentile(late, 0.5);
	p99 = lab_percentile(late, 0.99);
	max = lab_percentile(late, 1);
	lab_measure(result, latency, p50, 0, "ns",
		    p50 < timer->period_ns / 4                ? LAB_GOOD
		    : waited_ns > (double)run_ns * BUSY_SHARE ? LAB_UNKNOWN
							      : LAB_BAD,
		    "%s: late by this in the middle, 99%% within %.3g us, worst %.3g us of %u; its "
		    "threads waited %.0f of %.0f ms for a CPU",
		    timer->title, p99 / 1e3, max / 1e3, late->len, waited_ns / 1e6,
		    (double)run_ns / 1e6);
	/* a merged tick is as long as a period: the mean says loss, not a wrong frequency */
	lab_measure(result, period, ppm, (max - p50) / (timer->period_ns * (stamps->len - 1)) * 1e6,
		    "ppm", LAB_INFO,
		    timer->periodic ? "%s: mean period error; lost or merged ticks lengthen it"
				    : "%s: mean period error, the handler's own time included",
		    timer->title);
	return true;
}

/* A rate that is wrong by a tenth must show as such. */
static bool control(struct lab_context *context, struct lab_result *result, GError **error)
{
	g_autoptr(GArray) stamps = g_array_new(FALSE, FALSE, sizeof(double));
	const struct timer_case *timer = &cases[0];
	double waited_ns = 0, ppm;

	if (!collect(timer, 1.25, 200 * LAB_MS, context->busy, &context->machine, stamps,
		     &waited_ns, error))
		return false;
	ppm = stamps->len > 2 ? (mean_period(stamps) / timer->period_ns - 1) * 1e6 : 0;
	lab_control(result, ppm > 200000, "a PIT that is programmed 25% slow", "%+.0f ppm seen",
		    ppm);
	return true;
}

bool lab_timers_run(struct lab_context *context, struct lab_result *result, GError **error)
{
	const struct lab_measure *pit, *deadline;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		if (!run_case(&cases[i], context, result, error))
			return false;
	if (!control(context, result, error))
		return false;
	pit = lab_result_find(result, "pit_late");
	deadline = lab_result_find(result, "tsc_deadline_late");
	lab_sentence(result,
		     "Half of the timer interrupts come within %.3g us (PIT) and %.3g us (TSC "
		     "deadline) of their time",
		     pit->value / 1e3, deadline->value / 1e3);
	return true;
}
