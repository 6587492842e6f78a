/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/os.h"

#include <stdlib.h>
#include <string.h>

/* First match wins; "below" also asks that the number after the prefix is below a limit. */
struct pattern {
	const char *prefix;
	int below; /* release * 1000 + update; 0 = any */
	enum kvt_vm_family family;
};

/*
 * Linux: kvm-clock came with 2.6.26 (and RHEL 5.5, SLES 11); what is older counts ticks.
 * Windows: hypervclock serves Vista and 2008 and later.
 */
static const struct pattern patterns[] = {
	{ "rhel-atomic", 0, KVT_FAMILY_LINUX },
	{ "rhel", 5005, KVT_FAMILY_LINUX_TICKS },
	{ "centos-stream", 0, KVT_FAMILY_LINUX },
	{ "centos", 5005, KVT_FAMILY_LINUX_TICKS },
	{ "ol", 5005, KVT_FAMILY_LINUX_TICKS },
	{ "rhl", 0, KVT_FAMILY_LINUX_TICKS },
	{ "sles", 11000, KVT_FAMILY_LINUX_TICKS },
	{ "sled", 11000, KVT_FAMILY_LINUX_TICKS },
	{ "fedora", 9000, KVT_FAMILY_LINUX_TICKS },
	{ "debian", 5000, KVT_FAMILY_LINUX_TICKS },
	{ "ubuntu", 8010, KVT_FAMILY_LINUX_TICKS },
	{ "opensuse", 11000, KVT_FAMILY_LINUX_TICKS },
	{ "mandriva", 2009000, KVT_FAMILY_LINUX_TICKS },
	{ "mandrake", 0, KVT_FAMILY_LINUX_TICKS },
	{ "asianux", 3005, KVT_FAMILY_LINUX_TICKS },
	{ "l24", 0, KVT_FAMILY_LINUX_TICKS },
	{ "l26", 0, KVT_FAMILY_LINUX },
	{ "freebsd", 0, KVT_FAMILY_BSD },
	{ "openbsd", 0, KVT_FAMILY_BSD },
	{ "netbsd", 0, KVT_FAMILY_BSD },
	{ "dragonfly", 0, KVT_FAMILY_BSD },
	{ "ghostbsd", 0, KVT_FAMILY_BSD },
	{ "hardenedbsd", 0, KVT_FAMILY_BSD },
	{ "nomadbsd", 0, KVT_FAMILY_BSD },
	{ "opensolaris", 0, KVT_FAMILY_SOLARIS },
	{ "solaris", 0, KVT_FAMILY_SOLARIS },
	{ "sunos", 0, KVT_FAMILY_SOLARIS },
	{ "omnios", 0, KVT_FAMILY_OTHER },
	{ "openindiana", 0, KVT_FAMILY_OTHER },
	{ "smartos", 0, KVT_FAMILY_OTHER },
	{ "msdos", 0, KVT_FAMILY_DOS },
	{ "freedos", 0, KVT_FAMILY_DOS },
	{ "netware", 0, KVT_FAMILY_DOS },
	{ "macos", 0, KVT_FAMILY_OTHER },
	{ "haiku", 0, KVT_FAMILY_OTHER },
	{ "hurd", 0, KVT_FAMILY_OTHER },
	{ "other", 0, KVT_FAMILY_OTHER },
};

/* After "win" or "w": the old line first, then NT 5, the rest is Vista or later. */
static int windows_family(const char *version)
{
	static const char *const old[] = { "1.", "2.", "3.", "95", "98", "me" };
	static const char *const nt5[] = { "nt", "2k3", "2003", "xp", "2000" };

	for (gsize i = 0; i < G_N_ELEMENTS(old); i++)
		if (g_str_has_prefix(version, old[i]))
			return KVT_FAMILY_DOS;
	for (gsize i = 0; i < G_N_ELEMENTS(nt5); i++)
		if (g_str_has_prefix(version, nt5[i]))
			return KVT_FAMILY_WINDOWS_NT5;
	if (strcmp(version, "2k") == 0)
		return KVT_FAMILY_WINDOWS_NT5;
	return KVT_FAMILY_WINDOWS;
}

static int match_windows(const char *name)
{
	static const char *const prefixes[] = { "windows-", "windows", "win", NULL };

	for (int i = 0; prefixes[i] != NULL; i++)
		if (g_str_has_prefix(name, prefixes[i]))
			return windows_family(name + strlen(prefixes[i]));
	if (strcmp(name, "wxp") == 0 || strcmp(name, "w2k") == 0 || strcmp(name, "w2k3") == 0)
		return KVT_FAMILY_WINDOWS_NT5;
	if (strcmp(name, "wvista") == 0 || strcmp(name, "w2k8") == 0)
		return KVT_FAMILY_WINDOWS;
	return -1;
}

/* "5.10" -> 5010: update 10 comes after update 4, which a decimal number would not say */
static int release(const char *text)
{
	char *end;
	unsigned long major = strtoul(text, &end, 10), minor = 0;

	if (end == text)
		return G_MAXINT; /* no number: "rhel-unknown", rolling releases: new */
	if (*end == '.' || (*end == 'u' && g_ascii_isdigit(end[1])))
		minor = strtoul(end + 1, NULL, 10);
	return (int)(MIN(major, 100000) * 1000 + MIN(minor, 999));
}

static int match_pattern(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
		const struct pattern *p = &patterns[i];
		gsize length = strlen(p->prefix);

		if (strncmp(name, p->prefix, length) != 0)
			continue;
		/* "ol" must not take "olpc" */
		if (p->below > 0 && g_ascii_isalpha(name[length]) && length < 3)
			continue;
		if (p->below <= 0 || release(name + length) < p->below)
			return (int)p->family;
		return KVT_FAMILY_LINUX;
	}
	return -1;
}

/* "http://redhat.com/rhel/5.4" -> "rhel5.4"; "http://microsoft.com/win/10" -> "win10" */
static char *short_id(const char *id)
{
	g_auto(GStrv) pieces = NULL;
	guint count;

	if (!g_str_has_prefix(id, "http://") && !g_str_has_prefix(id, "https://"))
		return g_ascii_strdown(id, -1);
	pieces = g_strsplit(id, "/", -1);
	count = g_strv_length(pieces);
	if (count < 5)
		return g_strdup("");
	{
		g_autofree char *joined = g_strconcat(pieces[count - 2], pieces[count - 1], NULL);

		return g_ascii_strdown(joined, -1);
	}
}

/* Linux distributions without a number that matters; an id that is none of ours is no answer. */
static bool is_linux(const char *name)
{
	static const char *const names[] = {
		"linux",        "almalinux", "rocky",   "alpine",       "alt",
		"altlinux",     "arch",      "cirros",  "clear",        "circle",
		"elementary",   "coreos",    "endless", "eos",          "gentoo",
		"gnome",        "guix",      "mageia",  "manjaro",      "nixos",
		"popos",        "popos_",    "pureos",  "scientific",   "silverblue",
		"slackware",    "slem",      "slitaz",  "suse",         "trisquel",
		"void",         "voidlinux", "xfedora", "android",      "eurolinux",
		"miraclelinux", "magix",     "generic", "bottlerocket", "flatcar",
		"opensuse",     "microos",   "asianux", "rhcos",        "caasp",
		"altlinux.org", "mx",        "vyos",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_has_prefix(name, names[i]))
			return true;
	return false;
}

int kvt_os_family(const char *id)
{
	g_autofree char *name = short_id(id);
	const char *const *words = kvt_vm_words(KVT_VM_OS_FAMILY);
	int family;

	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(name, words[i]) == 0)
			return i;
	family = match_windows(name);
	if (family < 0)
		family = match_pattern(name);
	if (family < 0 && is_linux(name))
		family = KVT_FAMILY_LINUX;
	return family;
}

const char *kvt_os_family_name(enum kvt_vm_family family)
{
	static const char *const names[] = {
		[KVT_FAMILY_LINUX] = "Linux with kvm-clock (2.6.26, RHEL 5.5, SLES 11 or later)",
		[KVT_FAMILY_LINUX_TICKS] = "Linux that counts timer ticks",
		[KVT_FAMILY_WINDOWS_NT5] = "Windows NT, 2000, XP or 2003",
		[KVT_FAMILY_WINDOWS] = "Windows Vista, 2008 or later",
		[KVT_FAMILY_SOLARIS] = "Solaris",
		[KVT_FAMILY_BSD] = "BSD",
		[KVT_FAMILY_DOS] = "DOS, Windows before NT, NetWare",
		[KVT_FAMILY_OTHER] = "another system",
	};

	return names[family];
}

bool kvt_os_wants_localtime(enum kvt_vm_family family)
{
	return family == KVT_FAMILY_WINDOWS || family == KVT_FAMILY_WINDOWS_NT5 ||
	       family == KVT_FAMILY_DOS || family == KVT_FAMILY_SOLARIS;
}
