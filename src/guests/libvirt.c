/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/libvirt.h"

#include "sys/module.h"

static const struct kvt_libvirt_module *load(GError **error)
{
	return kvt_module_load("libvirt", "kvmtime-libvirt", error);
}

bool kvt_libvirt_find(const char *uri, GPtrArray *guests, GError **error)
{
	const struct kvt_libvirt_module *module = load(error);

	return module != NULL && module->find(uri, guests, error);
}

char *kvt_libvirt_xml(const char *uri, const char *id, GError **error)
{
	const struct kvt_libvirt_module *module = load(error);

	return module != NULL ? module->xml(uri, id, error) : NULL;
}

bool kvt_libvirt_watch(const char *uri, kvt_libvirt_notify notify, void *data, GError **error)
{
	const struct kvt_libvirt_module *module = load(error);

	if (module == NULL)
		return false;
	module->watch(uri, notify, data);
	return true;
}

char **kvt_libvirt_names(const char *uri, GError **error)
{
	const struct kvt_libvirt_module *module = load(error);

	return module != NULL ? module->names(uri, error) : NULL;
}

char *kvt_libvirt_definition(const char *uri, const char *name, bool secrets, char **ret_uri,
			     GError **error)
{
	const struct kvt_libvirt_module *module = load(error);

	return module != NULL ? module->definition(uri, name, secrets, ret_uri, error) : NULL;
}

bool kvt_libvirt_define(const char *uri, const char *xml, GError **error)
{
	const struct kvt_libvirt_module *module = load(error);

	return module != NULL && module->define(uri, xml, error);
}
