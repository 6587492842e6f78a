/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Definitions that libvirt keeps: a change of one is redefined through libvirt and journalled like
 * a file's, with the old XML. In plans and in the journal their path is libvirt:NAME.
 */
#ifndef KVT_FIX_DOMAIN_H
#define KVT_FIX_DOMAIN_H

#include <stdbool.h>

#include <glib.h>

#include "fix/journal.h"

#define KVT_DOMAIN_PREFIX "libvirt:"

/* What reaches libvirt; the layer that knows the module gives it. */
struct kvt_domain_ops {
	/* The definition for the next start, secrets included; *@ret_uri: whose it is. Owned. */
	char *(*read)(const char *uri, const char *name, char **ret_uri, GError **error);
	bool (*define)(const char *uri, const char *xml, GError **error);
};

/** kvt_domain_use() - say how libvirt is reached; once, before a plan or a journal is opened
 *  @uri: NULL = libvirt's default; borrowed for ever */
void kvt_domain_use(const struct kvt_domain_ops *ops, const char *uri);

/** kvt_domain_is() - true if a path names a domain instead of a file */
bool kvt_domain_is(const char *path);

/** kvt_domain_read() - its definition; owned; NULL with KVT_STATUS_REFUSED */
char *kvt_domain_read(const char *path, GError **error);

/* ---- for transaction.c: @folder is the transaction's ---- */

/** kvt_domain_record() - keep the old XML; refused if it is not the plan's "before" any more */
bool kvt_domain_record(int folder, unsigned k, const struct kvt_change *change, GKeyFile *manifest,
		       GError **error);

/** kvt_domain_forward() - define the new XML */
bool kvt_domain_forward(const struct kvt_change *change, GError **error);

/** kvt_domain_settle() - keep what libvirt made of the new XML, to know a later edit by it */
bool kvt_domain_settle(int folder, unsigned k, const struct kvt_change *change, GError **error);

/** kvt_domain_check() - KVT_STATUS_BAD_INPUT if somebody else has changed it since */
bool kvt_domain_check(int folder, GKeyFile *manifest, const char *group, GError **error);

/** kvt_domain_back() - define the old XML, unless it is so already */
bool kvt_domain_back(int folder, GKeyFile *manifest, const char *group, GError **error);

#endif
