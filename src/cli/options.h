/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs' command lines have in common. */
#ifndef KVT_CLI_OPTIONS_H
#define KVT_CLI_OPTIONS_H

#include <stdbool.h>

#include <glib.h>

#include "sys/error.h"

/* The options that every verb takes. */
struct kvt_common {
	gboolean json;
	gboolean verbose;
	gboolean quiet;
};

/**
 * kvt_options_parse() - parse a verb's command line; print its help if asked
 * @verb:        e.g. "clock"
 * @synopsis:    what follows the options, e.g. "[TARGET...]"
 * @description: paragraphs below the option list, with examples
 * @entries:     the verb's own options, or NULL
 * @common:      out; zeroed first
 * @argc, @argv: in: without the program's name, argv[0] = verb; out: what is left after it
 *
 * An error is printed to stderr with the way to the help.
 *
 * Return: true to go on; false to end with *@ret_status.
 */
bool kvt_options_parse(const char *verb, const char *synopsis, const char *description,
		       const GOptionEntry *entries, struct kvt_common *common, int *argc,
		       char ***argv, int *ret_status);

/** kvt_error_status() - the exit status of an error; KVT_STATUS_REFUSED for other domains */
int kvt_error_status(const GError *error);

/**
 * kvt_fail() - print "kvmtime VERB: message" to stderr
 * @error: taken over and freed
 *
 * Return: kvt_error_status().
 */
int kvt_fail(const char *verb, GError *error);

/** kvt_usage() - print "kvmtime VERB: message" and where the help is; returns KVT_STATUS_USAGE */
int kvt_usage(const char *verb, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
