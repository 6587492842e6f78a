/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every shipped rule is hit by a recorded machine, definition or sosreport of this tree and
 * looked at and missed by another: test_rule_reach makes facts up, these are whole machines.
 */
#include <locale.h>
#include <string.h>

#include "check/configured.h"
#include "check/machine.h"
#include "check/record.h"
#include "check/rules.h"
#include "check/sos.h"
#include "check/wanted.h"
#include "vmdef/facts.h"
#include "vmdef/load.h"
#include "vmdef/model.h"

static struct kvt_rules *rules;
static GHashTable *hit, *missed;

/* What no recording can hold, and where it is tested instead. */
static const struct {
	const char *prefix, *why;
} exceptions[] = {
	{ "KVT-06", "the host asks a running guest: tests/e2e/test_guests_*.sh" },
};

/* No recording holds what a lab measures. */
static bool is_measured(const struct kvt_rule *rule)
{
	for (guint i = 0; i < rule->conditions->len; i++) {
		const struct kvt_condition *condition = rule->conditions->pdata[i];

		if (g_str_has_prefix(condition->def->name, "lab."))
			return true;
	}
	return false;
}

static const char *excepted(const char *id)
{
	if (is_measured(kvt_rules_find(rules, id)))
		return "kvmtime lab measures it: tests/unit/test_lab_judge.c";
	for (guint i = 0; i < G_N_ELEMENTS(exceptions); i++)
		if (g_str_has_prefix(id, exceptions[i].prefix))
			return exceptions[i].why;
	return NULL;
}

static void judge(const struct kvt_facts *read)
{
	g_autoptr(kvt_facts) facts = kvt_facts_as_configured(read, true);
	g_autoptr(kvt_judgement) judgement = kvt_judge(rules, facts);

	for (guint i = 0; i < judgement->results->len; i++) {
		const struct kvt_finding *finding = judgement->results->pdata[i];
		char *id = g_strdup(finding->rule->id);

		if (finding->verdict == KVT_FOUND)
			g_hash_table_add(hit, id);
		else if (finding->verdict == KVT_CLEAN)
			g_hash_table_add(missed, id);
		else
			g_free(id);
	}
}

static void judge_root(struct kvt_root *root, const char *name)
{
	struct kvt_answers answers;
	g_autoptr(kvt_facts) facts = NULL;

	if (kvt_is_sosreport(root))
		kvt_sos_prepare(root);
	kvt_answers_recorded(root, &answers);
	facts = kvt_machine_read(root, &answers, name);
	judge(facts);
}

static void judge_definition(const char *path, const char *bytes, gsize len)
{
	g_autoptr(kvt_vm) vm = kvt_vm_parse(-1, bytes, len, path, NULL);
	g_autoptr(kvt_facts) facts = vm != NULL ? kvt_vm_facts(vm, KVT_QEMU(8, 2)) : NULL;

	if (facts != NULL)
		judge(facts);
}

static void judge_file(const char *path)
{
	g_autofree char *bytes = NULL;
	gsize len;
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_root) root = NULL;

	g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
	if (!kvt_record_looks_like(bytes, len)) {
		judge_definition(path, bytes, len);
		return;
	}
	root = kvt_record_parse(bytes, len, path, &error);
	g_assert_no_error(error);
	judge_root(root, path);
}

/* A folder of files, or of sosreports. */
static guint judge_folder(const char *folder, const char *suffix)
{
	g_autofree char *base = g_build_filename(g_getenv("KVT_SOURCE"), folder, NULL);
	g_autoptr(GDir) dir = g_dir_open(base, 0, NULL);
	guint count = 0;

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *path = g_build_filename(base, name, NULL);

		if (!g_str_has_suffix(name, suffix))
			continue;
		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			g_autoptr(kvt_root) root = kvt_root_open(path, NULL);

			judge_root(root, path);
		} else
			judge_file(path);
		count++;
	}
	return count;
}

static void test_every_rule_has_machines(void)
{
	g_autoptr(GString) without = g_string_new(NULL);

	g_assert_cmpuint(judge_folder("data/machines", ".record"), >, 25);
	g_assert_cmpuint(judge_folder("tests/e2e/definitions", ""), >, 10);
	judge_folder("data/sosreports", "");
	for (guint i = 0; i < kvt_rules_count(rules); i++) {
		const char *id = kvt_rules_at(rules, i)->id;
		const char *why = excepted(id);

		if (why != NULL)
			continue;
		if (!g_hash_table_contains(hit, id))
			g_string_append_printf(without, " %s(hit)", id);
		if (!g_hash_table_contains(missed, id))
			g_string_append_printf(without, " %s(miss)", id);
	}
	if (without->len > 0)
		g_error("no recorded machine for:%s", without->str);
}

/* An exception that a machine reaches after all is to be taken out of the list. */
static void test_no_exception_is_idle(void)
{
	for (guint i = 0; i < kvt_rules_count(rules); i++) {
		const char *id = kvt_rules_at(rules, i)->id;

		if (excepted(id) != NULL && g_hash_table_contains(hit, id) &&
		    g_hash_table_contains(missed, id))
			g_error("%s is reached by recorded machines", id);
	}
}

/* ---- what is taken out of an archive ---- */

/* A record's list of files is that of the readers; folders that are only looked for are none. */
static void test_every_file_of_a_record_is_wanted(void)
{
	g_autofree char *script =
		g_build_filename(g_getenv("KVT_SOURCE"), "tools", "record.sh", NULL);
	const char *const argv[] = { "sh", script, "--files", NULL };
	g_autofree char *list = NULL;
	g_auto(GStrv) lines = NULL;
	guint seen = 0;

	g_assert_true(g_spawn_sync(NULL, (char **)(guintptr)argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
				   NULL, &list, NULL, NULL, NULL));
	lines = g_strsplit(list, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 2);

		if (g_strv_length(words) < 2 || strchr(words[0], '*') != NULL)
			continue;
		seen++;
		if (kvt_wanted(words[0]) == 0)
			g_error("%s is in a record and not taken out of an archive", words[0]);
	}
	g_assert_cmpuint(seen, >, 30);
	g_assert_cmpuint(kvt_wanted("/etc/shadow"), ==, 0);
	g_assert_true(kvt_wanted_parent("/sys/class/dmi/id"));
	g_assert_false(kvt_wanted_parent("/home"));
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int status;

	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	rules = kvt_rules_load(&error);
	g_assert_no_error(error);
	hit = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	missed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_test_add_func("/rules/machines", test_every_rule_has_machines);
	g_test_add_func("/archive/wanted", test_every_file_of_a_record_is_wanted);
	g_test_add_func("/rules/exceptions", test_no_exception_is_idle);
	status = g_test_run();
	g_hash_table_unref(hit);
	g_hash_table_unref(missed);
	kvt_rules_free(rules);
	return status;
}
