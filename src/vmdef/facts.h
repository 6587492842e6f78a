/* SPDX-License-Identifier: BSD-2-Clause */
/* A definition as facts, and as a target of check and fix. */
#ifndef KVT_VMDEF_FACTS_H
#define KVT_VMDEF_FACTS_H

#include "check/facts.h"
#include "check/target.h"
#include "vmdef/model.h"

/**
 * kvt_vm_facts() - the facts of a definition, for the rules
 * @version: QEMU release that it is judged for, as KVT_QEMU()
 *
 * What the definition does not say and no default settles is unknown.
 *
 * Return: owned.
 */
struct kvt_facts *kvt_vm_facts(const struct kvt_vm *vm, int version);

/** kvt_vm_facts_bare() - the same without places, for verdicts alone; see kvt_facts_new_bare() */
struct kvt_facts *kvt_vm_facts_bare(const struct kvt_vm *vm, int version);

/** kvt_vm_invalid() - the first KVT_NOTE_INVALID notes as one error; false if there are none */
bool kvt_vm_invalid(const struct kvt_vm *vm, GError **error);

/* A definition in any format that is told by content. */
extern const struct kvt_target_kind kvt_target_definition;

#endif
