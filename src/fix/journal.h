/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal: every change of a machine's files is one transaction that is whole or did not
 * happen, and that can be taken back later.
 *
 * Below the state directory (/var/lib/kvmtime/undo of the tree itself) stands one folder a
 * transaction, named by its number:
 *
 *   manifest   what was to be changed, with owner, mode, attributes and time of each original
 *   K.before   the bytes of file K, or the XML of domain K, as they were
 *   K.after    what libvirt made of the new XML of domain K
 *   done       there since all of it was applied
 *   settled    there since whatever reads the files had read them anew
 *   undone     there since all of it was taken back
 *
 * A transaction without "done" was killed half way: the next run takes it back. One with "undoing"
 * and without "undone" was killed while it was taken back: the next run goes on with that. The
 * new bytes of all files are written and synced beside their targets before the first rename, so
 * that a full disk is met while nothing has changed.
 */
#ifndef KVT_FIX_JOURNAL_H
#define KVT_FIX_JOURNAL_H

#include <stdbool.h>

#include <glib.h>

/* where it stands in the tree; made on first use */
#define KVT_JOURNAL_STATE "/var/lib/kvmtime/undo"

/* One file, or a definition that libvirt keeps (domain.h): its bytes before and after; NULL = there
 * is none. */
struct kvt_change {
	char *path;
	GBytes *before;
	GBytes *after;
};

/* One runtime switch: a one-line file of /sys or /proc that is written and read back. */
struct kvt_switch {
	char *path;
	char *before;
	char *after;
};

struct kvt_change *kvt_change_new(const char *path, GBytes *before, GBytes *after);
void kvt_change_free(struct kvt_change *change);
struct kvt_switch *kvt_switch_new(const char *path, const char *before, const char *after);
void kvt_switch_free(struct kvt_switch *change);

enum kvt_transaction_state { KVT_APPLIED, KVT_UNDONE, KVT_INTERRUPTED };

struct kvt_transaction {
	unsigned number;
	char *title; /* what it was for, e.g. the ids of the findings */
	char *time;  /* RFC 3339, UTC */
	enum kvt_transaction_state state;
	char **paths;    /* of files and switches */
	char **commands; /* that were run with it and that it cannot take back */
};
void kvt_transaction_free(struct kvt_transaction *transaction);

struct kvt_journal;

/**
 * kvt_journal_open() - take the journal of a tree, alone, and mend what a killed run left
 * @dir:       the tree's top directory; "/" is the live machine
 * @ret_notes: out, may be NULL: what was mended, owned array of owned sentences
 * @error:     out; KVT_STATUS_REFUSED (permission, read-only, somebody else holds it),
 *             KVT_STATUS_BAD_INPUT (a killed run's file was edited since by somebody else)
 *
 * Return: owned, or NULL.
 */
struct kvt_journal *kvt_journal_open(const char *dir, GPtrArray **ret_notes, GError **error);

/** kvt_journal_close() - NULL is taken */
void kvt_journal_close(struct kvt_journal *journal);

/**
 * kvt_journal_apply() - make the changes, all or none
 * @changes:    of struct kvt_change, each path once; an unknown or changed "before" is refused
 * @switches:   of struct kvt_switch, may be NULL; made after the files
 * @commands:   that the caller is going to run, for the list alone; NULL-terminated, may be NULL
 * @ret_number: out
 * @error:      out; KVT_STATUS_REFUSED (permission, space, a switch that did not take),
 *              KVT_STATUS_BAD_INPUT (a file changed since it was read, hard links, special files)
 *
 * A changed file keeps owner, mode and extended attributes (SELinux label, ACL); its time is new.
 */
bool kvt_journal_apply(struct kvt_journal *journal, const char *title, GPtrArray *changes,
		       GPtrArray *switches, const char *const *commands, unsigned *ret_number,
		       GError **error);

/**
 * kvt_journal_undo() - take one transaction back: bytes, owner, mode, attributes, time
 * @number: 0 = the newest that is not undone
 * @ret_number: out, which it was
 * @error:  out; KVT_STATUS_BAD_INPUT (no such number, undone before, a file changed since)
 */
bool kvt_journal_undo(struct kvt_journal *journal, unsigned number, unsigned *ret_number,
		      GError **error);

/** kvt_journal_settle() - note that everything that reads the change's files was restarted */
bool kvt_journal_settle(struct kvt_journal *journal, unsigned number, GError **error);

/** kvt_journal_list() - oldest first; owned array of struct kvt_transaction */
GPtrArray *kvt_journal_list(struct kvt_journal *journal);

typedef struct kvt_journal kvt_journal; /* for g_autoptr(kvt_journal) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_journal, kvt_journal_close)

#endif
