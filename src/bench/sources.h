/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock sources of one run: which they are, whether changing between them is allowed, and the
 * change itself.
 */
#ifndef KVT_BENCH_SOURCES_H
#define KVT_BENCH_SOURCES_H

#include <stdbool.h>

#include <glib.h>

#include "bench/switch.h"
#include "sys/root.h"

struct kvt_sources {
	char **names; /* NULL-terminated; the first is the one compared with; may repeat (A/A) */
	unsigned n;
	char *original;        /* current when the run began */
	struct kvt_switch *sw; /* NULL: all are the original one, nothing is switched */
};

/**
 * kvt_sources_open() - choose the sources and make ready to change between them
 * @root:             the live machine
 * @list:             names with commas between; NULL = all that the kernel offers if @may_switch,
 *                    else the current one
 * @may_switch:       the user allowed it
 * @with_running_vms: ... on a machine that runs VMs, too
 * @ret_sources:      out
 * @error:            out; KVT_STATUS_USAGE if switching was not allowed, KVT_STATUS_REFUSED if VMs
 *                    run here (naming them), a name is not offered, or as kvt_switch_open()
 */
bool kvt_sources_open(const struct kvt_root *root, const char *list, bool may_switch,
		      bool with_running_vms, struct kvt_sources *ret_sources, GError **error);

/**
 * kvt_sources_select() - make a source the current one
 * @ret_lost: out: the kernel does not offer it any more; true is returned
 * @error:    out; KVT_STATUS_REFUSED
 */
bool kvt_sources_select(struct kvt_sources *sources, unsigned source, bool *ret_lost,
			GError **error);

/** kvt_sources_kept() - true if the source is still the current one: the kernel may demote it */
bool kvt_sources_kept(const struct kvt_sources *sources, unsigned source);

/** kvt_sources_close() - original source back, everything freed; errors as kvt_switch_close() */
bool kvt_sources_close(struct kvt_sources *sources, GError **error);

/** kvt_sources_label() - the name, with " (2nd)" and so on if it was listed before; owned */
char *kvt_sources_label(const struct kvt_sources *sources, unsigned source);

#endif
