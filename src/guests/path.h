/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A path: one way to reach one running guest. Each call has a deadline of its own; an
 * implementation may overrun it only where its library cannot be interrupted (libvirt), and callers
 * that must not wait put it in a thread. A path is used by one thread at a time.
 */
#ifndef KVT_GUESTS_PATH_H
#define KVT_GUESTS_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include <json-glib/json-glib.h>

/* The host's clocks; a test puts its own here. */
struct kvt_host_clock {
	int64_t (*mono_ns)(void *data); /* CLOCK_MONOTONIC_RAW */
	int64_t (*utc_ns)(void *data);  /* CLOCK_REALTIME */
	void *data;
};

extern const struct kvt_host_clock kvt_host_clock;

/* One question for the time, with the host's clocks just before and just after it. */
struct kvt_exchange {
	int64_t guest_utc_ns;
	int64_t host_utc_before_ns, host_utc_after_ns; /* inside the two below */
	int64_t host_mono_before_ns, host_mono_after_ns;
};

/* What a machine's vCPU threads have got from the host since their start, all together. */
struct kvt_vcpu_time {
	unsigned vcpus;
	int64_t run_ns;  /* on a CPU */
	int64_t wait_ns; /* ready, and kept waiting for a CPU: the guest's steal time */
};

struct kvt_path;

struct kvt_path_ops {
	const char *name; /* for people: "agent socket", "libvirt" */

	/*
	 * Get ready for a few calls; close is called after it, failed or not. A machine that stands
	 * still, where its manager can say so, is an error (PAUSED) before its agent is asked.
	 */
	bool (*open)(struct kvt_path *path, GError **error);
	void (*close)(struct kvt_path *path);

	bool (*get_time)(struct kvt_path *path, struct kvt_exchange *ret_exchange, GError **error);

	/*
	 * *@ret_sent says whether the order may have reached the guest: then it must not be given
	 * again, whatever the result. A refusal is not proof that nothing was set: read back.
	 * The host's clock plus @lead_ns is set: what the order needs to arrive.
	 */
	bool (*set_time)(struct kvt_path *path, int64_t lead_ns, bool *ret_sent, GError **error);

	/* any other agent command; NULL result = error */
	JsonNode *(*command)(struct kvt_path *path, const char *name, JsonObject *arguments,
			     GError **error);

	/* forget the RTC ticks that wait to be delivered; false with error, also where impossible
	 */
	bool (*reset_reinjection)(struct kvt_path *path, GError **error);

	void (*free)(struct kvt_path *path);

	/* of an open path; may be NULL: the way cannot tell */
	bool (*vcpu_time)(struct kvt_path *path, struct kvt_vcpu_time *ret_time, GError **error);
};

struct kvt_path {
	const struct kvt_path_ops *ops;
	const struct kvt_host_clock *clock;
	gint64 timeout_us;     /* of each call */
	gint64 set_timeout_us; /* of set_time: the agent may run hwclock, which waits for a second
				*/
	double set_share; /* of a get_time's delay that passes until a set order takes effect */
	bool shared;      /* goes through a daemon that serves few calls at a time */
	bool taints;      /* using it marks the machine as tampered with */
};

/** kvt_path_free() - NULL is taken */
void kvt_path_free(struct kvt_path *path);

/** kvt_path_stamp_before(), _after() - the host's clocks into an exchange, in the right order */
void kvt_path_stamp_before(const struct kvt_path *path, struct kvt_exchange *exchange);
void kvt_path_stamp_after(const struct kvt_path *path, struct kvt_exchange *exchange);

/**
 * kvt_path_sockets() - a plain QEMU machine: agent and QMP sockets, opened, asked and closed
 * @agent: the agent's socket, or NULL
 * @qmp:   the monitor's socket, or NULL
 */
struct kvt_path *kvt_path_sockets(const char *agent, const char *qmp);

/**
 * kvt_path_is_sockets() - which sockets such a path has
 * @ret_agent, @ret_qmp: out, borrowed from the path, NULL where it has none
 *
 * Return: false if it is a path of another kind.
 */
bool kvt_path_is_sockets(struct kvt_path *path, const char **ret_agent, const char **ret_qmp);

#endif
