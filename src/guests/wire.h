/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream socket to a machine's monitor or agent: lines with a deadline and a limit, because the
 * other end may hang, babble or end at any byte. Deadlines are absolute, g_get_monotonic_time().
 */
#ifndef KVT_GUESTS_WIRE_H
#define KVT_GUESTS_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* An answer with 48 KiB of a file, in base64, fits; nothing that is asked for is longer. */
#define KVT_WIRE_LINE_LIMIT (256u * 1024u)

struct kvt_wire;

/**
 * kvt_wire_open() - connect to a UNIX socket
 * @path:        its path, of any length
 * @deadline_us: absolute
 * @error:       KVT_REACH_GONE (no such socket, nobody listens), BUSY (its queue is full, or it has
 *               a client already and is QEMU's kind, which serves one), DENIED, HUNG
 *
 * Return: owned, or NULL.
 */
struct kvt_wire *kvt_wire_open(const char *path, gint64 deadline_us, GError **error);

/** kvt_wire_connect() - a connected, non-blocking descriptor; the caller's; or -1 and errno */
int kvt_wire_connect(const char *path);

/** kvt_wire_close() - NULL is taken */
void kvt_wire_close(struct kvt_wire *wire);

/**
 * kvt_wire_write() - all bytes, or an error
 * @error: KVT_REACH_HUNG, GONE
 */
bool kvt_wire_write(struct kvt_wire *wire, const void *bytes, gsize len, gint64 deadline_us,
		    GError **error);

/**
 * kvt_wire_line() - the next line without its end
 * @ret_len: out, may be NULL; a line may hold any byte
 * @error:   KVT_REACH_HUNG, GONE (end of stream), GARBAGE (longer than KVT_WIRE_LINE_LIMIT)
 *
 * Return: owned, NUL-terminated, or NULL.
 */
char *kvt_wire_line(struct kvt_wire *wire, gsize *ret_len, gint64 deadline_us, GError **error);

/**
 * kvt_wire_busy() - true if /proc/net/unix's text shows that a socket has an accepted client
 * @text: the file's content
 * @path: the socket's path
 *
 * An accepted connection stands there with the listener's path and an inode; one that waits to be
 * accepted has inode 0.
 */
bool kvt_wire_busy(const char *text, const char *path);

#endif
