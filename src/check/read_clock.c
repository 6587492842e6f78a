/* SPDX-License-Identifier: BSD-2-Clause */
/* Clock sources, RTC and PTP clocks. */
#include <stdlib.h>
#include <string.h>

#include "check/machine.h"

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/"

static void read_clocksource(const struct kvt_reader *reader)
{
	const char *current_path = CLOCKSOURCE "current_clocksource";
	const char *available_path = CLOCKSOURCE "available_clocksource";
	g_autofree char *current =
		kvt_read_line(reader, current_path, "clocksource.current", false);
	g_autofree char *available =
		kvt_read_line(reader, available_path, "clocksource.available", false);

	if (current != NULL)
		kvt_facts_set_text(reader->facts, reader->who, "clocksource.current", current,
				   current_path);
	if (available != NULL) {
		g_auto(GStrv) words = kvt_words(available);

		kvt_facts_set_list(reader->facts, reader->who, "clocksource.available",
				   (const char *const *)words, available_path);
	}
}

static void read_ptp(const struct kvt_reader *reader)
{
	const char *base = "/sys/class/ptp";
	g_autoptr(GPtrArray) clocks = kvt_root_list(reader->root, base);
	bool kvm = false;

	if (!kvt_read_covers(reader, base)) {
		kvt_facts_set_unknown(reader->facts, reader->who, "ptp.clocks", false,
				      "not recorded");
		kvt_facts_set_unknown(reader->facts, reader->who, "ptp.kvm", false, "not recorded");
		return;
	}
	kvt_facts_set_list(reader->facts, reader->who, "ptp.clocks", NULL, base);
	for (guint i = 0; clocks != NULL && i < clocks->len; i++) {
		const char *clock = clocks->pdata[i];
		g_autofree char *path = g_strdup_printf("%s/%s/clock_name", base, clock);
		g_autofree char *name = kvt_root_line(reader->root, path);

		if (name == NULL)
			continue;
		g_strdelimit(name, " \t", '-'); /* a word in the list */
		kvm |= strcmp(name, "KVM-virtual-PTP") == 0;
		kvt_facts_add_word(reader->facts, reader->who, "ptp.clocks", name, path);
	}
	kvt_facts_set_bool(reader->facts, reader->who, "ptp.kvm", kvm,
			   "/sys/class/ptp/*/clock_name");
}

/* /etc/adjtime's third line; without the file the RTC is in UTC. */
static void read_adjtime(const struct kvt_reader *reader)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text =
		kvt_root_read(reader->root, "/etc/adjtime", KVT_ROOT_FILE_LIMIT, NULL, &error);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	if (text == NULL &&
	    (kvt_is_denied(error->message) || !kvt_read_covers(reader, "/etc/adjtime"))) {
		kvt_read_failed(reader, 0, "rtc.local", error);
		return;
	}
	if (text == NULL) {
		kvt_facts_set_bool(reader->facts, reader->who, "rtc.local", false,
				   "no /etc/adjtime: UTC is meant");
		return;
	}
	kvt_facts_set_bool(reader->facts, reader->who, "rtc.local",
			   g_strv_length(lines) >= 3 && strcmp(g_strstrip(lines[2]), "LOCAL") == 0,
			   kvt_read_from(reader, "/etc/adjtime", "/etc/adjtime:3"));
}

/*
 * since_epoch reads the chip as UTC. Whole seconds, and the second may end in between: a real
 * difference is one of more than two.
 */
static void read_rtc(const struct kvt_reader *reader)
{
	const char *path = "/sys/class/rtc/rtc0/since_epoch";
	const char *recorded = "/kvmtime/rtc-offset";
	g_autofree char *offset = kvt_root_line(reader->root, recorded);
	g_autofree char *seconds = NULL;

	if (offset != NULL && !kvt_root_is_live(reader->root)) {
		const char *source = kvt_read_from(reader, recorded, recorded);

		kvt_facts_set_bool(reader->facts, reader->who, "rtc.present", true, source);
		kvt_facts_set_real(reader->facts, reader->who, "rtc.offset_s",
				   g_ascii_strtod(offset, NULL), source);
		return;
	}

	if (!kvt_read_covers(reader, path)) {
		kvt_facts_set_unknown(reader->facts, reader->who, "rtc.present", false,
				      "not recorded");
		kvt_facts_set_unknown(reader->facts, reader->who, "rtc.offset_s", false,
				      "not recorded");
		return;
	}
	kvt_facts_set_bool(reader->facts, reader->who, "rtc.present",
			   kvt_root_exists(reader->root, "/sys/class/rtc/rtc0"), "/sys/class/rtc");
	if (!kvt_facts_is(reader->facts, "rtc.present", false)) {
		kvt_facts_set_absent(reader->facts, reader->who, "rtc.offset_s", "/sys/class/rtc");
		return;
	}
	seconds = kvt_read_line(reader, path, "rtc.offset_s", false);
	if (seconds == NULL || !kvt_root_is_live(reader->root)) {
		kvt_facts_set_unknown(reader->facts, reader->who, "rtc.offset_s", false,
				      "only a live machine can tell");
		return;
	}
	kvt_facts_set_real(reader->facts, reader->who, "rtc.offset_s",
			   (double)g_ascii_strtoll(seconds, NULL, 10) -
				   (double)(g_get_real_time() / G_USEC_PER_SEC),
			   path);
}

void kvt_read_clock(const struct kvt_reader *reader)
{
	read_clocksource(reader);
	read_ptp(reader);
	read_adjtime(reader);
	read_rtc(reader);
}
