/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/path.h"

#include <stdio.h>
#include <time.h>

#include "guests/agent.h"
#include "guests/reach.h"
#include "guests/wire.h"

#define SYNC_BYTES_LIMIT (1024u * 1024u) /* old answers that are skipped until ours */
#define VCPUS_LIMIT      4096
#define STAMP_TRIES      20
#define STAMP_NS_LIMIT   50000

struct sockets {
	struct kvt_path path;
	char *agent, *qmp;
	struct kvt_wire *wire; /* to the agent, between open and close */
};

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t mono_ns(void *data)
{
	(void)data;
	return read_clock(CLOCK_MONOTONIC_RAW);
}

static int64_t utc_ns(void *data)
{
	(void)data;
	return read_clock(CLOCK_REALTIME);
}

const struct kvt_host_clock kvt_host_clock = { mono_ns, utc_ns, NULL };

void kvt_path_free(struct kvt_path *path)
{
	if (path != NULL)
		path->ops->free(path);
}

/*
 * Both clocks, UTC between the two readings of the other one. A program that is taken off the CPU
 * between them would look like a host whose clock was set, so such a stamp is taken again.
 */
static int64_t stamp(const struct kvt_host_clock *clock, int64_t *ret_first_ns,
		     int64_t *ret_last_ns)
{
	int64_t now_ns;

	for (unsigned i = 0; i < STAMP_TRIES; i++) {
		*ret_first_ns = clock->mono_ns(clock->data);
		now_ns = clock->utc_ns(clock->data);
		*ret_last_ns = clock->mono_ns(clock->data);
		if (*ret_last_ns - *ret_first_ns < STAMP_NS_LIMIT)
			break;
	}
	return now_ns;
}

void kvt_path_stamp_before(const struct kvt_path *path, struct kvt_exchange *exchange)
{
	int64_t last_ns;

	exchange->host_utc_before_ns = stamp(path->clock, &exchange->host_mono_before_ns, &last_ns);
}

void kvt_path_stamp_after(const struct kvt_path *path, struct kvt_exchange *exchange)
{
	int64_t first_ns;

	exchange->host_utc_after_ns = stamp(path->clock, &first_ns, &exchange->host_mono_after_ns);
}

static struct sockets *sockets_of(struct kvt_path *path)
{
	return (struct sockets *)(void *)path;
}

/* ---- the agent ---- */

/* Answers that an earlier client did not wait for may come first: ours carries our number. */
static bool synchronise(struct sockets *s, gint64 deadline_us, GError **error)
{
	const guint32 id = g_random_int() >> 1;
	g_autofree char *request = g_strdup_printf(
		"\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%u}}\n", id);
	gsize skipped = 0;

	if (!kvt_wire_write(s->wire, request, strlen(request), deadline_us, error))
		return false;
	while (skipped < SYNC_BYTES_LIMIT) {
		gsize len;
		g_autofree char *line = kvt_wire_line(s->wire, &len, deadline_us, error);
		const char *mark = line != NULL ? memrchr(line, 0xff, len) : NULL;
		g_autoptr(JsonObject) reply = NULL;

		if (line == NULL)
			return false;
		skipped += len + 1;
		if (mark == NULL)
			continue;
		reply = kvt_agent_parse(mark + 1, len - (gsize)(mark + 1 - line), NULL);
		if (reply != NULL &&
		    json_object_get_int_member_with_default(reply, "return", -1) == id)
			return true;
	}
	kvt_reach_set(error, KVT_REACH_GARBAGE, "%s: does not speak the agent's protocol",
		      s->agent);
	return false;
}

static void sockets_close(struct kvt_path *path)
{
	struct sockets *s = sockets_of(path);

	kvt_wire_close(s->wire);
	s->wire = NULL;
}

/* one command; *@ret_line is the line that the result came in */
static JsonNode *ask(struct sockets *s, const char *request, gint64 deadline_us,
		     struct kvt_exchange *exchange, char **ret_line, gsize *ret_len, GError **error)
{
	g_autoptr(JsonObject) reply = NULL;

	kvt_path_stamp_before(&s->path, exchange);
	if (!kvt_wire_write(s->wire, request, strlen(request), deadline_us, error))
		return NULL;
	*ret_line = kvt_wire_line(s->wire, ret_len, deadline_us, error);
	kvt_path_stamp_after(&s->path, exchange);
	if (*ret_line == NULL)
		return NULL;
	reply = kvt_agent_parse(*ret_line, *ret_len, error);
	return reply != NULL ? kvt_agent_result(reply, error) : NULL;
}

static bool sockets_get_time(struct kvt_path *path, struct kvt_exchange *ret_exchange,
			     GError **error)
{
	struct kvt_exchange exchange = { 0 };
	g_autoptr(JsonNode) result = NULL;
	g_autofree char *line = NULL;
	gsize len;

	result = ask(sockets_of(path), "{\"execute\":\"guest-get-time\"}\n",
		     g_get_monotonic_time() + path->timeout_us, &exchange, &line, &len, error);
	if (result == NULL || !kvt_agent_time(result, line, len, &exchange.guest_utc_ns, error))
		return false;
	*ret_exchange = exchange;
	return true;
}

static bool sockets_set_time(struct kvt_path *path, int64_t lead_ns, bool *ret_sent, GError **error)
{
	struct sockets *s = sockets_of(path);
	const gint64 deadline_us = g_get_monotonic_time() + path->set_timeout_us;
	g_autofree char *request = NULL, *line = NULL;
	g_autoptr(JsonNode) result = NULL;
	struct kvt_exchange exchange;
	gsize len;

	request = g_strdup_printf(
		"{\"execute\":\"guest-set-time\",\"arguments\":{\"time\":%" G_GINT64_FORMAT "}}\n",
		path->clock->utc_ns(path->clock->data) + lead_ns);
	*ret_sent = true;
	result = ask(s, request, deadline_us, &exchange, &line, &len, error);
	return result != NULL;
}

static JsonNode *sockets_command(struct kvt_path *path, const char *name, JsonObject *arguments,
				 GError **error)
{
	g_autofree char *request = kvt_agent_request(name, arguments);
	g_autofree char *line = NULL;
	struct kvt_exchange exchange;
	gsize len;

	return ask(sockets_of(path), request, g_get_monotonic_time() + path->timeout_us, &exchange,
		   &line, &len, error);
}

/* ---- the monitor: opened for one command ---- */

static JsonNode *qmp_answer(struct kvt_wire *wire, gint64 deadline_us, GError **error)
{
	for (;;) {
		gsize len;
		g_autofree char *line = kvt_wire_line(wire, &len, deadline_us, error);
		g_autoptr(JsonObject) reply =
			line != NULL ? kvt_agent_parse(line, len, error) : NULL;

		if (reply == NULL)
			return NULL;
		if (!json_object_has_member(reply, "event") &&
		    !json_object_has_member(reply, "QMP"))
			return kvt_agent_result(reply, error);
	}
}

static JsonNode *qmp_command(struct sockets *s, const char *command, GError **error)
{
	const gint64 deadline_us = g_get_monotonic_time() + s->path.timeout_us;
	const char *const commands[] = { "qmp_capabilities", command };
	struct kvt_wire *wire = kvt_wire_open(s->qmp, deadline_us, error);
	JsonNode *result = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(commands) && wire != NULL; i++) {
		g_autofree char *request = kvt_agent_request(commands[i], NULL);

		g_clear_pointer(&result, json_node_unref);
		if (kvt_wire_write(wire, request, strlen(request), deadline_us, error))
			result = qmp_answer(wire, deadline_us, error);
		if (result == NULL)
			break;
	}
	kvt_wire_close(wire);
	return result;
}

static bool sockets_reset_reinjection(struct kvt_path *path, GError **error)
{
	struct sockets *s = sockets_of(path);
	g_autoptr(JsonNode) result = NULL;

	if (s->qmp == NULL) {
		kvt_reach_set(error, KVT_REACH_REFUSED, "the machine has no QMP socket");
		return false;
	}
	result = qmp_command(s, "rtc-reset-reinjection", error);
	return result != NULL;
}

static bool is_running(struct sockets *s, GError **error)
{
	g_autoptr(GError) ignored = NULL;
	g_autoptr(JsonNode) result =
		s->qmp != NULL ? qmp_command(s, "query-status", &ignored) : NULL;
	JsonObject *status;

	if (result == NULL || !JSON_NODE_HOLDS_OBJECT(result)) {
		if (!g_error_matches(ignored, KVT_REACH_ERROR, KVT_REACH_GONE))
			return true; /* a busy monitor says nothing about the machine */
		g_propagate_error(error, g_steal_pointer(&ignored));
		return false;
	}
	status = json_node_get_object(result);
	if (json_object_get_boolean_member_with_default(status, "running", TRUE))
		return true;
	kvt_reach_set(error, KVT_REACH_PAUSED, "the machine is %.40s",
		      json_object_get_string_member_with_default(status, "status", "not running"));
	return false;
}

static bool sockets_open(struct kvt_path *path, GError **error)
{
	struct sockets *s = sockets_of(path);
	gint64 deadline_us;

	if (s->agent == NULL) {
		kvt_reach_set(error, KVT_REACH_NO_AGENT, "the machine has no agent channel");
		return false;
	}
	if (!is_running(s, error))
		return false;
	deadline_us = g_get_monotonic_time() + path->timeout_us;
	s->wire = kvt_wire_open(s->agent, deadline_us, error);
	return s->wire != NULL && synchronise(s, deadline_us, error);
}

/* "run wait slices", of the thread with this number; Linux Documentation/scheduler/sched-stats.rst
 */
static bool add_thread(gint64 thread, struct kvt_vcpu_time *sum)
{
	g_autofree char *file = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/schedstat", thread);
	g_autofree char *text = NULL;
	gint64 run_ns, wait_ns;

	if (!g_file_get_contents(file, &text, NULL, NULL) ||
	    sscanf(text, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &run_ns, &wait_ns) != 2)
		return false;
	sum->vcpus++;
	sum->run_ns += run_ns;
	sum->wait_ns += wait_ns;
	return true;
}

static bool sockets_vcpu_time(struct kvt_path *path, struct kvt_vcpu_time *ret_time, GError **error)
{
	struct sockets *s = sockets_of(path);
	g_autoptr(JsonNode) result =
		s->qmp != NULL ? qmp_command(s, "query-cpus-fast", error) : NULL;
	JsonArray *cpus = result != NULL && JSON_NODE_HOLDS_ARRAY(result)
				  ? json_node_get_array(result)
				  : NULL;
	const guint n = cpus != NULL ? MIN(json_array_get_length(cpus), VCPUS_LIMIT) : 0;
	struct kvt_vcpu_time sum = { 0 };

	for (guint i = 0; i < n; i++) {
		JsonNode *cpu = json_array_get_element(cpus, i);

		if (!JSON_NODE_HOLDS_OBJECT(cpu) ||
		    !add_thread(json_object_get_int_member_with_default(json_node_get_object(cpu),
									"thread-id", 0),
				&sum))
			break;
	}
	if (n > 0 && sum.vcpus == n) {
		*ret_time = sum;
		return true;
	}
	if (error != NULL && *error == NULL)
		kvt_reach_set(error, KVT_REACH_REFUSED, "its vCPUs' threads are not to be seen");
	return false;
}

static void sockets_free(struct kvt_path *path)
{
	struct sockets *s = sockets_of(path);

	sockets_close(path);
	g_free(s->agent);
	g_free(s->qmp);
	g_free(s);
}

static const struct kvt_path_ops sockets_ops = {
	.name = "agent socket",
	.open = sockets_open,
	.close = sockets_close,
	.get_time = sockets_get_time,
	.set_time = sockets_set_time,
	.command = sockets_command,
	.reset_reinjection = sockets_reset_reinjection,
	.free = sockets_free,
	.vcpu_time = sockets_vcpu_time,
};

struct kvt_path *kvt_path_sockets(const char *agent, const char *qmp)
{
	struct sockets *s = g_new0(struct sockets, 1);

	s->path = (struct kvt_path){ .ops = &sockets_ops,
				     .clock = &kvt_host_clock,
				     .timeout_us = 2 * G_USEC_PER_SEC,
				     .set_timeout_us = 10 * G_USEC_PER_SEC,
				     .set_share = 0.5 };
	s->agent = g_strdup(agent);
	s->qmp = g_strdup(qmp);
	return &s->path;
}

bool kvt_path_is_sockets(struct kvt_path *path, const char **ret_agent, const char **ret_qmp)
{
	if (path->ops != &sockets_ops)
		return false;
	*ret_agent = sockets_of(path)->agent;
	*ret_qmp = sockets_of(path)->qmp;
	return true;
}
