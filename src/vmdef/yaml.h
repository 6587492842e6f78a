/* SPDX-License-Identifier: BSD-2-Clause */
/* The module kvmtime-yaml.so: YAML through libyaml, for KubeVirt's files. */
#ifndef KVT_VMDEF_YAML_H
#define KVT_VMDEF_YAML_H

#include <glib.h>

struct kvt_yaml_module {
	/*
	 * The first document that is a KubeVirt machine, else the first, as JSON. Plain scalars are
	 * numbers, true, false and null as JSON knows them, anything else is text. No anchors,
	 * aliases or tags: KVT_STATUS_BAD_INPUT with file, line and reason.
	 */
	char *(*to_json)(const char *text, gsize length, const char *file, GError **error);
};

#endif
