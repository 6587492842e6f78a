/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes out of what people paste: a binary file, or the hex dump of a tool. */
#ifndef KVT_CLOCK_DUMP_H
#define KVT_CLOCK_DUMP_H

#include <glib.h>

/* More than any page and any dump of one. */
#define KVT_DUMP_BYTES (64u * 1024u)
#define KVT_DUMP_TEXT  (1024u * 1024u)

/**
 * kvt_dump_parse() - the bytes that a dump shows
 * @input: what was read; anything
 * @size:  bytes of it
 * @error: out; KVT_STATUS_BAD_INPUT with line and text
 *
 * Only printable ASCII and white space: a hex dump; else the bytes themselves. Understood are
 * plain hex with or without spaces, "xxd", "hexdump", "hexdump -C", "od -t x1" and its wider
 * words, gdb's "x/32xb" and its wider words, and the bytes of a C array. Tokens are bytes in memory
 * order; numbers that a tool printed as numbers ("0x" with more than two digits, words of od and of
 * plain hexdump) are little endian. A column of offsets is checked for gaps, "*" is filled in,
 * lines that begin with "#" are skipped.
 *
 * Return: owned, 1 .. KVT_DUMP_BYTES bytes, or NULL.
 */
GByteArray *kvt_dump_parse(const char *input, gsize size, GError **error);

#endif
