/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/error.h"
#include "vmdef/libvirt.h"

static const char *skip_space(const char *text, const char *end)
{
	if (end - text >= 3 && memcmp(text, "\357\273\277", 3) == 0)
		text += 3; /* byte order mark */
	while (text < end && (g_ascii_isspace(*text) || *text == '#')) {
		bool comment = *text == '#';

		while (comment && text < end && *text != '\n')
			text++;
		text += text < end;
	}
	return text;
}

static bool contains(const char *text, gsize length, const char *word)
{
	return text != NULL && memmem(text, length, word, strlen(word)) != NULL;
}

/* A command line names the program, or is nothing but options. */
static bool is_command_line(const char *text, gsize length)
{
	gsize head = MIN(length, 4096);

	return contains(text, head, "qemu-system-") || contains(text, head, "qemu-kvm") ||
	       contains(text, head, "/kvm ") || strncmp(text, "kvm ", 4) == 0 ||
	       (text[0] == '-' && g_ascii_isalpha(text[1])) || strncmp(text, "qemu ", 5) == 0;
}

/* -readconfig files have sections that no other format has */
static bool is_config(const char *text, gsize length)
{
	static const char *const sections[] = { "[rtc]",  "[global]", "[machine]", "[device",
						"[cpu",   "[accel]",  "[smp",      "[drive",
						"[name]", "[chardev" };

	for (gsize i = 0; i < G_N_ELEMENTS(sections) && *text == '['; i++)
		if (contains(text, length, sections[i]))
			return true;
	return false;
}

int kvt_vm_detect(const char *text, gsize length, const char *file)
{
	const char *end = text + length, *start = skip_space(text, end);
	gsize rest = (gsize)(end - start);

	(void)file;
	if (rest == 0)
		return -1;
	if (*start == '<')
		return KVT_FORMAT_LIBVIRT;
	if (is_config(start, rest) || is_command_line(start, rest))
		return KVT_FORMAT_QEMU;
	return -1;
}

static struct kvt_vm *parse_qemu(const char *text, gsize length, const char *file, GError **error)
{
	const char *start = skip_space(text, text + length);

	if (is_config(start, (gsize)(text + length - start)))
		return kvt_qemu_read_config(text, length, file, error);
	return kvt_qemu_read(text, length, file, error);
}

static struct kvt_vm *parse_libvirt(const char *text, gsize length, const char *file,
				    GError **error)
{
	struct kvt_vm *vm = kvt_libvirt_read(text, length, file, error);

	if (vm != NULL)
		kvt_libvirt_judge(vm);
	return vm;
}

struct kvt_vm *kvt_vm_parse(int format, const char *text, gsize length, const char *file,
			    GError **error)
{
	if (format < 0)
		format = kvt_vm_detect(text, length, file);
	switch (format) {
	case KVT_FORMAT_LIBVIRT:
		return parse_libvirt(text, length, file, error);
	case KVT_FORMAT_QEMU:
		return parse_qemu(text, length, file, error);
	default:
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: not a definition of a VM in a format that is known", file);
		return NULL;
	}
}

static char *read_all(int fd, const char *path, gsize *ret_length, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint8 buffer[65536];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			kvt_error_errno(error, path, errno);
			return NULL;
		}
		g_byte_array_append(bytes, buffer, (guint)got);
		if (bytes->len > KVT_VM_LIMIT) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "%s: longer than %u MiB: not a definition", path,
				    KVT_VM_LIMIT / 1048576);
			return NULL;
		}
	}
	*ret_length = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}

char *kvt_vm_read_file(const char *path, gsize *ret_length, GError **error)
{
	int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *bytes;

	if (fd < 0) {
		kvt_error_errno(error, path, errno);
		return NULL;
	}
	bytes = read_all(fd, path, ret_length, error);
	if (fd > 0)
		close(fd);
	return bytes;
}

struct kvt_vm *kvt_vm_load(int format, const char *path, GError **error)
{
	gsize length;
	g_autofree char *text = kvt_vm_read_file(path, &length, error);

	if (text == NULL)
		return NULL;
	return kvt_vm_parse(format, text, length, strcmp(path, "-") == 0 ? "standard input" : path,
			    error);
}
