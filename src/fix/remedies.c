/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of remedies: what a rule's key "fix" can name; and what they share. */
#include <string.h>

#include "fix/remedy.h"
#include "fix/settings.h"
#include "sys/error.h"

bool kvt_remedy_refuse(GError **error, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, message);
	return false;
}

/* ---- the machine's ways ---- */

bool kvt_plan_has(const struct kvt_plan *plan, const char *path)
{
	return kvt_root_exists(plan->root, path);
}

bool kvt_plan_is_debian(const struct kvt_plan *plan)
{
	return kvt_plan_has(plan, "/etc/debian_version");
}

bool kvt_plan_has_systemd(const struct kvt_plan *plan)
{
	if (plan->live)
		return kvt_plan_has(plan, "/run/systemd/system");
	return kvt_plan_has(plan, "/usr/lib/systemd/systemd") ||
	       kvt_plan_has(plan, "/lib/systemd/systemd") ||
	       kvt_plan_has(plan, "/etc/systemd/system") ||
	       kvt_plan_has(plan, "/run/systemd/system");
}

/* "restart" with whatever manager there is; without one the plan says so. */
void kvt_plan_restart(struct kvt_plan *plan, const char *unit)
{
	if (kvt_plan_has_systemd(plan))
		kvt_plan_run(plan, true, "systemctl try-restart %s", unit);
	else if (kvt_plan_has(plan, "/sbin/service") || kvt_plan_has(plan, "/usr/sbin/service"))
		kvt_plan_run(plan, true, "service %s restart", unit);
	else {
		kvt_plan_run(plan, false, ": %s is not restarted, no service manager is known here",
			     unit);
		plan->not_restarted = true;
	}
}

void kvt_plan_enable(struct kvt_plan *plan, const char *unit)
{
	if (kvt_plan_has_systemd(plan))
		kvt_plan_run(plan, false, "systemctl enable --now %s", unit);
	else if (kvt_plan_has(plan, "/sbin/chkconfig"))
		kvt_plan_run(plan, false, "chkconfig %s on && service %s start", unit, unit);
	else
		kvt_plan_run(plan, false, ": %s is not started, no service manager is known here",
			     unit);
}

const char *kvt_plan_installer(const struct kvt_plan *plan)
{
	return kvt_plan_is_debian(plan)                ? "apt-get install -y"
	       : kvt_plan_has(plan, "/usr/bin/zypper") ? "zypper install -y"
						       : "yum install -y";
}

const char *kvt_plan_first(const struct kvt_plan *plan, const char *const *paths)
{
	for (; *paths != NULL; paths++)
		if (kvt_plan_has(plan, *paths))
			return *paths;
	return NULL;
}

bool kvt_plan_set_variable(struct kvt_plan *plan, const char *path, const char *name,
			   const char *value, GError **error)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char *text = kvt_plan_text(plan, path, &failed);
	char *edited;

	if (failed != NULL) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	edited = kvt_shell_set(text != NULL ? text : "", name, value, error);
	if (edited == NULL) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	kvt_plan_put(plan, path, edited);
	return true;
}

bool kvt_plan_put_edited(struct kvt_plan *plan, const char *path, char *edited, GError **error)
{
	if (edited == NULL) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	kvt_plan_put(plan, path, edited);
	return true;
}

const struct kvt_remedy *kvt_remedies(void)
{
	static const struct kvt_remedy table[] = {
		{ "vm-set", 2, 2, false, kvt_remedy_vm_set, "say a field in the VM definition" },
		{ "boot-add", 1, 1, true, kvt_remedy_boot_add, "add a word to every boot line" },
		{ "limit-idle", 0, 0, true, kvt_remedy_limit_idle,
		  "keep the CPUs out of deep idle states" },
		{ "boot-remove", 1, 16, true, kvt_remedy_boot_remove,
		  "take words out of every boot line" },
		{ "use-clocksource", 1, 1, false, kvt_remedy_use_clocksource,
		  "switch the clock source now" },
		{ "hold-frequency", 0, 0, false, kvt_remedy_hold_frequency,
		  "keep the CPUs at one frequency" },
		{ "chrony-makestep", 2, 2, false, kvt_remedy_chrony_makestep,
		  "set chrony's makestep line" },
		{ "chrony-phc", 0, 0, false, kvt_remedy_chrony_phc,
		  "let chrony follow the host's PTP clock" },
		{ "ntp-panic-off", 0, 0, false, kvt_remedy_ntp_panic_off,
		  "let ntpd survive a large offset" },
		{ "ntp-no-local-clock", 0, 0, false, kvt_remedy_ntp_no_local_clock,
		  "take 127.127.1.x out of ntp.conf" },
		{ "ntp-no-true", 0, 0, false, kvt_remedy_ntp_no_true,
		  "take the option true off server lines" },
		{ "ntp-no-slew", 0, 0, false, kvt_remedy_ntp_no_slew,
		  "take -x out of ntpd's options" },
		{ "install-chrony", 0, 0, false, kvt_remedy_install_chrony,
		  "install and start chronyd" },
		{ "one-time-daemon", 0, 1, false, kvt_remedy_one_time_daemon,
		  "stop every time daemon but one" },
		{ "module-option-remove", 2, 2, true, kvt_remedy_module_option_remove,
		  "take an option out of modprobe.d" },
		{ "sysctl-set", 2, 2, false, kvt_remedy_sysctl_set,
		  "set a kernel parameter, now and at boot" },
		{ "sync-after-resume", 0, 0, false, kvt_remedy_sync_after_resume,
		  "SYNC_TIME=1 for libvirt-guests" },
		{ "agent-allow-set-time", 0, 0, false, kvt_remedy_agent_allow_set_time,
		  "unblock guest-set-time" },
		{ "enable-agent", 0, 0, false, kvt_remedy_enable_agent,
		  "install and start the guest agent" },
		{ "rtc-utc", 0, 0, false, kvt_remedy_rtc_utc, "keep the hardware clock in UTC" },
		{ NULL, 0, 0, false, NULL, NULL },
	};

	return table;
}
