/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock section that a guest system should be given, with the reason for each line. */
#ifndef KVT_VMDEF_POLICY_H
#define KVT_VMDEF_POLICY_H

#include "vmdef/model.h"

/* One line of a policy. */
struct kvt_vm_advice {
	enum kvt_vm_field field;
	int64_t number; /* word or yes/no */
	const char *why;
};

/** kvt_vm_policy() - the advice for a family; *@ret_count lines, valid for ever */
const struct kvt_vm_advice *kvt_vm_policy(enum kvt_vm_family family, guint *ret_count);

/** kvt_vm_policy_model() - the same as a definition that says nothing else; owned */
struct kvt_vm *kvt_vm_policy_model(enum kvt_vm_family family);

/* What others write for the same guest; "-" = nothing. */
struct kvt_vm_peer {
	const char *name;
	const char *windows[7]; /* offset, rtc, pit, hpet, kvmclock, Hyper-V clock, stimer */
	const char *other[7];
	const char *source;
};

/** kvt_vm_peers() - the table; ends with name = NULL */
const struct kvt_vm_peer *kvt_vm_peers(void);

/* One operating system of osinfo-db. */
struct kvt_os {
	char *id;       /* URL */
	char *short_id; /* may be NULL */
	char *family;   /* libosinfo's own word; may be NULL */
};

/* The module kvmtime-osinfo.so. */
struct kvt_osinfo_module {
	/* every system of the database, sorted by id; owned array of owned struct kvt_os */
	GPtrArray *(*list)(GError **error);
};

/** kvt_os_family_of() - our family of a system of osinfo-db; never -1 */
enum kvt_vm_family kvt_os_family_of(const struct kvt_os *os);

#endif
