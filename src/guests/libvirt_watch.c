/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Part of the module kvmtime-libvirt: one connection that is told of what happens to machines. One
 * thread runs libvirt's own event loop for the whole program; it also notices dead connections.
 */
#include "guests/libvirt_watch.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#define TICK_MS        500 /* the loop comes back this often, to connect again */
#define KEEP_ALIVE_S   5
#define KEEP_ALIVE_TRY 3

struct watch {
	char *uri; /* or NULL */
	kvt_libvirt_notify notify;
	void *data;
	virConnectPtr connection; /* or NULL */
	bool lost;
};

static void tell(const struct watch *w, enum kvt_libvirt_news news, virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(domain, uuid) == 0)
		w->notify(news, uuid, virDomainGetName(domain), w->data);
}

static enum kvt_libvirt_news started(int detail)
{
	switch (detail) {
	case VIR_DOMAIN_EVENT_STARTED_MIGRATED:
		return KVT_LIBVIRT_MIGRATED;
	case VIR_DOMAIN_EVENT_STARTED_RESTORED:
	case VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT:
		return KVT_LIBVIRT_RESTORED;
	default:
		return KVT_LIBVIRT_STARTED;
	}
}

static enum kvt_libvirt_news resumed(int detail)
{
	switch (detail) {
	case VIR_DOMAIN_EVENT_RESUMED_MIGRATED:
		return KVT_LIBVIRT_MIGRATED;
	case VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT:
		return KVT_LIBVIRT_RESTORED;
	default:
		return KVT_LIBVIRT_RESUMED;
	}
}

static int lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
		     void *data)
{
	(void)connection;
	switch (event) {
	case VIR_DOMAIN_EVENT_STARTED:
		tell(data, started(detail), domain);
		break;
	case VIR_DOMAIN_EVENT_RESUMED:
		tell(data, resumed(detail), domain);
		break;
	case VIR_DOMAIN_EVENT_PMSUSPENDED:
	case VIR_DOMAIN_EVENT_SUSPENDED:
		tell(data, KVT_LIBVIRT_PAUSED, domain);
		break;
	case VIR_DOMAIN_EVENT_STOPPED:
	case VIR_DOMAIN_EVENT_CRASHED:
		tell(data, KVT_LIBVIRT_STOPPED, domain);
		break;
	default:
		break;
	}
	return 0;
}

static void agent(virConnectPtr connection, virDomainPtr domain, int state, int reason, void *data)
{
	(void)connection;
	(void)reason;
	if (state == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED)
		tell(data, KVT_LIBVIRT_AGENT, domain);
}

static void closed(virConnectPtr connection, int reason, void *data)
{
	(void)connection;
	(void)reason;
	((struct watch *)data)->lost = true;
}

static void disconnect(struct watch *w)
{
	if (w->connection != NULL)
		virConnectClose(w->connection);
	w->connection = NULL;
	w->lost = false;
}

static bool register_all(struct watch *w)
{
	return virConnectDomainEventRegisterAny(w->connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
						VIR_DOMAIN_EVENT_CALLBACK(lifecycle), w,
						NULL) >= 0 &&
	       virConnectDomainEventRegisterAny(w->connection, NULL,
						VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
						VIR_DOMAIN_EVENT_CALLBACK(agent), w, NULL) >= 0;
}

static void connect_again(struct watch *w)
{
	w->connection = virConnectOpen(w->uri);
	if (w->connection == NULL)
		return;
	if (!register_all(w)) {
		disconnect(w);
		return;
	}
	virConnectRegisterCloseCallback(w->connection, closed, w, NULL);
	virConnectSetKeepAlive(w->connection, KEEP_ALIVE_S, KEEP_ALIVE_TRY);
	/* events come from here on: what the caller lists now, it cannot miss */
	w->notify(KVT_LIBVIRT_CONNECTED, NULL, NULL, w->data);
}

static void tick(int timer, void *data)
{
	struct watch *w = data;

	(void)timer;
	if (w->lost) {
		w->notify(KVT_LIBVIRT_LOST, NULL, NULL, w->data);
		disconnect(w);
	}
	if (w->connection == NULL)
		connect_again(w);
}

static gpointer run(gpointer data)
{
	tick(0, data);
	if (virEventAddTimeout(TICK_MS, tick, data, NULL) < 0)
		return NULL;
	while (virEventRunDefaultImpl() == 0)
		;
	return NULL;
}

static void quiet(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

void kvt_libvirt_module_watch(const char *uri, kvt_libvirt_notify notify, void *data)
{
	struct watch *w = g_new0(struct watch, 1);

	w->uri = g_strdup(uri);
	w->notify = notify;
	w->data = data;
	virSetErrorFunc(NULL, quiet);
	virEventRegisterDefaultImpl();
	g_thread_unref(g_thread_new("libvirt", run, w));
}
