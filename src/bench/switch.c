/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/error.h"

#define NAME_SIZE     64
#define LOCK_ATTEMPTS 100 /* 10 ms apart */
#define ATTEMPTS      50  /* of the guardian, 100 ms apart */

struct kvt_switch {
	char *folder;
	int folder_fd; /* locked; the guardian holds the lock too */
	char original[NAME_SIZE];
	int guardian_pipe; /* closed = this process is gone */
	pid_t guardian;
};

/* ---- the files; async-signal-safe, for the guardian ---- */

static ssize_t read_name(int folder_fd, char name[NAME_SIZE])
{
	const int fd = openat(folder_fd, "current_clocksource", O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = read(fd, name, NAME_SIZE - 1);
	close(fd);
	while (length > 0 && (name[length - 1] == '\n' || name[length - 1] == ' '))
		length--;
	name[length < 0 ? 0 : length] = '\0';
	return length;
}

static bool write_name(int folder_fd, const char *name)
{
	const int fd = openat(folder_fd, "current_clocksource", O_WRONLY | O_TRUNC | O_CLOEXEC);
	char now[NAME_SIZE];
	ssize_t written;

	if (fd < 0)
		return false;
	written = write(fd, name, strlen(name));
	if (close(fd) != 0 || written != (ssize_t)strlen(name))
		return false;
	return read_name(folder_fd, now) > 0 && strcmp(now, name) == 0;
}

/* ---- the guardian ---- */

static void detach(int keep_pipe, int keep_folder)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGALRM };
	const int low = MIN(keep_pipe, keep_folder), high = MAX(keep_pipe, keep_folder);
	const int null = open("/dev/null", O_RDWR);

	for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
		signal(ignored[i], SIG_IGN);
	setsid();
	prctl(PR_SET_NAME, "kvmtime-guard");
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	/* an inherited pipe kept open here would make its reader wait for us */
	close_range(3, (unsigned)low - 1, 0);
	close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0u, 0);
}

static void guard(int pipe_fd, int folder_fd, const char *original)
{
	ssize_t got;
	char byte;

	detach(pipe_fd, folder_fd);
	do
		got = read(pipe_fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	for (int i = 0; got <= 0 && i < ATTEMPTS && !write_name(folder_fd, original); i++)
		usleep(100000);
	_exit(0);
}

static bool start_guardian(struct kvt_switch *sw, GError **error)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		kvt_error_errno(error, "pipe", errno);
		return false;
	}
	sw->guardian = fork();
	if (sw->guardian == 0) {
		close(ends[1]);
		guard(ends[0], sw->folder_fd, sw->original);
	}
	close(ends[0]);
	sw->guardian_pipe = ends[1];
	if (sw->guardian < 0) {
		kvt_error_errno(error, "fork", errno);
		close(ends[1]);
	}
	return sw->guardian > 0;
}

static bool guardian_lives(const struct kvt_switch *sw)
{
	return waitpid(sw->guardian, NULL, WNOHANG) == 0;
}

/* ---- the caller's side ---- */

static void free_switch(struct kvt_switch *sw)
{
	if (sw->folder_fd >= 0)
		close(sw->folder_fd);
	g_free(sw->folder);
	g_free(sw);
}

/* The guardian of a process that was killed holds the lock a moment longer. */
static bool lock(int fd)
{
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_ATTEMPTS)
			return false;
		usleep(10000);
	}
	return true;
}

static bool take_folder(struct kvt_switch *sw, GError **error)
{
	g_autofree char *path = g_build_filename(sw->folder, "current_clocksource", NULL);

	sw->folder_fd = open(sw->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sw->folder_fd < 0) {
		kvt_error_errno(error, sw->folder, errno);
		return false;
	}
	if (faccessat(sw->folder_fd, "current_clocksource", W_OK, AT_EACCESS) != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "%s: %s; switching the clock source takes root", path,
			    g_strerror(errno));
		return false;
	}
	if (!lock(sw->folder_fd)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "%s: another process is switching the clock source", path);
		return false;
	}
	if (read_name(sw->folder_fd, sw->original) <= 0) {
		kvt_error_errno(error, path, errno);
		return false;
	}
	return true;
}

struct kvt_switch *kvt_switch_open(const char *folder, GError **error)
{
	struct kvt_switch *sw = g_new0(struct kvt_switch, 1);

	sw->folder = g_strdup(folder);
	sw->folder_fd = -1;
	if (take_folder(sw, error) && start_guardian(sw, error))
		return sw;
	free_switch(sw);
	return NULL;
}

const char *kvt_switch_original(const struct kvt_switch *sw)
{
	return sw->original;
}

char *kvt_switch_current(const struct kvt_switch *sw)
{
	char name[NAME_SIZE];

	return read_name(sw->folder_fd, name) > 0 ? g_strdup(name) : NULL;
}

static bool is_available(const struct kvt_switch *sw, const char *source)
{
	g_autofree char *path = g_build_filename(sw->folder, "available_clocksource", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) names = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	names = g_strsplit_set(text, " \n", -1);
	return *source != '\0' && g_strv_contains((const char *const *)names, source);
}

bool kvt_switch_to(struct kvt_switch *sw, const char *source, GError **error)
{
	g_autofree char *now = NULL;

	if (!is_available(sw, source)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "the kernel does not offer a clock source '%s' (any more)", source);
		return false;
	}
	if (!guardian_lives(sw)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "the guardian process that would put '%s' back is gone", sw->original);
		return false;
	}
	if (write_name(sw->folder_fd, source))
		return true;
	now = kvt_switch_current(sw);
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
		    "the kernel did not take clock source '%s': it runs on '%s'", source,
		    now != NULL ? now : "?");
	return false;
}

bool kvt_switch_close(struct kvt_switch *sw, GError **error)
{
	char now[NAME_SIZE] = "?";
	bool restored = read_name(sw->folder_fd, now) > 0 && strcmp(now, sw->original) == 0;

	if (!restored)
		restored = write_name(sw->folder_fd, sw->original);
	if (!restored) {
		(void)read_name(sw->folder_fd, now);
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "clock source '%s' could not be put back; the kernel runs on '%s'",
			    sw->original, now);
	}
	/* a byte = all is well; without it the guardian goes on trying */
	if (restored && write(sw->guardian_pipe, "q", 1) != 1)
		g_warning("the guardian was gone before the end");
	close(sw->guardian_pipe);
	if (restored)
		waitpid(sw->guardian, NULL, 0);
	free_switch(sw);
	return restored;
}
