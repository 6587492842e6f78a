/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a live machine shows when it is measured, and the time page that the kernel maps.
 */
#include <string.h>

#include "check/machine.h"
#include "sys/measure.h"
#include "sys/timepages.h"

#define WARP_MS 120

static void set_unknown(const struct kvt_reader *reader, const char *const *names,
			const char *reason)
{
	for (guint i = 0; names[i] != NULL; i++)
		kvt_facts_set_unknown(reader->facts, reader->who, names[i], false, reason);
}

static void read_cost(const struct kvt_reader *reader)
{
	const char *source = "measured: least of 40 times 200 reads";
	struct kvt_read_cost cost;

	if (kvt_measure_read_cost(&cost) < 0)
		return;
	kvt_facts_set_real(reader->facts, reader->who, "clock.read_ns", cost.call_ns, source);
	/* a call that costs what the system call costs is one */
	kvt_facts_set_text(reader->facts, reader->who, "clock.read_path",
			   cost.call_ns < 0.7 * cost.syscall_ns ? "vdso" : "syscall", source);
}

static double cycles_ns(double khz, uint64_t cycles)
{
	return (double)cycles / khz * 1e6;
}

static void read_warp(const struct kvt_reader *reader, double khz)
{
	struct kvt_warp warp;
	g_autofree char *source = NULL;

	if (kvt_measure_warp(WARP_MS, &warp) < 0)
		return;
	if (warp.reads < 1000 && warp.warp_cycles == 0) {
		static const char *const names[] = { "tsc.warp_ns", "tsc.warp_reads",
						     "tsc.warp_resolution_ns", NULL };

		set_unknown(reader, names, "the machine was too busy to compare its CPUs");
		return;
	}
	source = g_strdup_printf("measured: %" G_GUINT64_FORMAT " reads in turn on %u CPUs",
				 warp.reads, warp.cpus + 1);
	kvt_facts_set_real(reader->facts, reader->who, "tsc.warp_ns",
			   cycles_ns(khz, warp.warp_cycles), source);
	kvt_facts_set_real(reader->facts, reader->who, "tsc.warp_resolution_ns",
			   cycles_ns(khz, warp.resolution_cycles), source);
	kvt_facts_set_int(reader->facts, reader->who, "tsc.warp_reads", (gint64)warp.reads, source);
}

/* "KEY VALUE" a line, as kvmtime record wrote them on the machine itself */
static void take_recorded(const struct kvt_reader *reader, const char *key, const char *value)
{
	static const struct {
		const char *key, *fact;
	} reals[] = {
		{ "read_ns", "clock.read_ns" },
		{ "warp_ns", "tsc.warp_ns" },
		{ "warp_resolution_ns", "tsc.warp_resolution_ns" },
	};
	const char *source = "measured when the record was made";

	for (guint i = 0; i < G_N_ELEMENTS(reals); i++)
		if (strcmp(key, reals[i].key) == 0)
			kvt_facts_set_real(reader->facts, reader->who, reals[i].fact,
					   g_ascii_strtod(value, NULL), source);
	if (strcmp(key, "read_path") == 0)
		kvt_facts_set_text(reader->facts, reader->who, "clock.read_path", value, source);
	if (strcmp(key, "warp_reads") == 0)
		kvt_facts_set_int(reader->facts, reader->who, "tsc.warp_reads",
				  g_ascii_strtoll(value, NULL, 10), source);
}

static void read_recorded(const struct kvt_reader *reader)
{
	g_autofree char *text = kvt_read_file(reader, KVT_RECORDED_MEASURED);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = kvt_words(lines[i]);

		if (g_strv_length(words) == 2)
			take_recorded(reader, words[0], words[1]);
	}
}

char *kvt_measured_lines(const struct kvt_facts *facts)
{
	static const char *const names[][2] = { { "read_ns", "clock.read_ns" },
						{ "warp_ns", "tsc.warp_ns" },
						{ "warp_resolution_ns",
						  "tsc.warp_resolution_ns" } };
	GString *out = g_string_new(NULL);
	const struct kvt_fact *reads = kvt_facts_any(facts, "tsc.warp_reads");
	const char *path = kvt_facts_text(facts, "clock.read_path", NULL);

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		const struct kvt_fact *fact = kvt_facts_any(facts, names[i][1]);

		if (fact != NULL && fact->state == KVT_KNOWN)
			g_string_append_printf(out, "|%s %.1f\n", names[i][0], fact->real);
	}
	if (path != NULL)
		g_string_append_printf(out, "|read_path %s\n", path);
	if (reads != NULL && reads->state == KVT_KNOWN)
		g_string_append_printf(out, "|warp_reads %" G_GINT64_FORMAT "\n", reads->integer);
	return g_string_free(out, FALSE);
}

static void read_page(const struct kvt_reader *reader)
{
	const struct kvt_calls *calls =
		kvt_root_is_live(reader->root) ? &kvt_calls_live : &kvt_calls_none;
	struct kvt_pvclock_page page;
	struct pvclock_vcpu_time_info record;

	if (kvt_pvclock_find(reader->root, calls, &page)) {
		const char *source = page.mapping[0] != '\0' ? page.mapping : KVT_RECORDED_PVCLOCK;

		kvt_facts_set_bool(reader->facts, reader->who, "pvclock.mapped", true, source);
		if (kvt_pvclock_record(&page, 0, &record) == 0)
			kvt_facts_set_bool(reader->facts, reader->who, "pvclock.stable",
					   (record.flags & PVCLOCK_TSC_STABLE_BIT) != 0, source);
	} else if (page.state != KVT_PVCLOCK_UNKNOWN) {
		kvt_facts_set_bool(reader->facts, reader->who, "pvclock.mapped", false,
				   page.reason);
		kvt_facts_set_unknown(reader->facts, reader->who, "pvclock.stable", false,
				      page.reason);
	}
	kvt_pvclock_page_clear(&page);
}

static void read_khz(const struct kvt_reader *reader)
{
	const struct kvt_calls *calls =
		kvt_root_is_live(reader->root) ? &kvt_calls_live : &kvt_calls_none;
	const char *source = NULL;
	const uint64_t khz = kvt_tsc_kernel_khz(reader->root, calls, &source);

	if (khz > 0)
		kvt_facts_set_int(reader->facts, reader->who, "tsc.khz", (gint64)khz, source);
}

void kvt_read_measured(const struct kvt_reader *reader)
{
	static const char *const measured[] = { "clock.read_ns",
						"clock.read_path",
						"tsc.measured_khz",
						"tsc.warp_ns",
						"tsc.warp_reads",
						"tsc.warp_resolution_ns",
						NULL };
	static const char *const witness[] = { "tsc.witness_ppm", "tsc.witness_bound_ppm",
					       "tsc.off_ppm", NULL };
	double khz;

	static const char *const page[] = { "pvclock.mapped", "pvclock.stable", NULL };
	static const char *const rate[] = { "tsc.khz", NULL };

	set_unknown(reader, measured,
		    reader->answers->measured ? "cannot be measured here"
					      : "only a live machine shows it");
	set_unknown(reader, page, "was not looked for");
	set_unknown(reader, rate, "the kernel does not say it");
	set_unknown(reader, witness, "nothing here bears the TSC's rate out");
	read_page(reader);
	read_khz(reader);
	khz = kvt_read_rates(reader);
	if (reader->answers->measured)
		read_cost(reader);
	else
		read_recorded(reader);
	if (khz > 0)
		read_warp(reader, khz);
	kvt_judge_trust(reader);
}
