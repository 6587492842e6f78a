/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict reader below rules and messages: "[SECTION]" lines, "key operator value" lines, '#'
 * comments, and lines that begin with white space and continue the one before. It knows its line
 * numbers, and nothing is merged: a section that comes twice is an error.
 */
#ifndef KVT_CHECK_INI_H
#define KVT_CHECK_INI_H

#include <glib.h>

struct kvt_ini_line {
	int number; /* where it begins, from 1 */
	char *text; /* continuations joined by one space; trimmed; never empty */
};

struct kvt_ini_section {
	char *name;
	int number;
	GPtrArray *lines; /* of struct kvt_ini_line, owned */
};

/**
 * kvt_ini_parse() - split a file into sections
 * @file:  its name, for messages
 * @text:  its bytes; need not end with NUL
 * @len:   how many; at most 4 MiB
 * @error: out; KVT_STATUS_BAD_INPUT, "FILE:LINE: what is wrong: the text"
 *
 * Return: owned array of owned struct kvt_ini_section, in order, or NULL.
 */
GPtrArray *kvt_ini_parse(const char *file, const char *text, gsize len, GError **error);

/** kvt_ini_fail() - set KVT_STATUS_BAD_INPUT "FILE:LINE: message" */
void kvt_ini_fail(GError **error, const char *file, int line, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

#endif
