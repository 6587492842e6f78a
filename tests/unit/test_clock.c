/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include <kvmtime/error.h>
#include <kvmtime/hyperv.h>
#include <kvmtime/scale.h>
#include <kvmtime/xen.h>

#include "clock/dump.h"
#include "clock/live.h"
#include "clock/page.h"
#include "sys/error.h"

/* A record of a real guest (Linux 6.18 on KVM, TSC of 2596.124 MHz). */
static const guint8 record[32] = {
	0x22, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x50, 0x0a, 0xc8,
	0xd0, 0x00, 0x00, 0x00, 0x00, 0xe9, 0xc8, 0x49, 0x50, 0x00, 0x00,
	0x00, 0x00, 0xb0, 0x92, 0x37, 0xc5, 0xff, 0x01, 0x00, 0x00,
};

/* ---- dumps ---- */

static void expect_bytes(const GByteArray *bytes, gsize size)
{
	g_assert_cmpuint(bytes->len, ==, size);
	g_assert_true(memcmp(bytes->data, record, size) == 0);
}

static void expect_record(const char *text)
{
	GError *error = NULL;
	GByteArray *bytes = kvt_dump_parse(text, strlen(text), &error);

	g_assert_no_error(error);
	expect_bytes(bytes, sizeof(record));
	g_byte_array_unref(bytes);
}

static void expect_refusal(const char *text, const char *words)
{
	GError *error = NULL;

	g_assert_null(kvt_dump_parse(text, strlen(text), &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	if (strstr(error->message, words) == NULL)
		g_error("'%s' does not say '%s'", error->message, words);
	g_error_free(error);
}

/* Each as its tool printed it. */
static void test_dump_of_every_tool_gives_the_same_bytes(void)
{
	expect_record("2200000000000000500ac8d000000000e9c8495000000000b09237c5ff010000");
	expect_record("# a note\n22 00 00 00 0000 0000 500AC8D0 00000000\r\n\n"
		      "\te9c84950 00000000 b09237c5 ff 01 00 00\n");
	expect_record("00000000: 2200 0000 0000 0000 500a c8d0 0000 0000  \".......P.......\n"
		      "00000010: e9c8 4950 0000 0000 b092 37c5 ff01 0000  ..IP..  ..7.....\n");
	expect_record("00001000: 2200 0000 0000 0000 500a c8d0 0000 0000  \".......P.......\n"
		      "00001010: e9c8 4950 0000 0000 b092 37c5 ff01 0000  ..IP......7.....\n");
	expect_record(
		"00000000  22 00 00 00 00 00 00 00  50 0a c8 d0 00 00 00 00  |\".......P.......|\n"
		"00000010  e9 c8 49 50 00 00 00 00  b0 92 37 c5 ff 01 00 00  |..IP......7.....|\n"
		"00000020\n");
	expect_record("0000000 0022 0000 0000 0000 0a50 d0c8 0000 0000\n"
		      "0000010 c8e9 5049 0000 0000 92b0 c537 01ff 0000\n"
		      "0000020\n");
	expect_record("0000000 22 00 00 00 00 00 00 00 50 0a c8 d0 00 00 00 00\n"
		      "0000020 e9 c8 49 50 00 00 00 00 b0 92 37 c5 ff 01 00 00\n"
		      "0000040\n");
	expect_record(
		"000000 22 00 00 00 00 00 00 00 50 0a c8 d0 00 00 00 00  >\".......P.......<\n"
		"000010 e9 c8 49 50 00 00 00 00 b0 92 37 c5 ff 01 00 00  >..IP......7.....<\n"
		"000020\n");
	expect_record("0000000 0000000000000022 00000000d0c80a50\n"
		      "0000020 000000005049c8e9 000001ffc53792b0\n"
		      "0000040\n");
	expect_record("0x7ffe1230 <hv_clock>:\t0x22\t0x00\t0x00\t0x00\t0x00\t0x00\t0x00\t0x00\n"
		      "0x7ffe1238 <hv_clock+8>:\t0x50\t0x0a\t0xc8\t0xd0\t0x00\t0x00\t0x00\t0x00\n"
		      "0x7ffe1240:\t0xe9\t0xc8\t0x49\t0x50\t0x00\t0x00\t0x00\t0x00\n"
		      "0x7ffe1248:\t0xb0\t0x92\t0x37\t0xc5\t0xff\t0x01\t0x00\t0x00\n");
	expect_record("0x7ffe1230:\t0x0000000000000022\t0x00000000d0c80a50\n"
		      "0x7ffe1240:\t0x000000005049c8e9\t0x000001ffc53792b0\n");
	expect_record("unsigned char x[] = {\n"
		      "  0x22, 0x0, 0x0, 0x00,0x00000000, 0x50, 0x0a, 0xc8, 0xd0, 0x00000000,\n"
		      "  0xe9,0xc8,0x49,0x50, 0x00000000, 0xc53792b0, 0xff, 0x1, 0x0, 0x0\n};\n"
		      "unsigned int x_len = 32;\n");
}

static void test_star_repeats_the_line_before(void)
{
	const char *const dumps[] = {
		"00000000  22 00 00 00 00 00 00 00  50 0a c8 d0 00 00 00 00  |*|\n"
		"00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |.|\n*\n00001000\n",
		"0000000 22 00 00 00 00 00 00 00 50 0a c8 d0 00 00 00 00\n"
		"0000020 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n*\n0010000\n",
	};

	for (guint i = 0; i < G_N_ELEMENTS(dumps); i++) {
		GError *error = NULL;
		GByteArray *bytes = kvt_dump_parse(dumps[i], strlen(dumps[i]), &error);

		g_assert_no_error(error);
		g_assert_cmpuint(bytes->len, ==, 4096);
		g_assert_true(memcmp(bytes->data, record, 16) == 0);
		g_assert_cmpuint(bytes->data[4095], ==, 0);
		g_byte_array_unref(bytes);
	}
	expect_refusal("00000000  00 00\n*\nffffffff\n", "repeats no line");
	expect_refusal("00000000  00 00\n*\n", "ends with '*'");
	expect_refusal("00 00\n*\n", "without offsets");
	expect_refusal("00000000  00 00\n*\n00 11\n", "has to follow");
}

static void test_bytes_that_are_no_text_are_taken_as_they_are(void)
{
	GByteArray *bytes = kvt_dump_parse((const char *)record, sizeof(record), NULL);

	expect_bytes(bytes, sizeof(record));
	g_byte_array_unref(bytes);
}

static void test_what_is_wrong_in_a_dump_is_said_with_its_line(void)
{
	GError *error = NULL;

	expect_refusal("", "nothing in it");
	expect_refusal("\n \n# only a note\n", "no bytes");
	expect_refusal("00 11\n22 zz\n", "line 2: 'zz' is not hexadecimal");
	expect_refusal("001\n", "odd number");
	expect_refusal("0x\n", "not hexadecimal");
	expect_refusal("0x112233\n", "no number of");
	expect_refusal("00000000: 2200\n00000010: 2200\n", "line 2: a gap");
	expect_refusal("0000000 000042 000000\n", "octal");
	expect_refusal("00 11\n00000010: 2200\n", "none on the lines before");
	{
		g_autofree char *big = g_malloc(2 * KVT_DUMP_BYTES + 3);

		memset(big, '0', 2 * KVT_DUMP_BYTES + 2);
		big[2 * KVT_DUMP_BYTES + 2] = '\0';
		expect_refusal(big, "more than 65536 bytes");
		memset(big, 1, KVT_DUMP_BYTES + 1);
		g_assert_null(kvt_dump_parse(big, KVT_DUMP_BYTES + 1, &error));
		g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
		g_error_free(error);
	}
}

/* ---- which page ---- */

static void expect_type(const void *bytes, gsize size, enum kvt_page_type want)
{
	GError *error = NULL;
	enum kvt_page_type type;
	const char *how;

	g_assert_true(kvt_page_recognise(bytes, size, &type, &how, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(kvt_page_name(type), ==, kvt_page_name(want));
	g_assert_nonnull(how);
}

static void expect_unknown(const void *bytes, gsize size, const char *words)
{
	GError *error = NULL;
	enum kvt_page_type type;
	const char *how;

	g_assert_false(kvt_page_recognise(bytes, size, &type, &how, &error));
	g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
	if (strstr(error->message, words) == NULL)
		g_error("'%s' does not say '%s'", error->message, words);
	g_error_free(error);
}

static void test_each_page_is_told_by_what_only_it_has(void)
{
	const struct pvclock_wall_clock wall = { .version = 2, .sec = 1700000000, .nsec = 5 };
	const struct kvm_steal_time steal = { .steal = UINT64_C(123456789012),
					      .version = 8,
					      .preempted = 1 };
	const struct kvm_clock_pairing pairing = { .sec = 1800000000,
						   .nsec = 999999999,
						   .tsc = UINT64_C(0x123456789ab) };
	const struct vmclock_abi vmclock = { .magic = VMCLOCK_MAGIC, .size = 4096, .version = 1 };
	struct ms_hyperv_tsc_page hyperv;
	guint8 page[4096] = { 0 };

	g_assert_cmpint(kvt_hyperv_make(2596124000, 1000, 5000, &hyperv), ==, 0);
	expect_type(record, 32, KVT_PAGE_PVCLOCK);
	expect_type(&wall, 12, KVT_PAGE_WALL_CLOCK);
	expect_type(&steal, 64, KVT_PAGE_STEAL_TIME);
	expect_type(&pairing, 64, KVT_PAGE_PAIRING);
	expect_type(&vmclock, sizeof(vmclock), KVT_PAGE_VMCLOCK);
	expect_type(&hyperv, 24, KVT_PAGE_HYPERV);
	memcpy(page, &hyperv, sizeof(hyperv));
	expect_type(page, 4096, KVT_PAGE_HYPERV);
	memset(page, 0, 64);
	memcpy(page, record, 32);
	expect_type(page, 64, KVT_PAGE_PVCLOCK);
	memcpy(page + 64, record, 32);
	expect_type(page, 4096, KVT_PAGE_PVCLOCK);
	memset(page, 0, sizeof(page));
	memcpy(page + XEN_VCPU_INFO_TIME, record, 32);
	expect_type(page, 64, KVT_PAGE_XEN);
}

static void test_what_is_not_certain_is_not_guessed(void)
{
	guint8 bytes[64] = { 0 };

	expect_unknown(bytes, 64, "all 64 bytes are zero");
	expect_unknown(record, 31, "pvclock (32, 64 or 4096 bytes)");
	memcpy(bytes, record, 32);
	bytes[27] = 0x45; /* a multiplier that is not normalised */
	expect_unknown(bytes, 32, "--as TYPE");
	memset(bytes, 0xff, sizeof(bytes));
	expect_unknown(bytes, 64, "look like none of");
	expect_unknown(bytes, 1, "look like none of");
}

/* ---- what it says ---- */

static const struct kvt_row *row_of(const GPtrArray *rows, const char *name)
{
	for (guint i = 0; i < rows->len; i++) {
		const struct kvt_row *row = rows->pdata[i];

		if (strcmp(row->name, name) == 0)
			return row;
	}
	g_error("no row %s", name);
}

static void test_pvclock_record_gives_rate_error_value_and_age(void)
{
	const struct kvt_page_context context = {
		.tsc_cycles = UINT64_C(3502770768) + 2596124000,
		.khz = 2596124,
		.khz_source = "test",
		.stable_known = true,
	};
	g_autoptr(kvt_record) got =
		kvt_page_describe(KVT_PAGE_PVCLOCK, record, sizeof(record), &context, NULL);

	g_assert_cmpuint(row_of(got->fields, "tsc_timestamp")->u64, ==, 3502770768);
	g_assert_cmpint(row_of(got->fields, "tsc_shift")->i64, ==, -1);
	g_assert_cmpfloat_with_epsilon(row_of(got->derived, "tsc_khz")->number, 2596124.001,
				       0.0006);
	g_assert_cmpfloat(row_of(got->derived, "rate_error_ppb")->number, <, 0);
	g_assert_cmpfloat(row_of(got->derived, "rate_error_ppb")->number, >, -0.5);
	g_assert_cmpint(row_of(got->derived, "base_age_ns")->i64, ==, 999999999);
	g_assert_cmpuint(row_of(got->derived, "value_ns")->u64, ==, 1347012841u + 999999999u);
	g_assert_cmpuint(row_of(got->flags, "stable")->u64, ==, 1);
	/* set, but CPUID was asked and does not offer it */
	g_assert_true(row_of(got->flags, "stable")->warns);
	g_assert_false(row_of(got->flags, "stopped")->warns);
}

static void test_every_flag_says_what_it_means(void)
{
	for (unsigned flags = 0; flags < 256; flags++) {
		const struct kvt_page_context context = { .live = (flags & 128) != 0 };
		guint8 bytes[32];
		g_autoptr(kvt_record) got = NULL;

		memcpy(bytes, record, sizeof(bytes));
		bytes[29] = (guint8)flags;
		got = kvt_page_describe(KVT_PAGE_PVCLOCK, bytes, sizeof(bytes), &context, NULL);
		g_assert_cmpint(row_of(got->flags, "stable")->warns, ==, (flags & 1) == 0);
		g_assert_cmpint(row_of(got->flags, "stopped")->warns, ==, (flags & 2) != 0);
		for (guint i = 0; i < got->flags->len; i++)
			g_assert_nonnull(((const struct kvt_row *)got->flags->pdata[i])->meaning);
		if ((flags & 0xf8) != 0)
			g_assert_cmphex(row_of(got->flags, "unknown")->u64, ==, flags & 0xf8);
	}
}

static void test_record_that_was_being_written_is_shown_with_a_warning(void)
{
	const struct kvt_page_context context = { .tsc_cycles = 5000000000 };
	guint8 bytes[32];
	g_autoptr(kvt_record) got = NULL;

	memcpy(bytes, record, sizeof(bytes));
	bytes[0] = 0x23;
	got = kvt_page_describe(KVT_PAGE_PVCLOCK, bytes, sizeof(bytes), &context, NULL);
	g_assert_true(row_of(got->fields, "version")->warns);
	g_assert_cmpuint(row_of(got->derived, "value_ns")->u64, >, 1347012841);
}

static void test_forced_type_that_cannot_be_is_an_error_with_the_sizes(void)
{
	const struct kvt_page_context context = { 0 };
	GError *error = NULL;

	for (guint t = 0; t < KVT_PAGE_TYPES; t++) {
		g_assert_null(
			kvt_page_describe((enum kvt_page_type)t, record, 3, &context, &error));
		g_assert_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT);
		g_assert_nonnull(strstr(error->message, kvt_page_wants((enum kvt_page_type)t)));
		g_clear_error(&error);
	}
}

static void test_times_are_dates(void)
{
	const struct kvt_page_context context = { 0 };
	const struct pvclock_wall_clock wall = { .version = 2, .sec = 1700000000, .nsec = 5 };
	const struct kvm_clock_pairing pairing = { .sec = INT64_MAX, .nsec = 7, .tsc = 1 };
	g_autoptr(kvt_record) first =
		kvt_page_describe(KVT_PAGE_WALL_CLOCK, (const guint8 *)&wall, 12, &context, NULL);
	g_autoptr(kvt_record) second =
		kvt_page_describe(KVT_PAGE_PAIRING, (const guint8 *)&pairing, 64, &context, NULL);

	g_assert_cmpstr(row_of(first->derived, "utc_at_system_time_0")->text, ==,
			"2023-11-14T22:13:20.000000005Z");
	g_assert_cmpstr(row_of(second->derived, "host_utc")->text, ==, "beyond the calendar");
}

/* ---- a recorded machine ---- */

static void test_recorded_machine_is_shown_without_its_kernel(void)
{
	g_autofree char *dir = g_dir_make_tmp("kvt-XXXXXX", NULL);
	g_autofree char *folder = g_build_filename(dir, "kvmtime", NULL);
	g_autofree char *file = g_build_filename(folder, "pvclock", NULL);
	g_autofree char *command = g_strdup_printf("rm -rf %s", dir);
	g_autoptr(kvt_root) root = kvt_root_open(dir, NULL);
	g_autoptr(kvt_live) live = NULL;

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(file, (const char *)record, sizeof(record), NULL));
	live = kvt_live_open(root, &kvt_calls_none, 0);
	for (int i = 0; i < 2; i++) {
		kvt_live_look(live);
		g_assert_nonnull(live->pvclock);
		g_assert_cmpuint(live->vcpus->len, ==, 1);
		g_assert_true(kvt_live_in_step(live));
		g_assert_cmpint(live->value_clock, ==, -1);
		g_assert_cmpint(live->clocks[KVT_LIVE_RAW].error, ==, -KVT_E_ABSENT);
		g_assert_null(live->clocksource);
		g_assert_cmpuint(live->refused, ==, 0);
		g_assert_false(kvt_live_refused(live));
	}
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/clock/" #name, test_##name)
	ADD(dump_of_every_tool_gives_the_same_bytes);
	ADD(star_repeats_the_line_before);
	ADD(bytes_that_are_no_text_are_taken_as_they_are);
	ADD(what_is_wrong_in_a_dump_is_said_with_its_line);
	ADD(each_page_is_told_by_what_only_it_has);
	ADD(what_is_not_certain_is_not_guessed);
	ADD(pvclock_record_gives_rate_error_value_and_age);
	ADD(every_flag_says_what_it_means);
	ADD(record_that_was_being_written_is_shown_with_a_warning);
	ADD(forced_type_that_cannot_be_is_an_error_with_the_sizes);
	ADD(times_are_dates);
	ADD(recorded_machine_is_shown_without_its_kernel);
#undef ADD
	return g_test_run();
}
