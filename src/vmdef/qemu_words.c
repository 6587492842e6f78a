/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/qemu.h"

#include <stdlib.h>
#include <string.h>

#include "sys/error.h"

const struct kvt_qemu_flag kvt_qemu_flags[] = {
	{ "migratable", KVT_VM_MIGRATABLE },
	{ "invtsc", KVT_VM_INVTSC },
	{ "kvmclock", KVT_VM_TIMER(KVT_TIMER_KVMCLOCK, KVT_PART_PRESENT) },
	{ "kvmclock-stable-bit", KVT_VM_STABLE_BIT },
	{ "hv-time", KVT_VM_TIMER(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT) },
	{ "hv-passthrough", KVT_VM_HV_PASSTHROUGH },
	{ "hv-relaxed", KVT_VM_HV_RELAXED },
	{ "hv-vapic", KVT_VM_HV_VAPIC },
	{ "hv-vpindex", KVT_VM_HV_VPINDEX },
	{ "hv-runtime", KVT_VM_HV_RUNTIME },
	{ "hv-synic", KVT_VM_HV_SYNIC },
	{ "hv-stimer", KVT_VM_HV_STIMER },
	{ "hv-stimer-direct", KVT_VM_HV_STIMER_DIRECT },
	{ "hv-reset", KVT_VM_HV_RESET },
	{ "hv-frequencies", KVT_VM_HV_FREQUENCIES },
	{ "hv-reenlightenment", KVT_VM_HV_REENLIGHTENMENT },
	{ "hv-tlbflush", KVT_VM_HV_TLBFLUSH },
	{ "hv-ipi", KVT_VM_HV_IPI },
	{ "hv-evmcs", KVT_VM_HV_EVMCS },
	{ "hv-avic", KVT_VM_HV_AVIC },
	{ NULL, 0 },
};

/* Releases in which an option was called deprecated, and in which it was gone. */
static const struct kvt_qemu_option options[] = {
	{ "no-kvm-pit-reinjection", false, KVT_QEMU(1, 3), KVT_QEMU(3, 0),
	  "KVM's PIT drops the ticks that it could not deliver",
	  "-global kvm-pit.lost_tick_policy=discard" },
	{ "no-kvm-pit", false, KVT_QEMU(1, 3), KVT_QEMU(2, 12), "ignored since QEMU 1.3",
	  "leave it out; a VM without PIT is -machine pit=off" },
	{ "tdf", false, KVT_QEMU(1, 3), KVT_QEMU(2, 12),
	  "time drift fix of qemu-kvm; ignored since QEMU 1.3",
	  "leave it out: kvm-pit re-injects lost ticks by default" },
	{ "rtc-td-hack", false, KVT_QEMU(0, 12), KVT_QEMU(3, 1),
	  "the RTC delivers lost ticks later, faster", "-rtc driftfix=slew" },
	{ "localtime", false, KVT_QEMU(0, 12), KVT_QEMU(3, 1), "the RTC holds local time",
	  "-rtc base=localtime" },
	{ "startdate", true, KVT_QEMU(0, 12), KVT_QEMU(3, 1), "the RTC starts at a date",
	  "-rtc base=DATE" },
	{ "no-hpet", false, KVT_QEMU(8, 0), KVT_QEMU(9, 0), "the VM has no HPET",
	  "-machine hpet=off" },
	{ "no-acpi", false, KVT_QEMU(8, 0), KVT_QEMU(9, 0), "the VM has no ACPI",
	  "-machine acpi=off" },
	{ "no-kvm-irqchip", false, KVT_QEMU(1, 3), KVT_QEMU(2, 12),
	  "interrupt controllers in QEMU, not in KVM", "-machine kernel_irqchip=off" },
	{ "no-kvm", false, KVT_QEMU(1, 3), KVT_QEMU(3, 0), "no KVM", "-accel tcg" },
	{ 0 }
};

const struct kvt_qemu_option *kvt_qemu_options(void)
{
	return options;
}

const struct kvt_qemu_option *kvt_qemu_option_find(const char *name)
{
	for (const struct kvt_qemu_option *o = options; o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

int kvt_qemu_parse_version(const char *text)
{
	char *end;
	unsigned long major = strtoul(text, &end, 10), minor = 0;

	if (!g_ascii_isdigit(*text) || major > 1000)
		return -1;
	if (*end == '.') {
		if (!g_ascii_isdigit(end[1]))
			return -1;
		minor = strtoul(end + 1, &end, 10);
	}
	if ((*end != '\0' && *end != '.' && *end != '-') || minor > 99)
		return -1;
	return KVT_QEMU((int)major, (int)minor);
}

static int ask_program(const char *program)
{
	char name[32], option[] = "--version";
	char *argv[] = { name, option, NULL };
	g_autofree char *output = NULL;
	const char *version;

	g_strlcpy(name, program, sizeof(name));
	if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
			  NULL, &output, NULL, NULL, NULL))
		return -1;
	version = strstr(output, "version ");
	if (version != NULL) {
		g_autofree char *number =
			g_strndup(version + 8, strspn(version + 8, "0123456789."));

		return kvt_qemu_parse_version(number);
	}
	return -1;
}

static int find_installed(void)
{
	const char *told = g_getenv("KVT_QEMU");
	int version = told != NULL ? kvt_qemu_parse_version(told) : -1;

	if (version < 0)
		version = ask_program("qemu-system-x86_64");
	if (version < 0)
		version = ask_program("/usr/libexec/qemu-kvm");
	return version;
}

int kvt_qemu_installed(void)
{
	static gsize once;
	static int version;

	if (g_once_init_enter(&once)) {
		version = find_installed();
		g_once_init_leave(&once, 1);
	}
	return version;
}

struct splitter {
	const char *at, *end;
	int line;
	bool argv;     /* a word a line: no line end ends the command */
	GString *word; /* NULL between words */
	GPtrArray *words;
	GArray *lines;
};

static void begin_word(struct splitter *s)
{
	if (s->word == NULL) {
		s->word = g_string_new(NULL);
		g_array_append_val(s->lines, s->line);
	}
}

static void end_word(struct splitter *s)
{
	if (s->word != NULL)
		g_ptr_array_add(s->words, g_string_free(s->word, FALSE));
	s->word = NULL;
}

/* After the opening quote; false if the text ends before the closing one. */
static bool take_quoted(struct splitter *s, char quote)
{
	begin_word(s);
	for (; s->at < s->end; s->at++) {
		char c = *s->at;

		if (c == quote)
			return true;
		if (c == '\n')
			s->line++;
		if (c == '\\' && quote == '"' && s->at + 1 < s->end &&
		    strchr("\"\\$`\n", s->at[1]) != NULL) {
			c = *++s->at;
			if (c == '\n') {
				s->line++;
				continue;
			}
		}
		g_string_append_c(s->word, c);
	}
	return false;
}

static void take_backslash(struct splitter *s)
{
	if (s->at + 1 >= s->end)
		return;
	s->at++;
	if (*s->at == '\n') {
		s->line++;
		return;
	}
	begin_word(s);
	g_string_append_c(s->word, *s->at);
}

/* More than one line, a word each, some of them options. */
static bool is_argv_file(const char *at, const char *end)
{
	bool option = false;
	int lines = 0;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (gsize)(end - at));
		gsize length = (gsize)((line_end != NULL ? line_end : end) - at);

		for (gsize i = 0; i < length; i++)
			if (g_ascii_isspace(at[i]) || at[i] == '\\')
				return false;
		option |= *at == '-';
		lines += length > 0;
		at += MIN(length + 1, (gsize)(end - at));
	}
	return option && lines > 1;
}

/* At a line end: options may go on in the next line, as bug reports quote them. */
static bool goes_on(const struct splitter *s)
{
	const char *next = s->at;

	while (next < s->end && g_ascii_isspace(*next))
		next++;
	return s->argv || (s->end - next >= 2 && next[0] == '-' && g_ascii_isalpha(next[1]));
}

/* One character outside quotes; false at an operator that ends the command. */
static bool take_plain(struct splitter *s)
{
	char c = *s->at;

	if (c == '\\') {
		take_backslash(s);
	} else if (c == '\n' || g_ascii_isspace(c)) {
		end_word(s);
		/* a bare line end ends the command, once there is one */
		if (c == '\n' && s->words->len > 0 && !goes_on(s))
			return false;
		s->line += c == '\n';
	} else if (c == '#' && s->word == NULL) {
		while (s->at + 1 < s->end && s->at[1] != '\n')
			s->at++;
	} else if (c == '|' || c == ';' || c == '&' || c == '>' || c == '<') {
		return false;
	} else {
		begin_word(s);
		g_string_append_c(s->word, c);
	}
	return true;
}

static void split_nul(struct splitter *s)
{
	while (s->at < s->end) {
		gsize length = strnlen(s->at, (gsize)(s->end - s->at));

		g_array_append_val(s->lines, s->line);
		g_ptr_array_add(s->words, g_strndup(s->at, length));
		s->at += length + 1;
	}
}

static bool split_shell(struct splitter *s, const char *file, GError **error)
{
	for (; s->at < s->end; s->at++) {
		int line = s->line;
		char c = *s->at;

		if (c == '\'' || c == '"') {
			s->at++;
			if (take_quoted(s, c))
				continue;
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "%s:%d: the quote %c is not closed", file, line, c);
			if (s->word != NULL)
				g_string_free(s->word, TRUE);
			return false;
		}
		if (!take_plain(s))
			break;
	}
	end_word(s);
	return true;
}

GPtrArray *kvt_qemu_split(const char *text, gsize length, const char *file, GArray **ret_lines,
			  GError **error)
{
	struct splitter s = { .at = text, .end = text + length, .line = 1 };

	if (length > KVT_QEMU_LIMIT) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: longer than 1 MiB: not a command line", file);
		return NULL;
	}
	s.argv = is_argv_file(text, text + length);
	s.words = g_ptr_array_new_with_free_func(g_free);
	s.lines = g_array_new(FALSE, FALSE, sizeof(int));
	if (length > 0 && memchr(text, '\0', length) != NULL) {
		split_nul(&s);
	} else if (!split_shell(&s, file, error)) {
		g_ptr_array_unref(s.words);
		g_array_unref(s.lines);
		return NULL;
	}
	*ret_lines = s.lines;
	return s.words;
}

static bool is_plain(const char *word)
{
	return *word != '\0' &&
	       word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_-+=.,:/@%")] == '\0';
}

char *kvt_qemu_join(const GPtrArray *words)
{
	GString *line = g_string_new(NULL);

	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		g_autofree char *quoted = is_plain(word) ? g_strdup(word) : g_shell_quote(word);

		g_string_append_printf(line, "%s%s", i > 0 ? " " : "", quoted);
	}
	return g_string_free(line, FALSE);
}
