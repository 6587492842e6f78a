/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What files say will run after the next boot or start of a service, where the other readers say
 * what runs: module options, sysctl, the services that hold a CPU frequency, ntpd's options. Where
 * the running value is not known, or no such file is there, nothing is said.
 */
#include <string.h>

#include "check/machine.h"
#include "check/sysctl.h"

static bool is_known(const struct kvt_reader *reader, const char *name)
{
	const struct kvt_fact *fact = kvt_facts_any(reader->facts, name);

	return fact != NULL && fact->state == KVT_KNOWN;
}

/* Calls back for each line of a folder's files of a suffix, in the order of their names. */
typedef void (*take_line)(const char *line, const char *source, gpointer context);

static void take_text(const struct kvt_reader *reader, const char *path, take_line take,
		      gpointer context)
{
	g_autofree char *text = kvt_read_file(reader, path);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *source = g_strdup_printf("%s:%u", path, i + 1);

		take(lines[i], source, context);
	}
}

static bool take_folder(const struct kvt_reader *reader, const char *folder, take_line take,
			gpointer context)
{
	g_autoptr(GPtrArray) names = kvt_root_list(reader->root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);

		if (g_str_has_suffix(path, ".conf"))
			take_text(reader, path, take, context);
	}
	return names != NULL;
}

/* ---- module options ---- */

static const struct parameter {
	const char *fact, *module, *name;
	bool fallback; /* of a kernel that is told nothing */
} parameters[] = {
	{ "kvm.ignore_msrs", "kvm", "ignore_msrs", false },
	{ "kvm.kvmclock_periodic_sync", "kvm", "kvmclock_periodic_sync", true },
	{ "kvm.tsc_scaling", "kvm_amd", "tsc_scaling", true },
};

struct option {
	const struct parameter *parameter;
	bool value;
	char *source;
};

static bool is_yes(const char *value)
{
	return value[0] == '1' || value[0] == 'Y' || value[0] == 'y';
}

static void set_option(struct option *option, bool value, const char *source)
{
	option->value = value;
	g_free(option->source);
	option->source = g_strdup(source);
}

static void take_option(const char *line, const char *source, gpointer context)
{
	struct option *option = context;
	const struct parameter *parameter = option->parameter;
	g_auto(GStrv) words = kvt_words(line);
	const gsize len = strlen(parameter->name);

	if (g_strv_length(words) < 3 || strcmp(words[0], "options") != 0 ||
	    strcmp(words[1], parameter->module) != 0)
		return;
	for (guint i = 2; words[i] != NULL; i++)
		if (strncmp(words[i], parameter->name, len) == 0 &&
		    (words[i][len] == '=' || words[i][len] == '\0'))
			set_option(option, words[i][len] == '\0' || is_yes(words[i] + len + 1),
				   source);
}

/* "kvm.ignore_msrs=1" of the boot line goes before what modprobe is told */
static void take_boot_line(const struct kvt_reader *reader, struct option *option)
{
	g_autofree char *line = kvt_read_file(reader, "/proc/cmdline");
	g_auto(GStrv) words = kvt_words(line != NULL ? line : "");
	g_autofree char *word =
		g_strconcat(option->parameter->module, ".", option->parameter->name, "=", NULL);

	for (guint i = 0; words[i] != NULL; i++)
		if (g_str_has_prefix(words[i], word))
			set_option(option, is_yes(words[i] + strlen(word)), "/proc/cmdline");
}

static void read_options(const struct kvt_reader *reader)
{
	for (guint i = 0; i < G_N_ELEMENTS(parameters); i++) {
		struct option option = { &parameters[i], parameters[i].fallback,
					 g_strdup("/etc/modprobe.d says nothing") };

		if (is_known(reader, parameters[i].fact) &&
		    take_folder(reader, "/etc/modprobe.d", take_option, &option)) {
			take_boot_line(reader, &option);
			kvt_facts_set_bool(reader->facts, reader->who | KVT_CONFIGURED,
					   parameters[i].fact, option.value, option.source);
		}
		g_free(option.source);
	}
}

/* ---- sysctl ---- */

static void take_wallclock(const char *line, const char *source, gpointer context)
{
	const struct kvt_reader *reader = context;
	const gsize begin = kvt_sysctl_value(line, "xen.independent_wallclock");

	if (begin > 0)
		kvt_facts_set_int(reader->facts, reader->who | KVT_CONFIGURED,
				  "xen.independent_wallclock",
				  g_ascii_strtoll(line + begin, NULL, 10), source);
}

static void read_sysctl(const struct kvt_reader *reader)
{
	if (!is_known(reader, "xen.independent_wallclock"))
		return;
	take_folder(reader, "/etc/sysctl.d", take_wallclock, (gpointer)(guintptr)reader);
	take_text(reader, "/etc/sysctl.conf", take_wallclock, (gpointer)(guintptr)reader);
}

/* ---- a frequency that is held ---- */

static bool is_enabled(const struct kvt_reader *reader, const char *unit, const char *script)
{
	g_autofree char *wanted =
		g_strdup_printf("/etc/systemd/system/multi-user.target.wants/%s.service", unit);
	g_autoptr(GPtrArray) links = kvt_root_list(reader->root, "/etc/rc.d/rc3.d");

	for (guint i = 0; links != NULL && script != NULL && i < links->len; i++) {
		const char *link = links->pdata[i];

		if (link[0] == 'S' && strlen(link) > 3 && strcmp(link + 3, script) == 0)
			return true;
	}
	return kvt_root_exists(reader->root, wanted);
}

static void hold(const struct kvt_reader *reader, const char *path, bool held)
{
	if (held)
		kvt_facts_set_bool(reader->facts, reader->who | KVT_CONFIGURED, "cpufreq.fixed",
				   true, path);
}

static void read_frequency(const struct kvt_reader *reader)
{
	g_autofree char *cpuspeed = kvt_read_file(reader, "/etc/sysconfig/cpuspeed");
	g_autofree char *cpupower = kvt_read_file(reader, "/etc/sysconfig/cpupower");
	g_autofree char *min = NULL, *max = NULL, *start = NULL;

	if (!is_known(reader, "cpufreq.fixed"))
		return;
	if (cpuspeed != NULL) {
		min = kvt_read_setting(cpuspeed, "MIN_SPEED", NULL);
		max = kvt_read_setting(cpuspeed, "MAX_SPEED", NULL);
		hold(reader, "/etc/sysconfig/cpuspeed",
		     min != NULL && max != NULL && min[0] != '\0' && strcmp(min, max) == 0 &&
			     is_enabled(reader, "cpuspeed", "cpuspeed"));
	}
	if (cpupower != NULL) {
		start = kvt_read_setting(cpupower, "CPUPOWER_START_OPTS", NULL);
		hold(reader, "/etc/sysconfig/cpupower",
		     start != NULL && strstr(start, "-g performance") != NULL &&
			     is_enabled(reader, "cpupower", NULL));
	}
}

/* ---- ntpd's options ---- */

static void read_ntpd_options(const struct kvt_reader *reader)
{
	static const struct {
		const char *path, *variable;
	} files[] = {
		{ "/etc/sysconfig/ntpd", "OPTIONS" },
		{ "/etc/sysconfig/ntp", "NTPD_OPTIONS" },
		{ "/etc/default/ntp", "NTPD_OPTS" },
		{ "/etc/default/ntpsec", "NTPD_OPTS" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(files) && is_known(reader, "ntp.slew_only"); i++) {
		g_autofree char *text = kvt_read_file(reader, files[i].path);
		g_autofree char *value =
			text != NULL ? kvt_read_setting(text, files[i].variable, NULL) : NULL;
		g_auto(GStrv) words = kvt_words(value != NULL ? value : "");

		if (value == NULL)
			continue;
		kvt_facts_set_bool(reader->facts, reader->who | KVT_CONFIGURED, "ntp.slew_only",
				   g_strv_contains((const char *const *)words, "-x"),
				   files[i].path);
		return;
	}
}

void kvt_read_files(const struct kvt_reader *reader)
{
	read_options(reader);
	read_sysctl(reader);
	read_frequency(reader);
	read_ntpd_options(reader);
}
