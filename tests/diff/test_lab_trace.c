/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of KVM's trace as a kernel wrote them, and others that it never would. */
#include <string.h>

#include <glib.h>

#include "lab/trace.h"

static void test_page_line_is_read(void)
{
	struct lab_trace_event event;

	g_assert_true(lab_trace_parse(
		" CPU 0/KVM-w1-7238    [001] ...1. 13961.249147: kvm_pvclock_update: vcpu_id 3, pvclock { "
		"version 10, tsc_timestamp 0x5f9187f4a0f, system_time 0x52033bfaa, tsc_to_system_mul "
		"0xde9bd37a, tsc_shift -1, flags 0x1 }",
		&event));
	g_assert_cmpint(event.kind, ==, LAB_TRACE_PAGE);
	g_assert_cmpint(event.thread, ==, 7238);
	g_assert_cmpint(event.vcpu, ==, 3);
	g_assert_cmpuint(event.version, ==, 10);
	g_assert_cmpuint(event.flags, ==, 1);
	g_assert_cmpfloat_with_epsilon(event.time_s, 13961.249147, 1e-6);
}

static void test_master_clock_line_is_read(void)
{
	struct lab_trace_event event;

	g_assert_true(lab_trace_parse("  qemu-77 [000] ..... 5.000001: kvm_update_master_clock: "
				      "masterclock 0 hostclock none offsetmatched 1",
				      &event));
	g_assert_cmpint(event.kind, ==, LAB_TRACE_MASTER_CLOCK);
	g_assert_false(event.master_clock);
	g_assert_true(event.matched);
	g_assert_cmpstr(event.host_clock, ==, "none");
	g_assert_cmpint(event.vcpu, ==, -1);
}

static void test_offset_line_is_read(void)
{
	struct lab_trace_event event;

	g_assert_true(lab_trace_parse("  x-5 [000] ..... 1.5: kvm_write_tsc_offset: vcpu=1 prev=0 "
				      "next=18446744073709551615",
				      &event));
	g_assert_cmpint(event.offset_cycles, ==, -1);
	g_assert_cmpint(event.vcpu, ==, 1);
}

static void test_other_lines_are_left_alone(void)
{
	static const char *const lines[] = {
		"",
		": kvm_track_tsc: ",
		"  x-5 [000] ..... 1.5: kvm_pio: pio_read at 0x61",
		"kvm_pvclock_update: vcpu_id 0",
		" [0] : kvm_pvclock_update: vcpu_id 0",
		"x: kvm_pvclock_update: [000]",
		"-: kvm_write_tsc_offset: ",
		"CPU:0 [LOST 17 EVENTS]",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		struct lab_trace_event event;

		memset(&event, 0x5a, sizeof(event));
		g_assert_false(lab_trace_parse(lines[i], &event));
		g_assert_cmpint(event.thread, ==, 0x5a5a5a5a);
	}
}

/* A task may call itself anything. */
static void test_any_bytes_do_no_harm(void)
{
	static const char words[][24] = { ": kvm_pvclock_update: ",
					  " [",
					  "-",
					  "1.5",
					  "vcpu_id ",
					  "hostclock ",
					  "flags ",
					  "next=",
					  ": ",
					  "9",
					  "\xff" };

	for (int i = 0; i < 100000; i++) {
		g_autoptr(GString) line = g_string_new(NULL);
		struct lab_trace_event event;

		for (int n = g_test_rand_int_range(0, 12); n > 0; n--)
			g_string_append(line, words[g_test_rand_int_range(0, G_N_ELEMENTS(words))]);
		lab_trace_parse(line->str, &event);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lab-trace/page-line-is-read", test_page_line_is_read);
	g_test_add_func("/lab-trace/master-clock-line-is-read", test_master_clock_line_is_read);
	g_test_add_func("/lab-trace/offset-line-is-read", test_offset_line_is_read);
	g_test_add_func("/lab-trace/other-lines-are-left-alone", test_other_lines_are_left_alone);
	g_test_add_func("/lab-trace/any-bytes-do-no-harm", test_any_bytes_do_no_harm);
	return g_test_run();
}
