/* SPDX-License-Identifier: BSD-2-Clause */
/* What the remedies of one plan share, and the remedies themselves: one file a topic. */
#ifndef KVT_FIX_REMEDY_H
#define KVT_FIX_REMEDY_H

#include "fix/plan.h"

/** kvt_remedy_refuse() - set KVT_STATUS_BAD_INPUT; always false */
bool kvt_remedy_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- the machine's ways ---- */

bool kvt_plan_has(const struct kvt_plan *plan, const char *path);
bool kvt_plan_is_debian(const struct kvt_plan *plan);
bool kvt_plan_has_systemd(const struct kvt_plan *plan);

/** kvt_plan_first() - the first path that is there, or NULL */
const char *kvt_plan_first(const struct kvt_plan *plan, const char *const *paths);

/** kvt_plan_installer() - "apt-get install -y", "zypper install -y" or "yum install -y" */
const char *kvt_plan_installer(const struct kvt_plan *plan);

/** kvt_plan_restart() - with whatever manager there is; without one the plan says so */
void kvt_plan_restart(struct kvt_plan *plan, const char *unit);
void kvt_plan_enable(struct kvt_plan *plan, const char *unit);

/* ---- files ---- */

/** kvt_plan_put_edited() - takes what an editor gave; false with the path before its error */
bool kvt_plan_put_edited(struct kvt_plan *plan, const char *path, char *edited, GError **error);

/** kvt_plan_set_variable() - VAR=value in a file that shells read, made if it is not there */
bool kvt_plan_set_variable(struct kvt_plan *plan, const char *path, const char *name,
			   const char *value, GError **error);

/* ---- the remedies: see the table in remedies.c ---- */

bool kvt_remedy_boot_add(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_limit_idle(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_sysctl_set(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_boot_remove(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_use_clocksource(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_hold_frequency(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_chrony_makestep(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_chrony_phc(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_ntp_panic_off(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_ntp_no_local_clock(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_ntp_no_true(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_ntp_no_slew(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_install_chrony(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_one_time_daemon(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_module_option_remove(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_sync_after_resume(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_agent_allow_set_time(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_enable_agent(struct kvt_plan *plan, char **args, GError **error);
bool kvt_remedy_rtc_utc(struct kvt_plan *plan, char **args, GError **error);

#endif
