/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/preflight.h"

#include <math.h>
#include <string.h>

/* KVM's own default for kvm.tsc_tolerance_ppm, and libvirt's limit: Linux arch/x86/kvm/x86.c */
#define TOLERANCE_PPM 250
#define NTP_CARE_S    0.05 /* the alert floor of node-mixin */

static void add(GArray *items, const char *topic, enum kvt_preflight_verdict verdict,
		const char *format, ...) G_GNUC_PRINTF(4, 5);

static void add(GArray *items, const char *topic, enum kvt_preflight_verdict verdict,
		const char *format, ...)
{
	struct kvt_preflight_item item = { .topic = topic, .verdict = verdict };
	va_list arguments;

	va_start(arguments, format);
	item.text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_array_append_val(items, item);
}

static void clear_item(gpointer data)
{
	g_free(((struct kvt_preflight_item *)data)->text);
}

/* ---- facts of a host, whatever role its record gave it ---- */

static const struct kvt_fact *known(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = facts != NULL ? kvt_facts_get(facts, KVT_HOST, name) : NULL;

	if (facts != NULL && (fact == NULL || fact->state != KVT_KNOWN))
		fact = kvt_facts_any(facts, name);
	return fact != NULL && fact->state == KVT_KNOWN ? fact : NULL;
}

static const char *text_of(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = known(facts, name);

	return fact != NULL ? fact->text : NULL;
}

/* kHz from the best witness there is; 0 = none */
static double rate_khz(const struct kvt_facts *facts, const char **ret_name)
{
	static const struct {
		const char *name;
		double to_khz;
	} witnesses[] = {
		{ "tsc.khz", 1 },
		{ "log.tsc_refined_mhz", 1000 },
		{ "tsc.measured_khz", 1 },
		{ "log.tsc_mhz", 1000 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(witnesses); i++) {
		const struct kvt_fact *fact = known(facts, witnesses[i].name);
		const double value = fact == NULL                      ? 0
				     : fact->def->type == KVT_FACT_INT ? (double)fact->integer
								       : fact->real;

		*ret_name = witnesses[i].name;
		if (value > 0)
			return value * witnesses[i].to_khz;
	}
	return 0;
}

/* 1 = yes, 0 = no, -1 = not known */
static int flag_of(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = known(facts, name);

	return fact != NULL ? fact->flag : -1;
}

/* ---- the items ---- */

static void judge_rate(GArray *items, const struct kvt_facts *from, const struct kvt_facts *to)
{
	const char *from_name, *to_name;
	const double a = rate_khz(from, &from_name), b = rate_khz(to, &to_name);
	const struct kvt_fact *limit = known(to, "kvm.tsc_tolerance_ppm");
	const double allowed = limit != NULL ? (double)limit->integer : TOLERANCE_PPM;
	const double ppm = a > 0 && b > 0 ? fabs(a - b) / b * 1e6 : 0;
	const int scaling = flag_of(to, "tsc.scaling");

	if (a <= 0 || b <= 0)
		add(items, "TSC rate", KVT_PREFLIGHT_UNKNOWN, "the TSC rate of %s is not known",
		    a <= 0 ? "the source" : "the destination");
	else if (ppm <= allowed)
		add(items, "TSC rate", KVT_PREFLIGHT_OK,
		    "%.0f and %.0f kHz (%s): %.0f ppm apart, %.0f allowed", a, b, to_name, ppm,
		    allowed);
	else if (scaling == 1)
		add(items, "TSC rate", KVT_PREFLIGHT_OK,
		    "%.0f and %.0f kHz: %.0f ppm apart, and the destination can scale a TSC", a, b,
		    ppm);
	else
		add(items, "TSC rate", scaling == 0 ? KVT_PREFLIGHT_BLOCK : KVT_PREFLIGHT_UNKNOWN,
		    "%.0f and %.0f kHz: %.0f ppm apart, %.0f allowed, and the destination %s: %s",
		    a, b, ppm, allowed,
		    scaling == 0 ? "cannot scale a TSC" : "may or may not be able to scale a TSC",
		    a < b ? "a guest with a fixed rate is refused"
			  : "a guest with a fixed rate is made to catch up at every entry");
}

/* does the guest see an invariant TSC? A definition that does not say so keeps it hidden. */
static bool wants_invariant(const struct kvt_facts *vm)
{
	const struct kvt_fact *fact =
		vm != NULL ? kvt_facts_get(vm, KVT_VM, "timer.tsc.invariant") : NULL;

	return vm == NULL || (fact != NULL && fact->state == KVT_KNOWN && fact->flag);
}

static void judge_invariant(GArray *items, const struct kvt_facts *from, const struct kvt_facts *to,
			    const struct kvt_facts *vm)
{
	const int a = flag_of(from, "tsc.invariant"), b = flag_of(to, "tsc.invariant");

	if (b == 1)
		add(items, "invariant TSC", KVT_PREFLIGHT_OK, "the destination's TSC is invariant");
	else if (b < 0)
		add(items, "invariant TSC", KVT_PREFLIGHT_UNKNOWN,
		    "whether the destination's TSC is invariant is not known");
	else if (a == 1 && wants_invariant(vm))
		add(items, "invariant TSC", KVT_PREFLIGHT_BLOCK,
		    "the source's TSC is invariant, the destination's is not: a guest that was shown "
		    "invtsc runs on a promise that ends there");
	else
		add(items, "invariant TSC", KVT_PREFLIGHT_CARE,
		    "the destination's TSC is not invariant");
}

static void judge_source(GArray *items, const struct kvt_facts *from, const struct kvt_facts *to)
{
	const char *a = text_of(from, "clocksource.current"),
		   *b = text_of(to, "clocksource.current");

	if (b == NULL)
		add(items, "clock source", KVT_PREFLIGHT_UNKNOWN,
		    "the destination's clock source is not known");
	else if (strcmp(b, "tsc") == 0 || strcmp(b, "hyperv_clocksource_tsc_page") == 0)
		add(items, "clock source", KVT_PREFLIGHT_OK, "the destination runs on %s", b);
	else
		add(items, "clock source", KVT_PREFLIGHT_CARE,
		    "the destination runs on %s%s%s: guests lose the stable bit of kvm-clock, and each "
		    "clock read becomes a system call",
		    b, a != NULL ? ", the source on " : "", a != NULL ? a : "");
}

static void judge_vendor(GArray *items, const struct kvt_facts *from, const struct kvt_facts *to)
{
	const char *a = text_of(from, "cpu.vendor"), *b = text_of(to, "cpu.vendor");

	if (a == NULL || b == NULL)
		add(items, "CPU vendor", KVT_PREFLIGHT_UNKNOWN, "a CPU vendor is not known");
	else if (strcmp(a, b) == 0)
		add(items, "CPU vendor", KVT_PREFLIGHT_OK, "both are %s", a);
	else
		add(items, "CPU vendor", KVT_PREFLIGHT_BLOCK, "%s to %s: no CPU model fits both", a,
		    b);
}

static void judge_kernel(GArray *items, const struct kvt_facts *from, const struct kvt_facts *to)
{
	const struct kvt_fact *a = known(from, "kernel.version"), *b = known(to, "kernel.version");

	if (a == NULL || b == NULL) {
		add(items, "kernel", KVT_PREFLIGHT_UNKNOWN, "a kernel version is not known");
		return;
	}
	/* KVM_CLOCK_REALTIME and KVM_VCPU_TSC_OFFSET came with 5.16 */
	if (kvt_version_compare(a->text, "5.16") >= 0 && kvt_version_compare(b->text, "5.16") < 0)
		add(items, "kernel", KVT_PREFLIGHT_CARE,
		    "Linux %s to %s: before 5.16 KVM cannot move kvm-clock on by the time that the "
		    "move took",
		    a->text, b->text);
	else
		add(items, "kernel", KVT_PREFLIGHT_OK, "Linux %s and %s", a->text, b->text);
}

static double real_of(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = known(facts, name);

	return fact != NULL ? fact->real : 0;
}

/* positive = the host's clock is behind the true time */
static double lag_s(const struct kvt_facts *facts)
{
	return known(facts, "ntp.daemon_offset_s") != NULL ? real_of(facts, "ntp.daemon_offset_s")
							   : real_of(facts, "ntp.offset_s");
}

static void judge_ntp(GArray *items, const struct kvt_facts *from, const struct kvt_facts *to)
{
	const int a = flag_of(from, "ntp.synchronised"), b = flag_of(to, "ntp.synchronised");
	const double apart_s = fabs(lag_s(from) - lag_s(to));
	const double bound_s = real_of(from, "ntp.maxerror_s") + real_of(to, "ntp.maxerror_s");

	if (a < 0 || b < 0)
		add(items, "NTP", KVT_PREFLIGHT_UNKNOWN, "whether %s keeps time is not known",
		    a < 0 ? "the source" : "the destination");
	else if (a == 0 || b == 0)
		add(items, "NTP", KVT_PREFLIGHT_CARE,
		    "nothing keeps the clock of %s: a guest that follows its host jumps",
		    a == 0 ? "the source" : "the destination");
	else if (apart_s > NTP_CARE_S)
		add(items, "NTP", KVT_PREFLIGHT_CARE,
		    "the hosts' clocks are %.3f s apart: a guest that follows its host jumps by that",
		    apart_s);
	else
		add(items, "NTP", KVT_PREFLIGHT_OK, "both synchronised; at most %.3f s apart",
		    apart_s + bound_s);
}

static void judge_nesting(GArray *items, const struct kvt_facts *to)
{
	const int guest = flag_of(to, "virt.guest");

	if (guest < 0)
		add(items, "bare machine", KVT_PREFLIGHT_UNKNOWN,
		    "whether the destination is a virtual machine itself is not known");
	else if (guest == 1)
		add(items, "bare machine", KVT_PREFLIGHT_CARE,
		    "the destination is a virtual machine itself: its own migrations move its guests' "
		    "clocks");
	else
		add(items, "bare machine", KVT_PREFLIGHT_OK,
		    "the destination is no virtual machine");
}

static void judge_definition(GArray *items, const struct kvt_facts *vm)
{
	const struct kvt_fact *fact = vm != NULL ? kvt_facts_get(vm, KVT_VM, "migration") : NULL;

	if (fact == NULL || fact->state != KVT_KNOWN)
		return;
	if (strcmp(fact->text, "possible") == 0)
		add(items, "definition", KVT_PREFLIGHT_OK, "nothing in it is against a migration");
	else
		add(items, "definition", KVT_PREFLIGHT_BLOCK, "migration is %s (%s)", fact->text,
		    fact->source);
}

GArray *kvt_preflight(const struct kvt_facts *from, const struct kvt_facts *to,
		      const struct kvt_facts *vm)
{
	GArray *items = g_array_new(FALSE, FALSE, sizeof(struct kvt_preflight_item));

	g_array_set_clear_func(items, clear_item);
	judge_rate(items, from, to);
	judge_invariant(items, from, to, vm);
	judge_source(items, from, to);
	judge_vendor(items, from, to);
	judge_kernel(items, from, to);
	judge_ntp(items, from, to);
	judge_nesting(items, to);
	judge_definition(items, vm);
	return items;
}

enum kvt_preflight_verdict kvt_preflight_worst(const GArray *items)
{
	enum kvt_preflight_verdict worst = KVT_PREFLIGHT_OK;

	for (guint i = 0; i < items->len; i++)
		worst = MAX(worst, g_array_index(items, struct kvt_preflight_item, i).verdict);
	return worst;
}

const char *kvt_preflight_word(enum kvt_preflight_verdict verdict)
{
	static const char *const words[] = { "ok", "unknown", "care", "block" };

	return words[verdict];
}
