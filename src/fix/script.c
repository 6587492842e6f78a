/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan for people who may not run tools on their hosts: a shell script, an Ansible playbook. */
#include <string.h>

#include "fix/domain.h"
#include "fix/plan.h"
#include "fix/store.h"

static char *string_of(GBytes *bytes)
{
	gsize len;
	const char *data = g_bytes_get_data(bytes, &len);

	return g_strndup(data != NULL ? data : "", len);
}

/* A definition that libvirt keeps. */
static char *define_command(const struct kvt_change *change)
{
	g_autofree char *text = string_of(change->after);
	g_autofree char *quoted = g_shell_quote(text);

	return g_strdup_printf("printf %%s %s | virsh define /dev/stdin", quoted);
}

/* ---- shell ---- */

static void shell_file(GString *out, const struct kvt_change *change)
{
	g_autofree char *path = g_shell_quote(change->path);
	g_autofree char *sum = kvt_store_checksum(change->before);
	g_autofree char *text = string_of(change->after);
	g_autofree char *quoted = g_shell_quote(text);

	if (change->before != NULL) {
		g_string_append_printf(out,
				       "printf '%%s  %%s\\n' %s %s | sha256sum -c - >/dev/null ||\n"
				       "\tstop %s 'was changed since this script was made'\n",
				       sum, path, path);
		g_string_append_printf(out, "cp -p %s %s.kvmtime-before\n", path, path);
	} else {
		g_autofree char *folder = g_path_get_dirname(change->path);
		g_autofree char *quoted_folder = g_shell_quote(folder);

		g_string_append_printf(out, "[ ! -e %s ] || stop %s 'is there already'\n", path,
				       path);
		g_string_append_printf(out, "mkdir -p %s\n", quoted_folder);
	}
	g_string_append_printf(out, "printf %%s %s >%s\n\n", quoted, path);
}

static void shell_change(GString *out, const struct kvt_change *change)
{
	g_autofree char *command = kvt_domain_is(change->path) ? define_command(change) : NULL;

	if (command != NULL)
		g_string_append_printf(out, "%s\n\n", command);
	else
		shell_file(out, change);
}

static void shell_switch(GString *out, const struct kvt_switch *change)
{
	g_autofree char *path = g_shell_quote(change->path);
	g_autofree char *value = g_shell_quote(change->after);

	g_string_append_printf(out, "echo %s >%s\n", value, path);
	g_string_append_printf(out,
			       "[ \"$(cat %s)\" = %s ] || stop %s 'did not take the value'\n\n",
			       path, value, path);
}

char *kvt_plan_shell(const struct kvt_plan *plan)
{
	GString *out = g_string_new(
		"#!/bin/sh\n"
		"# Made by kvmtime fix --script shell; read it before you run it as root.\n"
		"set -eu\n"
		"stop() { echo \"$1 $2; nothing more is done\" >&2; exit 1; }\n\n");

	for (guint i = 0; i < plan->changes->len; i++)
		shell_change(out, plan->changes->pdata[i]);
	for (guint i = 0; i < plan->switches->len; i++)
		shell_switch(out, plan->switches->pdata[i]);
	for (guint i = 0; i < plan->commands->len; i++)
		g_string_append_printf(out, "%s\n",
				       ((struct kvt_command *)plan->commands->pdata[i])->run);
	if (kvt_plan_needs_reboot(plan))
		g_string_append(out, "echo 'A reboot is needed for some of it.'\n");
	return g_string_free(out, FALSE);
}

/* ---- Ansible: every string is in double quotes, as JSON has them, which YAML reads ---- */

static char *yaml(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new("\"");

	for (const char *c = valid; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_printf(out, "\\%c", *c);
		else if (*c == '\n')
			g_string_append(out, "\\n");
		else if ((unsigned char)*c < 0x20)
			g_string_append_printf(out, "\\u%04x", (unsigned char)*c);
		else
			g_string_append_c(out, *c);
	}
	g_string_append_c(out, '"');
	return g_string_free(out, FALSE);
}

/* Text that Ansible must not take for a template. */
static char *yaml_raw(const char *text)
{
	g_autofree char *quoted = yaml(text);

	return g_strconcat("!unsafe ", quoted, NULL);
}

static void ansible_folder(GString *out, const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *quoted = yaml(folder);

	g_string_append_printf(out,
			       "    - name: \"Make the folder of a new file\"\n"
			       "      ansible.builtin.file:\n        path: %s\n"
			       "        state: directory\n",
			       quoted);
}

static void ansible_file(GString *out, const struct kvt_change *change, guint k)
{
	g_autofree char *path = yaml(change->path);
	g_autofree char *name_before =
		g_strconcat(change->path, " is as it was when the plan was made", NULL);
	g_autofree char *name_write = g_strconcat("Write ", change->path, NULL);
	g_autofree char *before_title = yaml(name_before);
	g_autofree char *write_title = yaml(name_write);
	g_autofree char *before = kvt_store_checksum(change->before);
	g_autofree char *after = kvt_store_checksum(change->after);
	g_autofree char *text = string_of(change->after);
	g_autofree char *content = yaml_raw(text);

	g_string_append_printf(out,
			       "    - name: \"Look at file %u\"\n      ansible.builtin.stat:\n"
			       "        path: %s\n        checksum_algorithm: sha256\n"
			       "      register: kvmtime_file_%u\n",
			       k + 1, path, k + 1);
	g_string_append_printf(
		out,
		"    - name: %s\n      ansible.builtin.assert:\n        that: >-\n"
		"          (kvmtime_file_%u.stat.checksum | default('absent')) in ['%s', '%s']\n",
		before_title, k + 1, before, after);
	if (change->before == NULL)
		ansible_folder(out, change->path);
	/* without a mode an old file keeps its own, with its owner and label */
	g_string_append_printf(
		out,
		"    - name: %s\n      ansible.builtin.copy:\n        dest: %s\n"
		"        content: %s\n        %s\n      register: kvmtime_write_%u\n",
		write_title, path, content,
		change->before != NULL ? "backup: true" : "mode: \"0644\"", k + 1);
}

/* "when: kvmtime_write_1 is changed or ...": commands belong to the files; none = always */
static void ansible_when(GString *out, guint files)
{
	for (guint i = 0; i < files; i++)
		g_string_append_printf(
			out, "%s(kvmtime_write_%u | default({'changed': true})) is changed",
			i == 0 ? "      when: >-\n          " : " or ", i + 1);
	if (files > 0)
		g_string_append_c(out, '\n');
}

static void ansible_shell(GString *out, const char *name, const char *command)
{
	g_autofree char *title = yaml_raw(name);
	g_autofree char *text = yaml_raw(command);

	g_string_append_printf(out,
			       "    - name: %s\n      ansible.builtin.shell:\n        cmd: %s\n",
			       title, text);
}

/* What only says something changes nothing. */
static void ansible_command(GString *out, const char *command, guint files)
{
	if (g_str_has_prefix(command, ": ")) {
		g_autofree char *text = yaml_raw(command + 2);

		g_string_append_printf(out,
				       "    - name: %s\n      ansible.builtin.debug:\n"
				       "        msg: %s\n",
				       text, text);
		return;
	}
	ansible_shell(out, command, command);
	ansible_when(out, files);
}

static void ansible_change(GString *out, const struct kvt_change *change, guint k)
{
	g_autofree char *command = kvt_domain_is(change->path) ? define_command(change) : NULL;
	g_autofree char *name = g_strconcat("Redefine ", change->path, NULL);

	if (command != NULL)
		ansible_shell(out, name, command);
	else
		ansible_file(out, change, k);
}

static void ansible_switch(GString *out, const struct kvt_switch *change)
{
	g_autofree char *path = g_shell_quote(change->path);
	g_autofree char *value = g_shell_quote(change->after);
	g_autofree char *name = g_strdup_printf("Set %s to %s", change->path, change->after);
	g_autofree char *command = g_strdup_printf(
		"test \"$(cat %s)\" = %s || { echo %s >%s && test \"$(cat %s)\" = %s "
		"&& echo switched; }",
		path, value, value, path, path, value);

	ansible_shell(out, name, command);
	g_string_append(out, "      register: kvmtime_switch\n"
			     "      changed_when: \"'switched' in kvmtime_switch.stdout\"\n");
}

char *kvt_plan_ansible(const struct kvt_plan *plan)
{
	GString *out =
		g_string_new("# Made by kvmtime fix --script ansible; read it before you run it.\n"
			     "- name: \"Put the time of this machine right\"\n"
			     "  hosts: all\n  become: true\n  tasks:\n");
	const gsize empty = out->len;

	for (guint i = 0; i < plan->changes->len; i++)
		ansible_change(out, plan->changes->pdata[i], i);
	for (guint i = 0; i < plan->switches->len; i++)
		ansible_switch(out, plan->switches->pdata[i]);
	for (guint i = 0; i < plan->commands->len; i++) {
		const char *run = ((struct kvt_command *)plan->commands->pdata[i])->run;

		ansible_command(out, run, plan->changes->len);
	}
	if (kvt_plan_needs_reboot(plan) || out->len == empty)
		g_string_append_printf(out,
				       "    - name: \"%s\"\n      ansible.builtin.debug:\n"
				       "        msg: \"%s\"\n",
				       out->len == empty ? "Nothing to do"
							 : "Say that a reboot is needed",
				       out->len == empty ? "nothing to do" : "a reboot is needed");
	return g_string_free(out, FALSE);
}
