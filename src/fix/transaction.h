/* SPDX-License-Identifier: BSD-2-Clause */
/* One transaction's folder in the journal: written before anything changes, read to take it back.
 */
#ifndef KVT_FIX_TRANSACTION_H
#define KVT_FIX_TRANSACTION_H

#include "fix/journal.h"
#include "fix/place.h"

/**
 * kvt_transaction_prepare() - write the folder of a transaction, whole and synced
 * @state: the state directory
 *
 * Checks that each file still is what its "before" says and can be replaced.
 */
bool kvt_transaction_prepare(int tree, int state, unsigned number, const char *title,
			     GPtrArray *changes, GPtrArray *switches, const char *const *commands,
			     GError **error);

/** kvt_transaction_forward() - write the new files, then put them in place, then the switches */
bool kvt_transaction_forward(int tree, GPtrArray *changes, GPtrArray *switches, GError **error);

/** kvt_transaction_settle() - note what became of the new state, where that shows only afterwards
 */
bool kvt_transaction_settle(int state, unsigned number, GPtrArray *changes, GError **error);

/** kvt_transaction_back() - put everything back that is not as it was; safe to repeat */
bool kvt_transaction_back(int tree, int state, unsigned number, GError **error);

/** kvt_transaction_mark() - make an empty file in the folder: "done", "undoing" or "undone" */
bool kvt_transaction_mark(int state, unsigned number, const char *mark, GError **error);
bool kvt_transaction_is_marked(int state, unsigned number, const char *mark);

/** kvt_transaction_drop() - remove a folder; @name e.g. "7" or ".7" */
void kvt_transaction_drop(int state, const char *name);

/* ---- what both directions share ---- */

/** kvt_transaction_beside() - the name under which a file's new bytes wait; owned */
char *kvt_transaction_beside(const struct kvt_place *place);

/** kvt_transaction_folder() - a transaction's folder, open; -1 with @error */
int kvt_transaction_folder(int state, unsigned number, GError **error);

/** kvt_transaction_manifest() - of an open folder; owned, or NULL */
GKeyFile *kvt_transaction_manifest(int folder, GError **error);

/* ---- for the list ---- */

/** kvt_transaction_load() - for the list; NULL if the manifest cannot be read */
struct kvt_transaction *kvt_transaction_load(int state, unsigned number);

#endif
