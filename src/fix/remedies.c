/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of remedies: what a rule's key "fix" can name, and how each edits a machine's tree. */
#include <string.h>

#include "fix/boot.h"
#include "fix/plan.h"
#include "fix/settings.h"
#include "sys/error.h"

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
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

static bool has(const struct kvt_plan *plan, const char *path)
{
	return kvt_root_exists(plan->root, path);
}

static bool is_debian(const struct kvt_plan *plan)
{
	return has(plan, "/etc/debian_version");
}

static bool has_systemd(const struct kvt_plan *plan)
{
	if (plan->live)
		return has(plan, "/run/systemd/system");
	return has(plan, "/usr/lib/systemd/systemd") || has(plan, "/lib/systemd/systemd") ||
	       has(plan, "/etc/systemd/system") || has(plan, "/run/systemd/system");
}

/* "restart" with whatever manager there is; without one the plan says so. */
static void restart(struct kvt_plan *plan, const char *unit)
{
	if (has_systemd(plan))
		kvt_plan_run(plan, true, "systemctl try-restart %s", unit);
	else if (has(plan, "/sbin/service") || has(plan, "/usr/sbin/service"))
		kvt_plan_run(plan, true, "service %s restart", unit);
	else
		kvt_plan_run(plan, false, ": %s is not restarted, no service manager is known here",
			     unit);
}

static void enable(struct kvt_plan *plan, const char *unit)
{
	if (has_systemd(plan))
		kvt_plan_run(plan, false, "systemctl enable --now %s", unit);
	else if (has(plan, "/sbin/chkconfig"))
		kvt_plan_run(plan, false, "chkconfig %s on && service %s start", unit, unit);
	else
		kvt_plan_run(plan, false, ": %s is not started, no service manager is known here",
			     unit);
}

static const char *first_of(const struct kvt_plan *plan, const char *const *paths)
{
	for (; *paths != NULL; paths++)
		if (has(plan, *paths))
			return *paths;
	return NULL;
}

/* ---- boot lines ---- */

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
	const char *path = first_of(plan, paths); /* one is usually a link to the other */

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

	if (!has(plan, "/etc/default/grub"))
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
	const char *path = first_of(plan, paths);

	if (path == NULL)
		return refuse(error, "loader entries use $kernelopts, but there is no grubenv");
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
	const char *path = first_of(plan, efi);

	if (is_debian(plan))
		kvt_plan_run(plan, true, "update-grub");
	else
		kvt_plan_run(plan, true, "grub2-mkconfig -o %s",
			     path != NULL ? path : "/boot/grub2/grub.cfg");
}

static bool edit_boot(struct kvt_plan *plan, const struct kvt_word_op *ops, gsize count,
		      GError **error)
{
	const guint before = plan->changes->len;
	bool legacy = false, defaults = false, entries = false;

	if (!edit_legacy(plan, ops, count, &legacy, error) ||
	    !edit_defaults(plan, ops, count, &defaults, error) ||
	    !edit_entries(plan, ops, count, &entries, error))
		return false;
	if (has(plan, "/etc/kernel/cmdline")) {
		if (!edit_file(plan, "/etc/kernel/cmdline", kvt_cmdline_file_edit, ops, count,
			       error))
			return false;
		entries = true;
	}
	if (!legacy && !defaults && !entries)
		return refuse(
			error,
			"no boot loader's file that is known here; the words stand to be edited "
			"by hand");
	if (defaults && !entries && plan->changes->len > before)
		make_grub_cfg(plan);
	return true;
}

static bool boot_add(struct kvt_plan *plan, char **args, GError **error)
{
	const struct kvt_word_op op = { true, args[0] };

	if (!plan->kernel_known)
		return refuse(error,
			      "which kernel boots here is unknown, so no boot word is added");
	return kvt_words_check(args[0], &plan->kernel, error) && edit_boot(plan, &op, 1, error);
}

static bool boot_remove(struct kvt_plan *plan, char **args, GError **error)
{
	struct kvt_word_op ops[16];
	gsize count = 0;

	for (; args[count] != NULL && count < G_N_ELEMENTS(ops); count++)
		ops[count] = (struct kvt_word_op){ false, args[count] };
	return edit_boot(plan, ops, count, error);
}

/* ---- runtime switches ---- */

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/"

static bool vms_run(const struct kvt_plan *plan)
{
	const struct kvt_fact *fact =
		plan->facts != NULL ? kvt_facts_any(plan->facts, "kvm.in_use") : NULL;

	return fact != NULL && fact->state == KVT_KNOWN && fact->flag;
}

static bool is_tsc_distrusted(const struct kvt_plan *plan)
{
	return plan->facts != NULL && !kvt_facts_is(plan->facts, "tsc.trusted", true);
}

static bool use_clocksource(struct kvt_plan *plan, char **args, GError **error)
{
	g_autofree char *list = kvt_root_line(plan->root, CLOCKSOURCE "available_clocksource");
	g_auto(GStrv) names = g_strsplit(list != NULL ? list : "", " ", -1);

	if (!plan->live) {
		kvt_plan_run(plan, false, "echo %s >" CLOCKSOURCE "current_clocksource", args[0]);
		return true;
	}
	/* sysfs would take any name and select the best-rated source instead */
	if (!g_strv_contains((const char *const *)names, args[0]))
		return refuse(error, "the clock source %s is not available (%s)", args[0],
			      list != NULL ? list : "the list cannot be read");
	if (strcmp(args[0], "tsc") == 0 && is_tsc_distrusted(plan))
		return refuse(error, "the TSC of this machine must not be trusted: %s",
			      kvt_facts_any(plan->facts, "tsc.trusted")->source);
	if (vms_run(plan) && !plan->despite_vms)
		return refuse(
			error,
			"VMs run here, and every one of them feels a change of the host's clock "
			"source; --despite-vms does it");
	kvt_plan_switch(plan, CLOCKSOURCE "current_clocksource", args[0]);
	return true;
}

static GPtrArray *policies(const struct kvt_plan *plan)
{
	GPtrArray *cpus = kvt_root_list(plan->root, "/sys/devices/system/cpu");
	GPtrArray *found = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; cpus != NULL && i < cpus->len; i++) {
		const char *name = cpus->pdata[i];

		if (g_str_has_prefix(name, "cpu") && g_ascii_isdigit(name[3]))
			g_ptr_array_add(found, g_strconcat("/sys/devices/system/cpu/", name,
							   "/cpufreq/", NULL));
	}
	if (cpus != NULL)
		g_ptr_array_unref(cpus);
	return found;
}

/* The highest of all frequencies on offer, or NULL. */
static char *highest_frequency(const struct kvt_plan *plan)
{
	g_autoptr(GPtrArray) found = policies(plan);
	guint64 highest = 0;

	for (guint i = 0; i < found->len; i++) {
		g_autofree char *path =
			g_strconcat(found->pdata[i], "scaling_available_frequencies", NULL);
		g_autofree char *line = kvt_root_line(plan->root, path);
		g_auto(GStrv) numbers = g_strsplit(line != NULL ? line : "", " ", -1);

		for (guint k = 0; numbers[k] != NULL; k++)
			highest = MAX(highest, g_ascii_strtoull(numbers[k], NULL, 10));
	}
	return highest > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT, highest) : NULL;
}

static bool set_variable(struct kvt_plan *plan, const char *path, const char *name,
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

static bool hold_by_cpuspeed(struct kvt_plan *plan, GError **error)
{
	static const char path[] = "/etc/sysconfig/cpuspeed";
	g_autofree char *highest = highest_frequency(plan);

	if (highest == NULL)
		return refuse(error, "no scaling_available_frequencies, so the highest is unknown");
	if (!set_variable(plan, path, "MIN_SPEED", highest, error) ||
	    !set_variable(plan, path, "MAX_SPEED", highest, error))
		return false;
	restart(plan, "cpuspeed");
	return true;
}

static bool hold_by_cpupower(struct kvt_plan *plan, GError **error)
{
	static const char path[] = "/etc/sysconfig/cpupower";

	if (!has(plan, path))
		kvt_plan_run(plan, false, "yum -y install kernel-tools");
	if (!set_variable(plan, path, "CPUPOWER_START_OPTS", "frequency-set -g performance",
			  error) ||
	    !set_variable(plan, path, "CPUPOWER_STOP_OPTS", "frequency-set -g performance", error))
		return false;
	enable(plan, "cpupower.service");
	return true;
}

/* One frequency for ever: for hosts whose TSC follows the core's clock. */
static bool hold_frequency(struct kvt_plan *plan, char **args, GError **error)
{
	g_autoptr(GPtrArray) found = policies(plan);

	(void)args;
	for (guint i = 0; plan->live && i < found->len; i++) {
		g_autofree char *path = g_strconcat(found->pdata[i], "scaling_governor", NULL);

		kvt_plan_switch(plan, path, "performance");
	}
	if (has(plan, "/etc/sysconfig/cpuspeed"))
		return hold_by_cpuspeed(plan, error);
	if (is_debian(plan)) {
		if (!set_variable(plan, "/etc/default/cpufrequtils", "GOVERNOR", "performance",
				  error))
			return false;
		kvt_plan_run(plan, false, "apt-get -y install cpufrequtils");
		return true;
	}
	return hold_by_cpupower(plan, error);
}

/* ---- time daemons ---- */

static const char *chrony_conf(const struct kvt_plan *plan)
{
	static const char *const paths[] = { "/etc/chrony.conf", "/etc/chrony/chrony.conf", NULL };

	return first_of(plan, paths);
}

static const char *chrony_unit(const struct kvt_plan *plan)
{
	return is_debian(plan) ? "chrony" : "chronyd";
}

static bool put_edited(struct kvt_plan *plan, const char *path, char *edited, GError **error)
{
	if (edited == NULL) {
		g_prefix_error(error, "%s: ", path);
		return false;
	}
	kvt_plan_put(plan, path, edited);
	return true;
}

static bool chrony_makestep(struct kvt_plan *plan, char **args, GError **error)
{
	const char *path = chrony_conf(plan);
	g_autofree char *text = path != NULL ? kvt_plan_text(plan, path, error) : NULL;

	if (path == NULL)
		return refuse(error, "no chrony.conf");
	if (text == NULL ||
	    !put_edited(plan, path, kvt_chrony_makestep(text, args[0], args[1], error), error))
		return false;
	restart(plan, chrony_unit(plan));
	return true;
}

/* The host's clock through its PTP device: no network is asked. */
static bool chrony_phc(struct kvt_plan *plan, char **args, GError **error)
{
	static const char rule[] = "SUBSYSTEM==\"ptp\", ATTR{clock_name}==\"KVM virtual PTP\", "
				   "SYMLINK+=\"ptp_kvm\"\n";
	const char *path = chrony_conf(plan);
	g_autofree char *text = path != NULL ? kvt_plan_text(plan, path, error) : NULL;

	(void)args;
	if (path == NULL)
		return refuse(error, "no chrony.conf");
	if (text == NULL ||
	    !put_edited(plan, path, kvt_chrony_phc(text, "/dev/ptp_kvm", error), error))
		return false;
	kvt_plan_put(plan, "/etc/modules-load.d/ptp_kvm.conf", g_strdup("ptp_kvm\n"));
	kvt_plan_put(plan, "/etc/udev/rules.d/85-ptp-kvm.rules", g_strdup(rule));
	kvt_plan_run(plan, false, "modprobe ptp_kvm");
	kvt_plan_run(plan, false,
		     "udevadm control --reload && udevadm trigger -s ptp && udevadm settle");
	restart(plan, chrony_unit(plan));
	return true;
}

typedef char *(*ntp_edit)(const char *text, GError **error);

static bool edit_ntp(struct kvt_plan *plan, ntp_edit edit, GError **error)
{
	static const char *const paths[] = { "/etc/ntp.conf", "/etc/ntpsec/ntp.conf", NULL };
	const char *path = first_of(plan, paths);
	g_autofree char *text = path != NULL ? kvt_plan_text(plan, path, error) : NULL;

	if (path == NULL)
		return refuse(error, "no ntp.conf");
	if (text == NULL || !put_edited(plan, path, edit(text, error), error))
		return false;
	restart(plan, is_debian(plan) ? "ntp" : "ntpd");
	return true;
}

static bool ntp_panic_off(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return edit_ntp(plan, kvt_ntp_panic_off, error);
}

static bool ntp_no_local_clock(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return edit_ntp(plan, kvt_ntp_no_local_clock, error);
}

static bool ntp_no_true(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return edit_ntp(plan, kvt_ntp_no_true, error);
}

static bool ntp_no_slew(struct kvt_plan *plan, char **args, GError **error)
{
	static const char *const paths[] = { "/etc/sysconfig/ntpd", "/etc/default/ntp",
					     "/etc/default/ntpsec", NULL };
	static const struct kvt_word_op op = { false, "-x" };
	const char *path = first_of(plan, paths);
	g_autofree char *text = path != NULL ? kvt_plan_text(plan, path, error) : NULL;
	const char *name;

	(void)args;
	if (path == NULL)
		return refuse(error, "no file with ntpd's options");
	name = g_str_has_prefix(path, "/etc/sysconfig") ? "OPTIONS" : "NTPD_OPTS";
	if (text == NULL ||
	    !put_edited(plan, path, kvt_shell_words(text, name, &op, 1, false, error), error))
		return false;
	restart(plan, is_debian(plan) ? "ntp" : "ntpd");
	return true;
}

static bool install_chrony(struct kvt_plan *plan, char **args, GError **error)
{
	const char *tool = is_debian(plan)                ? "apt-get"
			   : has(plan, "/usr/bin/zypper") ? "zypper"
							  : "yum";

	(void)args;
	(void)error;
	if (chrony_conf(plan) == NULL)
		kvt_plan_run(plan, false, "%s install -y chrony", tool);
	enable(plan, chrony_unit(plan));
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

static bool one_time_daemon(struct kvt_plan *plan, char **args, GError **error)
{
	const struct kvt_fact *fact =
		plan->facts != NULL ? kvt_facts_any(plan->facts, "ntp.daemons") : NULL;
	const char *keep;

	if (fact == NULL || fact->state != KVT_KNOWN)
		return refuse(error, "which time daemons run is unknown");
	keep = daemon_to_keep(fact->list, args[0]);
	if (keep == NULL)
		return refuse(error,
			      "which daemon is to stay cannot be told; disable the others by hand");
	for (char **name = fact->list; *name != NULL; name++)
		if (strspn(*name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(*name))
			return refuse(error, "'%s' is no name of a service", *name);
	for (char **name = fact->list; *name != NULL; name++)
		if (strcmp(*name, keep) != 0 && has_systemd(plan))
			kvt_plan_run(plan, false, "systemctl disable --now %s", *name);
		else if (strcmp(*name, keep) != 0)
			kvt_plan_run(plan, false, "service %s stop; chkconfig %s off", *name,
				     *name);
	return true;
}

/* ---- hosts and the guest agent ---- */

static bool module_option_remove(struct kvt_plan *plan, char **args, GError **error)
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
		    !put_edited(plan, path, kvt_modprobe_no_option(text, args[0], args[1], error),
				error))
			return false;
	}
	return true;
}

static bool sync_after_resume(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	return set_variable(plan,
			    is_debian(plan) ? "/etc/default/libvirt-guests"
					    : "/etc/sysconfig/libvirt-guests",
			    "SYNC_TIME", "1", error);
}

static bool agent_allow_set_time(struct kvt_plan *plan, char **args, GError **error)
{
	static const char *const names[] = { "BLACKLIST_RPC", "BLOCK_RPCS" };
	static const char path[] = "/etc/sysconfig/qemu-ga";

	(void)args;
	if (!has(plan, path))
		return refuse(error, "no %s", path);
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = kvt_plan_text(plan, path, error);

		if (text == NULL ||
		    !put_edited(plan, path,
				kvt_shell_list_remove(text, names[i], "guest-set-time", error),
				error))
			return false;
	}
	restart(plan, "qemu-guest-agent");
	return true;
}

static bool enable_agent(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	(void)error;
	if (!has(plan, "/usr/bin/qemu-ga") && !has(plan, "/usr/sbin/qemu-ga"))
		kvt_plan_run(plan, false, "%s install -y qemu-guest-agent",
			     is_debian(plan) ? "apt-get" : "yum");
	enable(plan, "qemu-guest-agent");
	return true;
}

static bool rtc_utc(struct kvt_plan *plan, char **args, GError **error)
{
	(void)args;
	(void)error;
	kvt_plan_run(plan, false, "%s",
		     has_systemd(plan) ? "timedatectl set-local-rtc 0" : "hwclock --systohc --utc");
	return true;
}

const struct kvt_remedy *kvt_remedies(void)
{
	static const struct kvt_remedy table[] = {
		{ "vm-set", 2, 2, false, kvt_remedy_vm_set, "say a field in the VM definition" },
		{ "boot-add", 1, 1, true, boot_add, "add a word to every boot line" },
		{ "boot-remove", 1, 16, true, boot_remove, "take words out of every boot line" },
		{ "use-clocksource", 1, 1, false, use_clocksource, "switch the clock source now" },
		{ "hold-frequency", 0, 0, false, hold_frequency, "keep the CPUs at one frequency" },
		{ "chrony-makestep", 2, 2, false, chrony_makestep, "set chrony's makestep line" },
		{ "chrony-phc", 0, 0, false, chrony_phc, "let chrony follow the host's PTP clock" },
		{ "ntp-panic-off", 0, 0, false, ntp_panic_off, "let ntpd survive a large offset" },
		{ "ntp-no-local-clock", 0, 0, false, ntp_no_local_clock,
		  "take 127.127.1.x out of ntp.conf" },
		{ "ntp-no-true", 0, 0, false, ntp_no_true,
		  "take the option true off server lines" },
		{ "ntp-no-slew", 0, 0, false, ntp_no_slew, "take -x out of ntpd's options" },
		{ "install-chrony", 0, 0, false, install_chrony, "install and start chronyd" },
		{ "one-time-daemon", 0, 1, false, one_time_daemon,
		  "stop every time daemon but one" },
		{ "module-option-remove", 2, 2, true, module_option_remove,
		  "take an option out of modprobe.d" },
		{ "sync-after-resume", 0, 0, false, sync_after_resume,
		  "SYNC_TIME=1 for libvirt-guests" },
		{ "agent-allow-set-time", 0, 0, false, agent_allow_set_time,
		  "unblock guest-set-time" },
		{ "enable-agent", 0, 0, false, enable_agent, "install and start the guest agent" },
		{ "rtc-utc", 0, 0, false, rtc_utc, "keep the hardware clock in UTC" },
		{ NULL, 0, 0, false, NULL, NULL },
	};

	return table;
}
