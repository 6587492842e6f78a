/* SPDX-License-Identifier: BSD-2-Clause */
/* Time daemons: chrony, ntpd, and one of them at a time. */
#include <string.h>

#include "fix/remedy.h"
#include "fix/settings.h"
#include "sys/error.h"

static const char *chrony_conf(const struct kvt_plan *plan)
{
	static const char *const paths[] = { "/etc/chrony.conf", "/etc/chrony/chrony.conf", NULL };

	return kvt_plan_first(plan, paths);
}

static const char *chrony_unit(const struct kvt_plan *plan)
{
	return kvt_plan_is_debian(plan) ? "chrony" : "chronyd";
}

bool kvt_remedy_chrony_makestep(struct kvt_plan *plan, char **args, GError **error)
{
	const char *path = chrony_conf(plan);
	g_autofree char *text = path != NULL ? kvt_plan_text(plan, path, error) : NULL;

	if (path == NULL)
		return kvt_remedy_refuse(error, "no chrony.conf");
	if (text == NULL ||
	    !kvt_plan_put_edited(plan, path, kvt_chrony_makestep(text, args[0], args[1], error),
				 error))
		return false;
	kvt_plan_restart(plan, chrony_unit(plan));
	return true;
}

/* The host's clock through its PTP device: no network is asked. */
bool kvt_remedy_chrony_phc(struct kvt_plan *plan, char **args, GError **error)
{
	static const char rule[] = "SUBSYSTEM==\"ptp\", ATTR{clock_name}==\"KVM virtual PTP\", "
				   "SYMLINK+=\"ptp_kvm\"\n";
	const char *path = chrony_conf(plan);
	g_autofree char *text = path != NULL ? kvt_plan_text(plan, path, error) : NULL;

	(void)args;
	if (path == NULL)
		return kvt_remedy_refuse(error, "no chrony.conf");
	if (text == NULL ||
	    !kvt_plan_put_edited(plan, path, kvt_chrony_phc(text, "/dev/ptp_kvm", error), error))
		return false;
	kvt_plan_put(plan, "/etc/modules-load.d/ptp_kvm.conf", g_strdup("ptp_kvm\n"));
	kvt_plan_put(plan, "/etc/udev/rules.d/85-ptp-kvm.rules", g_strdup(rule));
	kvt_plan_run(plan, false, "modprobe ptp_kvm");
	kvt_plan_run(plan, false,
		     "udevadm control --reload && udevadm trigger -s ptp && udevadm settle");
	kvt_plan_restart(plan, chrony_unit(plan));
	return true;
}

/* SUSE's script has the name that Debian's has; its unit has Red Hat's */
static const char *ntp_unit(const struct kvt_plan *plan)
{
	const bool suse = kvt_plan_has(plan, "/usr/bin/zypper") && !kvt_plan_has_systemd(plan);

	return kvt_plan_is_debian(plan) || suse ? "ntp" : "ntpd";
}

typedef char *(*ntp_edit)(const char *text, GError **error);

static bool edit_ntp(struct kvt_plan *plan, ntp_edit edit, GError **error)
{
	static const char *const paths[] = { "/etc/ntp.conf", "/etc/ntpsec/ntp.conf", NULL };
	const char *path = kvt_plan_first(plan, paths);
	g_autofree char *text = path != NULL ? kvt_plan_text(plan, path, error) : NULL;

	if (path == NULL)
		return kvt_remedy_refuse(error, "no ntp.conf");
	if (text == NULL || !kvt_plan_put_edited(plan, path, edit(text, error), error))
		return false;
	kvt_plan_restart(plan, ntp_unit(plan));
	return true;
}

bool kvt_remedy_ntp_panic_off(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return edit_ntp(plan, kvt_ntp_panic_off, error);
}

bool kvt_remedy_ntp_no_local_clock(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return edit_ntp(plan, kvt_ntp_no_local_clock, error);
}

bool kvt_remedy_ntp_no_true(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return edit_ntp(plan, kvt_ntp_no_true, error);
}

bool kvt_remedy_ntp_no_slew(struct kvt_plan *plan, char **args, GError **error)
{
	static const struct {
		const char *path, *variable;
	} files[] = {
		{ "/etc/sysconfig/ntpd", "OPTIONS" },
		{ "/etc/sysconfig/ntp", "NTPD_OPTIONS" },
		{ "/etc/default/ntp", "NTPD_OPTS" },
		{ "/etc/default/ntpsec", "NTPD_OPTS" },
	};
	static const struct kvt_word_op op = { false, "-x" };

	(void)args;
	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *text = NULL;

		if (!kvt_plan_has(plan, files[i].path))
			continue;
		text = kvt_plan_text(plan, files[i].path, error);
		if (text == NULL ||
		    !kvt_plan_put_edited(
			    plan, files[i].path,
			    kvt_shell_words(text, files[i].variable, &op, 1, false, error), error))
			return false;
		kvt_plan_restart(plan, ntp_unit(plan));
		return true;
	}
	return kvt_remedy_refuse(error, "no file with ntpd's options");
}

bool kvt_remedy_install_chrony(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	(void)error;
	if (chrony_conf(plan) == NULL)
		kvt_plan_run(plan, false, "%s chrony", kvt_plan_installer(plan));
	kvt_plan_enable(plan, chrony_unit(plan));
	return true;
}

/* The one that is named stays, else the best of those that run. */
static const char *daemon_to_keep(char **running, const char *named)
{
	static const char *const best[] = { "chronyd",           "ntpd", "ntpsec", "openntpd",
					    "systemd-timesyncd", NULL };

	for (guint i = 0; named == NULL && best[i] != NULL; i++)
		if (g_strv_contains((const char *const *)running, best[i]))
			return best[i];
	return named != NULL && g_strv_contains((const char *const *)running, named) ? named : NULL;
}

bool kvt_remedy_one_time_daemon(struct kvt_plan *plan, char **args, GError **error)
{
	const struct kvt_fact *fact =
		plan->facts != NULL ? kvt_facts_any(plan->facts, "ntp.daemons") : NULL;
	const char *keep;

	if (fact == NULL || fact->state != KVT_KNOWN)
		return kvt_remedy_refuse(error, "which time daemons run is unknown");
	keep = daemon_to_keep(fact->list, args[0]);
	if (keep == NULL)
		return kvt_remedy_refuse(
			error,
			"which daemon is to stay cannot be told; disable the others by hand");
	for (char **name = fact->list; *name != NULL; name++)
		if (strspn(*name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(*name))
			return kvt_remedy_refuse(error, "'%s' is no name of a service", *name);
	for (char **name = fact->list; *name != NULL; name++)
		if (strcmp(*name, keep) != 0 && kvt_plan_has_systemd(plan))
			kvt_plan_run(plan, false, "systemctl disable --now %s", *name);
		else if (strcmp(*name, keep) != 0)
			kvt_plan_run(plan, false, "service %s stop; chkconfig %s off", *name,
				     *name);
	return true;
}
