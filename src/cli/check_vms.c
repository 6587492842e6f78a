/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/check_vms.h"

#include "cli/join.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "guests/audit.h"
#include "guests/fleet.h"
#include "sys/error.h"

static void free_facts(gpointer data)
{
	kvt_facts_free(data);
}

static gpointer work(struct kvt_guest *guest, gpointer data, bool *ret_slow)
{
	*ret_slow = false;
	return kvt_audit_guest(guest, data);
}

/* A guest that did not answer in time: that is all that is known. */
static struct kvt_facts *silent_guest(const struct kvt_guest *guest)
{
	struct kvt_facts *facts = kvt_facts_new(guest->name);

	kvt_facts_set_roles(facts, KVT_GUEST);
	kvt_facts_set_text(facts, KVT_GUEST, "agent.status", kvt_reach_word(KVT_REACH_HUNG),
			   "no answer in time");
	kvt_facts_set_unknown(facts, KVT_GUEST, "agent.offset_s", false, "no answer in time");
	return facts;
}

static GPtrArray *audit_all(GPtrArray *guests, const struct kvt_check_vms *options)
{
	const struct kvt_audit_options audit = { options->exec, options->taint };
	const gint64 deadline_us = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	struct kvt_fleet *fleet =
		kvt_fleet_new(guests, work, g_memdup2(&audit, sizeof(audit)), g_free, free_facts);
	GPtrArray *sets = g_ptr_array_new_with_free_func(free_facts);
	struct kvt_facts *facts;
	guint index;

	g_ptr_array_set_size(sets, (gint)guests->len);
	for (guint i = 0; i < guests->len; i++)
		kvt_fleet_submit(fleet, i);
	for (guint got = 0; got < guests->len; got++) {
		facts = kvt_fleet_next(fleet, deadline_us, &index);
		if (facts == NULL)
			break;
		sets->pdata[index] = facts;
	}
	for (guint i = 0; i < guests->len; i++)
		if (sets->pdata[i] == NULL)
			sets->pdata[i] = silent_guest(guests->pdata[i]);
	kvt_fleet_free(fleet);
	return sets;
}

static void add_definition(struct kvt_facts *facts, const struct kvt_guest *guest,
			   const struct kvt_vm_options *options)
{
	gsize len = 0;
	g_autofree char *bytes = kvt_vm_definition(guest, options, &len, NULL);
	g_autoptr(GPtrArray) sets =
		bytes != NULL ? kvt_target_read_bytes(guest->name, bytes, len, NULL) : NULL;

	if (sets == NULL)
		return;
	kvt_join_definition(facts, sets->pdata[0]);
}

GPtrArray *kvt_check_vms_read(const struct kvt_check_vms *options, GError **error)
{
	g_autoptr(GPtrArray) guests = kvt_vm_find("check", &options->vm, error);
	g_autoptr(GPtrArray) hosts = guests != NULL ? kvt_target_read(options->host, error) : NULL;
	GPtrArray *sets;

	if (hosts == NULL)
		return NULL;
	if (guests->len == 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "no running guest found");
		return NULL;
	}
	sets = audit_all(guests, options);
	for (guint i = 0; i < guests->len; i++) {
		add_definition(sets->pdata[i], guests->pdata[i], &options->vm);
		kvt_join_one_host(sets->pdata[i], hosts->pdata[0]);
	}
	return sets;
}

void kvt_check_vms_clear(struct kvt_check_vms *options)
{
	kvt_vm_options_clear(&options->vm);
	g_free(options->host);
}
