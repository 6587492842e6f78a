/* SPDX-License-Identifier: BSD-2-Clause */
/* Who runs VMs on this host, told by the descriptors that KVM gave them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/hidden_fs.h"
#include "lab/trace.h"

static void free_process(void *data)
{
	struct lab_vm_process *process = data;

	g_free(process->name);
	g_free(process);
}

/* The words of a command line, NUL-separated in /proc. */
static GPtrArray *command_words(int pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	char *text = NULL;
	gsize length = 0;

	if (g_file_get_contents(path, &text, &length, NULL))
		for (gsize at = 0; at < length; at += strlen(text + at) + 1)
			g_ptr_array_add(words, g_strdup(text + at));
	g_free(text);
	return words;
}

/* -name web1, -name guest=web1,debug-threads=on */
static char *vm_name(const GPtrArray *words)
{
	for (guint i = 0; i + 1 < words->len; i++)
		if (g_str_equal(words->pdata[i], "-name")) {
			const char *name = words->pdata[i + 1];

			if (g_str_has_prefix(name, "guest="))
				name += strlen("guest=");
			return g_strndup(name, strcspn(name, ","));
		}
	return words->len > 0 ? g_path_get_basename(words->pdata[0]) : g_strdup("?");
}

static const char *pit_policy(const GPtrArray *words)
{
	const char *policy = NULL;

	for (guint i = 0; i < words->len; i++) {
		const char *word = words->pdata[i];

		if (i == 0 && strstr(word, "qemu") != NULL)
			policy = "reinjected";
		if (policy != NULL && (strstr(word, "kvm-pit.lost_tick_policy=discard") != NULL ||
				       g_str_equal(word, "-no-kvm-pit-reinjection")))
			policy = "not reinjected";
	}
	return policy;
}

static void count_descriptors(GDir *folder, const char *path, struct lab_vm_process *process)
{
	const char *name;

	while ((name = g_dir_read_name(folder)) != NULL) {
		g_autofree char *link = g_build_filename(path, name, NULL);
		char target[64];
		const ssize_t length = readlink(link, target, sizeof(target) - 1);

		if (length <= 0)
			continue;
		target[length] = '\0';
		process->vms += strstr(target, "kvm-vm") != NULL;
		process->vcpus += strstr(target, "kvm-vcpu") != NULL;
	}
}

GPtrArray *lab_vm_processes(unsigned int *ret_hidden)
{
	GPtrArray *found = g_ptr_array_new_with_free_func(free_process);
	GDir *proc = g_dir_open("/proc", 0, NULL);
	const char *name;

	*ret_hidden = 0;
	while (proc != NULL && (name = g_dir_read_name(proc)) != NULL) {
		g_autofree char *path = g_build_filename("/proc", name, "fd", NULL);
		struct lab_vm_process process = { .pid = atoi(name) };
		GDir *folder;

		if (process.pid <= 0)
			continue;
		folder = g_dir_open(path, 0, NULL);
		if (folder == NULL) {
			(*ret_hidden)++;
			continue;
		}
		count_descriptors(folder, path, &process);
		g_dir_close(folder);
		if (process.vms > 0) {
			g_autoptr(GPtrArray) words = command_words(process.pid);

			process.name = vm_name(words);
			process.pit = pit_policy(words);
			g_ptr_array_add(found, g_memdup2(&process, sizeof(process)));
		}
	}
	if (proc != NULL)
		g_dir_close(proc);
	return found;
}

static char *read_at(int root, const char *path)
{
	const int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t got;

	if (fd < 0)
		return NULL;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return NULL;
	text[got] = '\0';
	return g_strdup(g_strstrip(text));
}

char *lab_vm_tsc_offsets(int pid)
{
	const int root = lab_hidden_fs("debugfs", "/sys/kernel/debug", "kvm");
	g_autoptr(GString) offsets = g_string_new(NULL);

	/* the folder is PID-DESCRIPTOR; descriptors are small numbers */
	for (int fd = 0; root >= 0 && fd < 256; fd++)
		for (int vcpu = 0; vcpu < 4096; vcpu++) {
			g_autofree char *path =
				g_strdup_printf("kvm/%d-%d/vcpu%d/tsc-offset", pid, fd, vcpu);
			g_autofree char *offset = read_at(root, path);

			if (offset == NULL)
				break;
			g_string_append_printf(offsets, "%svcpu%d %s", offsets->len > 0 ? ", " : "",
					       vcpu, offset);
		}
	if (root >= 0)
		close(root);
	return offsets->len > 0 ? g_strdup(offsets->str) : NULL;
}

int lab_thread_process(int thread)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", thread);
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return thread;
	line = strstr(text, "\nTgid:");
	return line != NULL ? atoi(line + 6) : thread;
}
