/* SPDX-License-Identifier: BSD-2-Clause */
/* Who keeps the clock right: the kernel's state, the daemons, their configuration and answers. */
#include <stdlib.h>
#include <string.h>

#include "check/machine.h"

static void read_kernel_state(const struct kvt_reader *reader)
{
	static const char *const names[] = { "ntp.synchronised", "ntp.offset_s", "ntp.maxerror_s",
					     "ntp.frequency_ppm" };
	const char *source = kvt_read_from(reader, "/kvmtime/adjtimex", "ntp_adjtime");
	struct kvt_ntp_state state;

	if (reader->answers->ntp(reader->answers->user, &state) < 0) {
		for (guint i = 0; i < G_N_ELEMENTS(names); i++)
			kvt_facts_set_unknown(reader->facts, reader->who, names[i], false,
					      "ntp_adjtime was not asked");
		return;
	}
	kvt_facts_set_bool(reader->facts, reader->who, "ntp.synchronised", state.synchronised,
			   source);
	for (guint i = 1; state.only_flag && i < G_N_ELEMENTS(names); i++)
		kvt_facts_set_unknown(reader->facts, reader->who, names[i], false,
				      "ntp_adjtime was not asked");
	if (state.only_flag)
		return;
	kvt_facts_set_real(reader->facts, reader->who, "ntp.offset_s",
			   (double)state.offset_ns / 1e9, source);
	kvt_facts_set_real(reader->facts, reader->who, "ntp.maxerror_s",
			   (double)state.maxerror_us / 1e6, source);
	kvt_facts_set_real(reader->facts, reader->who, "ntp.frequency_ppm", state.frequency_ppm,
			   source);
}

/* ---- daemons ---- */

const char *const kvt_time_daemons[] = {
	"chronyd",  "ntpd",       "systemd-timesyncd", "systemd-timesyn", "openntpd", "phc2sys",
	"ptp4l",    "timemaster", "ntpd-rs",           "ntp-daemon",      "qemu-ga",  "vmtoolsd",
	"kvmtimed", NULL,
};

/* /proc cuts a name after 15 characters; some programs stand for a daemon of another name. */
static const char *daemon_name(const char *comm)
{
	if (strcmp(comm, "systemd-timesyn") == 0)
		return "systemd-timesyncd";
	if (strcmp(comm, "ntp-daemon") == 0)
		return "ntpd-rs";
	return comm;
}

/* Those that step or slew the clock: ptp4l alone keeps a PHC, vmtoolsd only on request. */
static bool sets_clock(const char *name)
{
	return strcmp(name, "qemu-ga") != 0 && strcmp(name, "vmtoolsd") != 0 &&
	       strcmp(name, "ptp4l") != 0 && strcmp(name, "kvmtimed") != 0;
}

static bool has_argument(char *const *words, const char *option)
{
	for (guint i = 3;
	     words[0] != NULL && words[1] != NULL && words[2] != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], option) == 0)
			return true;
	return false;
}

/* openntpd names itself ntpd too; its children say so in their titles */
static bool is_openntpd(const char *line)
{
	return strstr(line, "ntpd: ntp engine") != NULL ||
	       strstr(line, "ntpd: dns engine") != NULL || strstr(line, "[priv]") != NULL;
}

static void take_process(const struct kvt_reader *reader, const char *line)
{
	const char *source = kvt_read_from(reader, "/kvmtime/processes", "/proc/*/comm");
	g_auto(GStrv) words = kvt_words(line);
	const char *name = g_strv_length(words) >= 2 ? daemon_name(words[1]) : "";

	if (strcmp(name, "ntpd") == 0 && is_openntpd(line))
		name = "openntpd";
	if (strcmp(name, "qemu-ga") == 0)
		kvt_facts_set_bool(reader->facts, reader->who, "agent.running", true, source);
	if (name[0] != '\0' && sets_clock(name))
		kvt_facts_add_word(reader->facts, reader->who, "ntp.daemons", name, source);
	if (strcmp(name, "ntpd") == 0) {
		if (has_argument(words, "-x"))
			kvt_facts_set_bool(reader->facts, reader->who, "ntp.slew_only", true,
					   source);
		if (has_argument(words, "-g"))
			kvt_facts_set_bool(reader->facts, reader->who, "ntp.panic_off", true,
					   "ntpd runs with -g");
	}
}

static void read_daemons(const struct kvt_reader *reader)
{
	const char *source = kvt_read_from(reader, "/kvmtime/processes", "/proc/*/comm");
	g_autofree char *lines =
		reader->answers->processes(reader->answers->user, kvt_time_daemons);
	g_auto(GStrv) each = g_strsplit(lines != NULL ? lines : "", "\n", -1);
	const struct kvt_fact *daemons;

	if (lines == NULL) {
		const char *const names[] = { "ntp.daemons", "ntp.daemon_count", "agent.running",
					      "ntp.slew_only", "ntp.panic_off" };

		for (guint i = 0; i < G_N_ELEMENTS(names); i++)
			kvt_facts_set_unknown(reader->facts, reader->who, names[i], false,
					      "processes were not seen");
		return;
	}
	kvt_facts_set_list(reader->facts, reader->who, "ntp.daemons", NULL, source);
	kvt_facts_set_bool(reader->facts, reader->who, "agent.running", false, source);
	kvt_facts_set_bool(reader->facts, reader->who, "ntp.slew_only", false, source);
	kvt_facts_set_bool(reader->facts, reader->who, "ntp.panic_off", false,
			   "no -g of ntpd's, no line 'tinker panic 0'");
	for (guint i = 0; each[i] != NULL; i++)
		take_process(reader, each[i]);
	daemons = kvt_facts_any(reader->facts, "ntp.daemons");
	kvt_facts_set_int(reader->facts, reader->who, "ntp.daemon_count",
			  (gint64)g_strv_length(daemons->list), source);
}

/* ---- configuration files ---- */

struct config {
	gint64 servers, pools;
	bool local_clock, true_option, panic_off;
	char *makestep;
	int makestep_line;
};

static void take_server(const struct kvt_reader *reader, struct config *config, char **words,
			const char *source)
{
	config->servers++;
	if (strcmp(words[0], "pool") == 0)
		config->pools++;
	if (g_str_has_prefix(words[1], "127.127.1.")) {
		config->servers--;
		config->local_clock = true;
		kvt_facts_set_bool(reader->facts, reader->who, "ntp.local_clock", true, source);
	}
	if (g_strv_contains((const char *const *)(words + 2), "true")) {
		config->true_option = true;
		kvt_facts_set_bool(reader->facts, reader->who, "ntp.true_option", true, source);
	}
}

static void take_makestep(const struct kvt_reader *reader, char **words, guint count,
			  const char *source)
{
	g_autofree char *text = g_strjoinv(" ", words + 1);

	kvt_facts_set_text(reader->facts, reader->who, "chrony.makestep", text, source);
	kvt_facts_set_int(reader->facts, reader->who, "chrony.makestep_limit",
			  count >= 3 ? g_ascii_strtoll(words[2], NULL, 10) : -1, source);
}

static void take_config_line(const struct kvt_reader *reader, struct config *config,
			     const char *line, const char *source)
{
	g_auto(GStrv) words = kvt_words(line);
	const guint count = g_strv_length(words);

	if (count < 2 || words[0][0] == '#' || words[0][0] == '!' || words[0][0] == '%' ||
	    words[0][0] == ';')
		return;
	if (strcmp(words[0], "server") == 0 || strcmp(words[0], "pool") == 0 ||
	    strcmp(words[0], "peer") == 0)
		take_server(reader, config, words, source);
	else if (strcmp(words[0], "makestep") == 0)
		take_makestep(reader, words, count, source);
	else if (strcmp(words[0], "refclock") == 0 && strcmp(words[1], "PHC") == 0 && count >= 3)
		kvt_facts_add_word(reader->facts, reader->who, "chrony.refclock_phc", words[2],
				   source);
	else if (strcmp(words[0], "tinker") == 0 && strcmp(words[1], "panic") == 0 && count >= 3 &&
		 strcmp(words[2], "0") == 0)
		kvt_facts_set_bool(reader->facts, reader->who, "ntp.panic_off", true, source);
}

static void take_config(const struct kvt_reader *reader, struct config *config, const char *path,
			const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *source = g_strdup_printf("%s:%u", path, i + 1);

		take_config_line(reader, config, lines[i], source);
	}
}

/* chrony reads *.conf and *.sources of its drop-in folders too */
static void take_folder(const struct kvt_reader *reader, struct config *config, const char *folder)
{
	g_autoptr(GPtrArray) names = kvt_root_list(reader->root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		const char *name = names->pdata[i];
		g_autofree char *path = g_strdup_printf("%s/%s", folder, name);
		g_autofree char *text = NULL;

		if (!g_str_has_suffix(name, ".conf") && !g_str_has_suffix(name, ".sources"))
			continue;
		text = kvt_read_file(reader, path);
		if (text != NULL)
			take_config(reader, config, path, text);
	}
}

static void read_configs(const struct kvt_reader *reader, const char *const *paths,
			 const char *const *folders)
{
	struct config config = { 0 };
	const char *read_path = NULL;

	for (guint i = 0; paths[i] != NULL && read_path == NULL; i++) {
		g_autofree char *text = kvt_read_file(reader, paths[i]);

		if (text == NULL)
			continue;
		read_path = paths[i];
		kvt_facts_set_bool(reader->facts, reader->who, "ntp.local_clock", false, read_path);
		kvt_facts_set_bool(reader->facts, reader->who, "ntp.true_option", false, read_path);
		take_config(reader, &config, paths[i], text);
	}
	for (guint i = 0; folders[i] != NULL; i++)
		take_folder(reader, &config, folders[i]);
	if (read_path == NULL && config.servers == 0)
		return;
	kvt_facts_set_int(reader->facts, reader->who, "ntp.servers", config.servers,
			  read_path != NULL ? read_path : folders[0]);
	kvt_facts_set_int(reader->facts, reader->who, "ntp.pools", config.pools,
			  read_path != NULL ? read_path : folders[0]);
}

static void nothing_configured(const struct kvt_reader *reader)
{
	static const char *const names[] = { "ntp.servers",        "ntp.pools",
					     "ntp.local_clock",    "ntp.true_option",
					     "chrony.makestep",    "chrony.makestep_limit",
					     "chrony.refclock_phc" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (kvt_read_covers(reader, "/etc"))
			kvt_facts_set_absent(reader->facts, reader->who, names[i],
					     "no chrony or ntp configuration file");
		else
			kvt_facts_set_unknown(reader->facts, reader->who, names[i], false,
					      "not recorded");
}

/* Only the configuration of the daemon that runs counts; with none running, of whichever is there
 */
static void read_configuration(const struct kvt_reader *reader)
{
	static const char *const chrony[] = { "/etc/chrony/chrony.conf", "/etc/chrony.conf", NULL };
	static const char *const chrony_folders[] = { "/etc/chrony/conf.d", "/etc/chrony/sources.d",
						      "/etc/chrony.d", NULL };
	static const char *const ntp[] = { "/etc/ntp.conf", "/etc/ntpsec/ntp.conf", NULL };
	static const char *const none[] = { NULL };
	const bool ntpd = kvt_facts_has_word(reader->facts, "ntp.daemons", "ntpd");
	const bool chronyd = kvt_facts_has_word(reader->facts, "ntp.daemons", "chronyd");

	nothing_configured(reader);
	if (chronyd || !ntpd)
		read_configs(reader, chrony, chrony_folders);
	if (ntpd || !chronyd)
		read_configs(reader, ntp, none);
}

/* ---- what the daemon itself answers ---- */

/*
 * chronyc -c tracking: reference id, its name, stratum, reference time, system offset (positive =
 * the clock is slow of NTP time), last offset, RMS offset, frequency, ..., leap status.
 */
static void take_tracking(const struct kvt_reader *reader, const char *reference, const char *leap,
			  double offset_s, const char *source)
{
	const bool synchronised = strcmp(leap, "Not synchronised") != 0;

	kvt_facts_set_bool(reader->facts, reader->who, "ntp.daemon_synchronised", synchronised,
			   source);
	if (!synchronised)
		return;
	/* chronyc prints the offset that is added to the clock as positive = slow */
	kvt_facts_set_real(reader->facts, reader->who, "ntp.daemon_offset_s", offset_s, source);
	kvt_facts_set_text(reader->facts, reader->who, "ntp.daemon_source",
			   strstr(reference, "PHC") != NULL ? "phc" : "ntp", source);
}

/* "Key      : value" of the answer for people; owned, "" if it is not there */
static char *tracking_value(char *const *lines, const char *key)
{
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *colon = strchr(lines[i], ':');

		if (colon != NULL && g_str_has_prefix(lines[i], key))
			return g_strstrip(g_strdup(colon + 1));
	}
	return g_strdup("");
}

/* what sosreports hold, and what the guest agent is asked for */
static void take_words(const struct kvt_reader *reader, const char *answer, const char *source)
{
	g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);
	g_autofree char *reference = tracking_value(lines, "Reference ID");
	g_autofree char *system = tracking_value(lines, "System time");
	g_autofree char *leap = tracking_value(lines, "Leap status");
	const double offset_s = g_ascii_strtod(system, NULL);

	if (system[0] != '\0' && leap[0] != '\0')
		take_tracking(reader, reference, leap,
			      strstr(system, "fast") != NULL ? -offset_s : offset_s, source);
}

static void ask_chrony(const struct kvt_reader *reader)
{
	g_autofree char *answer = reader->answers->query(reader->answers->user, "chronyc-tracking");
	g_auto(GStrv) values = g_strsplit(answer != NULL ? g_strstrip(answer) : "", ",", -1);
	const char *source =
		kvt_read_from(reader, "/kvmtime/chronyc-tracking", "chronyc -c tracking");

	if (answer != NULL && strstr(answer, "Leap status") != NULL)
		take_words(reader, answer, source);
	else if (g_strv_length(values) >= 14)
		take_tracking(reader, values[1], values[13], g_ascii_strtod(values[4], NULL),
			      source);
}

/* ntpq -pn: the row of the source that is followed begins with a star, or o for a pulse */
static void take_peers(const struct kvt_reader *reader, const char *answer)
{
	const char *source = kvt_read_from(reader, "/kvmtime/ntpq-peers", "ntpq -pn");
	g_auto(GStrv) lines = g_strsplit(answer, "\n", -1);
	bool followed = false;

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) columns = kvt_words(lines[i]);

		if ((lines[i][0] != '*' && lines[i][0] != 'o') || g_strv_length(columns) < 10)
			continue;
		followed = true;
		kvt_facts_set_real(reader->facts, reader->who, "ntp.daemon_offset_s",
				   g_ascii_strtod(columns[8], NULL) / 1e3, source);
	}
	if (strstr(answer, "refid") != NULL)
		kvt_facts_set_bool(reader->facts, reader->who, "ntp.daemon_synchronised", followed,
				   source);
}

static void ask_ntpd(const struct kvt_reader *reader)
{
	g_autofree char *answer = reader->answers->query(reader->answers->user, "ntpq-rv");
	const char *stratum = answer != NULL ? strstr(answer, "stratum=") : NULL;
	const char *offset = answer != NULL ? strstr(answer, "offset=") : NULL;
	g_autofree char *peers =
		answer == NULL ? reader->answers->query(reader->answers->user, "ntpq-peers") : NULL;

	if (peers != NULL)
		take_peers(reader, peers);
	if (stratum == NULL)
		return;
	kvt_facts_set_bool(reader->facts, reader->who, "ntp.daemon_synchronised",
			   g_ascii_strtoll(stratum + 8, NULL, 10) < 16, "ntpq -c rv");
	if (offset != NULL)
		kvt_facts_set_real(reader->facts, reader->who, "ntp.daemon_offset_s",
				   g_ascii_strtod(offset + 7, NULL) / 1e3, "ntpq -c rv");
}

static void read_answers(const struct kvt_reader *reader)
{
	static const char *const names[] = { "ntp.daemon_synchronised", "ntp.daemon_offset_s",
					     "ntp.daemon_source" };
	const bool chronyd = kvt_facts_has_word(reader->facts, "ntp.daemons", "chronyd");
	const bool ntpd = kvt_facts_has_word(reader->facts, "ntp.daemons", "ntpd");

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (chronyd || ntpd)
			kvt_facts_set_unknown(reader->facts, reader->who, names[i], false,
					      "the daemon gave no answer");
		else
			kvt_facts_set_absent(reader->facts, reader->who, names[i],
					     "no daemon that can be asked");
	if (chronyd)
		ask_chrony(reader);
	else if (ntpd)
		ask_ntpd(reader);
}

/* What only a host learns by asking the agent from outside. */
static void nothing_from_outside(const struct kvt_reader *reader)
{
	guint count;
	const struct kvt_fact_def *defs = kvt_fact_defs(&count);

	for (guint i = 0; i < count; i++)
		if (g_str_has_prefix(defs[i].name, "agent.") &&
		    kvt_facts_any(reader->facts, defs[i].name) == NULL)
			kvt_facts_set_absent(reader->facts, reader->who, defs[i].name,
					     "this machine is read from inside");
}

static void read_agent(const struct kvt_reader *reader)
{
	static const char *const files[] = { "/etc/sysconfig/qemu-ga",
					     "/etc/default/qemu-guest-agent",
					     "/etc/qemu/qemu-ga.conf" };
	const char *blocked = NULL;

	if (!kvt_read_covers(reader, "/etc")) {
		kvt_facts_set_unknown(reader->facts, reader->who, "agent.set_time_blocked", false,
				      "not recorded");
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *text = kvt_read_file(reader, files[i]);
		g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

		for (guint j = 0; lines[j] != NULL; j++)
			if (g_strstrip(lines[j])[0] != '#' &&
			    strstr(lines[j], "guest-set-time") != NULL &&
			    strstr(lines[j], "allow") == NULL)
				blocked = files[i];
	}
	kvt_facts_set_bool(reader->facts, reader->who, "agent.set_time_blocked", blocked != NULL,
			   blocked != NULL ? blocked : "/etc/sysconfig/qemu-ga and its kin");
}

void kvt_read_ntp(const struct kvt_reader *reader)
{
	read_kernel_state(reader);
	read_daemons(reader);
	read_configuration(reader);
	read_answers(reader);
	read_agent(reader);
	nothing_from_outside(reader);
}
