/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which family an operating system belongs to, as far as time is concerned: how it counts, what
 * its RTC holds, and whether it knows kvm-clock or the Hyper-V clock.
 */
#ifndef KVT_VMDEF_OS_H
#define KVT_VMDEF_OS_H

#include "vmdef/model.h"

/**
 * kvt_os_family() - the family of an operating system
 * @id: libosinfo id ("http://redhat.com/rhel/5.4"), short id ("rhel5.4", "win10"), Proxmox
 *      ostype ("l26", "w2k8"), nova os_type ("windows"), or a family's own word
 *
 * Only the id's text is looked at: no database is needed.
 *
 * Return: enum kvt_vm_family, or -1 if the text says nothing.
 */
int kvt_os_family(const char *id);

/** kvt_os_family_name() - the family in words for people: "Windows Vista or later" */
const char *kvt_os_family_name(enum kvt_vm_family family);

/** kvt_os_wants_localtime() - true if the family keeps its RTC in local time */
bool kvt_os_wants_localtime(enum kvt_vm_family family);

#endif
