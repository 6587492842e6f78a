/* SPDX-License-Identifier: BSD-2-Clause */
/* The multiboot guest under the installed QEMU, stopped once, its ticks held against kvm-clock. */
#ifndef KVT_LAB_QEMU_H
#define KVT_LAB_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct lab_qemu_run {
	const char *program; /* NULL = qemu-system-x86_64 */
	const char *const
		*words; /* what is tried: machine, clock and timer options; NULL-terminated */
	bool ioapic;    /* the guest routes its interrupts through the IOAPIC, else the PIC */
	bool busy;
	unsigned int hz;
	int64_t quiet_ns;
	int64_t stop_ns; /* SIGSTOP of the whole QEMU; 0 = none */
	int64_t recover_ns;
};

struct lab_qemu_ticks {
	double hz;
	double control; /* behind before the stop, ticks; negative = too many */
	double lost;    /* behind at the end, less the control's */
};

struct lab_qemu_outcome {
	struct lab_qemu_ticks pit;
	struct lab_qemu_ticks rtc;
	double stopped_ns;
	double first_line_ns; /* from the start of the program to the guest's first line */
	double waited_ns;     /* QEMU's vCPU thread wanted a CPU and had none */
};

/**
 * lab_qemu_measure() - start QEMU, stop and continue it, read its guest's lines
 * @error: out; KVT_STATUS_REFUSED: no QEMU, it refuses the options, no kvm-clock, no answer
 */
bool lab_qemu_measure(const struct lab_qemu_run *run, struct lab_qemu_outcome *ret_outcome,
		      GError **error);

#endif
