/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/domains.h"

#include <string.h>

#include "fix/domain.h"
#include "guests/libvirt.h"

static const char *default_uri;

static char *read_whole(const char *uri, const char *name, char **ret_uri, GError **error)
{
	return kvt_libvirt_definition(uri, name, true, ret_uri, error);
}

void kvt_domains_setup(const char *uri)
{
	static const struct kvt_domain_ops ops = { read_whole, kvt_libvirt_define };

	default_uri = uri;
	kvt_domain_use(&ops, uri);
}

bool kvt_domains_is(const char *name)
{
	return kvt_domain_is(name);
}

bool kvt_domains_is_all(const char *name)
{
	return strcmp(name, KVT_DOMAIN_PREFIX) == 0;
}

char **kvt_domains_all(GError **error)
{
	char **names = kvt_libvirt_names(default_uri, error);

	for (char **name = names; name != NULL && *name != NULL; name++) {
		char *target = g_strconcat(KVT_DOMAIN_PREFIX, *name, NULL);

		g_free(*name);
		*name = target;
	}
	return names;
}

char *kvt_domains_read(const char *name, gsize *ret_length, GError **error)
{
	char *xml = kvt_libvirt_definition(default_uri, name + strlen(KVT_DOMAIN_PREFIX), false,
					   NULL, error);

	if (xml != NULL)
		*ret_length = strlen(xml);
	return xml;
}
