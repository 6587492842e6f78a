/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kvmtime/error.h>

#include "cli/clock.h"
#include "cli/text.h"

#define LEAST 24 /* columns for words, below which they go to a line of their own */

/* ---- rows ---- */

static char *value_text(const struct kvt_row *row)
{
	switch (row->kind) {
	case KVT_ROW_INT:
	case KVT_ROW_U64:
		return g_strdup_printf("%" PRIu64, row->u64);
	case KVT_ROW_I64:
		return g_strdup_printf("%" PRId64, row->i64);
	case KVT_ROW_HEX:
		return g_strdup_printf("0x%" PRIx64, row->u64);
	case KVT_ROW_NS:
		return kvt_text_ns((double)row->i64, false);
	case KVT_ROW_DOUBLE:
		return g_strdup_printf("%.3f", row->number);
	case KVT_ROW_BOOL:
		return g_strdup(row->u64 != 0 ? "yes" : "no");
	case KVT_ROW_TEXT:
		break;
	}
	return g_strdup(row->text);
}

/* A duration's name carries its unit for the JSON; its text carries its own. */
static char *name_text(const struct kvt_row *row)
{
	const gsize length = strlen(row->name);

	return row->kind == KVT_ROW_NS && g_str_has_suffix(row->name, "_ns")
		       ? g_strndup(row->name, length - 3)
		       : g_strdup(row->name);
}

/*
 * Words from a column on, the cursor being at @at; where too little room is left, on the next
 * line.
 */
static void print_words(int at, int column, const char *words)
{
	const int columns = kvt_text_columns(), indent = 6;
	g_auto(GStrv) all = g_strsplit(words, " ", -1);

	if (columns - column < LEAST && column + (int)g_utf8_strlen(words, -1) > columns) {
		column = indent;
		printf("\n");
		at = 0;
	}
	printf("%*s", column - at, "");
	at = column;
	for (guint i = 0; all[i] != NULL; i++) {
		const int width = (int)g_utf8_strlen(all[i], -1);

		if (at > column && at + 1 + width > columns) {
			printf("\n%*s", column, "");
			at = column;
		}
		printf("%s%s", at > column ? " " : "", all[i]);
		at += (at > column) + width;
	}
	printf("\n");
}

static void print_row(const struct kvt_row *row, int name_width, int value_width)
{
	g_autofree char *value = value_text(row);
	g_autofree char *name = name_text(row);
	g_autofree char *painted = kvt_text_paint(row->warns ? KVT_YELLOW : KVT_PLAIN, value);
	const int width = MAX(value_width, (int)strlen(value));

	printf("  %-*s  %s", name_width, name, painted);
	if (row->meaning == NULL)
		printf("\n");
	else
		print_words(2 + name_width + 2 + (int)strlen(value), 2 + name_width + 2 + width + 2,
			    row->meaning);
}

static void measure(const GPtrArray *rows, int *name_width, int *value_width)
{
	for (guint i = 0; i < rows->len; i++) {
		g_autofree char *value = value_text(rows->pdata[i]);
		g_autofree char *name = name_text(rows->pdata[i]);

		*name_width = MAX(*name_width, (int)strlen(name));
		if (((const struct kvt_row *)rows->pdata[i])->meaning != NULL)
			*value_width = MAX(*value_width, (int)strlen(value));
	}
}

void kvt_clock_print_record(const struct kvt_record *record, const char *heading, const char *where)
{
	const GPtrArray *const lists[] = { record->fields, record->derived, record->flags };
	g_autofree char *title = kvt_text_paint(KVT_BOLD, record->type);
	int name_width = 0, value_width = 0;
	bool apart;

	printf("%s", title);
	print_words((int)strlen(record->type), (int)strlen(record->type) + 2,
		    heading != NULL ? heading : record->title);
	if (where != NULL)
		kvt_text_wrap(2, where);
	for (guint l = 0; l < G_N_ELEMENTS(lists); l++)
		measure(lists[l], &name_width, &value_width);
	/* one table, or three where the longest name would leave no room for words */
	apart = 2 + name_width + 2 + value_width + 2 + LEAST > kvt_text_columns();
	for (guint l = 0; l < G_N_ELEMENTS(lists); l++) {
		if (apart) {
			name_width = value_width = 0;
			measure(lists[l], &name_width, &value_width);
		}
		for (guint i = 0; i < lists[l]->len; i++)
			print_row(lists[l]->pdata[i], name_width, value_width);
	}
}

/* ---- the machine ---- */

const char *kvt_clock_hypervisor(const struct kvt_live *live)
{
	static const char *const names[][2] = {
		{ "KVMKVMKVM", "KVM" },
		{ "XenVMMXenVMM", "Xen" },
		{ "Microsoft Hv", "Hyper-V" },
		{ "VMwareVMware", "VMware" },
		{ "TCGTCGTCGTCG", "QEMU's own emulation" },
	};

	if (live->features_known) /* KVM may show another interface first */
		return "KVM";
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(live->hypervisor, names[i][0]) == 0)
			return names[i][1];
	return live->hypervisor[0] != '\0' ? live->hypervisor : "no hypervisor";
}

const char *kvt_clock_page_state(const struct kvt_live *live)
{
	switch (live->page.state) {
	case KVT_PVCLOCK_UNKNOWN:
		break;
	case KVT_PVCLOCK_NO_VVAR:
		return "no-mapping";
	case KVT_PVCLOCK_UNMAPPED:
		return "not-mapped";
	case KVT_PVCLOCK_UNLIKELY:
		return "not-believed";
	case KVT_PVCLOCK_FOUND:
		return "found";
	}
	return "unknown";
}

static int64_t age_ns(const struct kvt_live *live)
{
	for (guint i = 0; i < live->pvclock->derived->len; i++) {
		const struct kvt_row *row = live->pvclock->derived->pdata[i];

		if (strcmp(row->name, "base_age_ns") == 0)
			return row->i64;
	}
	return -1;
}

static const struct pvclock_vcpu_time_info *first_record(const struct kvt_live *live)
{
	return &g_array_index(live->vcpus, struct kvt_live_vcpu, 0).ti;
}

static bool stable(const struct kvt_live *live)
{
	return (first_record(live)->flags & PVCLOCK_TSC_STABLE_BIT) != 0;
}

/* The verdict: one sentence. */
static void print_page_verdict(const struct kvt_live *live)
{
	g_autofree char *age = kvt_text_ns((double)age_ns(live), false);
	const guint vcpus = live->vcpus->len;
	g_autofree char *who = NULL, *verdict = NULL;

	if (vcpus == 1)
		who = g_strdup("1 vCPU");
	else
		who = g_strdup_printf("%u vCPUs %s", vcpus,
				      kvt_live_in_step(live) ? "with one and the same clock"
							     : "with records of their own");
	verdict =
		g_strdup_printf("The pvclock page is live: %s, %s; the host took its base %s ago.",
				who, stable(live) ? "stable" : "NOT stable across vCPUs", age);
	kvt_text_wrap(0, verdict);
}

static void print_verdict(const struct kvt_live *live)
{
	g_autofree char *text = NULL;

	if (live->pvclock != NULL) {
		print_page_verdict(live);
		return;
	}
	if (live->page.state == KVT_PVCLOCK_FOUND)
		text = g_strdup_printf("The pvclock page is there, but cannot be read: %s.",
				       kvt_strerror(live->error));
	else
		text = g_strdup_printf("%s: %s.",
				       live->page.state == KVT_PVCLOCK_UNKNOWN
					       ? "Whether there is a pvclock page is not known"
					       : "No pvclock page to read",
				       live->page.reason);
	kvt_text_wrap(0, text);
}

static void print_machine(const struct kvt_live *live)
{
	const char *hypervisor = kvt_clock_hypervisor(live);
	g_autoptr(GString) line = g_string_new(NULL);

	if (live->hypervisor[0] == '\0')
		g_string_append(line, "No hypervisor announces itself");
	else
		g_string_append_printf(line, "Hypervisor: %s", hypervisor);
	if (live->clocksource == NULL)
		g_string_append(line, "; clock source not known");
	else
		g_string_append_printf(line, "; clock source %s", live->clocksource);
	if (live->clocksources != NULL) {
		g_autofree char *all = g_strjoinv(", ", live->clocksources);

		g_string_append_printf(line, " (available: %s)", all);
	}
	if (live->khz != 0)
		g_string_append_printf(line, "; TSC %" PRIu64 ".%03u MHz (%s)", live->khz / 1000,
				       (unsigned)(live->khz % 1000), live->khz_source);
	g_string_append_c(line, '.');
	{
		g_autofree char *safe = kvt_text_printable(line->str);

		kvt_text_wrap(0, safe);
	}
}

/* ---- beside the kernel's clocks ---- */

static char *seconds(int64_t ns, bool sign)
{
	const uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	return g_strdup_printf("%s%" PRIu64 ".%09u s",
			       ns < 0 ? "-"
			       : sign ? "+"
				      : "",
			       size / 1000000000, (unsigned)(size % 1000000000));
}

static void print_clocks(const struct kvt_live *live)
{
	g_autofree char *title = kvt_text_paint(KVT_BOLD, "clocks");

	printf("\n%s  the page's value beside the kernel's, read together\n", title);
	printf("  %-19s  %22s  %s\n", "", "value", "page minus clock");
	if (live->value_clock >= 0) {
		g_autofree char *value =
			seconds((int64_t)live->clocks[live->value_clock].pair.page_ns, false);

		printf("  %-19s  %22s\n", "page", value);
	}
	for (int i = 0; i < KVT_LIVE_CLOCKS; i++) {
		const struct kvt_live_clock *clock = &live->clocks[i];

		if (clock->error < 0) {
			printf("  %-19s  %22s  %s\n", clock->name, "unknown",
			       kvt_strerror(clock->error));
		} else {
			g_autofree char *value = seconds(clock->pair.clock_ns, false);
			g_autofree char *difference = seconds(clock->pair.difference_ns, true);

			printf("  %-19s  %22s  %s %s %" PRIu64 " ns\n", clock->name, value,
			       difference, kvt_text_symbol("±", "+-"), clock->pair.bound_ns);
		}
	}
	kvt_text_wrap(
		2,
		"The page counts from the start of the VM, the kernel's clocks from the boot: a "
		"constant difference is normal, a growing one is NTP's slewing or drift (--watch).");
}

static void print_vcpus(const struct kvt_live *live)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	const char *const heading[] = { "  vCPU", "version", "tsc_timestamp", "system_time",
					"mul",    "shift",   "flags",         NULL };
	g_autofree char *title = kvt_text_paint(KVT_BOLD, "vCPUs");

	printf("\n%s  their records in the page\n", title);
	g_ptr_array_add(rows, g_strdupv((char **)(uintptr_t)heading));
	for (guint i = 0; i < live->vcpus->len; i++) {
		const struct kvt_live_vcpu *vcpu =
			&g_array_index(live->vcpus, struct kvt_live_vcpu, i);
		char **cells = g_new0(char *, G_N_ELEMENTS(heading));

		cells[0] = g_strdup_printf("%u", vcpu->vcpu);
		cells[1] = g_strdup_printf("%u", vcpu->ti.version);
		cells[2] = g_strdup_printf("%" PRIu64, vcpu->ti.tsc_timestamp);
		cells[3] = g_strdup_printf("%" PRIu64, vcpu->ti.system_time);
		cells[4] = g_strdup_printf("%u", vcpu->ti.tsc_to_system_mul);
		cells[5] = g_strdup_printf("%d", vcpu->ti.tsc_shift);
		cells[6] = g_strdup_printf("0x%02x", vcpu->ti.flags);
		g_ptr_array_add(rows, cells);
	}
	kvt_text_table(rows, "rrrrrrr");
}

/* ---- VMClock and PHC ---- */

static void print_vmclocks(const struct kvt_live *live)
{
	if (live->vmclocks->len == 0) {
		g_autofree char *title = kvt_text_paint(KVT_BOLD, "vmclock");

		printf("%s  none: no /dev/vmclock*\n", title);
	}
	for (guint i = 0; i < live->vmclocks->len; i++) {
		const struct kvt_vmclock_device *device = live->vmclocks->pdata[i];

		if (device->reason != NULL) {
			g_autofree char *title = kvt_text_paint(KVT_BOLD, "vmclock");

			printf("%s  %s: %s\n", title, device->path, device->reason);
			continue;
		}
		kvt_clock_print_record(live->vmclock_records->pdata[i], device->path, NULL);
		if (device->compared) {
			g_autofree char *offset = kvt_text_offset((double)device->difference_ns,
								  (double)device->bound_ns);

			printf("  VMClock minus CLOCK_REALTIME: %s\n", offset);
		}
	}
}

/* 37 s ahead is not an error but another timescale. */
static void print_phc_offset(const struct kvt_phc *phc)
{
	const int64_t tai_ns = INT64_C(37000000000), tolerance_ns = 500000000;
	const int64_t beyond_ns = phc->offset_ns - tai_ns;
	g_autofree char *offset = kvt_text_offset((double)phc->offset_ns, (double)phc->bound_ns);

	printf("  PHC minus CLOCK_REALTIME: %s\n", offset);
	if (beyond_ns > -tolerance_ns && beyond_ns < tolerance_ns) {
		g_autofree char *beyond = kvt_text_offset((double)beyond_ns, (double)phc->bound_ns);

		printf("  37 s: it tells TAI; beyond that %s\n", beyond);
	}
}

static void print_phcs(const struct kvt_live *live)
{
	g_autofree char *title = kvt_text_paint(KVT_BOLD, "PHC");

	if (live->phcs->len == 0)
		printf("%s      none: no /dev/ptp*; ptp_kvm would bring the host's clock\n", title);
	for (guint i = 0; i < live->phcs->len; i++) {
		const struct kvt_phc *phc = live->phcs->pdata[i];
		g_autofree char *name = kvt_text_printable(
			phc->clock_name != NULL ? phc->clock_name : "name not known");

		printf("%s      %s  %s\n", title, phc->path, name);
		if (phc->method == KVT_PHC_NONE) {
			printf("  not read: %s\n", phc->reason);
		} else {
			print_phc_offset(phc);
			printf("  read by: %s\n", kvt_phc_method_text(phc->method));
		}
	}
}

void kvt_clock_print_live(const struct kvt_live *live, bool verbose)
{
	print_verdict(live);
	print_machine(live);
	if (live->refused > 0)
		printf("%u thing%s that only root can read: sudo kvmtime clock\n", live->refused,
		       live->refused == 1 ? "" : "s");
	printf("\n");
	if (live->pvclock != NULL) {
		g_autofree char *where =
			live->page.mapping[0] != '\0'
				? g_strdup_printf("record of vCPU 0, in page %u of %s",
						  live->page.page, live->page.mapping)
				: g_strdup("record of vCPU 0, recorded");

		kvt_clock_print_record(live->pvclock, where, NULL);
		print_clocks(live);
		if (verbose)
			print_vcpus(live);
		printf("\n");
	}
	print_vmclocks(live);
	print_phcs(live);
}

/* ---- watch ---- */

static void print_watch_heading(const struct kvt_live *live)
{
	g_autofree char *line = g_strdup_printf("%-8s  %20s  %11s  %-27s  %7s", "time",
						live->pvclock != NULL ? "page" : "",
						live->pvclock != NULL ? "base taken" : "",
						live->pvclock != NULL ? "drift from RAW" : "",
						live->pvclock != NULL ? "updates" : "");

	printf("%s%s\n", g_strchomp(line), live->phcs->len > 0 ? "  PHC offset" : "");
}

/* Another base or another clock source: what was before is nothing to compare with. */
static bool watch_restarts(const struct kvt_live *live, const struct kvt_clock_watch *watch,
			   const struct kvt_clock_pair *raw)
{
	return !watch->started || raw->ti.tsc_timestamp != watch->raw.ti.tsc_timestamp ||
	       raw->ti.tsc_to_system_mul != watch->raw.ti.tsc_to_system_mul ||
	       live->clocksource == NULL || strcmp(live->clocksource, watch->clocksource) != 0;
}

/* What the page gained on CLOCK_MONOTONIC_RAW beyond what the roundings of both explain. */
static char *watch_drift(const struct kvt_live *live, const struct kvt_clock_watch *watch,
			 const struct kvt_clock_pair *raw)
{
	const int64_t change_ns = raw->difference_ns - watch->raw.difference_ns;
	const double windows_ns = (double)(raw->bound_ns + watch->raw.bound_ns);
	int64_t low_ns, high_ns;

	if (kvt_clock_raw_bound(&raw->ti, watch->clocksource, live->kernel_khz,
				raw->tsc_cycles - watch->raw.tsc_cycles, &low_ns, &high_ns) < 0)
		return kvt_text_offset((double)change_ns, windows_ns);
	return kvt_text_offset((double)change_ns - (double)(low_ns + high_ns) / 2,
			       windows_ns + (double)(high_ns - low_ns) / 2);
}

static void print_watch_page(const struct kvt_live *live, struct kvt_clock_watch *watch)
{
	const struct kvt_live_clock *raw = &live->clocks[KVT_LIVE_RAW];
	g_autofree char *value = NULL, *drift = NULL,
			*age = kvt_text_ns((double)age_ns(live), false);

	if (raw->error < 0) {
		printf("  %s", kvt_strerror(raw->error));
		return;
	}
	if (watch_restarts(live, watch, &raw->pair)) {
		watch->started = true;
		watch->raw = raw->pair;
		g_strlcpy(watch->clocksource, live->clocksource != NULL ? live->clocksource : "",
			  sizeof(watch->clocksource));
	}
	value = seconds((int64_t)raw->pair.page_ns, false);
	drift = watch_drift(live, watch, &raw->pair);
	/* a width of printf counts bytes: pad by hand, for the sign in UTF-8 */
	printf("  %20s  %11s  %s%*s  %7u", value, age, drift,
	       MAX(27 - (int)g_utf8_strlen(drift, -1), 0), "", raw->pair.ti.version / 2);
	if (!stable(live))
		printf("  NOT stable");
	if ((raw->pair.ti.flags & PVCLOCK_GUEST_STOPPED) != 0)
		printf("  stopped");
}

void kvt_clock_print_watch(const struct kvt_live *live, struct kvt_clock_watch *watch)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *time = g_date_time_format(now, "%H:%M:%S");

	if (watch->lines++ % 20 == 0)
		print_watch_heading(live);
	printf("%s", time);
	if (live->pvclock != NULL)
		print_watch_page(live, watch);
	for (guint i = 0; i < live->phcs->len; i++) {
		const struct kvt_phc *phc = live->phcs->pdata[i];

		if (phc->method != KVT_PHC_NONE) {
			g_autofree char *offset =
				kvt_text_offset((double)phc->offset_ns, (double)phc->bound_ns);

			printf("  %s", offset);
		}
	}
	printf("\n");
	fflush(stdout);
}
