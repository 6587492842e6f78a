/* SPDX-License-Identifier: BSD-2-Clause */
/* How a plan of fix is shown: text and JSON. */
#ifndef KVT_CLI_FIX_SHOW_H
#define KVT_CLI_FIX_SHOW_H

#include "check/rules.h"
#include "cli/options.h"
#include "fix/plan.h"

/* One thing to mend: a machine, or one VM definition. */
struct kvt_fix_item {
	char *definition; /* absolute path or libvirt:NAME; NULL = a machine */
	GPtrArray *sets;  /* of struct kvt_facts, as read */
	struct kvt_facts *filled;
	struct kvt_judgement *judgement;
	guint first_step, end_step; /* its part of the plan's steps */
};

struct kvt_fix {
	struct kvt_common common;
	gboolean apply, despite_vms;
	char *script;
	char *uri;
	GPtrArray *ids; /* borrowed; empty = all */
	const char *target;
	GPtrArray *items; /* struct kvt_fix_item, owned */
	struct kvt_plan *plan;
	unsigned number;   /* of the transaction, 0 = none */
	GPtrArray *failed; /* commands that failed */
};

/** kvt_fix_wants() - true if findings of this rule were asked for */
bool kvt_fix_wants(const struct kvt_fix *fix, const char *id);

void kvt_fix_show_text(const struct kvt_fix *fix);
void kvt_fix_show_json(const struct kvt_fix *fix);

#endif
