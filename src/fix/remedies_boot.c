/* SPDX-License-Identifier: BSD-2-Clause */
/* Words on the boot line, in every file that a boot loader takes them from. */
#include <string.h>

#include "fix/boot.h"
#include "fix/remedy.h"
#include "fix/settings.h"
#include "sys/error.h"

typedef char *(*file_edit)(const char *text, const struct kvt_word_op *ops, gsize count,
			   GError **error);

static bool edit_file(struct kvt_plan *plan, const char *path, file_edit edit,
		      const struct kvt_word_op *ops, gsize count, GError **error)
{
	g_autofree char *text = kvt_plan_text(plan, path, error);
	char *edited = text != NULL ? edit(text, ops, count, error) : NULL;

	if (edited == NULL) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	kvt_plan_put(plan, path, edited);
	return true;
}

static bool edit_legacy(struct kvt_plan *plan, const struct kvt_word_op *ops, gsize count,
			bool *done, GError **error)
{
	static const char *const paths[] = { "/boot/grub/grub.conf", "/boot/grub/menu.lst", NULL };
	const char *path = kvt_plan_first(plan, paths); /* one is usually a link to the other */

	if (path == NULL)
		return true;
	*done = true;
	return edit_file(plan, path, kvt_grub_legacy_edit, ops, count, error);
}

/* GRUB 2's defaults: a later file's assignment wins, so that words are added to the last one. */
static bool edit_defaults(struct kvt_plan *plan, const struct kvt_word_op *ops, gsize count,
			  bool *done, GError **error)
{
	static const char *const names[] = { "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT" };
	g_autoptr(GPtrArray) more = kvt_root_list(plan->root, "/etc/default/grub.d");
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	guint last = 0;

	if (!kvt_plan_has(plan, "/etc/default/grub"))
		return true;
	g_ptr_array_add(paths, g_strdup("/etc/default/grub"));
	for (guint i = 0; more != NULL && i < more->len; i++)
		if (g_str_has_suffix(more->pdata[i], ".cfg"))
			g_ptr_array_add(paths,
					g_strconcat("/etc/default/grub.d/", more->pdata[i], NULL));
	for (guint i = 1; i < paths->len; i++) {
		g_autofree char *text = kvt_plan_text(plan, paths->pdata[i], NULL);

		if (text != NULL && kvt_shell_assigns(text, names[0]))
			last = i;
	}
	for (guint i = 0; i < paths->len; i++)
		for (guint n = 0; n < G_N_ELEMENTS(names); n++) {
			g_autofree char *text = kvt_plan_text(plan, paths->pdata[i], error);
			char *edited = text == NULL ? NULL
						    : kvt_shell_words(text, names[n], ops, count,
								      n == 0 && i == last, error);

			if (edited == NULL) {
				g_prefix_error(error, "%s: ", (char *)paths->pdata[i]);
				return false;
			}
			kvt_plan_put(plan, paths->pdata[i], edited);
		}
	*done = true;
	return true;
}

static bool edit_environment(struct kvt_plan *plan, const struct kvt_word_op *ops, gsize count,
			     GError **error)
{
	static const char *const paths[] = { "/boot/grub2/grubenv", "/boot/grub/grubenv", NULL };
	const char *path = kvt_plan_first(plan, paths);

	if (path == NULL)
		return kvt_remedy_refuse(error,
					 "loader entries use $kernelopts, but there is no grubenv");
	return edit_file(plan, path, kvt_grubenv_edit, ops, count, error);
}

static bool edit_entry(struct kvt_plan *plan, const char *path, const struct kvt_word_op *ops,
		       gsize count, GError **error)
{
	g_autofree char *text = kvt_plan_text(plan, path, error);
	bool uses_env = false;
	char *edited =
		text != NULL ? kvt_loader_entry_edit(text, ops, count, &uses_env, error) : NULL;

	if (edited == NULL) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	kvt_plan_put(plan, path, edited);
	return !uses_env || edit_environment(plan, ops, count, error);
}

static bool edit_entries(struct kvt_plan *plan, const struct kvt_word_op *ops, gsize count,
			 bool *done, GError **error)
{
	static const char folder[] = "/boot/loader/entries";
	g_autoptr(GPtrArray) names = kvt_root_list(plan->root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);

		if (!g_str_has_suffix(path, ".conf"))
			continue;
		if (!edit_entry(plan, path, ops, count, error))
			return false;
		*done = true;
	}
	return true;
}

/* Entries are read at boot as they are; a generated grub.cfg has to be made anew. */
static void make_grub_cfg(struct kvt_plan *plan)
{
	static const char *const efi[] = { "/boot/efi/EFI/redhat/grub.cfg",
					   "/boot/efi/EFI/centos/grub.cfg", NULL };
	const char *path = kvt_plan_first(plan, efi);

	if (kvt_plan_is_debian(plan))
		kvt_plan_run(plan, true, "update-grub");
	else
		kvt_plan_run(plan, true, "grub2-mkconfig -o %s",
			     path != NULL ? path : "/boot/grub2/grub.cfg");
}

/* What the distribution's own tool would be told. */
static char *grubby(const struct kvt_word_op *ops, gsize count)
{
	GString *line = g_string_new("grubby --update-kernel=ALL");

	for (gsize i = 0; i < count; i++) {
		g_autofree char *quoted = g_shell_quote(ops[i].word);

		g_string_append_printf(line, " --%s=%s", ops[i].add ? "args" : "remove-args",
				       quoted);
	}
	return g_string_free(line, FALSE);
}

static bool has_grubby(const struct kvt_plan *plan)
{
	static const char *const paths[] = { "/usr/sbin/grubby", "/sbin/grubby", NULL };

	return kvt_plan_first(plan, paths) != NULL;
}

/*
 * The files are edited all the same where grubby is there: only so can they be taken back. It is
 * named beside the plan, and run where the boot loader keeps its lines in files unknown here.
 */
static bool edit_by_grubby(struct kvt_plan *plan, const char *line, GError **error)
{
	if (!has_grubby(plan))
		return kvt_remedy_refuse(
			error,
			"no boot loader's file that is known here; the words stand to be edited "
			"by hand");
	kvt_plan_run(plan, false, "%s", line);
	return true;
}

static bool edit_boot(struct kvt_plan *plan, const struct kvt_word_op *ops, gsize count,
		      GError **error)
{
	const guint before = plan->changes->len;
	g_autofree char *line = grubby(ops, count);
	bool legacy = false, defaults = false, entries = false;

	if (!edit_legacy(plan, ops, count, &legacy, error) ||
	    !edit_defaults(plan, ops, count, &defaults, error) ||
	    !edit_entries(plan, ops, count, &entries, error))
		return false;
	if (kvt_plan_has(plan, "/etc/kernel/cmdline")) {
		if (!edit_file(plan, "/etc/kernel/cmdline", kvt_cmdline_file_edit, ops, count,
			       error))
			return false;
		entries = true;
	}
	if (!legacy && !defaults && !entries)
		return edit_by_grubby(plan, line, error);
	if (has_grubby(plan) && (legacy || entries))
		kvt_plan_same(plan, line);
	if (defaults && !entries && plan->changes->len > before)
		make_grub_cfg(plan);
	return true;
}

static bool add_word(struct kvt_plan *plan, const char *word, GError **error)
{
	const struct kvt_word_op op = { true, word };

	if (!plan->kernel_known)
		return kvt_remedy_refuse(
			error, "which kernel boots here is unknown, so no boot word is added");
	return kvt_words_check(word, &plan->kernel, error) && edit_boot(plan, &op, 1, error);
}

bool kvt_remedy_boot_add(struct kvt_plan *plan, char **args, GError **error)
{
	return add_word(plan, args[0], error);
}

/* intel_idle goes by its own limit; with 0 it leaves the CPUs to the ACPI driver, which has one. */
bool kvt_remedy_limit_idle(struct kvt_plan *plan, char **args, GError **error)
{
	const char *driver =
		plan->facts != NULL ? kvt_facts_text(plan->facts, "cpuidle.driver", "") : "";

	(void)args;
	return add_word(plan, "processor.max_cstate=1", error) &&
	       (strcmp(driver, "intel_idle") != 0 ||
		add_word(plan, "intel_idle.max_cstate=0", error));
}

bool kvt_remedy_boot_remove(struct kvt_plan *plan, char **args, GError **error)
{
	struct kvt_word_op ops[16];
	gsize count = 0;

	for (; args[count] != NULL && count < G_N_ELEMENTS(ops); count++)
		ops[count] = (struct kvt_word_op){ false, args[count] };
	return edit_boot(plan, ops, count, error);
}
