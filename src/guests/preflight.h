/* SPDX-License-Identifier: BSD-2-Clause */
/* May a guest move from one host to another, as far as time goes? */
#ifndef KVT_GUESTS_PREFLIGHT_H
#define KVT_GUESTS_PREFLIGHT_H

#include "check/facts.h"

enum kvt_preflight_verdict {
	KVT_PREFLIGHT_OK,
	KVT_PREFLIGHT_UNKNOWN, /* a fact is lacking: neither good nor bad */
	KVT_PREFLIGHT_CARE,    /* it can move, and something about time becomes worse */
	KVT_PREFLIGHT_BLOCK    /* it is refused, or its clock runs wrong afterwards */
};

struct kvt_preflight_item {
	const char *topic; /* static */
	enum kvt_preflight_verdict verdict;
	char *text;
};

/**
 * kvt_preflight() - one direction
 * @from, @to: facts of two hosts
 * @vm:        facts of the guest's definition, or NULL: then any guest is thought of
 *
 * Return: owned array of struct kvt_preflight_item, in a fixed order.
 */
GArray *kvt_preflight(const struct kvt_facts *from, const struct kvt_facts *to,
		      const struct kvt_facts *vm);

/** kvt_preflight_worst() - the verdict of all items together */
enum kvt_preflight_verdict kvt_preflight_worst(const GArray *items);

/** kvt_preflight_word() - "ok", "unknown", "care", "block"; static */
const char *kvt_preflight_word(enum kvt_preflight_verdict verdict);

#endif
