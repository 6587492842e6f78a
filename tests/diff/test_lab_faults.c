/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults seeded in the guest end in a clear message, within the watchdog's time. */
#include <string.h>

#include <glib.h>

#include "lab/crew.h"
#include "lab/host.h"
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
	g_test_add_func("/lab-faults/guest-addresses-are-checked",
			test_guest_addresses_are_checked);
	g_test_add_func("/lab-faults/no-kvm-is-refused", test_no_kvm_is_refused);
	return g_test_run();
}
