/* SPDX-License-Identifier: BSD-2-Clause */
/* What a record of a machine full of secrets holds, and what it must not. */
#include <string.h>

#include "check/record.h"

static const char machine[] =
	"kvmtime-record 1\n"
	"= /proc/sys/kernel/hostname\n|plantedhost.planted-domain.example\n"
	"= /etc/chrony.conf\n"
	"|server ntp.planted-domain.example iburst key 7 # somebody@planted-domain.example\n"
	"|server -6 2001:db8:77::5 minpoll 4\n"
	"|pool lonelytimeserver iburst copy hunter2secret\n"
	"|server ntp.planted-domain.example\n"
	"= /kvmtime/processes\n|611 chronyd chronyd -x --password hunter2secret\n"
	"= /kvmtime/log\n"
	"|[    0.000000] Linux version 2.6.16.60-smp (root@plantedhost.planted-domain.example) #1\n"
	"|[    0.000000] Command line: password=hunter2secret tsc=reliable Clocksource tsc unstable (delta = 1 ns)\n"
	"|Nov 20 03:35:01 otherhost kernel: Clocksource tsc unstable (delta = 2 ns)\n"
	"|2026-11-20T03:35:01.12+00:00 otherhost kernel: Clocksource tsc unstable (delta = 3 ns)\n"
	"|Nov 20 03:35:02 plantedhost chronyd[611]: System clock wrong by 93.2 seconds, says "
	"203.0.113.9 (NTP.planted-domain.example) at lonelytimeserver\n"
	"|chronyd[611]: System clock wrong by 94.2 seconds 52:54:00:ab:cd:ef 2001:db8:77::5 "
	"[2001:db8:1:2:3:4:5:6] ::ffff:198.51.100.77 127.127.1.0 03:35:01 0000:00:1f.0\n"
	"|chronyd[611]: System clock wrong by 95.2 seconds 4c4c4544-0042-3510-8056-B7C04F4D3132 "
	"0123456789abcdef0123456789abcdef time.c plantedhost.\n"
	"end\n";

static char *record_of(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_root) root = kvt_record_parse(text, strlen(text), "planted", &error);
	struct kvt_answers answers;

	g_assert_no_error(error);
	kvt_answers_recorded(root, &answers);
	return kvt_record_write(root, &answers, NULL);
}

static void test_no_secret_is_told(void)
{
	static const char *const secrets[] = {
		"plantedhost",    "planted-domain",   "otherhost",     "203.0.113.9",
		"2001:db8",       "198.51.100",       "52:54:00",      "4c4c4544",
		"0123456789abcd", "lonelytimeserver", "hunter2secret", "somebody",
	};
	g_autofree char *record = record_of(machine);
	g_autofree char *small = g_ascii_strdown(record, -1);

	for (guint i = 0; i < G_N_ELEMENTS(secrets); i++)
		if (strstr(small, secrets[i]) != NULL)
			g_error("%s stands in the record:\n%s", secrets[i], record);
}

static void test_stand_ins_tell_names_apart(void)
{
	static const char *const lines[] = {
		("|server server-1 iburst key 7\n|server server-2 minpoll 4\n"
		 "|pool server-3 iburst\n|server server-1\n"),
		"|611 chronyd chronyd -x\n",
		"|[    0.000000] Linux version 2.6.16.60-smp\n",
		" kernel: Clocksource tsc unstable (delta = 2 ns)\n",
		" (server-1) at server-3\n",
		" 127.127.1.0 03:35:01 0000:00:1f.0\n",
		" UUID-1 UUID-2 time.c host-",
	};
	g_autofree char *record = record_of(machine);

	for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
		if (strstr(record, lines[i]) == NULL)
			g_error("not in the record: %s\n%s", lines[i], record);
	g_assert_null(strstr(record, "Command line"));
}

static void test_a_page_is_taken_along_as_it_was(void)
{
	/* version 2, 1 GHz, then the flags: stable */
	static const char page[] = "= /kvmtime/pvclock\nx 02000000000000000000000000000000"
				   "00000000000000000000008001010000";
	g_autofree char *text = g_strdup_printf("kvmtime-record 1\n%s\nend\n", page);
	g_autofree char *record = record_of(text);

	g_assert_nonnull(strstr(record, page));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record/no_secret_is_told", test_no_secret_is_told);
	g_test_add_func("/record/stand_ins_tell_names_apart", test_stand_ins_tell_names_apart);
	g_test_add_func("/record/a_page_is_taken_along_as_it_was",
			test_a_page_is_taken_along_as_it_was);
	return g_test_run();
}
