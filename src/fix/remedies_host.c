/* SPDX-License-Identifier: BSD-2-Clause */
/* Modules, libvirt, the guest agent, the hardware clock. */
#include <string.h>

#include "check/sysctl.h"
#include "fix/lines.h"
#include "fix/remedy.h"
#include "fix/settings.h"
#include "sys/error.h"

bool kvt_remedy_module_option_remove(struct kvt_plan *plan, char **args, GError **error)
{
	g_autoptr(GPtrArray) names = kvt_root_list(plan->root, "/etc/modprobe.d");

	for (guint i = 0; names != NULL && i < names->len; i++) {
		g_autofree char *path = g_build_filename("/etc/modprobe.d", names->pdata[i], NULL);
		g_autofree char *text = NULL;

		if (!g_str_has_suffix(path, ".conf"))
			continue;
		text = kvt_plan_text(plan, path, error);
		/* files without the word need not be understood */
		if (text == NULL)
			return false;
		if (strstr(text, args[1]) != NULL &&
		    !kvt_plan_put_edited(plan, path,
					 kvt_modprobe_no_option(text, args[0], args[1], error),
					 error))
			return false;
	}
	return true;
}

bool kvt_remedy_sync_after_resume(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return kvt_plan_set_variable(plan,
				     kvt_plan_is_debian(plan) ? "/etc/default/libvirt-guests"
							      : "/etc/sysconfig/libvirt-guests",
				     "SYNC_TIME", "1", error);
}

/* Its lists in a file that shells read; the file is Red Hat's. */
static bool unblock_sysconfig(struct kvt_plan *plan, const char *path, GError **error)
{
	static const char *const names[] = { "BLACKLIST_RPC", "BLOCK_RPCS" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = kvt_plan_text(plan, path, error);

		if (text == NULL ||
		    !kvt_plan_put_edited(
			    plan, path,
			    kvt_shell_list_remove(text, names[i], "guest-set-time", error), error))
			return false;
	}
	return true;
}

bool kvt_remedy_agent_allow_set_time(struct kvt_plan *plan, char **args, GError **error)
{
	static const char sysconfig[] = "/etc/sysconfig/qemu-ga";
	static const char conf[] = "/etc/qemu/qemu-ga.conf";
	const guint before = plan->changes->len;
	g_autofree char *text = NULL;

	(void)args;
	if (kvt_plan_has(plan, sysconfig) && !unblock_sysconfig(plan, sysconfig, error))
		return false;
	if (kvt_plan_has(plan, conf)) {
		text = kvt_plan_text(plan, conf, error);
		if (text == NULL ||
		    !kvt_plan_put_edited(plan, conf,
					 kvt_agent_conf_unblock(text, "guest-set-time", error),
					 error))
			return false;
	}
	if (plan->changes->len == before)
		return kvt_remedy_refuse(error,
					 "neither %s nor %s blocks it in a list; look at the "
					 "options that the agent is started with",
					 sysconfig, conf);
	kvt_plan_restart(plan, "qemu-guest-agent");
	return true;
}

bool kvt_remedy_enable_agent(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	(void)error;
	if (!kvt_plan_has(plan, "/usr/bin/qemu-ga") && !kvt_plan_has(plan, "/usr/sbin/qemu-ga"))
		kvt_plan_run(plan, false, "%s qemu-guest-agent", kvt_plan_installer(plan));
	kvt_plan_enable(plan, "qemu-guest-agent");
	return true;
}

/* ---- the hardware clock: the files that say what it holds, then the clock itself ---- */

static bool adjtime_utc(struct kvt_plan *plan, GError **error)
{
	static const char path[] = "/etc/adjtime";
	g_autofree char *text = NULL;

	if (!kvt_plan_has(plan, path))
		return true; /* UTC is meant then */
	text = kvt_plan_text(plan, path, error);
	return text != NULL && kvt_plan_put_edited(plan, path, kvt_adjtime_utc(text, error), error);
}

/* Before /etc/adjtime alone counted: RHEL 5, SLES to 12, Debian to 7. */
static bool old_files_utc(struct kvt_plan *plan, GError **error)
{
	static const struct {
		const char *path, *name, *value;
	} files[] = {
		{ "/etc/sysconfig/clock", "UTC", "true" },
		{ "/etc/sysconfig/clock", "HWCLOCK", "-u" },
		{ "/etc/default/rcS", "UTC", "yes" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *text = kvt_plan_has(plan, files[i].path)
						? kvt_plan_text(plan, files[i].path, error)
						: NULL;

		if (text != NULL && kvt_shell_assigns(text, files[i].name) &&
		    !kvt_plan_set_variable(plan, files[i].path, files[i].name, files[i].value,
					   error))
			return false;
	}
	return error == NULL || *error == NULL;
}

bool kvt_remedy_rtc_utc(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	if (!adjtime_utc(plan, error) || !old_files_utc(plan, error))
		return false;
	/* timedatectl would see that the file says UTC already, and leave the clock as it is */
	kvt_plan_run(plan, false, "hwclock --systohc --utc");
	return true;
}

/* ---- sysctl ---- */

/* The files that set it are changed; *ret_set = there was one. */
static bool sysctl_files(struct kvt_plan *plan, char **args, bool *ret_set, GError **error)
{
	static const char folder[] = "/etc/sysctl.d";
	g_autoptr(GPtrArray) names = kvt_root_list(plan->root, folder);
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; names != NULL && i < names->len; i++)
		if (g_str_has_suffix(names->pdata[i], ".conf"))
			g_ptr_array_add(paths, g_build_filename(folder, names->pdata[i], NULL));
	if (kvt_plan_has(plan, "/etc/sysctl.conf"))
		g_ptr_array_add(paths, g_strdup("/etc/sysctl.conf"));
	for (guint i = 0; i < paths->len; i++) {
		g_autofree char *text = kvt_plan_text(plan, paths->pdata[i], error);
		g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

		if (text == NULL)
			return false;
		for (guint k = 0; lines[k] != NULL; k++)
			*ret_set |= kvt_sysctl_value(lines[k], args[0]) > 0;
		if (!kvt_plan_put_edited(plan, paths->pdata[i],
					 kvt_sysctl_set(text, args[0], args[1], false, error),
					 error))
			return false;
	}
	return true;
}

bool kvt_remedy_sysctl_set(struct kvt_plan *plan, char **args, GError **error)
{
	const char *path = kvt_plan_has(plan, "/etc/sysctl.d") ? "/etc/sysctl.d/90-kvmtime.conf"
							       : "/etc/sysctl.conf";
	g_autofree char *steps = g_strdelimit(g_strdup(args[0]), ".", '/');
	g_autofree char *key = g_strconcat("/proc/sys/", steps, NULL);
	bool set = false;

	if (!sysctl_files(plan, args, &set, error))
		return false;
	if (!set) {
		g_autofree char *text =
			kvt_plan_has(plan, path) ? kvt_plan_text(plan, path, error) : g_strdup("");

		if (text == NULL ||
		    !kvt_plan_put_edited(
			    plan, path, kvt_sysctl_set(text, args[0], args[1], true, error), error))
			return false;
	}
	if (plan->live)
		kvt_plan_switch(plan, key, args[1]);
	else
		kvt_plan_run(plan, false, "sysctl -w %s=%s", args[0], args[1]);
	return true;
}
