/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firecracker: the configuration file, or the body of a snapshot load request.
 * Cloud Hypervisor: VmConfig.
 */
#include <string.h>

#include <json-glib/json-glib.h>

#include "sys/error.h"
#include "vmdef/formats.h"
#include "vmdef/json.h"

#define PART(timer, part) KVT_VM_TIMER(KVT_TIMER_##timer, KVT_PART_##part)

JsonObject *kvt_vm_json(const char *text, gsize length, const char *file, JsonParser **ret_parser,
			GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	g_autoptr(GError) reason = NULL;
	int depth = 0, deepest = 0;
	JsonNode *root;

	/* the parser recurses: what is deeper than any definition never reaches it */
	for (gsize i = 0; i < length; i++) {
		depth += text[i] == '{' || text[i] == '[';
		depth -= text[i] == '}' || text[i] == ']';
		deepest = MAX(deepest, depth);
	}
	if (deepest > 100 || !g_utf8_validate(text, (gssize)length, NULL) ||
	    !json_parser_load_from_data(parser, text, (gssize)length, &reason)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s:%u: %s", file,
			    MAX(json_parser_get_current_line(parser), 1),
			    deepest > 100    ? "nested too deeply"
			    : reason != NULL ? reason->message
					     : "not UTF-8 text");
		return NULL;
	}
	root = json_parser_get_root(parser);
	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s:1: not a JSON object",
			    file);
		return NULL;
	}
	*ret_parser = g_steal_pointer(&parser);
	return json_node_get_object(root);
}

JsonObject *kvt_vm_json_object(JsonObject *object, const char *name)
{
	JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;

	return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

const char *kvt_vm_json_text(JsonObject *object, const char *name)
{
	JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
			       json_node_get_value_type(node) == G_TYPE_STRING
		       ? json_node_get_string(node)
		       : NULL;
}

static void read_count(struct kvt_vm *vm, JsonObject *object, const char *name)
{
	JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;
	int64_t count;

	if (node == NULL)
		return;
	count = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64
			? json_node_get_int(node)
			: 0;
	if (count >= 1 && count <= 65535)
		kvt_vm_say(vm, KVT_VM_VCPUS, count, 0);
	else
		kvt_vm_note(vm, KVT_NOTE_INVALID, KVT_VM_VCPUS, 0, "%s: not a number of CPUs",
			    name);
}

bool kvt_vm_json_flag(JsonObject *object, const char *name)
{
	JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
	       json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node);
}

static void say_kvm(struct kvt_vm *vm, enum kvt_vm_virt virt)
{
	kvt_vm_say(vm, KVT_VM_VIRT, virt, 0);
	kvt_vm_say(vm, KVT_VM_AGENT, KVT_NO, 0);
}

struct kvt_vm *kvt_firecracker_read(const char *text, gsize length, const char *file,
				    GError **error)
{
	g_autoptr(JsonParser) parser = NULL;
	JsonObject *root = kvt_vm_json(text, length, file, &parser, error);
	struct kvt_vm *vm;
	const char *boot;

	if (root == NULL)
		return NULL;
	vm = kvt_vm_new(KVT_FORMAT_FIRECRACKER, file);
	say_kvm(vm, KVT_VIRT_FIRECRACKER);
	kvt_vm_say(vm, KVT_VM_OS_FAMILY, KVT_FAMILY_LINUX, 0); /* it boots nothing else but OSv */
	read_count(vm, kvt_vm_json_object(root, "machine-config"), "vcpu_count");
	boot = kvt_vm_json_text(kvt_vm_json_object(root, "boot-source"), "boot_args");
	if (boot != NULL)
		kvt_vm_say_cmdline(vm, boot, 0);
	kvt_vm_say(vm, KVT_VM_SNAPSHOT_CLOCK, kvt_vm_json_flag(root, "clock_realtime"), 0);
	return vm;
}

struct kvt_vm *kvt_cloud_hypervisor_read(const char *text, gsize length, const char *file,
					 GError **error)
{
	g_autoptr(JsonParser) parser = NULL;
	JsonObject *root = kvt_vm_json(text, length, file, &parser, error), *cpus;
	struct kvt_vm *vm;
	const char *boot;

	if (root == NULL)
		return NULL;
	vm = kvt_vm_new(KVT_FORMAT_CLOUD_HYPERVISOR, file);
	say_kvm(vm, KVT_VIRT_CLOUD_HYPERVISOR);
	cpus = kvt_vm_json_object(root, "cpus");
	read_count(vm, cpus, "boot_vcpus");
	if (kvt_vm_json_flag(cpus, "kvm_hyperv")) {
		kvt_vm_say(vm, PART(HYPERVCLOCK, NAMED), KVT_YES, 0);
		kvt_vm_say(vm, PART(HYPERVCLOCK, PRESENT), KVT_YES, 0);
		kvt_vm_say(vm, KVT_VM_OS_FAMILY, KVT_FAMILY_WINDOWS, 0);
	}
	boot = kvt_vm_json_text(kvt_vm_json_object(root, "payload"), "cmdline");
	if (boot != NULL)
		kvt_vm_say_cmdline(vm, boot, 0);
	return vm;
}
