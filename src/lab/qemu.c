/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/qemu.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "lab/host.h"
#include "lab/image.h"
#include "lab/ticks.h"
#include "sys/error.h"

/* firmware and boot take seconds where guests run in software */
#define BOOT_NS (60 * LAB_S)
#define LINE_NS (20 * LAB_S)

struct guest {
	const struct lab_qemu_run *run;
	struct lab_qemu_outcome *outcome;
	GPid pid;
	int out;
	int err;
	int64_t start_ns;
	char buffer[4096];
	size_t filled;
};

/* One report of the guest. */
struct line {
	uint64_t now_ns;
	uint64_t ticks[2]; /* PIT, RTC */
	uint64_t spurious;
	uint64_t started_ns[2];
};

static char *image_file(GError **error)
{
	char *path = NULL;
	const int fd = g_file_open_tmp("kvmtime-guest-XXXXXX", &path, error);
	ssize_t written;

	if (fd < 0)
		return NULL;
	written = write(fd, lab_guest32, lab_guest32_size);
	close(fd);
	if (written == (ssize_t)lab_guest32_size)
		return path;
	kvt_error_errno(error, path, ENOSPC);
	g_unlink(path);
	g_free(path);
	return NULL;
}

static GPtrArray *command_of(const struct lab_qemu_run *run, const char *image, double hz[2])
{
	static const char *const fixed[] = { "-m",
					     "16",
					     "-display",
					     "none",
					     "-nodefaults",
					     "-no-user-config",
					     "-serial",
					     "stdio",
					     "-device",
					     "isa-debug-exit,iobase=0xf4",
					     "-no-reboot",
					     "-name",
					     "kvmtime-lab,debug-threads=on" };
	GPtrArray *command = g_ptr_array_new_with_free_func(g_free);
	const uint32_t pit = lab_ticks_rate(LAB_DEVICE_PIT, run->hz, &hz[0]);
	const uint32_t rtc = lab_ticks_rate(LAB_DEVICE_RTC, run->hz, &hz[1]);

	g_ptr_array_add(command,
			g_strdup(run->program != NULL ? run->program : "qemu-system-x86_64"));
	for (size_t i = 0; run->words[i] != NULL; i++)
		g_ptr_array_add(command, g_strdup(run->words[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
		g_ptr_array_add(command, g_strdup(fixed[i]));
	g_ptr_array_add(command, g_strdup("-kernel"));
	g_ptr_array_add(command, g_strdup(image));
	g_ptr_array_add(command, g_strdup("-append"));
	g_ptr_array_add(
		command,
		g_strdup_printf("pit=%u rtc=%u ms=%d%s%s", pit, rtc,
				(int)((run->quiet_ns + run->stop_ns + run->recover_ns) / LAB_MS),
				run->ioapic ? " ioapic" : "", run->busy ? " busy" : ""));
	g_ptr_array_add(command, NULL);
	return command;
}

/* What QEMU said on its standard error, for the message; the first line that is no warning. */
static char *complaint(struct guest *guest)
{
	char text[2048] = "";
	ssize_t got = 0;
	g_auto(GStrv) lines = NULL;

	if (poll(&(struct pollfd){ .fd = guest->err, .events = POLLIN }, 1, 0) > 0)
		got = read(guest->err, text, sizeof(text) - 1);
	text[MAX(got, 0)] = '\0';
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++)
		if (lines[i][0] != '\0' && strstr(lines[i], "warning") == NULL)
			return g_strdup(lines[i]);
	return g_strdup("it said nothing");
}

static bool fail(struct guest *guest, GError **error, const char *what)
{
	g_autofree char *words = complaint(guest);

	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "QEMU: %s: %s", what, words);
	return false;
}

/* The next line of the guest; @ret_text is the guest's buffer, NUL-terminated, until the next call.
 */
static bool next_line(struct guest *guest, int64_t limit_ns, char ret_text[256], GError **error)
{
	const int64_t until_ns = lab_mono() + limit_ns;

	for (;;) {
		char *end = memchr(guest->buffer, '\n', guest->filled);
		struct pollfd ready = { .fd = guest->out, .events = POLLIN };
		ssize_t got;

		if (end != NULL) {
			const size_t length = (size_t)(end - guest->buffer);

			g_strlcpy(ret_text, guest->buffer, MIN(length + 1, 256));
			guest->filled -= length + 1;
			memmove(guest->buffer, end + 1, guest->filled);
			return true;
		}
		if (lab_mono() > until_ns || guest->filled == sizeof(guest->buffer))
			return fail(guest, error, "its guest said nothing in time");
		if (poll(&ready, 1, 100) <= 0)
			continue;
		got = read(guest->out, guest->buffer + guest->filled,
			   sizeof(guest->buffer) - guest->filled);
		if (got <= 0)
			return fail(guest, error, "it ended");
		guest->filled += (size_t)got;
	}
}

/* 1 = a report, 0 = the end, -1 = @error */
static int next_report(struct guest *guest, struct line *ret_line, GError **error)
{
	char text[256];
	unsigned long long v[6];

	do {
		if (!next_line(guest, LINE_NS, text, error))
			return -1;
		if (text[0] == 'E')
			return 0;
	} while (sscanf(text, "T %llx %llx %llx %llx %llx %llx", &v[0], &v[1], &v[2], &v[3], &v[4],
			&v[5]) != 6);
	*ret_line = (struct line){ v[0], { v[1], v[2] }, v[3], { v[4], v[5] } };
	return 1;
}

static double behind(const struct line *line, int device, double hz)
{
	return floor((double)(line->now_ns - line->started_ns[device]) * hz / 1e9) -
	       (double)line->ticks[device];
}

/* What QEMU's vCPU thread waited for a CPU, as far as schedstat tells; named by debug-threads. */
static double waited_ns(const struct guest *guest)
{
	g_autofree char *folder = g_strdup_printf("/proc/%d/task", (int)guest->pid);
	GDir *tasks = g_dir_open(folder, 0, NULL);
	const char *task;
	double sum = 0;

	while (tasks != NULL && (task = g_dir_read_name(tasks)) != NULL) {
		g_autofree char *path = g_strdup_printf("%s/%s/schedstat", folder, task);
		g_autofree char *comm = g_strdup_printf("%s/%s/comm", folder, task);
		g_autofree char *text = NULL;
		g_autofree char *name = NULL;
		unsigned long long on_cpu, delay;

		if (g_file_get_contents(comm, &name, NULL, NULL) &&
		    g_str_has_prefix(name, "CPU ") &&
		    g_file_get_contents(path, &text, NULL, NULL) &&
		    sscanf(text, "%llu %llu", &on_cpu, &delay) == 2)
			sum += (double)delay;
	}
	if (tasks != NULL)
		g_dir_close(tasks);
	return sum;
}

static void stop_and_go(struct guest *guest)
{
	const int64_t start_ns = lab_mono();

	kill(guest->pid, SIGSTOP);
	lab_sleep_until(start_ns + guest->run->stop_ns);
	kill(guest->pid, SIGCONT);
	guest->outcome->stopped_ns = (double)(lab_mono() - start_ns);
}

static bool follow(struct guest *guest, const double hz[2], GError **error)
{
	struct lab_qemu_ticks *const ticks[2] = { &guest->outcome->pit, &guest->outcome->rtc };
	struct line line = { 0 }, first;
	bool stopped = false;
	double waited = 0;
	int got = next_report(guest, &first, error);

	while (got > 0) {
		got = next_report(guest, &line, error);
		if (got <= 0)
			break;
		if (stopped || line.now_ns - first.now_ns < (uint64_t)guest->run->quiet_ns)
			continue;
		for (int i = 0; i < 2; i++)
			ticks[i]->control = behind(&line, i, hz[i]);
		waited = waited_ns(guest);
		if (guest->run->stop_ns > 0)
			stop_and_go(guest);
		stopped = true;
	}
	if (got < 0)
		return false;
	if (!stopped)
		return fail(guest, error, "its guest ended too early");
	guest->outcome->waited_ns = MAX(0, waited_ns(guest) - waited);
	for (int i = 0; i < 2; i++) {
		ticks[i]->hz = hz[i];
		ticks[i]->lost = behind(&line, i, hz[i]) - ticks[i]->control;
	}
	return true;
}

static bool talk(struct guest *guest, const double hz[2], GError **error)
{
	char text[256];

	do
		if (!next_line(guest, BOOT_NS, text, error))
			return false;
	while (text[0] != 'K' && text[0] != 'N');
	guest->outcome->first_line_ns = (double)(lab_mono() - guest->start_ns);
	if (text[0] == 'K')
		return follow(guest, hz, error);
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
		    "QEMU: its guest has no kvm-clock with these options, so nothing to judge by");
	return false;
}

static bool start(struct guest *guest, char **command, GError **error)
{
	g_autoptr(GError) why = NULL;

	guest->start_ns = lab_mono();
	if (g_spawn_async_with_pipes(NULL, command, NULL,
				     G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
				     &guest->pid, NULL, &guest->out, &guest->err, &why))
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s (package qemu-system-x86)",
		    why->message);
	return false;
}

bool lab_qemu_measure(const struct lab_qemu_run *run, struct lab_qemu_outcome *ret_outcome,
		      GError **error)
{
	struct lab_qemu_outcome outcome = { 0 };
	struct guest guest = { .run = run, .outcome = &outcome };
	g_autofree char *image = image_file(error);
	g_autoptr(GPtrArray) command = NULL;
	double hz[2];
	bool ok;

	if (image == NULL)
		return false;
	command = command_of(run, image, hz);
	ok = start(&guest, (char **)command->pdata, error);
	if (ok) {
		ok = talk(&guest, hz, error);
		kill(guest.pid, SIGKILL);
		waitpid(guest.pid, NULL, 0);
		g_spawn_close_pid(guest.pid);
		close(guest.out);
		close(guest.err);
	}
	g_unlink(image);
	if (ok)
		*ret_outcome = outcome;
	return ok;
}
