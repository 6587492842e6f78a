/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/vm_options.h"

#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "guests/libvirt.h"
#include "sys/error.h"
#include "sys/root.h"

bool kvt_vm_given(const struct kvt_vm_options *options)
{
	return options->all || options->names != NULL || options->agents != NULL;
}

static bool check_numbers(const struct kvt_vm_options *options, GError **error)
{
	if (options->timeout_s != 0 &&
	    !(options->timeout_s >= 0.01 && options->timeout_s <= 3600)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE, "--timeout takes 0.01 .. 3600 s");
		return false;
	}
	if (options->exchanges != 0 &&
	    (options->exchanges < 1 || options->exchanges > KVT_OFFSET_EXCHANGES)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE, "--exchanges takes 1 .. %d",
			    KVT_OFFSET_EXCHANGES);
		return false;
	}
	return true;
}

static void set_timeouts(GPtrArray *guests, double timeout_s)
{
	for (guint i = 0; i < guests->len && timeout_s != 0; i++) {
		const struct kvt_guest *guest = guests->pdata[i];

		for (guint j = 0; j < guest->paths->len; j++) {
			struct kvt_path *path = guest->paths->pdata[j];

			path->timeout_us = (gint64)(timeout_s * G_USEC_PER_SEC);
			path->set_timeout_us = 5 * path->timeout_us;
		}
	}
}

GPtrArray *kvt_vm_find(const char *verb, const struct kvt_vm_options *options, GError **error)
{
	const struct kvt_guest_query query = {
		.names = options->names,
		.all = options->all,
		.agents = options->agents,
		.qmps = options->qmps,
		.uri = options->uri,
		.root = options->root != NULL ? options->root : "/",
	};
	g_autofree char *notes = NULL;
	GPtrArray *guests;

	if (!check_numbers(options, error))
		return NULL;
	guests = kvt_guests_find(&query, &notes, error);
	if (guests == NULL)
		return NULL;
	if (notes != NULL && guests->len == 0) {
		g_autofree char *safe = kvt_text_printable(notes);

		fprintf(stderr, "kvmtime %s: not asked: %s\n", verb, safe);
	}
	set_timeouts(guests, options->timeout_s);
	return guests;
}

char *kvt_vm_definition(const struct kvt_guest *guest, const struct kvt_vm_options *options,
			gsize *ret_len, GError **error)
{
	g_autoptr(kvt_root) root =
		kvt_root_open(options->root != NULL ? options->root : "/", error);
	g_autofree char *path = NULL;
	char *bytes;

	if (strcmp(guest->manager, "libvirt") == 0) {
		bytes = kvt_libvirt_xml(options->uri, guest->id, error);
		*ret_len = bytes != NULL ? strlen(bytes) : 0;
		return bytes;
	}
	if (guest->id[0] == '/') {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "%s: known by its socket alone, so its definition is not", guest->name);
		return NULL;
	}
	if (strcmp(guest->manager, "proxmox") == 0)
		path = g_strdup_printf("/etc/pve/qemu-server/%s.conf", guest->id);
	else
		path = g_strdup_printf("/proc/%s/cmdline", guest->id);
	return root != NULL ? kvt_root_read(root, path, KVT_ROOT_FILE_LIMIT, ret_len, error) : NULL;
}

void kvt_vm_options_clear(struct kvt_vm_options *options)
{
	g_strfreev(options->names);
	g_strfreev(options->agents);
	g_strfreev(options->qmps);
	g_free(options->uri);
	g_free(options->root);
}

void kvt_vm_json_guest(JsonBuilder *builder, const struct kvt_guest *guest)
{
	json_builder_set_member_name(builder, "guest");
	json_builder_begin_object(builder);
	kvt_json_string(builder, "name", guest->name);
	kvt_json_string(builder, "manager", guest->manager);
	kvt_json_string(builder, "id", guest->id);
	json_builder_end_object(builder);
}

static const char *direction(const struct kvt_offset *offset)
{
	if (offset->offset_ns <= offset->bound_ns && offset->offset_ns >= -offset->bound_ns)
		return "none-seen";
	return offset->offset_ns > 0 ? "ahead" : "behind";
}

void kvt_vm_json_offset(JsonBuilder *builder, const char *name, const struct kvt_offset *offset)
{
	g_autofree char *when = NULL;

	json_builder_set_member_name(builder, name);
	if (offset == NULL) {
		json_builder_add_null_value(builder);
		return;
	}
	when = kvt_json_time(offset->host_utc_ns / 1000);
	json_builder_begin_object(builder);
	kvt_json_string(builder, "time", when);
	kvt_json_i64(builder, "offset_ns", offset->offset_ns);
	kvt_json_i64(builder, "bound_ns", offset->bound_ns);
	kvt_json_string(builder, "direction", direction(offset));
	kvt_json_i64(builder, "delay_ns", offset->delay_ns);
	kvt_json_int(builder, "exchanges", offset->exchanges);
	kvt_json_bool(builder, "host_stepped", offset->host_stepped);
	json_builder_end_object(builder);
}
