/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/workload.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"
#include "sys/error.h"
#include "sys/root.h"

#define OUTPUT_LIMIT (1024u * 1024u)
#define SHOWN_LINES  5

/* ---- steal and throttling ---- */

static uint64_t number_after(const char *text, const char *word)
{
	const char *found = text != NULL ? strstr(text, word) : NULL;

	return found != NULL ? g_ascii_strtoull(found + strlen(word), NULL, 10) : 0;
}

static uint64_t throttled_in(const struct kvt_root *root, const char *mount, const char *group)
{
	g_autofree char *path = g_build_filename(mount, group, "cpu.stat", NULL);
	g_autofree char *text = kvt_root_read(root, path, KVT_ROOT_FILE_LIMIT, NULL, NULL);

	return number_after(text, "nr_throttled ");
}

/* of this process's group, in either version of cgroups */
static uint64_t quota_throttled(const struct kvt_root *root)
{
	g_autofree char *text =
		kvt_root_read(root, "/proc/self/cgroup", KVT_ROOT_FILE_LIMIT, NULL, NULL);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	uint64_t sum = 0;

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ":", 3);
		g_auto(GStrv) names = NULL;

		if (g_strv_length(fields) != 3)
			continue;
		names = g_strsplit(fields[1], ",", -1);
		if (fields[1][0] == '\0')
			sum += throttled_in(root, "/sys/fs/cgroup", fields[2]);
		else if (g_strv_contains((const char *const *)names, "cpu"))
			sum += throttled_in(root, "/sys/fs/cgroup/cpu", fields[2]);
	}
	return sum;
}

static uint64_t heat_throttled(const struct kvt_root *root)
{
	g_autoptr(GPtrArray) cpus = kvt_root_list(root, "/sys/devices/system/cpu");
	uint64_t sum = 0;

	for (guint i = 0; cpus != NULL && i < cpus->len; i++) {
		g_autofree char *path =
			g_strdup_printf("/sys/devices/system/cpu/%s/thermal_throttle/"
					"core_throttle_count",
					(const char *)g_ptr_array_index(cpus, i));
		g_autofree char *line = kvt_root_line(root, path);

		if (line != NULL)
			sum += g_ascii_strtoull(line, NULL, 10);
	}
	return sum;
}

void kvt_disturbance_mark(struct kvt_disturbance_mark *ret_mark)
{
	g_autoptr(kvt_root) root = kvt_root_open("/", NULL);
	g_autofree char *line = root != NULL ? kvt_root_line(root, "/proc/stat") : NULL;
	g_auto(GStrv) fields = g_strsplit_set(line != NULL ? line : "", " ", -1);
	guint column = 0;

	*ret_mark = (struct kvt_disturbance_mark){ 0 };
	for (guint i = 1; fields[0] != NULL && fields[i] != NULL; i++) {
		const guint64 ticks = g_ascii_strtoull(fields[i], NULL, 10);

		if (fields[i][0] == '\0')
			continue;
		if (column == 7)
			ret_mark->steal_ticks = ticks;
		if (column++ < 8) /* guest time is counted in user time already */
			ret_mark->total_ticks += ticks;
	}
	ret_mark->known = column >= 8;
	if (root != NULL)
		ret_mark->throttled = quota_throttled(root) + heat_throttled(root);
}

struct kvt_disturbance kvt_disturbance_since(const struct kvt_disturbance_mark *mark)
{
	struct kvt_disturbance result = { .steal = NAN };
	struct kvt_disturbance_mark now;

	kvt_disturbance_mark(&now);
	if (mark->known && now.known && now.total_ticks > mark->total_ticks)
		result.steal = (double)(now.steal_ticks - mark->steal_ticks) /
			       (double)(now.total_ticks - mark->total_ticks);
	result.throttled = now.throttled - mark->throttled;
	return result;
}

bool kvt_is_disturbed(const struct kvt_disturbance *disturbance)
{
	return disturbance->steal > KVT_DISTURBED_STEAL || disturbance->throttled > 0;
}

/* ---- the command ---- */

static atomic_int running; /* its process id; 0 = none */
static atomic_bool interrupted;

bool kvt_command_interrupted(void)
{
	return atomic_load(&interrupted);
}

void kvt_command_interrupt(void)
{
	const int pid = atomic_load(&running);

	atomic_store(&interrupted, true);
	if (pid > 0)
		kill(pid, SIGTERM);
}

static void become(const struct kvt_command *command, int output, int failure)
{
	const int null = open("/dev/null", O_RDONLY);
	int number;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	dup2(output, 1);
	dup2(output, 2);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (command->environment != NULL)
		execvpe(command->argv[0], command->argv, command->environment);
	else
		execvp(command->argv[0], command->argv);
	number = errno;
	(void)!write(failure, &number, sizeof(number));
	_exit(127);
}

static bool start(const struct kvt_command *command, int *ret_output, pid_t *ret_pid,
		  GError **error)
{
	int output[2], failure[2], number = 0;
	pid_t pid;

	if (pipe2(output, O_CLOEXEC) != 0 || pipe2(failure, O_CLOEXEC) != 0) {
		kvt_error_errno(error, "pipe", errno);
		return false;
	}
	pid = fork();
	if (pid == 0)
		become(command, output[1], failure[1]);
	close(output[1]);
	close(failure[1]);
	if (pid < 0)
		kvt_error_errno(error, "fork", errno);
	else if (read(failure[0], &number, sizeof(number)) == sizeof(number)) {
		waitpid(pid, NULL, 0);
		kvt_error_errno(error, command->argv[0], number);
	}
	close(failure[0]);
	if (pid > 0 && number == 0) {
		atomic_store(&running, pid);
		*ret_output = output[0];
		*ret_pid = pid;
		return true;
	}
	close(output[0]);
	return false;
}

/* what it prints, of which the last OUTPUT_LIMIT bytes are kept, and its end */
static int collect(int output, pid_t pid, GString *text)
{
	char bytes[65536];
	ssize_t got;
	int status = 0;

	do {
		got = read(output, bytes, sizeof(bytes));
		if (got > 0)
			g_string_append_len(text, bytes, got);
		if (text->len > 2 * OUTPUT_LIMIT)
			g_string_erase(text, 0, (gssize)(text->len - OUTPUT_LIMIT));
	} while (got > 0 || (got < 0 && errno == EINTR));
	close(output);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	atomic_store(&running, 0);
	return status;
}

static char *last_lines(const char *text)
{
	const char *from = text + strlen(text);

	for (int lines = 0; from > text; from--)
		if (from[-1] == '\n' && lines++ == SHOWN_LINES)
			break;
	return g_strchomp(g_strdup(from));
}

static bool succeeded(const struct kvt_command *command, int status, const char *text,
		      GError **error)
{
	g_autofree char *last = last_lines(text);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s ended with %s %d%s%s",
		    command->argv[0], WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		    *last != '\0' ? ": " : "", last);
	return false;
}

static bool find_metric(const struct kvt_command *command, const char *text, double *ret_value,
			GError **error)
{
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *number = NULL;
	char *end = NULL;

	if (g_regex_match(command->metric, text, 0, &match))
		number = g_match_info_fetch(match, g_match_info_get_match_count(match) > 1 ? 1 : 0);
	if (number != NULL)
		*ret_value = g_ascii_strtod(number, &end);
	if (number != NULL && end != number)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "no number at '%s' in the output of %s",
		    g_regex_get_pattern(command->metric), command->argv[0]);
	return false;
}

bool kvt_command_run(const struct kvt_command *command, double *ret_value, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *valid = NULL;
	struct timespec before, after;
	int output, status;
	double seconds;
	pid_t pid;

	/* not CLOCK_MONOTONIC: a clock daemon may be slewing it */
	clock_gettime(CLOCK_MONOTONIC_RAW, &before);
	if (!start(command, &output, &pid, error))
		return false;
	status = collect(output, pid, text);
	clock_gettime(CLOCK_MONOTONIC_RAW, &after);
	seconds = (double)(after.tv_sec - before.tv_sec) +
		  (double)(after.tv_nsec - before.tv_nsec) / 1e9;
	valid = g_utf8_make_valid(text->str, (gssize)text->len);
	if (!succeeded(command, status, valid, error))
		return false;
	if (command->metric == NULL) {
		*ret_value = seconds;
		return true;
	}
	return find_metric(command, valid, ret_value, error);
}
