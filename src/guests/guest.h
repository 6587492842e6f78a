/* SPDX-License-Identifier: BSD-2-Clause */
/* A running guest and the ways to it, best first. */
#ifndef KVT_GUESTS_GUEST_H
#define KVT_GUESTS_GUEST_H

#include "guests/path.h"

struct kvt_guest {
	char *name;
	char *manager;    /* "libvirt", "proxmox", "qemu" */
	char *id;         /* UUID, VMID, PID: what tells two of one name apart */
	GPtrArray *paths; /* of struct kvt_path, owned */
	char *steps;      /* what gives this guest an agent channel, where it has none; or NULL */
};

/** kvt_guest_new() - strings are copied; no path yet */
struct kvt_guest *kvt_guest_new(const char *name, const char *manager, const char *id);

/** kvt_guest_free() - NULL is taken */
void kvt_guest_free(struct kvt_guest *guest);

/** kvt_guest_add_path() - the next best way; taken over */
void kvt_guest_add_path(struct kvt_guest *guest, struct kvt_path *path);

/* Which guests are meant. */
struct kvt_guest_query {
	char **names; /* or NULL */
	bool all;
	char **agents;    /* agent sockets that were named outright, or NULL */
	char **qmps;      /* QMP sockets, the nth belongs to the nth agent; or NULL */
	const char *uri;  /* libvirt; NULL = its default if the module is there */
	bool no_libvirt;  /* leave it out */
	const char *root; /* where /proc, /etc/pve and /run are; "/" */
};

/**
 * kvt_guests_find() - running guests of whichever manager
 * @ret_notes: out, owned, one line for each manager that could not be asked, or NULL
 * @error:     KVT_STATUS_BAD_INPUT: no such guest, or an ambiguous name (all are listed);
 *             KVT_STATUS_REFUSED: a manager that was named cannot be reached
 *
 * Return: owned array of struct kvt_guest, in the order of their names; or NULL.
 */
GPtrArray *kvt_guests_find(const struct kvt_guest_query *query, char **ret_notes, GError **error);

/**
 * kvt_guest_from_argv() - a guest from a QEMU process's command line
 * @argv: its arguments
 * @cwd:  its folder, for relative socket paths
 * @pid:  as text
 *
 * Return: owned, or NULL if it is not a QEMU with a monitor or agent socket that has a path
 * (libvirt's machines, whose sockets come as file descriptors, are left to libvirt).
 */
struct kvt_guest *kvt_guest_from_argv(char **argv, const char *cwd, const char *pid);

#endif
