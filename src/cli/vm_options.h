/* SPDX-License-Identifier: BSD-2-Clause */
/* The options by which watch, sync and check name running guests. */
#ifndef KVT_CLI_VM_OPTIONS_H
#define KVT_CLI_VM_OPTIONS_H

#include "cli/json.h"
#include "guests/guest.h"
#include "guests/offset.h"
#include "guests/reach.h"

struct kvt_vm_options {
	char **names, **agents, **qmps;
	gboolean all;
	char *uri;
	char *root;
	double timeout_s; /* 0 = the paths' own */
	int exchanges;
};

/* the entries, for a verb's GOptionEntry array */
#define KVT_VM_ENTRIES(o)                                                                   \
	{ "vm",        0,                                                                   \
	  0,           G_OPTION_ARG_STRING_ARRAY,                                           \
	  &(o)->names, "A running guest, by name, UUID, VMID or PID; may be repeated",      \
	  "NAME" },                                                                         \
		{ "all", 0, 0, G_OPTION_ARG_NONE, &(o)->all, "Every running guest", NULL }, \
		{ "connect", 0,                                                             \
		  0,         G_OPTION_ARG_STRING,                                           \
		  &(o)->uri, "libvirt's guests at this URI alone",                          \
		  "URI" },                                                                  \
		{ "agent",                                                                  \
		  0,                                                                        \
		  0,                                                                        \
		  G_OPTION_ARG_FILENAME_ARRAY,                                              \
		  &(o)->agents,                                                             \
		  "A guest by its agent's socket; may be repeated",                         \
		  "SOCKET" },                                                               \
		{ "qmp",      0,                                                            \
		  0,          G_OPTION_ARG_FILENAME_ARRAY,                                  \
		  &(o)->qmps, "The QMP socket of the guest of the same --agent",            \
		  "SOCKET" },                                                               \
		{ "timeout",                                                                \
		  0,                                                                        \
		  0,                                                                        \
		  G_OPTION_ARG_DOUBLE,                                                      \
		  &(o)->timeout_s,                                                          \
		  "Seconds that an agent has for an answer (2)",                            \
		  "S" },                                                                    \
	{                                                                                   \
		"root", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &(o)->root,         \
			"Stands for /", "DIR"                                               \
	}

/** kvt_vm_given() - true if the command line names any running guest */
bool kvt_vm_given(const struct kvt_vm_options *options);

/**
 * kvt_vm_find() - the guests that the options name, their timeouts set
 * @error: as kvt_guests_find(); KVT_STATUS_USAGE for a timeout or a number out of range
 *
 * A manager that could not be asked is told on stderr. Return: owned, or NULL.
 */
GPtrArray *kvt_vm_find(const char *verb, const struct kvt_vm_options *options, GError **error);

/**
 * kvt_vm_definition() - a running guest's definition, only read
 * @options: that found it
 * @error: KVT_STATUS_REFUSED, or NULL if the reason is not wanted
 *
 * Return: owned bytes that a definition's reader takes, or NULL.
 */
char *kvt_vm_definition(const struct kvt_guest *guest, const struct kvt_vm_options *options,
			gsize *ret_len, GError **error);

/** kvt_vm_options_clear() - frees what the options hold */
void kvt_vm_options_clear(struct kvt_vm_options *options);

/** kvt_vm_json_guest() - member "guest": name, manager, id */
void kvt_vm_json_guest(JsonBuilder *builder, const struct kvt_guest *guest);

/** kvt_vm_json_offset() - member @name: offset, bound, delay, direction, ...; NULL = null */
void kvt_vm_json_offset(JsonBuilder *builder, const char *name, const struct kvt_offset *offset);

#endif
