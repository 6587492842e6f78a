/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int journal = -1; /* connected */

/* A datagram socket to an address; "@name" is an abstract one. */
static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const gsize len = strlen(path);
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (len < sizeof(to.sun_path)) {
		memcpy(to.sun_path, path, len);
		if (path[0] == '@')
			to.sun_path[0] = '\0';
		if (connect(fd, (struct sockaddr *)&to,
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
			return fd;
	}
	close(fd);
	return -1;
}

/* $JOURNAL_STREAM holds device and inode of what the manager gave us */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat here;

	return text != NULL && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &here) == 0 && here.st_dev == device && here.st_ino == inode;
}

void kvt_say_open(void)
{
	const char *path = getenv("KVMTIMED_JOURNAL");

	if (path == NULL && stderr_is_journal())
		path = "/run/systemd/journal/socket";
	if (path != NULL)
		journal = connect_to(path);
}

static void add_field(GString *entry, const char *name, const char *value)
{
	const gsize len = strlen(value);
	const guint64 size = GUINT64_TO_LE((guint64)len);

	g_string_append(entry, name);
	if (memchr(value, '\n', len) == NULL)
		g_string_append_c(entry, '=');
	else {
		g_string_append_c(entry, '\n');
		g_string_append_len(entry, (const char *)&size, sizeof(size));
	}
	g_string_append_len(entry, value, (gssize)len);
	g_string_append_c(entry, '\n');
}

GString *kvt_say_entry(enum kvt_priority priority, const char *const *fields, const char *message)
{
	GString *entry = g_string_new("SYSLOG_IDENTIFIER=kvmtimed\n");

	g_string_append_printf(entry, "PRIORITY=%d\n", (int)priority);
	add_field(entry, "MESSAGE", message);
	for (guint i = 0; fields != NULL && fields[i] != NULL; i += 2)
		if (fields[i + 1] != NULL)
			add_field(entry, fields[i], fields[i + 1]);
	return entry;
}

void kvt_say(enum kvt_priority priority, const char *const *fields, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	if (journal >= 0) {
		g_autoptr(GString) entry = kvt_say_entry(priority, fields, message);

		if (send(journal, entry->str, entry->len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return;
	}
	fprintf(stderr, "kvmtimed: %s\n", message);
}

void kvt_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const int fd = path != NULL ? connect_to(path) : -1;

	if (fd < 0)
		return;
	(void)!send(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

guint64 kvt_notify_watchdog_us(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (text == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return g_ascii_strtoull(text, NULL, 10);
}
