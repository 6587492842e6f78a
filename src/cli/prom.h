/* SPDX-License-Identifier: BSD-2-Clause */
/* Prometheus' text format, and what findings and host facts look like in it. */
#ifndef KVT_CLI_PROM_H
#define KVT_CLI_PROM_H

#include <stdint.h>

#include "check/rules.h"

/** kvt_prom_family() - the HELP and TYPE lines; @type e.g. "gauge", "counter" */
void kvt_prom_family(GString *out, const char *name, const char *type, const char *help);

/** kvt_prom_label() - name="value", escaped; invalid UTF-8 is replaced */
void kvt_prom_label(GString *out, const char *name, const char *value);

/** kvt_prom_seconds() - ns as a decimal number of seconds */
void kvt_prom_seconds(GString *out, int64_t ns);

/** kvt_prom_value() - " N\n" after a name and its labels */
void kvt_prom_value(GString *out, guint64 value);

/* One finding as a series. */
struct kvt_prom_finding {
	char *id, *vm; /* vm "" = the host, or the machine itself */
	enum kvt_severity severity;
};

/** kvt_prom_findings_new() - empty, of struct kvt_prom_finding */
GArray *kvt_prom_findings_new(void);

/** kvt_prom_findings_add() - what was found, each pair of id and vm once */
void kvt_prom_findings_add(GArray *findings, const struct kvt_judgement *judgement, const char *vm);

/** kvt_prom_findings() - kvmtime_finding_info and the count of each severity */
void kvt_prom_findings(GString *out, const GArray *findings);

/** kvt_prom_host() - clock source, TSC, NTP, as far as they are known */
void kvt_prom_host(GString *out, const struct kvt_facts *facts);

/** kvt_prom_write() - a text file for node_exporter's folder: whole or not at all, readable by all
 */
bool kvt_prom_write(const char *path, const GString *text, GError **error);

#endif
