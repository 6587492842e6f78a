/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions of any format: told apart by content, read, written, converted. */
#ifndef KVT_VMDEF_LOAD_H
#define KVT_VMDEF_LOAD_H

#include "vmdef/model.h"
#include "vmdef/qemu.h"

/* More than any definition needs. */
#define KVT_VM_LIMIT (4u * 1024u * 1024u)

/**
 * kvt_vm_detect() - the format of some bytes
 *
 * Return: enum kvt_vm_format, or -1 if they are no definition.
 */
int kvt_vm_detect(const char *text, gsize length);

/**
 * kvt_vm_is_definition() - true if a file that stands in a folder with others is a definition
 *
 * Stricter than kvt_vm_detect(): an XML document of another kind (a network, a pool), a container,
 * or a file that only shares some words with a definition is none.
 */
bool kvt_vm_is_definition(const char *text, gsize length);

/** kvt_vm_file_is_definition() - the same of a file; true if it cannot be read, to be told */
bool kvt_vm_file_is_definition(const char *path);

/**
 * kvt_vm_parse() - read a definition
 * @format: enum kvt_vm_format, or -1 to tell by content
 * @file:   for messages
 * @error:  out; KVT_STATUS_BAD_INPUT: no definition, or broken; KVT_STATUS_REFUSED: a module that
 *          the format needs is not installed
 *
 * What is refused or ignored is noted in the model.
 *
 * Return: owned, or NULL.
 */
struct kvt_vm *kvt_vm_parse(int format, const char *text, gsize length, const char *file,
			    GError **error);

/**
 * kvt_vm_read_file() - read a file whole, at most KVT_VM_LIMIT; "-" is standard input
 *
 * Return: owned bytes with a NUL after them, or NULL.
 */
char *kvt_vm_read_file(const char *path, gsize *ret_length, GError **error);

/** kvt_vm_load() - kvt_vm_read_file() and kvt_vm_parse() */
struct kvt_vm *kvt_vm_load(int format, const char *path, GError **error);

/**
 * kvt_vm_write() - a definition in a format
 * @target: for QEMU; its version also matters to others
 * @ret_lost: out: what the format cannot say, as KVT_NOTE_LOST notes; owned array
 * @error:  out; KVT_STATUS_USAGE: the format is read only
 *
 * The text is read back and compared, so that nothing is dropped silently.
 *
 * Return: owned text, or NULL.
 */
char *kvt_vm_write(const struct kvt_vm *vm, enum kvt_vm_format format,
		   const struct kvt_qemu_target *target, GPtrArray **ret_lost, GError **error);

#endif
