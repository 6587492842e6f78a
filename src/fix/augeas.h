/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the module kvmtime-fix offers: Augeas on text in memory. It reads and writes no file. A
 * document is one text parsed by one lens; paths are below it, e.g. "makestep/limit".
 */
#ifndef KVT_FIX_AUGEAS_H
#define KVT_FIX_AUGEAS_H

#include <stdbool.h>

#include <glib.h>

struct kvt_document;

struct kvt_augeas {
	/* Parse; KVT_STATUS_BAD_INPUT with the line that the lens does not understand. */
	struct kvt_document *(*open)(const char *lens, const char *text, GError **error);
	/* How many nodes match an expression. */
	unsigned (*count)(struct kvt_document *document, const char *path);
	/* The value at exactly one node; owned; NULL if there is none. */
	char *(*get)(struct kvt_document *document, const char *path);
	/* Set a value, making the nodes on the way; NULL = a node without value. */
	bool (*set)(struct kvt_document *document, const char *path, const char *value,
		    GError **error);
	/* A new sibling before or behind a node. */
	bool (*insert)(struct kvt_document *document, const char *path, const char *label,
		       bool before, GError **error);
	/* Remove nodes with all below them. */
	void (*remove)(struct kvt_document *document, const char *path);
	/*
	 * The text of the tree as it is now; refused if parsing it again gives another tree. Owned.
	 */
	char *(*text)(struct kvt_document *document, GError **error);
	void (*close)(struct kvt_document *document);
};

#endif
