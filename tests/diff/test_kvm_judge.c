/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM as the judge: the page that the kernel writes for a small VM, and its own answer. */
#include <string.h>
#include <sys/ioctl.h>

#include <glib.h>

#include <kvmtime/pvclock.h>
#include <kvmtime/scale.h>

#include "lab/vm.h"

#define RUN_NS INT64_C(10000000000)
#define ROUNDS 1000

static struct lab_vm *vm;

/* ADJUST_CLOCK is the set of flags that GET_CLOCK can answer with */
static bool clock_says_when(void)
{
	return ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ADJUST_CLOCK) & KVM_CLOCK_HOST_TSC;
}

static bool have_vm(void)
{
	g_autoptr(GError) error = NULL;
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };

	if (vm != NULL)
		return true;
	vm = lab_vm_new(&options, &error);
	if (vm == NULL) {
		g_test_skip(error->message);
		return false;
	}
	lab_mailbox(vm)->job = LAB_JOB_CLOCK;
	g_assert_true(lab_vcpu_expect(&vm->vcpus[0], RUN_NS, LAB_EVENT_SAMPLE, &error));
	g_assert_no_error(error);
	return true;
}

static void snapshot(struct pvclock_vcpu_time_info *page)
{
	g_assert_cmpint(kvt_pvclock_snapshot(lab_clock_page(vm, 0), page), ==, 0);
}

static void test_scale_equals_the_kernels(void)
{
	struct pvclock_vcpu_time_info page;
	uint32_t mul = 0;
	int8_t shift = 0;
	int khz;

	if (!have_vm())
		return;
	khz = ioctl(vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0) {
		g_test_skip("KVM_GET_TSC_KHZ: this host's TSC is not stable");
		return;
	}
	snapshot(&page);
	g_assert_cmpint(kvt_scale_from_hz((uint64_t)khz * 1000, &mul, &shift), ==, 0);
	g_test_message("%d kHz: the kernel's mul %u shift %d, ours %u and %d", khz,
		       page.tsc_to_system_mul, page.tsc_shift, mul, shift);
	g_assert_cmpuint(mul, ==, page.tsc_to_system_mul);
	g_assert_cmpint(shift, ==, page.tsc_shift);
}

static void test_made_record_equals_the_kernels(void)
{
	struct pvclock_vcpu_time_info page, made;
	int khz;

	if (!have_vm())
		return;
	khz = ioctl(vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0) {
		g_test_skip("KVM_GET_TSC_KHZ: this host's TSC is not stable");
		return;
	}
	snapshot(&page);
	g_assert_cmpint(kvt_pvclock_init((uint64_t)khz * 1000, page.tsc_timestamp, page.system_time,
					 page.flags, &made),
			==, 0);
	made.version = page.version;
	g_assert_true(memcmp(&made, &page, sizeof(page)) == 0);
}

/*
 * The guest's TSC at a host TSC reading: KVM's own offset. Where the attribute is missing, or the
 * counter is scaled, this machine cannot be judged this way.
 */
static bool guest_offset(uint64_t *ret_offset_cycles)
{
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
					.attr = KVM_VCPU_TSC_OFFSET,
					.addr = (uintptr_t)ret_offset_cycles };
	const int guest_khz = ioctl(vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	const int host_khz = ioctl(vm->fd, KVM_GET_TSC_KHZ, 0);

	if (host_khz > 0 && guest_khz != host_khz) {
		g_test_skip("the guest's TSC is scaled");
		return false;
	}
	if (ioctl(vm->vcpus[0].fd, KVM_GET_DEVICE_ATTR, &attr) == 0)
		return true;
	g_test_skip("KVM_VCPU_TSC_OFFSET is not offered here");
	return false;
}

static void test_reader_equals_get_clock(void)
{
	uint64_t offset = 0;
	int compared = 0;

	if (!have_vm() || !guest_offset(&offset))
		return;
	if (!clock_says_when()) {
		g_test_skip("KVM_GET_CLOCK tells no host TSC (Linux before 5.16)");
		return;
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct pvclock_vcpu_time_info page;
		struct kvm_clock_data clock = { 0 };
		g_autoptr(GError) error = NULL;
		uint64_t ns = 0;

		/* a new entry now and then, so that a record that KVM rewrote is judged too */
		if (i % 10 == 0)
			g_assert_true(
				lab_vcpu_expect(&vm->vcpus[0], RUN_NS, LAB_EVENT_SAMPLE, &error));
		g_assert_true(lab_vm_ioctl(vm, KVM_GET_CLOCK, &clock, "KVM_GET_CLOCK", &error));
		if (!(clock.flags & KVM_CLOCK_HOST_TSC)) {
			g_test_skip("no master clock: this host's clock source is not the TSC");
			return;
		}
		snapshot(&page);
		g_assert_cmpint(kvt_pvclock_ns(&page, clock.host_tsc + offset, &ns), ==, 0);
		g_assert_cmpuint(ns, ==, clock.clock);
		compared++;
	}
	g_test_message("%d of %d equal to the nanosecond", compared, ROUNDS);
	g_assert_cmpint(compared, ==, ROUNDS);
}

/* What the guest read by our reader lies where its own two counter readings say. */
static void test_guests_reading_lies_between(void)
{
	g_autoptr(GError) error = NULL;

	if (!have_vm())
		return;
	for (int i = 0; i < 100; i++) {
		volatile struct lab_mailbox *box = lab_mailbox(vm);
		struct pvclock_vcpu_time_info page;
		uint64_t low = 0, high = 0;

		g_assert_true(lab_vcpu_expect(&vm->vcpus[0], RUN_NS, LAB_EVENT_SAMPLE, &error));
		g_assert_cmpint(box->clock_error, ==, 0);
		snapshot(&page);
		if (page.tsc_timestamp > box->sample_cycles_before)
			continue; /* rewritten after the reading */
		g_assert_cmpint(kvt_pvclock_ns(&page, box->sample_cycles_before, &low), ==, 0);
		g_assert_cmpint(kvt_pvclock_ns(&page, box->sample_cycles_after, &high), ==, 0);
		g_assert_cmpuint(box->sample_ns, >=, low);
		g_assert_cmpuint(box->sample_ns, <=, high);
	}
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kvm-judge/scale-equals-the-kernels", test_scale_equals_the_kernels);
	g_test_add_func("/kvm-judge/made-record-equals-the-kernels",
			test_made_record_equals_the_kernels);
	g_test_add_func("/kvm-judge/reader-equals-KVM_GET_CLOCK-1000-of-1000",
			test_reader_equals_get_clock);
	g_test_add_func("/kvm-judge/guests-reading-lies-between-its-counter-readings",
			test_guests_reading_lies_between);
	status = g_test_run();
	lab_vm_free(vm);
	return status;
}
