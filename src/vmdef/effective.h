/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a definition really does: the defaults of the hypervisor filled in, what is ignored named,
 * for one QEMU release.
 */
#ifndef KVT_VMDEF_EFFECTIVE_H
#define KVT_VMDEF_EFFECTIVE_H

#include "vmdef/model.h"

/* What one part of the definition comes to. */
struct kvt_vm_effect {
	const char *what; /* e.g. "pit.policy"; the names stand in effective.c */
	char *value;      /* one or two words: "reinject", "discard", "none" */
	char *why;        /* one sentence; may be NULL */
};

/**
 * kvt_vm_effects() - the effective behaviour
 * @version: QEMU release as KVT_QEMU(); looked at for QEMU and libvirt alone
 *
 * Return: owned array of struct kvt_vm_effect; freed with the array.
 */
GPtrArray *kvt_vm_effects(const struct kvt_vm *vm, int version);

/** kvt_vm_effect() - an effect's value, or NULL */
const char *kvt_vm_effect(const GPtrArray *effects, const char *what);

#endif
