/* SPDX-License-Identifier: BSD-2-Clause */
/* A build without libmicrohttpd: metrics only by kvmtime check --prom. */
#include "daemon/http.h"

#include "sys/error.h"

struct kvt_http *kvt_http_new(const char *listen, const char *socket, unsigned mode,
			      GString *(*render)(void *data), void *data, GError **error)
{
	(void)listen;
	(void)socket;
	(void)mode;
	(void)render;
	(void)data;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "built without libmicrohttpd");
	return NULL;
}

unsigned kvt_http_port(const struct kvt_http *http)
{
	(void)http;
	return 0;
}

void kvt_http_reap(struct kvt_http *http)
{
	(void)http;
}

void kvt_http_free(struct kvt_http *http)
{
	(void)http;
}
