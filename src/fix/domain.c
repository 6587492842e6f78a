/* SPDX-License-Identifier: BSD-2-Clause */
#include "fix/domain.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fix/step.h"
#include "fix/store.h"
#include "sys/error.h"

static const struct kvt_domain_ops *ops;
static const char *default_uri;

void kvt_domain_use(const struct kvt_domain_ops *its_ops, const char *uri)
{
	ops = its_ops;
	default_uri = uri;
}

bool kvt_domain_is(const char *path)
{
	return g_str_has_prefix(path, KVT_DOMAIN_PREFIX);
}

static char *read_xml(const char *uri, const char *path, char **ret_uri, GError **error)
{
	if (ops != NULL)
		return ops->read(uri, path + strlen(KVT_DOMAIN_PREFIX), ret_uri, error);
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: libvirt is not at hand here", path);
	return NULL;
}

static GBytes *read_bytes(const char *uri, const char *path, char **ret_uri, GError **error)
{
	char *xml = read_xml(uri, path, ret_uri, error);

	return xml != NULL ? g_bytes_new_take(xml, strlen(xml)) : NULL;
}

char *kvt_domain_read(const char *path, GError **error)
{
	return read_xml(default_uri, path, NULL, error);
}

bool kvt_domain_record(int folder, unsigned k, const struct kvt_change *change, GKeyFile *manifest,
		       GError **error)
{
	g_autofree char *group = g_strdup_printf("domain %u", k);
	g_autofree char *copy = g_strdup_printf("%u.before", k);
	g_autofree char *uri = NULL;
	g_autoptr(GBytes) now = read_bytes(default_uri, change->path, &uri, error);

	if (now == NULL)
		return false;
	if (change->before == NULL || !g_bytes_equal(now, change->before)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%s: changed since the plan was made; plan again", change->path);
		return false;
	}
	g_key_file_set_string(manifest, group, "path", change->path);
	g_key_file_set_string(manifest, group, "uri", uri);
	return kvt_store_write(folder, copy, now, NULL, 0600, false, copy, error);
}

static bool define(const char *uri, GBytes *xml, GError **error)
{
	gsize len;
	const char *data = g_bytes_get_data(xml, &len);
	g_autofree char *text = g_strndup(data, len);

	if (ops == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "libvirt is not at hand here");
		return false;
	}
	STEP("before a domain is defined");
	return ops->define(uri, text, error);
}

bool kvt_domain_forward(const struct kvt_change *change, GError **error)
{
	return define(default_uri, change->after, error);
}

bool kvt_domain_settle(int folder, unsigned k, const struct kvt_change *change, GError **error)
{
	g_autofree char *copy = g_strdup_printf("%u.after", k);
	g_autoptr(GBytes) now = read_bytes(default_uri, change->path, NULL, error);

	return now != NULL && kvt_store_write(folder, copy, now, NULL, 0600, false, copy, error);
}

/* What the journal keeps of a domain, and what libvirt has now. */
struct kept {
	char *path, *uri;
	GBytes *before, *after, *now; /* after: NULL if the change was cut short */
};

static void kept_clear(struct kept *kept)
{
	g_free(kept->path);
	g_free(kept->uri);
	g_clear_pointer(&kept->before, g_bytes_unref);
	g_clear_pointer(&kept->after, g_bytes_unref);
	g_clear_pointer(&kept->now, g_bytes_unref);
}

typedef struct kept kept;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(kept, kept_clear)

static bool load(int folder, GKeyFile *manifest, const char *group, struct kept *ret,
		 GError **error)
{
	const char *k = group + strlen("domain ");
	g_autofree char *before = g_strconcat(k, ".before", NULL);
	g_autofree char *after = g_strconcat(k, ".after", NULL);

	ret->path = g_key_file_get_string(manifest, group, "path", error);
	ret->uri = ret->path != NULL ? g_key_file_get_string(manifest, group, "uri", error) : NULL;
	ret->before = ret->uri != NULL ? kvt_store_read(folder, before, before, NULL, error) : NULL;
	if (ret->before == NULL)
		return false;
	if (faccessat(folder, after, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		ret->after = kvt_store_read(folder, after, after, NULL, NULL);
	ret->now = read_bytes(ret->uri, ret->path, NULL, error);
	return ret->now != NULL;
}

bool kvt_domain_check(int folder, GKeyFile *manifest, const char *group, GError **error)
{
	g_auto(kept) k = { 0 };

	if (!load(folder, manifest, group, &k, error))
		return false;
	if (g_bytes_equal(k.now, k.before) || k.after == NULL ||
	    g_bytes_equal(k.now, k.after))
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "%s: was changed by somebody else since; it stays as it is", k.path);
	return false;
}

bool kvt_domain_back(int folder, GKeyFile *manifest, const char *group, GError **error)
{
	g_auto(kept) k = { 0 };

	return load(folder, manifest, group, &k, error) &&
	       (g_bytes_equal(k.now, k.before) || define(k.uri, k.before, error));
}
