/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "bench/switch.h"

#define ARGV_LIMIT (256u * 1024u)

static bool holds_vm(const char *dir, const char *pid)
{
	g_autofree char *folder = g_build_filename(dir, "proc", pid, "fd", NULL);
	g_autoptr(GDir) fds = g_dir_open(folder, 0, NULL);
	const char *fd;

	while (fds != NULL && (fd = g_dir_read_name(fds)) != NULL) {
		g_autofree char *path = g_build_filename(folder, fd, NULL);
		g_autofree char *target = g_file_read_link(path, NULL);

		if (target != NULL && strcmp(target, "anon_inode:kvm-vm") == 0)
			return true;
	}
	return false;
}

/* QEMU's -name web1 or -name guest=web1,debug-threads=on */
static char *name_of(const struct kvt_root *root, const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", pid);
	gsize length = 0;
	g_autofree char *bytes = kvt_root_read(root, path, ARGV_LIMIT, &length, NULL);

	for (gsize at = 0; bytes != NULL && at < length; at += strlen(bytes + at) + 1) {
		const char *argument = bytes + at;
		const gsize next = at + strlen(argument) + 1;

		if (strcmp(argument, "-name") == 0 && next < length) {
			const char *name = bytes + next;

			if (g_str_has_prefix(name, "guest="))
				name += strlen("guest=");
			return g_strndup(name, strcspn(name, ","));
		}
	}
	return NULL;
}

static char *describe(const struct kvt_root *root, const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/comm", pid);
	g_autofree char *program = kvt_root_line(root, path);
	g_autofree char *name = name_of(root, pid);

	return g_strdup_printf("%s (%s, process %s)", name != NULL ? name : "a VM without a name",
			       program != NULL ? program : "?", pid);
}

GPtrArray *kvt_running_vms(const struct kvt_root *root)
{
	g_autoptr(GPtrArray) pids = kvt_root_list(root, "/proc");
	GPtrArray *vms = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; pids != NULL && i < pids->len; i++) {
		const char *pid = g_ptr_array_index(pids, i);

		if (g_ascii_isdigit(pid[0]) && holds_vm(kvt_root_dir(root), pid))
			g_ptr_array_add(vms, describe(root, pid));
	}
	return vms;
}
