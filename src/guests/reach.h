/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a guest cannot be asked. An error of this domain is an answer about the guest, not a failure
 * of the program: it becomes the guest's status, and its offset is unknown.
 */
#ifndef KVT_GUESTS_REACH_H
#define KVT_GUESTS_REACH_H

#include <glib.h>

#define KVT_REACH_ERROR (kvt_reach_quark())

/* name, word in tables and JSON */
#define KVT_REACHES(X)                                                                      \
	X(OK, "ok")             /* it answered */                                           \
	X(NO_AGENT, "no-agent") /* no guest agent, or no channel to one */                  \
	X(HUNG, "hung")         /* asked, and no answer within the deadline */              \
	X(BUSY, "busy")         /* its socket serves one client, and has one */             \
	X(REFUSED, "refused")   /* the agent, or the manager, said no */                    \
	X(FROZEN, "frozen")     /* its file systems are frozen for a backup */              \
	X(GARBAGE, "garbage")   /* it answered what no agent may answer */                  \
	X(GONE, "gone")         /* the machine ended, or its socket has no one behind it */ \
	X(PAUSED, "paused")     /* the machine stands still, so its agent cannot answer */  \
	X(DENIED, "denied")     /* this user may not ask */

enum kvt_reach {
#define KVT_REACH_ENUM(name, word) KVT_REACH_##name,
	KVT_REACHES(KVT_REACH_ENUM)
#undef KVT_REACH_ENUM
};

GQuark kvt_reach_quark(void);

/** kvt_reach_word() - "ok", "hung", ...; "unknown" for a stranger; static */
const char *kvt_reach_word(enum kvt_reach reach);

/** kvt_reach_of() - what an error means: OK for NULL, DENIED for errors of other domains */
enum kvt_reach kvt_reach_of(const GError *error);

/** kvt_reach_set() - an error of this domain */
void kvt_reach_set(GError **error, enum kvt_reach reach, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

#endif
