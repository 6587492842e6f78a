/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock source that is in use, and the CPUs' frequency. */
#include <string.h>

#include "bench/switch.h"
#include "fix/remedy.h"
#include "fix/settings.h"
#include "sys/error.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/"

/* The VMs that run here by name, or what the modules' use count says; owned, NULL = none. */
static char *vms_here(const struct kvt_plan *plan)
{
	g_autoptr(GPtrArray) vms = kvt_running_vms(plan->root);
	const struct kvt_fact *fact =
		plan->facts != NULL ? kvt_facts_any(plan->facts, "kvm.in_use") : NULL;

	if (vms->len > 0) {
		g_ptr_array_add(vms, NULL);
		return g_strjoinv(", ", (char **)vms->pdata);
	}
	return fact != NULL && fact->state == KVT_KNOWN && fact->flag
		       ? g_strdup("KVM is in use, by whom is not seen")
		       : NULL;
}

/* What bench --stability goes by is measured by check too. */
static bool is_tsc_distrusted(const struct kvt_plan *plan)
{
	return plan->facts != NULL && !kvt_facts_is(plan->facts, "tsc.trusted", true);
}

bool kvt_remedy_use_clocksource(struct kvt_plan *plan, char **args, GError **error)
{
	g_autofree char *list = kvt_root_line(plan->root, CLOCKSOURCE "available_clocksource");
	g_auto(GStrv) names = g_strsplit(list != NULL ? list : "", " ", -1);
	g_autofree char *vms = NULL;

	if (!plan->live) {
		kvt_plan_run(plan, false, "echo %s >" CLOCKSOURCE "current_clocksource", args[0]);
		return true;
	}
	/* sysfs would take any name and select the best-rated source instead */
	if (!g_strv_contains((const char *const *)names, args[0]))
		return kvt_remedy_refuse(error, "the clock source %s is not available (%s)",
					 args[0], list != NULL ? list : "the list cannot be read");
	if (strcmp(args[0], "tsc") == 0 && is_tsc_distrusted(plan))
		return kvt_remedy_refuse(error, "the TSC of this machine must not be trusted: %s",
					 kvt_facts_any(plan->facts, "tsc.trusted")->source);
	vms = vms_here(plan);
	if (vms != NULL && !plan->despite_vms)
		return kvt_remedy_refuse(error,
					 "VMs run here, and every one of them feels a change of "
					 "the host's clock source (%s); --despite-vms does it",
					 vms);
	kvt_plan_switch(plan, CLOCKSOURCE "current_clocksource", args[0]);
	return true;
}

static GPtrArray *policies(const struct kvt_plan *plan)
{
	GPtrArray *cpus = kvt_root_list(plan->root, "/sys/devices/system/cpu");
	GPtrArray *found = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; cpus != NULL && i < cpus->len; i++) {
		const char *name = cpus->pdata[i];

		if (g_str_has_prefix(name, "cpu") && g_ascii_isdigit(name[3]))
			g_ptr_array_add(found, g_strconcat("/sys/devices/system/cpu/", name,
							   "/cpufreq/", NULL));
	}
	if (cpus != NULL)
		g_ptr_array_unref(cpus);
	return found;
}

/* The highest of all frequencies on offer, or NULL. */
static char *highest_frequency(const struct kvt_plan *plan)
{
	g_autoptr(GPtrArray) found = policies(plan);
	guint64 highest = 0;

	for (guint i = 0; i < found->len; i++) {
		g_autofree char *path =
			g_strconcat(found->pdata[i], "scaling_available_frequencies", NULL);
		g_autofree char *line = kvt_root_line(plan->root, path);
		g_auto(GStrv) numbers = g_strsplit(line != NULL ? line : "", " ", -1);

		for (guint k = 0; numbers[k] != NULL; k++)
			highest = MAX(highest, g_ascii_strtoull(numbers[k], NULL, 10));
	}
	return highest > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT, highest) : NULL;
}

static bool hold_by_cpuspeed(struct kvt_plan *plan, GError **error)
{
	static const char path[] = "/etc/sysconfig/cpuspeed";
	g_autofree char *highest = highest_frequency(plan);

	if (highest == NULL)
		return kvt_remedy_refuse(
			error, "no scaling_available_frequencies, so the highest is unknown");
	if (!kvt_plan_set_variable(plan, path, "MIN_SPEED", highest, error) ||
	    !kvt_plan_set_variable(plan, path, "MAX_SPEED", highest, error))
		return false;
	kvt_plan_restart(plan, "cpuspeed");
	return true;
}

static bool hold_by_cpupower(struct kvt_plan *plan, GError **error)
{
	static const char path[] = "/etc/sysconfig/cpupower";

	if (!kvt_plan_has(plan, path))
		kvt_plan_run(plan, false, "%s kernel-tools", kvt_plan_installer(plan));
	if (!kvt_plan_set_variable(plan, path, "CPUPOWER_START_OPTS",
				   "frequency-set -g performance", error) ||
	    !kvt_plan_set_variable(plan, path, "CPUPOWER_STOP_OPTS", "frequency-set -g performance",
				   error))
		return false;
	kvt_plan_enable(plan, "cpupower.service");
	return true;
}

/* One frequency for ever: for hosts whose TSC follows the core's clock. */
bool kvt_remedy_hold_frequency(struct kvt_plan *plan, char **args, GError **error)
{
	g_autoptr(GPtrArray) found = policies(plan);

	(void)args;
	for (guint i = 0; plan->live && i < found->len; i++) {
		g_autofree char *path = g_strconcat(found->pdata[i], "scaling_governor", NULL);

		kvt_plan_switch(plan, path, "performance");
	}
	if (kvt_plan_has(plan, "/etc/sysconfig/cpuspeed"))
		return hold_by_cpuspeed(plan, error);
	if (kvt_plan_is_debian(plan)) {
		if (!kvt_plan_set_variable(plan, "/etc/default/cpufrequtils", "GOVERNOR",
					   "performance", error))
			return false;
		kvt_plan_run(plan, false, "apt-get install -y cpufrequtils");
		return true;
	}
	if (kvt_plan_has(plan, "/usr/bin/zypper")) { /* its cpupower has no service */
		kvt_plan_run(plan, false, "zypper install -y tuned");
		kvt_plan_enable(plan, "tuned");
		kvt_plan_run(plan, false, "tuned-adm profile throughput-performance");
		return true;
	}
	return hold_by_cpupower(plan, error);
}
