/* SPDX-License-Identifier: BSD-2-Clause */
/* journalctl -o json (and json-pretty, json-seq, json-sse) as the lines that journalctl prints. */
#ifndef KVT_CHECK_JOURNAL_H
#define KVT_CHECK_JOURNAL_H

#include <glib.h>

/**
 * kvt_journal_lines() - "2026-11-20T09:00:00.123456Z HOST IDENTIFIER[PID]: MESSAGE" for each record
 *
 * Return: owned; NULL if the bytes do not begin as such a journal does. What is cut off at the end
 * is left out.
 */
GBytes *kvt_journal_lines(const char *bytes, gsize len);

#endif
