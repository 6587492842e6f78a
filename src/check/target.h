/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a verb is pointed at: this machine, a folder that stands for one, a record, a log, a VM
 * definition, ... told apart by content. The table of kinds is src/cli/targets.c: a kind is a line
 * there, so that each folder brings its own.
 */
#ifndef KVT_CHECK_TARGET_H
#define KVT_CHECK_TARGET_H

#include <stdbool.h>

#include <glib.h>

#include "check/facts.h"

/* How the machine that the program runs on is called, as a target. */
#define KVT_THIS_MACHINE "this machine"

/* What was given, opened but not understood yet. */
struct kvt_source {
	const char *name; /* as given; "-" = standard input; NULL = this machine */
	bool is_folder;
	const char
		*bytes; /* of a file or of standard input; NULL for a folder; no NUL at the end */
	gsize len;
	bool is_archive;  /* @bytes are a tar or a zip; what is compressed alone is inflated already
			   */
	GMappedFile *map; /* what holds @bytes, or NULL */
	char *owned;      /* the same */
	GBytes *inflated; /* the same */
};

/**
 * struct kvt_target_kind - one kind of target
 * @name:  for people, e.g. "recorded machine"
 * @sniff: true if the content looks like one; kinds are asked in the table's order
 * @read:  read it into one or more sets of facts (appended to @sets, which owns them); false with
 *         @error (KVT_STATUS_BAD_INPUT) if it cannot be understood after all
 */
struct kvt_target_kind {
	const char *name;
	bool (*sniff)(const struct kvt_source *source);
	bool (*read)(const struct kvt_source *source, GPtrArray *sets, GError **error);
};

/**
 * kvt_source_open() - open what was given
 * @name:  path, "-", or NULL for this machine
 * @error: out; KVT_STATUS_REFUSED (cannot be opened), KVT_STATUS_BAD_INPUT (neither file nor
 *         folder, standard input longer than 512 MiB, compressed and damaged or too large)
 *
 * Return: owned, or NULL.
 */
struct kvt_source *kvt_source_open(const char *name, GError **error);
void kvt_source_close(struct kvt_source *source);

/** kvt_source_new_bytes() - the same of bytes that are in memory; they must outlive the source */
struct kvt_source *kvt_source_new_bytes(const char *name, const char *bytes, gsize len,
					GError **error);

/** kvt_source_shown() - its name for people: "standard input" for "-" */
const char *kvt_source_shown(const struct kvt_source *source);

typedef struct kvt_source kvt_source; /* for g_autoptr(kvt_source) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_source, kvt_source_close)

/** kvt_target_is_machine() - true if a folder holds etc, proc or kvmtime: the root of a machine */
bool kvt_target_is_machine(const char *folder);

/* The kinds of this folder. */
extern const struct kvt_target_kind kvt_target_live;   /* no argument, or "/" */
extern const struct kvt_target_kind kvt_target_record; /* what kvmtime record and record.sh write */
extern const struct kvt_target_kind kvt_target_log;    /* a kernel or system log; asked last */
extern const struct kvt_target_kind kvt_target_folder; /* an image, a sosreport, a mounted root */

#endif
