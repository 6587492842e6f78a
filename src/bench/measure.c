/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/measure.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kvmtime/tsc.h>

#include "sys/error.h"

#define BATCH_NS      10000
#define MOST_READS    4096u
#define LEAST_BATCHES 20u
#define MOST_BATCHES  20000u
#define EMPTY_EVERY   8u  /* one empty batch among so many */
#define SINGLES       64u /* single reads after it, and as many empty ones */

int64_t kvt_bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

uint64_t kvt_bench_stamp(void)
{
#ifdef KVT_HAVE_TSC
	return kvt_tsc_ordered();
#else
	return (uint64_t)kvt_bench_now_ns();
#endif
}

static void batch_empty(void *arg, unsigned reads)
{
	for (unsigned i = 0; i < reads; i++)
		KVT_BENCH_KEEP(arg);
}

static uint64_t time_batch(kvt_bench_batch batch, void *arg, unsigned reads)
{
	const uint64_t before = kvt_bench_stamp();

	batch(arg, reads);
	return kvt_bench_stamp() - before;
}

/* so many reads that a batch lasts BATCH_NS; the machine's clock is slow, so look at a sum */
static unsigned batch_size(kvt_bench_batch batch, void *arg)
{
	unsigned reads = 1;

	for (;;) {
		const int64_t start_ns = kvt_bench_now_ns();

		for (int i = 0; i < 4; i++)
			batch(arg, reads);
		if (kvt_bench_now_ns() - start_ns >= 4 * BATCH_NS || reads >= MOST_READS)
			return reads;
		reads *= 2;
	}
}

static int compare_double(gconstpointer a, gconstpointer b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(GArray *sorted, double q)
{
	return g_array_index(sorted, double, (guint)(q * (sorted->len - 1) + 0.5));
}

/* stamps of whole batches to ns a read, without the loop; ascending */
static void convert(GArray *all, double ns_per_stamp, unsigned reads, double overhead_ns)
{
	for (guint i = 0; i < all->len; i++) {
		double *value = &g_array_index(all, double, i);

		*value = MAX(*value * ns_per_stamp / reads - overhead_ns, 0);
	}
	g_array_sort(all, compare_double);
}

/* One read at a time: between two ordered readings of the counter it overlaps with nothing. */
static void time_singles(kvt_bench_batch batch, void *arg, GArray *singles)
{
	for (unsigned i = 0; i < SINGLES; i++) {
		const double stamps = (double)time_batch(batch, arg, 1);

		g_array_append_val(singles, stamps);
	}
}

void kvt_bench_cost(kvt_bench_batch batch, void *arg, int64_t budget_ns,
		    struct kvt_bench_cost *ret_cost, GArray **ret_all)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GArray) empty = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GArray) singles = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GArray) empty_singles = g_array_new(FALSE, FALSE, sizeof(double));
	const unsigned reads = batch_size(batch, arg);
	const int64_t start_ns = kvt_bench_now_ns();
	const uint64_t start_stamp = kvt_bench_stamp();
	int64_t now_ns = start_ns;
	double ns_per_stamp;

	while (all->len < LEAST_BATCHES ||
	       (now_ns - start_ns < budget_ns && all->len < MOST_BATCHES)) {
		double stamps = (double)time_batch(batch, arg, reads);

		g_array_append_val(all, stamps);
		if (all->len % EMPTY_EVERY == 1) {
			stamps = (double)time_batch(batch_empty, NULL, reads);
			g_array_append_val(empty, stamps);
			time_singles(batch, arg, singles);
			time_singles(batch_empty, NULL, empty_singles);
			now_ns = kvt_bench_now_ns();
		}
	}
	now_ns = kvt_bench_now_ns();
	ns_per_stamp = (double)(now_ns - start_ns) / (double)(kvt_bench_stamp() - start_stamp);
	convert(empty, ns_per_stamp, reads, 0);
	ret_cost->overhead_ns = quantile(empty, 0.5);
	convert(all, ns_per_stamp, reads, ret_cost->overhead_ns);
	ret_cost->min_ns = quantile(all, 0);
	ret_cost->median_ns = quantile(all, 0.5);
	convert(empty_singles, ns_per_stamp, 1, 0);
	convert(singles, ns_per_stamp, 1, quantile(empty_singles, 0.5));
	ret_cost->p99_ns = quantile(singles, 0.99);
	ret_cost->singles = singles->len;
	ret_cost->batches = all->len;
	ret_cost->reads = reads;
	if (ret_all != NULL)
		*ret_all = all;
	else
		g_array_unref(all);
}

/* ---- clock_gettime() ---- */

static void batch_libc(void *arg, unsigned reads)
{
	const clockid_t clock = *(const clockid_t *)arg;
	struct timespec now;

	for (unsigned i = 0; i < reads; i++) {
		clock_gettime(clock, &now);
		KVT_BENCH_KEEP(&now);
	}
}

static void batch_syscall(void *arg, unsigned reads)
{
	const clockid_t clock = *(const clockid_t *)arg;
	struct timespec now;

	for (unsigned i = 0; i < reads; i++) {
		syscall(SYS_clock_gettime, clock, &now);
		KVT_BENCH_KEEP(&now);
	}
}

bool kvt_bench_clock_costs(clockid_t clock, enum kvt_bench_way way, int64_t budget_ns,
			   struct kvt_bench_cost *ret_cost, GArray **ret_all, GError **error)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0) {
		kvt_error_errno(error, "clock_gettime", errno);
		return false;
	}
	kvt_bench_cost(way == KVT_BENCH_LIBC ? batch_libc : batch_syscall, &clock, budget_ns,
		       ret_cost, ret_all);
	return true;
}

bool kvt_bench_clock_cost(clockid_t clock, enum kvt_bench_way way, int64_t budget_ns,
			  struct kvt_bench_cost *ret_cost, GError **error)
{
	return kvt_bench_clock_costs(clock, way, budget_ns, ret_cost, NULL, error);
}

/* ---- vDSO or system call ---- */

/* Every clock_gettime() system call of this process fails with EXDEV from now on. */
static bool forbid_syscall(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = G_N_ELEMENTS(steps), .filter = steps };
	struct timespec now;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return false;
	return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == -1 && errno == EXDEV;
}

/* The child of a process that may have threads: async-signal-safe calls alone. */
static enum kvt_bench_path path_in_child(clockid_t clock)
{
	struct timespec now;

	if (!forbid_syscall())
		return KVT_BENCH_PATH_UNKNOWN;
	if (clock_gettime(clock, &now) == 0)
		return KVT_BENCH_PATH_VDSO;
	return errno == EXDEV ? KVT_BENCH_PATH_SYSCALL : KVT_BENCH_PATH_UNKNOWN;
}

enum kvt_bench_path kvt_bench_path(clockid_t clock)
{
	struct timespec now;
	int status;
	pid_t child;

	if (clock_gettime(clock, &now) != 0)
		return KVT_BENCH_PATH_UNKNOWN;
	child = fork();
	if (child == 0)
		_exit((int)path_in_child(clock));
	if (child < 0)
		return KVT_BENCH_PATH_UNKNOWN;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return KVT_BENCH_PATH_UNKNOWN;
	return WIFEXITED(status) && WEXITSTATUS(status) <= KVT_BENCH_PATH_SYSCALL
		       ? (enum kvt_bench_path)WEXITSTATUS(status)
		       : KVT_BENCH_PATH_UNKNOWN;
}
