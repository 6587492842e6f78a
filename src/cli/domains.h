/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions that libvirt keeps, as targets: libvirt:NAME, and libvirt: for every domain. */
#ifndef KVT_CLI_DOMAINS_H
#define KVT_CLI_DOMAINS_H

#include <stdbool.h>

#include <glib.h>

/* the option --connect, for a verb's GOptionEntry array */
#define KVT_DOMAINS_ENTRY(uri)                                                                   \
	{                                                                                        \
		"connect", 0, 0, G_OPTION_ARG_STRING, uri, "Where libvirt: names are looked up", \
			"URI"                                                                    \
	}

/** kvt_domains_setup() - once, before any of these names is read or fixed
 *  @uri: NULL = libvirt's default; borrowed for ever */
void kvt_domains_setup(const char *uri);

/** kvt_domains_is() - true if a target's name begins with libvirt: */
bool kvt_domains_is(const char *name);

/** kvt_domains_is_all() - true of libvirt: alone */
bool kvt_domains_is_all(const char *name);

/** kvt_domains_all() - libvirt:NAME of every domain, running or not; owned, NULL-terminated */
char **kvt_domains_all(GError **error);

/** kvt_domains_read() - the definition for the next start, without secrets; owned, or NULL */
char *kvt_domains_read(const char *name, gsize *ret_length, GError **error);

#endif
