/* SPDX-License-Identifier: BSD-2-Clause */
/* What kvmtime watch --json has written: each guest's offset, from round to round. */
#ifndef KVT_GUESTS_RECORDING_H
#define KVT_GUESTS_RECORDING_H

#include <stdbool.h>

#include <glib.h>

struct kvt_recording_sample {
	gint64 host_us;   /* UTC, by the host's clock */
	gint64 offset_us; /* positive = guest ahead of host */
	gint64 bound_us;
	guint64 line; /* in the recording, from 1 */
};

struct kvt_recording_guest {
	char *name;
	GArray *samples; /* struct kvt_recording_sample, by time */
};

/** kvt_recording_looks_like() - true if the first line is one of watch's */
bool kvt_recording_looks_like(const char *bytes, gsize len);

/**
 * kvt_recording_read() - its guests, each with its known offsets; lines that are none are passed
 * over
 *
 * Return: owned array of struct kvt_recording_guest, in the order of their first lines.
 */
GPtrArray *kvt_recording_read(const char *bytes, gsize len);

/**
 * kvt_recording_offset() - the offset that held when the guest's clock showed a time
 * @samples: at least one
 *
 * Return: that of the last sample that the guest's clock had passed then, or of the first.
 */
gint64 kvt_recording_offset(const GArray *samples, gint64 guest_us);

/**
 * kvt_recording_moved() - by how much the guest's clock moved from the sample before to @index,
 * beyond both bounds and 500 ppm; 0 = by no more
 */
gint64 kvt_recording_moved(const GArray *samples, guint index);

#endif
