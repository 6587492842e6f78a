/* SPDX-License-Identifier: BSD-2-Clause */
/* The shipped messages: their samples, lines of real logs, and the lines of an ordinary boot. */
#include <locale.h>
#include <string.h>

#include "check/messages.h"

static struct kvt_messages *messages;

static bool is_message(const char *line, const char *id)
{
	g_autoptr(GPtrArray) found = kvt_messages_match(messages, line);

	for (guint i = 0; i < found->len; i++)
		if (strcmp(((const struct kvt_message *)found->pdata[i])->id, id) == 0)
			return true;
	return false;
}

static void test_every_sample_is_its_message(void)
{
	for (guint i = 0; i < kvt_messages_count(messages); i++) {
		const struct kvt_message *message = kvt_messages_at(messages, i);

		if (!is_message(message->sample, message->id))
			g_error("%s: '%s'", message->id, message->sample);
	}
}

/* The knowledge base's list; M03b is the form of M03 without a CPU, one pattern here. */
static void test_no_message_of_the_list_is_missing(void)
{
	static const char list[] =
		"M01 M02 M03 M04 M04b M05 M06 M06b M06c M07 M07b M08 M08b M09 M09b M10 M11 M11b M12 M12b "
		"M13 M13b M14 M15 M15b M16 M16b M17 M18 M19 M20 M21 M22 M23 M24 M25 M26 M27 M27b M28 M29 "
		"M30 M31 M32 M33 M33b M34 M35 M36 M37 M37b M38 M39 M39b M40 M40b M40c M40d M40e M40f M40g "
		"M40h M40i M41 M41b M41c M42 M42b M43";
	g_auto(GStrv) ids = g_strsplit(list, " ", -1);

	for (guint k = 0; ids[k] != NULL; k++) {
		bool there = false;

		for (guint i = 0; i < kvt_messages_count(messages); i++)
			there |= strcmp(kvt_messages_at(messages, i)->id, ids[k]) == 0;
		if (!there)
			g_error("no message %s", ids[k]);
	}
	g_assert_true(is_message(
		"clocksource: timekeeping watchdog: Marking clocksource 'tsc' as unstable, "
		"because the skew is too large:",
		"M03"));
}

static void test_lines_of_real_logs(void)
{
	static const struct {
		const char *id, *line;
	} lines[] = {
		/* RHEL 6 guest, 2.6.32-358: the mission's document 001 */
		{ "M02",
		  "[2423264.824259] Clocksource tsc unstable (delta = 6824818792 ns).  Enable clocksource "
		  "failover by adding clocksource_failover kernel parameter." },
		/* SLES guest, 3.x: document 003 */
		{ "M21", "[    0.000000] kvm-clock: cpu 0, msr 0:7d3a81, boot clock" },
		{ "M21", "[    0.012000] kvm-clock: cpu 1, msr 0:1306a81, secondary cpu clock" },
		{ "M18", "[    0.160082] Switching to clocksource kvm-clock" },
		/* a 4.4 guest: github.com/fbelavenuto/arpl issue 244 */
		{ "M03",
		  "kernel: [  384.258940] clocksource: timekeeping watchdog: Marking clocksource 'tsc' as "
		  "unstable because the skew is too large:" },
		{ "M04",
		  "kernel: [  384.261201] clocksource: 'acpi_pm' wd_now: 8d5199 wd_last: 60e92e mask: "
		  "ffffff" },
		{ "M26", "hrtimer: interrupt took 11082175 ns" },
		/* a 5.10 guest: github.com/oxidecomputer/propolis issue 328 */
		{ "M03",
		  "[ 8996.144253] clocksource: timekeeping watchdog on CPU2: Marking clocksource 'tsc' as "
		  "unstable because the skew is too large:" },
		{ "M04",
		  "[ 8996.144261] clocksource:                       'tsc' cs_now: 1ca324f62cac cs_last: "
		  "1ca0b7a50c00 mask: ffffffffffffffff" },
		{ "M10", "[ 8996.144274] tsc: Marking TSC unstable due to clocksource watchdog" },
		{ "M11",
		  "[ 8996.144401] TSC found unstable after boot, most likely due to broken BIOS. Use "
		  "'tsc=unstable'." },
		{ "M11b", "[ 8996.144403] sched_clock: Marking unstable (8996101633485, "
			  "42749061)<-(8996259532949, -115136521)" },
		{ "M18", "[ 8996.146113] clocksource: Switched to clocksource acpi_pm" },
		/* a 6.x guest, measured with this project's own CI machine */
		{ "M14", "[    0.000000] [Firmware Bug]: TSC doesn't count with P0 frequency!" },
		{ "M22", "[    0.000000] kvm-clock: Using msrs 4b564d01 and 4b564d00" },
		{ "M23", "[    0.000000] kvm-clock: using sched offset of 58997108 cycles" },
		{ "M16", "[    0.000058] tsc: Detected 2596.124 MHz processor" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
		if (!is_message(lines[i].line, lines[i].id))
			g_error("%s: '%s'", lines[i].id, lines[i].line);
}

/* What a healthy guest prints about time when it boots: nothing worse than information. */
static void test_ordinary_boot_lines_are_no_complaint(void)
{
	static const char *const lines[] = {
		"Hypervisor detected: KVM",
		"kvm-clock: Using msrs 4b564d01 and 4b564d00",
		"clocksource: kvm-clock: mask: 0xffffffffffffffff max_cycles: 0x1cd42e4dffb, max_idle_ns: "
		"881590591483 ns",
		"tsc: Detected 2596.124 MHz processor",
		"TSC deadline timer available",
		"kvm-guest: APIC: eoi() replaced with kvm_guest_apic_eoi_write()",
		"kvm-guest: KVM setup pv remote TLB flush",
		"Booting paravirtualized kernel on KVM",
		"clocksource: refined-jiffies: mask: 0xffffffff max_cycles: 0xffffffff, max_idle_ns: "
		"7645519600211568 ns",
		"clocksource: tsc-early: mask: 0xffffffffffffffff max_cycles: 0x256beeeb689, max_idle_ns: "
		"440795338834 ns",
		"Calibrating delay loop (skipped) preset value.. 5192.24 BogoMIPS (lpj=10384496)",
		"PTP clock support registered",
		"clocksource: Switched to clocksource kvm-clock",
		"clocksource: acpi_pm: mask: 0xffffff max_cycles: 0xffffff, max_idle_ns: 2085701024 ns",
		"rtc_cmos 00:04: registered as rtc0",
		"rtc_cmos 00:04: setting system clock to 2026-11-20T18:45:01 UTC (1795200301)",
		"rtc_cmos 00:04: alarms up to one day, y3k, 242 bytes nvram",
		"sched_clock: Marking stable (428009667, 1464123)->(458351951, -28878161)",
		"workingset: timestamp_bits=36 max_order=23 bucket_order=0",
		"clk: Disabling unused clocks",
		"tsc: Refined TSC clocksource calibration: 2596.099 MHz",
		"systemd[1]: Started systemd-timesyncd.service - Network Time Synchronization.",
		"chronyd[611]: chronyd version 4.3 starting (+CMDMON +NTP +REFCLOCK +RTC)",
		"chronyd[611]: Selected source 10.0.0.1 (ntp.example)",
		"chronyd[611]: System clock TAI offset set to 37 seconds",
		"sd 0:0:0:0: [sda] Attached SCSI disk",
		"EXT4-fs (vda1): mounted filesystem with ordered data mode. Quota mode: none.",
	};

	for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autoptr(GPtrArray) found = kvt_messages_match(messages, lines[i]);

		for (guint k = 0; k < found->len; k++) {
			const struct kvt_message *message = found->pdata[k];

			if (message->severity != NULL && strcmp(message->severity, "info") != 0)
				g_error("'%s' is %s, %s", lines[i], message->id, message->severity);
		}
	}
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int status;

	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	messages = kvt_messages_load(&error);
	g_assert_no_error(error);
	g_test_add_func("/messages/every-sample", test_every_sample_is_its_message);
	g_test_add_func("/messages/none-missing", test_no_message_of_the_list_is_missing);
	g_test_add_func("/messages/real-logs", test_lines_of_real_logs);
	g_test_add_func("/messages/ordinary-boot", test_ordinary_boot_lines_are_no_complaint);
	status = g_test_run();
	kvt_messages_free(messages);
	return status;
}
