/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime vm policy: what a definition should say for a guest system, and what others would. */
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/vm_policy.h"
#include "sys/module.h"
#include "vmdef/libvirt.h"
#include "vmdef/load.h"
#include "vmdef/os.h"
#include "vmdef/policy.h"

static const char description[] =
	"The clock section for a guest system, with the reason for each line. ID is a libosinfo id\n"
	"(debian11, win10, http://redhat.com/rhel/5.4) or a family: linux, linux-ticks, windows,\n"
	"windows-nt5, solaris, bsd, dos, other; \"all\" lists every system of osinfo-db.\n"
	"\n"
	"Examples:\n"
	"  kvmtime vm policy --os win10\n"
	"  kvmtime vm policy --os rhel5.3 --peers\n"
	"  kvmtime vm policy --os debian11 --format qemu\n";

static GPtrArray *systems(GError **error)
{
	const struct kvt_osinfo_module *module = kvt_module_load("osinfo", "kvmtime-osinfo", error);

	return module != NULL ? module->list(error) : NULL;
}

/* By the text alone where it says enough; else by the database. */
static int find_family(const char *id, GError **error)
{
	int family = kvt_os_family(id);
	g_autoptr(GPtrArray) all = NULL;

	if (family >= 0)
		return family;
	all = systems(error);
	for (guint i = 0; all != NULL && i < all->len; i++) {
		const struct kvt_os *os = g_ptr_array_index(all, i);

		if (g_strcmp0(os->id, id) == 0 || g_strcmp0(os->short_id, id) == 0)
			return (int)kvt_os_family_of(os);
	}
	if (all != NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE,
			    "--os %s: neither a family nor a system of osinfo-db", id);
	return -1;
}

/* What stands side by side: of every system, and beside the peers. */
static const struct {
	const char *name;
	enum kvt_vm_field field;
	int width;
} columns[] = {
	{ "offset", KVT_VM_OFFSET, 10 },
	{ "rtc", KVT_VM_TIMER(KVT_TIMER_RTC, KVT_PART_POLICY), 9 },
	{ "pit", KVT_VM_TIMER(KVT_TIMER_PIT, KVT_PART_POLICY), 9 },
	{ "hpet", KVT_VM_TIMER(KVT_TIMER_HPET, KVT_PART_PRESENT), 5 },
	{ "kvmclock", KVT_VM_TIMER(KVT_TIMER_KVMCLOCK, KVT_PART_PRESENT), 8 },
	{ "hv-clock", KVT_VM_TIMER(KVT_TIMER_HYPERVCLOCK, KVT_PART_PRESENT), 8 },
	{ "stimer", KVT_VM_HV_STIMER, 1 },
};

static void print_columns(enum kvt_vm_family family)
{
	g_autoptr(kvt_vm) vm = kvt_vm_policy_model(family);

	for (gsize i = 0; i < G_N_ELEMENTS(columns); i++) {
		g_autofree char *value = kvt_vm_print(vm, columns[i].field);

		printf(" %-*s", columns[i].width, value != NULL ? value : "-");
	}
	printf("\n");
}

static void print_heading(int indent)
{
	printf("%-*s", indent, "");
	for (gsize i = 0; i < G_N_ELEMENTS(columns); i++)
		printf(" %-*s", columns[i].width, columns[i].name);
	printf("\n");
}

static int list_all(void)
{
	GError *error = NULL;
	g_autoptr(GPtrArray) all = systems(&error);

	if (all == NULL)
		return kvt_fail("vm", error);
	for (guint i = 0; i < all->len; i++) {
		const struct kvt_os *os = g_ptr_array_index(all, i);
		const enum kvt_vm_family family = kvt_os_family_of(os);

		printf("%-28s %-12s", os->short_id != NULL ? os->short_id : os->id,
		       kvt_vm_words(KVT_VM_OS_FAMILY)[family]);
		print_columns(family);
	}
	return KVT_STATUS_OK;
}

static void print_reasons(enum kvt_vm_family family)
{
	g_autoptr(kvt_vm) vm = kvt_vm_policy_model(family);
	guint count;
	const struct kvt_vm_advice *lines = kvt_vm_policy(family, &count);

	printf("\n");
	for (guint i = 0; i < count; i++) {
		g_autofree char *value = kvt_vm_print(vm, lines[i].field);

		printf("  %-28s %s\n", kvt_vm_field_name(lines[i].field), value);
		kvt_text_wrap(31, lines[i].why);
	}
}

static void print_peers(enum kvt_vm_family family)
{
	bool windows = family == KVT_FAMILY_WINDOWS || family == KVT_FAMILY_WINDOWS_NT5;

	printf("\n");
	print_heading(16);
	printf("  %-14s", "kvmtime");
	print_columns(family);
	for (const struct kvt_vm_peer *p = kvt_vm_peers(); p->name != NULL; p++) {
		const char *const *values = windows ? p->windows : p->other;

		printf("  %-14s", p->name);
		for (gsize i = 0; i < G_N_ELEMENTS(columns); i++)
			printf(" %-*s", columns[i].width, values[i]);
		printf("\n");
	}
}

static int print_format(const struct kvt_vm *vm, int format, const struct kvt_qemu_target *target)
{
	g_autoptr(GPtrArray) lost = NULL;
	GError *error = NULL;
	g_autofree char *text = kvt_vm_write(vm, (enum kvt_vm_format)format, target, &lost, &error);

	if (text == NULL)
		return kvt_fail("vm", error);
	fputs(text, stdout);
	return KVT_STATUS_OK;
}

static void print_json(const char *id, enum kvt_vm_family family)
{
	JsonBuilder *builder = kvt_json_begin("kvmtime.vm/1", id, true);
	g_autoptr(kvt_vm) vm = kvt_vm_policy_model(family);
	guint count;
	const struct kvt_vm_advice *lines = kvt_vm_policy(family, &count);

	kvt_json_string(builder, "verb", "policy");
	kvt_json_string(builder, "family", kvt_vm_words(KVT_VM_OS_FAMILY)[family]);
	json_builder_set_member_name(builder, "does");
	json_builder_begin_array(builder);
	for (guint i = 0; i < count; i++) {
		g_autofree char *value = kvt_vm_print(vm, lines[i].field);

		json_builder_begin_object(builder);
		kvt_json_string(builder, "what", kvt_vm_field_name(lines[i].field));
		kvt_json_string(builder, "value", value);
		kvt_json_string(builder, "why", lines[i].why);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	kvt_json_end(builder, false);
}

static int print_policy(const struct kvt_common *common, const char *id, int family, int format,
			bool peers)
{
	const struct kvt_qemu_target target = { kvt_qemu_installed() > 0 ? kvt_qemu_installed()
									 : KVT_QEMU_NEWEST,
						g_get_real_time() / G_USEC_PER_SEC, 0 };
	g_autoptr(kvt_vm) vm = kvt_vm_policy_model((enum kvt_vm_family)family);
	g_autofree char *clock = kvt_libvirt_write_clock(vm, 0);
	g_autofree char *safe = kvt_text_printable(id);

	if (common->json) {
		print_json(id, (enum kvt_vm_family)family);
		return KVT_STATUS_OK;
	}
	if (format >= 0)
		return print_format(vm, format, &target);
	printf("%s: %s\n\n%s", safe, kvt_os_family_name((enum kvt_vm_family)family), clock);
	print_reasons((enum kvt_vm_family)family);
	if (peers)
		print_peers((enum kvt_vm_family)family);
	return KVT_STATUS_OK;
}

int kvt_vm_policy_main(int argc, char **argv)
{
	g_autofree char *os = NULL, *format_name = NULL;
	gboolean peers = FALSE;
	const GOptionEntry entries[] = {
		{ "os", 0, 0, G_OPTION_ARG_STRING, &os, "The guest's system or family", "ID" },
		{ "format", 0, 0, G_OPTION_ARG_STRING, &format_name,
		  "Print it in this format: libvirt, qemu, xl, proxmox, kubevirt, nova", "FORMAT" },
		{ "peers", 0, 0, G_OPTION_ARG_NONE, &peers, "And what others would write", NULL },
		G_OPTION_ENTRY_NULL
	};
	struct kvt_common common;
	GError *error = NULL;
	int status, family, format;

	if (!kvt_options_parse("vm", "policy --os ID", description, entries, &common, &argc, &argv,
			       &status))
		return status;
	format = format_name != NULL ? kvt_vm_format_find(format_name) : -1;
	if (os == NULL || argc > 1)
		return kvt_usage("vm", "policy: --os ID, and nothing else");
	if (format_name != NULL && format < 0)
		return kvt_usage("vm", "--format %s: no such format", format_name);
	if (strcmp(os, "all") == 0)
		return list_all();
	family = find_family(os, &error);
	if (family < 0)
		return kvt_fail("vm", error);
	return print_policy(&common, os, family, format, peers);
}
