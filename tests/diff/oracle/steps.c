/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate.h"

void step_add(GArray *steps, enum oracle_op op, unsigned width, uint32_t address, uint32_t value,
	      uint16_t mask)
{
	const struct oracle_step step = { (uint8_t)op, (uint8_t)width, mask, address, value };

	g_array_append_val(steps, step);
}

void step_out(GArray *steps, uint32_t port, uint32_t value)
{
	step_add(steps, OP_OUT, 1, port, value, 0);
}

void step_in(GArray *steps, uint32_t port, uint16_t mask)
{
	step_add(steps, OP_IN, 1, port, 0, mask);
}

void step_write(GArray *steps, uint32_t address, uint32_t value)
{
	step_add(steps, OP_WRITE, 4, address, value, 0);
}

void step_read(GArray *steps, uint32_t address)
{
	step_add(steps, OP_READ, 4, address, 0, 0xffff);
}

void step_wait(GArray *steps, uint32_t ns)
{
	step_add(steps, OP_WAIT, 0, 0, ns, 0);
}

void step_in16(GArray *steps, uint32_t port, uint16_t mask)
{
	step_add(steps, OP_IN, 2, port, 0, mask);
}

void step_spin(GArray *steps, uint32_t ns)
{
	step_add(steps, OP_SPIN, 0, 0, ns, 0);
}

void step_mask(GArray *steps, uint32_t masked)
{
	step_add(steps, OP_MASK, 0, 0, masked, 0);
}

void step_group(GArray *steps)
{
	step_add(steps, OP_GROUP, 0, 0, 0, 0);
}

static void pci_write(GArray *steps, uint32_t address, unsigned width, uint32_t value)
{
	step_add(steps, OP_OUT, 4, 0xcf8, 0x80000000u | address, 0);
	step_add(steps, OP_OUT, width, 0xcfc, value, 0);
}

void acpi_pm_enable(GArray *steps)
{
	pci_write(steps, 1 << 11 | 3 << 8 | 0x40, 4, 0x601);
	pci_write(steps, 1 << 11 | 3 << 8 | 0x80, 1, 1);
}
