/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One time line from the logs of a host and its guests around an incident: what each says about
 * time, and which host event falls into the gap of which guest.
 */
#ifndef KVT_GUESTS_TIMELINE_H
#define KVT_GUESTS_TIMELINE_H

#include "check/messages.h"
#include "guests/recording.h"

struct kvt_timeline_event {
	gint64 utc_us;
	guint log;                         /* index; 0 = the host's */
	guint64 line;                      /* in that log, from 1 */
	const struct kvt_message *message; /* borrowed from the messages */
	char *text;                        /* the line */
	gint64 gap_us; /* of an event that is a gap and not a log's; 0 = the line says */
};

/* A time during which a guest did not run, or its clock jumped. */
struct kvt_timeline_gap {
	guint event;           /* index of the event that shows it */
	gint64 from_us, to_us; /* on the host's clock, as far as the offset is known */
	GArray *causes;        /* guint: indices of the host's events inside it */
};

struct kvt_timeline {
	GArray *events; /* struct kvt_timeline_event, by time */
	GArray *gaps;   /* struct kvt_timeline_gap, by time */
	bool cut;       /* there were more events than are kept */
};

#define KVT_TIMELINE_EVENTS 10000

/**
 * kvt_timeline_stamp() - the wall-clock time at the beginning of a log line
 * @line, @len: syslog ("Nov 20 19:31:02"), RFC 3339, or dmesg -T ("[Fri Nov 20 19:31:02 2026]")
 * @near: supplies the year where the stamp has none, and the zone where it names none
 *
 * Return: false if it has no such stamp, e.g. one of seconds since the boot alone.
 */
bool kvt_timeline_stamp(const char *line, gsize len, GDateTime *near, gint64 *ret_utc_us);

/**
 * kvt_timeline_boot() - when a machine began to count, by its own log
 * @bytes, @len: dmesg, with stamps of seconds
 * @ret_utc_us:  out: the RTC's time that the kernel took at its start, less that line's stamp: good
 *               to about a second, and not told of any later step
 *
 * Return: false if there is no such line.
 */
bool kvt_timeline_boot(const char *bytes, gsize len, gint64 *ret_utc_us);

/** kvt_timeline_new(), kvt_timeline_free() - NULL is taken */
struct kvt_timeline *kvt_timeline_new(void);
void kvt_timeline_free(struct kvt_timeline *timeline);

/**
 * kvt_timeline_add() - a log's events within the window
 * @log:       its index; 0 = the host's; logs are added in the order of their indices
 * @offset_us: of its clock from the host's; positive = ahead: taken off each stamp
 * @samples:   offsets that watch has recorded of it, or NULL; then @offset_us is not used
 *
 * Lines with stamps of seconds since the boot alone count from kvt_timeline_boot().
 *
 * Return: lines whose time is known.
 */
guint64 kvt_timeline_add(struct kvt_timeline *timeline, const struct kvt_messages *messages,
			 guint log, const char *bytes, gsize len, GDateTime *at, gint64 window_us,
			 gint64 offset_us, const GArray *samples);

/** kvt_timeline_add_recording() - where a guest's offset has moved from one sample to the next */
void kvt_timeline_add_recording(struct kvt_timeline *timeline, guint log,
				const struct kvt_recording_guest *guest, GDateTime *at,
				gint64 window_us);

/** kvt_timeline_join() - sort, find the guests' gaps and the host's events in them */
void kvt_timeline_join(struct kvt_timeline *timeline);

#endif
