/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/logs.h"

#include <string.h>

#include "check/journal.h"
#include "sys/archive.h"

#define LOG_LIMIT (256u << 20)
#define OLDER     12 /* rotated files that are read to find the boot */
#define HERE      "/kvmtime/log"

/* ---- one file ---- */

static GBytes *own(char *text, gsize len)
{
	return g_bytes_new_take(text, len);
}

/* The file's text, inflated, a journal's JSON as lines; NULL if it cannot be had. */
static GBytes *read_log(const struct kvt_root *root, const char *path)
{
	gsize len = 0;
	char *text = kvt_root_read_head(root, path, LOG_LIMIT, &len, NULL);
	g_autoptr(GBytes) bytes = text != NULL ? own(text, len) : NULL;
	GBytes *inflated = NULL, *lines;

	if (bytes != NULL && kvt_archive_kind(text, len) == KVT_ARCHIVE_COMPRESSED) {
		if (!kvt_archive_inflate(path, text, len, LOG_LIMIT, &inflated, NULL) ||
		    inflated == NULL)
			return NULL;
		g_bytes_unref(bytes);
		bytes = inflated;
	}
	if (bytes == NULL || g_bytes_get_size(bytes) == 0)
		return NULL;
	lines = kvt_journal_lines(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	return lines != NULL ? lines : g_steal_pointer(&bytes);
}

/* The release in the last kernel banner, or NULL; owned. */
static char *last_banner(GBytes *bytes)
{
	static const char banner[] = "Linux version ";
	gsize len;
	const char *text = g_bytes_get_data(bytes, &len);
	const char *end = text + len, *last = NULL;

	for (const char *at = text;
	     (at = memmem(at, (gsize)(end - at), banner, strlen(banner))) != NULL;) {
		at += strlen(banner);
		if (at < end && g_ascii_isdigit(*at))
			last = at;
	}
	if (last == NULL)
		return NULL;
	text = last;
	while (text < end && *text != ' ' && *text != '\n')
		text++;
	return g_strndup(last, (gsize)(text - last));
}

static bool has_banner(GBytes *bytes)
{
	g_autofree char *release = last_banner(bytes);

	return release != NULL;
}

static bool has_text(GBytes *bytes, const char *word)
{
	gsize len;
	const char *text = g_bytes_get_data(bytes, &len);

	return memmem(text, len, word, strlen(word)) != NULL;
}

/* ---- a log and what was rotated away ---- */

/* "-20261108.gz" -> that date; ".2.gz" -> -2: the greater, the newer */
static gint64 age(const char *suffix)
{
	const gint64 number = g_ascii_strtoll(suffix + 1, NULL, 10);

	return suffix[0] == '-' ? number : -number;
}

static gint newest_first(gconstpointer a, gconstpointer b, gpointer skip)
{
	const gint64 x = age(*(const char *const *)a + GPOINTER_TO_SIZE(skip));
	const gint64 y = age(*(const char *const *)b + GPOINTER_TO_SIZE(skip));

	return (x < y) - (x > y);
}

/* the rotated files' names, newest first */
static GPtrArray *rotated(const struct kvt_root *root, const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *base = g_path_get_basename(path);
	g_autoptr(GPtrArray) names = kvt_root_list(root, folder);
	GPtrArray *older = g_ptr_array_new_with_free_func(g_free);
	const gsize skip = strlen(base);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		const char *name = names->pdata[i];

		if (g_str_has_prefix(name, base) && (name[skip] == '-' || name[skip] == '.') &&
		    g_ascii_isdigit(name[skip + 1]))
			g_ptr_array_add(older, g_strdup(name));
	}
	g_ptr_array_sort_with_data(older, newest_first, GSIZE_TO_POINTER(skip));
	for (guint i = 0; i < older->len; i++) {
		char *full = g_build_filename(folder, older->pdata[i], NULL);

		g_free(older->pdata[i]);
		older->pdata[i] = full;
	}
	return older;
}

static GBytes *join(GBytes *first, GBytes *second)
{
	GByteArray *both = g_byte_array_new();

	g_byte_array_append(both, g_bytes_get_data(first, NULL), (guint)g_bytes_get_size(first));
	g_byte_array_append(both, g_bytes_get_data(second, NULL), (guint)g_bytes_get_size(second));
	return g_byte_array_free_to_bytes(both);
}

/* @ret_name: "FILE", or "OLDEST FILE and N newer" */
static GBytes *read_rotated(const struct kvt_root *root, const char *path, char **ret_name)
{
	GBytes *log = read_log(root, path);
	g_autoptr(GPtrArray) older = log == NULL || !has_banner(log) ? rotated(root, path) : NULL;
	guint newer = log != NULL ? 1 : 0;

	*ret_name = g_strdup(path);
	for (guint i = 0; older != NULL && i < MIN(older->len, OLDER); i++) {
		g_autoptr(GBytes) before = read_log(root, older->pdata[i]);
		GBytes *both;

		if (before == NULL ||
		    (log != NULL && g_bytes_get_size(before) + g_bytes_get_size(log) > LOG_LIMIT))
			break;
		both = log != NULL ? join(before, log) : g_bytes_ref(before);
		g_clear_pointer(&log, g_bytes_unref);
		log = both;
		g_free(*ret_name);
		*ret_name = newer > 0 ? g_strdup_printf("%s and %u newer",
							(const char *)older->pdata[i], newer)
				      : g_strdup(older->pdata[i]);
		newer++;
		if (has_banner(before))
			break;
	}
	return log;
}

/* ---- the choice ---- */

struct choice {
	struct kvt_root *root;
	GBytes *any; /* the first that could be read */
	char *any_name;
	bool done;
};

static void settle(struct choice *choice, GBytes *log, const char *name)
{
	kvt_root_add_bytes(choice->root, HERE, log, name);
	choice->done = true;
}

/* a candidate; the first that holds the boot's beginning is it */
static void offer(struct choice *choice, GBytes *log, const char *name)
{
	if (log == NULL || choice->done)
		return;
	if (has_banner(log))
		settle(choice, log, name);
	else if (choice->any == NULL) {
		choice->any = g_bytes_ref(log);
		choice->any_name = g_strdup(name);
	}
}

static void offer_file(struct choice *choice, const char *path)
{
	g_autoptr(GBytes) log = choice->done ? NULL : read_log(choice->root, path);

	offer(choice, log, path);
}

static void offer_journals(struct choice *choice, bool this_boot)
{
	static const char folder[] = "/sos_commands/logs";
	g_autoptr(GPtrArray) names = kvt_root_list(choice->root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		const char *name = names->pdata[i];
		g_autofree char *path = g_build_filename(folder, name, NULL);
		const bool boot = g_str_has_suffix(name, "--boot");

		if (g_str_has_prefix(name, "journalctl") && strstr(name, "disk-usage") == NULL &&
		    strstr(name, "boot_-1") == NULL && boot == this_boot)
			offer_file(choice, path);
	}
}

/*
 * A system log holds the daemons' lines, which the kernel's buffer does not; but it may be of an
 * earlier boot: only one of the kernel that ran is taken before the buffer.
 */
static void offer_system_log(struct choice *choice, const char *path, const char *release)
{
	g_autofree char *name = NULL;
	g_autofree char *banner = NULL;
	g_autoptr(GBytes) log = choice->done ? NULL : read_rotated(choice->root, path, &name);

	if (log == NULL)
		return;
	if (release == NULL) {
		offer(choice, log, name);
		return;
	}
	banner = last_banner(log);
	if (g_strcmp0(banner, release) == 0 &&
	    (has_text(log, " chronyd[") || has_text(log, " ntpd[")))
		settle(choice, log, name);
}

static char *running_release(const struct kvt_root *root)
{
	g_autofree char *text = kvt_root_line(root, "/kvmtime/uname");
	g_autofree char *banner = kvt_root_line(root, "/proc/version");
	g_auto(GStrv) words = g_strsplit(banner != NULL ? banner : "", " ", 4);

	if (text != NULL && g_str_has_prefix(text, "release "))
		return g_strdup(text + strlen("release "));
	return g_strv_length(words) > 2 ? g_strdup(words[2]) : NULL;
}

void kvt_logs_prepare(struct kvt_root *root)
{
	static const char *const system_logs[] = { "/var/log/messages", "/var/log/syslog" };
	static const char *const buffers[] = { "/sos_commands/kernel/dmesg",
					       "/sos_commands/kernel/dmesg_-T",
					       "/sos_commands/general/dmesg",
					       "/sos_commands/startup/dmesg", "/var/log/dmesg" };
	struct choice choice = { .root = root };
	g_autofree char *release = running_release(root);

	if (kvt_root_exists(root, HERE))
		return;
	offer_journals(&choice, true);
	for (guint i = 0; i < G_N_ELEMENTS(system_logs) && release != NULL; i++)
		offer_system_log(&choice, system_logs[i], release);
	for (guint i = 0; i < G_N_ELEMENTS(buffers); i++)
		offer_file(&choice, buffers[i]);
	offer_journals(&choice, false);
	offer_system_log(&choice, "/var/log/kern.log", NULL);
	for (guint i = 0; i < G_N_ELEMENTS(system_logs); i++)
		offer_system_log(&choice, system_logs[i], NULL);
	if (!choice.done && choice.any != NULL)
		settle(&choice, choice.any, choice.any_name);
	if (choice.any != NULL)
		g_bytes_unref(choice.any);
	g_free(choice.any_name);
}
