/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/lab.h"

#include "lab/host.h"

const struct lab_experiment lab_experiments[] = {
	{ "clock", "Is the guest's kvm-clock the host's clock, and how exactly?", true, 2, 24,
	  lab_clock_run },
	{ "pause", "What does a guest's time do while it is stopped?", true, 1, 1, lab_pause_run },
	{ "steal", "Does the guest learn how long it waited for a CPU?", true, 2, 2,
	  lab_steal_run },
	{ "timers", "How late and how regular are timer interrupts?", true, 2, 36, lab_timers_run },
	{ "migrate", "Does the clock survive a save and a restore in another process?", true, 1, 1,
	  lab_migrate_run },
	{ "ticks", "Which device and policy lose ticks when the guest cannot run?", true, 6, 170,
	  lab_ticks_run },
	{ "qemu", "Does a QEMU configuration keep time for a guest that counts ticks?", false, 30,
	  30, lab_qemu_run_experiment },
	{ 0 },
};

const struct lab_experiment *lab_experiment_find(const char *name)
{
	for (const struct lab_experiment *e = lab_experiments; e->name != NULL; e++)
		if (g_str_equal(e->name, name))
			return e;
	return NULL;
}

struct lab_result *lab_experiment_run(const struct lab_experiment *experiment,
				      struct lab_context *context)
{
	struct lab_result *result = lab_result_new(experiment->name);
	const int64_t start_ns = lab_mono();
	g_autoptr(GError) error = NULL;

	if (context->progress != NULL)
		context->progress(experiment->name);
	if (!experiment->run(context, result, &error)) {
		result->state = LAB_FAILED;
		result->reason = g_strdup(error != NULL ? error->message : "no reason given");
	}
	lab_unpin();
	result->seconds = (double)(lab_mono() - start_ns) / 1e9;
	return result;
}
