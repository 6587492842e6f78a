/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/count.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/workload.h"
#include "config.h"
#include "sys/error.h"

#define LIBRARY "kvmtime-count.so"

static const char *const names[KVT_COUNT_KINDS] = {
	"clock_gettime(REALTIME)",
	"clock_gettime(MONOTONIC)",
	"clock_gettime(PROCESS_CPUTIME_ID)",
	"clock_gettime(THREAD_CPUTIME_ID)",
	"clock_gettime(MONOTONIC_RAW)",
	"clock_gettime(REALTIME_COARSE)",
	"clock_gettime(MONOTONIC_COARSE)",
	"clock_gettime(BOOTTIME)",
	"clock_gettime(REALTIME_ALARM)",
	"clock_gettime(BOOTTIME_ALARM)",
	"clock_gettime(10)",
	"clock_gettime(TAI)",
	"clock_gettime(another)",
	"gettimeofday",
	"time",
	"timespec_get",
};

const char *kvt_count_name(unsigned kind)
{
	return names[kind];
}

clockid_t kvt_count_clock(unsigned kind)
{
	if (kind == KVT_COUNT_GETTIMEOFDAY || kind == KVT_COUNT_TIMESPEC_GET)
		return CLOCK_REALTIME;
	if (kind == KVT_COUNT_TIME)
		return CLOCK_REALTIME_COARSE;
	return kind < KVT_COUNT_CLOCKS ? (clockid_t)kind : -1;
}

/* where modules are looked for, too */
static char *library(GError **error)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = program != NULL ? g_path_get_dirname(program) : NULL;
	g_autofree char *beside = folder != NULL ? g_build_filename(folder, "modules", NULL) : NULL;
	const char *const folders[] = { g_getenv("KVT_MODULES"), beside, KVT_MODULEDIR };

	for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path =
			folders[i] != NULL ? g_build_filename(folders[i], LIBRARY, NULL) : NULL;

		if (path != NULL && access(path, R_OK) == 0)
			return g_steal_pointer(&path);
	}
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, LIBRARY ": not found in %s",
		    KVT_MODULEDIR);
	return NULL;
}

/* A file by a name that the command, whoever it runs as, can open. */
static struct kvt_count_file *make_file(char **ret_path, GError **error)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "kvmtime-count-XXXXXX", NULL);
	const int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	void *memory = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(struct kvt_count_file)) == 0)
		memory = mmap(NULL, sizeof(struct kvt_count_file), PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		kvt_error_errno(error, path, errno);
	if (fd >= 0)
		close(fd);
	if (memory == MAP_FAILED)
		return NULL;
	*ret_path = g_steal_pointer(&path);
	return memory;
}

static char **environment(const char *so, const char *file)
{
	const char *before = g_getenv("LD_PRELOAD");
	g_autofree char *preload = before != NULL && *before != '\0'
					   ? g_strdup_printf("%s:%s", so, before)
					   : g_strdup(so);
	char **variables = g_environ_setenv(g_get_environ(), "LD_PRELOAD", preload, TRUE);

	return g_environ_setenv(variables, KVT_COUNT_VARIABLE, file, TRUE);
}

static double children_cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void sum_up(const struct kvt_count_file *file, struct kvt_count *ret_count)
{
	ret_count->processes = file->processes;
	for (unsigned kind = 0; kind < KVT_COUNT_KINDS; kind++)
		for (unsigned shard = 0; shard < KVT_COUNT_SHARDS; shard++)
			ret_count->reads[kind] += file->reads[shard][kind];
}

bool kvt_count_run(char **argv, struct kvt_count *ret_count, GError **error)
{
	g_autofree char *so = library(error);
	g_autofree char *path = NULL;
	g_auto(GStrv) variables = NULL;
	struct kvt_command command = { .argv = argv };
	struct kvt_count count = { 0 };
	struct kvt_count_file *file;
	double cpu_before;
	bool ok;

	file = so != NULL ? make_file(&path, error) : NULL;
	if (file == NULL)
		return false;
	command.environment = variables = environment(so, path);
	cpu_before = children_cpu();
	ok = kvt_command_run(&command, &count.seconds, error);
	count.cpu_seconds = children_cpu() - cpu_before;
	sum_up(file, &count);
	munmap(file, sizeof(*file));
	unlink(path);
	if (ok)
		*ret_count = count;
	return ok;
}
