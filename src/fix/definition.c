/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm-set: a VM definition is mended in its own format. libvirt XML is edited in place; Proxmox
 * machines are changed by qm alone, since /etc/pve is a database; what else there is, is left to
 * its owner.
 */
#include <stdlib.h>
#include <string.h>

#include "fix/plan.h"
#include "sys/error.h"
#include "vmdef/load.h"
#include "vmdef/mend.h"

static bool refuse(GError **error, const char *reason)
{
	g_set_error_literal(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, reason);
	return false;
}

/* What qm calls a field, with its value for @word; owned; NULL if it has no such option. */
static char *qm_option(const char *field, const char *word)
{
	if (strcmp(field, "clock.offset") == 0)
		return g_strdup_printf("--localtime %d", strcmp(word, "localtime") == 0);
	if (strcmp(field, "agent") == 0)
		return g_strdup_printf("--agent %d", strcmp(word, "yes") == 0);
	if (strcmp(field, "timer.rtc.policy") == 0 && strcmp(word, "catchup") == 0)
		return g_strdup("--tdf 1");
	if (strcmp(field, "timer.hpet.present") == 0)
		return g_strdup_printf("--args '-machine hpet=%s'",
				       strcmp(word, "no") == 0 ? "off" : "on");
	if (strcmp(field, "timer.pit.policy") == 0)
		return g_strdup_printf("--args '-global kvm-pit.lost_tick_policy=%s'", word);
	return NULL;
}

static bool set_proxmox(struct kvt_plan *plan, const char *text, char **args, GError **error)
{
	g_autofree char *base = g_path_get_basename(plan->definition);
	g_autofree char *option = qm_option(args[0], args[1]);
	g_autofree char *number = g_strndup(base, strspn(base, "0123456789"));

	if (option == NULL)
		return refuse(error, "qm has no option for it");
	if (g_str_has_prefix(option, "--args") &&
	    (g_str_has_prefix(text, "args:") || strstr(text, "\nargs:") != NULL))
		return refuse(error,
			      "args: is said already, and qm would replace it: add to it by hand");
	plan->live = false; /* shown, never run: what runs belongs to qm's owner */
	kvt_plan_run(plan, false, "qm set %s %s", *number != '\0' ? number : "VMID", option);
	return true;
}

static bool set_libvirt(struct kvt_plan *plan, const char *text, char **args, GError **error)
{
	char *mended = kvt_libvirt_mend(text, args[0], args[1], error);

	if (mended == NULL)
		return false;
	kvt_plan_put(plan, plan->definition, mended);
	return true;
}

bool kvt_remedy_vm_set(struct kvt_plan *plan, char **args, GError **error)
{
	g_autofree char *text = NULL;

	if (plan->definition == NULL)
		return refuse(error, "there is no VM definition here");
	text = kvt_plan_text(plan, plan->definition, error);
	if (text == NULL) {
		if (error != NULL && *error == NULL)
			refuse(error, "the definition is gone");
		return false;
	}
	switch (kvt_vm_detect(text, strlen(text))) {
	case KVT_FORMAT_LIBVIRT:
		return set_libvirt(plan, text, args, error);
	case KVT_FORMAT_PROXMOX:
		return set_proxmox(plan, text, args, error);
	default:
		return refuse(
			error,
			"files of this format are not edited: by hand, or kvmtime vm convert");
	}
}
