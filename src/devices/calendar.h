/* SPDX-License-Identifier: BSD-2-Clause */
/* The Gregorian calendar for a clock chip: years 0 to 9999, after which it begins again. */
#ifndef KVT_DEVICES_CALENDAR_H
#define KVT_DEVICES_CALENDAR_H

#include <stdint.h>

#define KVT_DAY_S      86400u
#define KVT_MAX_DATE_S (INT64_C(1) << 40)

struct kvt_date {
	uint32_t year, month, day, weekday, hour, minute, second; /* month, day, weekday from 1 */
};

/* of the second @seconds since 1970-01-01, up to KVT_MAX_DATE_S on both sides; weekday 1 = Sunday
 */
struct kvt_date kvt_date_split(int64_t seconds);
/* back; any numbers that fit a byte each, the year 9999: what is too large is carried over */
int64_t kvt_date_join(const struct kvt_date *date);

#endif
