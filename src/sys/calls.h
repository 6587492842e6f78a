/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls through which a reader of time touches the running machine: what a file below a
 * struct kvt_root cannot say. A test or a recorded machine brings its own set.
 */
#ifndef KVT_SYS_CALLS_H
#define KVT_SYS_CALLS_H

#include <stdint.h>
#include <time.h>

#include <glib.h>

/*
 * Each takes @context first. An int is 0 or more for success, -errno for failure.
 * All may be called from any thread.
 */
struct kvt_calls {
	void *context;
	/* memory at an address of this process, checked to be readable; valid as long as the
	 * mapping is; NULL if reading it would end in a signal */
	const volatile void *(*memory)(void *context, uint64_t address, gsize size);
	/* the counter, ordered after earlier loads; 0 = this machine has none that we may read */
	uint64_t (*tsc)(void *context);
	/* CPUID, subleaf 0: EAX, EBX, ECX, EDX; all 0 where there is no such instruction */
	void (*cpuid)(void *context, uint32_t leaf, uint32_t ret[4]);
	int (*clock)(void *context, clockid_t clock, int64_t *ret_ns);
	int (*open)(void *context, const char *path, int flags); /* a file descriptor */
	int (*ioctl)(void *context, int fd, unsigned long request, void *argument);
	gssize (*read)(void *context, int fd, void *bytes, gsize size);
	void (*close)(void *context, int fd);
	/* map a device's memory for reading; NULL if it cannot be mapped, or not read there */
	const volatile void *(*map)(void *context, int fd, gsize size);
	void (*unmap)(void *context, const volatile void *memory, gsize size);
};

/** kvt_calls_live - the machine that the program runs on */
extern const struct kvt_calls kvt_calls_live;

/** kvt_calls_none - no running machine: every call fails with -ENODEV, CPUID and the TSC with 0 */
extern const struct kvt_calls kvt_calls_none;

#endif
