/* SPDX-License-Identifier: BSD-2-Clause */
/* How kvmtime clock says what it found: text and JSON from the same rows. */
#ifndef KVT_CLI_CLOCK_H
#define KVT_CLI_CLOCK_H

#include <stdbool.h>

#include "clock/live.h"
#include "clock/record.h"

/**
 * kvt_clock_print_record() - fields, what follows from them, flags; wrapped at the width
 * @heading: NULL = the record's own title
 * @where:   a line below it, or NULL
 */
void kvt_clock_print_record(const struct kvt_record *record, const char *heading,
			    const char *where);

/** kvt_clock_print_live() - the verdict first; @verbose adds each vCPU's record */
void kvt_clock_print_live(const struct kvt_live *live, bool verbose);

/* What --watch compares with: the first look. */
struct kvt_clock_watch {
	bool started;
	struct kvt_clock_pair raw;
	char clocksource[32];
	unsigned lines;
};

/** kvt_clock_print_watch() - one line */
void kvt_clock_print_watch(const struct kvt_live *live, struct kvt_clock_watch *watch);

/** kvt_clock_json_live() - one document; @pretty or on one line */
void kvt_clock_json_live(const struct kvt_live *live, bool pretty);

/** kvt_clock_json_record() - the document of --decode; @how: by what the type was told */
void kvt_clock_json_record(const struct kvt_record *record, const char *file, gsize size,
			   const char *how);

/** kvt_clock_hypervisor() - its name in words: "KVM"; "no hypervisor" without a signature */
const char *kvt_clock_hypervisor(const struct kvt_live *live);

/** kvt_clock_page_state() - as in the JSON: "found", "not-mapped", ... */
const char *kvt_clock_page_state(const struct kvt_live *live);

#endif
