/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's command line: as it runs (/proc/cmdline) and as the boot loader's files say it will
 * be. Only words about time become facts.
 */
#include <string.h>

#include "check/machine.h"

enum shape { WORD, VALUE, NUMBER, WORDS };

static const struct {
	const char *word; /* as the kernel knows it; the fact is cmdline.WORD */
	enum shape shape;
} parameters[] = {
	{ "clocksource", VALUE },
	{ "clock", VALUE },
	{ "tsc", WORDS },
	{ "notsc", WORD },
	{ "no-kvmclock", WORD },
	{ "no-kvmclock-vsyscall", WORD },
	{ "no-steal-acc", WORD },
	{ "divider", VALUE },
	{ "lpj", VALUE },
	{ "clocksource_failover", VALUE },
	{ "emergency", WORD },
	{ "idle", VALUE },
	{ "processor.max_cstate", NUMBER },
	{ "intel_idle.max_cstate", NUMBER },
	{ "noapictimer", WORD },
	{ "nohz", VALUE },
	{ "highres", VALUE },
	{ "hpet", VALUE },
	{ "nomodule", WORD },
};

/* What follows "word=", "" for the bare word, or NULL. The kernel takes '-' and '_' alike. */
static const char *value_of(const char *argument, const char *word)
{
	gsize i = 0;

	for (; word[i] != '\0'; i++) {
		const char a = argument[i] == '_' ? '-' : argument[i];
		const char b = word[i] == '_' ? '-' : word[i];

		if (a != b)
			return NULL;
	}
	if (argument[i] == '=')
		return argument + i + 1;
	return argument[i] == '\0' ? argument + i : NULL;
}

bool kvt_cmdline_is_known(const char *argument)
{
	for (guint p = 0; p < G_N_ELEMENTS(parameters); p++)
		if (value_of(argument, parameters[p].word) != NULL)
			return true;
	return false;
}

static void set_parameter(const struct kvt_reader *reader, unsigned who, guint p, const char *value,
			  const char *source)
{
	g_autofree char *name = g_strdup_printf("cmdline.%s", parameters[p].word);

	if (parameters[p].shape == WORD)
		kvt_facts_set_bool(reader->facts, who, name, true, source);
	else if (parameters[p].shape == NUMBER && value[0] != '\0')
		kvt_facts_set_int(reader->facts, who, name, g_ascii_strtoll(value, NULL, 10),
				  source);
	else if (parameters[p].shape == WORDS && value[0] != '\0')
		kvt_facts_add_word(reader->facts, who, name, value, source);
	else if (parameters[p].shape == VALUE)
		kvt_facts_set_text(reader->facts, who, name, value, source);
}

/* Nothing of it there: "no" for a bare word, absent for a value. */
static void set_nothing(const struct kvt_reader *reader, unsigned who, const char *source)
{
	for (guint p = 0; p < G_N_ELEMENTS(parameters); p++) {
		g_autofree char *name = g_strdup_printf("cmdline.%s", parameters[p].word);

		if (parameters[p].shape == WORD)
			kvt_facts_set_bool(reader->facts, who, name, false, source);
		else
			kvt_facts_set_absent(reader->facts, who, name, source);
	}
}

/* What stands after "--" is for init, not for the kernel. The last of several values counts. */
static void take_arguments(const struct kvt_reader *reader, unsigned who, const char *text,
			   const char *source)
{
	g_auto(GStrv) arguments = kvt_words(text);

	for (guint i = 0; arguments[i] != NULL && strcmp(arguments[i], "--") != 0; i++)
		for (guint p = 0; p < G_N_ELEMENTS(parameters); p++) {
			const char *value = value_of(arguments[i], parameters[p].word);

			if (value != NULL && (parameters[p].shape != WORD || value[0] == '\0'))
				set_parameter(reader, who, p, value, source);
		}
}

static void set_unknown(const struct kvt_reader *reader, unsigned who, bool needs_root,
			const char *reason)
{
	for (guint p = 0; p < G_N_ELEMENTS(parameters); p++) {
		g_autofree char *name = g_strdup_printf("cmdline.%s", parameters[p].word);

		kvt_facts_set_unknown(reader->facts, who, name, needs_root, reason);
	}
}

static void read_running(const struct kvt_reader *reader)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text =
		kvt_root_read(reader->root, "/proc/cmdline", KVT_ROOT_FILE_LIMIT, NULL, &error);

	if (text == NULL) {
		set_unknown(reader, reader->who,
			    kvt_is_denied(error->message) && !reader->answers->is_root,
			    error->message);
		return;
	}
	set_nothing(reader, reader->who, "/proc/cmdline");
	take_arguments(reader, reader->who, text, "/proc/cmdline");
}

/* ---- the boot loader's files ---- */

struct boot_file {
	const char *path;
	/* the arguments that a line adds, or NULL */
	const char *(*arguments)(const char *line);
	bool first_only; /* one line counts: the default entry is taken to be the first */
};

static const char *after(const char *line, const char *word)
{
	const gsize len = strlen(word);

	while (g_ascii_isspace(*line))
		line++;
	return strncmp(line, word, len) == 0 ? line + len : NULL;
}

static const char *grub_default(const char *line)
{
	const char *value = after(line, "GRUB_CMDLINE_LINUX_DEFAULT=");

	return value != NULL ? value : after(line, "GRUB_CMDLINE_LINUX=");
}

static const char *grub_legacy(const char *line)
{
	const char *value = after(line, "kernel ");

	return value != NULL ? value : after(line, "kernel\t");
}

static const char *whole_line(const char *line)
{
	return line[0] == '#' ? NULL : line;
}

static const struct boot_file boot_files[] = {
	{ "/etc/default/grub", grub_default, false },
	{ "/boot/grub/grub.conf", grub_legacy, true },
	{ "/boot/grub/menu.lst", grub_legacy, true },
	{ "/etc/kernel/cmdline", whole_line, false },
};

static void take_lines(const struct kvt_reader *reader, const struct boot_file *file,
		       const char *text)
{
	const unsigned who = reader->who | KVT_CONFIGURED;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *value = file->arguments(lines[i]);
		g_autofree char *plain = value != NULL ? g_strdup(value) : NULL;
		g_autofree char *source = g_strdup_printf("%s:%u", file->path, i + 1);

		if (plain == NULL)
			continue;
		g_strdelimit(plain, "\"'", ' ');
		take_arguments(reader, who, plain, source);
		if (file->first_only)
			break;
	}
}

static void take_boot_file(const struct kvt_reader *reader, const struct boot_file *file,
			   const char *text)
{
	set_nothing(reader, reader->who | KVT_CONFIGURED, file->path);
	take_lines(reader, file, text);
}

/* Debian's cloud images set their words in files of their own. */
static void take_grub_d(const struct kvt_reader *reader)
{
	static const char folder[] = "/etc/default/grub.d";
	g_autoptr(GPtrArray) names = kvt_root_list(reader->root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
		const struct boot_file file = { path, grub_default, false };
		g_autofree char *text =
			g_str_has_suffix(path, ".cfg") ? kvt_read_file(reader, path) : NULL;

		if (text != NULL)
			take_lines(reader, &file, text);
	}
}

/* A line that ends in a backslash goes on: GRUB legacy and shells alike. Numbers stay right. */
static void join_lines(char *text)
{
	for (char *at = strstr(text, "\\\n"); at != NULL; at = strstr(at, "\\\n"))
		at[0] = at[1] = ' ';
}

/* ---- Boot Loader Specification ---- */

#define ENTRIES "/boot/loader/entries/"

/* The entry that stands last by name: the newest kernel, which is the default. */
static char *newest_entry(const struct kvt_reader *reader)
{
	g_autoptr(GPtrArray) names = kvt_root_list(reader->root, ENTRIES);

	for (guint i = names != NULL ? names->len : 0; i-- > 0;)
		if (g_str_has_suffix(names->pdata[i], ".conf") &&
		    strstr(names->pdata[i], "rescue") == NULL)
			return g_strconcat(ENTRIES, names->pdata[i], NULL);
	return NULL;
}

static const char *entry_options(const char *line)
{
	const char *value = after(line, "options ");

	return value != NULL ? value : after(line, "options\t");
}

static const char *environment_options(const char *line)
{
	return after(line, "kernelopts=");
}

static void take_environment(const struct kvt_reader *reader)
{
	static const struct boot_file files[] = {
		{ "/boot/grub2/grubenv", environment_options, false },
		{ "/boot/grub/grubenv", environment_options, false },
	};

	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *text = kvt_read_file(reader, files[i].path);

		if (text != NULL) {
			take_boot_file(reader, &files[i], text);
			return;
		}
	}
}

static bool read_entry(const struct kvt_reader *reader)
{
	g_autofree char *path = newest_entry(reader);
	g_autofree char *text = path != NULL ? kvt_read_file(reader, path) : NULL;
	const struct boot_file file = { path, entry_options, false };

	if (text == NULL)
		return false;
	if (strstr(text, "$kernelopts") != NULL)
		take_environment(reader);
	else
		take_boot_file(reader, &file, text);
	return true;
}

static void read_configured(const struct kvt_reader *reader)
{
	if (read_entry(reader))
		return;
	for (guint i = 0; i < G_N_ELEMENTS(boot_files); i++) {
		g_autofree char *text = kvt_read_file(reader, boot_files[i].path);

		if (text == NULL)
			continue;
		join_lines(text);
		take_boot_file(reader, &boot_files[i], text);
		if (boot_files[i].arguments == grub_default)
			take_grub_d(reader);
		return;
	}
	set_unknown(reader, reader->who | KVT_CONFIGURED, false,
		    "no boot loader file that is known");
}

void kvt_read_cmdline(const struct kvt_reader *reader)
{
	read_running(reader);
	read_configured(reader);
}
