/* SPDX-License-Identifier: BSD-2-Clause */
/* An accept.conf of anybody's: refused with a line, or it moves findings and loses none. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check/accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "[KVT-0001]\ntitle = a\nscope = guest\nmachine.rtc.local = yes\n"
			   "severity = low\nwhy = w\nwho = guest\nsource = s\nchecked = c\n"
			   "[KVT-0002]\ntitle = b\nscope = machine\nmachine.rtc.local = yes\n"
			   "severity = high\nwhy = w\nwho = guest\ncause = KVT-0001\nsource = s\n"
			   "checked = c\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(kvt_rules) rules = kvt_rules_new();
	g_autoptr(kvt_facts) facts = kvt_facts_new("web1");
	g_autoptr(kvt_judgement) judgement = NULL;
	g_autoptr(GPtrArray) accepted = NULL;
	g_autoptr(GError) error = NULL;

	if (!kvt_rules_parse(rules, "two.rules", text, strlen(text), NULL))
		g_error("the target's own rules do not hold");
	kvt_facts_set_roles(facts, KVT_GUEST);
	kvt_facts_set_bool(facts, KVT_GUEST, "rtc.local", true, "here");
	judgement = kvt_judge(rules, facts);
	accepted = kvt_accept_parse("accept.conf", (const char *)data, size, rules, &error);
	if (accepted == NULL) {
		if (error == NULL || !g_str_has_prefix(error->message, "accept.conf:"))
			g_error("refused without a line");
		return 0;
	}
	kvt_accept_apply(accepted, "2026-11-20", judgement);
	if (judgement->found->len + judgement->accepted->len != 2)
		g_error("a finding is lost");
	return 0;
}
