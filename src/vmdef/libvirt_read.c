/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/libvirt.h"

#include <string.h>

#include "sys/error.h"
#include "vmdef/os.h"
#include "vmdef/qemu.h"
#include "vmdef/xml.h"

/* The last second that libvirt takes as an absolute start: 9999-12-31T23:59:59Z. */
#define LAST_START 253402300799

static bool is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child(const xmlNode *node, const char *name)
{
	for (const xmlNode *n = node != NULL ? node->children : NULL; n != NULL; n = n->next)
		if (is(n, name))
			return n;
	return NULL;
}

/* Attribute values are borrowed from the tree: without entities each is one text node. */
static const char *attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *a = node != NULL ? node->properties : NULL; a != NULL; a = a->next)
		if (strcmp((const char *)a->name, name) == 0)
			return a->children != NULL ? (const char *)a->children->content : "";
	return NULL;
}

static const char *content(const xmlNode *node)
{
	return node != NULL && node->children != NULL && node->children->content != NULL
		       ? (const char *)node->children->content
		       : "";
}

static int line_of(const xmlNode *node)
{
	return (int)xmlGetLineNo(node);
}

static void invalid(struct kvt_vm *vm, int field, const xmlNode *node, const char *name,
		    const char *value)
{
	g_autofree char *safe = g_strescape(value, NULL);

	if (strlen(safe) > 60)
		strcpy(safe + 57, "...");
	kvt_vm_note(vm, KVT_NOTE_INVALID, field, line_of(node),
		    "invalid value for attribute '%s' in element '%s': '%s'", name,
		    (const char *)node->name, safe);
}

static void take_word(struct kvt_vm *vm, enum kvt_vm_field field, const xmlNode *node,
		      const char *name)
{
	const char *value = attribute(node, name);

	if (value != NULL && !kvt_vm_say_word(vm, field, value, line_of(node)))
		invalid(vm, (int)field, node, name, value);
}

static void take_number(struct kvt_vm *vm, enum kvt_vm_field field, const xmlNode *node,
			const char *name, int64_t min, int64_t max)
{
	const char *value = attribute(node, name);
	int64_t number;

	if (value == NULL)
		return;
	if (kvt_vm_parse_number(value, min, max, &number))
		kvt_vm_say(vm, field, number, line_of(node));
	else
		invalid(vm, (int)field, node, name, value);
}

/* state='on' or 'off', as in <features> */
static void take_state(struct kvt_vm *vm, enum kvt_vm_field field, const xmlNode *node)
{
	const char *state = attribute(node, "state");

	if (state == NULL || strcmp(state, "on") == 0)
		kvt_vm_say(vm, field, KVT_YES, line_of(node));
	else if (strcmp(state, "off") == 0)
		kvt_vm_say(vm, field, KVT_NO, line_of(node));
	else
		invalid(vm, (int)field, node, "state", state);
}

/* ---- <clock> ---- */

static void read_timer(struct kvt_vm *vm, const xmlNode *node)
{
	const char *name = attribute(node, "name");
	const xmlNode *catchup = child(node, "catchup");
	int timer = 0;

	while (timer < KVT_TIMER_COUNT &&
	       g_strcmp0(name, kvt_vm_timer_name((enum kvt_vm_timer)timer)) != 0)
		timer++;
	if (timer == KVT_TIMER_COUNT) {
		invalid(vm, -1, node, "name", name != NULL ? name : "");
		return;
	}
#define PART(part) KVT_VM_TIMER(timer, part)
	if (kvt_vm_said(vm, PART(KVT_PART_NAMED)))
		kvt_vm_note(vm, KVT_NOTE_REMARK, (int)PART(KVT_PART_NAMED), line_of(node),
			    "a second <timer name='%s'>: the last value of each attribute counts",
			    name);
	kvt_vm_say(vm, PART(KVT_PART_NAMED), KVT_YES, line_of(node));
	take_word(vm, PART(KVT_PART_PRESENT), node, "present");
	take_word(vm, PART(KVT_PART_POLICY), node, "tickpolicy");
	take_word(vm, PART(KVT_PART_TRACK), node, "track");
	take_word(vm, PART(KVT_PART_MODE), node, "mode");
	take_number(vm, PART(KVT_PART_FREQUENCY), node, "frequency", 0, G_MAXINT64);
	take_number(vm, PART(KVT_PART_THRESHOLD), catchup, "threshold", 0, G_MAXINT64);
	take_number(vm, PART(KVT_PART_SLEW), catchup, "slew", 0, G_MAXINT64);
	take_number(vm, PART(KVT_PART_LIMIT), catchup, "limit", 0, G_MAXINT64);
#undef PART
}

static void read_adjustment(struct kvt_vm *vm, const xmlNode *clock)
{
	const char *value = attribute(clock, "adjustment");

	if (value != NULL && strcmp(value, "reset") == 0 &&
	    kvt_vm_number(vm, KVT_VM_OFFSET, KVT_OFFSET_UTC) != KVT_OFFSET_VARIABLE)
		kvt_vm_say(vm, KVT_VM_RESET, KVT_YES, line_of(clock));
	else
		take_number(vm, KVT_VM_ADJUSTMENT, clock, "adjustment", G_MININT64, G_MAXINT64);
}

static void read_clock(struct kvt_vm *vm, const xmlNode *clock)
{
	const char *zone = attribute(clock, "timezone");

	take_word(vm, KVT_VM_OFFSET, clock, "offset");
	switch (kvt_vm_number(vm, KVT_VM_OFFSET, KVT_OFFSET_UTC)) {
	case KVT_OFFSET_TIMEZONE:
		if (zone == NULL || *zone == '\0')
			kvt_vm_note(
				vm, KVT_NOTE_INVALID, KVT_VM_TIMEZONE, line_of(clock),
				"missing 'timezone' attribute for clock with offset='timezone'");
		else
			kvt_vm_say_text(vm, KVT_VM_TIMEZONE, zone, line_of(clock));
		break;
	case KVT_OFFSET_ABSOLUTE:
		take_number(vm, KVT_VM_START, clock, "start", 0, LAST_START);
		if (attribute(clock, "start") == NULL)
			kvt_vm_note(vm, KVT_NOTE_INVALID, KVT_VM_START, line_of(clock),
				    "missing 'start' attribute for clock with offset='absolute'");
		break;
	case KVT_OFFSET_VARIABLE:
		take_word(vm, KVT_VM_BASIS, clock, "basis");
		/* fall through */
	default:
		read_adjustment(vm, clock);
	}
	for (const xmlNode *n = clock->children; n != NULL; n = n->next)
		if (is(n, "timer"))
			read_timer(vm, n);
}

/* ---- <features>, <cpu>, <os> ---- */

const char *kvt_libvirt_hyperv_name(enum kvt_vm_field field)
{
	if (field <= KVT_VM_HV_PASSTHROUGH || field > KVT_VM_HV_AVIC ||
	    field == KVT_VM_HV_SPINLOCKS || field == KVT_VM_HV_STIMER_DIRECT)
		return NULL;
	return kvt_vm_field_name(field) + strlen("hv.");
}

static void read_spinlocks(struct kvt_vm *vm, const xmlNode *node)
{
	const char *state = attribute(node, "state");

	if (g_strcmp0(state, "off") == 0)
		return;
	if (attribute(node, "retries") != NULL)
		take_number(vm, KVT_VM_HV_SPINLOCKS, node, "retries", 4095, 0xffffffff);
	else
		kvt_vm_say(vm, KVT_VM_HV_SPINLOCKS, 4095, line_of(node));
}

static void read_hyperv(struct kvt_vm *vm, const xmlNode *node)
{
	if (g_strcmp0(attribute(node, "mode"), "passthrough") == 0)
		kvt_vm_say(vm, KVT_VM_HV_PASSTHROUGH, KVT_YES, line_of(node));
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		const xmlNode *direct = child(n, "direct");

		for (enum kvt_vm_field f = KVT_VM_HV_RELAXED; f <= KVT_VM_HV_AVIC; f++)
			if (kvt_libvirt_hyperv_name(f) != NULL && is(n, kvt_libvirt_hyperv_name(f)))
				take_state(vm, f, n);
		if (is(n, "spinlocks"))
			read_spinlocks(vm, n);
		if (is(n, "stimer") && direct != NULL && kvt_vm_is(vm, KVT_VM_HV_STIMER, KVT_YES))
			take_state(vm, KVT_VM_HV_STIMER_DIRECT, direct);
	}
}

static void read_features(struct kvt_vm *vm, const xmlNode *node)
{
	const xmlNode *ioapic = child(node, "ioapic"), *hidden;
	const char *driver = attribute(ioapic, "driver");

	for (const xmlNode *n = node->children; n != NULL; n = n->next)
		if (is(n, "hyperv"))
			read_hyperv(vm, n);
	if (child(node, "acpi") != NULL)
		kvt_vm_say(vm, KVT_VM_ACPI, KVT_YES, line_of(child(node, "acpi")));
	hidden = child(child(node, "kvm"), "hidden");
	if (hidden != NULL)
		take_state(vm, KVT_VM_HIDDEN, hidden);
	if (g_strcmp0(driver, "qemu") == 0)
		kvt_vm_say(vm, KVT_VM_IRQCHIP, KVT_IRQCHIP_SPLIT, line_of(ioapic));
	else if (g_strcmp0(driver, "kvm") == 0)
		kvt_vm_say(vm, KVT_VM_IRQCHIP, KVT_IRQCHIP_ON, line_of(ioapic));
}

static void read_cpu(struct kvt_vm *vm, const xmlNode *node)
{
	const xmlNode *model = child(node, "model");

	if (attribute(node, "mode") != NULL)
		take_word(vm, KVT_VM_CPU_MODE, node, "mode");
	if (attribute(node, "migratable") != NULL) {
		bool on = strcmp(attribute(node, "migratable"), "on") == 0;

		kvt_vm_say(vm, KVT_VM_MIGRATABLE, on ? KVT_YES : KVT_NO, line_of(node));
	}
	if (model != NULL)
		kvt_vm_say_text(vm, KVT_VM_CPU_MODEL, content(model), line_of(model));
	for (const xmlNode *n = node->children; n != NULL; n = n->next) {
		const char *policy;

		if (!is(n, "feature") || g_strcmp0(attribute(n, "name"), "invtsc") != 0)
			continue;
		policy = attribute(n, "policy");
		kvt_vm_say(vm, KVT_VM_INVTSC,
			   g_strcmp0(policy, "disable") != 0 && g_strcmp0(policy, "forbid") != 0,
			   line_of(n));
	}
}

static void read_os(struct kvt_vm *vm, const xmlNode *root, const xmlNode *node)
{
	const xmlNode *type = child(node, "type");
	const char *virt = attribute(root, "type");
	bool hvm = strcmp(content(type), "hvm") == 0;
	int kind = KVT_VIRT_OTHER;

	if (g_strcmp0(virt, "kvm") == 0)
		kind = KVT_VIRT_KVM;
	else if (g_strcmp0(virt, "qemu") == 0)
		kind = KVT_VIRT_TCG;
	else if (g_strcmp0(virt, "xen") == 0)
		kind = hvm                                    ? KVT_VIRT_XEN_HVM
		       : strcmp(content(type), "xenpvh") == 0 ? KVT_VIRT_XEN_PVH
							      : KVT_VIRT_XEN_PV;
	kvt_vm_say(vm, KVT_VM_VIRT, kind, line_of(root));
	kvt_vm_say_cmdline(vm, content(child(node, "cmdline")), line_of(node));
	if (attribute(type, "arch") != NULL)
		kvt_vm_say_text(vm, KVT_VM_ARCH, attribute(type, "arch"), line_of(type));
	if (attribute(type, "machine") != NULL)
		kvt_vm_say_text(vm, KVT_VM_MACHINE, attribute(type, "machine"), line_of(type));
}

/* <metadata><libosinfo:libosinfo><libosinfo:os id='...'/>: the first element os with an id */
static void read_metadata(struct kvt_vm *vm, const xmlNode *node, int depth)
{
	for (const xmlNode *n = node->children; n != NULL && depth < 4; n = n->next) {
		const char *id = is(n, "os") ? attribute(n, "id") : NULL;

		if (n->type != XML_ELEMENT_NODE || kvt_vm_said(vm, KVT_VM_OS_ID))
			continue;
		if (id == NULL) {
			read_metadata(vm, n, depth + 1);
			continue;
		}
		kvt_vm_say_text(vm, KVT_VM_OS_ID, id, line_of(n));
		if (kvt_os_family(id) >= 0)
			kvt_vm_say(vm, KVT_VM_OS_FAMILY, kvt_os_family(id), line_of(n));
	}
}

static void read_devices(struct kvt_vm *vm, const xmlNode *node)
{
	kvt_vm_say(vm, KVT_VM_AGENT, KVT_NO, line_of(node));
	for (const xmlNode *n = node->children; n != NULL; n = n->next)
		if (is(n, "channel") &&
		    g_strcmp0(attribute(child(n, "target"), "name"), "org.qemu.guest_agent.0") == 0)
			kvt_vm_say(vm, KVT_VM_AGENT, KVT_YES, line_of(n));
}

/* <qemu:commandline>: what is passed on to QEMU as it is */
static void read_commandline(struct kvt_vm *vm, const xmlNode *node)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	for (const xmlNode *n = node->children; n != NULL; n = n->next)
		if (is(n, "arg") && attribute(n, "value") != NULL)
			g_ptr_array_add(words, (gpointer)(intptr_t)attribute(n, "value"));
	g_ptr_array_add(words, NULL);
	kvt_qemu_read_words(vm, (const char *const *)words->pdata, line_of(node));
}

static void read_domain(struct kvt_vm *vm, const xmlNode *root)
{
	bool clock = false;

	if (child(root, "os") != NULL)
		read_os(vm, root, child(root, "os"));
	for (const xmlNode *n = root->children; n != NULL; n = n->next) {
		if (is(n, "clock") && clock) {
			kvt_vm_note(vm, KVT_NOTE_INVALID, KVT_VM_OFFSET, line_of(n),
				    "a second <clock>: libvirt takes the first and says nothing");
		} else if (is(n, "clock")) {
			clock = true;
			read_clock(vm, n);
		} else if (is(n, "name")) {
			kvt_vm_say_text(vm, KVT_VM_NAME, content(n), line_of(n));
		} else if (is(n, "uuid")) {
			g_free(vm->uuid);
			vm->uuid = g_strdup(content(n));
		} else if (is(n, "vcpu")) {
			int64_t count;

			if (kvt_vm_parse_number(content(n), 1, 65535, &count))
				kvt_vm_say(vm, KVT_VM_VCPUS, count, line_of(n));
		} else if (is(n, "features")) {
			read_features(vm, n);
		} else if (is(n, "cpu")) {
			read_cpu(vm, n);
		} else if (is(n, "metadata")) {
			read_metadata(vm, n, 0);
		} else if (is(n, "devices")) {
			read_devices(vm, n);
		} else if (is(n, "commandline")) {
			read_commandline(vm, n);
		}
	}
}

/* ---- the document ---- */

static const xmlNode *find_domain(const xmlDoc *document)
{
	const xmlNode *root = xmlDocGetRootElement(document);

	if (root == NULL || is(root, "domain") || is(root, "clock"))
		return root;
	return child(root, "domain"); /* <domstatus>, <domainsnapshot> */
}

struct kvt_vm *kvt_libvirt_read(const char *xml, gsize length, const char *file, GError **error)
{
	xmlDoc *document = kvt_xml_parse(xml, length, file, error);
	const xmlNode *domain = document != NULL ? find_domain(document) : NULL;
	struct kvt_vm *vm = NULL;

	if (document != NULL && domain == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s:1: the element is not <domain>: no definition of libvirt", file);
	} else if (document != NULL) {
		vm = kvt_vm_new(KVT_FORMAT_LIBVIRT, file);
		if (is(domain, "clock")) /* as bug reports and manuals quote it */
			read_clock(vm, domain);
		else
			read_domain(vm, domain);
	}
	xmlFreeDoc(document);
	return vm;
}
