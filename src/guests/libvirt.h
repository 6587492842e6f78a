/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvirt's guests. The library stands in the module kvmtime-libvirt, which is loaded here.
 * libvirtd serves five calls of a connection at a time and some twenty in all, and an agent that
 * hangs keeps a call busy until its timeout: so more than one connection is used, few calls a
 * connection, and the scheduler caps the calls to agents that hung before.
 */
#ifndef KVT_GUESTS_LIBVIRT_H
#define KVT_GUESTS_LIBVIRT_H

#include "guests/guest.h"

/* what the module gives */
struct kvt_libvirt_module {
	/*
	 * Add the running guests of a connection; each path keeps what it needs of it.
	 * @uri: NULL = libvirt's default. Error: KVT_STATUS_REFUSED.
	 */
	bool (*find)(const char *uri, GPtrArray *guests, GError **error);

	/* a machine's running definition; owned XML, or NULL */
	char *(*xml)(const char *uri, const char *id, GError **error);
};

/** kvt_libvirt_find() - load the module and let it add its running guests */
bool kvt_libvirt_find(const char *uri, GPtrArray *guests, GError **error);

/** kvt_libvirt_xml() - the running definition of the guest with this UUID; owned, or NULL */
char *kvt_libvirt_xml(const char *uri, const char *id, GError **error);

#endif
