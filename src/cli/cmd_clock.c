/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "clock/dump.h"
#include "clock/page.h"

struct clock_options {
	struct kvt_common common;
	gboolean watch;
	double interval_s;
	char *file; /* --decode */
	char *as;
	gint64 khz;
	gint64 tsc;
};

static const char description[] =
	"Without --decode: the kernel's own pvclock page, /dev/vmclock*, /dev/ptp*, and the kernel's\n"
	"clock source. No privilege is needed for the page. With --decode: a binary or hex dump of one\n"
	"page or record, told by its magic number, size and contents.\n"
	"\n"
	"Types for --as: pvclock, wall-clock, steal-time, vmclock, hyperv, xen, pairing\n"
	"\n"
	"Examples:\n"
	"  kvmtime clock                                 what the page says now\n"
	"  kvmtime clock --watch 5                       one line each 5 s, until Ctrl-C\n"
	"  kvmtime clock --decode dump.hex               a dump from a debugger\n"
	"  xxd -s 4096 -l 32 mem | kvmtime clock --decode - --as pvclock --khz 2596124\n"
	"\n"
	"Exit status: 0 done, 2 usage, 3 the system refused, 4 the dump is no time page\n";

static volatile sig_atomic_t stopped;
static struct clock_options *parsed; /* GOption hands no data to a callback of the main group */

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

/* ---- decode ---- */

static char *read_all(int fd, const char *name, gsize *ret_size, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint8 chunk[16384];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR && !stopped)
			continue;
		if (got < 0) {
			kvt_error_errno(error, name, errno);
			return NULL;
		}
		if (bytes->len + (gsize)got > KVT_DUMP_TEXT) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "%s: longer than any dump of a time page (%u bytes)", name,
				    KVT_DUMP_TEXT);
			return NULL;
		}
		g_byte_array_append(bytes, chunk, (guint)got);
	}
	*ret_size = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}

static GByteArray *read_dump(const char *file, const char *name, GError **error)
{
	const bool from_stdin = strcmp(file, "-") == 0;
	const int fd = from_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	g_autofree char *input = NULL;
	GByteArray *bytes = NULL;
	gsize size;

	if (fd < 0) {
		kvt_error_errno(error, name, errno);
		return NULL;
	}
	if (from_stdin && isatty(fd))
		fprintf(stderr, "Paste the dump, then Ctrl-D:\n");
	input = read_all(fd, name, &size, error);
	if (!from_stdin)
		close(fd);
	if (input == NULL)
		return NULL;
	bytes = kvt_dump_parse(input, size, error);
	if (bytes == NULL)
		g_prefix_error(error, "%s: ", name);
	return bytes;
}

static int decode(const struct clock_options *options)
{
	const char *name = strcmp(options->file, "-") == 0 ? "standard input" : options->file;
	const struct kvt_page_context context = {
		.tsc_cycles = (uint64_t)options->tsc,
		.khz = (uint64_t)options->khz,
		.khz_source = "as stated",
	};
	g_autoptr(GByteArray) bytes = NULL;
	g_autoptr(kvt_record) record = NULL;
	const char *how = "--as";
	enum kvt_page_type type;
	GError *error = NULL;

	if (options->as != NULL && !kvt_page_by_name(options->as, &type)) {
		g_autofree char *names = kvt_page_names();

		return kvt_usage("clock", "--as takes %s, not '%s'", names, options->as);
	}
	bytes = read_dump(options->file, name, &error);
	if (bytes == NULL)
		return kvt_fail("clock", error);
	if (options->as == NULL &&
	    !kvt_page_recognise(bytes->data, bytes->len, &type, &how, &error)) {
		g_prefix_error(&error, "%s: ", name);
		return kvt_fail("clock", error);
	}
	record = kvt_page_describe(type, bytes->data, bytes->len, &context, &error);
	if (record == NULL) {
		g_prefix_error(&error, "%s: ", name);
		return kvt_fail("clock", error);
	}
	if (options->common.quiet)
		return KVT_STATUS_OK;
	if (options->common.json) {
		kvt_clock_json_record(record, options->file, bytes->len, how);
	} else {
		g_autofree char *safe = kvt_text_printable(name);
		g_autofree char *where =
			g_strdup_printf("%u bytes of %s; told by %s", bytes->len, safe, how);

		kvt_clock_print_record(record, NULL, where);
	}
	return KVT_STATUS_OK;
}

/* ---- live ---- */

static int show(struct kvt_live *live, const struct clock_options *options)
{
	kvt_live_look(live);
	if (options->common.json && !options->common.quiet)
		kvt_clock_json_live(live, true);
	else if (!options->common.quiet)
		kvt_clock_print_live(live, options->common.verbose);
	return kvt_live_refused(live) ? KVT_STATUS_REFUSED : KVT_STATUS_OK;
}

static void sleep_until(struct timespec *next, double interval_s)
{
	const double whole = floor(interval_s);

	next->tv_sec += (time_t)whole;
	next->tv_nsec += (long)((interval_s - whole) * 1e9);
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL); /* EINTR: stopped */
}

static bool nothing_to_watch(const struct kvt_live *live)
{
	return live->pvclock == NULL && live->vmclocks->len == 0 && live->phcs->len == 0;
}

static int watch(struct kvt_live *live, const struct clock_options *options)
{
	const struct sigaction action = { .sa_handler = stop }; /* no SA_RESTART: ends the sleep */
	struct kvt_clock_watch state = { 0 };
	struct timespec next;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!stopped) {
		kvt_live_look(live);
		if (nothing_to_watch(live)) {
			GError *error = NULL;

			g_set_error(&error, KVT_ERROR, KVT_STATUS_REFUSED,
				    "nothing to watch: no vmclock, no PHC, and %s",
				    live->page.reason != NULL ? live->page.reason
							      : "the pvclock page cannot be read");
			return kvt_fail("clock", error);
		}
		if (options->common.json)
			kvt_clock_json_live(live, false);
		else
			kvt_clock_print_watch(live, &state);
		if (fflush(stdout) != 0)
			return KVT_STATUS_OK; /* the reader has gone */
		sleep_until(&next, options->interval_s);
	}
	return KVT_STATUS_OK;
}

/* ---- options ---- */

static gboolean parse_watch(const char *name, const char *value, gpointer data, GError **error)
{
	struct clock_options *options = parsed;
	char *after = NULL;

	(void)data;

	options->watch = TRUE;
	if (value == NULL)
		return TRUE;
	options->interval_s = g_ascii_strtod(value, &after);
	if (after != value && *after == '\0' && options->interval_s >= 0.01 &&
	    options->interval_s <= 86400)
		return TRUE;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		    "%s takes seconds from 0.01 to 86400, not '%s'", name, value);
	return FALSE;
}

static bool consistent(const struct clock_options *options, int argc, char **argv, int *ret_status)
{
	const char *wrong = NULL;

	if (argc > 1) {
		*ret_status = kvt_usage(
			"clock", "no argument is taken, not '%s'%s", argv[1],
			options->file == NULL ? "; a dump is read with --decode FILE" : "");
		return false;
	}
	if (options->file != NULL && options->watch)
		wrong = "--decode and --watch exclude each other";
	else if (options->file == NULL && (options->as != NULL || options->tsc != 0))
		wrong = "--as and --tsc belong to --decode";
	else if (options->khz < 0 || options->khz > 100000000)
		wrong = "--khz takes 1 to 100000000";
	else if (options->tsc < 0)
		wrong = "--tsc takes a number of cycles above 0";
	if (wrong != NULL)
		*ret_status = kvt_usage("clock", "%s", wrong);
	return wrong == NULL;
}

int cmd_clock(int argc, char **argv)
{
	struct clock_options options = { .interval_s = 1 };
	const GOptionEntry entries[] = { { "watch", 'w', G_OPTION_FLAG_OPTIONAL_ARG,
					   G_OPTION_ARG_CALLBACK, (gpointer)parse_watch,
					   "Repeat, one line each time; every second if not said",
					   "SECONDS" },
					 { "decode", 'd', 0, G_OPTION_ARG_FILENAME, &options.file,
					   "Decode a dump instead; - is standard input", "FILE" },
					 { "as", 0, 0, G_OPTION_ARG_STRING, &options.as,
					   "The dump is of this TYPE", "TYPE" },
					 { "khz", 0, 0, G_OPTION_ARG_INT64, &options.khz,
					   "Rate of the TSC to judge the page by", "KHZ" },
					 { "tsc", 0, 0, G_OPTION_ARG_INT64, &options.tsc,
					   "Counter at which to give the dump's value", "CYCLES" },
					 G_OPTION_ENTRY_NULL };
	g_autofree char *file = NULL, *as = NULL;
	g_autoptr(kvt_root) root = NULL;
	g_autoptr(kvt_live) live = NULL;
	GError *error = NULL;
	int status;

	parsed = &options;
	if (!kvt_options_parse("clock", "", description, entries, &options.common, &argc, &argv,
			       &status))
		return status;
	file = options.file;
	as = options.as;
	if (!consistent(&options, argc, argv, &status))
		return status;
	if (options.file != NULL)
		return decode(&options);
	root = kvt_root_open("/", &error);
	if (root == NULL)
		return kvt_fail("clock", error);
	live = kvt_live_open(root, &kvt_calls_live, (uint64_t)options.khz);
	return options.watch ? watch(live, &options) : show(live, &options);
}
