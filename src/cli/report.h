/* SPDX-License-Identifier: BSD-2-Clause */
/* How a judgement is shown: the report that DESIGN draws, and its JSON. */
#ifndef KVT_CLI_REPORT_H
#define KVT_CLI_REPORT_H

#include <json-glib/json-glib.h>

#include "check/rules.h"

/** kvt_report_text() - verdict first, then each root cause with evidence, why and remedy
 *  @verbose: also info findings in full, sources, undecided rules with their reasons */
void kvt_report_text(const struct kvt_judgement *judgement, bool verbose);

/** kvt_report_findings() - what kvt_report_text() says of the findings alone */
void kvt_report_findings(const struct kvt_judgement *judgement, bool verbose);

/** kvt_report_missing() - of a sosreport, the shell line for what it lacks; owned, or NULL */
char *kvt_report_missing(const struct kvt_judgement *judgement);

/** kvt_report_facts() - every fact with its value and where it was read */
void kvt_report_facts(const struct kvt_facts *facts);

/** kvt_report_json() - members "machine", "counts", "findings", "undecided" into an open object */
void kvt_report_json(JsonBuilder *builder, const struct kvt_judgement *judgement);

/** kvt_report_findings_json() - its member "findings" alone */
void kvt_report_findings_json(JsonBuilder *builder, const struct kvt_judgement *judgement);

/** kvt_report_facts_json() - member "facts" into an open object */
void kvt_report_facts_json(JsonBuilder *builder, const struct kvt_facts *facts);

/** kvt_report_machine() - "web1: KVM guest (qemu), Debian 12, Linux 6.1.0, x86_64"; owned */
char *kvt_report_machine(const struct kvt_facts *facts);

#endif
