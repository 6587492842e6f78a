/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transcript: what a device answered, access by access, with the time before and after each.
 * doc/vectors.md describes the text that it is kept in. A device agrees with a transcript if for
 * each access there is a moment between the two times at which it answers the same, all moments
 * at one distance from the first (a machine with a slower clock: any moment).
 */
#ifndef KVT_ORACLE_TRANSCRIPT_H
#define KVT_ORACLE_TRANSCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

enum event_kind { EVENT_OUT, EVENT_IN, EVENT_WRITE, EVENT_READ, EVENT_IRQ, EVENT_MASK };

struct event {
	enum event_kind kind;
	unsigned width;   /* bytes */
	uint32_t address; /* port or memory; of an interrupt its line */
	uint32_t value;   /* what was written or answered; of a mask the masked lines */
	uint32_t mask;    /* bits of the answer that count */
	uint64_t before_ns, after_ns;
	uint32_t step; /* in the program that made it, if any */
};

struct transcript {
	char *device;
	bool exact;     /* one distance for all */
	GArray *events; /* struct event */
};

/* A device under test; @state has @size bytes. Replace these to test one of your own. */
struct device {
	const char *name;
	size_t size;
	void (*init)(void *state); /* at time 0 */
	uint32_t (*in)(void *state, const struct event *event, uint64_t now_ns);
	void (*out)(void *state, const struct event *event, uint64_t now_ns);
	uint64_t (*next_ns)(const void *state);
	unsigned (*run)(void *state, uint64_t now_ns); /* bit 0: IRQ 0 rose, bit 8: IRQ 8 rose */
	unsigned lags_ns; /* the peer may be a tick late, and give that tick twice */
};

extern const struct device device_list[]; /* ends with name = NULL */
const struct device *device_by_name(const char *name);

struct transcript *transcript_new(const char *device, bool exact);
void transcript_free(struct transcript *transcript);
struct transcript *transcript_read(FILE *file, const char *name, GError **error);
void transcript_write(const struct transcript *transcript, FILE *file, const char *comment);

/*
 * Does @device agree? If not, *@ret_event is the first event at which no moment is left, and
 * *@ret_why says what the device answered instead (owned).
 */
bool transcript_matches(const struct transcript *transcript, const struct device *device,
			guint *ret_event, char **ret_why);

char *event_text(const struct event *event); /* owned */

typedef struct transcript Transcript;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transcript, transcript_free)

#endif
