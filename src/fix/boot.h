/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel boot lines in the files of boot loaders, as text in and text out. */
#ifndef KVT_FIX_BOOT_H
#define KVT_FIX_BOOT_H

#include "fix/words.h"

/*
 * Each editor returns owned text (equal to @text where nothing is to be done), or NULL with
 * KVT_STATUS_BAD_INPUT: no boot line in it, or one that would not read back as wished.
 */

/**
 * kvt_grub_legacy_edit() - grub.conf or menu.lst: the "kernel" line of every entry
 *
 * Lines continued by a backslash are one line. Behind a Xen hypervisor the kernel is the first
 * "module" line. What is no Linux kernel (memtest) is left alone.
 */
char *kvt_grub_legacy_edit(const char *text, const struct kvt_word_op *ops, gsize count,
			   GError **error);

/** kvt_grub_legacy_lines() - the words of every Linux boot line; array of arrays of words */
GPtrArray *kvt_grub_legacy_lines(const char *text);

/**
 * kvt_loader_entry_edit() - an entry of the Boot Loader Specification: its "options" lines
 * @ret_uses_env: out, the options stand in the GRUB environment ($kernelopts); nothing is edited
 */
char *kvt_loader_entry_edit(const char *text, const struct kvt_word_op *ops, gsize count,
			    bool *ret_uses_env, GError **error);

/** kvt_grubenv_edit() - the environment block's kernelopts; the block stays 1024 bytes long */
char *kvt_grubenv_edit(const char *text, const struct kvt_word_op *ops, gsize count,
		       GError **error);

/** kvt_cmdline_file_edit() - /etc/kernel/cmdline: the words and nothing else */
char *kvt_cmdline_file_edit(const char *text, const struct kvt_word_op *ops, gsize count,
			    GError **error);

#endif
