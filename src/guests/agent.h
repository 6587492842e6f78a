/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest agent's and the monitor's protocol: one JSON object a line. What arrives comes from
 * inside a guest and may be anything.
 * Source: QEMU docs/interop/qemu-ga-ref and qmp-spec, version 7.2.
 */
#ifndef KVT_GUESTS_AGENT_H
#define KVT_GUESTS_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include <json-glib/json-glib.h>

/**
 * kvt_agent_request() - a request as it goes over the wire, with its line end
 * @arguments: borrowed, or NULL
 *
 * Return: owned.
 */
char *kvt_agent_request(const char *command, JsonObject *arguments);

/**
 * kvt_agent_parse() - one line of a peer's
 * @line: UTF-8 or not
 * @len:  bytes
 * @error: KVT_REACH_GARBAGE: not UTF-8, not JSON, nested deeper than 32, or not an object
 *
 * Return: owned object, or NULL.
 */
JsonObject *kvt_agent_parse(const char *line, gsize len, GError **error);

/**
 * kvt_agent_result() - what a reply says
 * @reply: borrowed
 * @error: KVT_REACH_REFUSED with the peer's own words, FROZEN where they say so, GARBAGE if the
 *         reply holds neither a result nor an error
 *
 * Return: the result, owned, or NULL.
 */
JsonNode *kvt_agent_result(JsonObject *reply, GError **error);

/**
 * kvt_agent_time() - the answer to guest-get-time
 * @line, @len: the line that @result came from, NUL after it: json-glib wraps longer integers
 * @ret_guest_utc_ns: out, 0 .. 2^63-1
 * @error: KVT_REACH_GARBAGE
 */
bool kvt_agent_time(JsonNode *result, const char *line, gsize len, int64_t *ret_guest_utc_ns,
		    GError **error);

#endif
