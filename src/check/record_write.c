/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a machine is written down: the files of one list, each through a filter that keeps what
 * is about time. tools/record.sh keeps the same list; a test compares the two.
 */
#include <string.h>

#include "check/machine.h"
#include "check/messages.h"
#include "check/record.h"
#include "check/record_hide.h"
#include "sys/timepages.h"

struct writer {
	const struct kvt_root *root;
	const struct kvt_answers *answers;
	GString *out;
	struct kvt_hider *hider;
};

/* ---- filters: NULL = leave the line out ---- */

typedef char *(*filter)(struct writer *writer, const char *line);

static char *all_of_it(struct writer *writer, const char *line)
{
	return kvt_hide_text(writer->hider, line);
}

static bool begins_with(const char *line, const char *const *words)
{
	while (g_ascii_isspace(*line))
		line++;
	for (; *words != NULL; words++)
		if (g_str_has_prefix(line, *words))
			return true;
	return false;
}

static char *cpuinfo_line(struct writer *writer, const char *line)
{
	static const char *const keys[] = { "processor", "vendor_id",   "cpu family", "model",
					    "cpu MHz",   "physical id", NULL };
	static const char *const flags[] = {
		"tsc",        "constant_tsc", "nonstop_tsc", "tsc_reliable", "tsc_known_freq",
		"tsc_adjust", "tsc_scale",    "tsc_scaling", "hypervisor",   "rdtscp",
		"vmx",        "svm",          NULL
	};
	g_auto(GStrv) words = NULL;
	GString *out;

	(void)writer;
	if (begins_with(line, keys))
		return g_strdup(line);
	if (!g_str_has_prefix(line, "flags") && !g_str_has_prefix(line, "vmx flags"))
		return NULL;
	words = kvt_words(line);
	out = g_string_new(g_str_has_prefix(line, "flags") ? "flags\t\t:" : "vmx flags\t:");
	for (guint i = 0; words[i] != NULL; i++)
		if (g_strv_contains(flags, words[i]))
			g_string_append_printf(out, " %s", words[i]);
	return g_string_free(out, FALSE);
}

/* the words about time of a kernel command line, quotes and all else gone */
static char *boot_words(const char *prefix, const char *text, const char *suffix)
{
	g_autofree char *plain = g_strdelimit(g_strdup(text), "\"'", ' ');
	g_auto(GStrv) words = kvt_words(plain);
	GString *out = g_string_new(prefix);

	for (guint i = 0; words[i] != NULL && strcmp(words[i], "--") != 0; i++)
		if (kvt_cmdline_is_known(words[i]))
			g_string_append_printf(
				out, "%s%s",
				out->len > 0 && out->str[out->len - 1] != '"' ? " " : "", words[i]);
	g_string_append(out, suffix);
	return g_string_free(out, FALSE);
}

static char *cmdline_line(struct writer *writer, const char *line)
{
	(void)writer;
	return boot_words("", line, "");
}

static char *grub_line(struct writer *writer, const char *line)
{
	static const char *const keys[] = { "GRUB_CMDLINE_LINUX=", "GRUB_CMDLINE_LINUX_DEFAULT=",
					    NULL };
	g_autofree char *key = NULL;

	(void)writer;
	if (!begins_with(line, keys))
		return NULL;
	key = g_strdup_printf("%.*s=\"", (int)strcspn(line, "="), line);
	return boot_words(g_strchug(key), strchr(line, '=') + 1, "\"");
}

static char *legacy_line(struct writer *writer, const char *line)
{
	static const char *const keys[] = { "kernel ", "kernel\t", NULL };

	(void)writer;
	return begins_with(line, keys) ? boot_words("kernel /vmlinuz", line, "") : NULL;
}

static char *first_cpu_line(struct writer *writer, const char *line)
{
	(void)writer;
	return g_str_has_prefix(line, "cpu ") ? g_strdup(line) : NULL;
}

static char *os_line(struct writer *writer, const char *line)
{
	static const char *const keys[] = { "ID=", "VERSION_ID=", "NAME=", "PRETTY_NAME=", NULL };

	(void)writer;
	return begins_with(line, keys) ? g_strdup(line) : NULL;
}

/* of what stands behind a server's name, the options that tell nothing */
static bool option_is_plain(const char *word)
{
	static const char *const options[] = { "iburst",     "burst",      "prefer",  "require",
					       "trust",      "noselect",   "xleave",  "offline",
					       "true",       "nts",        "minpoll", "maxpoll",
					       "maxsources", "polltarget", "version", "stratum",
					       "minstratum", "key",        NULL };

	return g_strv_contains(options, word) || word[strspn(word, "0123456789+-")] == '\0';
}

static char *server_line(struct writer *writer, char *const *words)
{
	GString *out = g_string_new(words[0]);
	guint i = 1;

	while (words[i] != NULL && words[i][0] == '-') /* ntpd's -4 and -6 */
		i++;
	if (words[i] == NULL)
		return g_string_free(out, FALSE);
	g_string_append_printf(out, " %s",
			       g_str_has_prefix(words[i], "127.127.")
				       ? words[i]
				       : kvt_hide_server(writer->hider, words[i]));
	while (words[++i] != NULL)
		if (option_is_plain(words[i]))
			g_string_append_printf(out, " %s", words[i]);
	return g_string_free(out, FALSE);
}

/* a server's name becomes a pseudonym, its plain options stay; a remark behind a line goes */
static char *time_config_line(struct writer *writer, const char *line)
{
	static const char *const keys[] = { "makestep",  "refclock",    "tinker",
					    "rtcsync",   "rtcfile",     "fudge",
					    "leapsectz", "maxslewrate", NULL };
	g_autofree char *bare = g_strndup(line, strcspn(line, "#"));
	g_auto(GStrv) words = kvt_words(bare);

	if (words[0] == NULL)
		return NULL;
	if (strcmp(words[0], "server") == 0 || strcmp(words[0], "pool") == 0 ||
	    strcmp(words[0], "peer") == 0)
		return server_line(writer, words);
	return begins_with(bare, keys) ? kvt_hide_log_line(writer->hider, bare) : NULL;
}

static char *agent_line(struct writer *writer, const char *line)
{
	return strstr(line, "guest-set-time") != NULL ? kvt_hide_text(writer->hider, line) : NULL;
}

static char *guests_line(struct writer *writer, const char *line)
{
	static const char *const keys[] = { "ON_SHUTDOWN=", "SYNC_TIME=", NULL };

	(void)writer;
	return begins_with(line, keys) ? g_strdup(line) : NULL;
}

/* an asset tag may be anybody's inventory number: only the two that name a cloud */
static char *asset_line(struct writer *writer, const char *line)
{
	(void)writer;
	return strcmp(line, "7783-7084-3265-9085-8269-3286-77") == 0 ||
			       strcmp(line, "OracleCloud.com") == 0
		       ? g_strdup(line)
		       : NULL;
}

/* ---- the list ---- */

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/"
#define CPU         "/sys/devices/system/cpu/"
#define DMI         "/sys/class/dmi/id/"
#define KVM         "/sys/module/kvm/parameters/"

/* '*' stands for every name in that folder; without a filter only that it exists is written */
static const struct {
	const char *path;
	filter keep;
} files[] = {
	{ CLOCKSOURCE "current_clocksource", all_of_it },
	{ CLOCKSOURCE "available_clocksource", all_of_it },
	{ "/proc/cpuinfo", cpuinfo_line },
	{ "/proc/cmdline", cmdline_line },
	{ "/proc/stat", first_cpu_line },
	{ "/proc/2/comm", all_of_it },
	{ "/proc/xen/capabilities", all_of_it },
	{ "/proc/sys/xen/independent_wallclock", all_of_it },
	{ "/sys/hypervisor/type", all_of_it },
	{ DMI "sys_vendor", all_of_it },
	{ DMI "product_name", all_of_it },
	{ DMI "bios_vendor", all_of_it },
	{ DMI "bios_version", all_of_it },
	{ DMI "chassis_asset_tag", asset_line },
	{ "/sys/class/ptp/*/clock_name", all_of_it },
	{ "/sys/class/rtc/rtc0", NULL },
	{ "/dev/kvm", NULL },
	{ "/sys/module/kvm_intel", NULL },
	{ "/sys/module/kvm_amd", NULL },
	{ "/sys/module/kvm_pvm", NULL },
	{ "/sys/module/kvm_intel/refcnt", all_of_it },
	{ "/sys/module/kvm_amd/refcnt", all_of_it },
	{ "/sys/module/kvm_amd/parameters/tsc_scaling", all_of_it },
	{ KVM "ignore_msrs", all_of_it },
	{ KVM "kvmclock_periodic_sync", all_of_it },
	{ KVM "min_timer_period_us", all_of_it },
	{ KVM "tsc_tolerance_ppm", all_of_it },
	{ CPU "cpuidle/current_driver", all_of_it },
	{ CPU "cpu0/cpuidle/*/name", all_of_it },
	{ CPU "cpu0/cpuidle/*/disable", all_of_it },
	{ CPU "*/cpufreq/scaling_governor", all_of_it },
	{ CPU "*/cpufreq/scaling_min_freq", all_of_it },
	{ CPU "*/cpufreq/cpuinfo_max_freq", all_of_it },
	{ "/etc/os-release", os_line },
	{ "/etc/redhat-release", all_of_it },
	{ "/etc/SuSE-release", all_of_it },
	{ "/etc/debian_version", all_of_it },
	{ "/etc/default/grub", grub_line },
	{ "/boot/grub/grub.conf", legacy_line },
	{ "/boot/grub/menu.lst", legacy_line },
	{ "/etc/kernel/cmdline", cmdline_line },
	{ "/etc/chrony.conf", time_config_line },
	{ "/etc/chrony/chrony.conf", time_config_line },
	{ "/etc/chrony/conf.d/*", time_config_line },
	{ "/etc/chrony/sources.d/*", time_config_line },
	{ "/etc/chrony.d/*", time_config_line },
	{ "/etc/ntp.conf", time_config_line },
	{ "/etc/ntpsec/ntp.conf", time_config_line },
	{ "/etc/adjtime", all_of_it },
	{ "/etc/sysconfig/qemu-ga", agent_line },
	{ "/etc/default/qemu-guest-agent", agent_line },
	{ "/etc/qemu/qemu-ga.conf", agent_line },
	{ "/etc/sysconfig/libvirt-guests", guests_line },
	{ "/etc/default/libvirt-guests", guests_line },
	{ "/etc/tuned/active_profile", all_of_it },
	{ "/run/systemd/container", all_of_it },
};

#define FILE_LIMIT  (64u << 20)
#define LINES_LIMIT 40000

static void write_lines(struct writer *writer, const char *text, filter keep)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_LIMIT);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *kept = NULL;

		/* an empty last piece is no line */
		if (lines[i + 1] == NULL && lines[i][0] == '\0')
			break;
		kept = keep(writer, lines[i]);
		if (kept != NULL)
			g_string_append_printf(writer->out, "|%s\n", kept);
	}
}

static void write_file(struct writer *writer, const char *path, const char *shown, filter keep)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	if (keep == NULL) {
		if (kvt_root_exists(writer->root, path))
			g_string_append_printf(writer->out, "= %s/exists\n", shown);
		return;
	}
	text = kvt_root_read(writer->root, path, FILE_LIMIT, NULL, &error);
	if (text == NULL && kvt_is_denied(error->message))
		g_string_append_printf(writer->out, "! %s Permission denied\n", shown);
	if (text == NULL)
		return;
	g_string_append_printf(writer->out, "= %s\n", shown);
	write_lines(writer, text, keep);
}

static bool name_is_plain(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!g_ascii_isalnum(*c) && strchr("._-", *c) == NULL)
			return false;
	return true;
}

/* A file of a folder of configurations is named by people: only its place and ending are told. */
static char *shown_path(const char *folder, const char *name, const char *rest, guint place)
{
	const char *ending = g_str_has_suffix(name, ".conf")      ? ".conf"
			     : g_str_has_suffix(name, ".sources") ? ".sources"
								  : "";

	if (!g_str_has_prefix(folder, "/etc/"))
		return g_strdup_printf("%s/%s%s", folder, name, rest);
	return g_strdup_printf("%s/file-%03u%s", folder, place + 1, ending);
}

static void write_path(struct writer *writer, const char *path, filter keep)
{
	const char *star = strchr(path, '*');
	g_autofree char *folder = star != NULL ? g_strndup(path, (gsize)(star - path) - 1) : NULL;
	g_autoptr(GPtrArray) names = star != NULL ? kvt_root_list(writer->root, folder) : NULL;

	if (star == NULL)
		write_file(writer, path, path, keep);
	for (guint i = 0; names != NULL && i < names->len; i++) {
		const char *name = names->pdata[i];
		g_autofree char *full = g_strdup_printf("%s/%s%s", folder, name, star + 1);
		g_autofree char *shown = shown_path(folder, name, star + 1, i);

		if (name_is_plain(name))
			write_file(writer, full, shown, keep);
	}
}

/* ---- what is not a file ---- */

static void write_cpuid(struct writer *writer)
{
	static const uint32_t leaves[] = { 0x1,        0x40000000, 0x40000001,
					   0x40000100, 0x40000101, 0x80000007 };
	uint32_t r[4];

	if (writer->answers->cpuid(writer->answers->user, 1, 0, r) < 0)
		return;
	g_string_append(writer->out, "= /kvmtime/cpuid\n");
	for (guint i = 0; i < G_N_ELEMENTS(leaves); i++) {
		/* without a hypervisor those leaves hold whatever the last basic one does */
		if (writer->answers->cpuid(writer->answers->user, leaves[i], 0, r) < 0)
			continue;
		g_string_append_printf(writer->out, "|%x 0 %x %x %x %x\n", leaves[i], r[0],
				       leaves[i] == 1 ? 0 : r[1], r[2], r[3]);
	}
}

static void write_ntp(struct writer *writer)
{
	struct kvt_ntp_state state;

	if (writer->answers->ntp(writer->answers->user, &state) < 0)
		return;
	g_string_append_printf(writer->out,
			       "= /kvmtime/adjtimex\n|synchronised %s\n|offset_ns %" G_GINT64_FORMAT
			       "\n|frequency_ppm %.3f\n|maxerror_us %" G_GINT64_FORMAT
			       "\n|esterror_us %" G_GINT64_FORMAT "\n|status %d\n",
			       state.synchronised ? "yes" : "no", state.offset_ns,
			       state.frequency_ppm, state.maxerror_us, state.esterror_us,
			       state.status);
}

static void write_uname(struct writer *writer)
{
	struct kvt_uname name;

	if (writer->answers->uname(writer->answers->user, &name) == 0)
		g_string_append_printf(writer->out,
				       "= /kvmtime/uname\n|release %s\n|version %s\n|machine %s\n",
				       name.release, name.version, name.machine);
}

/* What only the machine itself shows: the cost of a clock read, and whether its CPUs agree. */
static void write_measured(struct writer *writer)
{
	struct kvt_reader reader = { .root = writer->root, .answers = writer->answers };
	g_autofree char *lines = NULL;

	if (!writer->answers->measured)
		return;
	reader.facts = kvt_facts_new("this machine");
	reader.who = KVT_GUEST;
	kvt_read_measured(&reader);
	lines = kvt_measured_lines(reader.facts);
	if (lines[0] != '\0')
		g_string_append_printf(writer->out, "= %s\n%s", KVT_RECORDED_MEASURED, lines);
	kvt_facts_free(reader.facts);
}

/* The settled records of the vCPUs from the first on; kvm-clock's stable bit is in them. */
static void write_pvclock(struct writer *writer)
{
	const struct kvt_calls *calls =
		kvt_root_is_live(writer->root) ? &kvt_calls_live : &kvt_calls_none;
	struct kvt_pvclock_page page;
	struct pvclock_vcpu_time_info record;

	if (kvt_pvclock_find(writer->root, calls, &page)) {
		g_string_append(writer->out, "= " KVT_RECORDED_PVCLOCK "\n");
		for (guint i = 0; i < page.records && kvt_pvclock_record(&page, i, &record) == 0;
		     i++) {
			const guint8 *bytes = (const guint8 *)&record;

			g_string_append(writer->out, "x ");
			for (gsize b = 0; b < KVT_PVCLOCK_STRIDE; b++)
				g_string_append_printf(writer->out, "%02x",
						       b < sizeof(record) ? bytes[b] : 0);
			g_string_append_c(writer->out, '\n');
		}
	}
	kvt_pvclock_page_clear(&page);
}

/* of the arguments only the two that decide something */
static void write_processes(struct writer *writer)
{
	g_autofree char *lines =
		writer->answers->processes(writer->answers->user, kvt_time_daemons);
	g_auto(GStrv) each = g_strsplit(lines != NULL ? lines : "", "\n", -1);

	if (lines == NULL)
		return;
	g_string_append(writer->out, "= /kvmtime/processes\n");
	for (guint i = 0; each[i] != NULL; i++) {
		g_auto(GStrv) words = kvt_words(each[i]);

		if (g_strv_length(words) < 2)
			continue;
		g_string_append_printf(writer->out, "|%s %s %s", words[0], words[1], words[1]);
		for (guint j = 2; words[j] != NULL; j++)
			if (strcmp(words[j], "-x") == 0 || strcmp(words[j], "-g") == 0)
				g_string_append_printf(writer->out, " %s", words[j]);
		g_string_append_c(writer->out, '\n');
	}
}

static void write_tracking(struct writer *writer)
{
	g_autofree char *answer = writer->answers->query(writer->answers->user, "chronyc-tracking");
	g_auto(GStrv) values = g_strsplit(answer != NULL ? g_strchomp(answer) : "", ",", -1);

	if (g_strv_length(values) < 14)
		return;
	g_free(values[0]);
	values[0] = g_strdup("0");
	if (!g_str_has_prefix(values[1], "PHC")) {
		g_free(values[1]);
		values[1] = g_strdup("server");
	}
	{
		g_autofree char *joined = g_strjoinv(",", values);

		g_string_append_printf(writer->out, "= /kvmtime/chronyc-tracking\n|%s\n", joined);
	}
}

/* up to the release, which has dots like an address; behind it stand the builder's name and host */
static char *banner_line(struct writer *writer, const char *line, const char *banner)
{
	g_autofree char *before = g_strndup(line, (gsize)(banner - line));
	g_autofree char *safe = kvt_hide_log_line(writer->hider, before);

	return g_strdup_printf("%s%.*s", safe, 14 + (int)strcspn(banner + 14, " "), banner);
}

/* lines that are messages, and those that say which kernel and which machine; else NULL */
static char *log_line(struct writer *writer, const struct kvt_messages *messages, const char *line)
{
	const char *banner = strstr(line, "Linux version ");
	g_autoptr(GPtrArray) matches = kvt_messages_match(messages, line);

	if (banner != NULL)
		return banner_line(writer, line, banner);
	if (strstr(line, "ommand line") != NULL) /* may hold anything; /proc/cmdline is sifted */
		return NULL;
	if (matches->len == 0 && strstr(line, "Hypervisor detected: ") == NULL &&
	    strstr(line, "Booting paravirtualized kernel on ") == NULL &&
	    strstr(line, "ACPI: RSDP ") == NULL)
		return NULL;
	return kvt_hide_log_line(writer->hider, line);
}

static void write_log(struct writer *writer)
{
	g_autoptr(GError) error = NULL;
	gsize len = 0;
	g_autofree char *text = writer->answers->log(writer->answers->user, &len, &error);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	const struct kvt_messages *messages = kvt_messages_shared();

	if (text == NULL) {
		if (kvt_is_denied(error->message))
			g_string_append(writer->out, "! /kvmtime/log Permission denied\n");
		return;
	}
	g_string_append(writer->out, "= /kvmtime/log\n");
	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *kept = log_line(writer, messages, lines[i]);

		if (kept != NULL)
			g_string_append_printf(writer->out, "|%s\n", kept);
	}
}

/* with and without its domain */
static void learn_host(struct kvt_hider *hider, const char *name)
{
	g_autofree char *first =
		g_strndup(name != NULL ? name : "", strcspn(name != NULL ? name : "", "."));

	kvt_hide_host(hider, name);
	kvt_hide_host(hider, first);
}

char *kvt_record_write(const struct kvt_root *root, const struct kvt_answers *answers,
		       const char *remark)
{
	struct writer writer = {
		.root = root,
		.answers = answers,
		.out = g_string_new("kvmtime-record 1\n"),
		.hider = kvt_hider_new(),
	};
	g_autofree char *host = kvt_root_line(root, "/proc/sys/kernel/hostname");
	g_autofree char *configured = kvt_root_line(root, "/etc/hostname");

	learn_host(writer.hider, host);
	learn_host(writer.hider, configured);
	if (remark != NULL)
		g_string_append_printf(writer.out, "# %s\n", remark);
	write_uname(&writer);
	write_cpuid(&writer);
	write_measured(&writer);
	write_pvclock(&writer);
	write_ntp(&writer);
	write_processes(&writer);
	write_tracking(&writer);
	for (guint i = 0; i < G_N_ELEMENTS(files); i++)
		write_path(&writer, files[i].path, files[i].keep);
	write_log(&writer);
	g_string_append(writer.out, "end\n");
	kvt_hider_free(writer.hider);
	return g_string_free(writer.out, FALSE);
}
