/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check/record_hide.h"

enum secret { SERVER, ADDRESS, UUID, HOST, SECRETS };
static const char *const stand_ins[SECRETS] = { "server", "ADDRESS", "UUID", "host" };

struct kvt_hider {
	GHashTable *names; /* secret -> its stand-in */
	guint counts[SECRETS];
};

struct kvt_hider *kvt_hider_new(void)
{
	struct kvt_hider *hider = g_new0(struct kvt_hider, 1);

	hider->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return hider;
}

void kvt_hider_free(struct kvt_hider *hider)
{
	if (hider == NULL)
		return;
	g_hash_table_unref(hider->names);
	g_free(hider);
}

static const char *pseudonym(struct kvt_hider *hider, enum secret kind, const char *secret)
{
	g_autofree char *folded = g_ascii_strdown(secret, -1);
	char *name = g_hash_table_lookup(hider->names, folded);

	if (name == NULL) {
		name = g_strdup_printf("%s-%u", stand_ins[kind], ++hider->counts[kind]);
		g_hash_table_insert(hider->names, g_steal_pointer(&folded), name);
	}
	return name;
}

void kvt_hide_host(struct kvt_hider *hider, const char *name)
{
	if (name != NULL && name[0] != '\0' && strcmp(name, "localhost") != 0)
		pseudonym(hider, HOST, name);
}

const char *kvt_hide_server(struct kvt_hider *hider, const char *name)
{
	return pseudonym(hider, SERVER, name);
}

struct replacing {
	struct kvt_hider *hider;
	enum secret kind;
};

/* "03:35:01" and a PCI address have colons too: IPv6 has seven, or "::"; a network card five */
static gboolean is_address(const char *text)
{
	guint colons = 0;

	for (const char *c = text; *c != '\0'; c++)
		colons += *c == ':';
	return colons == 0 || colons == 7 || strstr(text, "::") != NULL ||
	       (colons == 5 && strlen(text) == 17);
}

static gboolean replace(const GMatchInfo *match, GString *out, gpointer user)
{
	const struct replacing *replacing = user;
	g_autofree char *secret = g_match_info_fetch(match, 0);

	if (g_str_has_prefix(secret, "127.") || (replacing->kind == ADDRESS && !is_address(secret)))
		g_string_append(out, secret);
	else
		g_string_append(out, pseudonym(replacing->hider, replacing->kind, secret));
	return FALSE;
}

/* A known name, or one with a domain; "time.c" and "6.1.0-18-amd64" have none. */
static gboolean replace_name(const GMatchInfo *match, GString *out, gpointer user)
{
	struct kvt_hider *hider = user;
	g_autofree char *word = g_match_info_fetch(match, 0);
	g_autofree char *folded = g_ascii_strdown(word, -1);
	const char *known = g_hash_table_lookup(hider->names, folded);
	const char *last = strrchr(word, '.');

	if (known == NULL && last != NULL && strlen(last) > 2) {
		known = "server";
		for (const char *c = last + 1; *c != '\0'; c++)
			if (!g_ascii_isalpha(*c))
				known = NULL;
		if (known != NULL)
			known = kvt_hide_server(hider, word);
	}
	g_string_append(out, known != NULL ? known : word);
	return FALSE;
}

static gboolean replace_syslog_host(const GMatchInfo *match, GString *out, gpointer user)
{
	g_autofree char *when = g_match_info_fetch(match, 1);
	g_autofree char *host = g_match_info_fetch(match, 2);

	g_string_append_printf(out, "%s%s ", when, pseudonym(user, HOST, host));
	return FALSE;
}

/* The patterns are constant; each is compiled once. */
enum pattern { IDS, IPV4, COLONS, SYSLOG, WORDS, PATTERNS };

static const GRegex *compiled(enum pattern which)
{
	static const char *const patterns[PATTERNS] = {
		[IDS] = "(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"
			"(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])",
		[IPV4] = "(?<![\\w.-])\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}(?![\\w-])",
		[COLONS] = "(?<![0-9a-zA-Z:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}"
			   "(?![0-9a-zA-Z:])",
		[SYSLOG] =
			"^((?:<\\d+>)?(?:\\[[^]]*\\] )?(?:[A-Z][a-z]{2} [ 0-9]\\d \\d\\d:\\d\\d:\\d\\d"
			"|\\d{4}-\\d\\d-\\d\\dT[0-9:.,+Z-]+) )([^\\s:\\[]+) ",
		[WORDS] = "(?<![\\w.-])[A-Za-z0-9][A-Za-z0-9-]*(?:\\.[A-Za-z0-9-]+)*(?![\\w-])",
	};
	static GRegex *regexes[PATTERNS];

	if (regexes[which] == NULL)
		regexes[which] = g_regex_new(patterns[which], G_REGEX_OPTIMIZE, 0, NULL);
	return regexes[which];
}

static char *replaced(char *text, enum pattern which, GRegexEvalCallback callback, void *user)
{
	char *next = g_regex_replace_eval(compiled(which), text, -1, 0, 0, callback, user, NULL);

	g_free(text);
	return next != NULL ? next : g_strdup("");
}

char *kvt_hide_text(struct kvt_hider *hider, const char *line)
{
	struct replacing uuid = { hider, UUID };
	struct replacing address = { hider, ADDRESS };
	char *text = g_utf8_make_valid(line, -1);

	text = replaced(text, IDS, replace, &uuid);
	text = replaced(text, COLONS, replace, &address);
	return replaced(text, IPV4, replace, &address);
}

char *kvt_hide_log_line(struct kvt_hider *hider, const char *line)
{
	char *text = g_utf8_make_valid(line, -1);

	text = replaced(text, SYSLOG, replace_syslog_host, hider);
	text = replaced(text, WORDS, replace_name, hider);
	{
		char *hidden = kvt_hide_text(hider, text);

		g_free(text);
		return hidden;
	}
}
