/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own PIT and RTC behind KVM's interrupt controllers, driven by a thread of their own. Their
 * time is the host's CLOCK_MONOTONIC: it goes on while a vCPU stands still, as real time does.
 */
#ifndef KVT_LAB_BOARD_H
#define KVT_LAB_BOARD_H

#include <glib.h>

#include <kvmtime/devices/i8254.h>
#include <kvmtime/devices/mc146818.h>

#include "lab/vm.h"

struct lab_board;

/**
 * lab_board_new() - both chips on the VM's ports 0x40-0x43, 0x61, 0x70-0x71, on IRQ 0 and 8
 * @vm:     without KVM's own PIT; outlives the board
 * @policy: of both; the PIT learns by KVM_IRQ_LINE_STATUS, the RTC by the guest's read of C
 *
 * Return: owned, or NULL with @error.
 */
struct lab_board *lab_board_new(struct lab_vm *vm, enum kvt_tick_policy policy, GError **error);

void lab_board_free(struct lab_board *board); /* ends its thread */

/** lab_board_thread() - thread id, for lab_run_delay_ns() */
pid_t lab_board_thread(struct lab_board *board);

/** lab_board_counts() - the policy's totals of one chip */
struct kvt_ticks_counts lab_board_counts(struct lab_board *board, enum lab_device device);

#endif
