/* SPDX-License-Identifier: BSD-2-Clause */
/* Source: kubevirt staging/src/kubevirt.io/api/core/v1/schema.go, pkg/virt-launcher clock.go. */
#include <string.h>

#include <json-glib/json-glib.h>

#include "sys/error.h"
#include "sys/module.h"
#include "vmdef/formats.h"
#include "vmdef/json.h"
#include "vmdef/os.h"
#include "vmdef/yaml.h"

#define PART(timer, part) KVT_VM_TIMER(timer, KVT_PART_##part)

/* KubeVirt's names of libvirt's timers. */
static const struct {
	const char *name;
	enum kvt_vm_timer timer;
} timers[] = {
	{ "hpet", KVT_TIMER_HPET }, { "kvm", KVT_TIMER_KVMCLOCK },       { "pit", KVT_TIMER_PIT },
	{ "rtc", KVT_TIMER_RTC },   { "hyperv", KVT_TIMER_HYPERVCLOCK },
};

static const struct {
	const char *name;
	enum kvt_vm_field field;
} hyperv[] = {
	{ "relaxed", KVT_VM_HV_RELAXED },
	{ "vapic", KVT_VM_HV_VAPIC },
	{ "vpindex", KVT_VM_HV_VPINDEX },
	{ "runtime", KVT_VM_HV_RUNTIME },
	{ "synic", KVT_VM_HV_SYNIC },
	{ "synictimer", KVT_VM_HV_STIMER },
	{ "reset", KVT_VM_HV_RESET },
	{ "frequencies", KVT_VM_HV_FREQUENCIES },
	{ "reenlightenment", KVT_VM_HV_REENLIGHTENMENT },
	{ "tlbflush", KVT_VM_HV_TLBFLUSH },
	{ "ipi", KVT_VM_HV_IPI },
	{ "evmcs", KVT_VM_HV_EVMCS },
};

/* A feature is on if it is there, unless it says "enabled": false. */
static bool is_enabled(JsonObject *feature)
{
	return !json_object_has_member(feature, "enabled") || kvt_vm_json_flag(feature, "enabled");
}

static void read_word(struct kvt_vm *vm, enum kvt_vm_field field, JsonObject *object,
		      const char *name)
{
	const char *word = kvt_vm_json_text(object, name);

	if (word != NULL && !kvt_vm_say_word(vm, field, word, 0))
		kvt_vm_note(vm, KVT_NOTE_INVALID, (int)field, 0, "%s: invalid value '%.40s'", name,
			    word);
}

static void read_timer(struct kvt_vm *vm, enum kvt_vm_timer timer, JsonObject *object)
{
	kvt_vm_say(vm, PART(timer, NAMED), KVT_YES, 0);
	/* "present" defaults to true; of a chip that is always there it is kept if it is written */
	if ((timer != KVT_TIMER_PIT && timer != KVT_TIMER_RTC) ||
	    json_object_has_member(object, "present"))
		kvt_vm_say(vm, PART(timer, PRESENT),
			   !json_object_has_member(object, "present") ||
				   kvt_vm_json_flag(object, "present"),
			   0);
	read_word(vm, PART(timer, POLICY), object, "tickPolicy");
	read_word(vm, PART(timer, TRACK), object, "track");
	if ((timer == KVT_TIMER_PIT || timer == KVT_TIMER_RTC) &&
	    kvt_vm_said(vm, PART(timer, PRESENT)))
		kvt_vm_note(vm, KVT_NOTE_IGNORED, (int)PART(timer, PRESENT), 0,
			    "libvirt's QEMU driver ignores it: the chip stays");
	if (timer == KVT_TIMER_HPET && kvt_vm_said(vm, PART(timer, POLICY)))
		kvt_vm_note(vm, KVT_NOTE_IGNORED, (int)PART(timer, POLICY), 0,
			    "QEMU's HPET has no tick policy: only present: false has an effect");
}

static void read_clock(struct kvt_vm *vm, JsonObject *clock)
{
	JsonObject *utc = kvt_vm_json_object(clock, "utc");
	JsonObject *timer = kvt_vm_json_object(clock, "timer");
	const char *zone = kvt_vm_json_text(clock, "timezone");

	if (zone != NULL) {
		kvt_vm_say(vm, KVT_VM_OFFSET, KVT_OFFSET_TIMEZONE, 0);
		kvt_vm_say_text(vm, KVT_VM_TIMEZONE, zone, 0);
	} else if (utc != NULL) {
		JsonNode *shift = json_object_get_member(utc, "offsetSeconds");

		kvt_vm_say(vm, KVT_VM_OFFSET, KVT_OFFSET_UTC, 0);
		if (shift == NULL)
			kvt_vm_say(vm, KVT_VM_RESET, KVT_YES, 0);
		else if (JSON_NODE_HOLDS_VALUE(shift) &&
			 json_node_get_value_type(shift) == G_TYPE_INT64)
			kvt_vm_say(vm, KVT_VM_ADJUSTMENT, json_node_get_int(shift), 0);
		else
			kvt_vm_note(vm, KVT_NOTE_INVALID, KVT_VM_ADJUSTMENT, 0,
				    "offsetSeconds: not a whole number");
	}
	for (gsize i = 0; i < G_N_ELEMENTS(timers); i++)
		if (kvt_vm_json_object(timer, timers[i].name) != NULL)
			read_timer(vm, timers[i].timer, kvt_vm_json_object(timer, timers[i].name));
}

static void read_features(struct kvt_vm *vm, JsonObject *features)
{
	JsonObject *list = kvt_vm_json_object(features, "hyperv");
	JsonObject *spinlocks = kvt_vm_json_object(list, "spinlocks");
	JsonObject *passthrough = kvt_vm_json_object(features, "hypervPassthrough");

	if (kvt_vm_json_object(features, "acpi") != NULL)
		kvt_vm_say(vm, KVT_VM_ACPI, is_enabled(kvt_vm_json_object(features, "acpi")), 0);
	for (gsize i = 0; i < G_N_ELEMENTS(hyperv); i++) {
		JsonObject *feature = kvt_vm_json_object(list, hyperv[i].name);

		if (feature != NULL)
			kvt_vm_say(vm, hyperv[i].field, is_enabled(feature), 0);
		if (feature != NULL && kvt_vm_json_object(feature, "direct") != NULL)
			kvt_vm_say(vm, KVT_VM_HV_STIMER_DIRECT,
				   is_enabled(kvt_vm_json_object(feature, "direct")), 0);
	}
	if (spinlocks != NULL && is_enabled(spinlocks)) {
		JsonNode *node = json_object_get_member(spinlocks, "spinlocks");
		bool number = node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
			      json_node_get_value_type(node) == G_TYPE_INT64;

		kvt_vm_say(vm, KVT_VM_HV_SPINLOCKS, number ? json_node_get_int(node) : 4096, 0);
	}
	if (passthrough != NULL)
		kvt_vm_say(vm, KVT_VM_HV_PASSTHROUGH, is_enabled(passthrough), 0);
	if (kvt_vm_json_flag(kvt_vm_json_object(features, "kvm"), "hidden"))
		kvt_vm_say(vm, KVT_VM_HIDDEN, KVT_YES, 0);
}

static void read_cpu_feature(JsonArray *array, guint i, JsonNode *node, gpointer data)
{
	struct kvt_vm *vm = data;
	JsonObject *feature = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	const char *policy = kvt_vm_json_text(feature, "policy");

	(void)array, (void)i;
	if (g_strcmp0(kvt_vm_json_text(feature, "name"), "invtsc") == 0)
		kvt_vm_say(vm, KVT_VM_INVTSC,
			   g_strcmp0(policy, "disable") != 0 && g_strcmp0(policy, "forbid") != 0,
			   0);
}

static void read_cpu(struct kvt_vm *vm, JsonObject *cpu)
{
	const char *model = kvt_vm_json_text(cpu, "model");
	JsonNode *features = cpu != NULL ? json_object_get_member(cpu, "features") : NULL;
	JsonNode *cores = cpu != NULL ? json_object_get_member(cpu, "cores") : NULL;

	if (model != NULL && !kvt_vm_say_word(vm, KVT_VM_CPU_MODE, model, 0)) {
		kvt_vm_say(vm, KVT_VM_CPU_MODE, KVT_CPU_CUSTOM, 0);
		kvt_vm_say_text(vm, KVT_VM_CPU_MODEL, model, 0);
	}
	if (features != NULL && JSON_NODE_HOLDS_ARRAY(features))
		json_array_foreach_element(json_node_get_array(features), read_cpu_feature, vm);
	if (cores != NULL && JSON_NODE_HOLDS_VALUE(cores) &&
	    json_node_get_value_type(cores) == G_TYPE_INT64 && json_node_get_int(cores) > 0 &&
	    json_node_get_int(cores) < 65536)
		kvt_vm_say(vm, KVT_VM_VCPUS, json_node_get_int(cores), 0);
}

static void read_os(struct kvt_vm *vm, JsonObject *metadata)
{
	const char *os =
		kvt_vm_json_text(kvt_vm_json_object(metadata, "annotations"), "vm.kubevirt.io/os");

	if (os == NULL)
		return;
	kvt_vm_say_text(vm, KVT_VM_OS_ID, os, 0);
	if (kvt_os_family(os) >= 0)
		kvt_vm_say(vm, KVT_VM_OS_FAMILY, kvt_os_family(os), 0);
}

static struct kvt_vm *read_json(const char *text, gsize length, const char *file, GError **error)
{
	g_autoptr(JsonParser) parser = NULL;
	JsonObject *root = kvt_vm_json(text, length, file, &parser, error), *spec, *domain;
	struct kvt_vm *vm;

	if (root == NULL)
		return NULL;
	spec = kvt_vm_json_object(root, "spec");
	if (kvt_vm_json_object(spec, "template") != NULL)
		spec = kvt_vm_json_object(kvt_vm_json_object(spec, "template"), "spec");
	domain = kvt_vm_json_object(spec, "domain");
	if (domain == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s:1: no spec.template.spec.domain: not a KubeVirt machine", file);
		return NULL;
	}
	vm = kvt_vm_new(KVT_FORMAT_KUBEVIRT, file);
	kvt_vm_say(vm, KVT_VM_VIRT, KVT_VIRT_KVM, 0);
	kvt_vm_say(vm, KVT_VM_AGENT, KVT_YES, 0); /* virt-launcher always adds the channel */
	if (kvt_vm_json_text(kvt_vm_json_object(root, "metadata"), "name") != NULL)
		kvt_vm_say_text(vm, KVT_VM_NAME,
				kvt_vm_json_text(kvt_vm_json_object(root, "metadata"), "name"), 0);
	read_os(vm,
		kvt_vm_json_object(kvt_vm_json_object(kvt_vm_json_object(root, "spec"), "template"),
				   "metadata"));
	if (kvt_vm_json_text(kvt_vm_json_object(domain, "machine"), "type") != NULL)
		kvt_vm_say_text(vm, KVT_VM_MACHINE,
				kvt_vm_json_text(kvt_vm_json_object(domain, "machine"), "type"), 0);
	read_clock(vm, kvt_vm_json_object(domain, "clock"));
	read_features(vm, kvt_vm_json_object(domain, "features"));
	read_cpu(vm, kvt_vm_json_object(domain, "cpu"));
	return vm;
}

struct kvt_vm *kvt_kubevirt_read(const char *text, gsize length, const char *file, GError **error)
{
	const struct kvt_yaml_module *yaml;
	g_autofree char *json = NULL;
	gsize start = 0;

	while (start < length && g_ascii_isspace(text[start]))
		start++;
	if (start < length && text[start] == '{')
		return read_json(text, length, file, error);
	yaml = kvt_module_load("yaml", "kvmtime-yaml", error);
	if (yaml == NULL)
		return NULL;
	json = yaml->to_json(text, length, file, error);
	return json != NULL ? read_json(json, strlen(json), file, error) : NULL;
}

/* ---- writing ---- */

static void open_object(JsonBuilder *b, const char *name)
{
	json_builder_set_member_name(b, name);
	json_builder_begin_object(b);
}

static void member(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, value);
}

static void flag(JsonBuilder *b, const char *name, bool value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_boolean_value(b, value);
}

static void number(JsonBuilder *b, const char *name, int64_t value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, value);
}

static void write_timer(JsonBuilder *b, const struct kvt_vm *vm, int i)
{
	enum kvt_vm_timer timer = timers[i].timer;
	g_autofree char *policy = kvt_vm_print(vm, PART(timer, POLICY));
	g_autofree char *track = kvt_vm_print(vm, PART(timer, TRACK));

	if (!kvt_vm_said(vm, PART(timer, NAMED)))
		return;
	open_object(b, timers[i].name);
	if (kvt_vm_said(vm, PART(timer, PRESENT)))
		flag(b, "present", vm->at[PART(timer, PRESENT)].number == KVT_YES);
	if (policy != NULL)
		member(b, "tickPolicy", policy);
	if (track != NULL && timer == KVT_TIMER_RTC)
		member(b, "track", track);
	json_builder_end_object(b);
}

static void write_clock(JsonBuilder *b, const struct kvt_vm *vm)
{
	const char *zone = vm->at[KVT_VM_TIMEZONE].text;

	open_object(b, "clock");
	if (kvt_vm_is(vm, KVT_VM_OFFSET, KVT_OFFSET_TIMEZONE) && zone != NULL) {
		member(b, "timezone", zone);
	} else if (kvt_vm_said(vm, KVT_VM_OFFSET)) {
		open_object(b, "utc");
		if (kvt_vm_said(vm, KVT_VM_ADJUSTMENT))
			number(b, "offsetSeconds", vm->at[KVT_VM_ADJUSTMENT].number);
		json_builder_end_object(b);
	}
	open_object(b, "timer");
	for (int i = 0; i < (int)G_N_ELEMENTS(timers); i++)
		write_timer(b, vm, i);
	json_builder_end_object(b);
	json_builder_end_object(b);
}

static void write_enabled(JsonBuilder *b, const char *name, bool on)
{
	open_object(b, name);
	flag(b, "enabled", on);
	json_builder_end_object(b);
}

static void write_features(JsonBuilder *b, const struct kvt_vm *vm)
{
	open_object(b, "features");
	if (kvt_vm_said(vm, KVT_VM_ACPI))
		write_enabled(b, "acpi", vm->at[KVT_VM_ACPI].number == KVT_YES);
	if (kvt_vm_is(vm, KVT_VM_HIDDEN, KVT_YES)) {
		open_object(b, "kvm");
		flag(b, "hidden", true);
		json_builder_end_object(b);
	}
	if (kvt_vm_said(vm, KVT_VM_HV_PASSTHROUGH))
		write_enabled(b, "hypervPassthrough",
			      vm->at[KVT_VM_HV_PASSTHROUGH].number == KVT_YES);
	open_object(b, "hyperv");
	for (gsize i = 0; i < G_N_ELEMENTS(hyperv); i++) {
		if (!kvt_vm_said(vm, hyperv[i].field))
			continue;
		open_object(b, hyperv[i].name);
		flag(b, "enabled", vm->at[hyperv[i].field].number == KVT_YES);
		if (hyperv[i].field == KVT_VM_HV_STIMER && kvt_vm_said(vm, KVT_VM_HV_STIMER_DIRECT))
			write_enabled(b, "direct",
				      vm->at[KVT_VM_HV_STIMER_DIRECT].number == KVT_YES);
		json_builder_end_object(b);
	}
	if (kvt_vm_said(vm, KVT_VM_HV_SPINLOCKS)) {
		open_object(b, "spinlocks");
		number(b, "spinlocks", vm->at[KVT_VM_HV_SPINLOCKS].number);
		json_builder_end_object(b);
	}
	json_builder_end_object(b);
	json_builder_end_object(b);
}

static void write_cpu(JsonBuilder *b, const struct kvt_vm *vm)
{
	g_autofree char *mode = kvt_vm_print(vm, KVT_VM_CPU_MODE);
	const char *model = vm->at[KVT_VM_CPU_MODEL].text;

	open_object(b, "cpu");
	if (model != NULL || (mode != NULL && strcmp(mode, "custom") != 0))
		member(b, "model", model != NULL ? model : mode);
	if (kvt_vm_said(vm, KVT_VM_VCPUS))
		number(b, "cores", vm->at[KVT_VM_VCPUS].number);
	if (kvt_vm_said(vm, KVT_VM_INVTSC)) {
		json_builder_set_member_name(b, "features");
		json_builder_begin_array(b);
		json_builder_begin_object(b);
		member(b, "name", "invtsc");
		member(b, "policy",
		       vm->at[KVT_VM_INVTSC].number == KVT_YES ? "require" : "disable");
		json_builder_end_object(b);
		json_builder_end_array(b);
	}
	json_builder_end_object(b);
}

static void write_template(JsonBuilder *b, const struct kvt_vm *vm)
{
	open_object(b, "template");
	if (kvt_vm_said(vm, KVT_VM_OS_ID)) {
		open_object(b, "metadata");
		open_object(b, "annotations");
		member(b, "vm.kubevirt.io/os", vm->at[KVT_VM_OS_ID].text);
		json_builder_end_object(b);
		json_builder_end_object(b);
	}
	open_object(b, "spec");
	open_object(b, "domain");
	if (kvt_vm_said(vm, KVT_VM_MACHINE)) {
		open_object(b, "machine");
		member(b, "type", vm->at[KVT_VM_MACHINE].text);
		json_builder_end_object(b);
	}
	write_clock(b, vm);
	write_features(b, vm);
	write_cpu(b, vm);
	json_builder_end_object(b);
	json_builder_end_object(b);
	json_builder_end_object(b);
}

char *kvt_kubevirt_write(const struct kvt_vm *vm)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(b);
	member(b, "apiVersion", "kubevirt.io/v1");
	member(b, "kind", "VirtualMachine");
	open_object(b, "metadata");
	member(b, "name", vm->at[KVT_VM_NAME].text != NULL ? vm->at[KVT_VM_NAME].text : "vm");
	json_builder_end_object(b);
	open_object(b, "spec");
	write_template(b, vm);
	json_builder_end_object(b);
	json_builder_end_object(b);
	root = json_builder_get_root(b);
	text = json_to_string(root, TRUE);
	return g_strconcat(text, "\n", NULL);
}
