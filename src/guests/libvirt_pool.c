/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/libvirt_pool.h"

#include <stdbool.h>

#include <libvirt/virterror.h>

#include "guests/reach.h"

/*
 * Measured with libvirt 9.0: a call waits for an agent call of the same connection that hangs, long
 * before the five requests a connection that libvirtd promises; one of another connection does not.
 */
#define CALLS_PER_CONNECTION 1
#define CONNECTIONS_LIMIT    16

struct pool {
	gint references;
	char *uri; /* or NULL */
	GMutex lock;
	GCond freed;
	struct {
		virConnectPtr connection;
		unsigned calls;
	} slots[CONNECTIONS_LIMIT];
};

static GMutex pools_lock;
static GHashTable *pools; /* URI -> struct pool, borrowed: machines that are found anew share it */

static struct pool *pool_new(const char *uri)
{
	struct pool *pool = g_new0(struct pool, 1);

	pool->references = 1;
	pool->uri = g_strdup(uri);
	g_mutex_init(&pool->lock);
	g_cond_init(&pool->freed);
	return pool;
}

static const char *pool_key(const char *uri)
{
	return uri != NULL ? uri : "";
}

struct pool *pool_get(const char *uri)
{
	struct pool *pool;

	g_mutex_lock(&pools_lock);
	if (pools == NULL)
		pools = g_hash_table_new(g_str_hash, g_str_equal);
	pool = g_hash_table_lookup(pools, pool_key(uri));
	if (pool != NULL)
		g_atomic_int_inc(&pool->references);
	else {
		pool = pool_new(uri);
		g_hash_table_insert(pools, (gpointer)(guintptr)pool_key(pool->uri), pool);
	}
	g_mutex_unlock(&pools_lock);
	return pool;
}

/* false if others still use it */
static bool pool_leave(struct pool *pool)
{
	bool last;

	g_mutex_lock(&pools_lock);
	last = g_atomic_int_dec_and_test(&pool->references);
	if (last)
		g_hash_table_remove(pools, pool_key(pool->uri));
	g_mutex_unlock(&pools_lock);
	return last;
}

struct pool *pool_ref(struct pool *pool)
{
	g_atomic_int_inc(&pool->references);
	return pool;
}

void pool_unref(struct pool *pool)
{
	if (!pool_leave(pool))
		return;
	for (guint i = 0; i < CONNECTIONS_LIMIT; i++)
		if (pool->slots[i].connection != NULL)
			virConnectClose(pool->slots[i].connection);
	g_mutex_clear(&pool->lock);
	g_cond_clear(&pool->freed);
	g_free(pool->uri);
	g_free(pool);
}

/* with the lock held: a slot with room, opened if need be; -1 = all full, -2 = error */
static int find_slot(struct pool *pool, GError **error)
{
	for (int i = 0; i < CONNECTIONS_LIMIT; i++) {
		virConnectPtr *connection = &pool->slots[i].connection;

		if (*connection != NULL && virConnectIsAlive(*connection) == 0 &&
		    pool->slots[i].calls == 0) {
			virConnectClose(*connection); /* the daemon was started anew */
			*connection = NULL;
		}
		if (*connection == NULL)
			*connection = virConnectOpen(pool->uri);
		if (*connection == NULL) {
			kvt_reach_set(error, KVT_REACH_DENIED, "libvirt: %s",
				      virGetLastErrorMessage());
			return -2;
		}
		if (pool->slots[i].calls < CALLS_PER_CONNECTION)
			return i;
	}
	return -1;
}

int pool_take(struct pool *pool, virConnectPtr *ret_connection, GError **error)
{
	int slot;

	g_mutex_lock(&pool->lock);
	while ((slot = find_slot(pool, error)) == -1)
		g_cond_wait(&pool->freed, &pool->lock);
	if (slot >= 0) {
		pool->slots[slot].calls++;
		*ret_connection = pool->slots[slot].connection;
	}
	g_mutex_unlock(&pool->lock);
	return slot;
}

void pool_put(struct pool *pool, int slot)
{
	g_mutex_lock(&pool->lock);
	pool->slots[slot].calls--;
	g_cond_signal(&pool->freed);
	g_mutex_unlock(&pool->lock);
}
