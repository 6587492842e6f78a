/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smaller formats: one reader and, where it can be written, one writer each. Every reader
 * takes any bytes; values that its format does not know leave KVT_NOTE_INVALID notes; what cannot
 * be read at all is KVT_STATUS_BAD_INPUT with file, line and reason.
 */
#ifndef KVT_VMDEF_FORMATS_H
#define KVT_VMDEF_FORMATS_H

#include "vmdef/model.h"

/* Xen's xl.cfg and xm. Source: xl.cfg(5), xen-tscmode(7); answers of xl 4.17. */
struct kvt_vm *kvt_xl_read(const char *text, gsize length, const char *file, GError **error);
char *kvt_xl_write(const struct kvt_vm *vm);

/*
 * Proxmox VE's NNN.conf. It says little of time: its qemu-server derives the rest from ostype;
 * what it derives is put into the model, on the line of ostype.
 * Source: proxmox/qemu-server src/PVE/QemuServer/Cfg2Cmd/Timer.pm, CPUConfig.pm.
 */
struct kvt_vm *kvt_proxmox_read(const char *text, gsize length, const char *file, GError **error);
char *kvt_proxmox_write(const struct kvt_vm *vm);

/*
 * OpenStack image and flavor properties, "name=value" a line or the table that the client prints;
 * the model is what nova makes of them.
 * Source: openstack/nova nova/virt/libvirt/driver.py.
 */
struct kvt_vm *kvt_nova_read(const char *text, gsize length, const char *file, GError **error);
char *kvt_nova_write(const struct kvt_vm *vm);

/* KubeVirt's VirtualMachine and VirtualMachineInstance, JSON, or YAML through kvmtime-yaml.so. */
struct kvt_vm *kvt_kubevirt_read(const char *text, gsize length, const char *file, GError **error);
char *kvt_kubevirt_write(const struct kvt_vm *vm);

/* Configurations of Firecracker and Cloud Hypervisor, JSON. Read only. */
struct kvt_vm *kvt_firecracker_read(const char *text, gsize length, const char *file,
				    GError **error);
struct kvt_vm *kvt_cloud_hypervisor_read(const char *text, gsize length, const char *file,
					 GError **error);

/* One "key SEPARATOR value" of a flat file. */
struct kvt_vm_pair {
	char *key;
	char *value; /* without quotes at its ends */
	int line;
	bool quoted;
};

/**
 * kvt_vm_pairs() - split a flat file: comments after "#", a value in quotes or a list in brackets
 * may hold "#"; a list may go over several lines
 * @separator: '=' or ':'
 * @error:     out; KVT_STATUS_BAD_INPUT with line and reason
 *
 * Return: owned array of struct kvt_vm_pair, or NULL.
 */
GPtrArray *kvt_vm_pairs(const char *text, gsize length, char separator, const char *file,
			GError **error);

#endif
