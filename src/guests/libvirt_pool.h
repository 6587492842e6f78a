/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module's connections, shared by the paths of one URI: an agent that hangs keeps its call busy
 * until the timeout, and with it every other call of that connection.
 */
#ifndef KVT_GUESTS_LIBVIRT_POOL_H
#define KVT_GUESTS_LIBVIRT_POOL_H

#include <glib.h>
#include <libvirt/libvirt.h>

struct pool;

/** pool_get() - the pool of a URI (NULL = libvirt's default); one reference is the caller's */
struct pool *pool_get(const char *uri);

/** pool_ref(), pool_unref() - from any thread; the last one closes the connections */
struct pool *pool_ref(struct pool *pool);
void pool_unref(struct pool *pool);

/**
 * pool_take() - a connection for one call at a time; waits while all are full
 * @error: KVT_REACH_DENIED
 *
 * Return: its slot, for pool_put(), or a negative number.
 */
int pool_take(struct pool *pool, virConnectPtr *ret_connection, GError **error);

void pool_put(struct pool *pool, int slot);

#endif
