/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine made of files below a temporary root, of this program's own memory, and of calls that
 * answer from a struct.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <signal.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>

#include "sys/error.h"
#include "sys/ptp.h"
#include "sys/timepages.h"

#define PAGE 4096u
#define HZ   UINT64_C(2596124000)

struct machine {
	char *dir;
	struct kvt_root *root;
	struct kvt_calls calls;
	uint64_t tsc_cycles, tsc_step;
	int64_t clock_ns;
	int open_error, ioctl_error;
	guint log_line;
	const guint8 *region; /* of the vmclock device */
	bool mappable;
};

/* ---- calls ---- */

static uint64_t fake_tsc(void *context)
{
	struct machine *m = context;

	return m->tsc_cycles += m->tsc_step;
}

static int fake_clock(void *context, clockid_t clock, int64_t *ret_ns)
{
	struct machine *m = context;

	if (clock == CLOCK_TAI)
		return -EINVAL;
	/* CLOCK_REALTIME moves by 100 ns a reading, a device's clock is 5 s ahead */
	m->clock_ns += 100;
	*ret_ns = clock < 0 ? m->clock_ns + 5000000000 : m->clock_ns;
	return 0;
}

static int fake_open(void *context, const char *path, int flags)
{
	struct machine *m = context;

	(void)path, (void)flags;
	return m->open_error != 0 ? -m->open_error : 7;
}

static void precise(struct ptp_sys_offset_precise *answer)
{
	answer->device = (struct ptp_clock_time){ .sec = 100, .nsec = 5 };
	answer->sys_realtime = (struct ptp_clock_time){ .sec = 99, .nsec = 999999995 };
}

static void extended(struct ptp_sys_offset_extended *answer)
{
	for (unsigned i = 0; i < answer->n_samples; i++) {
		const unsigned width = i == 3 ? 40 : 1000 + i;

		answer->ts[i][0] = (struct ptp_clock_time){ .sec = 50, .nsec = i * 10000 };
		answer->ts[i][1] =
			(struct ptp_clock_time){ .sec = 49, .nsec = i * 10000 + width / 2 };
		answer->ts[i][2] = (struct ptp_clock_time){ .sec = 50, .nsec = i * 10000 + width };
	}
}

static int fake_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	struct machine *m = context;

	g_assert_cmpint(fd, ==, 7);
	if (request == PTP_SYS_OFFSET_PRECISE && m->ioctl_error == 0)
		return precise(argument), 0;
	if (request == PTP_SYS_OFFSET_EXTENDED && m->ioctl_error <= 1)
		return extended(argument), 0;
	return -ENOTTY;
}

static gssize fake_read(void *context, int fd, void *bytes, gsize size)
{
	static const char *const records[] = {
		"6,100,0,-;Linux version 6.1.0\n",
		"6,101,12,-;tsc: Detected 2596.124 MHz processor\n",
		"4,102,2500000,-;tsc: Refined TSC clocksource calibration: 2596.130 MHz\n SUBSYSTEM=x\n",
	};
	struct machine *m = context;

	(void)fd;
	if (m->region != NULL) {
		memcpy(bytes, m->region, MIN(size, 112));
		return 112;
	}
	if (m->log_line == 1 && m->tsc_step != 99) {
		m->tsc_step = 99; /* once: the kernel overwrote a record that we had not read yet */
		return -EPIPE;
	}
	if (m->log_line >= G_N_ELEMENTS(records))
		return -EAGAIN;
	return (gssize)g_strlcpy(bytes, records[m->log_line++], size);
}

static void fake_close(void *context, int fd)
{
	(void)context;
	g_assert_cmpint(fd, ==, 7);
}

static const volatile void *fake_map(void *context, int fd, gsize size)
{
	struct machine *m = context;

	(void)fd;
	g_assert_cmpuint(size, ==, PAGE);
	return m->mappable ? m->region : NULL;
}

static void fake_unmap(void *context, const volatile void *memory, gsize size)
{
	(void)context, (void)memory, (void)size;
}

static void machine_set_up(struct machine *m)
{
	*m = (struct machine){ .tsc_cycles = 1000000000, .tsc_step = 1000 };
	m->dir = g_dir_make_tmp("kvt-XXXXXX", NULL);
	m->root = kvt_root_open(m->dir, NULL);
	g_assert_nonnull(m->root);
	m->calls = (struct kvt_calls){
		.context = m,
		.memory = kvt_calls_live.memory,
		.tsc = fake_tsc,
		.cpuid = kvt_calls_none.cpuid,
		.clock = fake_clock,
		.open = fake_open,
		.ioctl = fake_ioctl,
		.read = fake_read,
		.close = fake_close,
		.map = fake_map,
		.unmap = fake_unmap,
	};
}

static void machine_tear_down(struct machine *m)
{
	g_autofree char *command = g_strdup_printf("rm -rf %s", m->dir);

	kvt_root_free(m->root);
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	g_free(m->dir);
}

static void put_bytes(struct machine *m, const char *path, const void *bytes, gssize size)
{
	g_autofree char *full = g_build_filename(m->dir, path, NULL);
	g_autofree char *folder = g_path_get_dirname(full);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(full, bytes, size, NULL));
}

static void put(struct machine *m, const char *path, const char *text)
{
	put_bytes(m, path, text, -1);
}

/* ---- memory ---- */

/* Pages backed by a file that is shorter than the mapping: what is behind its end is SIGBUS. */
static guint8 *pages(unsigned there, unsigned mapped)
{
	FILE *file = tmpfile();
	guint8 *memory;

	g_assert_nonnull(file);
	g_assert_cmpint(ftruncate(fileno(file), (off_t)there * PAGE), ==, 0);
	memory = mmap(NULL, (size_t)mapped * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file),
		      0);
	g_assert_true(memory != MAP_FAILED);
	fclose(file);
	return memory;
}

static struct pvclock_vcpu_time_info record(uint64_t tsc_cycles, uint64_t system_ns)
{
	struct pvclock_vcpu_time_info ti;

	g_assert_cmpint(kvt_pvclock_init(HZ, tsc_cycles, system_ns, PVCLOCK_TSC_STABLE_BIT, &ti),
			==, 0);
	ti.version = 4;
	return ti;
}

static void put_record(guint8 *at, uint64_t tsc_cycles, uint64_t system_ns)
{
	const struct pvclock_vcpu_time_info ti = record(tsc_cycles, system_ns);

	memcpy(at, &ti, sizeof(ti));
}

static void put_maps(struct machine *m, const guint8 *memory, unsigned count, const char *name)
{
	g_autofree char *text = g_strdup_printf(
		"00400000-00401000 r-xp 00000000 00:00 0 /bin/x\n"
		"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x r--p 00000000 00:00 0      %s\n"
		"7fff00000000-7fff00002000 r-xp 00000000 00:00 0    [vdso]\n",
		(guint64)(uintptr_t)memory, (guint64)(uintptr_t)(memory + count * PAGE), name);

	put(m, "proc/self/maps", text);
}

/* ---- where the page is ---- */

static void expect_found(struct machine *m, const char *mapping, unsigned index)
{
	struct kvt_pvclock_page page;
	struct pvclock_vcpu_time_info ti;

	g_assert_true(kvt_pvclock_find(m->root, &m->calls, &page));
	g_assert_cmpint(page.state, ==, KVT_PVCLOCK_FOUND);
	g_assert_cmpstr(page.mapping, ==, mapping);
	g_assert_cmpuint(page.page, ==, index);
	g_assert_null(page.reason);
	g_assert_cmpint(kvt_pvclock_record(&page, 0, &ti), ==, 0);
	g_assert_cmpuint(ti.system_time, ==, 5000);
	g_assert_cmpint(kvt_pvclock_record(&page, 1, &ti), ==, -KVT_E_ABSENT);
	g_assert_cmpint(kvt_pvclock_record(&page, 64, &ti), ==, -KVT_E_ARG);
	kvt_pvclock_page_clear(&page);
}

static void expect_state(struct machine *m, enum kvt_pvclock_state state, const char *words)
{
	struct kvt_pvclock_page page;

	g_assert_false(kvt_pvclock_find(m->root, &m->calls, &page));
	g_assert_cmpint(page.state, ==, state);
	g_assert_true(page.bytes == NULL);
	g_assert_nonnull(strstr(page.reason, words));
	kvt_pvclock_page_clear(&page);
}

static void test_page_is_the_first_of_vvar_vclock(void)
{
	struct machine m;
	guint8 *memory = pages(1, 2);

	machine_set_up(&m);
	put_record(memory, 1000, 5000);
	put_maps(&m, memory, 2, "[vvar_vclock]");
	expect_found(&m, "[vvar_vclock]", 0);
	munmap(memory, 2 * PAGE);
	machine_tear_down(&m);
}

static void test_page_is_among_those_of_an_older_vvar(void)
{
	for (unsigned index = 1; index <= 2; index++) {
		struct machine m;
		guint8 *memory = pages(4, 4);

		machine_set_up(&m);
		memset(memory, 0x5a, PAGE); /* the kernel's own data */
		put_record(memory + index * PAGE, 1000, 5000);
		put_maps(&m, memory, 4, "[vvar]");
		expect_found(&m, "[vvar]", index);
		munmap(memory, 4 * PAGE);
		machine_tear_down(&m);
	}
}

static void test_page_that_is_not_there_is_an_answer_not_a_signal(void)
{
	struct machine m;
	guint8 *memory = pages(0, 4);

	machine_set_up(&m);
	put_maps(&m, memory, 2, "[vvar_vclock]");
	expect_state(&m, KVT_PVCLOCK_UNMAPPED, "[vvar_vclock]");
	put_maps(&m, memory, 4, "[vvar]");
	expect_state(&m, KVT_PVCLOCK_UNMAPPED, "[vvar]");
	mprotect(memory, 4 * PAGE, PROT_NONE); /* SIGSEGV's case */
	expect_state(&m, KVT_PVCLOCK_UNMAPPED, "[vvar]");
	munmap(memory, 4 * PAGE);
	machine_tear_down(&m);
}

/* A Hyper-V guest has its reference TSC page behind pvclock's empty place. */
static void test_hyperv_page_is_not_taken_for_pvclock(void)
{
	const uint64_t hyperv[] = { 2, UINT64_C(71052823000000000), 0 };
	struct machine m;
	guint8 *memory = pages(4, 4);

	machine_set_up(&m);
	memcpy(memory + PAGE, hyperv, sizeof(hyperv));
	memcpy(memory + 2 * PAGE, hyperv, sizeof(hyperv));
	put_maps(&m, memory, 4, "[vvar]");
	expect_state(&m, KVT_PVCLOCK_UNLIKELY, "multiplier");
	munmap(memory, 4 * PAGE);
	machine_tear_down(&m);
}

static void test_machine_without_the_mapping_or_without_maps_says_so(void)
{
	struct machine m;

	machine_set_up(&m);
	expect_state(&m, KVT_PVCLOCK_UNKNOWN, "/proc/self/maps");
	put(&m, "proc/self/maps", "00400000-00401000 r-xp 00000000 00:00 0 /bin/x\n");
	expect_state(&m, KVT_PVCLOCK_NO_VVAR, "vvar");
	put(&m, "proc/self/maps",
	    "zz [vvar]\n-1-2 r [vvar]\n1001-3001 r [vvar]\n"
	    "0-ffffffffffffffff r--p [vvar_vclock]\n [vvar]");
	expect_state(&m, KVT_PVCLOCK_NO_VVAR, "vvar");
	machine_tear_down(&m);
}

static void expect_unlikely(struct pvclock_vcpu_time_info ti, uint64_t tsc_cycles,
			    const char *words)
{
	const char *why = kvt_pvclock_implausible(&ti, tsc_cycles);

	if (words == NULL)
		g_assert_null(why);
	else
		g_assert_nonnull(strstr(why, words));
}

static void test_record_that_no_hypervisor_writes_is_not_believed(void)
{
	const struct pvclock_vcpu_time_info good = record(1000, 5000);
	struct pvclock_vcpu_time_info ti = good;

	expect_unlikely(ti, 1000, NULL);
	expect_unlikely(ti, 0, NULL);
	expect_unlikely(ti, 999, "ahead of the TSC");
	ti.version = 0, expect_unlikely(ti, 0, "version"), ti = good;
	ti.pad[1] = 1, expect_unlikely(ti, 0, "padding"), ti = good;
	ti.pad0 = 1, expect_unlikely(ti, 0, "padding"), ti = good;
	ti.tsc_to_system_mul >>= 1, expect_unlikely(ti, 0, "normalised"), ti = good;
	ti.tsc_shift = 33, expect_unlikely(ti, 0, "shift"), ti = good;
	ti.tsc_shift = -33, expect_unlikely(ti, 0, "shift"), ti = good;
	ti.tsc_shift = 20, expect_unlikely(ti, 0, "rate"), ti = good;
	ti.tsc_shift = -20, expect_unlikely(ti, 0, "rate"), ti = good;
	ti.flags = 0xff, expect_unlikely(ti, 0, NULL); /* a later kernel's flags */
}

struct probe {
	guint8 *memory;
	struct machine *machine;
	bool right;
};

static gpointer probe_often(gpointer data)
{
	struct probe *probe = data;

	probe->right = true;
	for (int i = 0; i < 2000; i++) {
		struct kvt_pvclock_page page;

		if (kvt_pvclock_find(probe->machine->root, &kvt_calls_live, &page) ||
		    page.state != KVT_PVCLOCK_UNMAPPED)
			probe->right = false;
		kvt_pvclock_page_clear(&page);
	}
	return NULL;
}

static void test_threads_probe_at_once_and_no_handler_is_left(void)
{
	struct sigaction before, after;
	struct probe probes[4];
	GThread *threads[4];
	struct machine m;
	guint8 *memory = pages(0, 2);

	machine_set_up(&m);
	put_maps(&m, memory, 2, "[vvar_vclock]");
	sigaction(SIGBUS, NULL, &before);
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		probes[i] = (struct probe){ .memory = memory, .machine = &m };
		threads[i] = g_thread_new("probe", probe_often, &probes[i]);
	}
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
		g_thread_join(threads[i]);
		g_assert_true(probes[i].right);
	}
	sigaction(SIGBUS, NULL, &after);
	g_assert_true(before.sa_handler == after.sa_handler);
	munmap(memory, 2 * PAGE);
	machine_tear_down(&m);
}

static void test_recorded_machine_has_its_page_in_a_file(void)
{
	const struct pvclock_vcpu_time_info ti = record(1000, 5000);
	struct pvclock_vcpu_time_info got;
	guint8 bytes[96] = { 0 };
	struct kvt_pvclock_page page;
	struct machine m;

	machine_set_up(&m);
	m.calls = kvt_calls_none;
	g_assert_false(kvt_pvclock_find(m.root, &kvt_calls_none, &page));
	g_assert_cmpint(page.state, ==, KVT_PVCLOCK_UNKNOWN);
	g_assert_false(page.refused);
	kvt_pvclock_page_clear(&page);
	memcpy(bytes, &ti, sizeof(ti));
	memcpy(bytes + 64, &ti, sizeof(ti));
	put_bytes(&m, KVT_RECORDED_PVCLOCK, bytes, sizeof(bytes));
	g_assert_true(kvt_pvclock_find(m.root, &kvt_calls_none, &page));
	g_assert_cmpuint(page.records, ==, 2);
	g_assert_cmpint(kvt_pvclock_record(&page, 1, &got), ==, 0);
	g_assert_cmpuint(got.tsc_to_system_mul, ==, ti.tsc_to_system_mul);
	kvt_pvclock_page_clear(&page);
	put_bytes(&m, KVT_RECORDED_PVCLOCK, bytes + 32, 32); /* zeros */
	g_assert_false(kvt_pvclock_find(m.root, &kvt_calls_none, &page));
	g_assert_cmpint(page.state, ==, KVT_PVCLOCK_UNLIKELY);
	kvt_pvclock_page_clear(&page);
	machine_tear_down(&m);
}

/* ---- beside the kernel's clocks ---- */

static void test_pair_takes_the_middle_of_the_window_with_half_of_it_as_bound(void)
{
	struct kvt_clock_pair pair = { .clock = 77 };
	struct kvt_pvclock_page page;
	struct machine m;
	guint8 *memory = pages(1, 1);

	machine_set_up(&m);
	put_record(memory, 1000000000, 7000);
	put_maps(&m, memory, 1, "[vvar_vclock]");
	m.tsc_step = 2596124; /* 1 ms */
	g_assert_true(kvt_pvclock_find(m.root, &m.calls, &page));
	g_assert_cmpint(kvt_clock_pair_read(&page, &m.calls, CLOCK_TAI, &pair), ==, -KVT_E_ABSENT);
	g_assert_cmpint(pair.clock, ==, 77);
	m.tsc_cycles = 1000000000;
	m.clock_ns = 0;
	g_assert_cmpint(kvt_clock_pair_read(&page, &m.calls, CLOCK_MONOTONIC, &pair), ==, 0);
	/* the first of the equally wide windows: from 1 ms to 2 ms after the record */
	g_assert_cmpint(pair.clock_ns, ==, 100);
	g_assert_cmpuint(pair.page_ns, ==, 7000 + 1499999);
	g_assert_cmpint(pair.difference_ns, ==, (int64_t)pair.page_ns - 100);
	g_assert_cmpuint(pair.bound_ns, >=, 500000);
	g_assert_cmpuint(pair.bound_ns, <=, 500003);
	m.tsc_cycles = 0;
	m.tsc_step = 1; /* a counter behind the record */
	g_assert_cmpint(kvt_clock_pair_read(&page, &m.calls, CLOCK_MONOTONIC, &pair), ==,
			-KVT_E_ORDER);
	kvt_pvclock_page_clear(&page);
	munmap(memory, PAGE);
	machine_tear_down(&m);
}

/* ---- rate ---- */

static void test_kernel_rate_is_the_last_step_of_its_calibration(void)
{
	struct machine m;
	const char *source;

	machine_set_up(&m);
	g_assert_cmpuint(kvt_tsc_kernel_khz(m.root, &kvt_calls_none, &source), ==, 0);
	g_assert_null(source);
	put(&m, "proc/cpuinfo",
	    "processor\t: 0\nflags\t\t: fpu tsc\ncpu MHz\t\t: 2596.124\nbogomips : 1\n");
	g_assert_cmpuint(kvt_tsc_kernel_khz(m.root, &kvt_calls_none, &source), ==, 2596124);
	g_assert_cmpstr(source, ==, "/proc/cpuinfo");
	put(&m, "proc/cpuinfo", "flags\t\t: fpu aperfmperf tsc\ncpu MHz\t\t: 3120.001\n");
	g_assert_cmpuint(kvt_tsc_kernel_khz(m.root, &kvt_calls_none, NULL), ==, 0);
	put(&m, "var/log/dmesg",
	    "[    0.0] tsc: Detected 2600.000 MHz processor\n[ 0.1] tsc: Detected 2596.123 MHz TSC\n");
	g_assert_cmpuint(kvt_tsc_kernel_khz(m.root, &kvt_calls_none, &source), ==, 2596123);
	g_assert_cmpstr(source, ==, "kernel log");
	put(&m, "var/log/dmesg",
	    "tsc: Detected 26000000000000000.000 MHz processor\ntsc: Detected ");
	g_assert_cmpuint(kvt_tsc_kernel_khz(m.root, &kvt_calls_none, NULL), ==, 0);
	put(&m, "sys/devices/system/cpu/cpu0/tsc_freq_khz", "2596121\n");
	g_assert_cmpuint(kvt_tsc_kernel_khz(m.root, &kvt_calls_none, &source), ==, 2596121);
	machine_tear_down(&m);
}

static void test_kernel_log_survives_overwritten_records(void)
{
	struct kvt_root *live = kvt_root_open("/", NULL);
	struct machine m;
	g_autofree char *log = NULL;

	machine_set_up(&m);
	log = kvt_kernel_log(live, &m.calls);
	g_assert_cmpstr(log, ==,
			"[    0.000000] Linux version 6.1.0\n"
			"[    0.000012] tsc: Detected 2596.124 MHz processor\n"
			"[    2.500000] tsc: Refined TSC clocksource calibration: 2596.130 MHz\n");
	m.open_error = EPERM;
	g_assert_null(kvt_kernel_log(live, &m.calls));
	kvt_root_free(live);
	machine_tear_down(&m);
}

/*
 * Linux prints max_cycles = 2^64 / (mult * 1.11) for each clock source. Seen: 6.18 at
 * 2596.124 MHz 0x256beeeb689.
 */
static void test_kernel_scale_is_the_one_that_the_kernel_prints(void)
{
	uint32_t mult;
	unsigned shift;

	kvt_tsc_kernel_scale(2596124, &mult, &shift);
	g_assert_cmphex(UINT64_MAX / (mult + (uint64_t)mult * 11 / 100), ==,
			UINT64_C(0x256beeeb689));
	for (uint64_t khz = 1000; khz <= 100000000; khz += khz / 7) {
		double rate;

		kvt_tsc_kernel_scale(khz, &mult, &shift);
		rate = (double)mult / (double)(UINT64_C(1) << shift) * (double)khz / 1e6;
		g_assert_cmpfloat(rate, >, 1 - 1.0 / mult);
		g_assert_cmpfloat(rate, <, 1 + 1.0 / mult);
		g_assert_true(UINT64_MAX / mult / khz >= 600000);
	}
}

/* ---- PHC ---- */

static struct kvt_phc *only_phc(GPtrArray *phcs)
{
	g_assert_cmpuint(phcs->len, ==, 1);
	return phcs->pdata[0];
}

static void test_phc_is_read_by_the_best_method_of_its_driver(void)
{
	struct machine m;
	GPtrArray *phcs;
	struct kvt_phc *phc;

	machine_set_up(&m);
	put(&m, "dev/ptp0", "");
	put(&m, "dev/ptp_kvm", "");
	put(&m, "dev/ptmx", "");
	put(&m, "sys/class/ptp/ptp0/clock_name", "KVM virtual PTP\n");
	phcs = kvt_phc_list(m.root, &m.calls);
	phc = only_phc(phcs);
	g_assert_cmpstr(phc->path, ==, "/dev/ptp0");
	g_assert_cmpstr(phc->clock_name, ==, "KVM virtual PTP");
	g_assert_cmpint(phc->method, ==, KVT_PHC_PRECISE);
	g_assert_cmpint(phc->offset_ns, ==, 10);
	g_assert_cmpuint(phc->bound_ns, ==, 1);
	g_ptr_array_unref(phcs);

	m.ioctl_error = 1;
	phcs = kvt_phc_list(m.root, &m.calls);
	phc = only_phc(phcs);
	g_assert_cmpint(phc->method, ==, KVT_PHC_EXTENDED);
	g_assert_cmpint(phc->offset_ns, ==, -1000000000); /* of the sample with a window of 40 ns */
	g_assert_cmpuint(phc->bound_ns, ==, 21);
	g_ptr_array_unref(phcs);

	m.ioctl_error = 2;
	phcs = kvt_phc_list(m.root, &m.calls);
	phc = only_phc(phcs);
	g_assert_cmpint(phc->method, ==, KVT_PHC_GETTIME);
	g_assert_cmpint(phc->offset_ns, ==, 5000000000);
	g_assert_cmpuint(phc->bound_ns, ==, 101);
	g_ptr_array_unref(phcs);
	machine_tear_down(&m);
}

static void test_phc_that_may_not_be_opened_keeps_its_name(void)
{
	struct machine m;
	GPtrArray *phcs;

	machine_set_up(&m);
	put(&m, "sys/class/ptp/ptp10/clock_name", "ice-0000:01:00.0-clk\n");
	put(&m, "sys/class/ptp/ptp2/clock_name", "KVM virtual PTP\n");
	m.open_error = EACCES;
	phcs = kvt_phc_list(m.root, &m.calls);
	g_assert_cmpuint(phcs->len, ==, 2);
	g_assert_cmpstr(((struct kvt_phc *)phcs->pdata[0])->path, ==, "/dev/ptp2");
	g_assert_cmpstr(((struct kvt_phc *)phcs->pdata[1])->clock_name, ==, "ice-0000:01:00.0-clk");
	g_assert_true(((struct kvt_phc *)phcs->pdata[0])->refused);
	g_assert_nonnull(((struct kvt_phc *)phcs->pdata[0])->reason);
	g_ptr_array_unref(phcs);
	phcs = kvt_phc_list(m.root, &kvt_calls_none);
	g_assert_false(((struct kvt_phc *)phcs->pdata[0])->refused);
	g_ptr_array_unref(phcs);
	machine_tear_down(&m);
}

/* ---- VMClock ---- */

static struct vmclock_abi region(void)
{
	return (struct vmclock_abi){
		.magic = VMCLOCK_MAGIC,
		.size = 112,
		.version = VMCLOCK_VERSION,
		.counter_id = VMCLOCK_COUNTER_X86_TSC,
		.time_type = VMCLOCK_TIME_UTC,
		.seq_count = 2,
		.clock_status = VMCLOCK_STATUS_SYNCHRONIZED,
		.counter_value = 1000000000,
		.counter_period_frac_sec = UINT64_C(18446744073709551), /* 1 ms */
		.time_sec = 1000,
	};
}

static void test_vmclock_is_compared_with_the_clock_of_this_machine(void)
{
	guint8 bytes[PAGE] = { 0 };
	struct vmclock_abi abi = region();
	struct kvt_vmclock_device *device;
	struct machine m;
	GPtrArray *devices;

	abi.counter_period_frac_sec = UINT64_C(18446744073); /* 1 ns, cut off: 10^9 Hz */
	memcpy(bytes, &abi, sizeof(abi));
	machine_set_up(&m);
	put(&m, "dev/vmclock0", "");
	m.region = bytes;
	for (int mapped = 0; mapped <= 1; mapped++) {
		m.mappable = mapped;
		m.tsc_cycles = 1000000000;
		m.clock_ns = INT64_C(990000000000) - 100;
		devices = kvt_vmclock_list(m.root, &m.calls);
		g_assert_cmpuint(devices->len, ==, 1);
		device = devices->pdata[0];
		g_assert_null(device->reason);
		g_assert_true(device->compared);
		/* 1000 s + 1.5 us against 990 s */
		g_assert_cmpint(ABS(device->difference_ns - 10000001500), <=, 1);
		g_assert_cmpuint(device->bound_ns, ==, 503);
		g_ptr_array_unref(devices);
	}
	machine_tear_down(&m);
}

static void test_vmclock_that_tells_no_utc_is_not_compared(void)
{
	guint8 bytes[PAGE] = { 0 };
	struct vmclock_abi abi = region();
	struct machine m;
	GPtrArray *devices;

	abi.time_type = VMCLOCK_TIME_TAI; /* without the offset */
	memcpy(bytes, &abi, sizeof(abi));
	machine_set_up(&m);
	put(&m, "dev/vmclock0", "");
	m.region = bytes;
	devices = kvt_vmclock_list(m.root, &m.calls);
	g_assert_false(((struct kvt_vmclock_device *)devices->pdata[0])->compared);
	g_assert_null(((struct kvt_vmclock_device *)devices->pdata[0])->reason);
	g_ptr_array_unref(devices);
	bytes[0] = 0;
	devices = kvt_vmclock_list(m.root, &m.calls);
	g_assert_nonnull(((struct kvt_vmclock_device *)devices->pdata[0])->reason);
	g_ptr_array_unref(devices);
	bytes[0] = 'V';
	put_bytes(&m, "dev/vmclock0", bytes, 112); /* recorded */
	devices = kvt_vmclock_list(m.root, &kvt_calls_none);
	g_assert_cmpuint(((struct kvt_vmclock_device *)devices->pdata[0])->abi.time_sec, ==, 1000);
	g_ptr_array_unref(devices);
	machine_tear_down(&m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/timepages/" #name, test_##name)
	ADD(page_is_the_first_of_vvar_vclock);
	ADD(page_is_among_those_of_an_older_vvar);
	ADD(page_that_is_not_there_is_an_answer_not_a_signal);
	ADD(hyperv_page_is_not_taken_for_pvclock);
	ADD(machine_without_the_mapping_or_without_maps_says_so);
	ADD(record_that_no_hypervisor_writes_is_not_believed);
	ADD(threads_probe_at_once_and_no_handler_is_left);
	ADD(recorded_machine_has_its_page_in_a_file);
	ADD(pair_takes_the_middle_of_the_window_with_half_of_it_as_bound);
	ADD(kernel_rate_is_the_last_step_of_its_calibration);
	ADD(kernel_log_survives_overwritten_records);
	ADD(kernel_scale_is_the_one_that_the_kernel_prints);
	ADD(phc_is_read_by_the_best_method_of_its_driver);
	ADD(phc_that_may_not_be_opened_keeps_its_name);
	ADD(vmclock_is_compared_with_the_clock_of_this_machine);
	ADD(vmclock_that_tells_no_utc_is_not_compared);
#undef ADD
	return g_test_run();
}
