/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults seeded in the guest end in a clear message, within the watchdog's time. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "lab/bare.h"
#include "lab/crew.h"
#include "lab/host.h"
#include "lab/lab.h"
#include "lab/vm.h"
#include "sys/error.h"

#define WATCHDOG_NS (300 * LAB_MS)

static struct lab_vm *vm_for(enum lab_job job)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	g_autoptr(GError) error = NULL;
	struct lab_vm *vm = lab_vm_new(&options, &error);

	if (vm == NULL)
		g_test_skip(error->message);
	else
		lab_mailbox(vm)->job = job;
	return vm;
}

static void expect_message(enum lab_job job, const char *word, const char *other)
{
	struct lab_vm *vm = vm_for(job);
	g_autoptr(GError) error = NULL;
	enum lab_stop stop;
	int64_t start_ns;

	if (vm == NULL)
		return;
	start_ns = lab_mono();
	g_assert_false(lab_vcpu_run(&vm->vcpus[0], WATCHDOG_NS, &stop, NULL, &error));
	g_test_message("%s", error->message);
	g_assert_cmpint(error->code, ==, KVT_STATUS_REFUSED);
	g_assert_true(strstr(error->message, word) != NULL ||
		      (other != NULL && strstr(error->message, other) != NULL));
	g_assert_nonnull(strstr(error->message, "rip 0x"));
	/* a deadline of behaviour, with more than ten times the watchdog's time */
	g_assert_cmpint(lab_mono() - start_ns, <, 20 * WATCHDOG_NS);
	lab_vm_free(vm);
}

static void test_wild_jump(void)
{
	/* the ones read from where nothing is are no instruction; some KVMs give up themselves */
	expect_message(LAB_JOB_WILD, "exception", "cannot emulate");
}

static void test_triple_fault(void)
{
	expect_message(LAB_JOB_TRIPLE, "triple fault", NULL);
}

static void test_endless_loop(void)
{
	expect_message(LAB_JOB_ENDLESS, "said nothing within 0.3 s", NULL);
}

static void test_endless_loop_on_a_thread(void)
{
	struct lab_vm *vm = vm_for(LAB_JOB_ENDLESS);
	struct lab_crew *crew;
	GArray *intervals = NULL;
	g_autoptr(GError) error = NULL;

	if (vm == NULL)
		return;
	crew = lab_crew_start(&vm->vcpus[0], -1, false, &error);
	g_assert_no_error(error);
	lab_crew_hold(crew);
	lab_crew_release(crew);
	g_assert_true(lab_crew_finish(crew, 0, &intervals, &error));
	g_assert_no_error(error);
	g_array_unref(intervals);
	lab_vm_free(vm);
}

static void test_an_instruction_that_kvm_cannot_emulate_is_told_with_its_bytes(void)
{
	struct lab_vm *vm = vm_for(LAB_JOB_POPCNT);
	g_autoptr(GError) error = NULL;

	if (vm == NULL)
		return;
	if (lab_vcpu_expect(&vm->vcpus[0], LAB_TIMEOUT_NS, LAB_EVENT_DONE, &error))
		g_test_skip("this KVM runs it, as hardware does");
	else {
		g_test_message("%s", error->message);
		g_assert_nonnull(
			strstr(error->message, "cannot emulate the instruction f3 0f b8 c0"));
		g_assert_nonnull(strstr(error->message, "rip 0x"));
	}
	lab_vm_free(vm);
}

/* The exits that this machine's KVM may never give, as the kernel's header lays them out. */
static char *told(const struct kvm_run *run)
{
	struct kvm_run copy = *run;
	struct lab_vcpu vcpu = { .index = 3, .fd = -1, .run = &copy };
	g_autoptr(GError) error = NULL;

	lab_exit_fault(&vcpu, &error);
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
	g_assert_true(g_str_has_prefix(error->message, "vCPU 3: "));
	return g_strdup(error->message);
}

static void expect_told(const struct kvm_run *run, const char *words)
{
	g_autofree char *message = told(run);

	if (strstr(message, words) == NULL)
		g_error("\"%s\" does not say \"%s\"", message, words);
}

static void test_internal_errors_are_told_with_what_kvm_says(void)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_INTERNAL_ERROR };

	run.emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	expect_told(&run, "cannot emulate the instruction (it did not say which)");
	run.emulation_failure.ndata = 3;
	run.emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run.emulation_failure.insn_size = 3;
	memcpy(run.emulation_failure.insn_bytes, "\x0f\x01\xc1", 3);
	expect_told(&run, "cannot emulate the instruction 0f 01 c1 (rip");
	/* a size that the array does not have */
	run.emulation_failure.insn_size = 255;
	expect_told(&run, "cannot emulate the instruction 0f 01 c1 00");
	run = (struct kvm_run){ .exit_reason = KVM_EXIT_INTERNAL_ERROR };
	run.internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
	run.internal.ndata = 2;
	run.internal.data[0] = 0x80000b0e;
	run.internal.data[1] = 0x31;
	expect_told(&run, "KVM internal error 3, data 80000b0e 31 (rip");
	run.internal.ndata = UINT32_MAX;
	expect_told(&run, "KVM internal error 3, data 80000b0e 31 0");
}

static void test_other_ends_are_told(void)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_FAIL_ENTRY };

	run.fail_entry.hardware_entry_failure_reason = 0x80000021;
	expect_told(&run, "refused the guest's state, reason 0x80000021");
	run = (struct kvm_run){ .exit_reason = KVM_EXIT_SHUTDOWN };
	expect_told(&run, "triple fault");
	run = (struct kvm_run){ .exit_reason = 4711 };
	expect_told(&run, "unexpected exit 4711");
}

static int busy(int kvm_fd)
{
	(void)kvm_fd;
	errno = EBUSY;
	return -1;
}

static void test_a_processor_that_another_hypervisor_holds_is_refused(void)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	const struct lab_calls before = lab_calls;
	g_autoptr(GError) no_kvm = NULL;
	g_autoptr(GError) error = NULL;
	struct lab_machine machine;
	const int kvm = lab_kvm_open(NULL, &no_kvm);

	if (kvm < 0) {
		g_test_skip(no_kvm->message);
		return;
	}
	close(kvm);
	lab_calls.create_vm = busy;
	g_assert_null(lab_vm_new(&options, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
	g_assert_nonnull(strstr(error->message, "KVM_CREATE_VM: "));
	g_assert_nonnull(strstr(error->message, "another hypervisor"));
	g_clear_error(&error);
	/* what the verb asks first; it ends with the error's code as its exit status */
	g_assert_false(lab_selftest(&machine, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
	lab_machine_clear(&machine);
	lab_calls = before;
}

/* ---- each kind of interrupt controller ---- */

static void test_a_guest_without_any_irqchip_has_its_clock_and_its_ticks(const void *busy_guest)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_NONE };
	g_autoptr(GError) error = NULL;
	struct lab_vm *vm = lab_vm_new(&options, &error);
	struct lab_bare_counts counts;
	volatile struct lab_mailbox *box;

	if (vm == NULL) {
		g_test_skip(error->message);
		return;
	}
	box = lab_mailbox(vm);
	box->job = LAB_JOB_TICKS;
	box->device = LAB_DEVICE_PIT;
	box->reload = 11932; /* 100 Hz */
	box->busy = busy_guest != NULL;
	g_assert_true(lab_bare_run(vm, LAB_S, &counts, &error));
	g_assert_no_error(error);
	g_test_message("%u ticks, %u injected, %u halts, %u waits for the guest",
		       box->ticks[LAB_DEVICE_PIT], counts.injected, counts.halts, counts.windows);
	/* each that was injected is taken, but for the last when the guest was told to stop */
	g_assert_cmpuint(box->ticks[LAB_DEVICE_PIT], <=, counts.injected);
	g_assert_cmpuint(box->ticks[LAB_DEVICE_PIT] + 1, >=, counts.injected);
	g_assert_cmpuint(box->ticks[LAB_DEVICE_PIT], >=, 20);
	g_assert_cmpuint(box->spurious, ==, 0);
	g_assert_cmpint(box->clock_error, ==, 0);
	g_assert_cmpuint(box->sample_ns, >, 0);
	if (busy_guest == NULL)
		g_assert_cmpuint(counts.halts, >=, 1);
	lab_vm_free(vm);
}

static void test_a_split_irqchip_has_its_local_apic_timer(void)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_SPLIT };
	g_autoptr(GError) error = NULL;
	struct lab_vm *vm = lab_vm_new(&options, &error);
	volatile struct lab_mailbox *box;
	struct lab_crew *crew;
	int64_t until_ns;

	if (vm == NULL) {
		g_test_skip(error->message);
		return;
	}
	box = lab_mailbox(vm);
	box->job = LAB_JOB_TICKS;
	box->device = LAB_DEVICE_LAPIC_PERIODIC;
	box->reload = 10000000; /* 10 ms of the 1 GHz bus */
	crew = lab_crew_start(&vm->vcpus[0], -1, true, &error);
	g_assert_no_error(error);
	until_ns = lab_mono() + 20 * LAB_S;
	while (box->ticks[LAB_DEVICE_LAPIC_PERIODIC] < 20 && lab_mono() < until_ns)
		lab_sleep_until(lab_mono() + 10 * LAB_MS);
	box->stop = 1;
	g_assert_true(lab_crew_finish(crew, LAB_TIMEOUT_NS, NULL, &error));
	g_assert_no_error(error);
	g_test_message("%u ticks", box->ticks[LAB_DEVICE_LAPIC_PERIODIC]);
	g_assert_cmpuint(box->ticks[LAB_DEVICE_LAPIC_PERIODIC], >=, 20);
	g_assert_cmpint(box->clock_error, ==, 0);
	lab_vm_free(vm);
}

static void test_guest_addresses_are_checked(void)
{
	struct lab_vm *vm = vm_for(LAB_JOB_CLOCK);

	if (vm == NULL)
		return;
	g_assert_nonnull(lab_memory(vm, 0, LAB_MEMORY_SIZE));
	g_assert_nonnull(lab_memory(vm, LAB_MEMORY_SIZE, 0));
	g_assert_null(lab_memory(vm, 0, LAB_MEMORY_SIZE + 1));
	g_assert_null(lab_memory(vm, LAB_MEMORY_SIZE - 7, 8));
	g_assert_null(lab_memory(vm, UINT64_MAX, 8));
	g_assert_null(lab_memory(vm, 8, SIZE_MAX));
	lab_vm_free(vm);
}

static void test_no_kvm_is_refused(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(lab_kvm_open("/nonexistent/kvm", &error), ==, -1);
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
	g_clear_error(&error);
	g_assert_cmpint(lab_kvm_open("/dev/null", &error), ==, -1);
	g_assert_error(error, KVT_ERROR, KVT_STATUS_REFUSED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lab-faults/a-wild-jump-is-told", test_wild_jump);
	g_test_add_func("/lab-faults/a-triple-fault-is-told", test_triple_fault);
	g_test_add_func("/lab-faults/an-endless-loop-is-told-by-the-watchdog", test_endless_loop);
	g_test_add_func("/lab-faults/an-endless-loop-on-a-thread-can-be-ended",
			test_endless_loop_on_a_thread);
	g_test_add_func("/lab-faults/an-instruction-that-kvm-cannot-emulate-is-told-with-its-bytes",
			test_an_instruction_that_kvm_cannot_emulate_is_told_with_its_bytes);
	g_test_add_func("/lab-faults/internal-errors-are-told-with-what-kvm-says",
			test_internal_errors_are_told_with_what_kvm_says);
	g_test_add_func("/lab-faults/other-ends-are-told", test_other_ends_are_told);
	g_test_add_func("/lab-faults/a-processor-that-another-hypervisor-holds-is-refused",
			test_a_processor_that_another_hypervisor_holds_is_refused);
	g_test_add_data_func("/lab-irqchip/none-with-a-guest-that-halts", NULL,
			     test_a_guest_without_any_irqchip_has_its_clock_and_its_ticks);
	g_test_add_data_func("/lab-irqchip/none-with-a-guest-that-computes", "busy",
			     test_a_guest_without_any_irqchip_has_its_clock_and_its_ticks);
	g_test_add_func("/lab-irqchip/split-has-its-local-apic-timer",
			test_a_split_irqchip_has_its_local_apic_timer);
	g_test_add_func("/lab-faults/guest-addresses-are-checked",
			test_guest_addresses_are_checked);
	g_test_add_func("/lab-faults/no-kvm-is-refused", test_no_kvm_is_refused);
	return g_test_run();
}
