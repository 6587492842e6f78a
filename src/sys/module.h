/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modules: what needs a library that the base program does not (libvirt, Augeas, libosinfo, ...)
 * stands in kvmtime-NAME.so, is loaded on first use, and stays loaded. A module exports one
 * symbol, kvt_module, a constant struct of functions that its folder's header declares.
 */
#ifndef KVT_SYS_MODULE_H
#define KVT_SYS_MODULE_H

#include <glib.h>

/**
 * kvt_module_load() - a module's table of functions
 * @name:    e.g. "libvirt" for kvmtime-libvirt.so; looked for in $KVT_MODULES, the build folder
 *           of an uninstalled program, and the installed module folder
 * @package: what to install where it is missing, e.g. "kvmtime-libvirt"
 * @error:   out; KVT_STATUS_REFUSED, naming the module, the reason and @package
 *
 * Return: the module's kvt_module, valid for ever, or NULL.
 */
const void *kvt_module_load(const char *name, const char *package, GError **error);

#endif
