/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for guests, in a thread: what libvirt, Proxmox and the list of processes show. And
 * judging the host, which takes a moment too.
 */
#ifndef KVT_DAEMON_FIND_H
#define KVT_DAEMON_FIND_H

#include "check/facts.h"
#include "daemon/conf.h"
#include "guests/guest.h"

struct kvt_found {
	GPtrArray *guests;  /* struct kvt_guest, owned; those of [socket NAME] come first */
	bool libvirt_asked; /* and answered, so that a guest that is not there is gone */
	char *libvirt_why;  /* why it did not, or NULL */
};

/** kvt_find() - blocks; @config is read only. Owned. */
struct kvt_found *kvt_find(const struct kvt_daemon_config *config);
void kvt_found_free(struct kvt_found *found); /* NULL is taken */

/** kvt_find_id() - what names a guest for the daemon's life: manager and id; owned */
char *kvt_find_id(const struct kvt_guest *guest);

struct kvt_judged {
	GArray *findings; /* struct kvt_prom_finding, owned */
	struct kvt_facts *facts;
};

/** kvt_find_findings() - this host against the rules; blocks; owned, or NULL with @error */
struct kvt_judged *kvt_find_findings(GError **error);
void kvt_judged_free(struct kvt_judged *judged); /* NULL is taken */

#endif
