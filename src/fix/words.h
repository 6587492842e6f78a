/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a kernel command line, edited in the text they stand in, so that spacing, order
 * and continued lines of everything else stay as they are.
 */
#ifndef KVT_FIX_WORDS_H
#define KVT_FIX_WORDS_H

#include <stdbool.h>

#include <glib.h>

/*
 * One wish. Adding "key=value" replaces the value of a key that is there; adding a bare word that
 * is there changes nothing. Removing "key" takes the bare word and every "key=...", removing
 * "key=value" that one alone.
 */
struct kvt_word_op {
	bool add;
	const char *word;
};

/**
 * kvt_words_parse() - the words of a command line, in order
 * @text: words apart by spaces, tabs or a backslash and newline; double quotes hold spaces
 *
 * Return: owned array of owned strings.
 */
GPtrArray *kvt_words_parse(const char *text);

/**
 * kvt_words_edit() - carry out wishes
 * @text:  a command line without the newline that ends it
 * @error: out; KVT_STATUS_BAD_INPUT if the result would not parse back to what was wished
 *
 * New words go to the end, but before "--", after which init's own arguments stand; nothing after
 * it is touched.
 *
 * Return: owned text, or NULL.
 */
char *kvt_words_edit(const char *text, const struct kvt_word_op *ops, gsize count, GError **error);

/** kvt_words_same() - equal lists */
bool kvt_words_same(const GPtrArray *a, const GPtrArray *b);

/* What decides whether a kernel knows a word. */
struct kvt_kernel {
	int major, minor, patch;
	int el;    /* Enterprise Linux major release, 0 = none */
	bool i386; /* a 32-bit x86 kernel */
};

/**
 * kvt_kernel_parse() - from a release as uname -r prints it and an architecture
 * @release: e.g. "2.6.32-358.el6.x86_64", NULL or garbage = false
 */
bool kvt_kernel_parse(const char *release, const char *arch, struct kvt_kernel *ret_kernel);

/**
 * kvt_words_check() - may this word be added for this kernel?
 * @error: out; KVT_STATUS_BAD_INPUT: a word that this program never adds ("emergency" above all),
 *         or one that this kernel does not know
 */
bool kvt_words_check(const char *word, const struct kvt_kernel *kernel, GError **error);

#endif
