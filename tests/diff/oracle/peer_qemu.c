/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's devices under -accel tcg -icount shift=0: the guest's counter is device time in ns. */
#include <stdio.h>
#include <sys/wait.h>

#include <glib/gstdio.h>

#include "peer.h"

#define MEMORY_BYTES (64u << 20)

static char *why_not(void)
{
	g_autofree char *qemu = g_find_program_in_path("qemu-system-x86_64");

	return qemu != NULL ? NULL : g_strdup("qemu-system-x86_64 is not installed");
}

static bool write_program(const char *path, const GArray *steps)
{
	const struct oracle_program header = { ORACLE_MAGIC, steps->len, 1024,
					       (MEMORY_BYTES - ORACLE_LOG -
						sizeof(struct oracle_log)) /
						       sizeof(struct oracle_entry) };
	FILE *file = fopen(path, "wb");

	if (file == NULL)
		return false;
	fwrite(&header, sizeof(header), 1, file);
	fwrite(steps->data, sizeof(struct oracle_step), steps->len, file);
	return fclose(file) == 0;
}

static bool run_qemu(const char *folder, const char *program, GError **error)
{
	g_autofree char *guest = peer_guest();
	g_autofree char *memory = g_strdup_printf(
		"memory-backend-file,id=m,size=64M,share=on,mem-path=%s/memory", folder);
	const char *argv[] = { "timeout",
			       "300",
			       "qemu-system-x86_64",
			       "-machine",
			       "pc,memory-backend=m",
			       "-m",
			       "64M",
			       "-object",
			       memory,
			       "-accel",
			       "tcg",
			       "-display",
			       "none",
			       "-nodefaults",
			       "-no-reboot",
			       "-kernel",
			       guest,
			       "-initrd",
			       program,
			       "-device",
			       "isa-debug-exit,iobase=0xf4",
			       "-rtc",
			       "base=2020-01-01T00:00:00,clock=vm",
			       "-icount",
			       "shift=0,sleep=off",
			       NULL };
	g_autofree char *errors = NULL;
	int status;

	if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
			  G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			  &errors, &status, error))
		return false;
	/* isa-debug-exit: 2 * 0 + 1 */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return true;
	g_set_error(error, PEER_ERROR, 0, "QEMU: status %d: %s", status, errors);
	return false;
}

static struct transcript *read_memory(const char *path, const GArray *steps, const char *device,
				      GError **error)
{
	const struct peer_clock clock = { .ns_per_cycle = 1 };
	g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, error);
	const struct oracle_log *log;

	if (file == NULL)
		return NULL;
	log = (const void *)(g_mapped_file_get_contents(file) + ORACLE_LOG);
	if (log->magic == ORACLE_MAGIC)
		return peer_transcript(steps, device, true, log, &clock);
	g_set_error(error, PEER_ERROR, 0, "QEMU: the guest did not come to its end");
	return NULL;
}

static struct transcript *run(const GArray *steps, const char *device, GError **error)
{
	g_autofree char *folder = g_dir_make_tmp("kvt-oracle-XXXXXX", error);
	g_autofree char *program = NULL, *memory = NULL;
	struct transcript *transcript = NULL;

	if (folder == NULL)
		return NULL;
	program = g_build_filename(folder, "program", NULL);
	memory = g_build_filename(folder, "memory", NULL);
	if (write_program(program, steps) && run_qemu(folder, program, error))
		transcript = read_memory(memory, steps, device, error);
	(void)g_unlink(memory);
	(void)g_unlink(program);
	(void)g_rmdir(folder);
	return transcript;
}

const struct peer peer_qemu = { "QEMU", why_not, run };
