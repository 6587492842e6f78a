/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime undo: list and take back what fix did. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/domains.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "fix/journal.h"
#include "sys/root.h"

static const char description[] =
	"N is the number of a change, as the list shows it; without it the newest is taken back. TARGET\n"
	"is the root folder that fix was pointed at; without it, this machine. Content, owner, mode,\n"
	"extended attributes and time of each file come back. What was edited since is left alone.\n"
	"A clock that was set, and a command that was run, cannot be taken back: they are listed.\n"
	"\n"
	"Examples:\n"
	"  kvmtime undo --list\n"
	"  kvmtime undo\n"
	"  kvmtime undo 3 /mnt/image\n";

static const char *state_name(enum kvt_transaction_state state)
{
	return state == KVT_APPLIED ? "done" : state == KVT_UNDONE ? "undone" : "interrupted";
}

static void list_text(const GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++) {
		const struct kvt_transaction *change = list->pdata[i];
		g_autofree char *title =
			kvt_text_printable(change->title != NULL ? change->title : "");

		printf("%u  %s  %s  %s\n", change->number, change->time, state_name(change->state),
		       title);
		for (char **path = change->paths; *path != NULL; path++) {
			g_autofree char *safe = kvt_text_printable(*path);

			printf("     %s\n", safe);
		}
		for (char **command = change->commands; command != NULL && *command != NULL;
		     command++) {
			g_autofree char *safe = kvt_text_printable(*command);

			printf("     ran: %s\n", safe);
		}
	}
	if (list->len == 0)
		printf("kvmtime has changed nothing here.\n");
}

static void list_json(const GPtrArray *list, const char *target, unsigned undone)
{
	JsonBuilder *builder = kvt_json_begin("kvmtime.undo/1", target, true);

	kvt_json_int(builder, "undone", undone);
	json_builder_set_member_name(builder, "changes");
	json_builder_begin_array(builder);
	for (guint i = 0; i < list->len; i++) {
		const struct kvt_transaction *change = list->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_int(builder, "number", change->number);
		kvt_json_string(builder, "title", change->title);
		kvt_json_string(builder, "time", change->time);
		kvt_json_string(builder, "state", state_name(change->state));
		json_builder_set_member_name(builder, "paths");
		json_builder_begin_array(builder);
		for (char **path = change->paths; *path != NULL; path++)
			json_builder_add_string_value(builder, *path);
		json_builder_end_array(builder);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	kvt_json_end(builder, true);
}

static const struct kvt_transaction *find(const GPtrArray *list, unsigned number)
{
	for (guint i = 0; i < list->len; i++)
		if (((struct kvt_transaction *)list->pdata[i])->number == number)
			return list->pdata[i];
	return NULL;
}

/* What stays to be done by hand after an undo. */
static void show_undone(const struct kvt_transaction *change)
{
	printf("Change %u is taken back.\n", change->number);
	for (char **path = change->paths; *path != NULL; path++)
		printf("  %s\n", *path);
	if (change->commands != NULL && change->commands[0] != NULL)
		printf("These commands were run with it; run again what makes a file or a service new:\n");
	for (char **command = change->commands; command != NULL && *command != NULL; command++) {
		g_autofree char *safe = kvt_text_printable(*command);

		printf("  %s\n", safe);
	}
}

static int undo(const struct kvt_common *common, const char *target, unsigned number,
		bool only_list)
{
	g_autoptr(GPtrArray) notes = NULL;
	g_autoptr(GPtrArray) list = NULL;
	GError *error = NULL;
	g_autoptr(kvt_journal) journal = NULL;

	kvt_domains_setup(NULL); /* each change knows its own connection */
	journal = kvt_journal_open(target, &notes, &error);
	if (journal == NULL)
		return kvt_fail("undo", error);
	for (guint i = 0; i < notes->len; i++)
		fprintf(stderr, "kvmtime undo: %s\n", (char *)notes->pdata[i]);
	if (!only_list && !kvt_journal_undo(journal, number, &number, &error))
		return kvt_fail("undo", error);
	list = kvt_journal_list(journal);
	if (common->json)
		list_json(list, target, only_list ? 0 : number);
	else if (only_list && !common->quiet)
		list_text(list);
	else if (!common->quiet)
		show_undone(find(list, number));
	return KVT_STATUS_OK;
}

/* Looking at the list must not make the state directory. */
static int undo_if_any(const struct kvt_common *common, const char *target, unsigned number,
		       bool only_list)
{
	GError *error = NULL;
	g_autoptr(kvt_root) root = kvt_root_open(target, &error);
	g_autoptr(GPtrArray) none = g_ptr_array_new();

	if (root == NULL)
		return kvt_fail("undo", error);
	if (kvt_root_exists(root, KVT_JOURNAL_STATE) || !only_list)
		return undo(common, target, number, only_list);
	if (common->json)
		list_json(none, target, 0);
	else if (!common->quiet)
		list_text(none);
	return KVT_STATUS_OK;
}

int cmd_undo(int argc, char **argv)
{
	struct kvt_common common;
	gboolean only_list = FALSE;
	const GOptionEntry entries[] = { { "list", 0, 0, G_OPTION_ARG_NONE, &only_list,
					   "Show what fix did, and what became of it", NULL },
					 G_OPTION_ENTRY_NULL };
	const char *target = "/";
	unsigned long number = 0;
	int status;

	if (!kvt_options_parse("undo", "[N] [TARGET]", description, entries, &common, &argc, &argv,
			       &status))
		return status;
	for (int i = 1; i < argc; i++) {
		char *end;
		unsigned long value;

		errno = 0;
		value = strtoul(argv[i], &end, 10);
		if (g_ascii_isdigit(argv[i][0]) && *end == '\0') {
			if (value == 0 || value > G_MAXUINT || errno != 0)
				return kvt_usage("undo", "no change has the number %s", argv[i]);
			number = value;
		} else {
			target = argv[i];
		}
	}
	return undo_if_any(&common, target, (unsigned)number, only_list);
}
