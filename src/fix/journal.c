/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fix/place.h"
#include "fix/store.h"
#include "fix/transaction.h"
#include "sys/error.h"

#define STATE KVT_JOURNAL_STATE

struct kvt_journal {
	int tree;
	int state;
	int lock;
};

struct kvt_change *kvt_change_new(const char *path, GBytes *before, GBytes *after)
{
	struct kvt_change *change = g_new0(struct kvt_change, 1);

	change->path = g_strdup(path);
	change->before = before != NULL ? g_bytes_ref(before) : NULL;
	change->after = after != NULL ? g_bytes_ref(after) : NULL;
	return change;
}

void kvt_change_free(struct kvt_change *change)
{
	if (change == NULL)
		return;
	g_free(change->path);
	g_clear_pointer(&change->before, g_bytes_unref);
	g_clear_pointer(&change->after, g_bytes_unref);
	g_free(change);
}

struct kvt_switch *kvt_switch_new(const char *path, const char *before, const char *after)
{
	struct kvt_switch *change = g_new0(struct kvt_switch, 1);

	change->path = g_strdup(path);
	change->before = g_strdup(before);
	change->after = g_strdup(after);
	return change;
}

void kvt_switch_free(struct kvt_switch *change)
{
	if (change == NULL)
		return;
	g_free(change->path);
	g_free(change->before);
	g_free(change->after);
	g_free(change);
}

/* ---- numbers ---- */

static gint by_number(gconstpointer a, gconstpointer b)
{
	const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

/* The transactions' numbers, rising; drafts (".7") are removed on the way if asked. */
static GArray *numbers(const struct kvt_journal *journal, bool drop_drafts)
{
	GArray *found = g_array_new(FALSE, FALSE, sizeof(unsigned));
	const int fd = openat(journal->state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	g_autoptr(GPtrArray) drafts = g_ptr_array_new_with_free_func(g_free);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char *end;
		const unsigned long number = strtoul(entry->d_name, &end, 10);
		const unsigned small = (unsigned)number;

		if (entry->d_name[0] == '.' && g_ascii_isdigit(entry->d_name[1]))
			g_ptr_array_add(drafts, g_strdup(entry->d_name));
		else if (*end == '\0' && end != entry->d_name && number == small && small > 0)
			g_array_append_val(found, small);
	}
	if (dir != NULL)
		closedir(dir);
	for (guint i = 0; drop_drafts && i < drafts->len; i++)
		kvt_transaction_drop(journal->state, drafts->pdata[i]);
	g_array_sort(found, by_number);
	return found;
}

/* ---- opening, and what a killed run left ---- */

static bool mend(struct kvt_journal *journal, unsigned number, GPtrArray *notes, GError **error)
{
	const bool done = kvt_transaction_is_marked(journal->state, number, "done");
	const bool undoing = kvt_transaction_is_marked(journal->state, number, "undoing");

	if (kvt_transaction_is_marked(journal->state, number, "undone") || (done && !undoing))
		return true;
	if (!kvt_transaction_back(journal->tree, journal->state, number, error)) {
		g_prefix_error(error,
			       "change %u was interrupted and cannot be taken back: ", number);
		return false;
	}
	if (!kvt_transaction_mark(journal->state, number, "undone", error))
		return false;
	g_ptr_array_add(notes, g_strdup_printf("change %u had been interrupted %s: taken back",
					       number, undoing ? "during undo" : "half way"));
	return true;
}

static bool mend_all(struct kvt_journal *journal, GPtrArray *notes, GError **error)
{
	g_autoptr(GArray) found = numbers(journal, true);

	for (guint i = found->len; i-- > 0;)
		if (!mend(journal, g_array_index(found, unsigned, i), notes, error))
			return false;
	return true;
}

static bool open_state(struct kvt_journal *journal, GError **error)
{
	g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
	g_auto(kvt_place) place = { .dir = -1 };

	if (!kvt_place_open(journal->tree, STATE "/lock", made, &place, error))
		return false;
	journal->state = place.dir;
	place.dir = -1;
	if (made->len > 0 && fchmod(journal->state, 0700) < 0) {
		kvt_error_errno(error, STATE, errno);
		return false;
	}
	journal->lock =
		openat(journal->state, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->lock < 0) {
		kvt_error_errno(error, STATE, errno);
		return false;
	}
	if (flock(journal->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
		    "%s: another kvmtime is at work on this machine's files", STATE);
	return false;
}

struct kvt_journal *kvt_journal_open(const char *dir, GPtrArray **ret_notes, GError **error)
{
	g_autoptr(kvt_journal) journal = g_new0(struct kvt_journal, 1);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);

	journal->state = journal->lock = -1;
	journal->tree = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (journal->tree < 0) {
		kvt_error_errno(error, dir, errno);
		return NULL;
	}
	if (!open_state(journal, error) || !mend_all(journal, notes, error))
		return NULL;
	if (ret_notes != NULL)
		*ret_notes = g_steal_pointer(&notes);
	return g_steal_pointer(&journal);
}

void kvt_journal_close(struct kvt_journal *journal)
{
	if (journal == NULL)
		return;
	for (guint i = 0; i < 3; i++) {
		const int fd = i == 0 ? journal->lock : i == 1 ? journal->state : journal->tree;

		if (fd >= 0)
			close(fd);
	}
	g_free(journal);
}

/* ---- changing ---- */

/* After a failure: everything back, and the transaction leaves no trace. */
static void give_up(struct kvt_journal *journal, unsigned number, GError **error)
{
	g_autofree char *name = g_strdup_printf("%u", number);
	g_autofree char *draft = g_strdup_printf(".%u", number);
	g_autoptr(GError) failed = NULL;

	if (kvt_transaction_back(journal->tree, journal->state, number, &failed)) {
		/* a draft first: half a removed folder must not look like a transaction */
		if (kvt_store_rename(journal->state, name, draft, "the journal", NULL))
			kvt_transaction_drop(journal->state, draft);
	} else
		g_prefix_error(error, "not taken back yet (%s), the next run will try again; ",
			       failed->message);
}

bool kvt_journal_apply(struct kvt_journal *journal, const char *title, GPtrArray *changes,
		       GPtrArray *switches, const char *const *commands, unsigned *ret_number,
		       GError **error)
{
	g_autoptr(GArray) found = numbers(journal, false);
	const unsigned number =
		found->len > 0 ? g_array_index(found, unsigned, found->len - 1) + 1 : 1;

	if (!kvt_transaction_prepare(journal->tree, journal->state, number, title, changes,
				     switches, commands, error))
		return false;
	if (!kvt_transaction_forward(journal->tree, changes, switches, error) ||
	    !kvt_transaction_settle(journal->state, number, changes, error) ||
	    !kvt_transaction_mark(journal->state, number, "done", error)) {
		give_up(journal, number, error);
		return false;
	}
	*ret_number = number;
	return true;
}

static unsigned newest(struct kvt_journal *journal)
{
	g_autoptr(GArray) found = numbers(journal, false);

	for (guint i = found->len; i-- > 0;) {
		const unsigned number = g_array_index(found, unsigned, i);

		if (!kvt_transaction_is_marked(journal->state, number, "undone"))
			return number;
	}
	return 0;
}

bool kvt_journal_undo(struct kvt_journal *journal, unsigned number, unsigned *ret_number,
		      GError **error)
{
	if (number == 0)
		number = newest(journal);
	if (number == 0 || !kvt_transaction_is_marked(journal->state, number, "manifest")) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s",
			    number == 0 ? "nothing to take back" : "no change of that number");
		return false;
	}
	if (kvt_transaction_is_marked(journal->state, number, "undone")) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "change %u is undone already",
			    number);
		return false;
	}
	if (!kvt_transaction_mark(journal->state, number, "undoing", error))
		return false;
	if (!kvt_transaction_back(journal->tree, journal->state, number, error)) {
		g_autofree char *mark = g_strdup_printf("%u/undoing", number);

		unlinkat(journal->state, mark, 0);
		return false;
	}
	if (!kvt_transaction_mark(journal->state, number, "undone", error))
		return false;
	*ret_number = number;
	return true;
}

bool kvt_journal_settle(struct kvt_journal *journal, unsigned number, GError **error)
{
	return kvt_transaction_mark(journal->state, number, "settled", error);
}

GPtrArray *kvt_journal_list(struct kvt_journal *journal)
{
	g_autoptr(GArray) found = numbers(journal, false);
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_transaction_free);

	for (guint i = 0; i < found->len; i++) {
		struct kvt_transaction *transaction =
			kvt_transaction_load(journal->state, g_array_index(found, unsigned, i));

		if (transaction != NULL)
			g_ptr_array_add(list, transaction);
	}
	return list;
}
