/* SPDX-License-Identifier: BSD-2-Clause */
/* Random programs of accesses to one device: edge values mixed in, each program from a known state.
 */
#ifndef KVT_ORACLE_GENERATE_H
#define KVT_ORACLE_GENERATE_H

#include <stdbool.h>

#include <glib.h>

#include "program.h"

/*
 * What is left out on purpose is in the table of differences (doc/device-differences.md), where
 * a program of its own shows each: these programs stay where chip and peer are to agree.
 */
void generate_i8254(GArray *steps, GRand *rand, unsigned count, bool interrupts);
/* KVM's takes no period below 200 us on channel 0; with interrupts 2 ms, for a busy machine */
void generate_kvm_i8254(GArray *steps, GRand *rand, unsigned count, bool interrupts);
void generate_mc146818(GArray *steps, GRand *rand, unsigned count, bool interrupts);
void generate_hpet(GArray *steps, GRand *rand, unsigned count, bool interrupts);
void generate_acpi_pm(GArray *steps, GRand *rand, unsigned count, bool interrupts);
void generate_lapic_timer(GArray *steps, GRand *rand, unsigned count, bool interrupts);

/* One step; @mask: the bits of the answer that count, 0xffff = all. Its common kinds follow. */
void step_add(GArray *steps, enum oracle_op op, unsigned width, uint32_t address, uint32_t value,
	      uint16_t mask);
void step_out(GArray *steps, uint32_t port, uint32_t value);
void step_in(GArray *steps, uint32_t port, uint16_t mask);
void step_write(GArray *steps, uint32_t address, uint32_t value);
void step_read(GArray *steps, uint32_t address);
void step_in16(GArray *steps, uint32_t port, uint16_t mask);
void step_wait(GArray *steps, uint32_t ns);
void step_spin(GArray *steps, uint32_t ns); /* the same without the APIC timer */
void step_group(GArray *steps);             /* what comes next may be left out */
void step_mask(GArray *steps, uint32_t masked);
void acpi_pm_enable(GArray *steps); /* the PIIX4's PM block at 0x600 */

#endif
