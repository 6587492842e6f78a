/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime fix: the change that mends what check found, shown first and made with --apply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "check/accept.h"
#include "check/configured.h"
#include "cli/domains.h"
#include "cli/expand.h"
#include "cli/fix_show.h"
#include "cli/options.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "fix/plan.h"
#include "vmdef/load.h"

static const char description[] =
	"Without an ID everything that check found and that a remedy is known for is planned. TARGET is\n"
	"this machine, the root folder of another (an image, a recorded machine), a VM definition, a folder\n"
	"of them, or libvirt:NAME (libvirt: is every domain), which is redefined through libvirt. There\n"
	"only files are changed, commands are listed. Nothing is changed without --apply; kvmtime undo takes it back.\n"
	"\n"
	"Examples:\n"
	"  kvmtime fix                        what would be done here\n"
	"  kvmtime fix KVT-0201 --apply       do it for one finding\n"
	"  kvmtime fix /mnt/image --apply     in an image\n"
	"  kvmtime fix web1.xml               a mended VM definition, as a diff\n"
	"  kvmtime fix libvirt:web1 --apply   the same where libvirt keeps it\n"
	"  kvmtime fix --script ansible       the same as a playbook\n"
	"\n"
	"Exit status: 0 done or nothing to do, 1 something is planned or left to do, 2 usage,\n"
	"3 refused, 4 bad input.\n";

static bool is_id(const char *word)
{
	return g_str_has_prefix(word, "KVT-");
}

/* ---- doing ---- */

static bool run_command(const char *command)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	gint status = 0;

	return g_spawn_sync(NULL, (char **)(gpointer)(guintptr)argv, NULL,
			    G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, NULL) &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void run_commands(struct kvt_fix *fix)
{
	for (guint i = 0; fix->plan->live && i < fix->plan->commands->len; i++) {
		const struct kvt_command *command = fix->plan->commands->pdata[i];

		kvt_text_progress(command->run);
		if (!run_command(command->run))
			g_ptr_array_add(fix->failed, command->run);
		kvt_text_progress(NULL);
	}
}

static bool apply(struct kvt_fix *fix, GError **error)
{
	const struct kvt_plan *plan = fix->plan;
	g_autoptr(GPtrArray) notes = NULL;
	g_autoptr(GPtrArray) commands = g_ptr_array_new();
	g_autoptr(GString) title = g_string_new(NULL);
	g_autoptr(kvt_journal) journal = kvt_journal_open(kvt_root_dir(plan->root), &notes, error);

	if (journal == NULL)
		return false;
	for (guint i = 0; i < notes->len; i++)
		fprintf(stderr, "kvmtime fix: %s\n", (char *)notes->pdata[i]);
	for (guint i = 0; i < plan->steps->len; i++) {
		const struct kvt_step *step = plan->steps->pdata[i];

		if (step->refused == NULL && !step->nothing)
			g_string_append_printf(title, "%s%s (%s)", title->len > 0 ? ", " : "",
					       step->id, step->remedy);
	}
	for (guint i = 0; plan->live && i < plan->commands->len; i++)
		g_ptr_array_add(commands, ((struct kvt_command *)plan->commands->pdata[i])->run);
	g_ptr_array_add(commands, NULL);
	if (!kvt_journal_apply(journal, title->str, plan->changes, plan->switches,
			       (const char *const *)commands->pdata, &fix->number, error))
		return false;
	run_commands(fix);
	/* else check goes on telling that something waits for a restart */
	return !plan->live || plan->not_restarted || fix->failed->len > 0 ||
	       kvt_journal_settle(journal, fix->number, error);
}

static int status_of(const struct kvt_fix *fix)
{
	if (fix->failed->len > 0)
		return KVT_STATUS_REFUSED;
	for (guint i = 0; i < fix->plan->steps->len; i++)
		if (((struct kvt_step *)fix->plan->steps->pdata[i])->refused != NULL)
			return KVT_STATUS_FOUND;
	return fix->number == 0 && !kvt_plan_is_empty(fix->plan) ? KVT_STATUS_FOUND : KVT_STATUS_OK;
}

static int finish(struct kvt_fix *fix)
{
	GError *error = NULL;

	if (fix->apply &&
	    fix->plan->changes->len + fix->plan->switches->len +
			    (fix->plan->live ? fix->plan->commands->len : 0) >
		    0 &&
	    !apply(fix, &error))
		return kvt_fail("fix", error);
	if (fix->script != NULL) {
		g_autofree char *script = strcmp(fix->script, "shell") == 0
						  ? kvt_plan_shell(fix->plan)
						  : kvt_plan_ansible(fix->plan);

		printf("%s", script);
		return KVT_STATUS_OK;
	}
	if (fix->common.json)
		kvt_fix_show_json(fix);
	else if (!fix->common.quiet)
		kvt_fix_show_text(fix);
	for (guint i = 0; i < fix->failed->len; i++)
		fprintf(stderr, "kvmtime fix: failed: %s\n", (char *)fix->failed->pdata[i]);
	return status_of(fix);
}

/* ---- what is to be mended ---- */

static void item_free(gpointer data)
{
	struct kvt_fix_item *item = data;

	kvt_judgement_free(item->judgement);
	kvt_facts_free(item->filled);
	g_ptr_array_unref(item->sets);
	g_free(item->definition);
	g_free(item);
}

/* Judges what was read, and adds the remedies to the plan; takes both over. */
static void add_item(struct kvt_fix *fix, const struct kvt_rules *rules, GPtrArray *accepted,
		     char *definition, GPtrArray *sets)
{
	struct kvt_fix_item *item = g_new0(struct kvt_fix_item, 1);
	g_autofree char *today = kvt_accept_today();

	item->definition = definition;
	item->sets = sets;
	/* an image that does not run is judged by its files */
	item->filled = kvt_facts_as_configured(sets->pdata[0], true);
	item->judgement = kvt_judge(rules, item->filled);
	/* what this machine's own file accepts is left alone unless its id is named */
	if (strcmp(fix->target, "/") == 0 && fix->ids->len == 0)
		kvt_accept_apply(accepted, today, item->judgement);
	kvt_plan_about(fix->plan, sets->pdata[0], definition);
	item->first_step = fix->plan->steps->len;
	for (guint i = 0; i < item->judgement->found->len; i++) {
		const struct kvt_finding *finding = item->judgement->found->pdata[i];

		if (finding->rule->fix != NULL && kvt_fix_wants(fix, finding->rule->id))
			kvt_plan_add(fix->plan, finding->rule->id, finding->rule->fix);
	}
	item->end_step = fix->plan->steps->len;
	g_ptr_array_add(fix->items, item);
}

static char *absolute(const char *name, GError **error)
{
	char *real, *copy;

	if (kvt_domains_is(name))
		return g_strdup(name);
	real = realpath(name, NULL);
	if (real == NULL)
		kvt_error_errno(error, name, errno);
	copy = g_strdup(real);
	free(real);
	return copy;
}

static int fix_definition(struct kvt_fix *fix, const struct kvt_rules *rules, GPtrArray *accepted,
			  const char *name)
{
	GError *error = NULL;
	char *path = absolute(name, &error);
	GPtrArray *sets = path != NULL ? kvt_target_read(name, &error) : NULL;

	if (sets != NULL && (kvt_facts_roles(sets->pdata[0]) & KVT_VM) != 0) {
		add_item(fix, rules, accepted, path, sets);
		return KVT_STATUS_OK;
	}
	g_free(path);
	if (sets == NULL)
		return kvt_fail("fix", error);
	g_ptr_array_unref(sets);
	return kvt_usage("fix", "%s is neither a folder nor a VM definition", name);
}

/* One definition, or those of a folder or of libvirt. One that is bad does not stop the others. */
static int fix_definitions(struct kvt_fix *fix, const struct kvt_rules *rules, GPtrArray *accepted)
{
	char *target = (char *)(guintptr)fix->target;
	struct kvt_expand expand = { .count = 1, .names = &target };
	struct kvt_expanded next;
	int status = KVT_STATUS_OK, one;
	GError *error = NULL;

	while (kvt_expand_next(&expand, &next, &error)) {
		g_autofree char *name = next.name;

		if (error == NULL && next.in_folder && !kvt_vm_file_is_definition(name))
			continue;
		one = error != NULL ? kvt_fail("fix", g_steal_pointer(&error))
				    : fix_definition(fix, rules, accepted, name);
		status = MAX(status, one);
	}
	if (fix->items->len == 0 && status == KVT_STATUS_OK) {
		kvt_expand_nothing(fix->target, &error);
		return kvt_fail("fix", error);
	}
	if (fix->items->len == 0)
		return status;
	one = finish(fix);
	return MAX(status, one);
}

static int fix_machine(struct kvt_fix *fix, const struct kvt_rules *rules, GPtrArray *accepted)
{
	GError *error = NULL;
	GPtrArray *sets =
		kvt_target_read(strcmp(fix->target, "/") == 0 ? NULL : fix->target, &error);

	if (sets == NULL)
		return kvt_fail("fix", error);
	add_item(fix, rules, accepted, NULL, sets);
	return finish(fix);
}

static int fix_target(struct kvt_fix *fix)
{
	GError *error = NULL;
	g_autoptr(kvt_rules) rules = kvt_rules_load(&error);
	g_autoptr(GPtrArray) accepted =
		rules != NULL ? kvt_accept_load(KVT_ACCEPT_FILE, true, rules, &error) : NULL;
	const bool machine =
		g_file_test(fix->target, G_FILE_TEST_IS_DIR) && kvt_target_is_machine(fix->target);
	g_autoptr(kvt_root) root =
		accepted != NULL ? kvt_root_open(machine ? fix->target : "/", &error) : NULL;
	g_autoptr(kvt_plan) plan = NULL;

	if (root == NULL)
		return kvt_fail("fix", error);
	for (guint i = 0; i < fix->ids->len; i++)
		if (kvt_rules_find(rules, fix->ids->pdata[i]) == NULL)
			return kvt_usage("fix", "no rule %s", (char *)fix->ids->pdata[i]);
	plan = kvt_plan_new(root, NULL);
	plan->despite_vms = fix->despite_vms;
	fix->plan = plan;
	return machine ? fix_machine(fix, rules, accepted) : fix_definitions(fix, rules, accepted);
}

int cmd_fix(int argc, char **argv)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	g_autoptr(GPtrArray) failed = g_ptr_array_new();
	g_autofree char *script = NULL;
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(item_free);
	struct kvt_fix fix = { .ids = ids, .failed = failed, .items = items, .target = "/" };
	const GOptionEntry entries[] = { { "apply", 0, 0, G_OPTION_ARG_NONE, &fix.apply,
					   "Do it, instead of showing it", NULL },
					 { "script", 0, 0, G_OPTION_ARG_STRING, &script,
					   "Print the plan as a script: shell or ansible", "KIND" },
					 { "despite-vms", 0, 0, G_OPTION_ARG_NONE, &fix.despite_vms,
					   "Switch a host's clock source while VMs run", NULL },
					 KVT_DOMAINS_ENTRY(&fix.uri),
					 G_OPTION_ENTRY_NULL };
	int status, targets = 0;

	if (!kvt_options_parse("fix", "[ID...] [TARGET]", description, entries, &fix.common, &argc,
			       &argv, &status))
		return status;
	for (int i = 1; i < argc; i++)
		if (is_id(argv[i]))
			g_ptr_array_add(ids, argv[i]);
		else
			fix.target = argv[i], targets++;
	if (targets > 1)
		return kvt_usage("fix", "one target at a time");
	if (script != NULL && strcmp(script, "shell") != 0 && strcmp(script, "ansible") != 0)
		return kvt_usage("fix", "--script takes shell or ansible, not '%s'", script);
	if (script != NULL && fix.apply)
		return kvt_usage("fix", "--script prints, --apply does: one of them");
	fix.script = script;
	kvt_domains_setup(fix.uri);
	return fix_target(&fix);
}
