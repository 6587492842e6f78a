/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU command lines: shell lines, argv files, /proc/PID/cmdline, -readconfig files; the options
 * that came and went; and what a command line really does in a given QEMU version.
 * Source: QEMU docs/about/removed-features.rst and deprecated.rst, qemu-options.hx, hw/rtc,
 * hw/i386.
 */
#ifndef KVT_VMDEF_QEMU_H
#define KVT_VMDEF_QEMU_H

#include "vmdef/model.h"

#define KVT_QEMU_LIMIT (1024u * 1024u) /* bytes of a command line */

/* A QEMU release as major * 100 + minor; 7.2 is 702. */
#define KVT_QEMU(major, minor) ((major)*100 + (minor))
#define KVT_QEMU_NEWEST        KVT_QEMU(10, 2) /* the newest whose sources were read */

/** kvt_qemu_parse_version() - "2.5", "7.2.22" -> 205, 702; -1 if it is none */
int kvt_qemu_parse_version(const char *text);

/**
 * kvt_qemu_installed() - the installed qemu-system-x86_64's release, by asking it once
 *
 * $KVT_QEMU, a release, stands in for it.
 *
 * Return: as KVT_QEMU(), or -1 if there is none.
 */
int kvt_qemu_installed(void);

/* A CPU property that matters to time. In the order in which libvirt prints them, ends with NULL.
 */
struct kvt_qemu_flag {
	const char *name; /* with "-"; QEMU takes "_" for it */
	enum kvt_vm_field field;
};
extern const struct kvt_qemu_flag kvt_qemu_flags[];

/* One option that came or went. */
struct kvt_qemu_option {
	const char *name;
	bool has_value;
	int deprecated; /* 0 = never said */
	int removed;    /* 0 = still there */
	const char *meant;
	const char *instead;
};

/** kvt_qemu_option_find() - the row of an option without its dashes, or NULL */
const struct kvt_qemu_option *kvt_qemu_option_find(const char *name);

/** kvt_qemu_options() - the table; ends with name = NULL */
const struct kvt_qemu_option *kvt_qemu_options(void);

/**
 * kvt_qemu_split() - split a command line as a shell would, or at its NULs if it has any
 * @ret_lines: out, GArray of int: the line of each word
 * @error:     out; KVT_STATUS_BAD_INPUT: too long, or an unterminated quote with its line
 *
 * No expansion: a "$" stays as it is; an operator (|, ;, &, >) ends the command line.
 *
 * Return: owned array of owned words, or NULL.
 */
GPtrArray *kvt_qemu_split(const char *text, gsize length, const char *file, GArray **ret_lines,
			  GError **error);

/**
 * kvt_qemu_read() - read a command line
 *
 * Return: owned, or NULL with KVT_STATUS_BAD_INPUT.
 */
struct kvt_vm *kvt_qemu_read(const char *text, gsize length, const char *file, GError **error);

/** kvt_qemu_read_words() - add what a NULL-terminated list of arguments says to @vm */
void kvt_qemu_read_words(struct kvt_vm *vm, const char *const *words, int line);

/**
 * kvt_qemu_read_value() - add what "-OPTION TEXT" says to @vm
 * @option: without its dash
 *
 * Return: false, with nothing said, if the option does not matter to time.
 */
bool kvt_qemu_read_value(struct kvt_vm *vm, const char *option, const char *text, int line);

/** kvt_qemu_read_pair() - the same of one KEY=VALUE of an option; @value may be NULL */
bool kvt_qemu_read_pair(struct kvt_vm *vm, const char *option, const char *key, const char *value,
			int line);

/** kvt_qemu_read_property() - the same of -global DRIVER.PROPERTY=VALUE */
void kvt_qemu_read_property(struct kvt_vm *vm, const char *driver, const char *property,
			    const char *value, int line);

/** kvt_qemu_read_config() - read a -readconfig file; as kvt_qemu_read() */
struct kvt_vm *kvt_qemu_read_config(const char *text, gsize length, const char *file,
				    GError **error);

/* What a command line is made for. */
struct kvt_qemu_target {
	int version;          /* KVT_QEMU() */
	int64_t now_s;        /* UTC, for an RTC that starts at a distance from now */
	int64_t utc_offset_s; /* of the host's zone, positive east */
};

/**
 * kvt_qemu_write() - the arguments that say what the model says about time
 *
 * Return: owned array of owned words (not NULL-terminated). The first may be TZ=ZONE, then the
 * program.
 */
GPtrArray *kvt_qemu_write(const struct kvt_vm *vm, const struct kvt_qemu_target *target);

/** kvt_qemu_join() - words as one shell line; owned */
char *kvt_qemu_join(const GPtrArray *words);

#endif
