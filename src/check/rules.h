/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules: the knowledge as data (data/rules/NN-scope-topic.rules), matched against facts.
 *
 *   [KVT-0417]                             an id keeps its meaning for ever
 *   title    = The guest runs on {clocksource.current}    {fact} is replaced by its value
 *   scope    = guest | host | vm | machine | set
 *   when SUBJECT.FACT OPERATOR VALUE       the rule fits here only if each of these holds
 *   SUBJECT.FACT OPERATOR VALUE            and it is found if each of these holds too
 *   severity = critical | high | medium | low | info
 *   why = who = source = checked =         required; the other keys are listed in rules.c
 *
 * SUBJECT is host, vm, guest, or machine = the subject that the rule is judged for;
 * "configured SUBJECT.FACT" asks for what the files say instead of what runs.
 * Operators: = V; not V; in V...; not in V...; < V; >= V; absent; not absent. On a list, "= V"
 * means that V is in it, "in V..." that one of them is, and < and >= count its words. Versions
 * compare by their numbers.
 *
 * A condition over an unknown fact is unknown: the rule is then undecided, neither found nor
 * clean. An absent fact equals nothing, so "= V" is false of it and "not V" true.
 */
#ifndef KVT_CHECK_RULES_H
#define KVT_CHECK_RULES_H

#include "check/facts.h"

enum kvt_severity { KVT_INFO, KVT_LOW, KVT_MEDIUM, KVT_HIGH, KVT_CRITICAL };

enum kvt_operator {
	KVT_OP_EQ,
	KVT_OP_NOT,
	KVT_OP_IN,
	KVT_OP_NOT_IN,
	KVT_OP_LESS,
	KVT_OP_AT_LEAST,
	KVT_OP_ABSENT,
	KVT_OP_NOT_ABSENT
};

struct kvt_condition {
	bool when;
	unsigned subject; /* one subject bit, or KVT_MACHINE = the one that is judged */
	bool configured;
	const struct kvt_fact_def *def;
	enum kvt_operator op;
	char **words; /* the values */
	char *text;   /* as written, for people */
	int line;
};

struct kvt_rule {
	char *id;
	char *title;
	char *scope;      /* "host", "vm", "guest", "machine" or "set" */
	unsigned subject; /* the same as a bit; KVT_MACHINE = either; 0 = set: judged once, over all
			   * subjects of the set */
	enum kvt_severity severity;
	char *why;
	char *who;    /* guest, host or provider: who can mend it */
	char *fix;    /* remedy ids with arguments, "; " between them; NULL = none by machine */
	char *run;    /* key "do": what to type; NULL = none */
	char *risk;   /* of that, NULL = none worth naming */
	char *verify; /* how to see that it helped, NULL = check again */
	char *send;   /* what to write to whoever can mend it */
	char *alone;  /* the best that the guest can do by itself */
	char *cause;  /* ids; this is the consequence of the first of them that is found too */
	char *show;   /* more facts to show as evidence, without subject */
	char *source;
	char *checked;    /* date */
	char *confidence; /* high (the default), medium, low */
	GPtrArray *conditions;
	char *file;
	int line;
};

struct kvt_rules;

/** kvt_rules_new() - an empty set of rules */
struct kvt_rules *kvt_rules_new(void);
void kvt_rules_free(struct kvt_rules *rules);

typedef struct kvt_rules kvt_rules; /* for g_autoptr(kvt_rules) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_rules, kvt_rules_free)

/**
 * kvt_rules_parse() - add the rules of one file's text
 * @file:  name, for messages; kept
 * @error: out; KVT_STATUS_BAD_INPUT with file and line
 *
 * Return: true; or false and the set is as before but for rules of this file that came first.
 */
bool kvt_rules_parse(struct kvt_rules *rules, const char *file, const char *text, gsize len,
		     GError **error);

/**
 * kvt_rules_load() - the shipped rules and then the local ones
 * @error: out; KVT_STATUS_REFUSED (no rules found), KVT_STATUS_BAD_INPUT
 *
 * Every *.rules file, in the order of their names, of $KVT_DATA/rules, or of data/rules beside the
 * sources of an uninstalled program, or of the installed data folder; then of /etc/kvmtime/rules.
 *
 * Return: owned, or NULL.
 */
struct kvt_rules *kvt_rules_load(GError **error);

/** kvt_data_dir() - the folder of rules/, messages/ and schemas/ that is in use; owned */
char *kvt_data_dir(void);

/**
 * kvt_data_load() - hand every file of a folder to a parser, in the order of their names
 * @folder: a missing one is an empty one
 * @suffix: of the names that count, e.g. ".rules"
 * @parse:  false ends the loading with its error
 */
typedef bool (*kvt_data_parse)(gpointer set, const char *file, const char *text, gsize len,
			       GError **error);
bool kvt_data_load(const char *folder, const char *suffix, kvt_data_parse parse, gpointer set,
		   GError **error);

guint kvt_rules_count(const struct kvt_rules *rules);
const struct kvt_rule *kvt_rules_at(const struct kvt_rules *rules, guint i); /* in file order */
const struct kvt_rule *kvt_rules_find(const struct kvt_rules *rules, const char *id);

/* ---- judging ---- */

enum kvt_verdict {
	KVT_FOUND,     /* every condition holds */
	KVT_CLEAN,     /* the rule fits here and a condition does not hold */
	KVT_UNDECIDED, /* it depends on a fact that is unknown */
	KVT_UNFIT      /* not for this role, or a "when" does not hold */
};

/* What is missing where the files mend a finding already. */
enum kvt_waits { KVT_WAITS_NOT, KVT_WAITS_REBOOT, KVT_WAITS_RESTART };

struct kvt_accepted;

/* One rule judged for one subject. */
struct kvt_finding {
	const struct kvt_rule *rule; /* borrowed from the rules */
	unsigned subject;            /* one subject bit */
	enum kvt_verdict verdict;
	GPtrArray *evidence;  /* const struct kvt_fact *, borrowed from the facts */
	char *reason;         /* CLEAN, UNDECIDED, UNFIT: "wants guest clocksource.current = tsc,
			       * here kvm-clock" */
	bool needs_root;      /* UNDECIDED, and root could decide */
	enum kvt_waits waits; /* FOUND: the files mend it already */
	const struct kvt_accepted *accepted; /* FOUND: somebody lives with it, see accept.h */
	const struct kvt_accepted *lapsed;   /* FOUND: somebody did, but its last day is over */
	const struct kvt_finding
		*cause; /* FOUND: the finding that this one follows from, or NULL */
	enum kvt_severity worst; /* FOUND: of this one and all that follow from it */
	char *title, *why, *run, *send,
		*alone; /* with facts filled in; may be NULL as in the rule */
};

struct kvt_judgement {
	const struct kvt_facts *facts; /* borrowed */
	GPtrArray *results;            /* struct kvt_finding, owned: every rule, in file order */
	GPtrArray *found;              /* borrowed from results: FOUND, worst chain first */
	GPtrArray *accepted;           /* the same, but accepted by accept.conf; not in found */
	guint fit, clean, undecided;   /* fit = found + accepted + clean + undecided */
	guint by_severity[KVT_CRITICAL + 1];
};

/**
 * kvt_judge() - every rule against a set of facts
 *
 * Return: owned; @rules and @facts must outlive it.
 */
struct kvt_judgement *kvt_judge(const struct kvt_rules *rules, const struct kvt_facts *facts);
void kvt_judgement_free(struct kvt_judgement *judgement);

typedef struct kvt_judgement kvt_judgement; /* for g_autoptr(kvt_judgement) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_judgement, kvt_judgement_free)

/** kvt_rule_verdict() - what kvt_judge() finds of one rule, without evidence and reason */
enum kvt_verdict kvt_rule_verdict(const struct kvt_rule *rule, const struct kvt_facts *facts);

/** kvt_judgement_find() - the result for an id; the first that is found, else the first */
const struct kvt_finding *kvt_judgement_find(const struct kvt_judgement *judgement, const char *id);

/** kvt_severity_name() - "info" ... "critical" */
const char *kvt_severity_name(enum kvt_severity severity);

/** kvt_severity_parse() - false if @name is none */
bool kvt_severity_parse(const char *name, enum kvt_severity *ret_severity);

/** kvt_verdict_name() - "found", "clean", "undecided", "unfit" */
const char *kvt_verdict_name(enum kvt_verdict verdict);

#endif
