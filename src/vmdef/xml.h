/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of a libvirt document that speaks of time, as a tree. The parser reads every byte and
 * refuses what is not well formed; elements that no reader asks for are not kept.
 */
#ifndef KVT_VMDEF_XML_H
#define KVT_VMDEF_XML_H

#include <glib.h>
#include <libxml/tree.h>

/* A definition is a few kilobytes; a longer file is not one. */
#define KVT_XML_LIMIT (4u * 1024u * 1024u)

/**
 * kvt_xml_parse() - read a document
 * @xml, @length: any bytes; a document type, an external entity or a depth over 256 is an error
 * @file:         for messages
 * @error:        out; KVT_STATUS_BAD_INPUT with file, line and reason
 *
 * Of <domain> the children <clock>, <name>, <uuid>, <vcpu>, <features>, <cpu>, <metadata>, <os>,
 * <commandline> and <devices> are kept, of <devices> each <channel>; around <domain> nothing.
 * Comments are dropped.
 * Context: keeps one parser a thread; any thread.
 *
 * Return: freed with xmlFreeDoc(), or NULL.
 */
xmlDoc *kvt_xml_parse(const char *xml, gsize length, const char *file, GError **error);

#endif
