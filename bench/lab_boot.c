/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_boot vm: from main() to the first clock sample of a guest, and to the end of its VM; two
 * numbers in ms. lab_boot qemu: from the start of QEMU to its guest's first line, ms.
 */
#include <stdio.h>
#include <string.h>

#include "lab/host.h"
#include "lab/lab.h"
#include "lab/qemu.h"

static int fail(const GError *error)
{
	fprintf(stderr, "lab_boot: %s\n", error->message);
	return 3;
}

static int boot_qemu(void)
{
	static const char *const words[] = { "-machine", "pc,accel=kvm", NULL };
	const struct lab_qemu_run run = {
		.words = words, .hz = 100, .quiet_ns = 200 * LAB_MS, .recover_ns = 200 * LAB_MS
	};
	struct lab_qemu_outcome outcome;
	g_autoptr(GError) error = NULL;

	if (!lab_qemu_measure(&run, &outcome, &error))
		return fail(error);
	printf("%.3f\n", outcome.first_line_ns / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	const int64_t start_ns = lab_mono();
	g_autoptr(GError) error = NULL;
	struct lab_vm *vm;
	int64_t sample_ns;

	if (argc > 1 && strcmp(argv[1], "qemu") == 0)
		return boot_qemu();
	vm = lab_clock_vm(1, &error);
	sample_ns = lab_mono();
	if (vm == NULL)
		return fail(error);
	lab_vm_free(vm);
	printf("%.3f %.3f\n", (double)(sample_ns - start_ns) / 1e6,
	       (double)(lab_mono() - start_ns) / 1e6);
	return 0;
}
