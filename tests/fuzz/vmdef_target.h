/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The targets of the readers of definitions have this in common: what the reader of FORMAT makes
 * of the input is judged, and written in every format that can be written, which reads it back.
 */
#ifndef KVT_VMDEF_TARGET_H
#define KVT_VMDEF_TARGET_H

#include "input.h"
#include "vmdef/effective.h"
#include "vmdef/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct kvt_qemu_target target = { KVT_QEMU(7, 2), 1000000000, 3600 };
	struct kvt_vm *vm;

	vm = kvt_vm_parse(FORMAT, (const char *)data, size, "input", NULL);
	if (vm == NULL)
		return 0;
	g_ptr_array_unref(kvt_vm_effects(vm, KVT_QEMU(1, 0)));
	for (int format = 0; format < KVT_FORMAT_COUNT; format++) {
		GPtrArray *lost = NULL;
		char *text = kvt_vm_write(vm, (enum kvt_vm_format)format, &target, &lost, NULL);

		if (text != NULL)
			g_ptr_array_unref(lost);
		g_free(text);
	}
	kvt_vm_free(vm);
	return 0;
}

#endif
