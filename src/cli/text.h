/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How every verb looks on a terminal: one place for units, signs, colours and tables.
 * Results go to stdout, progress and errors to stderr. Colour is never the only sign; outside
 * UTF-8 everything is ASCII.
 */
#ifndef KVT_CLI_TEXT_H
#define KVT_CLI_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum kvt_colour { KVT_PLAIN, KVT_BOLD, KVT_RED, KVT_YELLOW, KVT_GREEN, KVT_CYAN, KVT_DIM };

/**
 * kvt_text_setup() - decide on colour, character set and width, once at start
 * @when: "auto", "always", "never"; NULL = "auto"
 *
 * auto: colour only on a terminal that is not TERM=dumb, and without NO_COLOR.
 *
 * Return: false if @when is none of the three.
 */
bool kvt_text_setup(const char *when);

/** kvt_text_columns() - width to wrap at: of the terminal (40 .. 100), 80 elsewhere */
int kvt_text_columns(void);

/** kvt_text_is_tty() - true if stdout is a terminal that understands cursor movement */
bool kvt_text_is_tty(void);

/** kvt_text_paint() - @text in a colour, or as it is; owned */
char *kvt_text_paint(enum kvt_colour colour, const char *text);

/** kvt_text_symbol() - @utf8 where the locale can show it, else @ascii */
const char *kvt_text_symbol(const char *utf8, const char *ascii);

/** kvt_text_printable() - an outsider's text made safe for a terminal: no control bytes; owned */
char *kvt_text_printable(const char *text);

/**
 * kvt_text_ns() - a duration with a unit that suits it: "12.4 us", "3.1 s", "7 h 12 min"
 * @ns:     duration; negative prints a minus
 * @signed_: also print a plus
 *
 * Return: owned.
 */
char *kvt_text_ns(double ns, bool signed_);

/**
 * kvt_text_offset() - value, bound and status: "+12.4 us ± 3.1 us, ahead"
 * @ns:       offset; positive = ahead
 * @bound_ns: 0 or positive; a value inside it is "none seen"
 *
 * Return: owned.
 */
char *kvt_text_offset(double ns, double bound_ns);

/** kvt_text_wrap() - print @text wrapped at the width, each line after @indent spaces */
void kvt_text_wrap(int indent, const char *text);

/**
 * kvt_text_table() - print rows with aligned columns
 * @rows: array of char ** (NULL-terminated), the first is the heading; borrowed
 * @right: a letter a column, 'r' = align to the right, anything else to the left
 */
void kvt_text_table(const GPtrArray *rows, const char *right);

/** kvt_text_progress() - replace the progress line on stderr (terminals only); NULL ends it */
void kvt_text_progress(const char *text);

#endif
