/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does a change of the host's date reach a guest? A micro-VM runs, the date of its host is set an
 * hour ahead, and what the guest has is read before and after. Only for the inside of an emulated
 * machine, which the word kvt.emulated on its kernel's command line promises: elsewhere it ends
 * with status 2 and has touched nothing.
 *
 * It prints: ns that kvm-clock moved beside CLOCK_MONOTONIC_RAW; whether the wall clock record was
 * rewritten; s that the guest's date is ahead of the host's, before, after, and after the guest has
 * asked for a new record.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <kvmtime/pvclock.h>

#include "lab/host.h"
#include "lab/lab.h"

#define AHEAD_S 3600

static bool is_emulated(void)
{
	g_autofree char *line = NULL;

	return g_file_get_contents("/proc/cmdline", &line, NULL, NULL) &&
	       strstr(line, "kvt.emulated") != NULL;
}

struct view {
	struct lab_offset offset;
	uint32_t version;
	double ahead_s; /* the guest's date minus the host's */
};

static bool look(struct lab_vm *vm, struct view *ret, GError **error)
{
	struct pvclock_wall_clock wall;
	uint64_t offset, system_ns, sec;
	uint32_t nsec;

	if (!lab_vcpu_expect(&vm->vcpus[0], LAB_TIMEOUT_NS, LAB_EVENT_SAMPLE, error) ||
	    !lab_tsc_offset(&vm->vcpus[0], &offset, error) ||
	    !lab_measure_offset(vm, 0, offset, CLOCK_MONOTONIC_RAW, 500, 0, &ret->offset, error))
		return false;
	system_ns = lab_mailbox(vm)->sample_ns;
	if (kvt_wall_clock_snapshot(lab_memory(vm, LAB_WALL_GPA, sizeof(wall)), &wall) != 0 ||
	    kvt_wall_clock_utc(&wall, system_ns, &sec, &nsec) != 0)
		return false;
	ret->version = wall.version;
	ret->ahead_s = (double)(int64_t)sec + nsec / 1e9 - (double)lab_clock(CLOCK_REALTIME) / 1e9;
	return true;
}

static bool show(struct lab_vm *vm, GError **error)
{
	struct view before, after, asked;
	struct timespec now;

	if (!look(vm, &before, error))
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += AHEAD_S;
	if (clock_settime(CLOCK_REALTIME, &now) != 0)
		return false;
	/* the kernel tells KVM of the step at once, and of its clock every tick */
	lab_sleep_until(lab_mono() + 300 * LAB_MS);
	if (!look(vm, &after, error))
		return false;
	lab_mailbox(vm)->again = 1;
	if (!look(vm, &asked, error) || !look(vm, &asked, error))
		return false;
	printf("moved %.0f\nrewritten %d\nbefore %.3f\nafter %.3f\nasked %.3f\n",
	       after.offset.offset_ns - before.offset.offset_ns, before.version != after.version,
	       before.ahead_s, after.ahead_s, asked.ahead_s);
	return true;
}

int main(void)
{
	g_autoptr(GError) error = NULL;
	struct lab_vm *vm;
	bool ok;

	if (!is_emulated()) {
		fprintf(stderr, "lab-date: sets the clock, so only inside an emulated machine\n");
		return 2;
	}
	vm = lab_clock_vm(1, &error);
	/* past the rewrite that KVM does of every new page */
	lab_sleep_until(lab_mono() + 200 * LAB_MS);
	ok = vm != NULL && show(vm, &error);
	if (!ok)
		fprintf(stderr, "lab-date: %s\n", error != NULL ? error->message : "no clock");
	lab_vm_free(vm);
	return ok ? 0 : 3;
}
