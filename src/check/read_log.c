/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's own kernel log. */
#include <string.h>

#include "check/machine.h"
#include "check/messages.h"

/* Every fact of the log is unknown for the same reason. */
static void set_unknown(const struct kvt_reader *reader, bool needs_root, const char *reason)
{
	guint count;
	const struct kvt_fact_def *defs = kvt_fact_defs(&count);

	for (guint i = 0; i < count; i++)
		if (g_str_has_prefix(defs[i].name, "log."))
			kvt_facts_set_unknown(reader->facts, reader->who, defs[i].name, needs_root,
					      reason);
}

void kvt_read_log(const struct kvt_reader *reader)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_log) log = NULL;
	g_autofree char *text = NULL;
	gsize len = 0;

	set_unknown(reader, false, "not a message that this program knows");
	if (reader->messages == NULL)
		return;
	text = reader->answers->log(reader->answers->user, &len, &error);
	if (text == NULL) {
		set_unknown(reader, kvt_is_denied(error->message) && !reader->answers->is_root,
			    error->message);
		return;
	}
	log = kvt_log_scan(reader->messages, text, len);
	kvt_log_facts(log, reader->facts, reader->who,
		      kvt_read_from(reader, "/kvmtime/log", "kernel log"));
}
