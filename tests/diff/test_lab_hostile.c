/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our devices under a guest that does anything: random port accesses from a real vCPU while the
 * device thread runs. Nothing may crash, hang or read outside (run it under the sanitizers).
 * KVT_HOSTILE_SECONDS says how long; 3 without it.
 */
#include <stdlib.h>

#include <glib.h>

#include "lab/board.h"
#include "lab/crew.h"
#include "lab/host.h"

#define ACCESSES 4000

static const uint16_t ports[] = { 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71 };

static uint64_t random_access(void)
{
	const uint16_t port = ports[g_test_rand_int_range(0, G_N_ELEMENTS(ports))];
	const bool write = g_test_rand_int_range(0, 4) > 0;
	/* bytes mostly; wider ones reach the neighbour's port too */
	const int size = g_test_rand_int_range(0, 8) > 0 ? 1 : g_test_rand_int_range(0, 2) ? 2 : 4;
	uint32_t value = (uint32_t)g_test_rand_int();

	/* small values and the registers with a meaning are what a chip's states are made of */
	if (g_test_rand_int_range(0, 2) > 0)
		value = (uint32_t)g_test_rand_int_range(0, 16);
	return LAB_ACCESS(port, write, size, value);
}

static bool one_guest(struct lab_vm *vm, uint64_t *ret_interrupts)
{
	const enum kvt_tick_policy policy =
		(enum kvt_tick_policy)g_test_rand_int_range(0, KVT_TICK_POLICIES);
	uint64_t *list = lab_memory(vm, LAB_LOG_GPA, ACCESSES * 8);
	volatile struct lab_mailbox *box = lab_mailbox(vm);
	g_autoptr(GError) error = NULL;
	struct lab_board *board = lab_board_new(vm, policy, &error);
	struct lab_crew *crew;
	bool ok;

	g_assert_no_error(error);
	for (int i = 0; i < ACCESSES; i++)
		list[i] = random_access();
	box->job = LAB_JOB_PORTS;
	box->rounds = ACCESSES;
	crew = lab_crew_start(&vm->vcpus[0], -1, true, &error);
	g_assert_no_error(error);
	/* a flood of interrupts may leave the guest no time: it is then ended */
	ok = lab_crew_finish(crew, 3 * LAB_S, NULL, &error);
	g_assert_no_error(error);
	*ret_interrupts += box->ticks[LAB_DEVICE_PIT] + box->ticks[LAB_DEVICE_RTC];
	lab_board_free(board);
	return ok;
}

static void test_random_ports(void)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	const char *wanted = g_getenv("KVT_HOSTILE_SECONDS");
	const int64_t until_ns = lab_mono() + (wanted != NULL ? atoi(wanted) : 3) * LAB_S;
	uint64_t interrupts = 0, guests = 0;

	do {
		g_autoptr(GError) error = NULL;
		struct lab_vm *vm = lab_vm_new(&options, &error);

		if (vm == NULL) {
			g_test_skip(error->message);
			return;
		}
		g_assert_true(one_guest(vm, &interrupts));
		lab_vm_free(vm);
		guests++;
	} while (lab_mono() < until_ns);
	g_test_message("%" G_GUINT64_FORMAT " guests, %" G_GUINT64_FORMAT
		       " accesses at most, %" G_GUINT64_FORMAT " interrupts taken",
		       guests, guests * ACCESSES, interrupts);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lab-hostile/random-port-accesses-do-no-harm", test_random_ports);
	return g_test_run();
}
