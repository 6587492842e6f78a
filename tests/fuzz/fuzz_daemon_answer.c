/* SPDX-License-Identifier: BSD-2-Clause */
/* What an agent sends to the thread that asks many, cut into pieces at any place. */
#include "daemon/asker.h"
#include "guests/reach.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const gsize piece = 1 + (gsize)(input_u64(&input) % 64);
	g_autofree char *bytes = g_malloc(4096);
	bool synchronised = false;
	gsize len = 0;

	while (input.size > 0) {
		const gsize n = MIN(MIN(piece, input.size), 4096 - len);
		g_autoptr(GError) error = NULL;
		int64_t guest_utc_ns = -1;
		gsize used = 0;

		if (n == 0)
			break;
		memcpy(bytes + len, input.data, n);
		input.data += n;
		input.size -= n;
		len += n;
		if (kvt_asker_parse(7, bytes, len, &used, &synchronised, &guest_utc_ns, &error)) {
			PROMISE(synchronised && guest_utc_ns >= 0 && error == NULL);
			break;
		}
		if (error != NULL)
			break;
		PROMISE(used <= len);
		len -= used;
		memmove(bytes, bytes + used, len);
	}
	return 0;
}
