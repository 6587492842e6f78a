/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <kvmtime/scale.h>
#include <kvmtime/tsc.h>

/* ---- live ---- */

/*
 * Is there memory behind an address? The kernel copies from it into a pipe, and answers EFAULT
 * where our own load would get SIGBUS or SIGSEGV. So no signal handler is ever installed, which
 * in a program with other threads could not be done safely. The copy also faults the page in; a
 * page of [vvar] or of a device, once there, stays for as long as the mapping.
 */
static bool readable(uint64_t address, gsize size)
{
	const void *memory = (const void *)(uintptr_t)address;
	guint8 sink[4096];
	int ends[2];
	bool good = true;

	if ((uintptr_t)memory != address || size > UINTPTR_MAX - address ||
	    pipe2(ends, O_CLOEXEC) < 0)
		return false;
	for (gsize at = 0; at < size && good; at += sizeof(sink)) {
		const gsize part = MIN(size - at, sizeof(sink));

		good = write(ends[1], (const char *)memory + at, part) == (ssize_t)part &&
		       read(ends[0], sink, part) == (ssize_t)part;
	}
	close(ends[0]);
	close(ends[1]);
	return good;
}

static const volatile void *live_memory(void *context, uint64_t address, gsize size)
{
	(void)context;
	return readable(address, size) ? (const volatile void *)(uintptr_t)address : NULL;
}

static uint64_t live_tsc(void *context)
{
	(void)context;
#ifdef KVT_HAVE_TSC
	return kvt_tsc_ordered();
#else
	return 0;
#endif
}

static void live_cpuid(void *context, uint32_t leaf, uint32_t ret[4])
{
	(void)context;
	memset(ret, 0, 4 * sizeof(ret[0]));
#ifdef KVT_HAVE_TSC
	__cpuid(leaf, ret[0], ret[1], ret[2], ret[3]);
#else
	(void)leaf;
#endif
}

static int live_clock(void *context, clockid_t clock, int64_t *ret_ns)
{
	struct timespec now;

	(void)context;
	if (clock_gettime(clock, &now) < 0)
		return -errno;
	*ret_ns = (int64_t)now.tv_sec * KVT_NS_PER_S + now.tv_nsec;
	return 0;
}

static int live_open(void *context, const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC | O_NOCTTY);

	(void)context;
	return fd < 0 ? -errno : fd;
}

static int live_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	const int r = ioctl(fd, request, argument);

	(void)context;
	return r < 0 ? -errno : r;
}

static gssize live_read(void *context, int fd, void *bytes, gsize size)
{
	const ssize_t got = read(fd, bytes, size);

	(void)context;
	return got < 0 ? -errno : got;
}

static void live_close(void *context, int fd)
{
	(void)context;
	close(fd);
}

static const volatile void *live_map(void *context, int fd, gsize size)
{
	void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	(void)context;
	if (memory == MAP_FAILED)
		return NULL;
	if (readable((uintptr_t)memory, size))
		return memory;
	munmap(memory, size);
	return NULL;
}

static void live_unmap(void *context, const volatile void *memory, gsize size)
{
	(void)context;
	munmap((void *)(uintptr_t)memory, size);
}

const struct kvt_calls kvt_calls_live = {
	.memory = live_memory,
	.tsc = live_tsc,
	.cpuid = live_cpuid,
	.clock = live_clock,
	.open = live_open,
	.ioctl = live_ioctl,
	.read = live_read,
	.close = live_close,
	.map = live_map,
	.unmap = live_unmap,
};

/* ---- none ---- */

static const volatile void *none_memory(void *context, uint64_t address, gsize size)
{
	(void)context, (void)address, (void)size;
	return NULL;
}

static uint64_t none_tsc(void *context)
{
	(void)context;
	return 0;
}

static void none_cpuid(void *context, uint32_t leaf, uint32_t ret[4])
{
	(void)context, (void)leaf;
	memset(ret, 0, 4 * sizeof(ret[0]));
}

static int none_clock(void *context, clockid_t clock, int64_t *ret_ns)
{
	(void)context, (void)clock, (void)ret_ns;
	return -ENODEV;
}

static int none_open(void *context, const char *path, int flags)
{
	(void)context, (void)path, (void)flags;
	return -ENODEV;
}

static int none_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	(void)context, (void)fd, (void)request, (void)argument;
	return -ENODEV;
}

static gssize none_read(void *context, int fd, void *bytes, gsize size)
{
	(void)context, (void)fd, (void)bytes, (void)size;
	return -ENODEV;
}

static void none_close(void *context, int fd)
{
	(void)context, (void)fd;
}

static const volatile void *none_map(void *context, int fd, gsize size)
{
	(void)context, (void)fd, (void)size;
	return NULL;
}

static void none_unmap(void *context, const volatile void *memory, gsize size)
{
	(void)context, (void)memory, (void)size;
}

const struct kvt_calls kvt_calls_none = {
	.memory = none_memory,
	.tsc = none_tsc,
	.cpuid = none_cpuid,
	.clock = none_clock,
	.open = none_open,
	.ioctl = none_ioctl,
	.read = none_read,
	.close = none_close,
	.map = none_map,
	.unmap = none_unmap,
};
