/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvmtimed's configuration: one key file, read strictly. An unknown section or key, a number out of
 * its range and a word that is none of the allowed ones are errors that name the file, the section,
 * the key and the reason; a file with an error changes nothing.
 *
 *   [guard]        how guests are kept right; see conf.c for keys, ranges and defaults
 *   [guest NAME]   the same keys policy and limit for one guest
 *   [find]         where guests are looked for
 *   [socket NAME]  a guest whose agent (and QMP) socket is named outright
 *   [metrics]      what is told, and where
 */
#ifndef KVT_DAEMON_CONF_H
#define KVT_DAEMON_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum kvt_guard_policy {
	KVT_POLICY_FORWARD, /* a clock that is behind is stepped; one that is ahead is left alone */
	KVT_POLICY_STEP,    /* step either way */
	KVT_POLICY_WATCH    /* measure only */
};

enum kvt_per_guest { KVT_PER_GUEST_ALL, KVT_PER_GUEST_BAD, KVT_PER_GUEST_NONE };

struct kvt_guard_options {
	int64_t interval_ns;    /* between two checks of a guest */
	int64_t limit_ns;       /* an offset below this is left alone */
	int64_t hold_off_ns;    /* after a set, before the next one without a new event */
	int64_t give_up_for_ns; /* how long a guest that does not hold is left alone */
	int64_t timeout_ns;     /* of an agent's answer */
	int64_t eager_ns; /* how long after an event a silent agent is asked again and again */
	unsigned give_up_after; /* sets that did not hold */
	unsigned parallel;      /* corrections, and checks through a daemon, at a time */
	unsigned exchanges;     /* questions of a correction's measurement */
	enum kvt_guard_policy policy;
};

/* [guest NAME]; what is not said there is as in [guard] */
struct kvt_guest_options {
	bool has_policy, has_limit;
	enum kvt_guard_policy policy;
	int64_t limit_ns;
};

/* [socket NAME] */
struct kvt_socket_options {
	char *name, *agent, *qmp; /* qmp may be NULL */
};

struct kvt_daemon_config {
	struct kvt_guard_options guard;
	GHashTable *guests; /* name -> struct kvt_guest_options */
	GPtrArray *sockets; /* struct kvt_socket_options */
	char *libvirt;      /* URI; "" = libvirt's default; NULL = not asked */
	bool libvirt_named; /* then its absence is worth a word each time, not once */
	bool qemu, proxmox; /* look for machines without libvirt */
	int64_t rescan_ns;
	char *listen;      /* "127.0.0.1:9977"; NULL = no TCP */
	bool listen_named; /* it was asked for, not the default */
	char *socket;      /* path of a listening UNIX socket, or NULL */
	unsigned socket_mode;
	enum kvt_per_guest per_guest;
	bool findings;
	int64_t findings_ns; /* between two readings of the host's facts */
};

/** kvt_config_new() - every default */
struct kvt_daemon_config *kvt_config_new(void);

/** kvt_config_free() - NULL is taken */
void kvt_config_free(struct kvt_daemon_config *config);

/**
 * kvt_config_parse() - a configuration's text
 * @name: of the file, for messages
 * @error: KVT_STATUS_BAD_INPUT
 *
 * Return: owned, or NULL.
 */
struct kvt_daemon_config *kvt_config_parse(const char *name, const char *text, gsize len,
					   GError **error);

/**
 * kvt_config_load() - a configuration file
 * @must_exist: false: a file that is not there is every default
 * @error: as kvt_config_parse(), and KVT_STATUS_REFUSED
 */
struct kvt_daemon_config *kvt_config_load(const char *path, bool must_exist, GError **error);

/** kvt_config_guest() - the options of one guest, its own section in force */
void kvt_config_guest(const struct kvt_daemon_config *config, const char *name,
		      enum kvt_guard_policy *ret_policy, int64_t *ret_limit_ns);

#endif
