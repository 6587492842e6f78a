/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/guest.h"

#include <string.h>

#include "guests/libvirt.h"
#include "sys/error.h"
#include "sys/root.h"

#define AGENT_PORT "org.qemu.guest_agent.0"

struct kvt_guest *kvt_guest_new(const char *name, const char *manager, const char *id)
{
	struct kvt_guest *guest = g_new0(struct kvt_guest, 1);

	guest->name = g_strdup(name);
	guest->manager = g_strdup(manager);
	guest->id = g_strdup(id);
	guest->paths = g_ptr_array_new_with_free_func((GDestroyNotify)kvt_path_free);
	return guest;
}

void kvt_guest_free(struct kvt_guest *guest)
{
	if (guest == NULL)
		return;
	g_ptr_array_unref(guest->paths);
	g_free(guest->name);
	g_free(guest->manager);
	g_free(guest->id);
	g_free(guest->steps);
	g_free(guest);
}

void kvt_guest_add_path(struct kvt_guest *guest, struct kvt_path *path)
{
	g_ptr_array_add(guest->paths, path);
}

/* ---- QEMU's command line ---- */

/* the value of key in "a,key=value,b"; a first part without "=" answers to @first; owned */
static char *option_value(const char *option, const char *key, const char *first)
{
	g_auto(GStrv) parts = g_strsplit(option, ",", -1);
	const gsize width = strlen(key);

	for (guint i = 0; parts[i] != NULL; i++)
		if (strncmp(parts[i], key, width) == 0 && parts[i][width] == '=')
			return g_strdup(parts[i] + width + 1);
	if (first != NULL && strcmp(key, first) == 0 && parts[0] != NULL &&
	    strchr(parts[0], '=') == NULL)
		return g_strdup(parts[0]);
	return NULL;
}

static char *absolute(char *path, const char *cwd)
{
	char *full;

	if (path == NULL || g_path_is_absolute(path))
		return path;
	full = g_build_filename(cwd, path, NULL);
	g_free(path);
	return full;
}

/* the socket path of a character device; owned, or NULL */
static char *chardev_path(char **argv, const char *id)
{
	for (guint i = 1; argv[i] != NULL && argv[i + 1] != NULL; i++) {
		g_autofree char *its_id = NULL;

		if (strcmp(argv[i], "-chardev") != 0 || !g_str_has_prefix(argv[i + 1], "socket,"))
			continue;
		its_id = option_value(argv[i + 1], "id", NULL);
		if (g_strcmp0(its_id, id) == 0)
			return option_value(argv[i + 1], "path", NULL);
	}
	return NULL;
}

/* Both spellings of a device: "virtserialport,name=..." and JSON. */
static bool is_agent_port(const char *device)
{
	return strstr(device, "virtserialport") != NULL && strstr(device, AGENT_PORT) != NULL;
}

static char *device_chardev(const char *device)
{
	g_auto(GStrv) words = NULL;

	if (device[0] != '{')
		return option_value(device, "chardev", NULL);
	words = g_strsplit_set(device, "\"", -1);
	for (guint i = 0; words[i] != NULL && words[i + 1] != NULL && words[i + 2] != NULL; i++)
		if (strcmp(words[i], "chardev") == 0)
			return g_strdup(words[i + 2]);
	return NULL;
}

static char *agent_socket(char **argv)
{
	for (guint i = 1; argv[i] != NULL && argv[i + 1] != NULL; i++)
		if (strcmp(argv[i], "-device") == 0 && is_agent_port(argv[i + 1])) {
			g_autofree char *id = device_chardev(argv[i + 1]);

			return id != NULL ? chardev_path(argv, id) : NULL;
		}
	return NULL;
}

static char *qmp_socket(char **argv)
{
	for (guint i = 1; argv[i] != NULL && argv[i + 1] != NULL; i++) {
		const char *option = argv[i + 1];
		g_autofree char *mode = NULL, *id = NULL;

		if (strcmp(argv[i], "-qmp") == 0 && g_str_has_prefix(option, "unix:"))
			return g_strndup(option + 5, strcspn(option + 5, ","));
		if (strcmp(argv[i], "-mon") != 0)
			continue;
		mode = option_value(option, "mode", NULL);
		id = option_value(option, "chardev", "chardev");
		if (g_strcmp0(mode, "control") == 0 && id != NULL)
			return chardev_path(argv, id);
	}
	return NULL;
}

static char *machine_name(char **argv, const char *pid)
{
	for (guint i = 1; argv[i] != NULL && argv[i + 1] != NULL; i++)
		if (strcmp(argv[i], "-name") == 0) {
			char *name = option_value(argv[i + 1], "guest", "guest");

			if (name != NULL)
				return name;
		}
	return g_strdup_printf("qemu-%s", pid);
}

static bool is_qemu(const char *program)
{
	g_autofree char *name = g_path_get_basename(program);

	return g_str_has_prefix(name, "qemu-system-") || strcmp(name, "qemu-kvm") == 0 ||
	       strcmp(name, "kvm") == 0;
}

static const char agent_steps[] = "add to QEMU's command line: -device virtio-serial-pci "
				  "-chardev socket,id=qga,path=FILE,server=on,wait=off "
				  "-device virtserialport,chardev=qga,name=" AGENT_PORT
				  "; install qemu-guest-agent in the guest";

struct kvt_guest *kvt_guest_from_argv(char **argv, const char *cwd, const char *pid)
{
	g_autofree char *name = NULL, *agent = NULL, *qmp = NULL;
	struct kvt_guest *guest;

	if (argv[0] == NULL || !is_qemu(argv[0]))
		return NULL;
	agent = absolute(agent_socket(argv), cwd);
	qmp = absolute(qmp_socket(argv), cwd);
	if (agent == NULL && qmp == NULL)
		return NULL;
	name = machine_name(argv, pid);
	guest = kvt_guest_new(name, "qemu", pid);
	kvt_guest_add_path(guest, kvt_path_sockets(agent, qmp));
	if (agent == NULL)
		guest->steps = g_strdup(agent_steps);
	return guest;
}

/* ---- managers ---- */

static char **split_cmdline(const char *bytes, gsize len)
{
	GPtrArray *words = g_ptr_array_new();

	for (gsize at = 0; at < len; at += strlen(bytes + at) + 1)
		g_ptr_array_add(words, g_strdup(bytes + at));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

static void find_qemu(const struct kvt_root *root, GPtrArray *guests)
{
	g_autoptr(GPtrArray) pids = kvt_root_list(root, "/proc");

	for (guint i = 0; pids != NULL && i < pids->len; i++) {
		const char *pid = pids->pdata[i];
		g_autofree char *file = g_strdup_printf("/proc/%s/cmdline", pid);
		g_autofree char *link = g_strdup_printf("%s/proc/%s/cwd", kvt_root_dir(root), pid);
		g_autofree char *bytes = NULL, *cwd = NULL;
		g_auto(GStrv) argv = NULL;
		struct kvt_guest *guest;
		gsize len;

		if (!g_ascii_isdigit(pid[0]))
			continue;
		bytes = kvt_root_read(root, file, KVT_ROOT_FILE_LIMIT, &len, NULL);
		if (bytes == NULL || len == 0)
			continue;
		argv = split_cmdline(bytes, len);
		cwd = g_file_read_link(link, NULL);
		guest = kvt_guest_from_argv(argv, cwd != NULL ? cwd : "/", pid);
		if (guest != NULL)
			g_ptr_array_add(guests, guest);
	}
}

/* "name: web1" of a Proxmox VM configuration, before its first snapshot section */
static char *proxmox_name(const char *text, const char *vmid)
{
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	for (guint i = 0; lines[i] != NULL && lines[i][0] != '['; i++)
		if (g_str_has_prefix(lines[i], "name:"))
			return g_strdup(g_strstrip(lines[i] + 5));
	return g_strdup(vmid);
}

static void find_proxmox(const struct kvt_root *root, GPtrArray *guests)
{
	g_autoptr(GPtrArray) files = kvt_root_list(root, "/etc/pve/qemu-server");

	for (guint i = 0; files != NULL && i < files->len; i++) {
		g_autofree char *vmid = NULL, *file = NULL, *text = NULL, *name = NULL, *qmp = NULL,
				*qga = NULL, *full_qmp = NULL, *full_qga = NULL;
		struct kvt_guest *guest;
		bool has_agent;

		if (!g_str_has_suffix(files->pdata[i], ".conf"))
			continue;
		vmid = g_strndup(files->pdata[i], strlen(files->pdata[i]) - 5);
		file = g_strdup_printf("/etc/pve/qemu-server/%s", (char *)files->pdata[i]);
		qmp = g_strdup_printf("/run/qemu-server/%s.qmp", vmid);
		qga = g_strdup_printf("/run/qemu-server/%s.qga", vmid);
		if (!kvt_root_exists(root, qmp))
			continue; /* not running here */
		text = kvt_root_read(root, file, KVT_ROOT_FILE_LIMIT, NULL, NULL);
		name = proxmox_name(text, vmid);
		has_agent = kvt_root_exists(root, qga);
		full_qmp = g_build_filename(kvt_root_dir(root), qmp, NULL);
		full_qga = g_build_filename(kvt_root_dir(root), qga, NULL);
		guest = kvt_guest_new(name, "proxmox", vmid);
		kvt_guest_add_path(guest, kvt_path_sockets(has_agent ? full_qga : NULL, full_qmp));
		if (!has_agent)
			guest->steps =
				g_strdup_printf("qm set %s --agent enabled=1, stop and start the "
						"machine; install qemu-guest-agent in the guest",
						vmid);
		g_ptr_array_add(guests, guest);
	}
}

/* ---- which of them are meant ---- */

static bool is_meant(const struct kvt_guest_query *query, const struct kvt_guest *guest)
{
	if (query->all)
		return true;
	for (guint i = 0; query->names != NULL && query->names[i] != NULL; i++)
		if (strcmp(query->names[i], guest->name) == 0 ||
		    strcmp(query->names[i], guest->id) == 0)
			return true;
	return false;
}

static bool check_name(const char *name, const GPtrArray *guests, GError **error)
{
	g_autoptr(GString) list = g_string_new(NULL);
	guint n = 0;

	for (guint i = 0; i < guests->len; i++) {
		const struct kvt_guest *guest = guests->pdata[i];

		if (strcmp(name, guest->id) == 0)
			return true;
		if (strcmp(name, guest->name) != 0)
			continue;
		n++;
		g_string_append_printf(list, "\n  %s %s", guest->manager, guest->id);
	}
	if (n == 1)
		return true;
	if (n == 0)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "no running guest is called '%s'", name);
	else
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%u running guests are called '%s'; name one by its id:%s", n, name,
			    list->str);
	return false;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	const struct kvt_guest *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static void add_outright(const struct kvt_guest_query *query, GPtrArray *guests)
{
	const guint qmps = query->qmps != NULL ? g_strv_length(query->qmps) : 0;

	for (guint i = 0; query->agents != NULL && query->agents[i] != NULL; i++) {
		struct kvt_guest *guest = kvt_guest_new(query->agents[i], "qemu", query->agents[i]);

		kvt_guest_add_path(guest, kvt_path_sockets(query->agents[i],
							   i < qmps ? query->qmps[i] : NULL));
		g_ptr_array_add(guests, guest);
	}
}

/* every manager's running guests; false if one that was named outright cannot be asked */
static bool ask_managers(const struct kvt_guest_query *query, GPtrArray *guests, char **ret_notes,
			 GError **error)
{
	g_autoptr(kvt_root) root = kvt_root_open(query->root, error);
	g_autoptr(GError) failed = NULL;

	if (root == NULL)
		return false;
	if (!query->no_libvirt && (query->uri != NULL || kvt_root_is_live(root)))
		kvt_libvirt_find(query->uri, guests, &failed);
	if (failed != NULL && query->uri != NULL) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return false;
	}
	if (failed != NULL && ret_notes != NULL)
		*ret_notes = g_strdup(failed->message);
	if (query->uri == NULL) {
		const guint before = guests->len;

		find_proxmox(root, guests);
		if (guests->len == before) /* Proxmox's machines are plain QEMUs as well */
			find_qemu(root, guests);
	}
	return true;
}

GPtrArray *kvt_guests_find(const struct kvt_guest_query *query, char **ret_notes, GError **error)
{
	g_autoptr(GPtrArray) guests =
		g_ptr_array_new_with_free_func((GDestroyNotify)kvt_guest_free);

	if (ret_notes != NULL)
		*ret_notes = NULL;
	if ((query->all || query->names != NULL) && !ask_managers(query, guests, ret_notes, error))
		return NULL;
	for (guint i = 0; query->names != NULL && query->names[i] != NULL; i++)
		if (!check_name(query->names[i], guests, error))
			return NULL;
	for (guint i = guests->len; i > 0; i--)
		if (!is_meant(query, guests->pdata[i - 1]))
			g_ptr_array_remove_index(guests, i - 1);
	add_outright(query, guests);
	g_ptr_array_sort(guests, by_name);
	return g_steal_pointer(&guests);
}
