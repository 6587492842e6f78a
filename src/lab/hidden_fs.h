/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel file system for our eyes alone, where it is not mounted. */
#ifndef KVT_LAB_HIDDEN_FS_H
#define KVT_LAB_HIDDEN_FS_H

/**
 * lab_hidden_fs() - the root of tracefs or debugfs
 * @type:    file system
 * @usual:   where it is mounted if it is
 * @present: a path below it that tells
 *
 * A mount that only this process can reach, by its descriptor; no mount point is used.
 *
 * Return: descriptor of the folder, or -1 with errno.
 */
int lab_hidden_fs(const char *type, const char *usual, const char *present);

#endif
