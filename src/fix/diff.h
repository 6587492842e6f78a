/* SPDX-License-Identifier: BSD-2-Clause */
/* A change of a text as patch(1) reads it. */
#ifndef KVT_FIX_DIFF_H
#define KVT_FIX_DIFF_H

#include <stdbool.h>

#include <glib.h>

/**
 * kvt_diff() - unified diff with three lines of context
 * @path:          for both headers, without a leading "/"; "/dev/null" stands for a NULL text
 * @before, after: texts; NULL = there is no file
 *
 * Return: owned; "" where the texts are equal.
 */
char *kvt_diff(const char *path, const char *before, const char *after);

#endif
