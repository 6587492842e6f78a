/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many fake guests in one cheap process: fake-fleet FOLDER N [agents] serves FOLDER/0.qga and 0.qmp
 * to N-1.qga and N-1.qmp with the guest agent's and the monitor's protocol, each guest with a clock
 * of its own; with "agents" no monitors. "ready" on stdout. SIGUSR1 pauses all guests (their agents
 * are silent, their monitors say so), SIGUSR2 resumes all at once, behind by the pause, SIGHUP
 * prints how often each was set: "sets MIN MAX, behind MAX s".
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct guest {
	int64_t offset_ns;
	unsigned sets;
};

enum kind { AGENT, MONITOR, SIGNALS };

struct end {
	enum kind kind;
	int fd;
	int listener; /* this end accepts */
	struct guest *guest;
	size_t len;
	char bytes[1024];
};

static struct guest *guests;
static unsigned count;
static int64_t paused_at_ns;
static int epoll;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void add(enum kind kind, int fd, int listener, struct guest *guest)
{
	struct end *end = calloc(1, sizeof(*end));
	struct epoll_event event = { .events = EPOLLIN };

	if (end == NULL)
		exit(3);
	end->kind = kind;
	end->fd = fd;
	end->listener = listener;
	end->guest = guest;
	event.data.ptr = end;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void serve(const char *folder, unsigned n, const char *suffix, enum kind kind)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%.80s/%u.%s", folder, n, suffix);
	unlink(to.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 || listen(fd, 4) < 0) {
		perror(to.sun_path);
		exit(3);
	}
	add(kind, fd, 1, &guests[n]);
}

static void say(const struct end *end, const char *text)
{
	(void)!send(end->fd, text, strlen(text), MSG_NOSIGNAL);
}

static void agent_line(struct end *end, const char *line)
{
	const char *id = strstr(line, "\"id\":"), *time = strstr(line, "\"time\":");
	char text[80];

	if (id != NULL)
		snprintf(text, sizeof(text), "\xff{\"return\": %ld}\n", strtol(id + 5, NULL, 10));
	else if (time != NULL) {
		end->guest->offset_ns = strtoll(time + 7, NULL, 10) - now_ns();
		end->guest->sets++;
		snprintf(text, sizeof(text), "{\"return\": {}}\n");
	} else
		snprintf(text, sizeof(text), "{\"return\": %lld}\n",
			 (long long)((now_ns() + end->guest->offset_ns) / 1000 * 1000));
	say(end, text);
}

static void monitor_line(struct end *end, const char *line)
{
	if (strstr(line, "query-status") == NULL)
		say(end, "{\"return\": {}}\n");
	else
		say(end, paused_at_ns != 0
				 ? "{\"return\": {\"status\": \"paused\", \"running\": false}}\n"
				 : "{\"return\": {\"status\": \"running\", \"running\": true}}\n");
}

static void accept_one(struct end *end)
{
	const int fd = accept4(end->fd, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (end->kind == MONITOR)
		(void)!send(fd, "{\"QMP\": {\"version\": {}}}\n", 25, MSG_NOSIGNAL);
	add(end->kind, fd, 0, end->guest);
}

static void read_some(struct end *end)
{
	const ssize_t got = recv(end->fd, end->bytes + end->len, sizeof(end->bytes) - end->len, 0);
	char *newline, *at = end->bytes;

	if (got <= 0) {
		close(end->fd);
		free(end);
		return;
	}
	end->len += (size_t)got;
	while ((newline = memchr(at, '\n', end->len - (size_t)(at - end->bytes))) != NULL) {
		*newline = '\0';
		if (end->kind == MONITOR)
			monitor_line(end, at);
		else if (paused_at_ns == 0)
			agent_line(end, at);
		at = newline + 1;
	}
	end->len -= (size_t)(at - end->bytes);
	memmove(end->bytes, at, end->len);
	if (end->len == sizeof(end->bytes))
		end->len = 0;
}

static void report(void)
{
	unsigned low = ~0u, high = 0;
	int64_t worst_ns = 0;

	for (unsigned i = 0; i < count; i++) {
		low = guests[i].sets < low ? guests[i].sets : low;
		high = guests[i].sets > high ? guests[i].sets : high;
		worst_ns = guests[i].offset_ns < worst_ns ? guests[i].offset_ns : worst_ns;
	}
	printf("sets %u %u, behind %.3f s\n", low, high, (double)-worst_ns / 1e9);
	fflush(stdout);
}

static void take_signal(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		report();
	else if (info.ssi_signo == SIGUSR1)
		paused_at_ns = now_ns();
	else if (paused_at_ns != 0) {
		for (unsigned i = 0; i < count; i++)
			guests[i].offset_ns -= now_ns() - paused_at_ns;
		paused_at_ns = 0;
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	sigset_t set;

	if (argc < 3)
		return 2;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	count = (unsigned)strtoul(argv[2], NULL, 10);
	guests = calloc(count, sizeof(*guests));
	epoll = epoll_create1(0);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	add(SIGNALS, signalfd(-1, &set, 0), 0, NULL);
	for (unsigned i = 0; i < count; i++) {
		serve(argv[1], i, "qga", AGENT);
		if (argc == 3)
			serve(argv[1], i, "qmp", MONITOR);
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct epoll_event events[64];
		const int n = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct end *end = events[i].data.ptr;

			if (end->kind == SIGNALS)
				take_signal(end->fd);
			else if (end->listener)
				accept_one(end);
			else
				read_some(end);
		}
	}
}
