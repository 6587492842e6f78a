/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor, its TSC, what the hypervisor offers, idle states and frequency. */
#include <string.h>

#include "check/machine.h"
#include "sys/cpuinfo.h"

#define CPUINFO_LIMIT (64u << 20)
#define CPUINFO       "/proc/cpuinfo"

static void set_flags(const struct kvt_reader *reader, const struct kvt_cpuinfo *info)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = {
		{ "tsc.constant", KVT_CPU_CONSTANT_TSC },
		{ "tsc.nonstop", KVT_CPU_NONSTOP_TSC },
		{ "tsc.reliable", KVT_CPU_TSC_RELIABLE },
		{ "tsc.known_freq", KVT_CPU_TSC_KNOWN_FREQ },
		{ "tsc.adjust", KVT_CPU_TSC_ADJUST },
	};

	for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
		if (info->has_flags)
			kvt_facts_set_bool(reader->facts, reader->who, flags[i].name,
					   (info->all & flags[i].flag) != 0, CPUINFO);
		else
			kvt_facts_set_unknown(reader->facts, reader->who, flags[i].name, false,
					      CPUINFO ": no flags line");
	if (info->has_flags)
		kvt_facts_set_bool(reader->facts, reader->who, "tsc.scaling",
				   (info->any & KVT_CPU_TSC_SCALE) != 0, CPUINFO);
}

/* The CPU's own word where it can be had; else both of the kernel's flags. */
static void set_invariant(const struct kvt_reader *reader, const struct kvt_cpuinfo *info)
{
	const unsigned both = KVT_CPU_CONSTANT_TSC | KVT_CPU_NONSTOP_TSC;
	uint32_t regs[4];

	if (reader->answers->cpuid(reader->answers->user, 0x80000007u, 0, regs) == 0)
		kvt_facts_set_bool(reader->facts, reader->who, "tsc.invariant", regs[3] >> 8 & 1,
				   "CPUID 80000007h EDX bit 8");
	else if (info->has_flags)
		kvt_facts_set_bool(reader->facts, reader->who, "tsc.invariant",
				   (info->all & both) == both, CPUINFO);
	else
		kvt_facts_set_unknown(reader->facts, reader->who, "tsc.invariant", false,
				      "no CPUID and no flags line");
}

static void set_numbers(const struct kvt_reader *reader, const struct kvt_cpuinfo *info)
{
	if (info->vendor[0] != '\0')
		kvt_facts_set_text(reader->facts, reader->who, "cpu.vendor", info->vendor, CPUINFO);
	if (info->name[0] != '\0')
		kvt_facts_set_text(reader->facts, reader->who, "cpu.name", info->name, CPUINFO);
	if (info->family >= 0)
		kvt_facts_set_int(reader->facts, reader->who, "cpu.family", info->family, CPUINFO);
	if (info->model >= 0)
		kvt_facts_set_int(reader->facts, reader->who, "cpu.model", info->model, CPUINFO);
	if (info->count > 0)
		kvt_facts_set_int(reader->facts, reader->who, "cpu.count", info->count, CPUINFO);
	if (info->packages > 0)
		kvt_facts_set_int(reader->facts, reader->who, "cpu.packages", info->packages,
				  CPUINFO);
}

static void read_cpuinfo(const struct kvt_reader *reader)
{
	static const char *const names[] = { "cpu.vendor", "cpu.name",  "cpu.family",
					     "cpu.model",  "cpu.count", "cpu.packages",
					     "tsc.scaling" };
	g_autoptr(GError) error = NULL;
	gsize len = 0;
	g_autofree char *text = kvt_root_read(reader->root, CPUINFO, CPUINFO_LIMIT, &len, &error);
	struct kvt_cpuinfo info;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		kvt_facts_set_unknown(reader->facts, reader->who, names[i], false,
				      error != NULL ? error->message : CPUINFO ": does not say it");
	kvt_cpuinfo_parse(text != NULL ? text : "", len, &info);
	set_flags(reader, &info);
	set_invariant(reader, &info);
	set_numbers(reader, &info);
}

/* ---- what KVM's CPUID leaves offer ---- */

static bool kvm_features(const struct kvt_reader *reader, uint32_t *ret_eax)
{
	static const uint32_t bases[] = { 0x40000000u, 0x40000100u };
	uint32_t regs[4];

	for (guint i = 0; i < G_N_ELEMENTS(bases); i++) {
		if (reader->answers->cpuid(reader->answers->user, bases[i], 0, regs) < 0 ||
		    memcmp(&regs[1], "KVMKVMKVM\0\0\0", 12) != 0)
			continue;
		if (reader->answers->cpuid(reader->answers->user, bases[i] + 1, 0, regs) < 0)
			return false;
		*ret_eax = regs[0];
		return true;
	}
	return false;
}

static void read_offer(const struct kvt_reader *reader)
{
	static const struct {
		const char *name;
		uint32_t mask;
	} offers[] = {
		{ "kvmclock.offered", 1u << 0 | 1u << 3 },
		{ "kvmclock.new_msrs", 1u << 3 },
		{ "kvmclock.stable_promise", 1u << 24 },
		{ "steal.offered", 1u << 5 },
	};
	uint32_t features = 0;
	const bool known = kvm_features(reader, &features);
	const bool kvm =
		strcmp(kvt_facts_text(reader->facts, "virt.hypervisor", "kvm"), "kvm") == 0;

	for (guint i = 0; i < G_N_ELEMENTS(offers); i++)
		if (known)
			kvt_facts_set_bool(reader->facts, reader->who, offers[i].name,
					   (features & offers[i].mask) != 0, "CPUID 40000001h EAX");
		else if (kvm)
			kvt_facts_set_unknown(reader->facts, reader->who, offers[i].name, false,
					      "KVM's CPUID leaves were not read");
		else
			kvt_facts_set_absent(reader->facts, reader->who, offers[i].name,
					     "no KVM below this machine");
}

/* ---- idle states, frequency, steal ---- */

#define IDLE "/sys/devices/system/cpu/cpu0/cpuidle"

static bool is_deep(const char *state)
{
	return state[0] == 'C' &&
	       (state[1] > '1' || (state[1] == '1' && g_ascii_isdigit(state[2])));
}

static void read_idle(const struct kvt_reader *reader)
{
	g_autofree char *driver = kvt_read_line(
		reader, "/sys/devices/system/cpu/cpuidle/current_driver", "cpuidle.driver", true);
	g_autoptr(GPtrArray) states = kvt_root_list(reader->root, IDLE);

	if (driver != NULL)
		kvt_facts_set_text(reader->facts, reader->who, "cpuidle.driver", driver,
				   "/sys/devices/system/cpu/cpuidle/current_driver");
	if (states == NULL && !kvt_read_covers(reader, IDLE)) {
		kvt_facts_set_unknown(reader->facts, reader->who, "cpuidle.deep", false,
				      "not recorded");
		return;
	}
	if (states == NULL) {
		kvt_facts_set_absent(reader->facts, reader->who, "cpuidle.deep", IDLE);
		return;
	}
	kvt_facts_set_list(reader->facts, reader->who, "cpuidle.deep", NULL, IDLE);
	for (guint i = 0; i < states->len; i++) {
		g_autofree char *name_path =
			g_strdup_printf(IDLE "/%s/name", (const char *)states->pdata[i]);
		g_autofree char *off_path =
			g_strdup_printf(IDLE "/%s/disable", (const char *)states->pdata[i]);
		g_autofree char *name = kvt_root_line(reader->root, name_path);
		g_autofree char *off = kvt_root_line(reader->root, off_path);

		if (name != NULL && is_deep(name) && (off == NULL || strcmp(off, "0") == 0))
			kvt_facts_add_word(reader->facts, reader->who, "cpuidle.deep", name, IDLE);
	}
}

/* No cpufreq folder at all: nothing here changes the frequency behind the kernel's back. */
static void read_frequency(const struct kvt_reader *reader)
{
	const char *base = "/sys/devices/system/cpu";
	g_autoptr(GPtrArray) cpus = kvt_root_list(reader->root, base);
	bool any = false, fixed = true;

	for (guint i = 0; cpus != NULL && i < cpus->len; i++) {
		const char *cpu = cpus->pdata[i];
		g_autofree char *governor_path =
			g_strdup_printf("%s/%s/cpufreq/scaling_governor", base, cpu);
		g_autofree char *min_path =
			g_strdup_printf("%s/%s/cpufreq/scaling_min_freq", base, cpu);
		g_autofree char *max_path =
			g_strdup_printf("%s/%s/cpufreq/cpuinfo_max_freq", base, cpu);
		g_autofree char *governor = kvt_root_line(reader->root, governor_path);
		g_autofree char *min = NULL, *max = NULL;

		if (governor == NULL)
			continue;
		min = kvt_root_line(reader->root, min_path);
		max = kvt_root_line(reader->root, max_path);
		any = true;
		fixed &= strcmp(governor, "performance") == 0 ||
			 (min != NULL && max != NULL && strcmp(min, max) == 0);
		kvt_facts_add_word(reader->facts, reader->who, "cpufreq.governors", governor,
				   "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
	}
	if (any)
		kvt_facts_set_bool(reader->facts, reader->who, "cpufreq.fixed", fixed,
				   "/sys/devices/system/cpu/cpu*/cpufreq");
	else if (!kvt_read_covers(reader, base)) {
		kvt_facts_set_unknown(reader->facts, reader->who, "cpufreq.governors", false,
				      "not recorded");
		kvt_facts_set_unknown(reader->facts, reader->who, "cpufreq.fixed", false,
				      "not recorded");
	} else {
		kvt_facts_set_absent(reader->facts, reader->who, "cpufreq.governors", base);
		kvt_facts_set_absent(reader->facts, reader->who, "cpufreq.fixed", base);
	}
}

/* "cpu user nice system idle iowait irq softirq steal ..." since boot */
static void read_steal(const struct kvt_reader *reader)
{
	g_autofree char *line = kvt_read_line(reader, "/proc/stat", "steal.percent", false);
	g_auto(GStrv) words = kvt_words(line != NULL ? line : "");
	double all = 0, steal = 0;

	if (line == NULL)
		return;
	if (g_strv_length(words) < 9 || strcmp(words[0], "cpu") != 0) {
		kvt_facts_set_absent(reader->facts, reader->who, "steal.percent", "/proc/stat");
		return;
	}
	for (guint i = 1; i < 9; i++) {
		const double ticks = g_ascii_strtod(words[i], NULL);

		all += ticks;
		steal = i == 8 ? ticks : steal;
	}
	kvt_facts_set_real(reader->facts, reader->who, "steal.percent",
			   all > 0 ? 100 * steal / all : 0, "/proc/stat");
}

void kvt_read_cpu(const struct kvt_reader *reader)
{
	read_cpuinfo(reader);
	read_offer(reader);
	read_idle(reader);
	read_frequency(reader);
	read_steal(reader);
}
