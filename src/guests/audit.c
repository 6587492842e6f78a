/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/audit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/machine.h"
#include "guests/exec.h"
#include "guests/offset.h"
#include "guests/reach.h"

#define CHUNK       49152 /* base64 of it fits a line; QEMU's own default */
#define FILE_LIMIT  (512u * 1024u)
#define TOTAL_LIMIT (4u * 1024u * 1024u) /* of one guest's files */

/* What the machine reader reads and an agent can give: it has no way to list a folder. */
static const char *const files[] = {
	"/etc/os-release",
	"/usr/lib/os-release",
	"/etc/debian_version",
	"/etc/redhat-release",
	"/etc/SuSE-release",
	"/etc/adjtime",
	"/etc/chrony.conf",
	"/etc/chrony/chrony.conf",
	"/etc/ntp.conf",
	"/etc/ntpsec/ntp.conf",
	"/etc/systemd/timesyncd.conf",
	"/etc/default/grub",
	"/etc/kernel/cmdline",
	"/etc/default/qemu-guest-agent",
	"/etc/sysconfig/qemu-ga",
	"/etc/qemu/qemu-ga.conf",
	"/etc/tuned/active_profile",
	"/proc/cmdline",
	"/proc/cpuinfo",
	"/proc/stat",
	"/proc/version",
	"/proc/1/comm",
	"/proc/2/comm",
	"/proc/sys/xen/independent_wallclock",
	"/proc/xen/capabilities",
	"/run/systemd/container",
	"/sys/hypervisor/type",
	"/sys/class/dmi/id/sys_vendor",
	"/sys/class/dmi/id/product_name",
	"/sys/class/dmi/id/chassis_asset_tag",
	"/sys/class/dmi/id/bios_vendor",
	"/sys/class/dmi/id/bios_version",
	"/sys/class/ptp/ptp0/clock_name",
	"/sys/class/ptp/ptp1/clock_name",
	"/sys/class/rtc/rtc0/since_epoch",
	"/sys/class/rtc/rtc0/name",
	"/sys/devices/system/clocksource/clocksource0/current_clocksource",
	"/sys/devices/system/clocksource/clocksource0/available_clocksource",
	"/var/log/dmesg",
	"/var/log/kern.log",
	"/var/log/messages",
};

struct audit {
	struct kvt_path *path;
	char *dir;       /* stands for the guest's "/" */
	GPtrArray *made; /* paths below it, in the order of their making */
	gsize total;
	guint given, refused;
	char *reason; /* the first refusal's words */
};

/* ---- the folder ---- */

static void make_parents(struct audit *audit, const char *file)
{
	for (const char *slash = strchr(file + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		g_autofree char *name = g_strndup(file, (gsize)(slash - file));
		g_autofree char *path = g_build_filename(audit->dir, name, NULL);

		if (mkdir(path, 0700) == 0)
			g_ptr_array_add(audit->made, g_steal_pointer(&path));
	}
}

static void put(struct audit *audit, const char *file, const GString *bytes)
{
	g_autofree char *path = g_build_filename(audit->dir, file, NULL);

	make_parents(audit, file);
	if (g_file_set_contents(path, bytes->str, (gssize)bytes->len, NULL))
		g_ptr_array_add(audit->made, g_steal_pointer(&path));
}

/* A link to itself cannot be opened, and is not "no such file": the reader says unknown. */
static void put_unknown(struct audit *audit, const char *file)
{
	g_autofree char *path = g_build_filename(audit->dir, file, NULL);
	g_autofree char *name = g_path_get_basename(file);

	make_parents(audit, file);
	if (symlink(name, path) == 0)
		g_ptr_array_add(audit->made, g_steal_pointer(&path));
}

static void remove_folder(struct audit *audit)
{
	for (guint i = audit->made->len; i > 0; i--)
		remove(audit->made->pdata[i - 1]);
	rmdir(audit->dir);
}

/* ---- the agent ---- */

static JsonNode *command(struct audit *audit, const char *name, GError **error, const char *first,
			 ...)
{
	g_autoptr(JsonObject) arguments = json_object_new();
	va_list list;

	/* pairs of a name and an int64, ended by NULL */
	va_start(list, first);
	for (const char *key = first; key != NULL; key = va_arg(list, const char *))
		json_object_set_int_member(arguments, key, va_arg(list, gint64));
	va_end(list);
	return audit->path->ops->command(audit->path, name, arguments, error);
}

static gint64 open_file(struct audit *audit, const char *file, GError **error)
{
	g_autoptr(JsonObject) arguments = json_object_new();
	g_autoptr(JsonNode) result = NULL;

	json_object_set_string_member(arguments, "path", file);
	json_object_set_string_member(arguments, "mode", "r");
	result = audit->path->ops->command(audit->path, "guest-file-open", arguments, error);
	if (result == NULL)
		return -1;
	if (JSON_NODE_HOLDS_VALUE(result) && json_node_get_value_type(result) == G_TYPE_INT64)
		return json_node_get_int(result);
	kvt_reach_set(error, KVT_REACH_GARBAGE, "a file handle that is no number");
	return -1;
}

/* one chunk; true to go on */
static bool read_chunk(struct audit *audit, gint64 handle, GString *bytes, GError **error)
{
	g_autoptr(JsonNode) result = command(audit, "guest-file-read", error, "handle", handle,
					     "count", (gint64)CHUNK, NULL);
	JsonObject *object;

	if (result == NULL || !JSON_NODE_HOLDS_OBJECT(result))
		return false;
	object = json_node_get_object(result);
	if (json_object_get_int_member_with_default(object, "count", 0) <= 0 ||
	    !kvt_exec_append_base64(
		    bytes, json_object_get_string_member_with_default(object, "buf-b64", NULL)))
		return false;
	audit->total += CHUNK;
	return !json_object_get_boolean_member_with_default(object, "eof", FALSE) &&
	       bytes->len < FILE_LIMIT && audit->total < TOTAL_LIMIT;
}

static bool is_log(const char *file)
{
	return g_str_has_prefix(file, "/var/log/");
}

/* Of a log the end matters. An agent that cannot seek is asked for the beginning. */
static void seek_to_end(struct audit *audit, gint64 handle)
{
	JsonNode *result = command(audit, "guest-file-seek", NULL, "handle", handle, "offset",
				   -(gint64)(FILE_LIMIT / 2), "whence", (gint64)2, NULL);

	g_clear_pointer(&result, json_node_unref);
}

static bool is_missing(const GError *error)
{
	return strstr(error->message, "No such file") != NULL ||
	       strstr(error->message, "Not a directory") != NULL;
}

/* false if the agent does not answer any more */
static bool fetch(struct audit *audit, const char *file)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) bytes = g_string_new(NULL);
	g_autoptr(JsonNode) closed = NULL;
	const gint64 handle = audit->total < TOTAL_LIMIT ? open_file(audit, file, &error) : -1;

	if (handle < 0 && error == NULL)
		kvt_reach_set(&error, KVT_REACH_REFUSED, "more than %u bytes of files",
			      TOTAL_LIMIT);
	if (handle >= 0) {
		if (is_log(file))
			seek_to_end(audit, handle);
		while (read_chunk(audit, handle, bytes, &error))
			;
		closed = command(audit, "guest-file-close", NULL, "handle", handle, NULL);
	}
	if (error == NULL) {
		put(audit, file, bytes);
		audit->given++;
	} else if (is_missing(error))
		audit->given++;
	else {
		put_unknown(audit, file);
		audit->refused++;
		if (audit->reason == NULL)
			audit->reason = g_strdup(error->message);
	}
	return error == NULL || kvt_reach_of(error) == KVT_REACH_REFUSED;
}

/* An agent that gives no files is not asked for all of them; one that hung is left alone. */
static void fetch_all(struct audit *audit)
{
	bool more = true;

	for (guint i = 0; i < G_N_ELEMENTS(files); i++)
		if (more)
			more = fetch(audit, files[i]) && (i < 2 || audit->given > 0);
		else
			put_unknown(audit, files[i]);
}

/* ---- questions that need a program in the guest ---- */

static const struct {
	const char *file; /* where the recorded machine's reader looks for the answer */
	const char *script;
} questions[] = {
	{ "/kvmtime/log", "dmesg" },
	{ "/kvmtime/processes",
	  "for p in /proc/[0-9]*; do read n <$p/comm && echo ${p#/proc/} $n; done 2>/dev/null" },
	{ "/kvmtime/chronyc-tracking", "chronyc -n tracking" },
	{ "/kvmtime/chronyc-sources", "chronyc -n sources" },
};

static void run_scripts(struct audit *audit)
{
	for (guint i = 0; i < G_N_ELEMENTS(questions); i++) {
		GString *bytes = kvt_exec_script(audit->path, questions[i].script,
						 5 * audit->path->timeout_us, NULL);

		if (bytes == NULL)
			continue;
		put(audit, questions[i].file, bytes);
		g_string_free(bytes, TRUE);
	}
}

/* ---- facts ---- */

static bool is_known(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = kvt_facts_get(facts, KVT_GUEST, name);

	return fact != NULL && fact->state == KVT_KNOWN;
}

static void set_text(struct kvt_facts *facts, const char *name, JsonObject *object,
		     const char *member)
{
	const char *value = json_object_get_string_member_with_default(object, member, NULL);

	if (value != NULL)
		kvt_facts_set_text(facts, KVT_GUEST, name, value, "guest-get-osinfo");
}

static void set_version(struct kvt_facts *facts, JsonObject *object)
{
	const char *release =
		json_object_get_string_member_with_default(object, "kernel-release", NULL);
	g_autofree char *version = NULL;

	if (release == NULL)
		return;
	version = g_strndup(release, strspn(release, "0123456789."));
	kvt_facts_set_text(facts, KVT_GUEST, "kernel.version", version, "guest-get-osinfo");
}

/* What is left where no file is given: the agent itself says which system it runs on. */
static void ask_osinfo(struct audit *audit, struct kvt_facts *facts)
{
	g_autoptr(JsonNode) result =
		audit->path->ops->command(audit->path, "guest-get-osinfo", NULL, NULL);
	JsonObject *object;

	if (result == NULL || !JSON_NODE_HOLDS_OBJECT(result))
		return;
	object = json_node_get_object(result);
	set_text(facts, "kernel.release", object, "kernel-release");
	set_version(facts, object);
	set_text(facts, "kernel.arch", object, "machine");
	set_text(facts, "os.id", object, "id");
	set_text(facts, "os.version", object, "version-id");
	set_text(facts, "os.name", object, "pretty-name");
}

/* The machine reader over the folder. Its roles may miss the guest if little was given. */
static struct kvt_facts *read_folder(const struct audit *audit, const char *target)
{
	g_autoptr(kvt_root) root = kvt_root_open(audit->dir, NULL);
	struct kvt_facts *facts = kvt_facts_new(target);
	struct kvt_answers answers;

	kvt_facts_set_roles(facts, KVT_GUEST);
	if (root != NULL && audit->given > 0) {
		g_autoptr(kvt_facts) machine = NULL;

		kvt_answers_recorded(root, &answers);
		machine = kvt_machine_read(root, &answers, target);
		kvt_facts_copy_into(facts, machine, KVT_GUEST);
	}
	kvt_facts_set_bool(facts, KVT_GUEST, "virt.guest", true,
			   "it runs in a virtual machine here");
	if (!is_known(facts, "virt.hypervisor"))
		kvt_facts_set_text(facts, KVT_GUEST, "virt.hypervisor", "kvm",
				   "it runs under QEMU here");
	return facts;
}

static void measure(struct audit *audit, struct kvt_facts *facts, const GError *unreachable)
{
	g_autoptr(GError) error = unreachable != NULL ? g_error_copy(unreachable) : NULL;
	struct kvt_offset offset;

	if (error == NULL && kvt_offset_measure(audit->path, 8, 500000, &offset, &error)) {
		g_autofree char *source = g_strdup_printf("guest-get-time, within %.1f us",
							  (double)offset.bound_ns / 1e3);

		kvt_facts_set_real(facts, KVT_GUEST, "agent.offset_s",
				   (double)offset.offset_ns / 1e9, source);
	}
	if (error != NULL)
		kvt_facts_set_unknown(facts, KVT_GUEST, "agent.offset_s", false, error->message);
	kvt_facts_set_text(facts, KVT_GUEST, "agent.status", kvt_reach_word(kvt_reach_of(error)),
			   error != NULL ? error->message : audit->path->ops->name);
	if (audit->refused > 0)
		kvt_facts_set_text(facts, KVT_GUEST, "agent.files",
				   audit->given > 0 ? "some" : "none", audit->reason);
	else if (audit->given > 0)
		kvt_facts_set_text(facts, KVT_GUEST, "agent.files", "given",
				   audit->path->ops->name);
}

static struct kvt_facts *audit_path(struct audit *audit, const struct kvt_audit_options *options,
				    const char *target, enum kvt_reach *ret_reach)
{
	g_autoptr(GError) error = NULL;
	struct kvt_facts *facts;

	audit->path->ops->open(audit->path, &error);
	if (error == NULL)
		fetch_all(audit);
	if (error == NULL && options->exec)
		run_scripts(audit);
	facts = read_folder(audit, target);
	if (error == NULL &&
	    (!is_known(facts, "kernel.release") || !is_known(facts, "kernel.arch")))
		ask_osinfo(audit, facts);
	measure(audit, facts, error);
	*ret_reach = kvt_reach_of(error);
	audit->path->ops->close(audit->path);
	return facts;
}

/* The best path: one that gives files if it is allowed, else the first. */
static struct kvt_path *choose(const struct kvt_guest *guest, bool taint)
{
	for (guint i = guest->paths->len; taint && i > 0; i--) {
		struct kvt_path *path = guest->paths->pdata[i - 1];

		if (path->taints)
			return path;
	}
	return guest->paths->len > 0 ? guest->paths->pdata[0] : NULL;
}

struct kvt_facts *kvt_audit_guest(struct kvt_guest *guest, const struct kvt_audit_options *options)
{
	struct audit audit = { .path = choose(guest, options->taint),
			       .made = g_ptr_array_new_with_free_func(g_free) };
	struct kvt_facts *facts;
	enum kvt_reach reach;

	audit.dir = g_dir_make_tmp("kvmtime-audit-XXXXXX", NULL);
	if (audit.path == NULL || audit.dir == NULL) {
		facts = kvt_facts_new(guest->name);
		kvt_facts_set_roles(facts, KVT_GUEST);
	} else {
		facts = audit_path(&audit, options, guest->name, &reach);
		remove_folder(&audit);
	}
	g_ptr_array_unref(audit.made);
	g_free(audit.dir);
	g_free(audit.reason);
	return facts;
}
