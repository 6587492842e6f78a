/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest's agent answers, and the kernel's socket list, read as anything at all. */
#include <stdlib.h>
#include <string.h>

#include "guests/agent.h"
#include "guests/daemon.h"
#include "guests/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *line = g_strndup((const char *)data, size);
	const gsize len = strlen(line);
	g_autoptr(JsonObject) reply = kvt_agent_parse(line, len, NULL);
	g_autoptr(JsonNode) result = reply != NULL ? kvt_agent_result(reply, NULL) : NULL;
	struct kvt_daemon daemon;
	int64_t ns = -1;

	if (kvt_daemon_parse(line, &daemon) && daemon.error_ns < 0)
		abort();
	if (result != NULL && kvt_agent_time(result, line, len, &ns, NULL) && ns < 0)
		abort();
	kvt_wire_busy(line, "/run/a");
	return 0;
}
