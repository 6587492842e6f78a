/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/missing.h"

#include <string.h>

/* Where a fact is read: shell words of files, or a command and the file of a record it stands for.
 */
static const struct {
	const char *fact; /* or what it begins with */
	const char *files;
	const char *name, *command;
} sources[] = {
	{ "clocksource.", "/sys/devices/system/clocksource/clocksource0/*_clocksource", NULL,
	  NULL },
	{ "cmdline.", "/proc/cmdline", NULL, NULL },
	{ "kernel.", "/proc/version", NULL, NULL },
	{ "tsc.", "/proc/cpuinfo", NULL, NULL },
	{ "cpu.", "/proc/cpuinfo", NULL, NULL },
	{ "steal.", "/proc/stat", NULL, NULL },
	{ "cpuidle.",
	  "/sys/devices/system/cpu/cpuidle/current_driver "
	  "/sys/devices/system/cpu/cpu0/cpuidle/*/name "
	  "/sys/devices/system/cpu/cpu0/cpuidle/*/disable",
	  NULL, NULL },
	{ "cpufreq.",
	  "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor "
	  "/sys/devices/system/cpu/cpu*/cpufreq/scaling_min_freq "
	  "/sys/devices/system/cpu/cpu*/cpufreq/cpuinfo_max_freq",
	  NULL, NULL },
	{ "kvm.", "/sys/module/kvm*/parameters/* /sys/module/kvm_*/refcnt", NULL, NULL },
	{ "ptp.", "/sys/class/ptp/*/clock_name", NULL, NULL },
	{ "rtc.local", "/etc/adjtime", NULL, NULL },
	{ "tuned.", "/etc/tuned/active_profile", NULL, NULL },
	{ "libvirt_guests.", "/etc/sysconfig/libvirt-guests /etc/default/libvirt-guests", NULL,
	  NULL },
	{ "agent.set_time_blocked",
	  "/etc/sysconfig/qemu-ga /etc/default/qemu-guest-agent /etc/qemu/qemu-ga.conf", NULL,
	  NULL },
	{ "chrony.", "/etc/chrony.conf /etc/chrony/chrony.conf", NULL, NULL },
	{ "ntp.servers", "/etc/ntp.conf /etc/chrony.conf /etc/chrony/chrony.conf", NULL, NULL },
	{ "virt.", "/sys/class/dmi/id/*_vendor /sys/class/dmi/id/product_name /proc/2/comm", NULL,
	  NULL },
	{ "xen.", "/proc/sys/xen/independent_wallclock", NULL, NULL },
	{ "log.", NULL, "log", "dmesg" },
	{ "ntp.daemon_offset_s", NULL, "chronyc-tracking", "chronyc -c tracking" },
	{ "ntp.daemon_synchronised", NULL, "chronyc-tracking", "chronyc -c tracking" },
	{ "ntp.", NULL, "processes", "ps -eo pid=,comm=,args=" },
};

static void add(GPtrArray *list, const char *text)
{
	if (text != NULL && !g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL))
		g_ptr_array_add(list, (gpointer)(guintptr)text);
}

static void add_source(const char *fact, GPtrArray *files, GPtrArray *commands)
{
	for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
		if (!g_str_has_prefix(fact, sources[i].fact))
			continue;
		add(files, sources[i].files);
		if (sources[i].command != NULL &&
		    !g_ptr_array_find_with_equal_func(commands, sources[i].name, g_str_equal,
						      NULL)) {
			g_ptr_array_add(commands, (gpointer)(guintptr)sources[i].name);
			g_ptr_array_add(commands, (gpointer)(guintptr)sources[i].command);
		}
		return;
	}
}

/* the facts of a rule that nobody could say */
static void add_rule(const struct kvt_judgement *judgement, const struct kvt_finding *finding,
		     GPtrArray *files, GPtrArray *commands)
{
	for (guint i = 0; i < finding->rule->conditions->len; i++) {
		const struct kvt_condition *condition = finding->rule->conditions->pdata[i];
		const unsigned subject =
			condition->subject == KVT_MACHINE ? finding->subject : condition->subject;
		const struct kvt_fact *fact =
			kvt_facts_get(judgement->facts, subject, condition->def->name);

		if (!condition->configured && (fact == NULL || fact->state == KVT_UNKNOWN))
			add_source(condition->def->name, files, commands);
	}
}

char *kvt_missing_line(const struct kvt_judgement *judgement)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new();
	g_autoptr(GPtrArray) commands = g_ptr_array_new();
	GString *line;

	for (guint i = 0; i < judgement->results->len; i++) {
		const struct kvt_finding *finding = judgement->results->pdata[i];

		if (finding->verdict == KVT_UNDECIDED)
			add_rule(judgement, finding, files, commands);
	}
	if (files->len == 0 && commands->len == 0)
		return NULL;
	line = g_string_new("(echo kvmtime-record 1;");
	if (files->len > 0) {
		g_string_append(line, " for f in");
		for (guint i = 0; i < files->len; i++)
			g_string_append_printf(line, " %s", (const char *)files->pdata[i]);
		g_string_append(line, "; do [ -r $f ] && echo \"= $f\" && sed 's/^/|/' $f; done;");
	}
	for (guint i = 0; i + 1 < commands->len; i += 2)
		g_string_append_printf(line, " echo '= /kvmtime/%s'; %s | sed 's/^ */|/';",
				       (const char *)commands->pdata[i],
				       (const char *)commands->pdata[i + 1]);
	g_string_append(line, " echo end) >missing.record");
	return g_string_free(line, FALSE);
}
