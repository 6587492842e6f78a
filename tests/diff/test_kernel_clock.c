/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's pvclock page against the kernel's own clock, on this machine: over ten seconds the
 * page and CLOCK_MONOTONIC_RAW advance together within the stated bound, with each of the clock
 * sources tsc and kvm-clock. The one test that lets time pass.
 *
 * It may switch the machine's clock source. A process of its own, out of reach of what ends this
 * one, puts it back whatever happens: it waits for the end of a pipe, which even SIGKILL closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include <kvmtime/error.h>

#include "sys/timepages.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define SECONDS     10
#define ATTEMPTS    3

static struct kvt_root *root;
static int guard_fd = -1; /* our end of the guard's pipe */
static pid_t guard_pid;

/* ---- the clock source ---- */

static bool write_clocksource(const char *name)
{
	const int fd = open(CLOCKSOURCE, O_WRONLY | O_CLOEXEC);
	const bool written = fd >= 0 && write(fd, name, strlen(name)) == (ssize_t)strlen(name);

	if (fd >= 0)
		close(fd);
	return written;
}

static void guard(int pipe_fd, const char *original)
{
	char byte;

	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* the harness waits for the end of these */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
		continue;
	_exit(write_clocksource(original) ? 0 : 1);
}

static bool start_guard(const char *original)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	guard_pid = fork();
	if (guard_pid == 0) {
		close(ends[1]);
		guard(ends[0], original);
	}
	close(ends[0]);
	guard_fd = ends[1];
	return guard_pid > 0;
}

/* Returns when the clock source is what it was. */
static void end_guard(void)
{
	int status = 0;

	if (guard_fd < 0)
		return;
	close(guard_fd);
	guard_fd = -1;
	g_assert_cmpint(waitpid(guard_pid, &status, 0), ==, guard_pid);
	g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Skips the case and says why, or makes @name the current clock source. */
static bool use_clocksource(const char *name)
{
	g_autofree char *current = kvt_clocksource_current(root);
	g_auto(GStrv) available = kvt_clocksource_available(root);
	g_autofree char *now = NULL;

	if (current == NULL || available == NULL) {
		g_test_skip("the kernel's clock source cannot be read");
	} else if (strcmp(current, name) == 0) {
		return true;
	} else if (!g_strv_contains((const char *const *)available, name)) {
		g_autofree char *why =
			g_strdup_printf("the kernel does not offer the clock source %s", name);

		g_test_skip(why);
	} else if (access(CLOCKSOURCE, W_OK) < 0) {
		g_test_skip("the clock source may not be switched by this user");
	} else if (!start_guard(current) || !write_clocksource(name)) {
		end_guard();
		g_test_skip("the clock source cannot be switched");
	} else {
		now = kvt_clocksource_current(root);
		if (g_strcmp0(now, name) == 0)
			return true;
		end_guard();
		g_test_skip("the kernel did not take the clock source");
	}
	return false;
}

/* ---- ten seconds ---- */

static bool uses(const char *clocksource)
{
	g_autofree char *current = kvt_clocksource_current(root);

	return g_strcmp0(current, clocksource) == 0;
}

/* Ten seconds; false as soon as somebody else has switched the clock source. */
static bool let_time_pass(const char *clocksource)
{
	const long step_ns = 100000000;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	for (int step = 0; step < SECONDS * 10; step++) {
		until.tv_nsec += step_ns;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			continue;
		if (!uses(clocksource))
			return false;
	}
	return true;
}

static bool same_base(const struct kvt_clock_pair *a, const struct kvt_clock_pair *b)
{
	return a->ti.tsc_timestamp == b->ti.tsc_timestamp &&
	       a->ti.system_time == b->ti.system_time &&
	       a->ti.tsc_to_system_mul == b->ti.tsc_to_system_mul &&
	       a->ti.tsc_shift == b->ti.tsc_shift;
}

static void check(const char *clocksource, const struct kvt_clock_pair *first,
		  const struct kvt_clock_pair *last)
{
	const int64_t change_ns = last->difference_ns - first->difference_ns;
	const int64_t windows_ns = (int64_t)(first->bound_ns + last->bound_ns);
	const uint64_t khz = kvt_tsc_kernel_khz(root, &kvt_calls_live, NULL);
	int64_t low_ns, high_ns;

	g_assert_cmpint(kvt_clock_raw_bound(&last->ti, clocksource, khz,
					    last->tsc_cycles - first->tsc_cycles, &low_ns,
					    &high_ns),
			==, 0);
	g_test_message("%s: page %" PRIu64 " ns, CLOCK_MONOTONIC_RAW %" PRId64
		       " ns; the page gained %" PRId64 " ns, stated %" PRId64 " to %" PRId64
		       " ns, reading +- %" PRId64 " ns",
		       clocksource, last->page_ns - first->page_ns,
		       last->clock_ns - first->clock_ns, change_ns, low_ns, high_ns, windows_ns);
	g_assert_cmpint(last->clock_ns - first->clock_ns, >=, (SECONDS - 1) * INT64_C(1000000000));
	g_assert_cmpint(change_ns, >=, low_ns - windows_ns);
	g_assert_cmpint(change_ns, <=, high_ns + windows_ns);
}

/* False if the host took another base in the meantime, or somebody else another clock source. */
static bool run_once(const struct kvt_pvclock_page *page, const char *clocksource)
{
	struct kvt_clock_pair first, last;

	g_assert_cmpint(kvt_clock_pair_read(page, &kvt_calls_live, CLOCK_MONOTONIC_RAW, &first), ==,
			0);
	if (!let_time_pass(clocksource))
		return false;
	g_assert_cmpint(kvt_clock_pair_read(page, &kvt_calls_live, CLOCK_MONOTONIC_RAW, &last), ==,
			0);
	if (!same_base(&first, &last))
		return false;
	check(clocksource, &first, &last);
	return true;
}

static void run(const char *clocksource)
{
	struct kvt_pvclock_page page = { 0 };

	/* the switch comes first: where kvm-clock was never in use it is what maps the page */
	if (!use_clocksource(clocksource)) {
		/* said already */
	} else if (!kvt_pvclock_find(root, &kvt_calls_live, &page)) {
		g_test_skip(page.reason);
	} else {
		int attempt = 0;

		while (attempt < ATTEMPTS && !run_once(&page, clocksource))
			attempt++;
		if (attempt == ATTEMPTS)
			g_test_skip(
				"the host took a new base, or somebody switched the clock source, "
				"in each of three spans of 10 s");
	}
	end_guard();
	kvt_pvclock_page_clear(&page);
}

static void test_page_and_raw_clock_advance_together_under_tsc(void)
{
	run("tsc");
}

static void test_page_and_raw_clock_advance_together_under_kvm_clock(void)
{
	run("kvm-clock");
}

static void test_clock_source_is_what_it_was(gconstpointer original)
{
	g_autofree char *now = kvt_clocksource_current(root);

	if (original == NULL)
		g_test_skip("the kernel's clock source cannot be read");
	else
		g_assert_cmpstr(now, ==, original);
}

int main(int argc, char **argv)
{
	g_autofree char *original = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	root = kvt_root_open("/", NULL);
	g_assert_nonnull(root);
	original = kvt_clocksource_current(root);
	signal(SIGPIPE, SIG_IGN);
	g_test_add_func("/kernel-clock/page_and_raw_clock_advance_together_under_tsc",
			test_page_and_raw_clock_advance_together_under_tsc);
	g_test_add_func("/kernel-clock/page_and_raw_clock_advance_together_under_kvm_clock",
			test_page_and_raw_clock_advance_together_under_kvm_clock);
	g_test_add_data_func("/kernel-clock/clock_source_is_what_it_was", original,
			     test_clock_source_is_what_it_was);
	status = g_test_run();
	kvt_root_free(root);
	return status;
}
