/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of a libvirt XML that leave every byte alone that they need not touch. */
#ifndef KVT_VMDEF_MEND_H
#define KVT_VMDEF_MEND_H

#include <stdbool.h>

#include "vmdef/model.h"

/**
 * kvt_libvirt_mend() - say one field in a domain's XML
 * @xml:   text that kvt_libvirt_read() takes; UTF-8
 * @field: clock.offset (utc or localtime), timer.*.policy|present|track|mode, hv.*, agent = yes
 * @word:  the new value
 * @error: out; KVT_STATUS_BAD_INPUT: the field cannot be mended in XML, or what came out does not
 *         say it
 *
 * An attribute is changed in its place; a missing element is put after its last sibling, with
 * that one's indentation, quotes and line ends. Comments, order and namespaces stay.
 *
 * Return: owned text, or NULL.
 */
char *kvt_libvirt_mend(const char *xml, const char *field, const char *word, GError **error);

#endif
