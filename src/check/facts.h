/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts: everything that is known about a machine, a VM definition or a measurement becomes
 * (subject, name, running or configured) with a typed value, or "absent", or "unknown" with its
 * reason, and always where that was read. The names stand in fact_list.h.
 *
 * absent   read, and there is no such thing: no clocksource= on the command line that was read
 * unknown  could not be read; never taken as good or bad
 *
 * A set belongs to one thread. Everything put in is copied; everything got is borrowed until the
 * set changes or is freed.
 */
#ifndef KVT_CHECK_FACTS_H
#define KVT_CHECK_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum kvt_fact_type {
	KVT_FACT_BOOL,
	KVT_FACT_INT,
	KVT_FACT_REAL,
	KVT_FACT_TEXT,
	KVT_FACT_VERSION, /* kept as text; compared by its numbers */
	KVT_FACT_LIST     /* words */
};

/* Whose fact it is, as bits: a machine that is both guest and host sets both at once. */
enum {
	KVT_HOST = 1,
	KVT_VM = 2,
	KVT_GUEST = 4,
	KVT_MACHINE = KVT_HOST | KVT_GUEST,
	KVT_CONFIGURED = 8 /* with a subject: as the files say it will be; without: as it runs */
};

enum kvt_fact_state { KVT_KNOWN, KVT_ABSENT, KVT_UNKNOWN };

/* One line of the table. */
struct kvt_fact_def {
	const char *name;
	enum kvt_fact_type type;
	unsigned subjects;
	const char *unit;
	const char *about;
};

struct kvt_fact {
	const struct kvt_fact_def *def;
	unsigned subject; /* exactly one of KVT_HOST, KVT_VM, KVT_GUEST */
	bool configured;
	enum kvt_fact_state state;
	bool needs_root; /* unknown, and only root could have read it */
	bool flag;       /* BOOL */
	int64_t integer; /* INT */
	double real;     /* REAL */
	char *text;      /* TEXT, VERSION */
	char **list;     /* LIST */
	char *source;    /* where it was read: a path, "CPUID 80000007h", a log line; or, if
			  * unknown, why */
};

struct kvt_facts;

/** kvt_fact_defs() - the table, in order; *@ret_count entries, valid for ever */
const struct kvt_fact_def *kvt_fact_defs(guint *ret_count);

/** kvt_fact_def_find() - a line of the table, or NULL; names are looked up over all subjects */
const struct kvt_fact_def *kvt_fact_def_find(const char *name);

/** kvt_subject_name() - "host", "vm" or "guest" of one subject bit */
const char *kvt_subject_name(unsigned subject);

/**
 * kvt_facts_new() - an empty set
 * @target: what it is about, for people: "this machine", a file name
 */
struct kvt_facts *kvt_facts_new(const char *target);

/**
 * kvt_facts_new_bare() - an empty set that does not keep where its facts were read
 *
 * For verdicts over thousands of things: the sources are NULL, so nothing can be reported of it.
 */
struct kvt_facts *kvt_facts_new_bare(const char *target);
bool kvt_facts_is_bare(const struct kvt_facts *facts);
void kvt_facts_free(struct kvt_facts *facts);

typedef struct kvt_facts kvt_facts; /* for g_autoptr(kvt_facts) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_facts, kvt_facts_free)

const char *kvt_facts_target(const struct kvt_facts *facts);

/**
 * kvt_facts_set_roles() - which subjects the set speaks of; a rule fits only those
 * @roles: bits; 0 = nothing is known of the role (a log without a hint)
 */
void kvt_facts_set_roles(struct kvt_facts *facts, unsigned roles);
unsigned kvt_facts_roles(const struct kvt_facts *facts);

/*
 * Setters. @who = subject bits, and KVT_CONFIGURED where it applies; @name must stand in the
 * table with that type (else it is a bug of ours and asserts). A second value replaces the first.
 * @source: where it was read.
 */
void kvt_facts_set_bool(struct kvt_facts *facts, unsigned who, const char *name, bool value,
			const char *source);
void kvt_facts_set_int(struct kvt_facts *facts, unsigned who, const char *name, int64_t value,
		       const char *source);
void kvt_facts_set_real(struct kvt_facts *facts, unsigned who, const char *name, double value,
			const char *source);
/* TEXT and VERSION; bytes that a terminal must not see are replaced; at most 500 are kept */
void kvt_facts_set_text(struct kvt_facts *facts, unsigned who, const char *name, const char *value,
			const char *source);
/* LIST; NULL-terminated; NULL = empty */
void kvt_facts_set_list(struct kvt_facts *facts, unsigned who, const char *name,
			const char *const *value, const char *source);
/* add a word to a LIST (once), making the list if need be; the source of the first is kept */
void kvt_facts_add_word(struct kvt_facts *facts, unsigned who, const char *name, const char *word,
			const char *source);
void kvt_facts_set_absent(struct kvt_facts *facts, unsigned who, const char *name,
			  const char *source);
/* @reason: why it could not be read, e.g. "/proc/x: Permission denied" */
void kvt_facts_set_unknown(struct kvt_facts *facts, unsigned who, const char *name, bool needs_root,
			   const char *reason);

/** kvt_facts_put() - another set's fact, for the subjects @who, KVT_CONFIGURED among them or not */
void kvt_facts_put(struct kvt_facts *facts, unsigned who, const struct kvt_fact *fact);

/**
 * kvt_facts_get() - a fact
 * @who: one subject bit, and KVT_CONFIGURED where it applies
 *
 * Return: borrowed, or NULL if nothing was ever said about it (treat as unknown).
 */
const struct kvt_fact *kvt_facts_get(const struct kvt_facts *facts, unsigned who, const char *name);

/** kvt_facts_of() - the same by the fact's line of the table */
const struct kvt_fact *kvt_facts_of(const struct kvt_facts *facts, unsigned who,
				    const struct kvt_fact_def *def);

/** kvt_facts_any() - the fact of whichever subject has it, guest before host before vm; running */
const struct kvt_fact *kvt_facts_any(const struct kvt_facts *facts, const char *name);

/* Short cuts over kvt_facts_any(): what is not known is @fallback. */
bool kvt_facts_is(const struct kvt_facts *facts, const char *name, bool fallback);
const char *kvt_facts_text(const struct kvt_facts *facts, const char *name, const char *fallback);
bool kvt_facts_has_word(const struct kvt_facts *facts, const char *name, const char *word);

/** kvt_facts_count() and kvt_facts_at() - all facts, in the table's order, then by subject */
guint kvt_facts_count(const struct kvt_facts *facts);
const struct kvt_fact *kvt_facts_at(const struct kvt_facts *facts, guint i);

/** kvt_facts_keep() - drop every fact whose subject is not in @who */
void kvt_facts_keep(struct kvt_facts *facts, unsigned who);

/** kvt_facts_copy_into() - put the facts of the subjects @who of one set into another */
void kvt_facts_copy_into(struct kvt_facts *to, const struct kvt_facts *from, unsigned who);

/**
 * kvt_fact_value() - the value for people: "yes", "2596124 kHz", "tsc kvm-clock", "absent",
 * "unknown"
 *
 * Return: owned.
 */
char *kvt_fact_value(const struct kvt_fact *fact);

/** kvt_version_compare() - by the numbers in them: negative, 0, positive; "5.10" > "5.9" */
int kvt_version_compare(const char *a, const char *b);

#endif
