/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP hardware clocks (PHCs): network cards', and the host's clock as KVM's ptp_kvm shows it. */
#ifndef KVT_SYS_PTP_H
#define KVT_SYS_PTP_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "sys/calls.h"
#include "sys/root.h"

enum kvt_phc_method {
	KVT_PHC_NONE,     /* not read; see reason */
	KVT_PHC_PRECISE,  /* PTP_SYS_OFFSET_PRECISE: both clocks at one value of one counter */
	KVT_PHC_EXTENDED, /* PTP_SYS_OFFSET_EXTENDED: the kernel reads its clock around the PHC */
	KVT_PHC_GETTIME,  /* clock_gettime() on the device, CLOCK_REALTIME around it by ourselves */
};

struct kvt_phc {
	char *path;       /* "/dev/ptp0" */
	char *clock_name; /* of the driver, e.g. "KVM virtual PTP"; NULL if not known */
	enum kvt_phc_method method;
	char *reason;        /* why it was not read, in words; else NULL */
	bool refused;        /* ... because permission is missing */
	int64_t phc_ns;      /* ns since 1970 in the PHC's timescale */
	int64_t realtime_ns; /* CLOCK_REALTIME of the same moment */
	int64_t offset_ns;   /* PHC minus CLOCK_REALTIME; positive = the PHC is ahead */
	uint64_t bound_ns;   /* half of the narrowest window, rounded up */
};

/**
 * kvt_phc_list() - every /dev/ptp* or /sys/class/ptp/ptp* with its offset from CLOCK_REALTIME
 * @root:  names of devices and clocks
 * @calls: the devices themselves
 *
 * The best method that the driver has: precise, extended, gettime.
 *
 * Return: owned array of struct kvt_phc *, in order of their numbers; empty if none.
 */
GPtrArray *kvt_phc_list(const struct kvt_root *root, const struct kvt_calls *calls);

/** kvt_phc_method_text() - static words, e.g. "one counter value" */
const char *kvt_phc_method_text(enum kvt_phc_method method);

#endif
