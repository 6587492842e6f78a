/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/hidden_fs.h"
#include "sys/error.h"

static const char *const event_names[LAB_TRACE_KINDS] = {
	[LAB_TRACE_PAGE] = "kvm_pvclock_update",
	[LAB_TRACE_MASTER_CLOCK] = "kvm_update_master_clock",
	[LAB_TRACE_TRACK_TSC] = "kvm_track_tsc",
	[LAB_TRACE_TSC_OFFSET] = "kvm_write_tsc_offset",
};

struct lab_trace {
	int root; /* of tracefs */
	int pipe;
	char *instance; /* "instances/NAME" */
	char buffer[8192];
	size_t filled;
	bool over;
};

static bool write_at(int root, const char *path, const char *text)
{
	const int fd = openat(root, path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static bool only(struct lab_trace *trace, int pid)
{
	g_autofree char *pids = g_strconcat(trace->instance, "/set_event_pid", NULL);
	g_autofree char *fork = g_strconcat(trace->instance, "/options/event-fork", NULL);
	g_autofree char *number = g_strdup_printf("%d", pid);

	return pid == 0 ||
	       (write_at(trace->root, pids, number) && write_at(trace->root, fork, "1"));
}

static bool enable(struct lab_trace *trace)
{
	g_autofree char *clock = g_strconcat(trace->instance, "/trace_clock", NULL);
	g_autofree char *pipe = g_strconcat(trace->instance, "/trace_pipe", NULL);

	if (!write_at(trace->root, clock, "mono"))
		return false;
	for (int i = 0; i < LAB_TRACE_KINDS; i++) {
		g_autofree char *path =
			g_strdup_printf("%s/events/kvm/%s/enable", trace->instance, event_names[i]);

		if (!write_at(trace->root, path, "1"))
			return false;
	}
	trace->pipe = openat(trace->root, pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return trace->pipe >= 0;
}

struct lab_trace *lab_trace_open(int pid, GError **error)
{
	struct lab_trace *trace = g_new0(struct lab_trace, 1);

	trace->pipe = -1;
	trace->root = lab_hidden_fs("tracefs", "/sys/kernel/tracing", "events/kvm");
	trace->instance = g_strdup_printf("instances/kvmtime-%d", (int)getpid());
	if (trace->root >= 0 && mkdirat(trace->root, trace->instance, 0700) == 0) {
		if (only(trace, pid) && enable(trace))
			return trace;
	} else
		g_clear_pointer(&trace->instance, g_free);
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "KVM's trace events: %s%s",
		    g_strerror(errno), errno == EPERM || errno == EACCES ? " (be root)" : "");
	lab_trace_free(trace);
	return NULL;
}

struct lab_trace *lab_trace_open_file(const char *path, GError **error)
{
	const int fd =
		g_str_equal(path, "-") ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct lab_trace *trace;

	if (fd < 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: %s", path,
			    g_strerror(errno));
		return NULL;
	}
	trace = g_new0(struct lab_trace, 1);
	trace->root = -1;
	trace->pipe = fd;
	return trace;
}

bool lab_trace_is_over(const struct lab_trace *trace)
{
	return trace->over;
}

void lab_trace_free(struct lab_trace *trace)
{
	if (trace == NULL)
		return;
	if (trace->pipe >= 0)
		close(trace->pipe);
	if (trace->instance != NULL)
		unlinkat(trace->root, trace->instance, AT_REMOVEDIR);
	if (trace->root >= 0)
		close(trace->root);
	g_free(trace->instance);
	g_free(trace);
}

/* ---- lines: "  TASK-THREAD  [CPU] FLAGS TIME: EVENT: FIELDS" ---- */

static const char *after(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at != NULL ? at + strlen(word) : NULL;
}

static long long number_after(const char *line, const char *word, int base, long long otherwise)
{
	const char *at = after(line, word);

	return at != NULL ? (long long)g_ascii_strtoull(at, NULL, (guint)base) : otherwise;
}

static bool parse_head(const char *line, const char *event, struct lab_trace_event *ret)
{
	const char *cpu = strstr(line, " [");
	const char *dash = cpu, *time = event;

	if (cpu == NULL || cpu > event)
		return false;
	/* a task's name may hold any character: the thread is behind its last dash */
	while (dash > line && *dash != '-')
		dash--;
	/* back over ": " to the start of the time */
	for (time -= 2; time > cpu && (g_ascii_isdigit(time[-1]) || time[-1] == '.');)
		time--;
	ret->thread = (int)g_ascii_strtoll(dash + 1, NULL, 10);
	while (line < dash && *line == ' ')
		line++;
	memcpy(ret->task, line, MIN((size_t)(dash - line), sizeof(ret->task) - 1));
	ret->time_s = g_ascii_strtod(time, NULL);
	return ret->thread > 0;
}

static void parse_fields(const char *fields, struct lab_trace_event *ret)
{
	const char *host = after(fields, "hostclock ");

	ret->vcpu =
		(int)number_after(fields, "vcpu_id ", 10, number_after(fields, "vcpu=", 10, -1));
	ret->master_clock = number_after(fields, "masterclock ", 10, 0) != 0;
	ret->matched = number_after(fields, "offsetmatched ", 10, 0) != 0;
	ret->flags = (uint8_t)number_after(fields, "flags ", 16, 0);
	ret->version = (uint32_t)number_after(fields, "version ", 10, 0);
	ret->offset_cycles = (int64_t)number_after(fields, "next=", 10, 0);
	for (size_t i = 0;
	     host != NULL && i + 1 < sizeof(ret->host_clock) && g_ascii_isalnum(host[i]); i++)
		ret->host_clock[i] = host[i];
}

bool lab_trace_parse(const char *line, struct lab_trace_event *ret_event)
{
	for (int kind = 0; kind < LAB_TRACE_KINDS; kind++) {
		g_autofree char *word = g_strconcat(": ", event_names[kind], ": ", NULL);
		const char *event = strstr(line, word);
		struct lab_trace_event found = { .kind = (enum lab_trace_kind)kind };

		if (event == NULL || !parse_head(line, event + 2, &found))
			continue;
		parse_fields(event + strlen(word), &found);
		*ret_event = found;
		return true;
	}
	return false;
}

bool lab_trace_next(struct lab_trace *trace, int timeout_ms, struct lab_trace_event *ret_event)
{
	for (;;) {
		char *end = memchr(trace->buffer, '\n', trace->filled);
		struct pollfd ready = { .fd = trace->pipe, .events = POLLIN };
		ssize_t got;

		if (end != NULL) {
			g_autofree char *line =
				g_strndup(trace->buffer, (gsize)(end - trace->buffer));

			trace->filled -= (size_t)(end + 1 - trace->buffer);
			memmove(trace->buffer, end + 1, trace->filled);
			if (lab_trace_parse(line, ret_event))
				return true;
			continue;
		}
		if (trace->filled == sizeof(trace->buffer))
			trace->filled = 0; /* no line is that long */
		got = read(trace->pipe, trace->buffer + trace->filled,
			   sizeof(trace->buffer) - trace->filled);
		/* a pipe without events is not over, a file is */
		trace->over = got == 0 && trace->root < 0;
		if (got > 0)
			trace->filled += (size_t)got;
		else if (trace->over)
			return false;
		else if (timeout_ms <= 0 || poll(&ready, 1, timeout_ms) <= 0)
			return false;
		else
			timeout_ms = 0;
	}
}
