/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot lines and settings: text in, text out, everything else untouched. */
#include <locale.h>
#include <string.h>

#include "fix/boot.h"
#include "fix/settings.h"
#include "operands.h"
#include "sys/error.h"
#include "sys/module.h"

#define ADD(word)          \
	{                  \
		true, word \
	}
#define DROP(word)          \
	{                   \
		false, word \
	}

static void same(const char *got, const char *want)
{
	g_assert_cmpstr(got, ==, want);
}

static void words(const char *text, struct kvt_word_op op, const char *want)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *got = kvt_words_edit(text, &op, 1, &error);

	g_assert_no_error(error);
	same(got, want);
}

static void test_words_are_removed_with_their_space(void)
{
	words("ro quiet notsc rhgb", (struct kvt_word_op)DROP("notsc"), "ro quiet rhgb");
	words("notsc ro", (struct kvt_word_op)DROP("notsc"), "ro");
	words("ro notsc", (struct kvt_word_op)DROP("notsc"), "ro");
	words("notsc", (struct kvt_word_op)DROP("notsc"), "");
	words("ro notscx xnotsc", (struct kvt_word_op)DROP("notsc"), "ro notscx xnotsc");
	words("clock=x clocksource=hpet a clocksource=tsc", (struct kvt_word_op)DROP("clocksource"),
	      "clock=x a");
	words("tsc=reliable tsc=noirqtime", (struct kvt_word_op)DROP("tsc=reliable"),
	      "tsc=noirqtime");
	words("a=1   a=2 b", (struct kvt_word_op)DROP("a"), "b");
}

static void test_words_are_added_once(void)
{
	words("ro quiet", (struct kvt_word_op)ADD("notsc"), "ro quiet notsc");
	words("ro notsc quiet", (struct kvt_word_op)ADD("notsc"), "ro notsc quiet");
	words("processor.max_cstate=9 ro", (struct kvt_word_op)ADD("processor.max_cstate=1"),
	      "processor.max_cstate=1 ro");
	words("", (struct kvt_word_op)ADD("notsc"), "notsc");
	words("ro  ", (struct kvt_word_op)ADD("notsc"), "ro notsc  ");
}

static void test_words_of_init_are_left_alone(void)
{
	words("ro -- notsc", (struct kvt_word_op)DROP("notsc"), "ro -- notsc");
	words("ro -- single", (struct kvt_word_op)ADD("notsc"), "ro notsc -- single");
	words("-- single", (struct kvt_word_op)ADD("notsc"), "notsc -- single");
}

static void test_words_in_quotes_stay_together(void)
{
	words("dyndbg=\"file a.c +p; notsc\" notsc", (struct kvt_word_op)DROP("notsc"),
	      "dyndbg=\"file a.c +p; notsc\"");
}

/* Words of few letters, many wishes: the edited text must parse to what the list says. */
static void test_any_wish_on_any_words_reads_back(void)
{
	static const char *const pieces[] = { "a",  "a=1", "a=",      "b", "ab",
					      "--", "-x",  "\"q r\"", "=" };
	static const char *const gaps[] = { " ", "  ", "\t", " \\\n  ", "\\\n" };

	for (int round = 0; round < 20000; round++) {
		g_autoptr(GString) text = g_string_new(NULL);
		const unsigned length = (unsigned)operand() % 7;
		struct kvt_word_op ops[2];
		g_autofree char *got = NULL;

		for (unsigned i = 0; i < length; i++) {
			g_string_append(text, gaps[(unsigned)operand() % G_N_ELEMENTS(gaps)]);
			g_string_append(text, pieces[(unsigned)operand() % G_N_ELEMENTS(pieces)]);
		}
		for (int i = 0; i < 2; i++)
			ops[i] = (struct kvt_word_op){ operand() % 2,
						       pieces[(unsigned)operand() % 5] };
		got = kvt_words_edit(text->str, ops, 2, NULL);
		if (got == NULL)
			g_error("'%s' with %d%s %d%s", text->str, ops[0].add, ops[0].word,
				ops[1].add, ops[1].word);
	}
}

/* ---- which kernel knows which word ---- */

static void knows(const char *release, const char *arch, const char *word, bool want)
{
	g_autoptr(GError) error = NULL;
	struct kvt_kernel kernel;

	g_assert_true(kvt_kernel_parse(release, arch, &kernel));
	if (kvt_words_check(word, &kernel, &error) != want)
		g_error("%s %s %s: %s", release, arch, word,
			error != NULL ? error->message : "taken");
}

static void test_no_word_is_added_that_the_kernel_does_not_know(void)
{
	knows("2.6.32-358.el6.x86_64", "x86_64", "clocksource_failover", true);
	knows("3.10.0-1160.el7.x86_64", "x86_64", "clocksource_failover", false);
	knows("6.1.0-18-amd64", "x86_64", "clocksource_failover", false);
	knows("2.6.32-358.el6.x86_64", "x86_64", "intel_idle.max_cstate=0", true);
	knows("2.6.18-159.el5", "x86_64", "intel_idle.max_cstate=0", false);
	knows("2.6.18-159.el5", "x86_64", "processor.max_cstate=1", true);
	knows("2.6.9-89.EL", "i686", "clock=pmtmr", true);
	knows("2.6.9-89.EL", "x86_64", "clock=pmtmr", false);
	knows("2.6.9-89.EL", "i686", "clocksource=acpi_pm", false);
	knows("2.6.18-128.el5", "i686", "clocksource=acpi_pm", true);
	knows("2.6.18-128.el5", "x86_64", "clocksource=acpi_pm", false);
	knows("4.18.0-147.el8.x86_64", "x86_64", "tsc=nowatchdog", false);
	knows("5.14.0-70.el9.x86_64", "x86_64", "tsc=nowatchdog", true);
	knows("6.1.0-18-amd64", "x86_64", "emergency", false);
	knows("6.1.0-18-amd64", "x86_64", "divider=10", false);
}

/* ---- GRUB legacy: the boot entries that the mission's documents print ---- */

/* Document 000: continued by a backslash, no newline at the end of the file. */
#define DOCUMENT_0                                             \
	"title Red Hat Enterprise Linux (2.6.32-330.x86_64)\n" \
	"        root (hd0,0)\n"                               \
	"\tkernel /vmlinuz-2.6.32-330.x86_64 ro root=/dev/VolGroup00/LogVol00 rhgb quiet"
#define DOCUMENT_0_END " \\\n   processor.max_cstate=1"

/* Document 001, both lines ("term" is its translation of title). */
#define DOCUMENT_1                                                \
	"term Red Hat Enterprise Linux Server (2.6.18-159.el5)\n" \
	"        root (hd0,0)\n"                                  \
	"    kernel /vmlinuz-2.6.18-159.el5 ro root=/dev/VolGroup00/LogVol00 rhgb quiet"
#define DOCUMENT_1_SECOND                                                                  \
	"kernel /vmlinuz-2.6.32-358.18.1.el6.x86_64 ro root=UUID=a4eea0d1-3150-4b3f-bc4b-" \
	"204413280ac7 <\xe5\x85\xb6\xe4\xbb\x96\xe5\x86\x85\xe6\xa0\xb8\xe5\x8f\x82\xe6\x95\xb0>"

static void legacy(const char *text, struct kvt_word_op op, const char *want)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *got = kvt_grub_legacy_edit(text, &op, 1, &error);

	g_assert_no_error(error);
	same(got, want);
}

static void test_document_0_with_its_continued_line(void)
{
	legacy(DOCUMENT_0 DOCUMENT_0_END, (struct kvt_word_op)DROP("processor.max_cstate"),
	       DOCUMENT_0);
	legacy(DOCUMENT_0 DOCUMENT_0_END, (struct kvt_word_op)ADD("processor.max_cstate=1"),
	       DOCUMENT_0 DOCUMENT_0_END);
	legacy(DOCUMENT_0 DOCUMENT_0_END, (struct kvt_word_op)ADD("intel_idle.max_cstate=0"),
	       DOCUMENT_0 DOCUMENT_0_END " intel_idle.max_cstate=0");
	legacy(DOCUMENT_0 DOCUMENT_0_END "\n", (struct kvt_word_op)ADD("notsc"),
	       DOCUMENT_0 DOCUMENT_0_END " notsc\n");
	legacy(DOCUMENT_0, (struct kvt_word_op)ADD("processor.max_cstate=1"),
	       DOCUMENT_0 " processor.max_cstate=1");
}

static void test_both_boot_lines_of_document_1(void)
{
	legacy(DOCUMENT_1 " processor.max_cstate=1\n",
	       (struct kvt_word_op)DROP("processor.max_cstate"), DOCUMENT_1 "\n");
	legacy(DOCUMENT_1 "\n", (struct kvt_word_op)ADD("processor.max_cstate=1"),
	       DOCUMENT_1 " processor.max_cstate=1\n");
	legacy(DOCUMENT_1_SECOND " clocksource_failover=acpi_pm\n",
	       (struct kvt_word_op)DROP("clocksource_failover"), DOCUMENT_1_SECOND "\n");
}

static void test_every_linux_entry_and_no_other_is_edited(void)
{
	legacy("default=0\n# kernel /vmlinuz-old a\ntitle A\n\tkernel /vmlinuz-1 ro notsc\n\tinitrd /i\n"
	       "title memtest\n\tkernel /memtest86+.bin notsc\n"
	       "title B\n\tkernel --no-mem-option (hd0,0)/boot/vmlinuz-2 ro notsc # x\n"
	       "title Xen\n\tkernel /xen.gz notsc\n\tmodule /vmlinuz-3xen ro notsc\n\tmodule /initrd notsc\n",
	       (struct kvt_word_op)DROP("notsc"),
	       "default=0\n# kernel /vmlinuz-old a\ntitle A\n\tkernel /vmlinuz-1 ro\n\tinitrd /i\n"
	       "title memtest\n\tkernel /memtest86+.bin notsc\n"
	       "title B\n\tkernel --no-mem-option (hd0,0)/boot/vmlinuz-2 ro # x\n"
	       "title Xen\n\tkernel /xen.gz notsc\n\tmodule /vmlinuz-3xen ro\n\tmodule /initrd notsc\n");
	legacy("\tkernel /vmlinuz\r\n", (struct kvt_word_op)ADD("notsc"),
	       "\tkernel /vmlinuz notsc\r\n");
}

static void test_boot_files_that_cannot_be_edited_are_refused(void)
{
	static const struct kvt_word_op op = ADD("notsc");
	static const char *const bad[] = { "", "title x\n", "kernel /memtest86 a\n",
					   "kernel /vmlinuz a \\" };

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(kvt_grub_legacy_edit(bad[i], &op, 1, &error));
		g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	}
}

/* ---- entries of the Boot Loader Specification, GRUB environment, cmdline file ---- */

static void test_loader_entry_options(void)
{
	static const struct kvt_word_op add = ADD("notsc"), drop = DROP("clocksource");
	static const char entry[] =
		"title x\nlinux /vmlinuz-5\noptions root=/dev/sda1 clocksource=hpet ro\n";
	bool env;
	g_autofree char *one = kvt_loader_entry_edit(entry, &drop, 1, &env, NULL);
	g_autofree char *two = kvt_loader_entry_edit("options a\noptions b\n", &add, 1, &env, NULL);
	g_autofree char *three =
		kvt_loader_entry_edit("options $kernelopts notsc\n", &drop, 1, &env, NULL);

	same(one, "title x\nlinux /vmlinuz-5\noptions root=/dev/sda1 ro\n");
	same(two, "options a\noptions b notsc\n");
	same(three, "options $kernelopts notsc\n");
	g_assert_true(env);
	g_assert_null(kvt_loader_entry_edit("title x\n", &add, 1, &env, NULL));
}

static char *block(const char *variables)
{
	g_autofree char *filler = g_strnfill(1024, '#');
	g_autofree char *whole = g_strconcat("# GRUB Environment Block\n", variables, filler, NULL);

	return g_strndup(whole, 1024);
}

static void test_grub_environment_keeps_its_size(void)
{
	static const struct kvt_word_op drop = DROP("notsc");
	g_autofree char *long_word = g_strnfill(1000, 'x');
	const struct kvt_word_op add = ADD(long_word);
	g_autofree char *old =
		block("saved_entry=a\nkernelopts=root=/dev/sda1 notsc ro\nboot_success=1\n");
	g_autofree char *want =
		block("saved_entry=a\nkernelopts=root=/dev/sda1 ro\nboot_success=1\n");
	g_autofree char *got = kvt_grubenv_edit(old, &drop, 1, NULL);
	g_autoptr(GError) error = NULL;

	same(got, want);
	g_assert_null(kvt_grubenv_edit(old, &add, 1, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	g_assert_null(kvt_grubenv_edit("garbage", &drop, 1, NULL));
	g_assert_null(kvt_grubenv_edit("", &drop, 1, NULL));
}

static void test_cmdline_file(void)
{
	static const struct kvt_word_op drop = DROP("notsc");
	g_autofree char *got = kvt_cmdline_file_edit("root=/dev/sda1 notsc ro\n", &drop, 1, NULL);

	same(got, "root=/dev/sda1 ro\n");
	g_assert_null(kvt_cmdline_file_edit("a\nb\n", &drop, 1, NULL));
}

/* ---- settings, by Augeas ---- */

static bool no_module(void)
{
	g_autoptr(GError) error = NULL;

	if (kvt_module_load("fix", "kvmtime-fix", &error) != NULL)
		return false;
	g_test_skip(error->message);
	return true;
}

static void got(char *text, GError **error, const char *want)
{
	g_assert_no_error(*error);
	same(text, want);
	g_free(text);
}

static void refused(char *text, GError **error)
{
	g_assert_null(text);
	g_assert_error(*error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	g_clear_error(error);
}

static void test_shell_settings(void)
{
	static const struct kvt_word_op ops[] = { DROP("notsc"), ADD("processor.max_cstate=1") };
	static const struct kvt_word_op slew = DROP("-x");
	GError *e = NULL;

	if (no_module())
		return;
	got(kvt_shell_words("# top\nGRUB_CMDLINE_LINUX=\"quiet notsc\"   # keep\nX=1\n",
			    "GRUB_CMDLINE_LINUX", ops, 2, true, &e),
	    &e, "# top\nGRUB_CMDLINE_LINUX=\"quiet processor.max_cstate=1\"   # keep\nX=1\n");
	got(kvt_shell_words("GRUB_CMDLINE_LINUX=notsc\n", "GRUB_CMDLINE_LINUX", ops, 2, true, &e),
	    &e, "GRUB_CMDLINE_LINUX=processor.max_cstate=1\n");
	got(kvt_shell_words("GRUB_CMDLINE_LINUX=a", "GRUB_CMDLINE_LINUX", ops, 2, true, &e), &e,
	    "GRUB_CMDLINE_LINUX=\"a processor.max_cstate=1\"\n");
	got(kvt_shell_words("X=1\n", "GRUB_CMDLINE_LINUX", ops, 2, true, &e), &e,
	    "X=1\nGRUB_CMDLINE_LINUX=processor.max_cstate=1\n");
	got(kvt_shell_words("A='x'\nA='y notsc'\n", "A", ops, 2, true, &e), &e,
	    "A='x'\nA='y processor.max_cstate=1'\n");
	got(kvt_shell_words("A=\"notsc\"\n", "A", ops, 2, false, &e), &e, "A=\"\"\n");
	got(kvt_shell_words("OPTIONS=\"-x -u ntp:ntp\" # o\n", "OPTIONS", &slew, 1, false, &e), &e,
	    "OPTIONS=\"-u ntp:ntp\" # o\n");
	got(kvt_shell_set("# c\nMIN_SPEED=\nMAX_SPEED=1000\n", "MIN_SPEED", "2600000", &e), &e,
	    "# c\nMIN_SPEED=2600000\nMAX_SPEED=1000\n");
	got(kvt_shell_set("A=\"frequency-set -g ondemand\"\n", "A", "frequency-set -g performance",
			  &e),
	    &e, "A=\"frequency-set -g performance\"\n");
	got(kvt_shell_list_remove("BLACKLIST_RPC=guest-set-time,guest-exec # x\n", "BLACKLIST_RPC",
				  "guest-set-time", &e),
	    &e, "BLACKLIST_RPC=guest-exec # x\n");
}

static void test_shell_values_that_cannot_be_split_are_refused(void)
{
	static const struct kvt_word_op drop = DROP("notsc");
	GError *e = NULL;

	if (no_module())
		return;
	refused(kvt_shell_words("A=\"a \\\" notsc\"\n", "A", &drop, 1, true, &e), &e);
	refused(kvt_shell_words("A=\"$(date) notsc\"\n", "A", &drop, 1, true, &e), &e);
	refused(kvt_shell_words("A=b\nthis is no shell variable file )(\n", "A", &drop, 1, true,
				&e),
		&e);
}

static void test_chrony_settings(void)
{
	GError *e = NULL;

	if (no_module())
		return;
	got(kvt_chrony_makestep("pool p.example iburst\n# steps\nmakestep 1.0 3\nrtcsync\n", "1.0",
				"-1", &e),
	    &e, "pool p.example iburst\n# steps\nmakestep 1.0 -1\nrtcsync\n");
	got(kvt_chrony_makestep("pool p.example iburst\nrtcsync", "1.0", "-1", &e), &e,
	    "pool p.example iburst\nrtcsync\nmakestep 1.0 -1\n");
	/* an option that the lens does not know */
	got(kvt_chrony_makestep("server x.example maxdelay 0.1\nmakestep 1 3\n", "1.0", "-1", &e),
	    &e, "server x.example maxdelay 0.1\nmakestep 1.0 -1\n");
	got(kvt_chrony_phc("pool p.example\n", "/dev/ptp0", &e), &e,
	    "pool p.example\nrefclock PHC /dev/ptp0 poll 2 dpoll -2 offset 0\n");
	got(kvt_chrony_phc("refclock  PHC /dev/ptp0 poll 3\n", "/dev/ptp0", &e), &e,
	    "refclock  PHC /dev/ptp0 poll 3\n");
}

static void test_ntp_settings(void)
{
	GError *e = NULL;

	if (no_module())
		return;
	got(kvt_ntp_panic_off("# a\ndriftfile /x\nserver s.example\n", &e), &e,
	    "tinker panic 0\n# a\ndriftfile /x\nserver s.example\n");
	got(kvt_ntp_panic_off("tinker panic 1000\nserver s.example\n", &e), &e,
	    "tinker panic 0\nserver s.example\n");
	got(kvt_ntp_no_local_clock(
		    "server a.example\nserver 127.127.1.0 # local\nfudge 127.127.1.0 stratum 10\n",
		    &e),
	    &e, "server a.example\n");
	got(kvt_ntp_no_true("server a.example iburst true\nserver b.example\n", &e), &e,
	    "server a.example iburst\nserver b.example\n");
}

static void test_modprobe_settings(void)
{
	GError *e = NULL;

	if (no_module())
		return;
	got(kvt_modprobe_no_option("# x\noptions kvm ignore_msrs=1 report_ignored_msrs=0 # y\n",
				   "kvm", "ignore_msrs", &e),
	    &e, "# x\noptions kvm report_ignored_msrs=0 # y\n");
	got(kvt_modprobe_no_option("options kvm ignore_msrs=1\nalias a b\n", "kvm", "ignore_msrs",
				   &e),
	    &e, "alias a b\n");
	got(kvt_modprobe_no_option("options kvm_intel nested=1\n", "kvm", "ignore_msrs", &e), &e,
	    "options kvm_intel nested=1\n");
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/edit/words-removed", test_words_are_removed_with_their_space);
	g_test_add_func("/edit/words-added-once", test_words_are_added_once);
	g_test_add_func("/edit/words-of-init-left-alone", test_words_of_init_are_left_alone);
	g_test_add_func("/edit/words-in-quotes", test_words_in_quotes_stay_together);
	g_test_add_func("/edit/any-wish-reads-back", test_any_wish_on_any_words_reads_back);
	g_test_add_func("/edit/no-word-unknown-to-the-kernel",
			test_no_word_is_added_that_the_kernel_does_not_know);
	g_test_add_func("/edit/document-0", test_document_0_with_its_continued_line);
	g_test_add_func("/edit/document-1", test_both_boot_lines_of_document_1);
	g_test_add_func("/edit/every-linux-entry", test_every_linux_entry_and_no_other_is_edited);
	g_test_add_func("/edit/boot-files-refused",
			test_boot_files_that_cannot_be_edited_are_refused);
	g_test_add_func("/edit/loader-entry", test_loader_entry_options);
	g_test_add_func("/edit/grub-environment", test_grub_environment_keeps_its_size);
	g_test_add_func("/edit/cmdline-file", test_cmdline_file);
	g_test_add_func("/edit/shell", test_shell_settings);
	g_test_add_func("/edit/shell-refused", test_shell_values_that_cannot_be_split_are_refused);
	g_test_add_func("/edit/chrony", test_chrony_settings);
	g_test_add_func("/edit/ntp", test_ntp_settings);
	g_test_add_func("/edit/modprobe", test_modprobe_settings);
	return g_test_run();
}
