/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive or a compressed file of anybody's, through the module: it ends within its limits, and
 * no name that climbs gets past the check of names.
 */
#include <stddef.h>
#include <stdint.h>

#include "sys/archive.h"

extern const struct kvt_archive_module kvt_module;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBER 65536

static gsize want(void *user, const struct kvt_member *member)
{
	g_autofree char *path = kvt_archive_path("fuzz", member->path, NULL);
	g_auto(GStrv) steps = g_strsplit(path != NULL ? path : "", "/", -1);

	(void)user;
	g_assert(path == NULL || path[0] != '/');
	g_assert(!g_strv_contains((const char *const *)steps, ".."));
	return path != NULL ? MEMBER : 0;
}

static bool take(void *user, const struct kvt_member *member, GBytes *bytes, bool cut,
		 GError **error)
{
	guint64 *kept = user;

	(void)member;
	(void)cut;
	(void)error;
	if (bytes != NULL)
		*kept += g_bytes_get_size(bytes);
	g_assert(bytes == NULL || g_bytes_get_size(bytes) <= MEMBER);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvt_archive_limits limits = kvt_archive_limits;
	guint64 kept = 0;
	const struct kvt_archive_taker taker = { want, take, &kept };
	g_autoptr(GError) walked = NULL;
	g_autoptr(GError) inflated = NULL;
	GBytes *bytes = NULL;

	limits.unpacked = 16u << 20;
	limits.kept = 4u << 20;
	limits.member = MEMBER;
	limits.ratio_floor = 1u << 20;
	limits.members = 1000;
	limits.seconds = 10;
	if (size == 0)
		return 0;
	if (!kvt_module.walk("fuzz", (const char *)data, size, &limits, &taker, &walked))
		g_assert(walked != NULL);
	g_assert(kept <= limits.kept + MEMBER);
	if (!kvt_module.inflate("fuzz", (const char *)data, size, &limits, &bytes, &inflated))
		g_assert(inflated != NULL && bytes == NULL);
	g_assert(bytes == NULL || g_bytes_get_size(bytes) <= MEMBER);
	if (bytes != NULL)
		g_bytes_unref(bytes);
	return 0;
}
