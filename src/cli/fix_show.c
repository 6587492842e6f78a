/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/fix_show.h"

#include <stdio.h>
#include <string.h>

#include "check/accept.h"
#include "cli/json.h"
#include "cli/text.h"

bool kvt_fix_wants(const struct kvt_fix *fix, const char *id)
{
	for (guint i = 0; i < fix->ids->len; i++)
		if (strcmp(fix->ids->pdata[i], id) == 0)
			return true;
	return fix->ids->len == 0;
}

/* ---- text ---- */

static const struct kvt_finding *finding_of(const struct kvt_fix_item *item, const char *id)
{
	return id != NULL ? kvt_judgement_find(item->judgement, id) : NULL;
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

static void show_step(const struct kvt_fix_item *item, const struct kvt_step *step,
		      const char *before)
{
	const struct kvt_finding *finding = finding_of(item, step->id);

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

/* What no remedy is known for. */
static void show_by_hand(const struct kvt_fix *fix, const struct kvt_fix_item *item)
{
	for (guint i = 0; i < item->judgement->found->len; i++) {
		const struct kvt_finding *finding = item->judgement->found->pdata[i];
		g_autofree char *title = kvt_text_printable(finding->title);

		if (finding->rule->fix != NULL || !kvt_fix_wants(fix, finding->rule->id))
			continue;
		printf("%s  %s\n", finding->rule->id, title);
		show_label("by hand", finding->run != NULL ? finding->run : finding->send);
	}
}

static void show_accepted(const struct kvt_fix_item *item)
{
	for (guint i = 0; i < item->judgement->accepted->len; i++) {
		const struct kvt_finding *finding = item->judgement->accepted->pdata[i];
		g_autofree char *text =
			g_strdup_printf("%s  %s (%s)", finding->rule->id, finding->accepted->reason,
					finding->accepted->place);
		g_autofree char *safe = kvt_text_printable(text);

		printf("accepted  %s\n", safe);
	}
}

/* An id that was named and that is no finding here. */
static void show_not_found(const struct kvt_fix *fix, const struct kvt_fix_item *item)
{
	for (guint i = 0; i < fix->ids->len; i++) {
		const struct kvt_finding *finding = finding_of(item, fix->ids->pdata[i]);
		g_autofree char *reason = NULL;

		if (finding == NULL || finding->verdict == KVT_FOUND)
			continue;
		reason = kvt_text_printable(finding->reason != NULL ? finding->reason : "");
		printf("%s  %s here: %s\n", (char *)fix->ids->pdata[i],
		       finding->verdict == KVT_UNDECIDED ? "cannot be decided" : "is not found",
		       reason);
	}
}

static void show_item(const struct kvt_fix *fix, const struct kvt_fix_item *item)
{
	const char *before = NULL;

	if (fix->items->len > 1) {
		g_autofree char *name = kvt_text_printable(item->definition);

		printf("%s%s\n", item == fix->items->pdata[0] ? "" : "\n", name);
	}
	for (guint i = item->first_step; i < item->end_step; i++) {
		const struct kvt_step *step = fix->plan->steps->pdata[i];

		show_step(item, step, before);
		before = step->id;
	}
	show_by_hand(fix, item);
	show_not_found(fix, item);
	show_accepted(item);
}

static void show_diff(const struct kvt_fix *fix)
{
	g_autofree char *diff = kvt_plan_diff(fix->plan);
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

static void show_rest(const struct kvt_fix *fix)
{
	const struct kvt_plan *plan = fix->plan;

	for (guint i = 0; i < plan->switches->len; i++) {
		const struct kvt_switch *change = plan->switches->pdata[i];

		printf("switch   %s: %s -> %s\n", change->path, change->before, change->after);
	}
	for (guint i = 0; i < plan->commands->len; i++)
		printf("%s  %s\n", plan->live ? "run    " : "by hand",
		       ((struct kvt_command *)plan->commands->pdata[i])->run);
	for (guint i = 0; i < plan->same->len; i++)
		printf("same as  %s\n", (char *)plan->same->pdata[i]);
	if (kvt_plan_needs_reboot(plan))
		printf("reboot   needed for the boot line%s\n",
		       fix->number > 0 ? ": mended, waits for it" : "");
}

static void show_outcome(const struct kvt_fix *fix)
{
	const bool other = !kvt_root_is_live(fix->plan->root);

	if (fix->number > 0)
		printf("\nDone as change %u.  kvmtime undo %u%s%s takes it back.\n", fix->number,
		       fix->number, other ? " " : "", other ? fix->target : "");
	else if (fix->apply)
		printf("\nNothing to do.\n");
	else if (!kvt_plan_is_empty(fix->plan))
		printf("\nNothing is changed yet: kvmtime fix --apply\n");
	else
		printf("Nothing to do.\n");
}

void kvt_fix_show_text(const struct kvt_fix *fix)
{
	for (guint i = 0; i < fix->items->len; i++)
		show_item(fix, fix->items->pdata[i]);
	if (fix->plan->changes->len > 0)
		printf("\n");
	show_diff(fix);
	if (fix->plan->switches->len + fix->plan->commands->len + fix->plan->same->len > 0)
		printf("\n");
	show_rest(fix);
	show_outcome(fix);
}

/* ---- JSON ---- */

static void json_step(JsonBuilder *builder, const struct kvt_fix_item *item,
		      const struct kvt_step *step)
{
	const struct kvt_finding *finding = finding_of(item, step->id);

	json_builder_begin_object(builder);
	kvt_json_string(builder, "definition", item->definition);
	kvt_json_string(builder, "id", step->id);
	kvt_json_string(builder, "remedy", step->remedy);
	kvt_json_string(builder, "refused", step->refused);
	kvt_json_bool(builder, "already", step->nothing);
	kvt_json_bool(builder, "edits", step->edits);
	kvt_json_bool(builder, "reboot", step->reboot);
	kvt_json_string(builder, "risk", finding != NULL ? finding->rule->risk : NULL);
	kvt_json_string(builder, "verify", finding != NULL ? finding->rule->verify : NULL);
	json_builder_end_object(builder);
}

static void json_steps(JsonBuilder *builder, const struct kvt_fix *fix)
{
	json_builder_set_member_name(builder, "steps");
	json_builder_begin_array(builder);
	for (guint i = 0; i < fix->items->len; i++) {
		const struct kvt_fix_item *item = fix->items->pdata[i];

		for (guint s = item->first_step; s < item->end_step; s++)
			json_step(builder, item, fix->plan->steps->pdata[s]);
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

void kvt_fix_show_json(const struct kvt_fix *fix)
{
	JsonBuilder *builder = kvt_json_begin("kvmtime.fix/1", fix->target, true);
	const struct kvt_plan *plan = fix->plan;
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
	kvt_json_bool(builder, "applied", fix->number > 0);
	kvt_json_int(builder, "change", fix->number);
	kvt_json_bool(builder, "reboot", kvt_plan_needs_reboot(plan));
	json_steps(builder, fix);
	json_strings(builder, "files", files);
	json_strings(builder, "switches", switches);
	json_strings(builder, "commands", commands);
	json_strings(builder, "same_as", plan->same);
	json_strings(builder, "failed", fix->failed);
	kvt_json_string(builder, "diff", diff);
	kvt_json_end(builder, true);
}
