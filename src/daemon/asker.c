/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/asker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guests/agent.h"
#include "guests/wire.h"

#define SKIP_LIMIT      (1024u * 1024u) /* old answers that are passed over until ours */
#define BUFFER_BYTES    4096u
#define MONITOR_WAIT_US (G_USEC_PER_SEC / 2)
#define BATCH           64

enum phase { MONITOR, AGENT, MONITOR_AFTER };

struct ask {
	struct kvt_asker *asker;
	struct kvt_question question;
	enum phase phase;
	int fd;
	int failed; /* errno of a beginning that failed; told with the next turn of the loop */
	guint32 id;
	bool queued, synchronised;
	gsize skipped, len;
	struct kvt_exchange exchange;
	gint64 deadline_us;
	GList link; /* in asker->asks, by deadline */
	char bytes[BUFFER_BYTES];
};

struct kvt_asker {
	GSource source; /* first: GLib allocates it */
	const struct kvt_host_clock *clock;
	int epoll;
	gpointer tag;
	GQueue asks; /* by deadline */
};

/* ---- ends ---- */

static void unplace(struct ask *a)
{
	if (a->queued)
		g_queue_unlink(&a->asker->asks, &a->link);
	a->queued = false;
}

static void ask_free(struct ask *a)
{
	if (a->fd >= 0)
		close(a->fd);
	unplace(a);
	g_free(a);
}

static void finish(struct ask *a, enum kvt_reach reach, const char *words)
{
	const struct kvt_question question = a->question;
	struct kvt_guard_result result = { .reach = reach, .path = "agent socket" };

	result.words = g_strdup(words);
	if (reach == KVT_REACH_OK && !kvt_offset_filter(&a->exchange, 1, 0, &result.before)) {
		result.reach = KVT_REACH_GARBAGE;
		result.words = g_strdup("the host's clock was set while it was asked");
	}
	ask_free(a);
	question.done(&result, question.data);
	g_free(result.words);
}

static void finish_errno(struct ask *a, int number)
{
	finish(a,
	       number == EACCES || number == EPERM ? KVT_REACH_DENIED
	       : number == EAGAIN                  ? KVT_REACH_BUSY
						   : KVT_REACH_GONE,
	       g_strerror(number));
}

/* ---- phases ---- */

static void place(struct ask *a, gint64 deadline_us)
{
	GList *before;

	unplace(a);
	before = a->asker->asks.tail;
	a->queued = true;
	a->deadline_us = deadline_us;
	while (before != NULL && ((struct ask *)before->data)->deadline_us > deadline_us)
		before = before->prev;
	if (before == NULL)
		g_queue_push_head_link(&a->asker->asks, &a->link);
	else
		g_queue_insert_after_link(&a->asker->asks, before, &a->link);
	g_source_set_ready_time(&a->asker->source,
				((struct ask *)a->asker->asks.head->data)->deadline_us);
}

static int say(struct ask *a, const char *text, gsize len)
{
	const gssize sent = send(a->fd, text, len, MSG_NOSIGNAL);

	return sent == (gssize)len ? 0 : sent < 0 ? errno : EAGAIN;
}

static int say_all(struct ask *a)
{
	static const char monitor[] = "{\"execute\":\"qmp_capabilities\"}\n"
				      "{\"execute\":\"query-status\"}\n";
	char text[128];
	int len;

	if (a->phase != AGENT)
		return say(a, monitor, sizeof(monitor) - 1);
	a->id = g_random_int() >> 1;
	len = g_snprintf(text, sizeof(text),
			 "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%u}}\n"
			 "{\"execute\":\"guest-get-time\"}\n",
			 a->id);
	a->exchange.host_mono_before_ns = a->asker->clock->mono_ns(a->asker->clock->data);
	a->exchange.host_utc_before_ns = a->asker->clock->utc_ns(a->asker->clock->data);
	return say(a, text, (gsize)len);
}

/* Connects and asks; 0, or errno. */
static int speak(struct ask *a)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = a };

	if (a->fd >= 0)
		close(a->fd);
	a->fd = kvt_wire_connect(a->phase == AGENT ? a->question.agent : a->question.qmp);
	if (a->fd < 0)
		return errno;
	if (epoll_ctl(a->asker->epoll, EPOLL_CTL_ADD, a->fd, &event) < 0)
		return errno;
	return say_all(a);
}

static void begin(struct ask *a, enum phase phase)
{
	gint64 wait_us = a->question.timeout_us;

	a->phase = phase;
	a->len = a->skipped = 0;
	a->synchronised = false;
	a->failed = speak(a);
	if (phase != AGENT)
		wait_us = MIN(wait_us, MONITOR_WAIT_US);
	place(a, a->failed != 0 ? 0 : g_get_monotonic_time() + wait_us);
}

void kvt_asker_ask(struct kvt_asker *asker, const struct kvt_question *question)
{
	struct ask *a = g_new(struct ask, 1);

	memset(a, 0, offsetof(struct ask, bytes));
	a->asker = asker;
	a->question = *question;
	a->fd = -1;
	a->link.data = a;
	begin(a, question->monitor_first && question->qmp != NULL ? MONITOR : AGENT);
}

/* No answer, or no connection. */
static void out_of_time(struct ask *a)
{
	if (a->phase == MONITOR && a->failed != ECONNREFUSED && a->failed != ENOENT)
		begin(a, AGENT); /* a busy monitor says nothing about the machine */
	else if (a->phase != MONITOR_AFTER && a->failed != 0)
		finish_errno(a, a->failed);
	else if (a->phase == AGENT && a->question.qmp != NULL)
		begin(a, MONITOR_AFTER);
	else
		finish(a, KVT_REACH_HUNG, "the agent does not answer");
}

/* ---- answers ---- */

/* {"return": N}, as every agent writes it: worth not building an object for */
static bool plain_number(const char *line, gsize len, guint64 *ret_number)
{
	static const char start[] = "{\"return\": ";
	const gsize skip = sizeof(start) - 1;
	guint64 number = 0;

	if (len < skip + 2 || len > skip + 20 || memcmp(line, start, skip) != 0 ||
	    line[len - 1] != '}')
		return false;
	for (gsize i = skip; i < len - 1; i++) {
		if (!g_ascii_isdigit(line[i]) || number > (guint64)INT64_MAX / 10 - 1)
			return false;
		number = number * 10 + (guint64)(line[i] - '0');
	}
	*ret_number = number;
	return true;
}

static bool is_ours(const char *line, gsize len, guint32 id)
{
	const char *mark = memrchr(line, 0xff, len);
	g_autoptr(JsonObject) reply = NULL;
	guint64 number;

	if (mark == NULL)
		return false;
	mark++;
	len -= (gsize)(mark - line);
	if (plain_number(mark, len, &number))
		return number == id;
	reply = kvt_agent_parse(mark, len, NULL);
	return reply != NULL && json_object_get_int_member_with_default(reply, "return", -1) == id;
}

static bool read_time(const char *line, gsize len, int64_t *ret_guest_utc_ns, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(JsonObject) reply = NULL;
	g_autoptr(JsonNode) result = NULL;
	guint64 number;

	if (plain_number(line, len, &number)) {
		*ret_guest_utc_ns = (int64_t)number;
		return true;
	}
	text = g_strndup(line, len); /* a NUL after it */
	reply = kvt_agent_parse(text, len, error);
	result = reply != NULL ? kvt_agent_result(reply, error) : NULL;
	return result != NULL && kvt_agent_time(result, text, len, ret_guest_utc_ns, error);
}

bool kvt_asker_parse(guint32 id, const char *bytes, gsize len, gsize *ret_used, bool *synchronised,
		     int64_t *ret_guest_utc_ns, GError **error)
{
	gsize at = 0;

	for (;;) {
		const char *end = memchr(bytes + at, '\n', len - at);
		const char *line = bytes + at;

		*ret_used = at;
		if (end == NULL)
			return false;
		at = (gsize)(end - bytes) + 1;
		if (*synchronised)
			return read_time(line, (gsize)(end - line), ret_guest_utc_ns, error);
		*synchronised = is_ours(line, (gsize)(end - line), id);
	}
}

static void take_agent(struct ask *a)
{
	g_autoptr(GError) error = NULL;
	gsize used;

	if (kvt_asker_parse(a->id, a->bytes, a->len, &used, &a->synchronised,
			    &a->exchange.guest_utc_ns, &error)) {
		finish(a, KVT_REACH_OK, NULL);
		return;
	}
	if (error != NULL) {
		finish(a, kvt_reach_of(error), error->message);
		return;
	}
	if (used == 0 && a->len == BUFFER_BYTES && !a->synchronised)
		used = a->len - 1; /* a long line of somebody else's: its end is enough */
	a->len -= used;
	a->skipped += used;
	memmove(a->bytes, a->bytes + used, a->len);
	if (a->len == BUFFER_BYTES || a->skipped > SKIP_LIMIT)
		finish(a, KVT_REACH_GARBAGE, "it does not speak the agent's protocol");
}

/* the line that answers query-status: 1 it runs, 0 it stands still, -1 another line */
static int read_status(const char *line, gsize len, char *ret_word, gsize size)
{
	g_autoptr(JsonObject) reply = kvt_agent_parse(line, len, NULL);
	JsonNode *result = reply != NULL ? json_object_get_member(reply, "return") : NULL;
	JsonObject *status = result != NULL && JSON_NODE_HOLDS_OBJECT(result)
				     ? json_node_get_object(result)
				     : NULL;

	if (status == NULL || !json_object_has_member(status, "running"))
		return -1;
	g_strlcpy(ret_word,
		  json_object_get_string_member_with_default(status, "status", "not running"),
		  size);
	return json_object_get_boolean_member_with_default(status, "running", TRUE) ? 1 : 0;
}

static void take_status(struct ask *a, int running, const char *word)
{
	g_autofree char *words = g_strdup_printf("the machine is %s", word);

	if (running == 0)
		finish(a, KVT_REACH_PAUSED, words);
	else if (a->phase == MONITOR)
		begin(a, AGENT);
	else
		finish(a, KVT_REACH_HUNG, "the agent does not answer");
}

static void take_monitor(struct ask *a)
{
	gsize at = 0;
	char *end;

	while ((end = memchr(a->bytes + at, '\n', a->len - at)) != NULL) {
		char word[40];
		int running;

		*end = '\0';
		running = read_status(a->bytes + at, (gsize)(end - a->bytes) - at, word,
				      sizeof(word));
		if (running >= 0) {
			take_status(a, running, word);
			return;
		}
		at = (gsize)(end - a->bytes) + 1;
	}
	a->len -= at;
	memmove(a->bytes, a->bytes + at, a->len);
	if (a->len == BUFFER_BYTES)
		out_of_time(a); /* not a monitor */
}

static void readable(struct ask *a)
{
	const gssize got = recv(a->fd, a->bytes + a->len, BUFFER_BYTES - a->len, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (a->phase == AGENT) {
		a->exchange.host_utc_after_ns = a->asker->clock->utc_ns(a->asker->clock->data);
		a->exchange.host_mono_after_ns = a->asker->clock->mono_ns(a->asker->clock->data);
	}
	if (got <= 0 && a->phase == AGENT)
		finish(a, KVT_REACH_GONE,
		       got == 0 ? "it closed the connection" : g_strerror(errno));
	else if (got <= 0)
		out_of_time(a);
	else {
		a->len += (gsize)got;
		if (a->phase == AGENT)
			take_agent(a);
		else
			take_monitor(a);
	}
}

/* ---- the source ---- */

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	struct kvt_asker *asker = (struct kvt_asker *)source;
	struct epoll_event events[BATCH];
	const int n = epoll_wait(asker->epoll, events, BATCH, 0);
	const gint64 now_us = g_get_monotonic_time();
	struct ask *first;

	(void)callback;
	(void)data;
	/* each event is another ask's, and what one leads to frees no other */
	for (int i = 0; i < n; i++)
		readable(events[i].data.ptr);
	while (!g_queue_is_empty(&asker->asks) &&
	       (first = asker->asks.head->data)->deadline_us <= now_us)
		out_of_time(first);
	g_source_set_ready_time(source,
				g_queue_is_empty(&asker->asks)
					? -1
					: ((struct ask *)asker->asks.head->data)->deadline_us);
	return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source)
{
	struct kvt_asker *asker = (struct kvt_asker *)source;

	while (!g_queue_is_empty(&asker->asks))
		ask_free(asker->asks.head->data);
	close(asker->epoll);
}

static GSourceFuncs funcs = { .dispatch = dispatch, .finalize = finalize };

struct kvt_asker *kvt_asker_new(const struct kvt_host_clock *clock)
{
	GSource *source = g_source_new(&funcs, sizeof(struct kvt_asker));
	struct kvt_asker *asker = (struct kvt_asker *)source;

	asker->clock = clock;
	asker->epoll = epoll_create1(EPOLL_CLOEXEC);
	g_queue_init(&asker->asks);
	asker->tag = g_source_add_unix_fd(source, asker->epoll, G_IO_IN);
	g_source_attach(source, NULL);
	return asker;
}

void kvt_asker_free(struct kvt_asker *asker)
{
	if (asker == NULL)
		return;
	g_source_destroy(&asker->source);
	g_source_unref(&asker->source);
}
