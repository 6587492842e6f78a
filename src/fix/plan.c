/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/plan.h"

#include <string.h>

#include "fix/diff.h"
#include "fix/domain.h"
#include "fix/settings.h"
#include "sys/error.h"

static void command_free(struct kvt_command *command)
{
	g_free(command->run);
	g_free(command);
}

static void step_free(struct kvt_step *step)
{
	g_free(step->id);
	g_free(step->remedy);
	g_free(step->refused);
	g_free(step);
}

static void find_kernel(struct kvt_plan *plan)
{
	const char *release, *arch;

	if (plan->facts == NULL)
		return;
	release = kvt_facts_text(plan->facts, "kernel.release", NULL);
	arch = kvt_facts_text(plan->facts, "kernel.arch", NULL);
	plan->kernel_known = kvt_kernel_parse(release, arch, &plan->kernel);
}

struct kvt_plan *kvt_plan_new(const struct kvt_root *root, const struct kvt_facts *facts)
{
	struct kvt_plan *plan = g_new0(struct kvt_plan, 1);

	plan->root = root;
	plan->live = kvt_root_is_live(root);
	plan->changes = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free);
	plan->switches = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_switch_free);
	plan->commands = g_ptr_array_new_with_free_func((GDestroyNotify)command_free);
	plan->same = g_ptr_array_new_with_free_func(g_free);
	plan->steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
	kvt_plan_about(plan, facts, NULL);
	return plan;
}

void kvt_plan_about(struct kvt_plan *plan, const struct kvt_facts *facts, const char *definition)
{
	plan->facts = facts;
	plan->definition = definition;
	find_kernel(plan);
}

void kvt_plan_free(struct kvt_plan *plan)
{
	if (plan == NULL)
		return;
	g_ptr_array_unref(plan->changes);
	g_ptr_array_unref(plan->switches);
	g_ptr_array_unref(plan->commands);
	g_ptr_array_unref(plan->same);
	g_ptr_array_unref(plan->steps);
	g_free(plan);
}

/* ---- files ---- */

static struct kvt_change *find_change(const struct kvt_plan *plan, const char *path)
{
	for (guint i = 0; i < plan->changes->len; i++) {
		struct kvt_change *change = plan->changes->pdata[i];

		if (strcmp(change->path, path) == 0)
			return change;
	}
	return NULL;
}

static char *text_of(GBytes *bytes)
{
	gsize len;
	const char *data = bytes != NULL ? g_bytes_get_data(bytes, &len) : NULL;

	return data != NULL ? g_strndup(data, len) : bytes != NULL ? g_strdup("") : NULL;
}

char *kvt_plan_text(struct kvt_plan *plan, const char *path, GError **error)
{
	const struct kvt_change *change = find_change(plan, path);
	g_autofree char *text = NULL;
	gsize len;

	if (change != NULL)
		return text_of(change->after);
	if (kvt_domain_is(path))
		return kvt_domain_read(path, error);
	if (!kvt_root_exists(plan->root, path))
		return NULL;
	text = kvt_root_read(plan->root, path, KVT_ROOT_FILE_LIMIT, &len, error);
	if (text != NULL && strlen(text) != len) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: holds NUL bytes, no text",
			    path);
		return NULL;
	}
	return g_steal_pointer(&text);
}

void kvt_plan_put(struct kvt_plan *plan, const char *path, char *text)
{
	g_autoptr(GBytes) after = g_bytes_new_take(text, strlen(text));
	g_autofree char *old = kvt_domain_is(path) ? kvt_domain_read(path, NULL)
						   : kvt_root_read(plan->root, path,
								   KVT_ROOT_FILE_LIMIT, NULL, NULL);
	struct kvt_change *change = find_change(plan, path);

	if (change == NULL) {
		g_autoptr(GBytes) before = old != NULL ? g_bytes_new(old, strlen(old)) : NULL;

		if (before != NULL && g_bytes_equal(before, after))
			return;
		g_ptr_array_add(plan->changes, kvt_change_new(path, before, after));
	} else {
		g_bytes_unref(change->after);
		change->after = g_bytes_ref(after);
		if (change->before != NULL && g_bytes_equal(change->before, after))
			g_ptr_array_remove(plan->changes, change);
	}
}

void kvt_plan_switch(struct kvt_plan *plan, const char *path, const char *value)
{
	g_autofree char *now = kvt_root_line(plan->root, path);

	if (now != NULL && strcmp(now, value) != 0)
		g_ptr_array_add(plan->switches, kvt_switch_new(path, now, value));
}

void kvt_plan_run(struct kvt_plan *plan, bool again, const char *format, ...)
{
	struct kvt_command *command = g_new0(struct kvt_command, 1);
	va_list arguments;

	va_start(arguments, format);
	command->run = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	command->again = again;
	for (guint i = 0; i < plan->commands->len; i++)
		if (strcmp(((struct kvt_command *)plan->commands->pdata[i])->run, command->run) ==
		    0) {
			command_free(command);
			return;
		}
	g_ptr_array_add(plan->commands, command);
}

void kvt_plan_same(struct kvt_plan *plan, const char *line)
{
	if (!g_ptr_array_find_with_equal_func(plan->same, line, g_str_equal, NULL))
		g_ptr_array_add(plan->same, g_strdup(line));
}

/* ---- steps ---- */

/* What a remedy that fails half way must not leave behind. */
struct saved {
	GPtrArray *changes;
	guint switches, commands, same;
};

static struct saved save(const struct kvt_plan *plan)
{
	struct saved saved = {
		.changes = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_change_free),
		.switches = plan->switches->len,
		.commands = plan->commands->len,
		.same = plan->same->len,
	};

	for (guint i = 0; i < plan->changes->len; i++) {
		const struct kvt_change *change = plan->changes->pdata[i];

		g_ptr_array_add(saved.changes,
				kvt_change_new(change->path, change->before, change->after));
	}
	return saved;
}

static bool same_files(const struct kvt_plan *plan, const struct saved *saved)
{
	bool equal = saved->changes->len == plan->changes->len;

	for (guint i = 0; equal && i < plan->changes->len; i++) {
		const struct kvt_change *a = plan->changes->pdata[i], *b = saved->changes->pdata[i];

		equal = g_bytes_equal(a->after, b->after);
	}
	return equal;
}

static bool saved_equal(const struct kvt_plan *plan, const struct saved *saved)
{
	return same_files(plan, saved) && saved->switches == plan->switches->len &&
	       saved->commands == plan->commands->len;
}

static void go_back(struct kvt_plan *plan, struct saved *saved)
{
	g_ptr_array_unref(plan->changes);
	plan->changes = g_ptr_array_ref(saved->changes);
	g_ptr_array_set_size(plan->switches, (gint)saved->switches);
	g_ptr_array_set_size(plan->commands, (gint)saved->commands);
	g_ptr_array_set_size(plan->same, (gint)saved->same);
}

static const struct kvt_remedy *find_remedy(char **words, GError **error)
{
	const guint args = g_strv_length(words) - 1;

	for (const struct kvt_remedy *remedy = kvt_remedies(); remedy->name != NULL; remedy++) {
		if (strcmp(remedy->name, words[0]) != 0)
			continue;
		if (args >= remedy->min_args && args <= remedy->max_args)
			return remedy;
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: %u arguments do not fit",
			    words[0], args);
		return NULL;
	}
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "no remedy '%s'", words[0]);
	return NULL;
}

static char **split_words(const char *text)
{
	GPtrArray *words = kvt_words_parse(text);

	g_ptr_array_set_free_func(words, NULL);
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

static void add_one(struct kvt_plan *plan, const char *id, const char *text)
{
	g_auto(GStrv) words = split_words(text);
	g_autoptr(GError) error = NULL;
	const struct kvt_remedy *remedy;
	struct kvt_step *step;
	struct saved saved;

	if (words[0] == NULL)
		return;
	step = g_new0(struct kvt_step, 1);
	step->id = g_strdup(id);
	step->remedy = g_strjoinv(" ", words);
	g_ptr_array_add(plan->steps, step);
	saved = save(plan);
	remedy = find_remedy(words, &error);
	if (remedy == NULL || !remedy->run(plan, words + 1, &error)) {
		go_back(plan, &saved);
		step->refused = g_strdup(error->message);
	} else if (saved_equal(plan, &saved)) {
		step->nothing = true;
		g_ptr_array_set_size(plan->same, (gint)saved.same);
	} else {
		step->reboot = remedy->reboot;
		step->edits = !same_files(plan, &saved);
	}
	g_ptr_array_unref(saved.changes);
}

void kvt_plan_add(struct kvt_plan *plan, const char *id, const char *fix)
{
	g_auto(GStrv) remedies = g_strsplit(fix, ";", -1);

	for (guint i = 0; remedies[i] != NULL; i++)
		add_one(plan, id, remedies[i]);
}

bool kvt_remedy_check(const char *fix, GError **error)
{
	g_auto(GStrv) remedies = g_strsplit(fix, ";", -1);

	for (guint i = 0; remedies[i] != NULL; i++) {
		g_auto(GStrv) words = split_words(remedies[i]);

		if (words[0] != NULL && find_remedy(words, error) == NULL)
			return false;
	}
	return true;
}

bool kvt_plan_is_empty(const struct kvt_plan *plan)
{
	return plan->changes->len == 0 && plan->switches->len == 0 && plan->commands->len == 0;
}

bool kvt_plan_needs_reboot(const struct kvt_plan *plan)
{
	for (guint i = 0; i < plan->steps->len; i++)
		if (((struct kvt_step *)plan->steps->pdata[i])->reboot)
			return true;
	return false;
}

char *kvt_plan_diff(const struct kvt_plan *plan)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < plan->changes->len; i++) {
		const struct kvt_change *change = plan->changes->pdata[i];
		g_autofree char *before = text_of(change->before);
		g_autofree char *after = text_of(change->after);
		g_autofree char *diff = kvt_diff(change->path + 1, before, after);

		g_string_append(out, diff);
	}
	return g_string_free(out, FALSE);
}
