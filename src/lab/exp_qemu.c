/* SPDX-License-Identifier: BSD-2-Clause */
/* Does a QEMU configuration keep time for a guest that counts ticks? */
#include <math.h>
#include <string.h>

#include "lab/host.h"
#include "lab/lab.h"
#include "lab/qemu.h"
#include "sys/error.h"
#include "vmdef/load.h"

/* Ticks that this machine itself may cost: the control's, or those of the time without a CPU. */
static double slack_of(const struct lab_qemu_outcome *outcome, const struct lab_qemu_ticks *ticks)
{
	return 3 + MAX(fabs(ticks->control), outcome->waited_ns * ticks->hz / 1e9);
}

static void report(struct lab_result *result, const char *name, const char *what,
		   const struct lab_qemu_run *run, const struct lab_qemu_outcome *outcome,
		   const struct lab_qemu_ticks *ticks)
{
	const double slack = slack_of(outcome, ticks);
	const double stop_ticks = outcome->stopped_ns * ticks->hz / 1e9;

	lab_measure(
		result, name, ticks->lost, slack, "ticks",
		fabs(ticks->lost) <= slack ? LAB_GOOD
		: slack > stop_ticks / 2   ? LAB_UNKNOWN
					   : LAB_BAD,
		"%s behind the %s: lost for ever of the %.0f due in the stop of %.0f ms at %.0f Hz "
		"(control %+.0f); %s",
		what, run->ioapic ? "IOAPIC" : "PIC", stop_ticks, outcome->stopped_ns / 1e6,
		ticks->hz, ticks->control,
		ticks->lost > slack    ? "a guest that counts these ticks falls behind"
		: ticks->lost < -slack ? "a guest that counts these ticks runs ahead"
				       : "kept");
}

static bool one(struct lab_context *context, const char *const *words, bool ioapic,
		struct lab_result *result, const char *prefix, const char *what,
		struct lab_qemu_outcome *ret_outcome, GError **error)
{
	const struct lab_qemu_run run = {
		.words = words,
		.ioapic = ioapic,
		.busy = context->busy,
		.hz = context->hz > 0 ? context->hz : 250,
		.quiet_ns = LAB_S,
		.stop_ns = context->stop_ns > 0 ? context->stop_ns : 500 * LAB_MS,
		.recover_ns = 2 * LAB_S,
	};
	const char *route = ioapic ? "ioapic" : "pic";
	g_autofree char *rtc = g_strdup_printf("%srtc_%s", prefix, route);
	g_autofree char *pit = g_strdup_printf("%spit_%s", prefix, route);
	g_autofree char *rtc_what = g_strdup_printf("RTC%s", what);
	g_autofree char *line = g_strdup_printf("QEMU, ticks behind the %s", route);

	if (context->progress != NULL)
		context->progress(line);
	if (!lab_qemu_measure(&run, ret_outcome, error))
		return false;
	report(result, rtc, rtc_what, &run, ret_outcome, &ret_outcome->rtc);
	report(result, pit, "PIT", &run, ret_outcome, &ret_outcome->pit);
	return true;
}

/* The program's name, a time zone before it, the name and memory are not what is tried. */
static GPtrArray *clock_words(const struct kvt_vm *vm)
{
	const struct kvt_qemu_target target = { .version = kvt_qemu_installed() };
	g_autoptr(GPtrArray) all = kvt_qemu_write(vm, &target);
	static const char *const keep[] = { "-rtc",   "-global",     "-machine",
					    "-M",     "-cpu",        "-no-hpet",
					    "-accel", "-enable-kvm", "-no-kvm-pit-reinjection" };
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < all->len; i++) {
		bool kept = false;

		for (size_t k = 0; k < G_N_ELEMENTS(keep); k++)
			kept = kept || g_str_equal(all->pdata[i], keep[k]);
		if (!kept)
			continue;
		g_ptr_array_add(words, g_strdup(all->pdata[i]));
		if (i + 1 < all->len && ((const char *)all->pdata[i + 1])[0] != '-')
			g_ptr_array_add(words, g_strdup(all->pdata[++i]));
	}
	g_ptr_array_add(words, NULL);
	return words;
}

struct kvt_vm *lab_qemu_example(void)
{
	static const char text[] = "qemu-system-x86_64 -name example -machine pc,accel=kvm "
				   "-rtc driftfix=slew";
	g_autoptr(GError) error = NULL;
	struct kvt_vm *vm = kvt_vm_parse(KVT_FORMAT_QEMU, text, strlen(text), "example", &error);

	g_assert_no_error(error); /* our own words */
	return vm;
}

/* driftfix=slew on both routes; without it behind the IOAPIC is the fault on purpose. */
static bool slew(struct lab_context *context, struct lab_result *result, GError **error)
{
	static const char *const without[] = { "-machine", "pc,accel=kvm", "-rtc", "driftfix=none",
					       NULL };
	struct kvt_vm *vm = lab_qemu_example();
	g_autoptr(GPtrArray) words = clock_words(vm);
	const char *const *slewing = (const char *const *)words->pdata;
	struct lab_result *control = lab_result_new("control");
	struct lab_qemu_outcome pic, ioapic, none;
	bool ok =
		one(context, slewing, false, result, "slew_", ", driftfix=slew,", &pic, error) &&
		one(context, slewing, true, result, "slew_", ", driftfix=slew,", &ioapic, error) &&
		one(context, without, true, control, "none_", "", &none, error);

	kvt_vm_free(vm);
	lab_result_free(control);
	if (!ok)
		return false;
	lab_control(result, none.rtc.lost > none.stopped_ns * none.rtc.hz / 1e9 / 2,
		    "driftfix=none", "%.0f of %.0f ticks lost behind the IOAPIC", none.rtc.lost,
		    none.stopped_ns * none.rtc.hz / 1e9);
	lab_sentence(
		result,
		"QEMU with driftfix=slew and a %.0f ms stop: the RTC behind the PIC is %+.0f ticks "
		"off, behind the IOAPIC %+.0f",
		pic.stopped_ns / 1e6, -pic.rtc.lost, -ioapic.rtc.lost);
	return true;
}

static bool definition(struct lab_context *context, struct lab_result *result, GError **error)
{
	struct lab_qemu_outcome pic, ioapic;
	g_autoptr(GPtrArray) words = clock_words(context->vm);
	g_autofree char *line = g_strjoinv(" ", (char **)words->pdata);

	if (!one(context, (const char *const *)words->pdata, false, result, "", "", &pic, error) ||
	    !one(context, (const char *const *)words->pdata, true, result, "", "", &ioapic, error))
		return false;
	lab_sentence(
		result,
		"With %s a %.0f ms stop puts the RTC off by %+.0f ticks behind the PIC, %+.0f behind "
		"the IOAPIC; the PIT by %+.0f and %+.0f",
		line, pic.stopped_ns / 1e6, -pic.rtc.lost, -ioapic.rtc.lost, -pic.pit.lost,
		-ioapic.pit.lost);
	return true;
}

bool lab_qemu_run_experiment(struct lab_context *context, struct lab_result *result, GError **error)
{
	g_autofree char *program = g_find_program_in_path("qemu-system-x86_64");

	if (program == NULL) {
		lab_skip(result, "qemu-system-x86_64 is not installed (package qemu-system-x86)");
		return true;
	}
	return context->vm != NULL ? definition(context, result, error)
				   : slew(context, result, error);
}
