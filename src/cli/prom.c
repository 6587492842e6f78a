/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/prom.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/error.h"

void kvt_prom_family(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void kvt_prom_label(GString *out, const char *name, const char *value)
{
	g_autofree char *valid =
		g_utf8_validate(value, -1, NULL) ? NULL : g_utf8_make_valid(value, -1);

	g_string_append(out, name);
	g_string_append(out, "=\"");
	for (const char *c = valid != NULL ? valid : value; *c != '\0'; c++) {
		if (*c == '\n')
			g_string_append(out, "\\n");
		else {
			if (*c == '"' || *c == '\\')
				g_string_append_c(out, '\\');
			g_string_append_c(out, *c);
		}
	}
	g_string_append_c(out, '"');
}

/* By hand: a scrape of ten thousand guests holds as many of these as printf can do in its time. */
static char *digits(char *end, guint64 value)
{
	do
		*--end = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	return end;
}

void kvt_prom_seconds(GString *out, int64_t ns)
{
	const guint64 size = ns < 0 ? -(guint64)ns : (guint64)ns;
	guint64 fraction = size % 1000000000;
	char text[40], *at = text + sizeof(text);

	for (unsigned i = 0; i < 9; i++, fraction /= 10)
		*--at = (char)('0' + fraction % 10);
	*--at = '.';
	at = digits(at, size / 1000000000);
	if (ns < 0)
		*--at = '-';
	g_string_append_len(out, at, text + sizeof(text) - at);
}

void kvt_prom_value(GString *out, guint64 value)
{
	char text[24], *end = text + sizeof(text), *at;

	*--end = '\n';
	at = digits(end, value);
	*--at = ' ';
	g_string_append_len(out, at, text + sizeof(text) - at);
}

/* ---- findings ---- */

static void clear_finding(gpointer data)
{
	struct kvt_prom_finding *finding = data;

	g_free(finding->id);
	g_free(finding->vm);
}

GArray *kvt_prom_findings_new(void)
{
	GArray *findings = g_array_new(FALSE, FALSE, sizeof(struct kvt_prom_finding));

	g_array_set_clear_func(findings, clear_finding);
	return findings;
}

static bool is_there(const GArray *findings, const char *id, const char *vm)
{
	for (guint i = 0; i < findings->len; i++) {
		const struct kvt_prom_finding *one =
			&g_array_index(findings, struct kvt_prom_finding, i);

		if (strcmp(one->id, id) == 0 && strcmp(one->vm, vm) == 0)
			return true;
	}
	return false;
}

void kvt_prom_findings_add(GArray *findings, const struct kvt_judgement *judgement, const char *vm)
{
	for (guint i = 0; i < judgement->found->len; i++) {
		const struct kvt_finding *finding = judgement->found->pdata[i];
		const char *whose = finding->subject == KVT_HOST ? "" : vm;
		struct kvt_prom_finding one;

		if (is_there(findings, finding->rule->id, whose))
			continue;
		one = (struct kvt_prom_finding){ g_strdup(finding->rule->id), g_strdup(whose),
						 finding->rule->severity };
		g_array_append_val(findings, one);
	}
}

void kvt_prom_findings(GString *out, const GArray *findings)
{
	guint64 counts[KVT_CRITICAL + 1] = { 0 };

	kvt_prom_family(out, "kvmtime_finding_info", "gauge",
			"A finding that holds now; kvmtime explain ID tells what it means.");
	for (guint i = 0; i < findings->len; i++) {
		const struct kvt_prom_finding *one =
			&g_array_index(findings, struct kvt_prom_finding, i);

		counts[one->severity]++;
		g_string_append(out, "kvmtime_finding_info{");
		kvt_prom_label(out, "id", one->id);
		g_string_append_c(out, ',');
		kvt_prom_label(out, "severity", kvt_severity_name(one->severity));
		g_string_append_c(out, ',');
		kvt_prom_label(out, "vm", one->vm);
		g_string_append(out, "} 1\n");
	}
	kvt_prom_family(out, "kvmtime_findings", "gauge", "Findings that hold now.");
	for (int s = KVT_INFO; s <= KVT_CRITICAL; s++) {
		g_string_append_printf(out, "kvmtime_findings{severity=\"%s\"}",
				       kvt_severity_name((enum kvt_severity)s));
		kvt_prom_value(out, counts[s]);
	}
}

/* ---- the host ---- */

static const struct kvt_fact *known(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = kvt_facts_any(facts, name);

	return fact != NULL && fact->state == KVT_KNOWN ? fact : NULL;
}

static void put_bool(GString *out, const struct kvt_facts *facts, const char *fact_name,
		     const char *name, const char *help)
{
	const struct kvt_fact *fact = known(facts, fact_name);

	if (fact == NULL)
		return; /* unknown is no value */
	kvt_prom_family(out, name, "gauge", help);
	g_string_append(out, name);
	kvt_prom_value(out, fact->flag);
}

static void put_real(GString *out, const struct kvt_facts *facts, const char *fact_name,
		     double factor, const char *name, const char *help)
{
	const struct kvt_fact *fact = known(facts, fact_name);
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	double value;

	if (fact == NULL)
		return;
	value = (fact->def->type == KVT_FACT_INT ? (double)fact->integer : fact->real) * factor;
	if (!isfinite(value))
		return;
	kvt_prom_family(out, name, "gauge", help);
	g_string_append_printf(out, "%s %s\n", name,
			       g_ascii_formatd(text, sizeof(text), "%.12g", value));
}

void kvt_prom_host(GString *out, const struct kvt_facts *facts)
{
	const struct kvt_fact *source = known(facts, "clocksource.current");

	if (source != NULL) {
		kvt_prom_family(out, "kvmtime_clocksource_info", "gauge",
				"The clock source that the kernel uses.");
		g_string_append(out, "kvmtime_clocksource_info{");
		kvt_prom_label(out, "clocksource", source->text);
		g_string_append(out, "} 1\n");
		kvt_prom_family(
			out, "kvmtime_master_clock_possible", "gauge",
			"KVM can give guests one clock for all CPUs: the clock source is the TSC.");
		g_string_append(out, "kvmtime_master_clock_possible");
		kvt_prom_value(out, strcmp(source->text, "tsc") == 0);
	}
	put_bool(out, facts, "tsc.invariant", "kvmtime_tsc_invariant",
		 "The CPU promises a TSC of constant rate.");
	put_real(out, facts, "tsc.khz", 1000, "kvmtime_tsc_hertz",
		 "The TSC's rate that the kernel works with.");
	put_bool(out, facts, "ntp.synchronised", "kvmtime_ntp_synchronised",
		 "A time daemon keeps the clock.");
	put_real(out, facts, "ntp.maxerror_s", 1, "kvmtime_ntp_max_error_seconds",
		 "Maximum error of the clock that the kernel holds.");
	put_real(out, facts, "ntp.frequency_ppm", 1e-6, "kvmtime_ntp_frequency_ratio",
		 "Rate correction of the kernel's clock.");
}

/* ---- the file ---- */

bool kvt_prom_write(const char *path, const GString *text, GError **error)
{
	g_autoptr(GError) failed = NULL;

	/* written beside it and renamed */
	if (g_file_set_contents_full(path, text->str, (gssize)text->len,
				     G_FILE_SET_CONTENTS_CONSISTENT, 0644, &failed))
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s", failed->message);
	return false;
}
