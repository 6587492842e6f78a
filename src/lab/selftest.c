/* SPDX-License-Identifier: BSD-2-Clause */
/* What this KVM really does: "the ioctl returned 0" is not a result. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kvmtime/tsc.h>

#include "lab/host.h"
#include "lab/lab.h"
#include "sys/error.h"

#define MSR_TSC 0x10u
#define EXITS   50
/* a step that no run of the self-test lasts, and that a clock still shows */
#define TSC_STEP (UINT64_C(1) << 36)

struct lab_vm *lab_clock_vm(unsigned int vcpus, GError **error)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL, .vcpus = vcpus };
	struct lab_vm *vm = lab_vm_new(&options, error);

	if (vm == NULL)
		return NULL;
	lab_mailbox(vm)->job = LAB_JOB_CLOCK;
	for (unsigned int i = 0; i < vm->options.vcpus; i++)
		if (!lab_vcpu_expect(&vm->vcpus[i], LAB_TIMEOUT_NS, LAB_EVENT_SAMPLE, error)) {
			lab_vm_free(vm);
			return NULL;
		}
	return vm;
}

static char *backend_name(void)
{
	static const char *const names[] = { "kvm_intel", "kvm_amd", "kvm_pvm" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_strdup_printf("/sys/module/%s", names[i]);

		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			return g_strdup(names[i]);
	}
	return g_strdup("built in");
}

static char *host_clocksource(void)
{
	char *name = NULL;

	if (!g_file_get_contents("/sys/devices/system/clocksource/clocksource0/current_clocksource",
				 &name, NULL, NULL))
		return g_strdup("unknown");
	return g_strstrip(name);
}

static bool sample(struct lab_vm *vm, GError **error)
{
	return lab_vcpu_expect(&vm->vcpus[0], LAB_TIMEOUT_NS, LAB_EVENT_SAMPLE, error);
}

/* The guest's counter must lie between the host's, moved by the offset that KVM states. */
static bool page_is_readable(struct lab_vm *vm, bool *ret_readable, GError **error)
{
	uint64_t offset, before, after;

	*ret_readable = false;
	if (!lab_tsc_offset(&vm->vcpus[0], &offset, NULL))
		return true;
	before = kvt_tsc_ordered() + offset;
	if (!sample(vm, error))
		return false;
	after = kvt_tsc_ordered() + offset;
	*ret_readable = lab_mailbox(vm)->sample_cycles_before - before <= after - before;
	return true;
}

static bool measure_exits(struct lab_vm *vm, struct lab_machine *machine, GError **error)
{
	int64_t best_ns = INT64_MAX;

	for (int i = 0; i < EXITS; i++) {
		const int64_t start_ns = lab_mono();

		if (!sample(vm, error))
			return false;
		best_ns = MIN(best_ns, lab_mono() - start_ns);
	}
	machine->exit_ns = (double)best_ns;
	return true;
}

/* Counter and clock of one moment: the closest pair of some. */
static void read_pair(uint64_t *ret_cycles, int64_t *ret_ns)
{
	uint64_t closest = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		const uint64_t before = kvt_tsc_ordered();
		const int64_t now_ns = lab_clock(CLOCK_MONOTONIC_RAW);
		const uint64_t width = kvt_tsc_ordered() - before;

		if (width >= closest)
			continue;
		closest = width;
		*ret_cycles = before + width / 2;
		*ret_ns = now_ns;
	}
}

static void measure_khz(struct lab_machine *machine)
{
	uint64_t first = 0, last = 0;
	int64_t first_ns = 0, last_ns = 0;

	read_pair(&first, &first_ns);
	lab_sleep_until(lab_mono() + 20 * LAB_MS);
	read_pair(&last, &last_ns);
	machine->tsc_khz_measured = (double)(last - first) * 1e6 / (double)(last_ns - first_ns);
}

/* By the VMM's two ways; each on the same VM, which is thrown away afterwards. */
static bool try_tsc_writes(struct lab_vm *vm, struct lab_machine *machine, GError **error)
{
	volatile struct lab_mailbox *box = lab_mailbox(vm);
	uint64_t before, value, offset = 0;
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
					.attr = KVM_VCPU_TSC_OFFSET,
					.addr = (uintptr_t)&offset };

	before = box->sample_cycles_after;
	value = before + TSC_STEP;
	if (!lab_vcpu_set_msr(&vm->vcpus[0], MSR_TSC, value, NULL))
		return true;
	if (!sample(vm, error))
		return false;
	machine->tsc_write = box->sample_cycles_before - before >= TSC_STEP;
	before = box->sample_cycles_after;
	if (ioctl(vm->vcpus[0].fd, KVM_GET_DEVICE_ATTR, &attr) != 0)
		return true;
	offset += TSC_STEP;
	if (ioctl(vm->vcpus[0].fd, KVM_SET_DEVICE_ATTR, &attr) != 0)
		return true;
	if (!sample(vm, error))
		return false;
	machine->tsc_offset = box->sample_cycles_before - before >= TSC_STEP;
	return true;
}

static bool clock_part(struct lab_machine *machine, GError **error)
{
	const int64_t start_ns = lab_mono();
	struct lab_vm *vm = lab_clock_vm(1, error);
	bool ok;

	if (vm == NULL)
		return false;
	machine->create_ns = (double)(lab_mono() - start_ns);
	machine->tsc_khz = ioctl(vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	machine->clock_flags =
		(uint32_t)MAX(0, ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ADJUST_CLOCK));
	ok = page_is_readable(vm, &machine->host_page, error) &&
	     measure_exits(vm, machine, error) && try_tsc_writes(vm, machine, error);
	lab_vm_free(vm);
	return ok;
}

static bool speed_part(struct lab_machine *machine, GError **error)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	struct lab_vm *vm = lab_vm_new(&options, error);
	bool ok;

	if (vm == NULL)
		return false;
	lab_mailbox(vm)->job = LAB_JOB_SELFTEST;
	ok = lab_vcpu_expect(&vm->vcpus[0], LAB_TIMEOUT_NS, LAB_EVENT_DONE, error);
	if (ok) {
		const double cycle_ns = 1e6 / machine->tsc_khz_measured;
		volatile struct lab_mailbox *box = lab_mailbox(vm);

		machine->loop_ips = 2.0 * LAB_LOOP * 1e9 / ((double)box->loop_cycles * cycle_ns);
		machine->read_ns = (double)box->read_cycles * cycle_ns / LAB_READS;
		machine->in_service = box->in_service;
	}
	lab_vm_free(vm);
	return ok;
}

bool lab_selftest(struct lab_machine *machine, GError **error)
{
	memset(machine, 0, sizeof(*machine));
	machine->backend = backend_name();
	machine->clocksource = host_clocksource();
	machine->cpus = lab_cpus();
	measure_khz(machine);
	return clock_part(machine, error) && speed_part(machine, error);
}

void lab_machine_clear(struct lab_machine *machine)
{
	g_clear_pointer(&machine->backend, g_free);
	g_clear_pointer(&machine->clocksource, g_free);
}
