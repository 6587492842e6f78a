/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/join.h"

#include <string.h>

static bool is_guest(const struct kvt_facts *facts)
{
	return (kvt_facts_roles(facts) & (KVT_GUEST | KVT_VM)) == KVT_GUEST;
}

static bool is_definition(const struct kvt_facts *facts)
{
	return kvt_facts_roles(facts) == KVT_VM;
}

static const char *text_of(const struct kvt_facts *facts, unsigned who, const char *name)
{
	const struct kvt_fact *fact = kvt_facts_get(facts, who, name);

	return fact != NULL && fact->state == KVT_KNOWN ? fact->text : NULL;
}

/* ---- who is whose ---- */

static bool is_same_name(const char *vm, const char *host)
{
	const gsize len = strlen(vm);

	return vm[0] != '\0' && g_ascii_strncasecmp(vm, host, len) == 0 &&
	       (host[len] == '\0' || host[len] == '.');
}

/* 2 = by UUID, 1 = by name, 0 = not */
static int match(const struct kvt_facts *guest, const struct kvt_facts *definition)
{
	const char *uuid = text_of(definition, KVT_VM, "uuid");
	const char *board = text_of(guest, KVT_GUEST, "identity.uuid");
	const char *name = text_of(definition, KVT_VM, "name");
	const char *host = text_of(guest, KVT_GUEST, "identity.hostname");

	if (uuid != NULL && board != NULL)
		return g_ascii_strcasecmp(uuid, board) == 0 ? 2 : 0;
	return name != NULL && host != NULL && is_same_name(name, host) ? 1 : 0;
}

/* The only definition that fits best; NULL if there is none, or if two fit alike. */
static struct kvt_facts *definition_of(const GPtrArray *sets, const struct kvt_facts *guest)
{
	struct kvt_facts *found = NULL;
	int best = 0;

	for (guint i = 0; i < sets->len; i++) {
		const int fit = is_definition(sets->pdata[i]) ? match(guest, sets->pdata[i]) : 0;

		if (fit > best) {
			best = fit;
			found = sets->pdata[i];
		} else if (fit > 0 && fit == best)
			found = NULL;
	}
	return found;
}

static bool is_claimed_twice(const GPtrArray *sets, const struct kvt_facts *definition)
{
	guint claims = 0;

	for (guint i = 0; i < sets->len; i++)
		claims += is_guest(sets->pdata[i]) &&
			  definition_of(sets, sets->pdata[i]) == definition;
	return claims > 1;
}

/* ---- putting together ---- */

/* A definition rarely names the system; the guest itself has said that it is Linux. */
static void add_family(struct kvt_facts *facts)
{
	const struct kvt_fact *family = kvt_facts_get(facts, KVT_VM, "os.family");

	if ((family == NULL || family->state == KVT_UNKNOWN) &&
	    text_of(facts, KVT_GUEST, "kernel.release") != NULL)
		kvt_facts_set_text(facts, KVT_VM, "os.family", "linux", "the guest itself");
}

void kvt_join_definition(struct kvt_facts *guest, const struct kvt_facts *definition)
{
	kvt_facts_copy_into(guest, definition, KVT_VM);
	kvt_facts_set_roles(guest, kvt_facts_roles(guest) | KVT_VM);
	add_family(guest);
}

void kvt_join_one_host(struct kvt_facts *guest, const struct kvt_facts *host)
{
	kvt_facts_copy_into(guest, host, KVT_HOST);
	kvt_facts_set_roles(guest, kvt_facts_roles(guest) | KVT_HOST);
	kvt_facts_set_bool(guest, KVT_GUEST, "identity.host_known", true, kvt_facts_target(host));
}

/* A guest that is itself a host keeps its own part: it is not the one below it. */
static void add_host(struct kvt_facts *guest, const struct kvt_facts *host)
{
	if ((kvt_facts_roles(guest) & KVT_HOST) == 0 &&
	    kvt_facts_get(host, KVT_HOST, "virt.guest") != NULL)
		kvt_join_one_host(guest, host);
}

void kvt_join(GPtrArray *sets)
{
	g_autoptr(GPtrArray) used = g_ptr_array_new();
	g_autoptr(GHashTable) pairs = g_hash_table_new(g_direct_hash, g_direct_equal);
	GHashTableIter iter;
	gpointer guest, definition;

	for (guint i = 0; i < sets->len; i++) {
		struct kvt_facts *own =
			is_guest(sets->pdata[i]) ? definition_of(sets, sets->pdata[i]) : NULL;

		if (own != NULL && !is_claimed_twice(sets, own))
			g_hash_table_insert(pairs, sets->pdata[i], own);
	}
	g_hash_table_iter_init(&iter, pairs);
	while (g_hash_table_iter_next(&iter, &guest, &definition)) {
		kvt_join_definition(guest, definition);
		add_host(guest, definition);
		g_ptr_array_add(used, definition);
	}
	for (guint i = 0; i < used->len; i++)
		g_ptr_array_remove(sets, used->pdata[i]);
}

void kvt_join_host(GPtrArray *sets, const struct kvt_facts *host)
{
	for (guint i = 0; i < sets->len; i++)
		if ((kvt_facts_roles(sets->pdata[i]) & KVT_GUEST) != 0)
			add_host(sets->pdata[i], host);
}
