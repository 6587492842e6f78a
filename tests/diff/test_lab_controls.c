/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every experiment notices the fault that it makes on purpose, and keeps its promises. A machine
 * under load can spoil one run: up to three are made, each failure is printed with its numbers,
 * and what fails three times fails.
 */
#include <math.h>

#include <glib.h>

#include "lab/host.h"
#include "lab/lab.h"
#include "lab/ticks.h"

#define TRIES 3

static struct lab_context context;
static GError *no_lab;

static void print_bad(const struct lab_result *result, int attempt)
{
	g_test_message("%s, try %d of %d: %s", result->name, attempt, TRIES,
		       result->reason != NULL ? result->reason : "not as it should be");
	for (guint i = 0; i < result->measures->len; i++) {
		const struct lab_measure *m = result->measures->pdata[i];

		if (m->verdict == LAB_BAD)
			g_test_message("  %s = %g +- %g %s", m->name, m->value, m->bound, m->unit);
	}
	for (guint i = 0; i < result->controls->len; i++) {
		const struct lab_control *c = result->controls->pdata[i];

		if (!c->detected)
			g_test_message("  not detected: %s (%s)", c->what, c->seen);
	}
}

static void test_experiment(const void *data)
{
	const struct lab_experiment *experiment = data;

	if (no_lab != NULL) {
		g_test_skip(no_lab->message);
		return;
	}
	/* without the TSC as its clock a host has no master clock: what is measured then is another
	 */
	if (g_strcmp0(context.machine.clocksource, "tsc") != 0) {
		g_test_skip("this host's clock source is not tsc");
		return;
	}
	for (int attempt = 1; attempt <= TRIES; attempt++) {
		struct lab_result *result = lab_experiment_run(experiment, &context);
		const bool skipped = result->state == LAB_SKIPPED;
		const bool good = result->state == LAB_MEASURED && !lab_result_is_bad(result);

		if (skipped)
			g_test_skip(result->reason);
		else if (good)
			g_test_message("%s (%u controls detected)", result->sentence,
				       result->controls->len);
		else
			print_bad(result, attempt);
		if (good)
			g_assert_cmpuint(result->controls->len, >, 0);
		lab_result_free(result);
		if (skipped || good)
			return;
	}
	g_test_fail();
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	lab_selftest(&context.machine, &no_lab);
	for (const struct lab_experiment *e = lab_experiments; e->name != NULL; e++) {
		g_autofree char *path =
			g_strdup_printf("/lab/%s-is-right-and-notices-its-controls", e->name);

		if (e->by_default)
			g_test_add_data_func(path, e, test_experiment);
	}
	status = g_test_run();
	lab_machine_clear(&context.machine);
	g_clear_error(&no_lab);
	return status;
}
