/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many literals sought in one pass (Aho and Corasick, "Efficient string matching", 1975), with the
 * bytes that no literal holds folded into one class.
 */
#ifndef KVT_CHECK_SEEK_H
#define KVT_CHECK_SEEK_H

#include <stdbool.h>

#include <glib.h>

struct kvt_seek;

/** kvt_seek_new() - an automaton without literals */
struct kvt_seek *kvt_seek_new(void);

/** kvt_seek_add() - one literal, not empty, with a number of the caller's (0 .. 65534) */
void kvt_seek_add(struct kvt_seek *seek, const char *literal, guint number);

/** kvt_seek_free() - NULL is taken */
void kvt_seek_free(struct kvt_seek *seek);

/**
 * kvt_seek_run() - call back for each literal that ends somewhere in the bytes
 * @found: gets the literal's number and the offset behind its last byte; returns the offset from
 *         which to go on, at least that one
 */
typedef gsize (*kvt_seek_found)(gpointer user, guint number, gsize end);
void kvt_seek_run(struct kvt_seek *seek, const char *bytes, gsize len, kvt_seek_found found,
		  gpointer user);

struct kvt_messages;

/** kvt_messages_seek() - where a set of messages keeps its automaton between scans */
struct kvt_seek **kvt_messages_seek(const struct kvt_messages *messages);

#endif
