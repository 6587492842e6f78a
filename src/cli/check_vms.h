/* SPDX-License-Identifier: BSD-2-Clause */
/* check --vm and --all: a running guest, its definition and its host as one set of facts. */
#ifndef KVT_CLI_CHECK_VMS_H
#define KVT_CLI_CHECK_VMS_H

#include "cli/vm_options.h"

struct kvt_check_vms {
	struct kvt_vm_options vm;
	gboolean exec, taint;
	char *host; /* a recorded host that stands for this machine, or NULL */
};

/* the entries, for check's GOptionEntry array */
#define KVT_CHECK_VMS_ENTRIES(o)                                                               \
	KVT_VM_ENTRIES(&(o)->vm),                                                              \
		{ "exec",                                                                      \
		  0,                                                                           \
		  0,                                                                           \
		  G_OPTION_ARG_NONE,                                                           \
		  &(o)->exec,                                                                  \
		  "Of a running guest, also run dmesg, chronyc and a list of processes in it", \
		  NULL },                                                                      \
		{ "taint",                                                                     \
		  0,                                                                           \
		  0,                                                                           \
		  G_OPTION_ARG_NONE,                                                           \
		  &(o)->taint,                                                                 \
		  "Read a libvirt guest's files too, which marks the domain as tainted",       \
		  NULL },                                                                      \
	{                                                                                      \
		"host", 0, 0, G_OPTION_ARG_FILENAME, &(o)->host,                               \
			"Judge this record as the guests' host", "TARGET"                      \
	}

/**
 * kvt_check_vms_read() - the sets of facts of the guests that the options name
 * @error: as kvt_guests_find() and kvt_target_read()
 *
 * Return: owned array of struct kvt_facts, in the order of the guests' names, or NULL.
 */
GPtrArray *kvt_check_vms_read(const struct kvt_check_vms *options, GError **error);

/** kvt_check_vms_clear() - frees what the options hold */
void kvt_check_vms_clear(struct kvt_check_vms *options);

#endif
