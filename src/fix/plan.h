/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plan: what remedies would do to one machine's tree. Making it reads the tree and changes
 * nothing. A rule names remedies in its key "fix", apart by "; ", each a name with arguments, from
 * the table in remedies.c:
 *
 *   fix = boot-remove notsc divider; use-clocksource kvm-clock
 */
#ifndef KVT_FIX_PLAN_H
#define KVT_FIX_PLAN_H

#include <stdbool.h>

#include "check/facts.h"
#include "fix/journal.h"
#include "fix/words.h"
#include "sys/root.h"

/* A command line for a shell. */
struct kvt_command {
	char *run;
	bool again; /* makes a file anew from others: to be run after undo too */
};

/* What was asked for, and what comes of it. */
struct kvt_step {
	char *id;      /* of the finding, or NULL */
	char *remedy;  /* as the rule has it */
	char *refused; /* why nothing is done, or NULL */
	bool nothing;  /* it is so already */
	bool edits;    /* files are changed, not only switches and commands */
	bool reboot;   /* takes effect with the next boot */
};

struct kvt_plan {
	const struct kvt_root *root;   /* borrowed */
	const struct kvt_facts *facts; /* borrowed, may be NULL */
	bool live;                     /* commands and switches are for now, not for a list */
	const char *definition;        /* borrowed: path of the VM definition to mend, or NULL */
	bool despite_vms;              /* clock sources may be switched under running VMs */
	struct kvt_kernel kernel;
	bool kernel_known;
	GPtrArray *changes;  /* struct kvt_change, each path once */
	GPtrArray *switches; /* struct kvt_switch */
	GPtrArray *commands; /* struct kvt_command, each once, in order */
	GPtrArray *same;     /* lines of the distribution's tools that do what the changes do */
	bool not_restarted;  /* something has to be, and nothing is known that could */
	GPtrArray *steps;    /* struct kvt_step */
};

/**
 * kvt_plan_new() - an empty plan for a tree
 * @facts: of the same machine: kernel and what the remedies ask for
 */
struct kvt_plan *kvt_plan_new(const struct kvt_root *root, const struct kvt_facts *facts);
void kvt_plan_free(struct kvt_plan *plan);

/**
 * kvt_plan_about() - what the next remedies are for
 * @facts:      as kvt_plan_new(); borrowed
 * @definition: path of the VM definition to mend, or NULL; borrowed
 */
void kvt_plan_about(struct kvt_plan *plan, const struct kvt_facts *facts, const char *definition);

typedef struct kvt_plan kvt_plan; /* for g_autoptr(kvt_plan) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_plan, kvt_plan_free)

/**
 * kvt_plan_add() - plan the remedies of one rule
 * @id:  of the finding, may be NULL
 * @fix: the rule's key; what cannot be done becomes a refused step, and nothing of that remedy
 *       stays in the plan
 */
void kvt_plan_add(struct kvt_plan *plan, const char *id, const char *fix);

/** kvt_plan_is_empty() - nothing to change, switch or run */
bool kvt_plan_is_empty(const struct kvt_plan *plan);

/** kvt_plan_needs_reboot() - a step takes effect with the next boot */
bool kvt_plan_needs_reboot(const struct kvt_plan *plan);

/**
 * kvt_plan_diff() - all file changes as one unified diff; owned
 */
char *kvt_plan_diff(const struct kvt_plan *plan);

/** kvt_plan_shell(), kvt_plan_ansible() - the same plan for those who run no tools; owned */
char *kvt_plan_shell(const struct kvt_plan *plan);
char *kvt_plan_ansible(const struct kvt_plan *plan);

/* ---- for remedies.c ---- */

/** kvt_plan_text() - a file as the plan leaves it so far; owned; NULL if there is none */
char *kvt_plan_text(struct kvt_plan *plan, const char *path, GError **error);

/** kvt_plan_put() - the file's next text; takes @text over */
void kvt_plan_put(struct kvt_plan *plan, const char *path, char *text);
void kvt_plan_switch(struct kvt_plan *plan, const char *path, const char *value);
void kvt_plan_run(struct kvt_plan *plan, bool again, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** kvt_plan_same() - name a tool's line that does what the file changes do */
void kvt_plan_same(struct kvt_plan *plan, const char *line);

/* A remedy: false with @error if it cannot be done. @args is NULL-terminated. */
typedef bool (*kvt_remedy_run)(struct kvt_plan *plan, char **args, GError **error);

struct kvt_remedy {
	const char *name;
	unsigned min_args, max_args;
	bool reboot;
	kvt_remedy_run run;
	const char *about; /* one line */
};

/** kvt_remedy_vm_set() - vm-set FIELD VALUE: say something in the plan's VM definition */
bool kvt_remedy_vm_set(struct kvt_plan *plan, char **args, GError **error);

/** kvt_remedies() - the table; ends with a NULL name */
const struct kvt_remedy *kvt_remedies(void);

/** kvt_remedy_check() - does every remedy of a rule's key stand in the table, rightly called? */
bool kvt_remedy_check(const char *fix, GError **error);

#endif
