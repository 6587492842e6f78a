/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors of everything above core and devices. The code says whose fault it was and is the exit
 * status of the program that gives up over it; the message names object, reason and the text.
 */
#ifndef KVT_SYS_ERROR_H
#define KVT_SYS_ERROR_H

#include <glib.h>

#define KVT_ERROR (kvt_error_quark())

enum kvt_status {
	KVT_STATUS_OK = 0,       /* nothing found; info does not count */
	KVT_STATUS_FOUND = 1,    /* findings */
	KVT_STATUS_USAGE = 2,    /* the command line is wrong */
	KVT_STATUS_REFUSED = 3,  /* the system refused: permission, missing device or module */
	KVT_STATUS_BAD_INPUT = 4 /* what was given cannot be read as what it should be */
};

GQuark kvt_error_quark(void);

/**
 * kvt_error_errno() - an error from errno: "OBJECT: reason"
 * @error:  out, may be NULL
 * @object: what was tried, e.g. a path
 * @number: errno
 *
 * Code: KVT_STATUS_REFUSED.
 */
void kvt_error_errno(GError **error, const char *object, int number);

#endif
