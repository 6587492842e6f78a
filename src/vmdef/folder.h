/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of definitions: /etc/libvirt/qemu, /etc/pve/qemu-server, a backup, a repository. */
#ifndef KVT_VMDEF_FOLDER_H
#define KVT_VMDEF_FOLDER_H

#include <stdbool.h>

#include <glib.h>

struct kvt_folder;

/**
 * kvt_folder_open() - begin to walk a folder
 * @error: out; KVT_STATUS_REFUSED if it cannot be read
 *
 * Only the names of the folders that are open are held.
 *
 * Return: owned, or NULL.
 */
struct kvt_folder *kvt_folder_open(const char *path, GError **error);
void kvt_folder_close(struct kvt_folder *folder);

typedef struct kvt_folder kvt_folder; /* for g_autoptr(kvt_folder) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_folder, kvt_folder_close)

/**
 * kvt_folder_next() - the next regular file, in the order of names, folders below included
 * @ret_path: out; owned; NULL with @error set if a folder below cannot be read
 *
 * Names that begin with a dot are left out, and links to folders or to what the walk meets anyway
 * (libvirt's autostart). The walk does not go deeper than 32 folders.
 *
 * Return: false at the end.
 */
bool kvt_folder_next(struct kvt_folder *folder, char **ret_path, GError **error);

#endif
