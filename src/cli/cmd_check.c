/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime check: what is wrong with time here, why, how do we know, what mends it? */
#include <stdio.h>
#include <string.h>

#include "check/accept.h"
#include "check/configured.h"
#include "cli/check_move.h"
#include "cli/check_summary.h"
#include "cli/check_timeline.h"
#include "cli/check_vms.h"
#include "cli/domains.h"
#include "cli/expand.h"
#include "cli/json.h"
#include "cli/join.h"
#include "cli/options.h"
#include "cli/prom.h"
#include "cli/report.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "fix/waiting.h"
#include "vmdef/load.h"

static const char description[] =
	"Without a TARGET it is this machine; else a record, the root folder of a machine, a sosreport, a\n"
	"log, a VM definition, each packed or not (gzip, xz, bzip2, zstd; tar, zip), a folder of definitions,\n"
	"or - for standard input; what it is, is told by its content.\n"
	"\n"
	"Examples:\n"
	"  kvmtime check                      this machine\n"
	"  kvmtime check -v                   with sources, and what could not be decided\n"
	"  kvmtime check --facts              what was read, and from where\n"
	"  dmesg | kvmtime check -            a log\n"
	"  kvmtime check sosreport-*.tar.xz   sosreports as they were sent, each guest with its host\n"
	"  kvmtime check --move A.rec B.rec    may a guest move from host A to B, and back?\n"
	"  kvmtime check --at TIME HOSTLOG GUESTLOG    one time line of both\n"
	"  kvmtime check --summary /etc/libvirt/qemu    a line for each definition of a folder\n"
	"  kvmtime check libvirt:web1         what libvirt will start as web1; libvirt: is every domain\n"
	"  kvmtime check --all                each running guest, with its definition and this host\n"
	"  kvmtime check --accept known.conf /mnt/image    what known.conf accepts is only counted\n"
	"  ssh old sh <record.sh | kvmtime check -\n"
	"\n"
	"What /etc/kvmtime/accept.conf accepts of this machine and its VMs is counted and does not set the\n"
	"exit status.\n"
	"\n"
	"Exit status: 0 nothing found (info does not count), 1 findings, 2 usage, 3 refused, 4 bad input.\n";

struct request {
	struct kvt_common common;
	gboolean facts;
	gboolean summary;
	gboolean as_configured;
	struct kvt_check_vms vms;
	gboolean move;
	char *at;
	double window_s;
	char **offsets;
	enum kvt_severity bar;
	const struct kvt_rules *rules;
	char *accept_file;   /* --accept */
	GPtrArray *accepted; /* of that file, or of this machine's own */
	char *prom;          /* --prom: file for Prometheus, or NULL */
	GArray *findings;    /* struct kvt_prom_finding for it */
	GString *host;       /* facts of the first machine for it */
};

/* what goes into the file of --prom; @vm "" where the set is not about a VM */
static void keep_for_prom(const struct request *request, const struct kvt_judgement *judgement)
{
	const bool is_vm = (kvt_facts_roles(judgement->facts) & KVT_VM) != 0;

	if (request->prom == NULL)
		return;
	kvt_prom_findings_add(request->findings, judgement,
			      is_vm ? kvt_facts_target(judgement->facts) : "");
	if (request->host->len == 0)
		kvt_prom_host(request->host, judgement->facts);
}

static int write_prom(const struct request *request, int status)
{
	GError *error = NULL;

	if (request->prom == NULL || status >= KVT_STATUS_USAGE)
		return status; /* what could not be read is not told as healthy */
	kvt_prom_findings(request->host, request->findings);
	return kvt_prom_write(request->prom, request->host, &error) ? status
								    : kvt_fail("check", error);
}

static bool is_complete(const struct kvt_judgement *judgement)
{
	return judgement->undecided == 0;
}

static void show(const struct request *request, const struct kvt_judgement *judgement)
{
	if (request->common.quiet)
		return;
	if (request->common.json) {
		JsonBuilder *builder =
			kvt_json_begin("kvmtime.check/1", kvt_facts_target(judgement->facts),
				       is_complete(judgement));

		if (request->facts)
			kvt_report_facts_json(builder, judgement->facts);
		kvt_report_json(builder, judgement);
		kvt_json_end(builder, true);
	} else if (request->facts)
		kvt_report_facts(judgement->facts);
	else
		kvt_report_text(judgement, request->common.verbose);
}

static int status_of(const struct request *request, const struct kvt_judgement *judgement)
{
	for (int s = (int)request->bar; s <= KVT_CRITICAL; s++)
		if (judgement->by_severity[s] > 0)
			return KVT_STATUS_FOUND;
	return KVT_STATUS_OK;
}

/* This machine's own file speaks for it and its VMs; for other targets one has to be named. */
static void accept_known(const struct request *request, bool own, struct kvt_judgement *judgement)
{
	g_autofree char *today = kvt_accept_today();

	if (own || request->accept_file != NULL)
		kvt_accept_apply(request->accepted, today, judgement);
}

static void tell_expired(const struct request *request, bool own)
{
	g_autofree char *today = kvt_accept_today();

	for (guint i = 0; i < request->accepted->len; i++) {
		const struct kvt_accepted *accepted = request->accepted->pdata[i];

		if ((own || request->accept_file != NULL) && !request->common.quiet &&
		    kvt_accept_is_over(accepted, today))
			fprintf(stderr,
				"kvmtime check: %s: %s was accepted until %s and counts again "
				"(%s)\n",
				accepted->place, accepted->id, accepted->until, accepted->reason);
	}
}

/* judges sets of facts; NULL = @error says why there are none; @own: of this machine or its VMs */
static int check_sets(const struct request *request, bool own, GPtrArray *sets, GError *error)
{
	int status = KVT_STATUS_OK;

	if (sets == NULL)
		return kvt_fail("check", error);
	for (guint i = 0; i < sets->len; i++)
		own |= strcmp(kvt_facts_target(sets->pdata[i]), KVT_THIS_MACHINE) == 0;
	tell_expired(request, own);
	for (guint i = 0; i < sets->len; i++) {
		/* an image that does not run is judged by its files */
		g_autoptr(kvt_facts) facts =
			kvt_facts_as_configured(sets->pdata[i], !request->as_configured);
		g_autoptr(kvt_judgement) judgement = kvt_judge(request->rules, facts);

		kvt_judgement_mark_waiting(judgement, request->rules);
		accept_known(request, own, judgement);
		keep_for_prom(request, judgement);
		if (i > 0 && !request->common.json && !request->common.quiet)
			printf("\n");
		show(request, judgement);
		status = MAX(status, status_of(request, judgement));
	}
	return status;
}

/* NULL is this machine; what its files were before a fix that still waits is known from the journal
 */
static GPtrArray *read_target(const char *name, GError **error)
{
	GPtrArray *sets = kvt_target_read(name, error);

	if (sets != NULL && (name == NULL || g_file_test(name, G_FILE_TEST_IS_DIR)))
		kvt_waiting_add(name != NULL ? name : "/", sets->pdata[0]);
	return sets;
}

static bool is_own(const char *name)
{
	return name == NULL || strcmp(name, "/") == 0;
}

static int check_target(const struct request *request, const char *name)
{
	GError *error = NULL;
	g_autoptr(GPtrArray) sets = read_target(name, &error);

	return check_sets(request, is_own(name), sets, error);
}

/* MAX() would call its argument twice */
static int worse(int a, int b)
{
	return MAX(a, b);
}

/* ---- several machines: guests find their definitions and hosts ---- */

#define JOIN_TARGETS 64 /* of more each is judged by itself, as they come */

static bool may_be_joined(int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (g_file_test(names[i], G_FILE_TEST_IS_DIR) && !kvt_target_is_machine(names[i]))
			return false;
	return count <= JOIN_TARGETS;
}

static void take_sets(GPtrArray *all, GPtrArray *sets)
{
	for (guint i = 0; i < sets->len; i++) {
		g_ptr_array_add(all, sets->pdata[i]);
		sets->pdata[i] = NULL;
	}
}

static bool add_recorded_host(const struct request *request, GPtrArray *all, GError **error)
{
	g_autoptr(GPtrArray) hosts = NULL;

	if (request->vms.host == NULL)
		return true;
	hosts = kvt_target_read(request->vms.host, error);
	if (hosts != NULL)
		kvt_join_host(all, hosts->pdata[0]);
	return hosts != NULL;
}

/* What cannot be read is told, and the others are judged. */
static int check_together(const struct request *request, int count, char **names)
{
	g_autoptr(GPtrArray) all =
		g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))kvt_facts_free);
	int status = KVT_STATUS_OK;
	GError *failed = NULL;
	bool own = false;

	for (int i = 0; i < count; i++) {
		GError *error = NULL;
		g_autoptr(GPtrArray) sets = read_target(names[i], &error);

		own |= is_own(names[i]);
		if (sets != NULL)
			take_sets(all, sets);
		else
			status = worse(status, kvt_fail("check", error));
	}
	kvt_join(all);
	if (!add_recorded_host(request, all, &failed))
		return worse(status, kvt_fail("check", failed));
	return all->len > 0 ? worse(status, check_sets(request, own, all, NULL)) : status;
}

static int check_vms(const struct request *request)
{
	GError *error = NULL;
	g_autoptr(GPtrArray) sets = kvt_check_vms_read(&request->vms, &error);

	return check_sets(request, request->vms.host == NULL, sets, error);
}

/* Of several targets the first of 4, 3, 1, 0. */
static int check_all(const struct request *request, int count, char **names)
{
	struct kvt_expand expand = { .count = count, .names = names };
	struct kvt_expanded next;
	int status = KVT_STATUS_OK, judged = 0, one;
	GError *error = NULL;

	if (count == 0)
		return check_target(request, NULL);
	if (may_be_joined(count, names))
		return check_together(request, count, names);
	while (kvt_expand_next(&expand, &next, &error)) {
		g_autofree char *name = next.name;

		if (error != NULL) {
			status = worse(status, kvt_fail("check", g_steal_pointer(&error)));
			judged++;
			continue;
		}
		if (next.in_folder && !kvt_vm_file_is_definition(name))
			continue;
		if (judged++ > 0 && !request->common.json && !request->common.quiet)
			printf("\n");
		one = check_target(request, name);
		status = MAX(status, one);
	}
	if (judged > 0)
		return status;
	kvt_expand_nothing(names[0], &error);
	return kvt_fail("check", error);
}

int cmd_check(int argc, char **argv)
{
	g_autofree char *bar = NULL;
	struct request request = { .bar = KVT_LOW, .window_s = 300 };
	const GOptionEntry entries[] = {
		{ "facts", 0, 0, G_OPTION_ARG_NONE, &request.facts, "What was read, and from where",
		  NULL },
		{ "summary", 0, 0, G_OPTION_ARG_NONE, &request.summary,
		  "A line a target, for many of them", NULL },
		{ "as-configured", 0, 0, G_OPTION_ARG_NONE, &request.as_configured,
		  "As the files say it will be after a reboot", NULL },
		{ "fail-on", 0, 0, G_OPTION_ARG_STRING, &bar,
		  "Exit 1 from this severity on (default low)", "SEVERITY" },
		{ "move", 0, 0, G_OPTION_ARG_NONE, &request.move,
		  "May a guest move between these hosts (and with this definition)?", NULL },
		{ "prom", 0, 0, G_OPTION_ARG_FILENAME, &request.prom,
		  "Write the findings for node_exporter's textfile folder", "FILE" },
		{ "at", 0, 0, G_OPTION_ARG_STRING, &request.at,
		  "Join the logs of a host and its guests around this time", "TIME" },
		{ "window", 0, 0, G_OPTION_ARG_DOUBLE, &request.window_s,
		  "Seconds before and after --at (300)", "S" },
		{ "offset", 0, 0, G_OPTION_ARG_STRING_ARRAY, &request.offsets,
		  "Of the guests' clocks from the host's, for --at; positive = ahead; once, or for "
		  "each",
		  "S" },
		{ "accept", 0, 0, G_OPTION_ARG_FILENAME, &request.accept_file,
		  "Known findings, for any target (default " KVT_ACCEPT_FILE
		  ", for this machine and its VMs)",
		  "FILE" },
		KVT_CHECK_VMS_ENTRIES(&request.vms),
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(kvt_rules) rules = NULL;
	g_autoptr(GPtrArray) accepted = NULL;
	g_autofree char *accept_file = NULL;
	g_autoptr(GArray) findings = NULL;
	g_autoptr(GString) host = NULL;
	GError *error = NULL;
	int status;

	if (!kvt_options_parse("check", "[TARGET...]", description, entries, &request.common, &argc,
			       &argv, &status))
		return status;
	if (bar != NULL && !kvt_severity_parse(bar, &request.bar))
		return kvt_usage("check",
				 "--fail-on takes critical, high, medium, low or info, not '%s'",
				 bar);
	kvt_domains_setup(request.vms.vm.uri);
	rules = kvt_rules_load(&error);
	if (rules == NULL)
		return kvt_fail("check", error);
	request.rules = rules;
	accept_file = request.accept_file;
	if (request.at != NULL) {
		status = kvt_check_timeline(&request.common, request.at, request.window_s,
					    request.offsets, argc - 1, argv + 1);
		g_free(request.at);
		g_strfreev(request.offsets);
		return status;
	}
	if (request.move)
		return kvt_check_move(&request.common, argc - 1, argv + 1);
	accepted = kvt_accept_load(accept_file != NULL ? accept_file : KVT_ACCEPT_FILE,
				   accept_file == NULL, rules, &error);
	if (accepted == NULL)
		return kvt_fail("check", error);
	request.accepted = accepted;
	if (request.summary && argc > 1 && !kvt_vm_given(&request.vms.vm)) {
		const struct kvt_check_summary how = { &request.common, rules, request.bar,
						       accept_file != NULL ? accepted : NULL };

		return kvt_check_summary(&how, argc - 1, argv + 1);
	}
	if (request.summary)
		return kvt_usage("check", "--summary: of which targets?");
	request.findings = findings = kvt_prom_findings_new();
	request.host = host = g_string_new(NULL);
	if (!kvt_vm_given(&request.vms.vm))
		status = check_all(&request, argc - 1, argv + 1);
	else if (argc > 1)
		status = kvt_usage("check",
				   "'%s': running guests and other targets are checked apart",
				   argv[1]);
	else
		status = check_vms(&request);
	kvt_check_vms_clear(&request.vms);
	status = write_prom(&request, status);
	g_free(request.prom);
	return status;
}
