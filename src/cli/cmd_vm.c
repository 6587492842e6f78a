/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime vm: what a definition says and does, the same in another format. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/domains.h"
#include "cli/expand.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/vm_policy.h"
#include "vmdef/effective.h"
#include "vmdef/libvirt.h"
#include "vmdef/load.h"

static struct {
	char *qemu, *from, *to, *uri;
	gboolean all;
	gint64 host_tsc_hz;
	gint64 now_s;
	gboolean partial;
} given;

static const GOptionEntry show_entries[] = {
	{ "qemu", 0, 0, G_OPTION_ARG_STRING, &given.qemu,
	  "judge for this QEMU release, e.g. 2.5 (default: the installed one)", "VERSION" },
	{ "format", 0, 0, G_OPTION_ARG_STRING, &given.from,
	  "read as this format (default: told by content)", "FORMAT" },
	{ "host-tsc-hz", 0, 0, G_OPTION_ARG_INT64, &given.host_tsc_hz,
	  "TSC rate of the host, which cannot scale it: refuse what it would", "HZ" },
	{ "all", 0, 0, G_OPTION_ARG_NONE, &given.all, "every domain that libvirt knows", NULL },
	KVT_DOMAINS_ENTRY(&given.uri),
	G_OPTION_ENTRY_NULL
};

static const GOptionEntry convert_entries[] = {
	{ "to", 0, 0, G_OPTION_ARG_STRING, &given.to,
	  "libvirt, qemu, xl, proxmox, kubevirt or nova", "FORMAT" },
	{ "qemu", 0, 0, G_OPTION_ARG_STRING, &given.qemu,
	  "for this QEMU release, e.g. 2.5 (default: the installed one)", "VERSION" },
	{ "format", 0, 0, G_OPTION_ARG_STRING, &given.from,
	  "read as this format (default: told by content)", "FORMAT" },
	{ "host-tsc-hz", 0, 0, G_OPTION_ARG_INT64, &given.host_tsc_hz,
	  "TSC rate of the host, which cannot scale it: refuse what it would", "HZ" },
	{ "all", 0, 0, G_OPTION_ARG_NONE, &given.all, "every domain that libvirt knows", NULL },
	KVT_DOMAINS_ENTRY(&given.uri),
	G_OPTION_ENTRY_NULL
};

/* ---- shared ---- */

static bool choose_version(int *ret_version, int *ret_status)
{
	*ret_version =
		given.qemu != NULL ? kvt_qemu_parse_version(given.qemu) : kvt_qemu_installed();
	if (given.qemu != NULL && *ret_version < 0) {
		*ret_status = kvt_usage("vm", "--qemu %s: not a QEMU release", given.qemu);
		return false;
	}
	if (*ret_version < 0)
		*ret_version = KVT_QEMU_NEWEST;
	return true;
}

static bool choose_format(const char *name, const char *option, int *ret_format, int *ret_status)
{
	*ret_format = name != NULL ? kvt_vm_format_find(name) : -1;
	if (name == NULL || *ret_format >= 0)
		return true;
	*ret_status = kvt_usage("vm", "%s %s: no such format", option, name);
	return false;
}

/* Of several targets the first of 4, 3, 1, 0. */
static int worse(int a, int b)
{
	static const int order[] = { KVT_STATUS_USAGE, KVT_STATUS_BAD_INPUT, KVT_STATUS_REFUSED,
				     KVT_STATUS_FOUND };

	for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return KVT_STATUS_OK;
}

static struct kvt_vm *load(const char *path, int format, GError **error)
{
	gsize length;
	g_autofree char *xml = NULL;

	if (!kvt_domains_is(path))
		return kvt_vm_load(format, path, error);
	xml = kvt_domains_read(path, &length, error);
	return xml != NULL ? kvt_vm_parse(format, xml, length, path, error) : NULL;
}

static int read_definition(const char *path, int format, struct kvt_vm **ret_vm)
{
	GError *error = NULL;
	struct kvt_vm *vm = load(path, format, &error);
	struct kvt_vm_host host = { given.host_tsc_hz, false };

	if (vm == NULL)
		return kvt_fail("vm", error);
	if (given.host_tsc_hz > 0 && vm->format == KVT_FORMAT_LIBVIRT)
		kvt_libvirt_judge_host(vm, &host);
	*ret_vm = vm;
	return kvt_vm_noted(vm, KVT_NOTE_INVALID, -1) ? KVT_STATUS_BAD_INPUT : KVT_STATUS_OK;
}

/* Notes of the kinds from first to last, to stderr: "FILE:LINE: text". */
static void print_notes(const struct kvt_vm *vm, enum kvt_vm_note_kind first,
			enum kvt_vm_note_kind last)
{
	for (guint i = 0; i < vm->notes->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(vm->notes, i);
		g_autofree char *safe = kvt_text_printable(note->text);
		g_autofree char *file = kvt_text_printable(vm->file);

		if (note->kind >= first && note->kind <= last)
			fprintf(stderr, "%s:%d: %s: %s\n", file, note->line,
				kvt_vm_note_kind_name(note->kind), safe);
	}
}

static void json_notes(JsonBuilder *builder, const char *name, const GPtrArray *notes)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
	for (guint i = 0; i < notes->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(notes, i);

		json_builder_begin_object(builder);
		kvt_json_string(builder, "kind", kvt_vm_note_kind_name(note->kind));
		kvt_json_string(builder, "field",
				note->field >= 0 ? kvt_vm_field_name((enum kvt_vm_field)note->field)
						 : NULL);
		kvt_json_int(builder, "line", note->line);
		kvt_json_string(builder, "text", note->text);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static char *version_text(int version)
{
	return g_strdup_printf("%d.%d", version / 100, version % 100);
}

/* ---- show ---- */

static void json_fields(JsonBuilder *builder, const struct kvt_vm *vm)
{
	json_builder_set_member_name(builder, "says");
	json_builder_begin_array(builder);
	for (int i = 0; i < KVT_VM_FIELD_COUNT; i++) {
		g_autofree char *value = kvt_vm_print(vm, (enum kvt_vm_field)i);

		if (value == NULL)
			continue;
		json_builder_begin_object(builder);
		kvt_json_string(builder, "field", kvt_vm_field_name((enum kvt_vm_field)i));
		kvt_json_string(builder, "value", value);
		kvt_json_int(builder, "line", vm->at[i].line);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void json_effects(JsonBuilder *builder, const GPtrArray *effects)
{
	json_builder_set_member_name(builder, "does");
	json_builder_begin_array(builder);
	for (guint i = 0; i < effects->len; i++) {
		const struct kvt_vm_effect *effect = g_ptr_array_index(effects, i);

		json_builder_begin_object(builder);
		kvt_json_string(builder, "what", effect->what);
		kvt_json_string(builder, "value", effect->value);
		kvt_json_string(builder, "why", effect->why);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

/* Options of old that the definition has: what they meant, and what is written today. */
static void json_options(JsonBuilder *builder, const struct kvt_vm *vm)
{
	json_builder_set_member_name(builder, "options");
	json_builder_begin_array(builder);
	for (guint i = 0; i < vm->options->len; i++) {
		const struct kvt_qemu_option *option =
			kvt_qemu_option_find(g_ptr_array_index(vm->options, i));
		g_autofree char *removed =
			option->removed > 0 ? version_text(option->removed) : NULL;

		json_builder_begin_object(builder);
		kvt_json_string(builder, "name", option->name);
		kvt_json_string(builder, "meant", option->meant);
		kvt_json_string(builder, "removed", removed);
		kvt_json_string(builder, "instead", option->instead);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void show_options(const struct kvt_vm *vm, int version)
{
	for (guint i = 0; i < vm->options->len; i++) {
		const struct kvt_qemu_option *option =
			kvt_qemu_option_find(g_ptr_array_index(vm->options, i));
		g_autofree char *removed = version_text(option->removed);
		const bool gone = option->removed > 0 && option->removed <= version;
		g_autofree char *today =
			g_strdup_printf("meant: %s. %s%s%s%s", option->meant,
					option->removed == 0 ? ""
					: gone               ? "QEMU refuses it since "
							     : "Gone from QEMU ",
					option->removed == 0 ? "" : removed,
					option->removed == 0 ? "" : "; today: ",
					option->removed == 0 ? "" : option->instead);

		printf("  %s -%s\n", gone ? "gone " : "old  ", option->name);
		kvt_text_wrap(33, today);
	}
}

static void show_json(const struct kvt_vm *vm, const GPtrArray *effects, int version)
{
	JsonBuilder *builder =
		kvt_json_begin("kvmtime.vm/1", vm->file, !kvt_vm_noted(vm, KVT_NOTE_INVALID, -1));
	g_autofree char *qemu = version_text(version);

	kvt_json_string(builder, "verb", "show");
	kvt_json_string(builder, "format", kvt_vm_format_name(vm->format));
	kvt_json_string(builder, "qemu", qemu);
	json_fields(builder, vm);
	json_effects(builder, effects);
	json_options(builder, vm);
	json_notes(builder, "notes", vm->notes);
	kvt_json_end(builder, false);
}

static void show_says(const struct kvt_vm *vm)
{
	for (int i = 0; i < KVT_VM_FIELD_COUNT; i++) {
		g_autofree char *value = kvt_vm_print(vm, (enum kvt_vm_field)i);
		g_autofree char *safe = value != NULL ? kvt_text_printable(value) : NULL;

		if (safe == NULL ||
		    g_str_has_suffix(kvt_vm_field_name((enum kvt_vm_field)i), ".named"))
			continue;
		printf("  says  %-24s %-18s", kvt_vm_field_name((enum kvt_vm_field)i), safe);
		if (vm->at[i].line > 0)
			printf(" line %d", vm->at[i].line);
		printf("\n");
	}
}

static void show_does(const GPtrArray *effects)
{
	for (guint i = 0; i < effects->len; i++) {
		const struct kvt_vm_effect *effect = g_ptr_array_index(effects, i);
		g_autofree char *safe =
			kvt_text_printable(effect->value != NULL ? effect->value : "");

		printf("  does  %-24s %s\n", effect->what, safe);
		if (effect->why != NULL)
			kvt_text_wrap(33, effect->why);
	}
}

static void show_text(const struct kvt_vm *vm, const GPtrArray *effects, int version)
{
	g_autofree char *name = kvt_text_printable(
		vm->at[KVT_VM_NAME].text != NULL ? vm->at[KVT_VM_NAME].text : "(no name)");
	g_autofree char *file = kvt_text_printable(vm->file);
	g_autofree char *heading = kvt_text_paint(KVT_BOLD, name);
	g_autofree char *qemu = version_text(version);

	printf("%s  %s, %s; judged for QEMU %s\n", heading, kvt_vm_format_name(vm->format), file,
	       qemu);
	show_says(vm);
	show_options(vm, version);
	show_does(effects);
	for (guint i = 0; i < vm->notes->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(vm->notes, i);
		g_autofree char *safe = kvt_text_printable(note->text);

		if (note->kind != KVT_NOTE_INVALID)
			printf("  %s  line %d: %s\n", kvt_vm_note_kind_name(note->kind), note->line,
			       safe);
	}
}

/* Calls @one for each definition that the command line names, folders and libvirt: included. */
static int each(int argc, char **argv, int (*one)(const char *path, const void *how),
		const void *how)
{
	static char everything[] = "libvirt:";
	char *all[] = { everything };
	struct kvt_expand expand = { .count = given.all ? 1 : argc - 1,
				     .names = given.all ? all : argv + 1 };
	struct kvt_expanded next;
	int status = KVT_STATUS_OK, met = 0;
	GError *error = NULL;

	while (kvt_expand_next(&expand, &next, &error)) {
		g_autofree char *name = next.name;

		if (error != NULL)
			status = worse(status, kvt_fail("vm", g_steal_pointer(&error)));
		else if (!next.in_folder || kvt_vm_file_is_definition(name))
			status = worse(status, one(name, how));
		else
			continue;
		met++;
	}
	if (met > 0)
		return status;
	kvt_expand_nothing(given.all ? everything : argv[1], &error);
	return kvt_fail("vm", error);
}

struct show_how {
	const struct kvt_common *common;
	int format, version;
};

static int show_one(const char *path, const void *data)
{
	const struct show_how *how = data;
	const struct kvt_common *common = how->common;
	const int format = how->format, version = how->version;
	g_autoptr(kvt_vm) vm = NULL;
	g_autoptr(GPtrArray) effects = NULL;
	int status = read_definition(path, format, &vm);

	if (vm == NULL)
		return status;
	effects = kvt_vm_effects(vm, version);
	if (common->json)
		show_json(vm, effects, version);
	else if (!common->quiet)
		show_text(vm, effects, version);
	if (!common->json)
		print_notes(vm, KVT_NOTE_INVALID, KVT_NOTE_INVALID);
	return status;
}

static int vm_show(int argc, char **argv)
{
	struct kvt_common common;
	int status = KVT_STATUS_OK, version, format;

	if (!kvt_options_parse(
		    "vm", "show FILE...",
		    "What a VM definition says about time, line by line, and what that comes\n"
		    "to in a QEMU release. FILE is a definition in any format that is known, a\n"
		    "folder of them, libvirt:NAME for what libvirt will start by that name,\n"
		    "libvirt: for all of those, or - for standard input.",
		    show_entries, &common, &argc, &argv, &status) ||
	    !choose_version(&version, &status) ||
	    !choose_format(given.from, "--format", &format, &status))
		return status;
	if (argc < 2 && !given.all)
		return kvt_usage("vm", "show: which definition?");
	kvt_domains_setup(given.uri);
	return each(argc, argv, show_one, &(struct show_how){ &common, format, version });
}

/* ---- convert ---- */

static void convert_json(const struct kvt_vm *vm, const char *text, enum kvt_vm_format to,
			 const GPtrArray *lost)
{
	JsonBuilder *builder = kvt_json_begin("kvmtime.vm/1", vm->file, text != NULL);

	kvt_json_string(builder, "verb", "convert");
	kvt_json_string(builder, "format", kvt_vm_format_name(vm->format));
	kvt_json_string(builder, "to", kvt_vm_format_name(to));
	kvt_json_string(builder, "text", text);
	if (lost != NULL)
		json_notes(builder, "lost", lost);
	json_notes(builder, "notes", vm->notes);
	kvt_json_end(builder, false);
}

static void print_lost(const GPtrArray *lost)
{
	for (guint i = 0; i < lost->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(lost, i);
		g_autofree char *safe = kvt_text_printable(note->text);

		fprintf(stderr, "not said: %s\n", safe);
	}
}

struct convert_how {
	const struct kvt_common *common;
	int from, to;
	const struct kvt_qemu_target *target;
};

static int convert_one(const char *path, const void *data)
{
	const struct convert_how *how = data;
	const struct kvt_common *common = how->common;
	const int from = how->from, to = how->to;
	const struct kvt_qemu_target *target = how->target;
	g_autoptr(kvt_vm) vm = NULL;
	g_autoptr(GPtrArray) lost = NULL;
	g_autofree char *text = NULL;
	GError *error = NULL;
	int status = read_definition(path, from, &vm);
	bool refused;

	if (vm == NULL)
		return status;
	refused = status != KVT_STATUS_OK || kvt_vm_noted(vm, KVT_NOTE_REFUSED, -1);
	if (!refused) {
		text = kvt_vm_write(vm, (enum kvt_vm_format)to, target, &lost, &error);
		if (text == NULL)
			return kvt_fail("vm", error);
	}
	if (common->json) {
		convert_json(vm, text, (enum kvt_vm_format)to, lost);
	} else {
		print_notes(vm, KVT_NOTE_INVALID, KVT_NOTE_REFUSED);
		if (text != NULL)
			fputs(text, stdout);
		if (lost != NULL && !common->quiet)
			print_lost(lost);
	}
	return refused ? KVT_STATUS_BAD_INPUT : KVT_STATUS_OK;
}

static int vm_convert(int argc, char **argv)
{
	struct kvt_common common;
	struct kvt_qemu_target target = { 0, g_get_real_time() / G_USEC_PER_SEC, 0 };
	g_autoptr(GDateTime) local = g_date_time_new_now_local();
	int status = KVT_STATUS_OK, from, to;

	target.utc_offset_s = g_date_time_get_utc_offset(local) / G_USEC_PER_SEC;
	if (!kvt_options_parse(
		    "vm", "convert --to FORMAT FILE...",
		    "The same definition in another format. What that format cannot say is\n"
		    "listed on standard error, a line each; nothing is dropped silently. FILE is\n"
		    "as in kvmtime vm show.",
		    convert_entries, &common, &argc, &argv, &status) ||
	    !choose_version(&target.version, &status) ||
	    !choose_format(given.from, "--format", &from, &status) ||
	    !choose_format(given.to, "--to", &to, &status))
		return status;
	if (given.to == NULL)
		return kvt_usage("vm", "convert: --to FORMAT is missing");
	if (argc < 2 && !given.all)
		return kvt_usage("vm", "convert: which definition?");
	kvt_domains_setup(given.uri);
	return each(argc, argv, convert_one, &(struct convert_how){ &common, from, to, &target });
}

/* ---- the verb ---- */

int cmd_vm(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} parts[] = { { "show", vm_show },
		      { "convert", vm_convert },
		      { "policy", kvt_vm_policy_main } };

	for (gsize i = 0; i < G_N_ELEMENTS(parts) && argc > 1; i++)
		if (strcmp(argv[1], parts[i].name) == 0)
			return parts[i].run(argc - 1, argv + 1);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("Usage: kvmtime vm show [OPTION...] FILE...\n"
		       "       kvmtime vm convert --to FORMAT [OPTION...] FILE...\n"
		       "       kvmtime vm policy --os ID [OPTION...]\n\n"
		       "Each has its own --help.\n");
		return KVT_STATUS_OK;
	}
	return kvt_usage("vm", "show, convert or policy?");
}
