/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kvmtime clock prints of a machine that has everything: a pvclock page, a VMClock device,
 * PHCs of each kind. With "--document" it prints the JSON alone, for the schema check.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <kvmtime/pvclock.h>

#include "cli/clock.h"
#include "cli/text.h"

#define PAGE 4096u

struct machine {
	char *dir;
	struct kvt_root *root;
	struct kvt_calls calls;
	uint64_t tsc_cycles;
	struct vmclock_abi region;
	bool empty; /* the page is not mapped */
};

static const volatile void *memory(void *context, uint64_t address, gsize size)
{
	const struct machine *m = context;

	return m->empty ? NULL : kvt_calls_live.memory(NULL, address, size);
}

static uint64_t tsc(void *context)
{
	struct machine *m = context;

	return m->tsc_cycles += 20;
}

static void cpuid(void *context, uint32_t leaf, uint32_t ret[4])
{
	(void)context;
	memset(ret, 0, 4 * sizeof(ret[0]));
	if (leaf == 1)
		ret[2] = UINT32_C(1) << 31;
	if (leaf == KVM_CPUID_BASE) {
		ret[0] = KVM_CPUID_BASE + 1;
		ret[1] = KVM_SIGNATURE_EBX;
		ret[2] = KVM_SIGNATURE_ECX;
		ret[3] = KVM_SIGNATURE_EDX;
	}
	if (leaf == KVM_CPUID_BASE + 1)
		ret[0] = 1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT;
}

static int clock_ns(void *context, clockid_t clock, int64_t *ret_ns)
{
	(void)context;
	*ret_ns = clock == CLOCK_REALTIME ? INT64_C(1700000000000000000) : INT64_C(5000000000);
	return 0;
}

static int open_device(void *context, const char *path, int flags)
{
	(void)context, (void)flags;
	if (strcmp(path, "/dev/ptp0") == 0)
		return 100;
	if (strcmp(path, "/dev/ptp1") == 0)
		return 101;
	return strcmp(path, "/dev/vmclock0") == 0 ? 102 : -EACCES;
}

static int control(void *context, int fd, unsigned long request, void *argument)
{
	struct ptp_sys_offset_precise *precise = argument;

	(void)context;
	if (request != PTP_SYS_OFFSET_PRECISE)
		return -ENOTTY;
	precise->sys_realtime = (struct ptp_clock_time){ .sec = 1700000000 };
	precise->device = fd == 100 ? (struct ptp_clock_time){ .sec = 1700000000, .nsec = 12400 }
				    : (struct ptp_clock_time){ .sec = 1700000037, .nsec = 5 };
	return 0;
}

static gssize read_device(void *context, int fd, void *bytes, gsize size)
{
	const struct machine *m = context;

	(void)fd;
	memcpy(bytes, &m->region, MIN(size, sizeof(m->region)));
	return sizeof(m->region);
}

static void put(const struct machine *m, const char *path, const char *text)
{
	g_autofree char *full = g_build_filename(m->dir, path, NULL);
	g_autofree char *folder = g_path_get_dirname(full);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static guint8 *page_of(uint64_t tsc_timestamp)
{
	guint8 *page = g_aligned_alloc0(1, PAGE, PAGE);
	struct pvclock_vcpu_time_info ti;

	g_assert_cmpint(kvt_pvclock_init(2000000000, tsc_timestamp, 1000000000,
					 PVCLOCK_TSC_STABLE_BIT, &ti),
			==, 0);
	ti.version = 8;
	memcpy(page, &ti, sizeof(ti));
	ti.flags = 0;
	memcpy(page + KVT_PVCLOCK_STRIDE, &ti, sizeof(ti));
	return page;
}

static void put_devices(struct machine *m)
{
	put(m, "dev/ptp0", "");
	put(m, "dev/ptp1", "");
	put(m, "dev/ptp2", "");
	put(m, "dev/vmclock0", "");
	put(m, "sys/class/ptp/ptp0/clock_name", "KVM virtual PTP\n");
	put(m, "sys/class/ptp/ptp1/clock_name", "a card\n");
	put(m, "sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
	put(m, "sys/devices/system/clocksource/clocksource0/available_clocksource",
	    "tsc kvm-clock \n");
	put(m, "proc/cpuinfo", "flags : fpu\ncpu MHz\t\t: 2000.001\n");
	m->region = (struct vmclock_abi){
		.magic = VMCLOCK_MAGIC,
		.size = sizeof(m->region),
		.version = 1,
		.counter_id = VMCLOCK_COUNTER_X86_TSC,
		.time_type = VMCLOCK_TIME_TAI,
		.seq_count = 4,
		.flags = VMCLOCK_FLAG_TAI_OFFSET_VALID | VMCLOCK_FLAG_DISRUPTION_SOON,
		.clock_status = VMCLOCK_STATUS_SYNCHRONIZED,
		.tai_offset_sec = 37,
		.counter_value = 1000000000,
		.counter_period_frac_sec = UINT64_C(9223372036), /* 0.5 ns */
		.time_sec = 1700000037 - 1,
	};
}

static void machine_set_up(struct machine *m, guint8 *page)
{
	g_autofree char *maps =
		g_strdup_printf("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER
				"x r--p 00000000 00:00 0  [vvar_vclock]\n",
				(guint64)(uintptr_t)page, (guint64)(uintptr_t)page + PAGE);

	*m = (struct machine){ .tsc_cycles = 3000000000 };
	m->dir = g_dir_make_tmp("kvt-XXXXXX", NULL);
	m->root = kvt_root_open(m->dir, NULL);
	m->calls = kvt_calls_none;
	m->calls.context = m;
	m->calls.memory = memory;
	m->calls.tsc = tsc;
	m->calls.cpuid = cpuid;
	m->calls.clock = clock_ns;
	m->calls.open = open_device;
	m->calls.ioctl = control;
	m->calls.read = read_device;
	put(m, "proc/self/maps", maps);
}

static void machine_tear_down(struct machine *m)
{
	g_autofree char *command = g_strdup_printf("rm -rf %s", m->dir);

	kvt_root_free(m->root);
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	g_free(m->dir);
}

enum what { TEXT, EMPTY, DOCUMENT };

static void print_machine(enum what what)
{
	guint8 *page = page_of(1000000000);
	struct machine m;
	struct kvt_live *live;

	machine_set_up(&m, page);
	if (what != EMPTY)
		put_devices(&m);
	m.empty = what == EMPTY;
	live = kvt_live_open(m.root, &m.calls, 0);
	kvt_live_look(live);
	if (what == DOCUMENT)
		kvt_clock_json_live(live, true);
	else
		kvt_clock_print_live(live, true);
	kvt_live_free(live);
	machine_tear_down(&m);
	g_aligned_free(page);
}

static void test_machine_with_everything_is_printed(void)
{
	if (g_test_subprocess()) {
		print_machine(TEXT);
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stdout(
		"The pvclock page is live: 2 vCPUs with records of their own, stable;*");
	g_test_trap_assert_stdout(
		"*Hypervisor: KVM; clock source tsc (available: tsc, kvm-clock);*");
	g_test_trap_assert_stdout("*1 thing that only root can read: sudo kvmtime clock*");
	g_test_trap_assert_stdout("*rate_error_ppb*fast against 2000001 kHz (/proc/cpuinfo)*");
	g_test_trap_assert_stdout("*CLOCK_MONOTONIC *5.000000000 s  -2.99*");
	g_test_trap_assert_stdout("*vCPU  version*   1        8*0x00*");
	g_test_trap_assert_stdout("*disruption_soon*yes*within a day*");
	g_test_trap_assert_stdout("*VMClock minus CLOCK_REALTIME: +* us +- *ns, ahead*");
	g_test_trap_assert_stdout(
		"*/dev/ptp0  KVM virtual PTP*PHC minus CLOCK_REALTIME: +12.4 us +- 1 ns, ahead*");
	g_test_trap_assert_stdout(
		"*/dev/ptp1  a card*37 s: it tells TAI; beyond that +5 ns +- 1 ns, ahead*");
	g_test_trap_assert_stdout("*/dev/ptp2  name not known*not read: Permission denied*");
}

static void test_machine_whose_page_is_not_mapped_says_why(void)
{
	if (g_test_subprocess()) {
		print_machine(EMPTY);
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stdout(
		"No pvclock page to read: ?vvar_vclock? is empty, as pvclock has not been "
		"the*vDSO's clock since boot.\nHypervisor: KVM; clock source not known.\n*"
		"vmclock  none*PHC      none*");
	g_test_trap_assert_stdout_unmatched("*pvclock  record*");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--document") == 0) {
		print_machine(DOCUMENT);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	kvt_text_setup("never");
	g_test_add_func("/clock-text/machine_with_everything_is_printed",
			test_machine_with_everything_is_printed);
	g_test_add_func("/clock-text/machine_whose_page_is_not_mapped_says_why",
			test_machine_whose_page_is_not_mapped_says_why);
	return g_test_run();
}
