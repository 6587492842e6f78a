/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "check/accept.h"
#include "check/missing.h"
#include "cli/report.h"
#include "cli/text.h"

#define FULL_FINDINGS 5 /* a page; what comes behind is listed */

/* ---- the first lines ---- */

static const char *hypervisor_name(const char *word)
{
	static const struct {
		const char *word, *name;
	} names[] = {
		{ "kvm", "KVM" },
		{ "xen", "Xen" },
		{ "hyperv", "Hyper-V" },
		{ "vmware", "VMware" },
		{ "tcg", "QEMU TCG" },
		{ "bhyve", "bhyve" },
		{ "virtualbox", "VirtualBox" },
		{ "parallels", "Parallels" },
		{ "other", "unknown hypervisor's" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(word, names[i].word) == 0)
			return names[i].name;
	return word;
}

static void append_role(GString *out, const struct kvt_facts *facts)
{
	const unsigned roles = kvt_facts_roles(facts);
	const char *hypervisor = kvt_facts_text(facts, "virt.hypervisor", "none");
	const char *vmm = kvt_facts_text(facts, "virt.vmm", "");
	const char *platform = kvt_facts_text(facts, "virt.platform", "none");

	if (roles == 0)
		g_string_append(out, "guest or host is not known");
	else if ((roles & KVT_GUEST) != 0) {
		g_string_append_printf(out, "%s guest", hypervisor_name(hypervisor));
		if (vmm[0] != '\0' && strcmp(vmm, hypervisor) != 0)
			g_string_append_printf(out, " (%s)", vmm);
		if (strcmp(platform, "none") != 0)
			g_string_append_printf(out, " at %s", platform);
		if ((roles & KVT_HOST) != 0)
			g_string_append(out, " that is itself a KVM host");
	} else if ((roles & KVT_HOST) != 0)
		g_string_append(out, strcmp(hypervisor, "xen") == 0 ? "Xen control domain"
				     : kvt_facts_is(facts, "kvm.present", false) ? "KVM host"
										 : "bare machine");
	else
		g_string_append(out, "VM definition");
	if (kvt_facts_is(facts, "virt.container", false))
		g_string_append(out, ", seen from a container");
}

static char *describe(const struct kvt_facts *facts)
{
	GString *out = g_string_new(NULL);
	const char *os = kvt_facts_text(facts, "os.name", NULL);
	const char *kernel = kvt_facts_text(facts, "kernel.release", NULL);
	const char *arch = kvt_facts_text(facts, "kernel.arch", NULL);
	const struct kvt_fact *cpus = kvt_facts_any(facts, "cpu.count");

	append_role(out, facts);
	if (kvt_facts_roles(facts) == KVT_VM) /* what else is known is its host's */
		return g_string_free(out, FALSE);
	if (os != NULL)
		g_string_append_printf(out, ", %s", os);
	if (kernel != NULL)
		g_string_append_printf(out, ", Linux %s", kernel);
	if (arch != NULL)
		g_string_append_printf(out, ", %s", arch);
	if (cpus != NULL && cpus->state == KVT_KNOWN)
		g_string_append_printf(out, ", %" G_GINT64_FORMAT " CPU%s", cpus->integer,
				       cpus->integer == 1 ? "" : "s");
	return g_string_free(out, FALSE);
}

/* A set of a running guest, its definition and its host: only a host has the agent's facts. */
static bool seen_from_host(const struct kvt_facts *facts)
{
	const struct kvt_fact *status = kvt_facts_get(facts, KVT_GUEST, "agent.status");

	return status != NULL && status->state != KVT_ABSENT;
}

/* A guest and its host, or its definition, of which each was read by itself. */
static bool is_joined(const struct kvt_facts *facts)
{
	const struct kvt_fact *above = kvt_facts_get(facts, KVT_HOST, "virt.guest");
	const unsigned roles = kvt_facts_roles(facts);

	return (roles & KVT_GUEST) != 0 &&
	       ((roles & KVT_VM) != 0 || ((roles & KVT_HOST) != 0 && above != NULL &&
					  above->state == KVT_KNOWN && !above->flag));
}

/* The guest alone; its host is this machine. */
static char *report_guest(const struct kvt_facts *facts)
{
	g_autoptr(kvt_facts) guest = kvt_facts_new(kvt_facts_target(facts));
	g_autofree char *text = NULL;

	kvt_facts_copy_into(guest, facts, KVT_GUEST);
	kvt_facts_set_roles(guest, KVT_GUEST);
	text = describe(guest);
	if (seen_from_host(facts))
		return g_strconcat(text, ", seen from its host", NULL);
	return g_strconcat(text, ", with its ",
			   (kvt_facts_roles(facts) & KVT_HOST) == 0 ? "definition"
			   : (kvt_facts_roles(facts) & KVT_VM) == 0 ? "host"
								    : "definition and its host",
			   NULL);
}

char *kvt_report_machine(const struct kvt_facts *facts)
{
	return seen_from_host(facts) || is_joined(facts) ? report_guest(facts) : describe(facts);
}

static char *count_severities(const struct kvt_judgement *judgement)
{
	GString *out = g_string_new(NULL);

	for (int s = KVT_CRITICAL; s >= KVT_INFO; s--)
		if (judgement->by_severity[s] > 0)
			g_string_append_printf(out, "%s%u %s", out->len > 0 ? ", " : "",
					       judgement->by_severity[s],
					       kvt_severity_name((enum kvt_severity)s));
	if (out->len == 0)
		g_string_append(out, "Nothing found");
	return g_string_free(out, FALSE);
}

/* Things, not facts: one kernel log that cannot be read leaves dozens of facts unknown. */
static guint count_root_only(const struct kvt_facts *facts)
{
	g_autoptr(GHashTable) reasons = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < kvt_facts_count(facts); i++) {
		const struct kvt_fact *fact = kvt_facts_at(facts, i);

		if (fact->needs_root)
			g_hash_table_add(reasons, fact->source);
	}
	return g_hash_table_size(reasons);
}

static void print_head(const struct kvt_judgement *judgement)
{
	const struct kvt_facts *facts = judgement->facts;
	g_autofree char *machine = kvt_report_machine(facts);
	g_autofree char *counts = count_severities(judgement);
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S%:z");
	g_autofree char *target = kvt_text_printable(kvt_facts_target(facts));
	g_autofree char *made = kvt_text_printable(kvt_facts_text(facts, "identity.collected", ""));
	g_autofree char *first = g_strdup_printf("%s: %s.  %s at %s.", target, machine,
						 made[0] != '\0' ? "Collected" : "Read",
						 made[0] != '\0' ? made : time);
	g_autofree char *bold = kvt_text_paint(KVT_BOLD, counts);
	GString *second = g_string_new(NULL);
	const guint root_only = count_root_only(facts);

	kvt_text_wrap(0, first);
	g_string_append_printf(second, "%s.  %u rule%s fit%s here, %u clean", bold, judgement->fit,
			       judgement->fit == 1 ? "" : "s", judgement->fit == 1 ? "s" : "",
			       judgement->clean);
	if (judgement->undecided > 0)
		g_string_append_printf(second, ", %u undecided", judgement->undecided);
	if (judgement->accepted->len > 0)
		g_string_append_printf(second, ", %u accepted", judgement->accepted->len);
	g_string_append_c(second, '.');
	if (root_only > 0)
		g_string_append_printf(second,
				       "  %u thing%s only root can read: sudo kvmtime check",
				       root_only, root_only == 1 ? "" : "s");
	kvt_text_wrap(0, second->str);
	g_string_free(second, TRUE);
}

/* ---- one finding ---- */

static enum kvt_colour colour_of(enum kvt_severity severity)
{
	return severity >= KVT_HIGH ? KVT_RED : severity >= KVT_LOW ? KVT_YELLOW : KVT_CYAN;
}

/* a label in its column, then text that wraps beside it */
static void print_field(const char *label, const char *text)
{
	const int indent = 10;
	g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
	int column = indent;
	bool first = true;

	printf("  %-8s", label);
	for (guint i = 0; words[i] != NULL; i++) {
		const int width = (int)g_utf8_strlen(words[i], -1);

		if (width == 0)
			continue;
		if (!first && column + 1 + width > kvt_text_columns()) {
			printf("\n%*s", indent, "");
			column = indent, first = true;
		}
		printf("%s%s", first ? "" : " ", words[i]);
		column += width + (first ? 0 : 1);
		first = false;
	}
	printf("\n");
}

static void print_evidence(const struct kvt_finding *finding)
{
	for (guint i = 0; i < finding->evidence->len; i++) {
		const struct kvt_fact *fact = finding->evidence->pdata[i];
		g_autofree char *value = kvt_fact_value(fact);
		g_autofree char *text = g_strdup_printf(
			"%s%s %s = %s  (%s)", fact->configured ? "configured " : "",
			kvt_subject_name(fact->subject), fact->def->name, value, fact->source);
		g_autofree char *safe = kvt_text_printable(text);

		print_field(i == 0 ? "now" : "", safe);
	}
}

/* how many bytes of the title fit into @width columns, cut at a space where that can be */
static gsize fitting(const char *title, int width)
{
	const char *at = title, *space = NULL;

	if (g_utf8_strlen(title, -1) <= width)
		return strlen(title);
	for (int i = 0; i < width; i++, at = g_utf8_find_next_char(at, NULL))
		if (*at == ' ')
			space = at;
	return (gsize)((space != NULL ? space : at) - title);
}

/* number, severity, title and, at the right edge, the id; a long title goes on below */
static void print_title(const struct kvt_finding *finding, guint number)
{
	const int indent = 13;
	const int width = kvt_text_columns() - indent - 9;
	/* the root of a chain stands where the worst of it belongs */
	g_autofree char *upper = g_ascii_strup(kvt_severity_name(finding->worst), -1);
	g_autofree char *severity = kvt_text_paint(colour_of(finding->worst), upper);
	g_autofree char *title = kvt_text_printable(finding->title);
	const gsize first = fitting(title, width);
	g_autofree char *line = g_strndup(title, first);
	g_autofree char *bold = kvt_text_paint(KVT_BOLD, line);
	const int pad = MAX(width + 1 - (int)g_utf8_strlen(line, -1), 1);

	printf("%-3u %s%*s %s%*s%s\n", number, severity, (int)(8 - strlen(upper)), "", bold, pad,
	       "", finding->rule->id);
	if (title[first] != '\0')
		kvt_text_wrap(indent, title + first);
}

/* Whoever sees a guest from its host can have both put right. */
static void print_both(const struct kvt_finding *finding)
{
	const struct kvt_rule *rule = finding->rule;
	g_autofree char *run = g_strdup_printf("on the %s: %s", rule->who, finding->run);

	print_field("do", run);
	if (rule->risk != NULL && strcmp(rule->risk, "none") != 0)
		print_field("risk", rule->risk);
	if (rule->verify != NULL)
		print_field("verify", rule->verify);
}

static void print_remedy(const struct kvt_finding *finding, bool guest)
{
	const struct kvt_rule *rule = finding->rule;
	const bool mine = strcmp(rule->who, guest ? "guest" : "host") == 0;

	if (finding->run != NULL && (mine || !guest))
		print_field("do", finding->run);
	if (finding->run != NULL && mine && rule->risk != NULL && strcmp(rule->risk, "none") != 0)
		print_field("risk", rule->risk);
	if (finding->send != NULL && !mine) {
		g_autofree char *quoted = g_strdup_printf("send this: \"%s\"", finding->send);

		print_field(rule->who, quoted);
	}
	if (finding->alone != NULL && !mine)
		print_field("alone", finding->alone);
	if (rule->verify != NULL)
		print_field("verify", rule->verify);
}

static void print_consequences(const struct kvt_judgement *judgement,
			       const struct kvt_finding *cause)
{
	bool first = cause->cause == NULL;

	for (guint i = 0; i < judgement->found->len; i++) {
		const struct kvt_finding *effect = judgement->found->pdata[i];
		g_autofree char *text = NULL;

		if (effect->cause != cause)
			continue;
		text = g_strdup_printf("%s %s: %s (%s)", kvt_text_symbol("→", "->"),
				       kvt_severity_name(effect->rule->severity), effect->title,
				       effect->rule->id);
		print_field(first ? "then" : "", text);
		first = false;
		print_consequences(judgement, effect);
	}
}

/* What can be done about the rest of the chain, by whoever reads this. */
static void print_effects_remedies(const struct kvt_judgement *judgement,
				   const struct kvt_finding *cause, bool guest, bool both)
{
	for (guint i = 0; i < judgement->found->len; i++) {
		const struct kvt_finding *effect = judgement->found->pdata[i];
		g_autofree char *text = NULL;

		if (effect->cause != cause)
			continue;
		if (effect->run != NULL && g_strcmp0(effect->run, cause->run) != 0 &&
		    (both || !guest || strcmp(effect->rule->who, "guest") == 0)) {
			text = both ? g_strdup_printf("on the %s: %s (%s)", effect->rule->who,
						      effect->run, effect->rule->id)
				    : g_strdup_printf("%s (%s)", effect->run, effect->rule->id);
			print_field("also", text);
		}
		print_effects_remedies(judgement, effect, guest, both);
	}
}

static void print_finding(const struct kvt_judgement *judgement, const struct kvt_finding *finding,
			  guint number, bool verbose)
{
	const bool guest = (kvt_facts_roles(judgement->facts) & KVT_GUEST) != 0;
	const bool both = seen_from_host(judgement->facts) || is_joined(judgement->facts);

	print_title(finding, number);
	if (finding->waits != KVT_WAITS_NOT)
		print_field("state", finding->waits == KVT_WAITS_REBOOT
					     ? "mended, waits for reboot"
					     : "mended, waits for a restart of the daemon");
	if (finding->lapsed != NULL) {
		g_autofree char *text =
			g_strdup_printf("was accepted until %s, which is over (%s)",
					finding->lapsed->until, finding->lapsed->place);

		print_field("state", text);
	}
	if (finding->rule->severity == KVT_INFO && !verbose)
		return;
	print_evidence(finding);
	print_field("why", finding->why);
	print_consequences(judgement, finding);
	if (finding->run != NULL && both)
		print_both(finding);
	else
		print_remedy(finding, guest);
	print_effects_remedies(judgement, finding, guest, both);
	if (verbose) {
		print_field("source", finding->rule->source);
		if (finding->rule->confidence != NULL &&
		    strcmp(finding->rule->confidence, "high") != 0)
			print_field("doubt", finding->rule->confidence);
	}
}

/* ---- the last lines ---- */

static double real_of(const struct kvt_facts *facts, const char *name)
{
	const struct kvt_fact *fact = kvt_facts_any(facts, name);

	return fact != NULL && fact->state == KVT_KNOWN ? fact->real : -1;
}

/* What was measured is said with its unit and how sharp the measurement was. */
static void append_measured(GString *good, const struct kvt_facts *facts)
{
	const double read_ns = real_of(facts, "clock.read_ns");
	const double resolution_ns = real_of(facts, "tsc.warp_resolution_ns");
	const struct kvt_fact *reads = kvt_facts_any(facts, "tsc.warp_reads");

	if (read_ns >= 0) {
		g_autofree char *cost = kvt_text_ns(read_ns, false);

		g_string_append_printf(
			good, "; %s a read, %s", cost,
			strcmp(kvt_facts_text(facts, "clock.read_path", ""), "vdso") == 0
				? "vDSO"
				: "system call");
	}
	if (resolution_ns >= 0 && !(real_of(facts, "tsc.warp_ns") > 0) && reads != NULL) {
		g_autofree char *within = kvt_text_ns(resolution_ns, false);

		g_string_append_printf(good, "; CPUs agree within %s in %" G_GINT64_FORMAT " reads",
				       within, reads->integer);
	}
}

static void append_trust(GString *good, const struct kvt_facts *facts)
{
	const char *witness = kvt_facts_text(facts, "tsc.witness", NULL);
	const struct kvt_fact *ppm = kvt_facts_any(facts, "tsc.witness_ppm");

	if (!kvt_facts_is(facts, "tsc.trusted", false) || witness == NULL || ppm == NULL)
		return;
	{
		g_autofree char *safe = kvt_text_printable(witness);

		g_string_append_printf(good, "; TSC trusted: %s bears it out to %+.2f ppm %s %.2f",
				       safe, ppm->real, kvt_text_symbol("±", "+-"),
				       real_of(facts, "tsc.witness_bound_ppm"));
	}
}

/* Only where the TSC was measured is its trust a question that a reader has. */
static void print_unknown(const struct kvt_facts *facts)
{
	const struct kvt_fact *trusted = kvt_facts_any(facts, "tsc.trusted");
	const struct kvt_fact *khz = kvt_facts_any(facts, "tsc.measured_khz");

	if (trusted != NULL && trusted->state == KVT_UNKNOWN && khz != NULL &&
	    khz->state == KVT_KNOWN) {
		g_autofree char *text =
			g_strdup_printf("whether the TSC may be trusted: %s", trusted->source);

		print_field("unknown", text);
	}
}

static void print_good(const struct kvt_facts *facts)
{
	const char *source = kvt_facts_text(facts, "clocksource.current", NULL);
	GString *good = g_string_new(NULL);

	if (source != NULL) {
		g_autofree char *safe = kvt_text_printable(source);

		g_string_append_printf(good, "clock source %s", safe);
		if (strcmp(source, "tsc") == 0 && kvt_facts_is(facts, "tsc.invariant", false))
			g_string_append(good, ", invariant");
		append_measured(good, facts);
		append_trust(good, facts);
	}
	if (kvt_facts_is(facts, "ntp.synchronised", false))
		g_string_append_printf(good, "%ssynchronised", good->len > 0 ? "; " : "");
	if (good->len > 0)
		print_field("now", good->str);
	g_string_free(good, TRUE);
	print_unknown(facts);
}

static void print_undecided(const struct kvt_judgement *judgement)
{
	bool first = true;

	for (guint i = 0; i < judgement->results->len; i++) {
		const struct kvt_finding *finding = judgement->results->pdata[i];
		g_autofree char *text = NULL;

		if (finding->verdict != KVT_UNDECIDED)
			continue;
		text = g_strdup_printf("%s %s: %s", finding->rule->id, finding->title,
				       finding->reason);
		print_field(first ? "open" : "", text);
		first = false;
	}
}

static void print_accepted(const struct kvt_judgement *judgement)
{
	for (guint i = 0; i < judgement->accepted->len; i++) {
		const struct kvt_finding *finding = judgement->accepted->pdata[i];
		const struct kvt_accepted *by = finding->accepted;
		g_autofree char *text =
			g_strdup_printf("%s %s: %s (%s%s%s)", finding->rule->id, finding->title,
					by->reason, by->place, by->until != NULL ? ", until " : "",
					by->until != NULL ? by->until : "");
		g_autofree char *safe = kvt_text_printable(text);

		print_field(i == 0 ? "known" : "", safe);
	}
}

char *kvt_report_missing(const struct kvt_judgement *judgement)
{
	const char *made = kvt_facts_text(judgement->facts, "identity.collected", NULL);

	return made != NULL ? kvt_missing_line(judgement) : NULL;
}

/* In one piece, whatever the width: it is to be copied. */
static void print_missing(const struct kvt_judgement *judgement)
{
	g_autofree char *line = kvt_report_missing(judgement);

	if (line == NULL)
		return;
	print_field("missing", "this line, typed on that machine, writes what is not in the "
			       "sosreport, for kvmtime check:");
	printf("%s\n", line);
}

static void print_more(const struct kvt_judgement *judgement)
{
	const struct kvt_finding *worst =
		judgement->found->len > 0 ? judgement->found->pdata[0] : NULL;
	g_autofree char *text =
		g_strdup_printf("kvmtime check -v | %s%s | kvmtime check --facts",
				worst != NULL ? "kvmtime explain " : "kvmtime check --json",
				worst != NULL ? worst->rule->id : "");

	print_field("more", text);
}

void kvt_report_findings(const struct kvt_judgement *judgement, bool verbose)
{
	guint number = 0;

	for (guint i = 0; i < judgement->found->len; i++) {
		const struct kvt_finding *finding = judgement->found->pdata[i];

		if (finding->cause != NULL)
			continue;
		if (++number <= FULL_FINDINGS || verbose)
			print_finding(judgement, finding, number, verbose);
		else
			print_title(finding, number);
	}
	if (number > FULL_FINDINGS && !verbose)
		print_field("", "evidence and remedies of the last ones: kvmtime check -v");
	if (number > 0)
		printf("\n");
}

void kvt_report_text(const struct kvt_judgement *judgement, bool verbose)
{
	print_head(judgement);
	printf("\n");
	kvt_report_findings(judgement, verbose);
	print_good(judgement->facts);
	if (verbose) {
		print_accepted(judgement);
		print_undecided(judgement);
	}
	print_more(judgement);
	print_missing(judgement);
}

/* ---- --facts ---- */

void kvt_report_facts(const struct kvt_facts *facts)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

	g_ptr_array_add(rows, g_strsplit("SUBJECT|FACT|VALUE|READ FROM", "|", -1));
	for (guint i = 0; i < kvt_facts_count(facts); i++) {
		const struct kvt_fact *fact = kvt_facts_at(facts, i);
		g_autofree char *value = kvt_fact_value(fact);
		char **row = g_new0(char *, 5);

		row[0] = g_strdup_printf("%s%s", fact->configured ? "configured " : "",
					 kvt_subject_name(fact->subject));
		row[1] = g_strdup(fact->def->name);
		row[2] = kvt_text_printable(value);
		row[3] = kvt_text_printable(fact->source);
		g_ptr_array_add(rows, row);
	}
	kvt_text_table(rows, "llll");
}
