/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a machine that any reader of this folder looks at: what is taken out of an archive.
 * One list; a test holds the list of kvmtime record against it.
 */
#ifndef KVT_CHECK_WANTED_H
#define KVT_CHECK_WANTED_H

#include <stdbool.h>

#include <glib.h>

/**
 * kvt_wanted() - bytes of a file that are worth keeping, or 0
 * @path: absolute, as on the machine; sosreports add /sos_commands and some more
 */
gsize kvt_wanted(const char *path);

/** kvt_wanted_parent() - true if something below that path is wanted */
bool kvt_wanted_parent(const char *path);

#endif
