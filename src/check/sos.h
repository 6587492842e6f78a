/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sosreport: copied files as they were on the machine, and the output of commands below
 * sos_commands. The output is put where the readers of a recorded machine look, each with the file
 * that it is from; so they need not know of sosreports. Old and new layouts, cleaned or not.
 */
#ifndef KVT_CHECK_SOS_H
#define KVT_CHECK_SOS_H

#include <stdbool.h>

#include "sys/root.h"

/** kvt_is_sosreport() - told by its folder sos_commands */
bool kvt_is_sosreport(const struct kvt_root *root);

/** kvt_sos_prepare() - make it a recorded machine, below /kvmtime of the root in memory */
void kvt_sos_prepare(struct kvt_root *root);

/**
 * kvt_sos_definitions() - the paths of the VM definitions in it (virsh dumpxml, else
 * /etc/libvirt/qemu), one a domain
 *
 * Return: owned array of owned paths, maybe empty.
 */
GPtrArray *kvt_sos_definitions(const struct kvt_root *root);

#endif
