/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The listener for scrapes: GET /metrics, over TCP and over a UNIX socket. It is for one or two
 * scrapers: few connections, each for one answer and for a few seconds at most, whatever the peer
 * does.
 */
#ifndef KVT_DAEMON_HTTP_H
#define KVT_DAEMON_HTTP_H

#include <stdbool.h>

#include <glib.h>

struct kvt_http;

/**
 * kvt_http_new() - listen
 * @listen: "HOST:PORT", a numeric host or "localhost", port 0 = any; or NULL
 * @socket: path, or NULL; a socket that is left over there is replaced
 * @mode:   of the socket
 * @render: makes the text; called from a thread of the listener's, one call at a time
 * @error:  KVT_STATUS_BAD_INPUT (address), KVT_STATUS_REFUSED
 *
 * Return: owned, or NULL.
 */
struct kvt_http *kvt_http_new(const char *listen, const char *socket, unsigned mode,
			      GString *(*render)(void *data), void *data, GError **error);

/** kvt_http_port() - that TCP is listened on; 0 = none */
unsigned kvt_http_port(const struct kvt_http *http);

/** kvt_http_reap() - end connections that have lasted too long; to be called every second */
void kvt_http_reap(struct kvt_http *http);

/** kvt_http_free() - NULL is taken */
void kvt_http_free(struct kvt_http *http);

/** kvt_http_parse() - "HOST:PORT" or "[V6]:PORT"; *@ret_host is owned */
bool kvt_http_parse(const char *listen, char **ret_host, unsigned *ret_port, GError **error);

#endif
