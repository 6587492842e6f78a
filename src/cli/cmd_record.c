/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime record: take this machine's time facts along, without secrets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/record.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"

static const char description[] =
	"Writes one text file, readable by its owner alone: known words of the boot line, lines of the\n"
	"kernel log about time, time lines of configurations, a few numbers. Names of servers, addresses\n"
	"and UUIDs become pseudonyms. kvmtime check FILE reads it.\n"
	"\n"
	"Where this program cannot run: ssh old sh <record.sh | kvmtime check -\n"
	"\n"
	"Examples:\n"
	"  kvmtime record --list             everything that would be written, to the terminal\n"
	"  kvmtime record web1.record\n";

/* Never through somebody else's link, never over an existing file. */
static int write_new(const char *path, const char *text, GError **error)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	const gsize len = strlen(text);
	gsize done = 0;

	while (fd >= 0 && done < len) {
		const ssize_t wrote = write(fd, text + done, len - done);

		if (wrote < 0 && errno != EINTR)
			break;
		done += (gsize)MAX(wrote, 0);
	}
	if (fd < 0 || done < len)
		kvt_error_errno(error, path, errno);
	if (fd >= 0 && (close(fd) < 0 || done < len))
		unlink(path);
	return fd >= 0 && done == len ? KVT_STATUS_OK : KVT_STATUS_REFUSED;
}

int cmd_record(int argc, char **argv)
{
	gboolean list = FALSE;
	const GOptionEntry entries[] = { { "list", 0, 0, G_OPTION_ARG_NONE, &list,
					   "Print what would be written, write nothing", NULL },
					 G_OPTION_ENTRY_NULL };
	struct kvt_common common;
	g_autoptr(kvt_root) root = NULL;
	g_autofree char *text = NULL;
	GError *error = NULL;
	int status;

	if (!kvt_options_parse("record", "FILE", description, entries, &common, &argc, &argv,
			       &status))
		return status;
	if (argc != (list ? 1 : 2))
		return kvt_usage("record",
				 list ? "--list takes no file" : "one FILE to write is wanted");
	root = kvt_root_open("/", &error);
	if (root == NULL)
		return kvt_fail("record", error);
	text = kvt_record_write(root, kvt_answers_live(), NULL);
	if (list) {
		fputs(text, stdout);
		return KVT_STATUS_OK;
	}
	status = write_new(argv[1], text, &error);
	if (status != KVT_STATUS_OK)
		return kvt_fail("record", error);
	if (!common.quiet)
		fprintf(stderr, "%s: %zu bytes; look at it before you send it\n", argv[1],
			strlen(text));
	return KVT_STATUS_OK;
}
