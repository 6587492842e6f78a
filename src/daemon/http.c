/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/error.h"

#define CONNECTIONS     16
#define CONNECTION_US   (15 * G_USEC_PER_SEC) /* from accept to the last byte */
#define IDLE_S          5
#define CONNECTION_HEAP 16384                /* of a request: more is refused */
#define FRESH_US        (G_USEC_PER_SEC / 4) /* one text serves all who ask within this time */

struct kvt_http {
	struct MHD_Daemon *tcp, *local;
	char *socket;
	GString *(*render)(void *data);
	void *data;
	GMutex lock;
	GHashTable *since;             /* descriptor -> when it was accepted, owned gint64 */
	struct MHD_Response *response; /* the last one */
	gint64 rendered_us;
};

static void free_text(void *text)
{
	g_free(text);
}

/* the text of now, or of a moment ago; queued by the caller, owned by us; with the lock held */
static struct MHD_Response *fresh(struct kvt_http *http)
{
	const gint64 now_us = g_get_monotonic_time();
	GString *text;
	gsize len;

	if (http->response != NULL && now_us - http->rendered_us < FRESH_US)
		return http->response;
	text = http->render(http->data);
	len = text->len;
	if (http->response != NULL)
		MHD_destroy_response(http->response);
	http->response = MHD_create_response_from_buffer_with_free_callback(
		len, g_string_free(text, FALSE), free_text);
	MHD_add_response_header(http->response, MHD_HTTP_HEADER_CONTENT_TYPE,
				"text/plain; version=0.0.4; charset=utf-8");
	MHD_add_response_header(http->response, MHD_HTTP_HEADER_CONNECTION, "close");
	http->rendered_us = g_get_monotonic_time();
	return http->response;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(guintptr)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **state)
{
	struct kvt_http *http = data;
	enum MHD_Result result;

	(void)version;
	(void)upload;
	(void)state;
	if (*upload_len != 0) /* nothing that anybody sends is wanted */
		return MHD_NO;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, "/") == 0)
		return say(connection, MHD_HTTP_OK, "kvmtimed; see /metrics\n");
	if (strcmp(url, "/metrics") != 0)
		return say(connection, MHD_HTTP_NOT_FOUND, "there is /metrics\n");
	g_mutex_lock(&http->lock);
	result = MHD_queue_response(connection, MHD_HTTP_OK, fresh(http));
	g_mutex_unlock(&http->lock);
	return result;
}

/* ---- connections end ---- */

static void connection_news(void *data, struct MHD_Connection *connection, void **state,
			    enum MHD_ConnectionNotificationCode code)
{
	struct kvt_http *http = data;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	gint64 *since;

	(void)state;
	if (info == NULL)
		return;
	g_mutex_lock(&http->lock);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		since = g_new(gint64, 1);
		*since = g_get_monotonic_time();
		g_hash_table_replace(http->since, GINT_TO_POINTER(info->connect_fd), since);
	} else
		g_hash_table_remove(http->since, GINT_TO_POINTER(info->connect_fd));
	g_mutex_unlock(&http->lock);
}

void kvt_http_reap(struct kvt_http *http)
{
	const gint64 now_us = g_get_monotonic_time();
	GHashTableIter iter;
	gpointer fd, since;

	g_mutex_lock(&http->lock);
	g_hash_table_iter_init(&iter, http->since);
	while (g_hash_table_iter_next(&iter, &fd, &since))
		if (now_us - *(gint64 *)since > CONNECTION_US)
			shutdown(GPOINTER_TO_INT(fd), SHUT_RDWR); /* its owner closes it */
	g_mutex_unlock(&http->lock);
}

/* ---- listening ---- */

bool kvt_http_parse(const char *listen, char **ret_host, unsigned *ret_port, GError **error)
{
	const char *colon = strrchr(listen, ':');
	guint64 port;

	if (colon == NULL || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "'%.80s' is not HOST:PORT",
			    listen);
		return false;
	}
	if (listen[0] == '[' && colon > listen + 1 && colon[-1] == ']')
		*ret_host = g_strndup(listen + 1, (gsize)(colon - listen) - 2);
	else if (strncmp(listen, "localhost:", 10) == 0)
		*ret_host = g_strdup("127.0.0.1");
	else
		*ret_host = g_strndup(listen, (gsize)(colon - listen));
	*ret_port = (unsigned)port;
	return true;
}

static socklen_t fill(const char *host, unsigned port, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *v4 = (void *)ret_address;
	struct sockaddr_in6 *v6 = (void *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return sizeof(*v6);
	}
	return 0;
}

static int listen_tcp(const char *listen_on, GError **error)
{
	g_autofree char *host = NULL;
	struct sockaddr_storage address;
	const int yes = 1;
	unsigned port;
	socklen_t len;
	int fd;

	if (!kvt_http_parse(listen_on, &host, &port, error))
		return -1;
	len = fill(host, port, &address);
	if (len == 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "'%.80s' is no numeric address",
			    host);
		return -1;
	}
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 16) < 0) {
		kvt_error_errno(error, listen_on, errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int listen_local(const char *path, unsigned mode, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat there;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: too long for a socket",
			    path);
		return -1;
	}
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, mode) < 0 || listen(fd, 16) < 0) {
		kvt_error_errno(error, path, errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void ignore_log(void *data, const char *format, va_list arguments)
{
	(void)data; /* what a peer does wrong is not worth a line */
	(void)format;
	(void)arguments;
}

/* takes the descriptor over */
static struct MHD_Daemon *serve(struct kvt_http *http, int fd, GError **error)
{
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		answer, http, MHD_OPTION_EXTERNAL_LOGGER, ignore_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_HEAP, MHD_OPTION_NOTIFY_CONNECTION, connection_news, http,
		MHD_OPTION_END);

	if (daemon == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "libmicrohttpd does not start");
		close(fd);
	}
	return daemon;
}

struct kvt_http *kvt_http_new(const char *listen, const char *socket, unsigned mode,
			      GString *(*render)(void *data), void *data, GError **error)
{
	struct kvt_http *http = g_new0(struct kvt_http, 1);
	bool good = true;
	int fd;

	http->render = render;
	http->data = data;
	g_mutex_init(&http->lock);
	http->since = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	if (listen != NULL) {
		fd = listen_tcp(listen, error);
		http->tcp = fd >= 0 ? serve(http, fd, error) : NULL;
		good = http->tcp != NULL;
	}
	if (good && socket != NULL) {
		fd = listen_local(socket, mode, error);
		http->socket = fd >= 0 ? g_strdup(socket) : NULL;
		http->local = fd >= 0 ? serve(http, fd, error) : NULL;
		good = http->local != NULL;
	}
	if (good)
		return http;
	kvt_http_free(http);
	return NULL;
}

unsigned kvt_http_port(const struct kvt_http *http)
{
	const union MHD_DaemonInfo *info =
		http->tcp != NULL ? MHD_get_daemon_info(http->tcp, MHD_DAEMON_INFO_LISTEN_FD)
				  : NULL;
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (info == NULL || getsockname(info->listen_fd, (struct sockaddr *)&address, &len) < 0)
		return 0;
	return ntohs(address.ss_family == AF_INET6
			     ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
			     : ((struct sockaddr_in *)(void *)&address)->sin_port);
}

void kvt_http_free(struct kvt_http *http)
{
	if (http == NULL)
		return;
	if (http->tcp != NULL)
		MHD_stop_daemon(http->tcp);
	if (http->local != NULL)
		MHD_stop_daemon(http->local);
	if (http->socket != NULL)
		unlink(http->socket);
	if (http->response != NULL)
		MHD_destroy_response(http->response);
	g_hash_table_unref(http->since);
	g_mutex_clear(&http->lock);
	g_free(http->socket);
	g_free(http);
}
