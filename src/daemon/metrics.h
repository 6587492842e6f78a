/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that the daemon tells Prometheus, as text. */
#ifndef KVT_DAEMON_METRICS_H
#define KVT_DAEMON_METRICS_H

#include "check/facts.h"
#include "daemon/guard.h"

/* What there is to tell beside the guests. */
struct kvt_daemon_state {
	int64_t now_ns; /* guard's time */
	int64_t started_utc_ns;
	bool libvirt_asked, libvirt_connected;
	bool config_good;              /* the last configuration that was read is in force */
	guint64 corrections, failures; /* of all guests, also those that are gone */
	const GArray *findings;        /* struct kvt_prom_finding, or NULL */
	const struct kvt_facts *host;  /* or NULL */
	int64_t findings_ns;           /* when they were found */
};

/**
 * kvt_metrics_text() - Prometheus' text format, version 0.0.4
 * @per_guest: which guests have series of their own
 *
 * Return: owned.
 */
GString *kvt_metrics_text(const struct kvt_guard *guard, enum kvt_per_guest per_guest,
			  const struct kvt_daemon_state *state);

#endif
