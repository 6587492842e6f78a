/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration files of anybody's: each editor refuses with a reason, or what it wrote is edited
 * into itself. Augeas takes a second a text here: without its module, as ./dev fuzz runs, its
 * editors refuse and those of lines are left; with KVT_MODULES set all of them work.
 */
#include <stdint.h>
#include <string.h>

#include "fix/lines.h"
#include "fix/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kvt_word_op op = { false, "-x" };

static char *shell_set(const char *text, GError **error)
{
	return kvt_shell_set(text, "MIN_SPEED", "2600000", error);
}

static char *shell_words(const char *text, GError **error)
{
	return kvt_shell_words(text, "OPTIONS", &op, 1, false, error);
}

static char *shell_list(const char *text, GError **error)
{
	return kvt_shell_list_remove(text, "BLACKLIST_RPC", "guest-set-time", error);
}

static char *makestep(const char *text, GError **error)
{
	return kvt_chrony_makestep(text, "1.0", "-1", error);
}

static char *phc(const char *text, GError **error)
{
	return kvt_chrony_phc(text, "/dev/ptp_kvm", error);
}

static char *modprobe(const char *text, GError **error)
{
	return kvt_modprobe_no_option(text, "kvm", "ignore_msrs", error);
}

static char *sysctl(const char *text, GError **error)
{
	return kvt_sysctl_set(text, "xen.independent_wallclock", "1", true, error);
}

static char *agent(const char *text, GError **error)
{
	return kvt_agent_conf_unblock(text, "guest-set-time", error);
}

static char *(*const editors[])(const char *, GError **) = {
	kvt_adjtime_utc,
	sysctl,
	agent,
	phc,
	makestep,
	kvt_ntp_panic_off,
	kvt_ntp_no_local_clock,
	kvt_ntp_no_true,
	shell_set,
	shell_words,
	shell_list,
	modprobe,
};

/* The first byte says which editor. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *(*edit)(const char *, GError **);
	g_autofree char *text = NULL, *once = NULL, *twice = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) again = NULL;

	if (size < 1 || size > 4096)
		return 0;
	edit = editors[data[0] % G_N_ELEMENTS(editors)];
	text = g_strndup((const char *)data + 1, size - 1);
	once = edit(text, &error);
	if (once == NULL) {
		if (error == NULL)
			g_error("refused without a reason: '%s'", text);
		return 0;
	}
	twice = edit(once, &again);
	if (twice == NULL || strcmp(once, twice) != 0)
		g_error("'%s' becomes '%s'", once, twice != NULL ? twice : again->message);
	return 0;
}
