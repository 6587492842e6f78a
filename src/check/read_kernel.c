/* SPDX-License-Identifier: BSD-2-Clause */
/* Which kernel and which system: what decides about parameters and expectations. */
#include <string.h>

#include "check/machine.h"

/*
 * Build number of an Enterprise Linux kernel at each minor release; the largest not above counts.
 * Source: Red Hat, "Red Hat Enterprise Linux Release Dates" (access.redhat.com/articles/3078), the
 * general availability kernels. What is not in it is unknown: no rule asks for a minor after 8.
 */
static const struct {
	int major;
	int builds[16];
} el_builds[] = {
	{ 4, { 5, 11, 22, 34, 42, 55, 67, 78, 89, 100 } },
	{ 5, { 8, 53, 92, 128, 164, 194, 238, 274, 308, 348, 371, 398 } },
	{ 6, { 71, 131, 220, 279, 358, 431, 504, 573, 642, 696, 754 } },
	{ 7, { 123, 229, 327, 514, 693, 862, 957, 1062, 1127, 1160 } },
	{ 8, { 80, 147, 193, 240, 305, 348, 372, 425, 477, 513, 553 } },
};

/* "2.6.18-398.el5" -> 5; "2.6.9-100.ELsmp" -> 4; else 0 */
static int el_major(const char *release)
{
	const char *el = strstr(release, ".el");

	if (el != NULL && g_ascii_isdigit(el[3]))
		return (int)g_ascii_strtoll(el + 3, NULL, 10);
	if (strstr(release, "el5") != NULL && g_str_has_prefix(release, "2.6.18"))
		return 5;
	return strstr(release, ".EL") != NULL && g_str_has_prefix(release, "2.6.9") ? 4 : 0;
}

/* -1 = not known */
static int el_minor(const char *release, int major)
{
	const char *dash = strchr(release, '-');
	const gint64 build = dash != NULL ? g_ascii_strtoll(dash + 1, NULL, 10) : 0;
	int minor = -1;

	for (guint i = 0; i < G_N_ELEMENTS(el_builds); i++)
		for (int j = 0; el_builds[i].major == major && j < 16; j++)
			if (el_builds[i].builds[j] != 0 && build >= el_builds[i].builds[j])
				minor = j;
	return minor;
}

static char *family_of(const char *release, const char *version)
{
	const int major = el_major(release);

	if (major > 0)
		return g_strdup_printf("el%d", major);
	if (strstr(release, ".amzn") != NULL)
		return g_strdup("amzn");
	if (strstr(release, ".fc") != NULL)
		return g_strdup("fedora");
	if (strstr(version, "Ubuntu") != NULL)
		return g_strdup("ubuntu");
	if (strstr(version, "Debian") != NULL)
		return g_strdup("debian");
	if (strstr(version, "SUSE") != NULL || g_str_has_suffix(release, "-default"))
		return g_strdup("sles");
	return g_strdup("other");
}

/*
 * kvm-clock is in kernels from 2.6.26 on, and in Enterprise Linux from 5.5 on; of 5.4 the sources
 * disagree. The rating that puts an invariant TSC above it came with 5.1 and EL 8.1.
 */
static void expectations(const struct kvt_reader *reader, const char *release, int major, int minor)
{
	const char *has = "clocksource.kernel_has_kvmclock";
	const char *prefers = "clocksource.kernel_prefers_tsc";
	const char *source = "kernel release";

	if (major == 5 && minor == 4)
		kvt_facts_set_unknown(reader->facts, reader->who, has, false,
				      "sources disagree about EL 5.4");
	else if (major > 0)
		kvt_facts_set_bool(reader->facts, reader->who, has,
				   major > 5 || (major == 5 && minor > 4), source);
	else
		kvt_facts_set_bool(reader->facts, reader->who, has,
				   kvt_version_compare(release, "2.6.26") >= 0, source);
	if (major == 8 && minor < 1)
		kvt_facts_set_unknown(reader->facts, reader->who, prefers, false,
				      "EL 8.0 is not known");
	else if (major > 0)
		kvt_facts_set_bool(reader->facts, reader->who, prefers, major >= 8, source);
	else
		kvt_facts_set_bool(reader->facts, reader->who, prefers,
				   kvt_version_compare(release, "5.1") >= 0, source);
}

static const char *architecture(const char *machine)
{
	if (machine[0] == 'i' && strlen(machine) == 4 && strcmp(machine + 2, "86") == 0)
		return "i386";
	return strcmp(machine, "amd64") == 0 ? "x86_64" : machine;
}

static void from_uname(const struct kvt_reader *reader, const struct kvt_uname *name)
{
	const int major = el_major(name->release);
	const int minor = el_minor(name->release, major);
	g_autofree char *family = family_of(name->release, name->version);
	const char *source = kvt_read_from(reader, "/kvmtime/uname", "uname");

	kvt_facts_set_text(reader->facts, reader->who, "kernel.release", name->release, source);
	kvt_facts_set_text(reader->facts, reader->who, "kernel.version", name->release, source);
	kvt_facts_set_text(reader->facts, reader->who, "kernel.family", family, source);
	kvt_facts_set_bool(reader->facts, reader->who, "kernel.rt",
			   strstr(name->version, "PREEMPT_RT") != NULL ||
				   strstr(name->version, "PREEMPT RT") != NULL,
			   source);
	if (name->machine[0] != '\0')
		kvt_facts_set_text(reader->facts, reader->who, "kernel.arch",
				   architecture(name->machine), source);
	if (minor >= 0)
		kvt_facts_set_int(reader->facts, reader->who, "kernel.el_minor", minor, source);
	else if (major > 0)
		kvt_facts_set_unknown(reader->facts, reader->who, "kernel.el_minor", false,
				      "the build number is not known");
	else
		kvt_facts_set_absent(reader->facts, reader->who, "kernel.el_minor", source);
	expectations(reader, name->release, major, minor);
}

/* "KEY=value" or KEY="value" of an os-release style file; owned */
static char *shell_value(const char *text, const char *key)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	const gsize len = strlen(key);

	for (guint i = 0; lines[i] != NULL; i++) {
		char *value = lines[i] + len + 1;

		if (strncmp(lines[i], key, len) != 0 || lines[i][len] != '=')
			continue;
		g_strstrip(value);
		if ((value[0] == '"' || value[0] == '\'') && strlen(value) > 1 &&
		    value[strlen(value) - 1] == value[0]) {
			value[strlen(value) - 1] = '\0';
			value++;
		}
		return g_strdup(value);
	}
	return NULL;
}

/* systems before os-release: one line of text */
static void from_release_file(const struct kvt_reader *reader)
{
	static const struct {
		const char *path, *id;
	} files[] = {
		{ "/etc/redhat-release", "rhel" },
		{ "/etc/SuSE-release", "sles" },
		{ "/etc/debian_version", "debian" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *line = kvt_root_line(reader->root, files[i].path);
		const char *digit = line;

		if (line == NULL)
			continue;
		while (*digit != '\0' && !g_ascii_isdigit(*digit))
			digit++;
		kvt_facts_set_text(reader->facts, reader->who, "os.id", files[i].id, files[i].path);
		kvt_facts_set_text(reader->facts, reader->who, "os.name", line, files[i].path);
		if (*digit != '\0')
			kvt_facts_set_text(reader->facts, reader->who, "os.version", digit,
					   files[i].path);
		return;
	}
	kvt_facts_set_unknown(reader->facts, reader->who, "os.id", false, "no release file");
	kvt_facts_set_unknown(reader->facts, reader->who, "os.name", false, "no release file");
	kvt_facts_set_unknown(reader->facts, reader->who, "os.version", false, "no release file");
}

static void read_os(const struct kvt_reader *reader)
{
	const char *path = "/etc/os-release";
	g_autofree char *text = kvt_read_file(reader, path);
	g_autofree char *id = NULL, *version = NULL, *name = NULL, *pretty = NULL;

	if (text == NULL) {
		path = "/usr/lib/os-release";
		text = kvt_read_file(reader, path);
	}
	if (text == NULL) {
		from_release_file(reader);
		return;
	}
	id = shell_value(text, "ID");
	version = shell_value(text, "VERSION_ID");
	name = shell_value(text, "NAME");
	pretty = shell_value(text, "PRETTY_NAME");
	kvt_facts_set_text(reader->facts, reader->who, "os.id", id != NULL ? id : "linux", path);
	kvt_facts_set_text(reader->facts, reader->who, "os.name",
			   pretty != NULL ? pretty
			   : name != NULL ? name
					  : "Linux",
			   path);
	if (version != NULL)
		kvt_facts_set_text(reader->facts, reader->who, "os.version", version, path);
	else
		kvt_facts_set_absent(reader->facts, reader->who, "os.version", path);
}

/* A record without uname: the kernel's banner in /proc/version says the same. */
static bool from_banner(const struct kvt_reader *reader, struct kvt_uname *ret_name)
{
	g_autofree char *banner = kvt_root_line(reader->root, "/proc/version");
	g_auto(GStrv) words = kvt_words(banner != NULL ? banner : "");

	if (g_strv_length(words) < 3 || strcmp(words[0], "Linux") != 0)
		return false;
	g_strlcpy(ret_name->release, words[2], sizeof(ret_name->release));
	g_strlcpy(ret_name->version, banner, sizeof(ret_name->version));
	ret_name->machine[0] = '\0';
	return true;
}

void kvt_read_kernel(const struct kvt_reader *reader)
{
	static const char *const names[] = { "kernel.release",
					     "kernel.version",
					     "kernel.family",
					     "kernel.arch",
					     "kernel.rt",
					     "kernel.el_minor",
					     "clocksource.kernel_has_kvmclock",
					     "clocksource.kernel_prefers_tsc" };
	struct kvt_uname name;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		kvt_facts_set_unknown(reader->facts, reader->who, names[i], false, "no uname");
	if (reader->answers->uname(reader->answers->user, &name) == 0 || from_banner(reader, &name))
		from_uname(reader, &name);
	read_os(reader);
}
