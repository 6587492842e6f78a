/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/host.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kvmtime/error.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/tsc.h>

#include "sys/error.h"

int64_t lab_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * LAB_S + now.tv_nsec;
}

void lab_sleep_until(int64_t mono_ns)
{
	const struct timespec when = { mono_ns / LAB_S, mono_ns % LAB_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
		;
}

/* ---- the guest's page ---- */

bool lab_tsc_offset(struct lab_vcpu *vcpu, uint64_t *ret_cycles, GError **error)
{
	uint64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};
	const int guest_khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
	const int host_khz = ioctl(vcpu->vm->fd, KVM_GET_TSC_KHZ, 0);

	if (host_khz > 0 && guest_khz > 0 && guest_khz != host_khz) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "the guest's TSC is scaled (%d of %d kHz)", guest_khz, host_khz);
		return false;
	}
	if (!lab_vcpu_ioctl(vcpu, KVM_GET_DEVICE_ATTR, &attr, "KVM_VCPU_TSC_OFFSET", error))
		return false;
	*ret_cycles = offset;
	return true;
}

int lab_page_ns(struct lab_vm *vm, unsigned int vcpu, uint64_t offset_cycles,
		uint64_t host_tsc_cycles, uint64_t *ret_ns)
{
	struct pvclock_vcpu_time_info page;
	const int error = kvt_pvclock_snapshot(lab_clock_page(vm, vcpu), &page);

	if (error != 0)
		return error;
	return kvt_pvclock_ns(&page, host_tsc_cycles + offset_cycles, ret_ns);
}

bool lab_measure_offset(struct lab_vm *vm, unsigned int vcpu, uint64_t offset_cycles,
			clockid_t clock, unsigned int readings, int64_t shift_ns,
			struct lab_offset *ret_offset, GError **error)
{
	struct pvclock_vcpu_time_info page;
	double low = -INFINITY, high = INFINITY, best = INFINITY;
	int64_t base_ns = 0, host_ns = 0;
	int status = kvt_pvclock_snapshot(lab_clock_page(vm, vcpu), &page);

	for (unsigned int i = 0; i < readings && status == 0; i++) {
		const uint64_t before = kvt_tsc_ordered() + offset_cycles;
		const int64_t now_ns = lab_clock(clock);
		const uint64_t after = kvt_tsc_ordered() + offset_cycles;
		uint64_t before_ns = 0, after_ns = 0;

		status = kvt_pvclock_ns(&page, before, &before_ns);
		if (status == 0)
			status = kvt_pvclock_ns(&page, after, &after_ns);
		if (i == 0)
			base_ns = (int64_t)before_ns - now_ns; /* keeps the doubles below exact */
		host_ns = now_ns;
		low = MAX(low, (double)((int64_t)before_ns - now_ns - base_ns));
		/* each reading is cut to whole ns */
		high = MIN(high, (double)((int64_t)after_ns + 1 - now_ns - base_ns));
		best = MIN(best, (double)(after_ns + 1 - before_ns));
	}
	if (status != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "the guest's clock page: %s",
			    kvt_strerror(status));
		return false;
	}
	*ret_offset = (struct lab_offset){
		.offset_ns = (double)(base_ns + shift_ns) + (low + high) / 2,
		/* clocks that drift apart during the readings make the intersection empty */
		.bound_ns = high > low ? (high - low) / 2 : best / 2,
		.single_ns = best / 2,
		.host_ns = host_ns,
		.readings = readings,
	};
	return true;
}

/* ---- CPUs ---- */

static cpu_set_t allowed;
static gsize allowed_known;

static void read_allowed(void)
{
	if (g_once_init_enter(&allowed_known)) {
		sched_getaffinity(0, sizeof(allowed), &allowed);
		g_once_init_leave(&allowed_known, 1);
	}
}

unsigned int lab_cpus(void)
{
	read_allowed();
	return MAX(1u, (unsigned int)CPU_COUNT(&allowed));
}

int lab_pin(unsigned int index)
{
	unsigned int left;
	cpu_set_t one;

	read_allowed();
	left = index % lab_cpus();
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &allowed) && left-- == 0) {
			CPU_ZERO(&one);
			CPU_SET((size_t)cpu, &one);
			sched_setaffinity(0, sizeof(one), &one);
			return cpu;
		}
	return -1;
}

void lab_unpin(void)
{
	read_allowed();
	sched_setaffinity(0, sizeof(allowed), &allowed);
}

struct lab_hogs {
	unsigned int number;
	int cpu;
	volatile int stop;
	pthread_t threads[];
};

static void *burn(void *data)
{
	struct lab_hogs *hogs = data;
	cpu_set_t one;

	if (hogs->cpu >= 0) {
		CPU_ZERO(&one);
		CPU_SET((size_t)hogs->cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
	}
	while (!hogs->stop)
		for (volatile int i = 0; i < 1000; i++)
			;
	return NULL;
}

struct lab_hogs *lab_hogs_start(unsigned int number, int cpu)
{
	struct lab_hogs *hogs = g_malloc0(sizeof(*hogs) + number * sizeof(pthread_t));

	hogs->cpu = cpu;
	while (hogs->number < number &&
	       pthread_create(&hogs->threads[hogs->number], NULL, burn, hogs) == 0)
		hogs->number++;
	return hogs;
}

void lab_hogs_stop(struct lab_hogs *hogs)
{
	hogs->stop = 1;
	for (unsigned int i = 0; i < hogs->number; i++)
		pthread_join(hogs->threads[i], NULL);
	g_free(hogs);
}

bool lab_run_delay_ns(pid_t thread, uint64_t *ret_ns)
{
	char path[64];
	unsigned long long on_cpu, delay;
	FILE *file;
	int fields;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)thread);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	fields = fscanf(file, "%llu %llu", &on_cpu, &delay);
	fclose(file);
	if (fields == 2)
		*ret_ns = delay;
	return fields == 2;
}

pid_t lab_pit_thread(void)
{
	g_autofree char *name = g_strdup_printf("kvm-pit/%d", (int)getpid());
	GDir *proc = g_dir_open("/proc", 0, NULL);
	const char *entry;
	pid_t found = 0;

	while (proc != NULL && found == 0 && (entry = g_dir_read_name(proc)) != NULL) {
		g_autofree char *path = g_build_filename("/proc", entry, "comm", NULL);
		g_autofree char *comm = NULL;

		if (g_ascii_isdigit(entry[0]) && g_file_get_contents(path, &comm, NULL, NULL) &&
		    g_str_equal(g_strchomp(comm), name))
			found = (pid_t)g_ascii_strtoll(entry, NULL, 10);
	}
	if (proc != NULL)
		g_dir_close(proc);
	return found;
}
