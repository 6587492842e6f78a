/* SPDX-License-Identifier: BSD-2-Clause */
/* A dump of a time page: which it is, and what it says. */
#ifndef KVT_CLOCK_PAGE_H
#define KVT_CLOCK_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <kvmtime/pvclock.h>
#include <kvmtime/vmclock.h>

#include "clock/record.h"

enum kvt_page_type {
	KVT_PAGE_PVCLOCK,
	KVT_PAGE_WALL_CLOCK,
	KVT_PAGE_STEAL_TIME,
	KVT_PAGE_VMCLOCK,
	KVT_PAGE_HYPERV,
	KVT_PAGE_XEN,
	KVT_PAGE_PAIRING,
	KVT_PAGE_TYPES
};

/** kvt_page_name() - as --as takes it; static */
const char *kvt_page_name(enum kvt_page_type type);

/** kvt_page_wants() - the sizes that it has; static */
const char *kvt_page_wants(enum kvt_page_type type);

/** kvt_page_names() - all, with commas; owned */
char *kvt_page_names(void);

/** kvt_page_by_name() - false if there is no such type */
bool kvt_page_by_name(const char *name, enum kvt_page_type *ret_type);

/**
 * kvt_page_recognise() - which page a dump is of
 * @ret_how: out, static words: by what it was told
 * @error:   out; KVT_STATUS_BAD_INPUT: nothing fits, or several do; they are listed
 *
 * By magic, else by size and by what a hypervisor could have written there. Never a guess: when
 * two fit, both are named.
 */
bool kvt_page_recognise(const guint8 *bytes, gsize size, enum kvt_page_type *ret_type,
			const char **ret_how, GError **error);

/* What is known beside the bytes; 0 and NULL = nothing. */
struct kvt_page_context {
	uint64_t tsc_cycles;    /* counter now: gives the page's value and its age */
	uint64_t khz;           /* the TSC's rate as somebody states it */
	const char *khz_source; /* who */
	bool stable_known;      /* CPUID was asked ... */
	bool stable_honoured;   /* ... and says that the stable bit means something */
	bool live;              /* the machine's own page, not a dump */
};

/**
 * kvt_page_describe() - the rows of a dump
 * @type: recognised or forced
 * @error: out; KVT_STATUS_BAD_INPUT: too short, or a value that the format forbids
 *
 * Return: owned, or NULL.
 */
struct kvt_record *kvt_page_describe(enum kvt_page_type type, const guint8 *bytes, gsize size,
				     const struct kvt_page_context *context, GError **error);

/** kvt_page_describe_pvclock() - the rows of a record in memory; owned */
struct kvt_record *kvt_page_describe_pvclock(const struct pvclock_vcpu_time_info *ti,
					     const struct kvt_page_context *context);

/** kvt_page_describe_vmclock() - the rows of a region in memory; owned */
struct kvt_record *kvt_page_describe_vmclock(const struct vmclock_abi *abi,
					     const struct kvt_page_context *context);

#endif
