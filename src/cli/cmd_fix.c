/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime fix: the change that mends what check found, shown first and made with --apply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "check/accept.h"
#include "check/configured.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "fix/plan.h"

static const char description[] =
	"Without an ID everything that check found and that a remedy is known for is planned. TARGET is\n"
	"this machine, the root folder of another (an image, a recorded machine), or a VM definition. There\n"
	"only files are changed, commands are listed. Nothing is changed without --apply; kvmtime undo takes it back.\n"
	"\n"
	"Examples:\n"
	"  kvmtime fix                        what would be done here\n"
	"  kvmtime fix KVT-0201 --apply       do it for one finding\n"
	"  kvmtime fix /mnt/image --apply     in an image\n"
	"  kvmtime fix web1.xml               a mended VM definition, as a diff\n"
	"  kvmtime fix --script ansible       the same as a playbook\n"
	"\n"
	"Exit status: 0 done or nothing to do, 1 something is planned or left to do, 2 usage,\n"
	"3 refused, 4 bad input.\n";

struct request {
	struct kvt_common common;
	gboolean apply, despite_vms;
	char *script;
	GPtrArray *ids; /* borrowed; empty = all */
	const char *target;
	char *definition; /* absolute path of a VM definition, or NULL */
	struct kvt_judgement *judgement;
	struct kvt_plan *plan;
	unsigned number;   /* of the transaction, 0 = none */
	GPtrArray *failed; /* commands that failed */
};

static bool is_id(const char *word)
{
	return g_str_has_prefix(word, "KVT-");
}

static bool is_wanted(const struct request *request, const char *id)
{
	for (guint i = 0; i < request->ids->len; i++)
		if (strcmp(request->ids->pdata[i], id) == 0)
			return true;
	return request->ids->len == 0;
}

/* ---- showing ---- */

static const struct kvt_finding *finding_of(const struct request *request, const char *id)
{
	return id != NULL ? kvt_judgement_find(request->judgement, id) : NULL;
}

static void show_label(const char *label, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	printf("  %-7s ", label);
	{
		g_autofree char *safe = kvt_text_printable(value);

		printf("%s\n", safe);
	}
}

static void show_step(const struct request *request, const struct kvt_step *step,
		      const char *before)
{
	const struct kvt_finding *finding = finding_of(request, step->id);

	if (finding != NULL && g_strcmp0(before, step->id) != 0) {
		g_autofree char *title = kvt_text_printable(finding->title);
		g_autofree char *bold = kvt_text_paint(KVT_BOLD, title);

		printf("%s  %s\n", step->id, bold);
		show_label("risk", finding->rule->risk);
		show_label("verify", finding->rule->verify);
	}
	show_label(step->refused != NULL ? "not" : step->nothing ? "is so" : "do", step->remedy);
	show_label("because", step->refused);
}

static void show_steps(const struct request *request)
{
	const char *before = NULL;

	for (guint i = 0; i < request->plan->steps->len; i++) {
		const struct kvt_step *step = request->plan->steps->pdata[i];

		show_step(request, step, before);
		before = step->id;
	}
	for (guint i = 0; i < request->judgement->found->len; i++) {
		const struct kvt_finding *finding = request->judgement->found->pdata[i];

		if (finding->rule->fix != NULL || !is_wanted(request, finding->rule->id))
			continue;
		{
			g_autofree char *title = kvt_text_printable(finding->title);

			printf("%s  %s\n", finding->rule->id, title);
			show_label("by hand", finding->run != NULL ? finding->run : finding->send);
		}
	}
}

static void show_accepted(const struct request *request)
{
	for (guint i = 0; i < request->judgement->accepted->len; i++) {
		const struct kvt_finding *finding = request->judgement->accepted->pdata[i];
		g_autofree char *text =
			g_strdup_printf("%s  %s (%s)", finding->rule->id, finding->accepted->reason,
					finding->accepted->place);
		g_autofree char *safe = kvt_text_printable(text);

		printf("accepted  %s\n", safe);
	}
}

static void show_diff(const struct request *request)
{
	g_autofree char *diff = kvt_plan_diff(request->plan);
	g_auto(GStrv) lines = g_strsplit(diff, "\n", -1);

	for (guint i = 0; lines[i] != NULL && (lines[i][0] != '\0' || lines[i + 1] != NULL); i++) {
		g_autofree char *safe = kvt_text_printable(lines[i]);
		const char kind = lines[i][0];
		g_autofree char *painted = kvt_text_paint(kind == '+'   ? KVT_GREEN
							  : kind == '-' ? KVT_RED
							  : kind == '@' ? KVT_CYAN
									: KVT_PLAIN,
							  safe);

		printf("%s\n", painted);
	}
}

static void show_rest(const struct request *request)
{
	const struct kvt_plan *plan = request->plan;

	for (guint i = 0; i < plan->switches->len; i++) {
		const struct kvt_switch *change = plan->switches->pdata[i];

		printf("switch   %s: %s -> %s\n", change->path, change->before, change->after);
	}
	for (guint i = 0; i < plan->commands->len; i++)
		printf("%s  %s\n", plan->live ? "run    " : "by hand",
		       ((struct kvt_command *)plan->commands->pdata[i])->run);
	if (kvt_plan_needs_reboot(plan))
		printf("reboot   needed for the boot line%s\n",
		       request->number > 0 ? ": mended, waits for it" : "");
}

static void show_outcome(const struct request *request)
{
	if (request->number > 0)
		printf("\nDone as change %u.  kvmtime undo %u%s%s takes it back.\n",
		       request->number, request->number, request->plan->live ? "" : " ",
		       request->plan->live ? "" : request->target);
	else if (request->apply)
		printf("\nNothing to do.\n");
	else if (!kvt_plan_is_empty(request->plan))
		printf("\nNothing is changed yet: kvmtime fix --apply\n");
	else
		printf("Nothing to do.\n");
}

static void show_text(const struct request *request)
{
	show_steps(request);
	show_accepted(request);
	if (request->plan->changes->len > 0)
		printf("\n");
	show_diff(request);
	if (request->plan->switches->len + request->plan->commands->len > 0)
		printf("\n");
	show_rest(request);
	show_outcome(request);
}

/* ---- JSON ---- */

static void json_steps(JsonBuilder *builder, const struct request *request)
{
	json_builder_set_member_name(builder, "steps");
	json_builder_begin_array(builder);
	for (guint i = 0; i < request->plan->steps->len; i++) {
		const struct kvt_step *step = request->plan->steps->pdata[i];
		const struct kvt_finding *finding = finding_of(request, step->id);

		json_builder_begin_object(builder);
		kvt_json_string(builder, "id", step->id);
		kvt_json_string(builder, "remedy", step->remedy);
		kvt_json_string(builder, "refused", step->refused);
		kvt_json_bool(builder, "already", step->nothing);
		kvt_json_bool(builder, "reboot", step->reboot);
		kvt_json_string(builder, "risk", finding != NULL ? finding->rule->risk : NULL);
		kvt_json_string(builder, "verify", finding != NULL ? finding->rule->verify : NULL);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void json_strings(JsonBuilder *builder, const char *name, GPtrArray *strings)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
	for (guint i = 0; i < strings->len; i++) {
		g_autofree char *valid = g_utf8_make_valid(strings->pdata[i], -1);

		json_builder_add_string_value(builder, valid);
	}
	json_builder_end_array(builder);
}

static void show_json(const struct request *request)
{
	JsonBuilder *builder = kvt_json_begin("kvmtime.fix/1", request->target, true);
	const struct kvt_plan *plan = request->plan;
	g_autoptr(GPtrArray) files = g_ptr_array_new();
	g_autoptr(GPtrArray) commands = g_ptr_array_new();
	g_autoptr(GPtrArray) switches = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *diff = kvt_plan_diff(plan);

	for (guint i = 0; i < plan->changes->len; i++)
		g_ptr_array_add(files, ((struct kvt_change *)plan->changes->pdata[i])->path);
	for (guint i = 0; i < plan->commands->len; i++)
		g_ptr_array_add(commands, ((struct kvt_command *)plan->commands->pdata[i])->run);
	for (guint i = 0; i < plan->switches->len; i++) {
		const struct kvt_switch *change = plan->switches->pdata[i];

		g_ptr_array_add(switches, g_strdup_printf("%s=%s", change->path, change->after));
	}
	kvt_json_bool(builder, "applied", request->number > 0);
	kvt_json_int(builder, "change", request->number);
	kvt_json_bool(builder, "reboot", kvt_plan_needs_reboot(plan));
	json_steps(builder, request);
	json_strings(builder, "files", files);
	json_strings(builder, "switches", switches);
	json_strings(builder, "commands", commands);
	json_strings(builder, "failed", request->failed);
	kvt_json_string(builder, "diff", diff);
	kvt_json_end(builder, true);
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

static void run_commands(struct request *request)
{
	for (guint i = 0; request->plan->live && i < request->plan->commands->len; i++) {
		const struct kvt_command *command = request->plan->commands->pdata[i];

		kvt_text_progress(command->run);
		if (!run_command(command->run))
			g_ptr_array_add(request->failed, command->run);
		kvt_text_progress(NULL);
	}
}

static bool apply(struct request *request, GError **error)
{
	const struct kvt_plan *plan = request->plan;
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
			       (const char *const *)commands->pdata, &request->number, error))
		return false;
	run_commands(request);
	return true;
}

static void plan_findings(struct request *request)
{
	for (guint i = 0; i < request->judgement->found->len; i++) {
		const struct kvt_finding *finding = request->judgement->found->pdata[i];

		if (finding->rule->fix != NULL && is_wanted(request, finding->rule->id))
			kvt_plan_add(request->plan, finding->rule->id, finding->rule->fix);
	}
}

static int status_of(const struct request *request)
{
	if (request->failed->len > 0)
		return KVT_STATUS_REFUSED;
	for (guint i = 0; i < request->plan->steps->len; i++)
		if (((struct kvt_step *)request->plan->steps->pdata[i])->refused != NULL)
			return KVT_STATUS_FOUND;
	return request->number == 0 && !kvt_plan_is_empty(request->plan) ? KVT_STATUS_FOUND
									 : KVT_STATUS_OK;
}

static int finish(struct request *request)
{
	GError *error = NULL;

	if (request->apply &&
	    request->plan->changes->len + request->plan->switches->len +
			    (request->plan->live ? request->plan->commands->len : 0) >
		    0 &&
	    !apply(request, &error))
		return kvt_fail("fix", error);
	if (request->script != NULL) {
		g_autofree char *script = strcmp(request->script, "shell") == 0
						  ? kvt_plan_shell(request->plan)
						  : kvt_plan_ansible(request->plan);

		printf("%s", script);
		return KVT_STATUS_OK;
	}
	if (request->common.json)
		show_json(request);
	else if (!request->common.quiet)
		show_text(request);
	for (guint i = 0; i < request->failed->len; i++)
		fprintf(stderr, "kvmtime fix: failed: %s\n", (char *)request->failed->pdata[i]);
	return status_of(request);
}

/* What this machine's own file accepts is left alone unless its id is named. */
static GPtrArray *leave_accepted(const struct request *request, const struct kvt_rules *rules,
				 struct kvt_judgement *judgement, GError **error)
{
	GPtrArray *accepted = kvt_accept_load(KVT_ACCEPT_FILE, true, rules, error);
	g_autofree char *today = kvt_accept_today();

	if (accepted != NULL && strcmp(request->target, "/") == 0 && request->ids->len == 0)
		kvt_accept_apply(accepted, today, judgement);
	return accepted;
}

static int fix_set(struct request *request, const struct kvt_rules *rules,
		   const struct kvt_facts *facts)
{
	/* an image that does not run is judged by its files */
	g_autoptr(kvt_facts) filled = kvt_facts_as_configured(facts, true);
	g_autoptr(GPtrArray) accepted = NULL;
	g_autoptr(kvt_judgement) judgement = kvt_judge(rules, filled);
	GError *error = NULL;
	g_autoptr(kvt_root) root =
		kvt_root_open(request->definition != NULL ? "/" : request->target, &error);
	g_autoptr(kvt_plan) plan = NULL;

	if (root == NULL)
		return kvt_fail("fix", error);
	for (guint i = 0; i < request->ids->len; i++)
		if (kvt_rules_find(rules, request->ids->pdata[i]) == NULL)
			return kvt_usage("fix", "no rule %s", (char *)request->ids->pdata[i]);
	plan = kvt_plan_new(root, facts);
	plan->despite_vms = request->despite_vms;
	plan->definition = request->definition;
	if (plan->definition != NULL && (kvt_facts_roles(facts) & KVT_VM) == 0)
		return kvt_usage("fix", "%s is neither a folder nor a VM definition",
				 request->target);
	accepted = leave_accepted(request, rules, judgement, &error);
	if (accepted == NULL)
		return kvt_fail("fix", error);
	request->judgement = judgement;
	request->plan = plan;
	plan_findings(request);
	return finish(request);
}

static int fix_target(struct request *request)
{
	GError *error = NULL;
	g_autoptr(kvt_rules) rules = kvt_rules_load(&error);
	g_autoptr(GPtrArray) sets = NULL;
	const bool here = strcmp(request->target, "/") == 0;

	if (rules == NULL)
		return kvt_fail("fix", error);
	if (!here && !g_file_test(request->target, G_FILE_TEST_IS_DIR)) {
		request->definition = realpath(request->target, NULL);
		if (request->definition == NULL) {
			kvt_error_errno(&error, request->target, errno);
			return kvt_fail("fix", error);
		}
	}
	sets = kvt_target_read(here ? NULL : request->target, &error);
	if (sets == NULL)
		return kvt_fail("fix", error);
	return fix_set(request, rules, sets->pdata[0]);
}

int cmd_fix(int argc, char **argv)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	g_autoptr(GPtrArray) failed = g_ptr_array_new();
	g_autofree char *script = NULL;
	struct request request = { .ids = ids, .failed = failed, .target = "/" };
	const GOptionEntry entries[] = { { "apply", 0, 0, G_OPTION_ARG_NONE, &request.apply,
					   "Do it, instead of showing it", NULL },
					 { "script", 0, 0, G_OPTION_ARG_STRING, &script,
					   "Print the plan as a script: shell or ansible", "KIND" },
					 { "despite-vms", 0, 0, G_OPTION_ARG_NONE,
					   &request.despite_vms,
					   "Switch a host's clock source while VMs run", NULL },
					 G_OPTION_ENTRY_NULL };
	int status, targets = 0;

	if (!kvt_options_parse("fix", "[ID...] [TARGET]", description, entries, &request.common,
			       &argc, &argv, &status))
		return status;
	for (int i = 1; i < argc; i++)
		if (is_id(argv[i]))
			g_ptr_array_add(ids, argv[i]);
		else
			request.target = argv[i], targets++;
	if (targets > 1)
		return kvt_usage("fix", "one target at a time");
	if (script != NULL && strcmp(script, "shell") != 0 && strcmp(script, "ansible") != 0)
		return kvt_usage("fix", "--script takes shell or ansible, not '%s'", script);
	if (script != NULL && request.apply)
		return kvt_usage("fix", "--script prints, --apply does: one of them");
	request.script = script;
	status = fix_target(&request);
	free(request.definition);
	return status;
}
