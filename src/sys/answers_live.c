/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <kvmtime/error.h>
#include "sys/answers.h"
#include "sys/error.h"

#define KLOG_READ_ALL  3
#define KLOG_SIZE      10
#define QUERY_LIMIT_MS 700
#define TICK_US        10000 /* of USER_HZ, which is 100 on every machine with a TSC */

static int live_cpuid(void *user, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	(void)user;
#if defined(__x86_64__) || defined(__i386__)
	uint32_t r[4];

	/* hypervisor leaves lie outside both ranges that __get_cpuid_max() knows */
	if ((leaf & 0xc0000000u) != 0x40000000u &&
	    (uint32_t)__get_cpuid_max(leaf & 0x80000000u, NULL) < leaf)
		return -KVT_E_ABSENT;
	__cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
	memcpy(ret_regs, r, sizeof(r));
	return 0;
#else
	(void)leaf, (void)subleaf, (void)ret_regs;
	return -KVT_E_ABSENT;
#endif
}

static int live_ntp(void *user, struct kvt_ntp_state *ret_state)
{
	struct timex tx = { .modes = 0 };
	const int answer = ntp_adjtime(&tx);

	(void)user;
	if (answer < 0)
		return -KVT_E_ABSENT;
	*ret_state = (struct kvt_ntp_state){
		.synchronised = answer != TIME_ERROR && (tx.status & STA_UNSYNC) == 0,
		.offset_ns = (tx.status & STA_NANO) != 0 ? tx.offset : tx.offset * 1000,
		/* a tick of other than 10 ms is a frequency too: 1 us of it is 100 ppm */
		.frequency_ppm =
			(double)tx.freq / 65536.0 + (double)(tx.tick - TICK_US) * 1e6 / TICK_US,
		.maxerror_us = tx.maxerror,
		.esterror_us = tx.esterror,
		.status = tx.status,
	};
	return 0;
}

static int live_uname(void *user, struct kvt_uname *ret_name)
{
	struct utsname name;

	(void)user;
	if (uname(&name) < 0)
		return -KVT_E_ABSENT;
	g_strlcpy(ret_name->release, name.release, sizeof(ret_name->release));
	g_strlcpy(ret_name->version, name.version, sizeof(ret_name->version));
	g_strlcpy(ret_name->machine, name.machine, sizeof(ret_name->machine));
	return 0;
}

static char *live_log(void *user, gsize *ret_len, GError **error)
{
	const int size = klogctl(KLOG_SIZE, NULL, 0);
	char *text;
	int got;

	(void)user;
	if (size <= 0) {
		kvt_error_errno(error, "kernel log", size < 0 ? errno : ENODATA);
		return NULL;
	}
	text = g_malloc((gsize)size + 1);
	got = klogctl(KLOG_READ_ALL, text, size);
	if (got < 0) {
		kvt_error_errno(error, "kernel log", errno);
		g_free(text);
		return NULL;
	}
	text[got] = '\0';
	*ret_len = (gsize)got;
	return text;
}

/* "PID NAME ARGUMENTS": the NULs between arguments become spaces */
static void add_process(GString *lines, const struct kvt_root *root, const char *pid,
			const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", pid);
	g_autofree char *arguments = NULL;
	gsize len = 0;

	arguments = kvt_root_read_head(root, path, 1024, &len, NULL);
	for (gsize i = 0; arguments != NULL && i < len; i++)
		if (g_ascii_iscntrl(arguments[i]))
			arguments[i] = ' ';
	g_string_append_printf(lines, "%s %s %s\n", pid, name,
			       arguments != NULL ? g_strstrip(arguments) : "");
}

static char *live_processes(void *user, const char *const *names)
{
	g_autoptr(kvt_root) root = kvt_root_open("/", NULL);
	g_autoptr(GPtrArray) pids = root != NULL ? kvt_root_list(root, "/proc") : NULL;
	GString *lines = g_string_new(NULL);

	(void)user;
	for (guint i = 0; pids != NULL && i < pids->len; i++) {
		const char *pid = pids->pdata[i];
		g_autofree char *path = g_strdup_printf("/proc/%s/comm", pid);
		g_autofree char *comm = g_ascii_isdigit(pid[0]) ? kvt_root_line(root, path) : NULL;

		if (comm != NULL && g_strv_contains(names, comm))
			add_process(lines, root, pid, comm);
	}
	return g_string_free(lines, pids == NULL);
}

/* The questions: a fixed program with fixed arguments each. */
static const struct {
	const char *question;
	const char *const paths[3];
	const char *const arguments[6];
} queries[] = {
	{ "chronyc-tracking",
	  { "/usr/bin/chronyc", "/usr/sbin/chronyc" },
	  { "-n", "-c", "tracking" } },
	{ "ntpq-rv",
	  { "/usr/sbin/ntpq", "/usr/bin/ntpq" },
	  { "-n", "-c", "rv 0 stratum,offset,refid,frequency,clk_wander" } },
};

/* What comes out of @fd within the time, at most 64 KiB. */
static char *drain(int fd)
{
	const gint64 end = g_get_monotonic_time() + QUERY_LIMIT_MS * 1000;
	GString *text = g_string_new(NULL);
	char chunk[4096];

	for (;;) {
		const gint64 left_ms = (end - g_get_monotonic_time()) / 1000;
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (left_ms <= 0 || text->len > 65536 || poll(&wait, 1, (int)left_ms) <= 0)
			break;
		got = read(fd, chunk, sizeof(chunk));
		if (got == 0)
			return g_string_free(text, FALSE);
		if (got < 0)
			break;
		g_string_append_len(text, chunk, got);
	}
	g_string_free(text, TRUE);
	return NULL;
}

static char *run_query(const char *path, const char *const *arguments)
{
	const char *argv[8] = { path };
	const GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL;
	const char *environment[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	char *text;
	GPid pid;
	int fd, status;

	for (guint i = 0; arguments[i] != NULL; i++)
		argv[i + 1] = arguments[i];
	if (!g_spawn_async_with_pipes("/", (char **)(guintptr)argv, (char **)(guintptr)environment,
				      flags, NULL, NULL, &pid, NULL, &fd, NULL, NULL))
		return NULL;
	text = drain(fd);
	close(fd);
	if (text == NULL)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	g_spawn_close_pid(pid);
	if (text != NULL && status != 0)
		g_clear_pointer(&text, g_free);
	return text;
}

static char *live_query(void *user, const char *question)
{
	(void)user;
	for (guint i = 0; i < G_N_ELEMENTS(queries); i++) {
		if (strcmp(queries[i].question, question) != 0)
			continue;
		for (guint j = 0; queries[i].paths[j] != NULL; j++)
			if (access(queries[i].paths[j], X_OK) == 0)
				return run_query(queries[i].paths[j], queries[i].arguments);
	}
	return NULL;
}

const struct kvt_answers *kvt_answers_live(void)
{
	static struct kvt_answers answers = {
		.cpuid = live_cpuid,
		.ntp = live_ntp,
		.uname = live_uname,
		.log = live_log,
		.processes = live_processes,
		.query = live_query,
		.measured = true,
	};

	answers.is_root = geteuid() == 0;
	return &answers;
}

bool kvt_is_denied(const char *message)
{
	return strstr(message, g_strerror(EACCES)) != NULL ||
	       strstr(message, g_strerror(EPERM)) != NULL ||
	       strstr(message, "Permission denied") != NULL ||
	       strstr(message, "Operation not permitted") != NULL;
}
