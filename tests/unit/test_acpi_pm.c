/* SPDX-License-Identifier: BSD-2-Clause */
#include <glib.h>

#include <kvmtime/devices/acpi_pm.h>
#include <kvmtime/error.h>

#include "operands.h"

#define S UINT64_C(1000000000)

static void test_counts_at_its_frequency_and_wraps(void)
{
	struct kvt_acpi_pm pm;

	g_assert_cmpint(kvt_acpi_pm_init(&pm, 25, 0), ==, -KVT_E_ARG);
	g_assert_cmpint(kvt_acpi_pm_init(&pm, 24, 0), ==, 0);
	g_assert_cmpuint(kvt_acpi_pm_in(&pm, 8, S / 1000), ==, 3579);
	g_assert_cmpuint(kvt_acpi_pm_in(&pm, 8, S), ==, 3579545);
	g_assert_cmpuint(kvt_acpi_pm_in(&pm, 8, 10 * S), ==, 35795450 % (1 << 24));
	g_assert_cmpint(kvt_acpi_pm_init(&pm, 32, 0), ==, 0);
	g_assert_cmpuint(kvt_acpi_pm_in(&pm, 8, 10 * S), ==, 35795450);
}

static void test_status_is_set_when_the_top_bit_changes(void)
{
	const uint64_t half_ns = (UINT64_C(1) << 23) * S / 3579545 + 1;
	struct kvt_acpi_pm pm;

	g_assert_cmpint(kvt_acpi_pm_init(&pm, 24, 0), ==, 0);
	g_assert_cmpuint(kvt_acpi_pm_next_ns(&pm), ==, KVT_NEVER);
	kvt_acpi_pm_out(&pm, 2, 1, 0);
	for (uint64_t i = 1; i < 100; i++) {
		const uint64_t at = kvt_acpi_pm_next_ns(&pm);

		g_assert_cmpuint(at, <=, i * half_ns);
		g_assert_cmpuint(at, >=, i * (half_ns - 1));
		g_assert_false(kvt_acpi_pm_run(&pm, at - 1));
		g_assert_true(kvt_acpi_pm_run(&pm, at));
		g_assert_cmpuint(kvt_acpi_pm_in(&pm, 0, at), ==, 1);
		kvt_acpi_pm_out(&pm, 0, 1, at);
		g_assert_false(kvt_acpi_pm_run(&pm, at));
	}
}

static void test_save_and_load(void)
{
	for (int i = 0; i < 100000; i++) {
		const uint64_t t = operand() >> 3, later = t + (operand() >> 4);
		uint8_t bytes[KVT_ACPI_PM_SAVE_BYTES];
		struct kvt_acpi_pm pm, other;
		size_t size;

		g_assert_cmpint(kvt_acpi_pm_init(&pm, i & 1 ? 24 : 32, 0), ==, 0);
		kvt_acpi_pm_out(&pm, (unsigned)operand() & 15, (uint32_t)operand(), t);
		g_assert_cmpint(kvt_acpi_pm_save(&pm, bytes, sizeof(bytes), &size), ==, 0);
		g_assert_cmpint(kvt_acpi_pm_load(&other, bytes, size, t), ==, 0);
		if (later < UINT64_C(1) << 62)
			g_assert_cmpuint(kvt_acpi_pm_in(&pm, 8, later), ==,
					 kvt_acpi_pm_in(&other, 8, later));
		bytes[8 + (unsigned)g_test_rand_int() % (size - 8)] = (uint8_t)operand();
		if (kvt_acpi_pm_load(&other, bytes, size, 5) == 0)
			(void)kvt_acpi_pm_run(&other, operand());
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/acpi_pm/counts_at_its_frequency_and_wraps",
			test_counts_at_its_frequency_and_wraps);
	g_test_add_func("/acpi_pm/status_is_set_when_the_top_bit_changes",
			test_status_is_set_when_the_top_bit_changes);
	g_test_add_func("/acpi_pm/save_and_load", test_save_and_load);
	return g_test_run();
}
