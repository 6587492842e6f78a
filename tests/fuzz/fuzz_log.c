/* SPDX-License-Identifier: BSD-2-Clause */
/* A log of anybody's, against the shipped messages. */
#include <stddef.h>
#include <stdint.h>

#include "check/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kvt_messages *messages;
	g_autoptr(kvt_log) log = NULL;
	g_autoptr(kvt_facts) facts = kvt_facts_new("fuzz");

	if (messages == NULL)
		messages = kvt_messages_load(NULL);
	g_assert(messages != NULL);
	log = kvt_log_scan(messages, (const char *)data, size);
	kvt_facts_set_roles(facts, KVT_GUEST);
	kvt_log_facts(log, facts, KVT_GUEST, "fuzz");
	for (guint i = 0; i < kvt_facts_count(facts); i++)
		g_assert(g_utf8_validate(kvt_facts_at(facts, i)->source, -1, NULL));
	(void)kvt_log_looks_like(messages, (const char *)data, size);
	return 0;
}
