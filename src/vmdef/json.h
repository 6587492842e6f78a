/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON from outside, read with care: limits, and no member is what it should be. */
#ifndef KVT_VMDEF_JSON_H
#define KVT_VMDEF_JSON_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

/**
 * kvt_vm_json() - parse an object
 * @ret_parser: out, owns the object
 * @error:      out; KVT_STATUS_BAD_INPUT with line and reason
 *
 * Return: borrowed from the parser, or NULL.
 */
JsonObject *kvt_vm_json(const char *text, gsize length, const char *file, JsonParser **ret_parser,
			GError **error);

/* Members, or NULL or false if there is none of that type; @object may be NULL. */
JsonObject *kvt_vm_json_object(JsonObject *object, const char *name);
const char *kvt_vm_json_text(JsonObject *object, const char *name);
bool kvt_vm_json_flag(JsonObject *object, const char *name);

#endif
