/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the module kvmtime-libvirt: its function watch, see struct kvt_libvirt_module. */
#ifndef KVT_GUESTS_LIBVIRT_WATCH_H
#define KVT_GUESTS_LIBVIRT_WATCH_H

#include "guests/libvirt.h"

void kvt_libvirt_module_watch(const char *uri, kvt_libvirt_notify notify, void *data);

#endif
