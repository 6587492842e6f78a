/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvirt's guests. The library stands in the module kvmtime-libvirt, which is loaded here.
 * libvirtd serves some twenty calls at a time, and an agent that hangs keeps its call busy until
 * the timeout, and the others of its connection with it: so each call has a connection of its own,
 * and the scheduler caps the calls, and again those to agents that hung before.
 */
#ifndef KVT_GUESTS_LIBVIRT_H
#define KVT_GUESTS_LIBVIRT_H

#include "guests/guest.h"

/* What a watched connection tells of. */
enum kvt_libvirt_news {
	KVT_LIBVIRT_CONNECTED, /* just now: machines may have come, gone, stopped and run since the
				* last time; the machine's id and name are NULL */
	KVT_LIBVIRT_LOST,      /* the daemon is gone; connecting goes on; no id */
	KVT_LIBVIRT_STARTED,
	KVT_LIBVIRT_RESTORED,
	KVT_LIBVIRT_MIGRATED, /* came in */
	KVT_LIBVIRT_RESUMED,
	KVT_LIBVIRT_PAUSED,
	KVT_LIBVIRT_STOPPED,
	KVT_LIBVIRT_AGENT /* a guest agent has connected */
};

typedef void (*kvt_libvirt_notify)(enum kvt_libvirt_news news, const char *id, const char *name,
				   void *data);

/* what the module gives */
struct kvt_libvirt_module {
	/*
	 * Add the running guests of a connection; each path keeps what it needs of it.
	 * @uri: NULL = libvirt's default. Error: KVT_STATUS_REFUSED.
	 */
	bool (*find)(const char *uri, GPtrArray *guests, GError **error);

	/* a machine's running definition; owned XML, or NULL */
	char *(*xml)(const char *uri, const char *id, GError **error);

	/*
	 * Tell of machines for the rest of the program's life, from a thread of the module's own,
	 * connecting again whenever the daemon is gone. Once a program, before anything else of the
	 * module is used. @uri is copied.
	 */
	void (*watch)(const char *uri, kvt_libvirt_notify notify, void *data);

	/* the names of all domains, running or not, in order; owned strings, NULL-terminated */
	char **(*names)(const char *uri, GError **error);

	/*
	 * What the next start of a domain uses; owned XML, or NULL.
	 * @name:    name or UUID
	 * @secrets: passwords too, which takes a connection that may write
	 * @ret_uri: out, may be NULL: the connection's full name, owned
	 */
	char *(*definition)(const char *uri, const char *name, bool secrets, char **ret_uri,
			    GError **error);

	/* define a domain anew; one that has no definition but only runs is refused */
	bool (*define)(const char *uri, const char *xml, GError **error);
};

/** kvt_libvirt_find() - load the module and let it add its running guests */
bool kvt_libvirt_find(const char *uri, GPtrArray *guests, GError **error);

/** kvt_libvirt_xml() - the running definition of the guest with this UUID; owned, or NULL */
char *kvt_libvirt_xml(const char *uri, const char *id, GError **error);

/** kvt_libvirt_watch() - see the module's function; false with KVT_STATUS_REFUSED without it */
bool kvt_libvirt_watch(const char *uri, kvt_libvirt_notify notify, void *data, GError **error);

/* the module's functions of the same names; NULL or false with KVT_STATUS_REFUSED */
char **kvt_libvirt_names(const char *uri, GError **error);
char *kvt_libvirt_definition(const char *uri, const char *name, bool secrets, char **ret_uri,
			     GError **error);
bool kvt_libvirt_define(const char *uri, const char *xml, GError **error);

#endif
