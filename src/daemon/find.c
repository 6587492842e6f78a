/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/find.h"

#include <string.h>

#include "check/machine.h"
#include "cli/prom.h"
#include "guests/libvirt.h"

char *kvt_find_id(const struct kvt_guest *guest)
{
	return g_strconcat(guest->manager, ":", guest->id, NULL);
}

static void add_sockets(const struct kvt_daemon_config *config, GPtrArray *guests)
{
	for (guint i = 0; i < config->sockets->len; i++) {
		const struct kvt_socket_options *socket = config->sockets->pdata[i];
		struct kvt_guest *guest = kvt_guest_new(socket->name, "socket", socket->agent);

		kvt_guest_add_path(guest, kvt_path_sockets(socket->agent, socket->qmp));
		g_ptr_array_add(guests, guest);
	}
}

static void add_libvirt(const struct kvt_daemon_config *config, struct kvt_found *found)
{
	g_autoptr(GError) error = NULL;
	const char *uri = config->libvirt[0] != '\0' ? config->libvirt : NULL;

	found->libvirt_asked = kvt_libvirt_find(uri, found->guests, &error);
	if (error != NULL)
		found->libvirt_why = g_strdup(error->message);
}

static void add_processes(const struct kvt_daemon_config *config, GPtrArray *guests)
{
	const struct kvt_guest_query query = { .all = true, .no_libvirt = true, .root = "/" };
	g_autoptr(GPtrArray) all = kvt_guests_find(&query, NULL, NULL);

	for (guint i = 0; all != NULL && i < all->len; i++) {
		struct kvt_guest *guest = all->pdata[i];
		const bool wanted =
			strcmp(guest->manager, "proxmox") == 0 ? config->proxmox : config->qemu;

		if (!wanted)
			continue;
		all->pdata[i] = NULL;
		g_ptr_array_add(guests, guest);
	}
}

struct kvt_found *kvt_find(const struct kvt_daemon_config *config)
{
	struct kvt_found *found = g_new0(struct kvt_found, 1);

	found->guests = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_guest_free);
	add_sockets(config, found->guests);
	if (config->libvirt != NULL)
		add_libvirt(config, found);
	if (config->qemu || config->proxmox)
		add_processes(config, found->guests);
	return found;
}

void kvt_found_free(struct kvt_found *found)
{
	if (found == NULL)
		return;
	g_ptr_array_unref(found->guests);
	g_free(found->libvirt_why);
	g_free(found);
}

/* ---- the host ---- */

struct kvt_judged *kvt_find_findings(GError **error)
{
	g_autoptr(kvt_rules) rules = kvt_rules_load(error);
	g_autoptr(kvt_root) root = rules != NULL ? kvt_root_open("/", error) : NULL;
	struct kvt_answers answers = *kvt_answers_live();
	g_autoptr(kvt_judgement) judgement = NULL;
	struct kvt_judged *judged;

	if (root == NULL)
		return NULL;
	answers.measured = false; /* measuring takes a CPU for a while: not behind people's backs */
	judged = g_new0(struct kvt_judged, 1);
	judged->facts = kvt_machine_read(root, &answers, "this machine");
	judged->findings = kvt_prom_findings_new();
	judgement = kvt_judge(rules, judged->facts);
	kvt_prom_findings_add(judged->findings, judgement, "");
	return judged;
}

void kvt_judged_free(struct kvt_judged *judged)
{
	if (judged == NULL)
		return;
	g_array_unref(judged->findings);
	kvt_facts_free(judged->facts);
	g_free(judged);
}
