/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/sos.h"

#include <stdio.h>
#include <string.h>

#include "check/logs.h"

bool kvt_is_sosreport(const struct kvt_root *root)
{
	return kvt_root_exists(root, "/sos_commands");
}

/* The first of the files that is there, with its path; else NULL. Owned. */
static char *first_of(const struct kvt_root *root, const char *const *paths, const char **ret_path)
{
	for (; *paths != NULL; paths++) {
		char *text = kvt_root_read(root, *paths, 16 * KVT_ROOT_FILE_LIMIT, NULL, NULL);

		if (text != NULL && text[0] != '\0') {
			*ret_path = *paths;
			return text;
		}
		g_free(text);
	}
	return NULL;
}

static void put(struct kvt_root *root, const char *path, const char *text, const char *origin)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

	kvt_root_add_bytes(root, path, bytes, origin);
}

/* What follows "key" and a colon in the first line that begins with it; owned, or NULL. */
static char *after_colon(const char *text, const char *key)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *line = g_strchug(lines[i]);
		const char *rest = line + strlen(key);

		if (!g_str_has_prefix(line, key))
			continue;
		rest += strspn(rest, " \t");
		if (*rest == ':')
			return g_strstrip(g_strdup(rest + 1));
	}
	return NULL;
}

/* ---- which machine, when ---- */

/* "Linux NAME RELEASE VERSION... MACHINE [PROCESSOR PLATFORM] GNU/Linux" */
static void put_uname(struct kvt_root *root)
{
	static const char *const paths[] = { "/sos_commands/kernel/uname_-a", "/uname", NULL };
	const char *from;
	g_autofree char *text = first_of(root, paths, &from);
	g_auto(GStrv) words = g_strsplit_set(text != NULL ? g_strstrip(text) : "", " \n", -1);
	const guint count = g_strv_length(words);
	g_autofree char *version = NULL;
	g_autofree char *lines = NULL;

	if (count < 6 || strcmp(words[0], "Linux") != 0)
		return;
	version = g_strjoinv(" ", words + 3);
	lines = g_strdup_printf("release %s\nversion %s\nmachine %s\n", words[2], version,
				words[count - 2]);
	put(root, "/kvmtime/uname", lines, from);
}

static void put_line_of(struct kvt_root *root, const char *to, const char *const *paths)
{
	const char *from;
	g_autofree char *text = first_of(root, paths, &from);

	if (text == NULL)
		return;
	text[strcspn(text, "\n")] = '\0';
	put(root, to, g_strstrip(text), from);
}

static void put_names(struct kvt_root *root)
{
	static const char *const hosts[] = { "/sos_commands/host/hostname",
					     "/sos_commands/general/hostname", "/hostname",
					     "/etc/hostname", NULL };
	static const char *const dates[] = { "/sos_commands/date/date_--utc",
					     "/sos_commands/date/date",
					     "/sos_commands/general/date", "/date", NULL };

	put_line_of(root, "/kvmtime/hostname", hosts);
	put_line_of(root, "/kvmtime/collected", dates);
}

/* ---- processor and board ---- */

/* "   0x00000001 0x00: eax=0x000306f2 ebx=0x... ecx=0x... edx=0x..." of the first CPU */
static void put_cpuid(struct kvt_root *root)
{
	static const char *const paths[] = { "/sos_commands/processor/cpuid_-r", NULL };
	const char *from;
	g_autofree char *text = first_of(root, paths, &from);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	g_autoptr(GString) out = g_string_new(NULL);

	for (guint i = 0, cpus = 0; lines[i] != NULL && cpus < 2; i++) {
		unsigned leaf, subleaf, r[4];

		cpus += g_str_has_prefix(lines[i], "CPU ") ? 1 : 0;
		if (cpus < 2 && sscanf(lines[i], " %x %x: eax=%x ebx=%x ecx=%x edx=%x", &leaf,
				       &subleaf, &r[0], &r[1], &r[2], &r[3]) == 6)
			g_string_append_printf(out, "%x %x %x %x %x %x\n", leaf, subleaf, r[0],
					       r[1], r[2], r[3]);
	}
	if (out->len > 0)
		put(root, "/kvmtime/cpuid", out->str, from);
}

/* The part of dmidecode's output from one title to the next empty line; owned, or NULL. */
static char *dmi_section(const char *text, const char *title)
{
	const char *begin = strstr(text, title);
	const char *end = begin != NULL ? strstr(begin, "\n\n") : NULL;

	return begin == NULL ? NULL
	       : end != NULL ? g_strndup(begin, (gsize)(end - begin))
			     : g_strdup(begin);
}

/* Newer sosreports copy /sys/class/dmi/id; all have dmidecode, if root made them. */
static void put_dmi(struct kvt_root *root)
{
	static const char *const paths[] = { "/sos_commands/hardware/dmidecode", "/dmidecode",
					     NULL };
	static const struct {
		const char *section, *key, *file;
	} entries[] = {
		{ "BIOS Information", "Vendor", "/sys/class/dmi/id/bios_vendor" },
		{ "BIOS Information", "Version", "/sys/class/dmi/id/bios_version" },
		{ "System Information", "Manufacturer", "/sys/class/dmi/id/sys_vendor" },
		{ "System Information", "Product Name", "/sys/class/dmi/id/product_name" },
		{ "System Information", "UUID", "/sys/class/dmi/id/product_uuid" },
		{ "Chassis Information", "Asset Tag", "/sys/class/dmi/id/chassis_asset_tag" },
	};
	const char *from;
	g_autofree char *text = first_of(root, paths, &from);

	for (guint i = 0; text != NULL && i < G_N_ELEMENTS(entries); i++) {
		g_autofree char *section = dmi_section(text, entries[i].section);
		g_autofree char *value =
			section != NULL ? after_colon(section, entries[i].key) : NULL;

		if (value != NULL && !kvt_root_exists(root, entries[i].file))
			put(root, entries[i].file, value, from);
	}
}

/* ---- the clock ---- */

static void put_ntptime(struct kvt_root *root, const char *text, const char *from)
{
	const char *call = strstr(text, "ntp_adjtime() returns code ");
	const char *offset = call != NULL ? strstr(call, "offset ") : NULL;
	const char *frequency = call != NULL ? strstr(call, "frequency ") : NULL;
	const char *maximum = call != NULL ? strstr(call, "maximum error ") : NULL;
	const char *estimated = call != NULL ? strstr(call, "estimated error ") : NULL;
	const char *status = call != NULL ? strstr(call, "status 0x") : NULL;
	g_autofree char *lines = NULL;
	guint64 bits;

	if (offset == NULL || frequency == NULL || maximum == NULL || estimated == NULL ||
	    status == NULL)
		return;
	bits = g_ascii_strtoull(status + strlen("status 0x"), NULL, 16);
	lines = g_strdup_printf(
		"synchronised %s\noffset_ns %.0f\nfrequency_ppm %.3f\nmaxerror_us %.0f\n"
		"esterror_us %.0f\nstatus %" G_GUINT64_FORMAT "\n",
		(bits & 0x40) == 0 && strstr(call, "code 5") != call + 22 ? "yes" : "no",
		g_ascii_strtod(offset + 7, NULL) * 1e3, g_ascii_strtod(frequency + 10, NULL),
		g_ascii_strtod(maximum + 14, NULL), g_ascii_strtod(estimated + 16, NULL), bits);
	put(root, "/kvmtime/adjtimex", lines, from);
}

/* "RTC time: Fri 2026-11-20 09:00:00" and "Universal time: Fri ... UTC" of one moment */
static bool time_of(const char *text, const char *key, gint64 *ret_s)
{
	g_autofree char *value = after_colon(text, key);
	g_autoptr(GDateTime) time = NULL;
	int y, mo, d, h, mi, s;
	const char *digits = value;

	while (digits != NULL && *digits != '\0' && !g_ascii_isdigit(*digits))
		digits++;
	if (digits == NULL ||
	    sscanf(digits, "%4d-%2d-%2d %2d:%2d:%2d", &y, &mo, &d, &h, &mi, &s) != 6)
		return false;
	time = g_date_time_new_utc(y, mo, d, h, mi, s);
	if (time != NULL)
		*ret_s = g_date_time_to_unix(time);
	return time != NULL;
}

static void put_timedatectl(struct kvt_root *root, const char *text, const char *from)
{
	g_autofree char *local = after_colon(text, "RTC in local TZ");
	g_autofree char *synchronised = after_colon(text, "System clock synchronized");
	gint64 rtc, utc;

	if (synchronised == NULL)
		synchronised = after_colon(text, "NTP synchronized");
	if (local != NULL && !kvt_root_exists(root, "/etc/adjtime"))
		put(root, "/etc/adjtime",
		    strcmp(local, "yes") == 0 ? "0.0 0 0.0\n0\nLOCAL\n" : "0.0 0 0.0\n0\nUTC\n",
		    from);
	if (synchronised != NULL && !kvt_root_exists(root, "/kvmtime/adjtimex"))
		put(root, "/kvmtime/adjtimex",
		    strcmp(synchronised, "yes") == 0 ? "synchronised yes\nonly yes\n"
						     : "synchronised no\nonly yes\n",
		    from);
	if (time_of(text, "RTC time", &rtc) && time_of(text, "Universal time", &utc)) {
		g_autofree char *offset = g_strdup_printf("%" G_GINT64_FORMAT, rtc - utc);

		put(root, "/kvmtime/rtc-offset", offset, from);
	}
}

static void put_clock(struct kvt_root *root)
{
	static const char *const ntptime[] = { "/sos_commands/ntp/ntptime", NULL };
	static const char *const timedatectl[] = { "/sos_commands/systemd/timedatectl",
						   "/sos_commands/date/timedatectl", NULL };
	static const char *const tracking[] = { "/sos_commands/chrony/chronyc_tracking",
						"/sos_commands/chrony/chronyc_-n_tracking", NULL };
	static const char *const peers[] = { "/sos_commands/ntp/ntpq_-pn",
					     "/sos_commands/ntp/ntpq_-p", NULL };
	const char *from = NULL;
	g_autofree char *kernel = first_of(root, ntptime, &from);
	g_autofree char *settings = NULL, *chrony = NULL, *ntpq = NULL;

	if (kernel != NULL)
		put_ntptime(root, kernel, from);
	settings = first_of(root, timedatectl, &from);
	if (settings != NULL)
		put_timedatectl(root, settings, from);
	chrony = first_of(root, tracking, &from);
	if (chrony != NULL)
		put(root, "/kvmtime/chronyc-tracking", chrony, from);
	ntpq = first_of(root, peers, &from);
	if (ntpq != NULL)
		put(root, "/kvmtime/ntpq-peers", ntpq, from);
}

/* ---- processes ---- */

/* the place of a word in the heading, or -1 */
static int column_of(const char *heading, const char *word)
{
	g_auto(GStrv) words = g_strsplit_set(heading, " \t", -1);
	int column = 0;

	for (guint i = 0; words[i] != NULL; i++) {
		if (words[i][0] == '\0')
			continue;
		if (strcmp(words[i], word) == 0)
			return column;
		column++;
	}
	return -1;
}

/* the text from that column on; NULL if there are fewer */
static const char *from_column(const char *line, int column)
{
	line += strspn(line, " ");
	for (; column > 0 && *line != '\0'; column--) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return *line != '\0' ? line : NULL;
}

/* "/usr/sbin/chronyd -F 2", "ntpd: ntp engine", "[kthreadd]" as "NAME [ARGUMENTS]"; owned */
static char *process_of(const char *command)
{
	g_autofree char *program = g_strndup(command, strcspn(command, " "));
	g_autofree char *name = g_path_get_basename(program);

	g_strdelimit(name, ":[]", ' ');
	g_strstrip(name);
	return name[0] != '\0' ? g_strdup_printf("%s %s", name, command) : NULL;
}

static void put_process(GString *out, struct kvt_root *root, const char *line, int pid_column,
			int command_column, const char *from)
{
	const char *pid = from_column(line, pid_column);
	const char *command = from_column(line, command_column);
	g_autofree char *process = command != NULL ? process_of(command) : NULL;

	if (pid == NULL || process == NULL || !g_ascii_isdigit(pid[0]))
		return;
	/* the second process of the first name space is the kernel's */
	if (g_str_has_prefix(pid, "2 ") && !kvt_root_exists(root, "/proc/2/comm"))
		put(root, "/proc/2/comm",
		    g_str_has_prefix(command, "[kthreadd]") ? "kthreadd" : process, from);
	if (command[0] != '[') /* a thread of the kernel, or a process that ended */
		g_string_append_printf(out, "%.*s %s\n", (int)strcspn(pid, " "), pid, process);
}

static void put_processes(struct kvt_root *root)
{
	static const char *const paths[] = {
		"/sos_commands/process/ps_auxwwwm", "/sos_commands/process/ps_auxwww",
		"/sos_commands/process/ps_auxww",   "/sos_commands/process/ps_auxcww",
		"/sos_commands/process/ps_alxwww",  NULL
	};
	const char *from;
	g_autofree char *text = first_of(root, paths, &from);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	g_autoptr(GString) out = g_string_new(NULL);
	int pid, command;

	if (lines[0] == NULL)
		return;
	pid = column_of(lines[0], "PID");
	command = column_of(lines[0], "COMMAND");
	for (guint i = 1; pid >= 0 && command >= 0 && lines[i] != NULL; i++)
		put_process(out, root, lines[i], pid, command, from);
	if (out->len > 0)
		put(root, "/kvmtime/processes", out->str, from);
}

/* ---- all of it ---- */

void kvt_sos_prepare(struct kvt_root *root)
{
	put_uname(root);
	put_names(root);
	put_cpuid(root);
	put_dmi(root);
	put_clock(root);
	put_processes(root);
	kvt_logs_prepare(root);
}

/* ---- definitions ---- */

/* "virsh_-r_dumpxml_web1" -> "web1"; networks and pools have a dumpxml of their own; owned */
static char *domain_of(const char *name)
{
	const char *dump = strstr(name, "_dumpxml_");

	if (dump == NULL || !g_str_has_prefix(name, "virsh"))
		return NULL;
	return g_strdup(dump + strlen("_dumpxml_"));
}

static void add_dumps(const struct kvt_root *root, const char *folder, GPtrArray *paths,
		      GHashTable *seen)
{
	g_autoptr(GPtrArray) names = kvt_root_list(root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		char *domain = domain_of(names->pdata[i]);

		if (domain == NULL)
			continue;
		if (g_hash_table_add(seen, domain))
			g_ptr_array_add(paths, g_build_filename(folder, names->pdata[i], NULL));
	}
}

static void add_files(const struct kvt_root *root, const char *folder, GPtrArray *paths,
		      GHashTable *seen)
{
	g_autoptr(GPtrArray) names = kvt_root_list(root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		const char *name = names->pdata[i];

		if (g_str_has_suffix(name, ".xml") &&
		    g_hash_table_add(seen, g_strndup(name, strlen(name) - 4)))
			g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
	}
}

GPtrArray *kvt_sos_definitions(const struct kvt_root *root)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	add_dumps(root, "/sos_commands/virsh", paths, seen);
	add_dumps(root, "/sos_commands/libvirt", paths, seen);
	add_files(root, "/etc/libvirt/qemu", paths, seen);
	return paths;
}
