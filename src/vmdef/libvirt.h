/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvirt's domain XML: reading, writing a clock section, and what libvirt's QEMU driver takes.
 * Source: libvirt docs/formatdomain.rst; answers of libvirtd 9.0 to generated definitions.
 */
#ifndef KVT_VMDEF_LIBVIRT_H
#define KVT_VMDEF_LIBVIRT_H

#include "vmdef/model.h"

/**
 * kvt_libvirt_read() - read a domain's XML
 * @xml, @length: any bytes; a document type, an external entity or a depth over 256 is an error
 * @file:         for messages; copied
 * @error:        out; KVT_STATUS_BAD_INPUT with file, line and reason
 *
 * Values that libvirt's own parser refuses leave a KVT_NOTE_INVALID note, and the field unsaid.
 * <qemu:commandline> is read as QEMU arguments. A <clock> element alone is taken too.
 * Context: keeps one parser a thread; any thread.
 *
 * Return: owned, or NULL.
 */
struct kvt_vm *kvt_libvirt_read(const char *xml, gsize length, const char *file, GError **error);

/* What a host can do about the guest's TSC. */
struct kvt_vm_host {
	int64_t tsc_hz; /* 0 = unknown: nothing is refused for it */
	bool tsc_scaling;
};

/**
 * kvt_libvirt_judge() - add what libvirt's QEMU driver refuses and what it ignores, as notes
 *
 * Does nothing for a domain that is not QEMU's.
 */
void kvt_libvirt_judge(struct kvt_vm *vm);

/** kvt_libvirt_judge_host() - add what it refuses on one host */
void kvt_libvirt_judge_host(struct kvt_vm *vm, const struct kvt_vm_host *host);

/**
 * kvt_libvirt_hyperv_name() - the element of <hyperv> whose state says this field
 *
 * Return: valid for ever; NULL: no element, or one that says more than a state (spinlocks).
 */
const char *kvt_libvirt_hyperv_name(enum kvt_vm_field field);

/**
 * kvt_libvirt_write_clock() - the <clock> element for a model
 * @indent: spaces before <clock>; two more a level
 *
 * Return: owned text, each line ended.
 */
char *kvt_libvirt_write_clock(const struct kvt_vm *vm, int indent);

/**
 * kvt_libvirt_write() - a domain with all that the model says about time
 *
 * It is a skeleton: no disks, no network. What XML cannot say becomes KVT_NOTE_LOST notes of @vm.
 *
 * Return: owned text.
 */
char *kvt_libvirt_write(struct kvt_vm *vm);

#endif
