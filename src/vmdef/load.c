/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdef/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/error.h"
#include "vmdef/formats.h"
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

/* The text need not end with a NUL. */
static bool begins(const char *text, gsize length, const char *word)
{
	return length >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static bool contains_line(const char *text, gsize length, const char *start)
{
	g_autofree char *line = g_strconcat("\n", start, NULL);

	return contains(text, length, line);
}

/* Assignments, then the program; or nothing but options, as bug reports quote them. */
static bool is_command_line(const char *text, gsize length)
{
	const char *end = text + length;
	gsize size;

	for (;; text += size) {
		const char *slash, *equals;

		while (text < end && (g_ascii_isspace(*text) || *text == '\\' || *text == '\0'))
			text++;
		size = 0;
		while (text + size < end && text[size] != '\0' && !g_ascii_isspace(text[size]))
			size++;
		equals = memchr(text, '=', size);
		if (size == 0 || equals == NULL || equals == text || !g_ascii_isupper(*text)) {
			slash = memrchr(text, '/', size);
			size -= slash != NULL ? (gsize)(slash + 1 - text) : 0;
			text = slash != NULL ? slash + 1 : text;
			break;
		}
	}
	return (size >= 5 && memcmp(text, "qemu-", 5) == 0) ||
	       (size == 4 && memcmp(text, "qemu", 4) == 0) ||
	       (size == 3 && memcmp(text, "kvm", 3) == 0) ||
	       (size >= 2 && text[0] == '-' && g_ascii_isalpha(text[1]));
}

/* -readconfig files have sections that no other format has */
static bool is_config(const char *text, gsize length)
{
	static const char *const sections[] = { "[rtc]",  "[global]", "[machine]", "[device",
						"[cpu",   "[accel]",  "[smp",      "[drive",
						"[name]", "[chardev" };

	if (length == 0 || *text != '[')
		return false;
	for (gsize i = 0; i < G_N_ELEMENTS(sections); i++)
		if (begins(text, length, sections[i]) || contains_line(text, length, sections[i]))
			return true;
	return false;
}

/* A line that begins with the word and, after spaces, the separator. */
static bool has_key(const char *text, gsize length, const char *key, char separator)
{
	const gsize size = strlen(key);

	for (const char *p = text; (p = memmem(p, length - (gsize)(p - text), key, size)) != NULL;
	     p++) {
		const char *after = p + size, *end = text + length;

		while (after < end && (*after == ' ' || *after == '\t'))
			after++;
		if ((p == text || p[-1] == '\n') && after < end && *after == separator)
			return true;
	}
	return false;
}

static bool has_any(const char *text, gsize length, const char *const *keys, char separator)
{
	for (; *keys != NULL; keys++)
		if (has_key(text, length, *keys, separator))
			return true;
	return false;
}

static int detect_json(const char *text, gsize length)
{
	if (contains(text, length, "\"VirtualMachine"))
		return KVT_FORMAT_KUBEVIRT;
	if (contains(text, length, "\"boot-source\"") ||
	    contains(text, length, "\"machine-config\"") ||
	    contains(text, length, "\"mem_backend\"") ||
	    contains(text, length, "\"mem_file_path\""))
		return KVT_FORMAT_FIRECRACKER;
	if (contains(text, length, "\"boot_vcpus\"") ||
	    (contains(text, length, "\"payload\"") && contains(text, length, "\"cpus\"")))
		return KVT_FORMAT_CLOUD_HYPERVISOR;
	return -1;
}

static int detect_keys(const char *text, gsize length)
{
	static const char *const proxmox[] = { "ostype", "scsihw", "vmgenid", "bootdisk",
					       "onboot", "numa",   NULL };
	static const char *const nova[] = { "os_type",
					    "hw_time_hpet",
					    "hw_qemu_guest_agent",
					    "hw_machine_type",
					    "os_distro",
					    "hw_disk_bus",
					    NULL };
	static const char *const xl[] = { "builder",    "type",           "kernel",
					  "bootloader", "disk",           "vif",
					  "tsc_mode",   "timer_mode",     "localtime",
					  "maxmem",     "on_reboot",      "viridian",
					  "vcpus",      "rtc_timeoffset", NULL };

	if (contains(text, length, "kind: VirtualMachine"))
		return KVT_FORMAT_KUBEVIRT;
	if (has_any(text, length, proxmox, ':'))
		return KVT_FORMAT_PROXMOX;
	if (has_any(text, length, nova, '='))
		return KVT_FORMAT_NOVA;
	return has_any(text, length, xl, '=') ? KVT_FORMAT_XL : -1;
}

/* "<" in UTF-16, as some shells redirect: the XML parser knows what to do. */
static bool is_wide_xml(const char *text, gsize length)
{
	return length >= 4 &&
	       (memcmp(text, "\377\376<\0", 4) == 0 || memcmp(text, "\376\377\0<", 4) == 0);
}

int kvt_vm_detect(const char *text, gsize length)
{
	const char *end = text + length, *start = skip_space(text, end);
	gsize rest = (gsize)(end - start);

	if (rest == 0)
		return -1;
	if (is_wide_xml(text, length))
		return KVT_FORMAT_LIBVIRT;
	if (*start == '<' && rest > 1 &&
	    (g_ascii_isalpha(start[1]) || start[1] == '?' || start[1] == '!'))
		return KVT_FORMAT_LIBVIRT; /* "<6>" begins a raw kernel log */
	if (*start == '{')
		return detect_json(start, rest);
	if (is_config(start, rest) || is_command_line(start, rest))
		return KVT_FORMAT_QEMU;
	return memchr(start, '\0', rest) == NULL ? detect_keys(start, rest) : -1;
}

/* Past comments and processing instructions before the first element. */
static const char *first_element(const char *text, const char *end)
{
	while (text < end) {
		const char *mark = *text != '<' ? NULL : text[1] == '?' ? "?>" : "-->";
		const char *past;

		if (g_ascii_isspace(*text)) {
			text++;
			continue;
		}
		if (mark == NULL || end - text < 4 ||
		    (text[1] != '?' && memcmp(text, "<!--", 4) != 0))
			break;
		past = memmem(text, (gsize)(end - text), mark, strlen(mark));
		text = past != NULL ? past + strlen(mark) : end;
	}
	return text;
}

/* What cannot be told, because it is broken at its begin, is taken for one. */
static bool is_domain_xml(const char *text, const char *end)
{
	static const char *const roots[] = { "clock", "domain", "domainsnapshot", "domstatus" };
	const char *element = first_element(text, end);
	const char *name = element < end ? element + 1 : end;
	gsize length = 0;

	while (name + length < end && g_ascii_isalnum(name[length]))
		length++;
	for (gsize i = 0; i < G_N_ELEMENTS(roots); i++)
		if (strlen(roots[i]) == length && memcmp(name, roots[i], length) == 0)
			return true;
	return length == 0;
}

bool kvt_vm_is_definition(const char *text, gsize length)
{
	const char *end = text + length, *start = skip_space(text, end);

	switch (kvt_vm_detect(text, length)) {
	case -1:
		return false;
	case KVT_FORMAT_LIBVIRT:
		return is_domain_xml(start, end);
	case KVT_FORMAT_PROXMOX:
		return !has_key(text, length, "rootfs", ':'); /* a container's */
	case KVT_FORMAT_XL:
		return has_key(text, length, "name", '=');
	default:
		return true;
	}
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
		format = kvt_vm_detect(text, length);
	switch (format) {
	case KVT_FORMAT_LIBVIRT:
		return parse_libvirt(text, length, file, error);
	case KVT_FORMAT_QEMU:
		return parse_qemu(text, length, file, error);
	case KVT_FORMAT_XL:
		return kvt_xl_read(text, length, file, error);
	case KVT_FORMAT_PROXMOX:
		return kvt_proxmox_read(text, length, file, error);
	case KVT_FORMAT_KUBEVIRT:
		return kvt_kubevirt_read(text, length, file, error);
	case KVT_FORMAT_NOVA:
		return kvt_nova_read(text, length, file, error);
	case KVT_FORMAT_FIRECRACKER:
		return kvt_firecracker_read(text, length, file, error);
	case KVT_FORMAT_CLOUD_HYPERVISOR:
		return kvt_cloud_hypervisor_read(text, length, file, error);
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

bool kvt_vm_file_is_definition(const char *path)
{
	g_autoptr(GError) error = NULL;
	gsize length;
	g_autofree char *text = kvt_vm_read_file(path, &length, &error);

	if (text == NULL)
		return g_error_matches(error, KVT_ERROR, KVT_STATUS_REFUSED);
	return kvt_vm_is_definition(text, length);
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
