/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/target.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/machine.h"
#include "check/record.h"
#include "check/journal.h"
#include "check/logs.h"
#include "sys/archive.h"
#include "sys/error.h"

#define STDIN_LIMIT (512u << 20)

/* ---- opening ---- */

static bool read_stdin(struct kvt_source *source, GError **error)
{
	GString *text = g_string_sized_new(1 << 16);
	ssize_t got;

	do {
		g_string_set_size(text, text->len + 65536);
		got = read(STDIN_FILENO, text->str + text->len - 65536, 65536);
		g_string_set_size(text, text->len - 65536 + (gsize)MAX(got, 0));
	} while ((got > 0 && text->len <= STDIN_LIMIT) || (got < 0 && errno == EINTR));
	source->len = text->len;
	source->owned = g_string_free(text, FALSE);
	source->bytes = source->owned;
	if (got < 0)
		kvt_error_errno(error, "standard input", errno);
	else if (source->len > STDIN_LIMIT)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "standard input: longer than %u MiB", STDIN_LIMIT >> 20);
	return got == 0 && source->len <= STDIN_LIMIT;
}

static bool open_file(struct kvt_source *source, GError **error)
{
	struct stat st;

	if (stat(source->name, &st) < 0) {
		kvt_error_errno(error, source->name, errno);
		return false;
	}
	source->is_folder = S_ISDIR(st.st_mode);
	if (source->is_folder)
		return true;
	if (!S_ISREG(st.st_mode)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: neither a file nor a folder", source->name);
		return false;
	}
	source->map = g_mapped_file_new(source->name, FALSE, NULL);
	if (source->map == NULL) {
		kvt_error_errno(error, source->name, access(source->name, R_OK) < 0 ? errno : EIO);
		return false;
	}
	source->bytes = g_mapped_file_get_contents(source->map);
	source->len = g_mapped_file_get_length(source->map);
	if (source->bytes == NULL)
		source->bytes = "";
	return true;
}

const char *kvt_source_shown(const struct kvt_source *source)
{
	return strcmp(source->name, "-") == 0 ? "standard input" : source->name;
}

/* What is compressed is read as what is in it, so that every reader of a file takes both. */
static bool inflate(struct kvt_source *source, GError **error)
{
	const enum kvt_archive_kind kind = source->bytes != NULL
						   ? kvt_archive_kind(source->bytes, source->len)
						   : KVT_ARCHIVE_NONE;

	source->is_archive = kind == KVT_ARCHIVE_MEMBERS;
	if (kind != KVT_ARCHIVE_COMPRESSED)
		return true;
	if (!kvt_archive_inflate(kvt_source_shown(source), source->bytes, source->len, STDIN_LIMIT,
				 &source->inflated, error))
		return false;
	source->is_archive = source->inflated == NULL;
	if (source->inflated != NULL)
		source->bytes = g_bytes_get_data(source->inflated, &source->len);
	if (source->bytes == NULL)
		source->bytes = "";
	return true;
}

/* A journal's JSON is read as the lines that it stands for. */
static void rewrite_journal(struct kvt_source *source)
{
	GBytes *lines = source->bytes != NULL && !source->is_archive
				? kvt_journal_lines(source->bytes, source->len)
				: NULL;

	if (lines == NULL)
		return;
	g_clear_pointer(&source->inflated, g_bytes_unref);
	source->inflated = lines;
	source->bytes = g_bytes_get_data(lines, &source->len);
}

struct kvt_source *kvt_source_open(const char *name, GError **error)
{
	g_autoptr(kvt_source) source = g_new0(struct kvt_source, 1);

	source->name = name;
	if (name == NULL)
		return g_steal_pointer(&source);
	if ((strcmp(name, "-") == 0 ? read_stdin(source, error) : open_file(source, error)) &&
	    inflate(source, error)) {
		rewrite_journal(source);
		return g_steal_pointer(&source);
	}
	return NULL;
}

struct kvt_source *kvt_source_new_bytes(const char *name, const char *bytes, gsize len,
					GError **error)
{
	g_autoptr(kvt_source) source = g_new0(struct kvt_source, 1);

	source->name = name;
	source->bytes = bytes;
	source->len = len;
	if (!inflate(source, error))
		return NULL;
	rewrite_journal(source);
	return g_steal_pointer(&source);
}

void kvt_source_close(struct kvt_source *source)
{
	if (source == NULL)
		return;
	if (source->map != NULL)
		g_mapped_file_unref(source->map);
	if (source->inflated != NULL)
		g_bytes_unref(source->inflated);
	g_free(source->owned);
	g_free(source);
}

/* ---- this machine ---- */

static bool live_sniff(const struct kvt_source *source)
{
	return source->name == NULL || strcmp(source->name, "/") == 0;
}

static bool live_read(const struct kvt_source *source, GPtrArray *sets, GError **error)
{
	g_autoptr(kvt_root) root = kvt_root_open("/", error);

	(void)source;
	if (root == NULL)
		return false;
	g_ptr_array_add(sets, kvt_machine_read(root, kvt_answers_live(), KVT_THIS_MACHINE));
	return true;
}

const struct kvt_target_kind kvt_target_live = { "this machine", live_sniff, live_read };

/* ---- a folder ---- */

static bool is_machine(const struct kvt_root *root)
{
	return kvt_root_exists(root, "/etc") || kvt_root_exists(root, "/proc") ||
	       kvt_root_exists(root, "/kvmtime");
}

bool kvt_target_is_machine(const char *folder)
{
	g_autoptr(kvt_root) root = kvt_root_open(folder, NULL);

	return root != NULL && is_machine(root);
}

static bool folder_sniff(const struct kvt_source *source)
{
	return source->is_folder;
}

static bool folder_read(const struct kvt_source *source, GPtrArray *sets, GError **error)
{
	g_autoptr(kvt_root) root = kvt_root_open(source->name, error);
	struct kvt_answers answers;

	if (root == NULL)
		return false;
	if (!is_machine(root)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: holds neither etc, proc nor kvmtime: not the root of a machine",
			    source->name);
		return false;
	}
	kvt_logs_prepare(root);
	kvt_answers_recorded(root, &answers);
	g_ptr_array_add(sets, kvt_machine_read(root, &answers, source->name));
	return true;
}

const struct kvt_target_kind kvt_target_folder = { "root of a machine", folder_sniff, folder_read };

/* ---- a log ---- */

static bool log_sniff(const struct kvt_source *source)
{
	g_autoptr(kvt_messages) messages =
		source->bytes != NULL && !source->is_archive ? kvt_messages_load(NULL) : NULL;

	return messages != NULL && kvt_log_looks_like(messages, source->bytes, source->len);
}

static bool log_read(const struct kvt_source *source, GPtrArray *sets, GError **error)
{
	(void)error;
	g_ptr_array_add(sets,
			kvt_log_read_machine(source->bytes, source->len, kvt_source_shown(source)));
	return true;
}

const struct kvt_target_kind kvt_target_log = { "log", log_sniff, log_read };

/* ---- a record ---- */

static bool record_sniff(const struct kvt_source *source)
{
	return source->bytes != NULL && kvt_record_looks_like(source->bytes, source->len);
}

static bool record_read(const struct kvt_source *source, GPtrArray *sets, GError **error)
{
	g_autoptr(kvt_root) root =
		kvt_record_parse(source->bytes, source->len, kvt_source_shown(source), error);
	struct kvt_answers answers;

	if (root == NULL)
		return false;
	kvt_answers_recorded(root, &answers);
	g_ptr_array_add(sets, kvt_machine_read(root, &answers, kvt_source_shown(source)));
	return true;
}

const struct kvt_target_kind kvt_target_record = { "record", record_sniff, record_read };
