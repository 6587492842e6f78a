/* SPDX-License-Identifier: BSD-2-Clause */
#include "calendar.h"

#include "state.h"

#define CYCLE_DAYS      3652425u /* 10000 Gregorian years, whole weeks */
#define DAYS_UNTIL_1970 719528u  /* from 0000-01-01 */
#define ERA_DAYS        146097u  /* 400 years */

/* Years count from March here, so that the leap day is the last of its year. */
static void split_days(uint32_t days, struct kvt_date *date)
{
	const uint32_t since_march = days + ERA_DAYS - 60; /* from March of the year -400 */
	const uint32_t era = since_march / ERA_DAYS, in_era = since_march % ERA_DAYS;
	const uint32_t year =
		(in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) / 365;
	const uint32_t in_year = in_era - (365 * year + year / 4 - year / 100);
	const uint32_t month = (5 * in_year + 2) / 153; /* five months have 153 days */

	date->day = in_year - (153 * month + 2) / 5 + 1;
	date->month = month < 10 ? month + 3 : month - 9;
	/* the first era lies before the year 0 */
	date->year = (year + era * 400 + 10000 - 400 + (date->month <= 2)) % 10000;
	date->weekday = (days + 6) % 7 + 1;
}

struct kvt_date kvt_date_split(int64_t seconds)
{
	const uint64_t since =
		(uint64_t)(seconds + KVT_MAX_DATE_S * KVT_DAY_S) -
		(uint64_t)KVT_MAX_DATE_S * KVT_DAY_S % ((uint64_t)CYCLE_DAYS * KVT_DAY_S) +
		(uint64_t)DAYS_UNTIL_1970 * KVT_DAY_S;
	const uint32_t of_day = (uint32_t)kvt_mod(since, KVT_DAY_S);
	struct kvt_date date = { .hour = of_day / 3600,
				 .minute = of_day / 60 % 60,
				 .second = of_day % 60 };

	split_days((uint32_t)kvt_mod(kvt_div(since, KVT_DAY_S), CYCLE_DAYS), &date);
	return date;
}

/* Any numbers that fit registers: what is too large is carried over. */
int64_t kvt_date_join(const struct kvt_date *date)
{
	const uint32_t months = date->year * 12 + date->month + 11 + 400 * 12; /* month 0 too */
	const uint32_t month = months % 12 + 1;
	const uint32_t year = months / 12 - 1 - (month <= 2);
	const uint32_t in_era = year % 400;
	const uint32_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date->day;
	const uint32_t days =
		year / 400 * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year;

	/* - 1: days count from 1; + 60 - ERA_DAYS: back to January of the year 0 */
	return ((int64_t)days - 1 + 60 - (int64_t)ERA_DAYS - (int64_t)DAYS_UNTIL_1970) * KVT_DAY_S +
	       (int64_t)(date->hour * 3600 + date->minute * 60 + date->second);
}
