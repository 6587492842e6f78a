/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtimed's configuration as any bytes: an error with words, or values within their ranges. */
#include "daemon/conf.h"
#include "daemon/http.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strndup((const char *)data, size);
	struct kvt_daemon_config *c = kvt_config_parse("fuzz", (const char *)data, size, &error);
	g_autofree char *host = NULL;
	unsigned port;

	PROMISE((c == NULL) == (error != NULL));
	if (c != NULL) {
		PROMISE(c->guard.interval_ns >= 100000000 && c->guard.limit_ns > 0);
		PROMISE(c->guard.parallel >= 1 && c->guard.parallel <= 64);
		PROMISE(c->guard.exchanges >= 1 && c->guard.exchanges <= 32);
		PROMISE(c->guard.policy <= KVT_POLICY_WATCH && c->per_guest <= KVT_PER_GUEST_NONE);
		for (guint i = 0; i < c->sockets->len; i++)
			PROMISE(((struct kvt_socket_options *)c->sockets->pdata[i])->agent != NULL);
	}
	kvt_config_free(c);
	if (kvt_http_parse(text, &host, &port, NULL))
		PROMISE(host != NULL && port <= 65535);
	return 0;
}
