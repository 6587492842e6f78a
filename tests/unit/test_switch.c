/* SPDX-License-Identifier: BSD-2-Clause */
/* Switching and its guardian, on a folder of plain files in place of the kernel's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "bench/switch.h"
#include "sys/error.h"

#define DEADLINE_S 60 /* of the guardian, which takes milliseconds */

struct folder {
	char *path, *current;
};

static void setup(struct folder *folder, const void *data)
{
	g_autofree char *available = NULL;

	(void)data;
	folder->path = g_dir_make_tmp("kvmtime-XXXXXX", NULL);
	folder->current = g_build_filename(folder->path, "current_clocksource", NULL);
	available = g_build_filename(folder->path, "available_clocksource", NULL);
	g_assert_true(g_file_set_contents(folder->current, "tsc\n", -1, NULL));
	g_assert_true(g_file_set_contents(available, "tsc kvm-clock acpi_pm \n", -1, NULL));
}

static void teardown(struct folder *folder, const void *data)
{
	g_autofree char *available = g_build_filename(folder->path, "available_clocksource", NULL);

	(void)data;
	g_unlink(folder->current);
	g_unlink(available);
	g_rmdir(folder->path);
	g_free(folder->current);
	g_free(folder->path);
}

static char *current(const struct folder *folder)
{
	char *text = NULL;

	g_assert_true(g_file_get_contents(folder->current, &text, NULL, NULL));
	return g_strchomp(text);
}

static void assert_current(const struct folder *folder, const char *source)
{
	g_autofree char *now = current(folder);

	g_assert_cmpstr(now, ==, source);
}

static void test_close_puts_the_original_back(struct folder *folder, const void *data)
{
	g_autoptr(GError) error = NULL;
	struct kvt_switch *sw = kvt_switch_open(folder->path, &error);

	(void)data;
	g_assert_no_error(error);
	g_assert_cmpstr(kvt_switch_original(sw), ==, "tsc");
	g_assert_true(kvt_switch_to(sw, "kvm-clock", &error));
	assert_current(folder, "kvm-clock");
	g_assert_true(kvt_switch_close(sw, &error));
	assert_current(folder, "tsc");
}

static void test_unknown_source_is_refused_untried(struct folder *folder, const void *data)
{
	const char *const names[] = { "acpi_pmtsc", "", "hpet", "tsc kvm-clock" };
	struct kvt_switch *sw = kvt_switch_open(folder->path, NULL);

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(kvt_switch_to(sw, names[i], &error));
		g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
		assert_current(folder, "tsc");
	}
	g_assert_true(kvt_switch_close(sw, NULL));
}

static void test_second_switcher_is_refused(struct folder *folder, const void *data)
{
	g_autoptr(GError) error = NULL;
	struct kvt_switch *sw = kvt_switch_open(folder->path, NULL);

	(void)data;
	g_assert_null(kvt_switch_open(folder->path, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
	g_assert_true(kvt_switch_close(sw, NULL));
}

/* A process that switches, says so, and waits for ever. */
static void switch_and_wait(const struct folder *folder, int said)
{
	struct kvt_switch *sw = kvt_switch_open(folder->path, NULL);

	if (sw != NULL && kvt_switch_to(sw, "acpi_pm", NULL) && write(said, "s", 1) == 1)
		for (;;)
			pause();
	_exit(1);
}

static bool wait_for(const struct folder *folder, const char *source)
{
	const gint64 deadline_us = g_get_monotonic_time() + DEADLINE_S * G_USEC_PER_SEC;

	while (g_get_monotonic_time() < deadline_us) {
		g_autofree char *now = current(folder);

		if (g_strcmp0(now, source) == 0)
			return true;
		g_usleep(1000);
	}
	return false;
}

static void test_killed_process_leaves_the_original(struct folder *folder, const void *data)
{
	const int signals[] = { SIGKILL, SIGSEGV, SIGTERM };

	(void)data;
	for (guint i = 0; i < G_N_ELEMENTS(signals); i++) {
		int ends[2], status;
		char byte;
		pid_t child;

		g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
		child = fork();
		if (child == 0)
			switch_and_wait(folder, ends[1]);
		close(ends[1]);
		g_assert_cmpint(read(ends[0], &byte, 1), ==, 1);
		close(ends[0]);
		assert_current(folder, "acpi_pm");
		g_assert_cmpint(kill(child, signals[i]), ==, 0);
		g_assert_cmpint(waitpid(child, &status, 0), ==, child);
		g_assert_true(wait_for(folder, "tsc"));
	}
}

static void test_no_folder_is_refused(struct folder *folder, const void *data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *none = g_build_filename(folder->path, "none", NULL);

	(void)data;
	g_assert_null(kvt_switch_open(none, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
}

/* ---- running VMs ---- */

static void add_process(const char *proc, const char *pid, const char *comm, const char *arguments,
			gsize size, const char *held)
{
	g_autofree char *folder = g_build_filename(proc, pid, "fd", NULL);
	g_autofree char *link = g_build_filename(folder, "9", NULL);
	g_autofree char *comm_path = g_build_filename(proc, pid, "comm", NULL);
	g_autofree char *cmdline_path = g_build_filename(proc, pid, "cmdline", NULL);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
	g_assert_cmpint(symlink(held, link), ==, 0);
	g_assert_true(g_file_set_contents(comm_path, comm, -1, NULL));
	g_assert_true(g_file_set_contents(cmdline_path, arguments, (gssize)size, NULL));
}

static bool is_listed(const GPtrArray *vms, const char *text)
{
	for (guint i = 0; i < vms->len; i++)
		if (strcmp(vms->pdata[i], text) == 0)
			return true;
	return false;
}

static void test_running_vms_are_named(void)
{
	static const char guest[] = "qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0";
	static const char plain[] = "qemu\0-accel\0kvm\0-name\0db 2";
	static const char other[] = "firecracker\0--id\0x\0";
	g_autofree char *dir = g_dir_make_tmp("kvmtime-XXXXXX", NULL);
	g_autofree char *proc = g_build_filename(dir, "proc", NULL);
	g_autofree char *remove = g_strdup_printf("rm -rf '%s'", dir);
	g_autoptr(kvt_root) root = NULL;
	g_autoptr(GPtrArray) vms = NULL;

	add_process(proc, "4711", "qemu-system-x86\n", guest, sizeof(guest) - 1,
		    "anon_inode:kvm-vm");
	add_process(proc, "4712", "qemu\n", plain, sizeof(plain) - 1, "anon_inode:kvm-vm");
	add_process(proc, "4713", "firecracker\n", other, sizeof(other) - 1, "anon_inode:kvm-vm");
	add_process(proc, "1", "init\n", "init", 4, "/dev/null");
	add_process(proc, "4714", "qemu-img\n", guest, sizeof(guest) - 1, "socket:[12345]");
	root = kvt_root_open(dir, NULL);
	g_assert_nonnull(root);
	vms = kvt_running_vms(root);
	g_assert_cmpuint(vms->len, ==, 3);
	g_assert_true(is_listed(vms, "web1 (qemu-system-x86, process 4711)"));
	g_assert_true(is_listed(vms, "db 2 (qemu, process 4712)"));
	g_assert_true(is_listed(vms, "a VM without a name (firecracker, process 4713)"));
	g_assert_cmpint(system(remove), ==, 0);
}

int main(int argc, char **argv)
{
	const struct {
		const char *path;
		void (*test)(struct folder *, const void *);
	} tests[] = {
		{ "/switch/close_puts_the_original_back", test_close_puts_the_original_back },
		{ "/switch/unknown_source_is_refused_untried",
		  test_unknown_source_is_refused_untried },
		{ "/switch/second_switcher_is_refused", test_second_switcher_is_refused },
		{ "/switch/killed_process_leaves_the_original",
		  test_killed_process_leaves_the_original },
		{ "/switch/no_folder_is_refused", test_no_folder_is_refused },
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, struct folder, NULL, setup, tests[i].test, teardown);
	g_test_add_func("/switch/running_vms_are_named", test_running_vms_are_named);
	return g_test_run();
}
