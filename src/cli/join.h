/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of several targets, a guest is put together with its definition and its host: one set of facts,
 * so that findings chain from the host down.
 */
#ifndef KVT_CLI_JOIN_H
#define KVT_CLI_JOIN_H

#include <glib.h>

#include "check/facts.h"

/**
 * kvt_join() - join the guests among the sets with the definitions among them
 * @sets: owned sets of facts; a definition that found its guest is taken out
 *
 * They belong together if their UUIDs are the same, or, where one has none, the VM's name is the
 * guest's host name or its first part, and no other guest or definition has that name. What a
 * definition knows of its host goes along.
 */
void kvt_join(GPtrArray *sets);

/** kvt_join_host() - give every guest in @sets that has no host yet the facts of this one */
void kvt_join_host(GPtrArray *sets, const struct kvt_facts *host);

/** kvt_join_one_host() - the same for one guest, whatever it has been told before */
void kvt_join_one_host(struct kvt_facts *guest, const struct kvt_facts *host);

/** kvt_join_definition() - the definition's facts into the guest's; and of both what follows */
void kvt_join_definition(struct kvt_facts *guest, const struct kvt_facts *definition);

#endif
