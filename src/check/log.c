/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel log into facts. The dialects differ only in what stands before the text of a line and
 * in where the time is, so patterns are matched against the whole line.
 */
#include <stdlib.h>
#include <string.h>

#include "check/messages.h"
#include "check/seek.h"

#define LINE_LIMIT    2048 /* a longer line is looked at so far */
#define MATCHES_LIMIT 2000 /* of one message; after that only the last one is looked at */
#define VALUES_LIMIT  64
#define SNIFF_LIMIT   65536

/* Lines that say which boot and which machine it is; their numbers follow the messages'. */
enum about { BANNER, COMMAND_LINE, ABOUT_MACHINE, DAEMON };
static const struct {
	const char *literal;
	enum about what;
} abouts[] = {
	{ "Linux version ", BANNER },
	{ "Kernel command line: ", COMMAND_LINE },
	{ "Hypervisor detected: ", ABOUT_MACHINE },
	{ "Booting paravirtualized kernel on ", ABOUT_MACHINE },
	{ "ACPI: RSDP ", ABOUT_MACHINE },
	{ "DMI: ", ABOUT_MACHINE },
	{ " chronyd[", DAEMON },
	{ " ntpd[", DAEMON },
};

struct scan {
	const struct kvt_messages *messages;
	struct kvt_log *log;
	const char *bytes;
	gsize len;
	gsize counted;     /* newlines before this offset are counted */
	guint64 line;      /* number of the line at @counted */
	GArray *late;      /* per message: offset + 1 of a candidate beyond the limit, 0 = none */
	GArray *seen_line; /* per message: number of the line last tried */
};

/* ---- lines ---- */

static guint64 line_number(struct scan *scan, gsize offset)
{
	while (scan->counted < offset) {
		const char *from = scan->bytes + scan->counted;
		const char *eol = memchr(from, '\n', offset - scan->counted);

		if (eol == NULL)
			break;
		scan->counted = (gsize)(eol - scan->bytes) + 1;
		scan->line++;
	}
	return scan->line;
}

/* the line around an offset; owned, without its end, at most LINE_LIMIT bytes */
static char *line_at(const struct scan *scan, gsize offset, gsize *ret_end)
{
	const char *start = offset > 0 ? memrchr(scan->bytes, '\n', offset) : NULL;
	const gsize from = start != NULL ? (gsize)(start - scan->bytes) + 1 : 0;
	const char *eol = memchr(scan->bytes + offset, '\n', scan->len - offset);
	const gsize end = eol != NULL ? (gsize)(eol - scan->bytes) : scan->len;
	char *line = g_strndup(scan->bytes + from, MIN(end - from, LINE_LIMIT));

	*ret_end = end;
	line[strcspn(line, "\r")] = '\0';
	return line;
}

/* journal export: the record's time stands on a line of its own, before the message */
static char *export_stamp(const struct scan *scan, gsize offset)
{
	const char *key = "__REALTIME_TIMESTAMP=";
	const gsize from = offset > 4096 ? offset - 4096 : 0;
	const char *found = NULL;

	for (gsize i = from; i + strlen(key) < offset; i++) {
		const char *next = memmem(scan->bytes + i, offset - i, key, strlen(key));

		if (next == NULL)
			break;
		found = next;
		i = (gsize)(next - scan->bytes);
	}
	if (found == NULL)
		return NULL;
	{
		g_autofree char *digits = g_strndup(found + strlen(key), 20);
		g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(
			g_ascii_strtoll(digits, NULL, 10) / G_USEC_PER_SEC);

		return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
	}
}

static char *shown_line(const struct scan *scan, gsize offset, const char *line)
{
	g_autofree char *stamp = NULL;

	if (!g_str_has_prefix(line, "MESSAGE="))
		return g_strdup(line);
	stamp = export_stamp(scan, offset);
	return g_strdup_printf("[%s] %s", stamp != NULL ? stamp : "?", line + strlen("MESSAGE="));
}

/* ---- hits ---- */

static void forget(struct kvt_log_hit *hit)
{
	hit->earlier += hit->count;
	hit->count = 0;
	hit->first_line = 0;
	g_clear_pointer(&hit->first, g_free);
	g_clear_pointer(&hit->last, g_free);
	g_clear_pointer(&hit->last_value, g_free);
	g_ptr_array_set_size(hit->values, 0);
}

static void keep_value(struct kvt_log_hit *hit, GMatchInfo *match)
{
	const char *value = hit->message->value;

	g_free(hit->last_value);
	hit->last_value = value != NULL ? g_match_info_expand_references(match, value, NULL) : NULL;
	if (hit->last_value == NULL || hit->values->len >= VALUES_LIMIT)
		return;
	for (guint i = 0; i < hit->values->len; i++)
		if (strcmp(hit->values->pdata[i], hit->last_value) == 0)
			return;
	g_ptr_array_add(hit->values, g_strdup(hit->last_value));
}

static void try_line(struct scan *scan, struct kvt_log_hit *hit, gsize offset, const char *line)
{
	g_autoptr(GMatchInfo) match = NULL;

	if (!g_regex_match(hit->message->regex, line, 0, &match))
		return;
	if (hit->count++ == 0) {
		hit->first_line = line_number(scan, offset);
		hit->first = shown_line(scan, offset, line);
	}
	g_free(hit->last);
	hit->last = shown_line(scan, offset, line);
	keep_value(hit, match);
}

static void take_message(struct scan *scan, guint number, gsize offset)
{
	struct kvt_log_hit *hit = scan->log->hits->pdata[number];
	guint64 *seen = &g_array_index(scan->seen_line, guint64, number);
	g_autofree char *line = NULL;
	gsize end;

	if (hit->count >= MATCHES_LIMIT) {
		hit->count++;
		g_array_index(scan->late, gsize, number) = offset + 1;
		return;
	}
	line = line_at(scan, offset, &end);
	if (*seen == end + 1)
		return; /* two of its literals in one line */
	*seen = end + 1;
	try_line(scan, hit, offset, line);
}

/* ---- which boot, which machine ---- */

static void new_boot(struct scan *scan, const char *banner)
{
	struct kvt_log *log = scan->log;

	log->boots++;
	log->complete = true;
	g_free(log->banner);
	log->banner = g_strdup(banner);
	g_clear_pointer(&log->cmdline, g_free);
	g_string_truncate(log->about, 0);
	for (guint i = 0; i < log->hits->len; i++) {
		forget(log->hits->pdata[i]);
		g_array_index(scan->late, gsize, i) = 0;
	}
}

static gsize take_about(struct scan *scan, guint number, gsize offset)
{
	g_autofree char *line = NULL;
	const char *text;
	gsize end;

	line = line_at(scan, offset, &end);
	text = strstr(line, abouts[number].literal);
	if (text == NULL)
		return end;
	switch (abouts[number].what) {
	case DAEMON:
		scan->log->daemons = true;
		return offset + 1;
	case BANNER:
		/* "Linux version 6.1.0": a digit follows in the kernel's own line */
		if (g_ascii_isdigit(text[strlen("Linux version ")]))
			new_boot(scan, text);
		break;
	case COMMAND_LINE:
		g_free(scan->log->cmdline);
		scan->log->cmdline = g_strdup(text + strlen(abouts[number].literal));
		break;
	case ABOUT_MACHINE:
	default:
		if (scan->log->about->len < 8192)
			g_string_append_printf(scan->log->about, "%s\n", text);
		break;
	}
	return end;
}

static gsize found(gpointer user, guint number, gsize end)
{
	struct scan *scan = user;
	const guint count = kvt_messages_count(scan->messages);

	if (number >= count)
		return take_about(scan, number - count, end - 1);
	take_message(scan, number, end - 1);
	return end;
}

/* ---- the whole log ---- */

static void hit_free(gpointer data)
{
	struct kvt_log_hit *hit = data;

	g_free(hit->first);
	g_free(hit->last);
	g_free(hit->last_value);
	g_ptr_array_unref(hit->values);
	g_free(hit);
}

void kvt_log_free(struct kvt_log *log)
{
	if (log == NULL)
		return;
	g_ptr_array_unref(log->hits);
	g_free(log->banner);
	g_free(log->cmdline);
	g_string_free(log->about, TRUE);
	g_free(log);
}

static struct kvt_log *empty_log(const struct kvt_messages *messages)
{
	struct kvt_log *log = g_new0(struct kvt_log, 1);

	log->hits = g_ptr_array_new_with_free_func(hit_free);
	log->about = g_string_new(NULL);
	for (guint i = 0; i < kvt_messages_count(messages); i++) {
		struct kvt_log_hit *hit = g_new0(struct kvt_log_hit, 1);

		hit->message = kvt_messages_at(messages, i);
		hit->values = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(log->hits, hit);
	}
	return log;
}

static struct kvt_seek *automaton(const struct kvt_messages *messages)
{
	struct kvt_seek **kept = kvt_messages_seek(messages);
	struct kvt_seek *seek = *kept;

	if (seek != NULL)
		return seek;
	seek = *kept = kvt_seek_new();
	for (guint i = 0; i < kvt_messages_count(messages); i++)
		for (char **literal = kvt_messages_at(messages, i)->literals; *literal != NULL;
		     literal++)
			kvt_seek_add(seek, *literal, i);
	for (guint i = 0; i < G_N_ELEMENTS(abouts); i++)
		kvt_seek_add(seek, abouts[i].literal, kvt_messages_count(messages) + i);
	return seek;
}

static void look_at_late(struct scan *scan)
{
	for (guint i = 0; i < scan->log->hits->len; i++) {
		const gsize late = g_array_index(scan->late, gsize, i);
		struct kvt_log_hit *hit = scan->log->hits->pdata[i];
		g_autofree char *line = NULL;
		gsize end;

		if (late == 0)
			continue;
		line = line_at(scan, late - 1, &end);
		try_line(scan, hit, late - 1, line);
	}
}

/* A ring buffer that still begins with the boot's first second counts too. */
static bool starts_at_boot(const char *bytes, gsize len)
{
	g_autofree char *head = g_strndup(bytes, MIN(len, 64));
	const char *bracket = strchr(head, '[');

	return bracket != NULL && g_ascii_strtod(bracket + 1, NULL) < 1.0 &&
	       strstr(bracket, "0.0000") != NULL;
}

struct kvt_log *kvt_log_scan(const struct kvt_messages *messages, const char *bytes, gsize len)
{
	struct kvt_log *log = empty_log(messages);
	struct kvt_seek *seek = automaton(messages);
	struct scan scan = {
		.messages = messages, .log = log, .bytes = bytes, .len = len, .line = 1
	};

	scan.late = g_array_sized_new(FALSE, TRUE, sizeof(gsize), log->hits->len);
	scan.seen_line = g_array_sized_new(FALSE, TRUE, sizeof(guint64), log->hits->len);
	g_array_set_size(scan.late, log->hits->len);
	g_array_set_size(scan.seen_line, log->hits->len);
	log->complete = starts_at_boot(bytes, len);
	kvt_seek_run(seek, bytes, len, found, &scan);
	look_at_late(&scan);
	log->lines = line_number(&scan, len);
	g_array_unref(scan.late);
	g_array_unref(scan.seen_line);
	return log;
}

/* ---- is it one? ---- */

/* "[    0.000000] ", "[Fri Nov 20 ...] ", "<6>[", "Nov 20 19:08:38 host ", "6,123,456,-;" */
static bool line_has_stamp(const char *line)
{
	return g_regex_match_simple(
		"^(<\\d+>)?\\[ *\\d+\\.\\d{4,6}\\] |^(<\\d+>)?\\[(Mon|Tue|Wed|Thu|Fri|Sat|Sun) |"
		"^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \\d]\\d \\d\\d:\\d\\d:\\d\\d |"
		"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\S* |^\\d+,\\d+,\\d+,\\S;|"
		"^__(CURSOR|REALTIME_TIMESTAMP)=",
		line, G_REGEX_RAW, 0);
}

bool kvt_log_looks_like(const struct kvt_messages *messages, const char *bytes, gsize len)
{
	const gsize head = MIN(len, SNIFF_LIMIT);
	g_autofree char *text = g_strndup(bytes, head);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 200);
	g_autoptr(kvt_log) log = NULL;

	for (guint i = 0; lines[i] != NULL && i < 199; i++)
		if (line_has_stamp(lines[i]))
			return true;
	log = kvt_log_scan(messages, bytes, head);
	for (guint i = 0; i < log->hits->len; i++)
		if (((const struct kvt_log_hit *)log->hits->pdata[i])->count > 0)
			return true;
	return log->boots > 0;
}

/* ---- facts ---- */

static char *hit_source(const struct kvt_log_hit *hit, const char *name)
{
	GString *source = g_string_new(NULL);

	g_string_append_printf(source, "%s:%" G_GUINT64_FORMAT ": %s", name, hit->first_line,
			       hit->first);
	if (hit->count > 1)
		g_string_append_printf(source, " (and %" G_GUINT64_FORMAT " more)", hit->count - 1);
	return g_string_free(source, FALSE);
}

static void set_fact(const struct kvt_log_hit *hit, struct kvt_facts *facts, unsigned who,
		     const char *name)
{
	const struct kvt_fact_def *def = hit->message->def;
	g_autofree char *source = hit_source(hit, name);

	switch (def->type) {
	case KVT_FACT_BOOL:
		kvt_facts_set_bool(facts, who, def->name, true, source);
		break;
	case KVT_FACT_LIST:
		for (guint i = 0; i < hit->values->len; i++)
			kvt_facts_add_word(facts, who, def->name, hit->values->pdata[i], source);
		break;
	case KVT_FACT_INT:
		kvt_facts_set_int(
			facts, who, def->name,
			hit->last_value != NULL ? g_ascii_strtoll(hit->last_value, NULL, 10) : 0,
			source);
		break;
	case KVT_FACT_REAL:
		kvt_facts_set_real(facts, who, def->name,
				   hit->last_value != NULL ? g_ascii_strtod(hit->last_value, NULL)
							   : 0,
				   source);
		break;
	case KVT_FACT_TEXT:
	case KVT_FACT_VERSION:
	default:
		kvt_facts_set_text(facts, who, def->name,
				   hit->last_value != NULL ? hit->last_value : "", source);
		break;
	}
}

/* Nothing of the kind in the log: "no" only if the boot's beginning is there. */
static void set_nothing(const struct kvt_log *log, const struct kvt_message *message,
			struct kvt_facts *facts, unsigned who, const char *name)
{
	const struct kvt_fact_def *def = message->def;

	if (message->writer != NULL && !log->daemons) {
		kvt_facts_set_unknown(facts, who, def->name, false,
				      "the log holds no lines of time daemons");
		return;
	}
	if (!log->complete) {
		kvt_facts_set_unknown(facts, who, def->name, false,
				      "the log does not hold the boot's beginning");
		return;
	}
	if (def->type == KVT_FACT_BOOL)
		kvt_facts_set_bool(facts, who, def->name, false, name);
	else if (def->type == KVT_FACT_LIST)
		kvt_facts_set_list(facts, who, def->name, NULL, name);
	else
		kvt_facts_set_absent(facts, who, def->name, name);
}

static const struct kvt_fact *known(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = kvt_facts_any(facts, name);

	return fact != NULL && fact->state == KVT_KNOWN ? fact : NULL;
}

/* The two calibrations of one boot, apart by how much? */
static void compare_rates(struct kvt_facts *facts, unsigned who)
{
	const struct kvt_fact *first = known(facts, "log.tsc_mhz");
	const struct kvt_fact *second = known(facts, "log.tsc_refined_mhz");
	const char *name = "log.tsc_refined_apart_ppm";

	if (first != NULL && second != NULL && first->real > 0) {
		g_autofree char *source = g_strdup(second->source);
		const double apart = (second->real - first->real) / first->real * 1e6;

		kvt_facts_set_real(facts, who, name, apart < 0 ? -apart : apart, source);
	} else
		kvt_facts_set_absent(facts, who, name, "not both rates are in the log");
}

/* A log by itself: the source that was switched to last is the one in use. */
static void settle_clocksource(struct kvt_facts *facts, unsigned who)
{
	const struct kvt_fact *switched = known(facts, "log.switched_to");

	if (known(facts, "clocksource.current") == NULL && switched != NULL) {
		g_autofree char *text = g_strdup(switched->text);
		g_autofree char *source = g_strdup(switched->source);

		kvt_facts_set_text(facts, who, "clocksource.current", text, source);
	}
}

/* A piece of a log may tell of a demotion and not of what was in use. */
static void note_open_demotion(struct kvt_facts *facts, unsigned who, const char *name)
{
	const struct kvt_fact *demoted = known(facts, "log.clocksource_unstable");
	const bool open = demoted != NULL && demoted->list[0] != NULL &&
			  known(facts, "clocksource.current") == NULL;
	g_autofree char *source = g_strdup(open ? demoted->source : name);

	kvt_facts_set_bool(facts, who, "log.demotion_open", open, source);
}

void kvt_log_facts(const struct kvt_log *log, struct kvt_facts *facts, unsigned who,
		   const char *name)
{
	g_autoptr(GHashTable) said = g_hash_table_new(g_direct_hash, g_direct_equal);

	kvt_facts_set_bool(facts, who, "log.read", true, name);
	kvt_facts_set_int(facts, who, "log.boots", log->boots, name);
	for (guint i = 0; i < log->hits->len; i++) {
		const struct kvt_log_hit *hit = log->hits->pdata[i];
		const struct kvt_fact_def *def = hit->message->def;

		if (def == NULL)
			continue;
		if (hit->count > 0 && hit->first != NULL) {
			set_fact(hit, facts, who, name);
			g_hash_table_add(said, (gpointer)(guintptr)def);
		} else if (!g_hash_table_contains(said, def))
			set_nothing(log, hit->message, facts, who, name);
	}
	compare_rates(facts, who);
	settle_clocksource(facts, who);
	note_open_demotion(facts, who, name);
}
