/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules as they are shipped: they load, and what they name is there. */
#include <locale.h>
#include <string.h>

#include "check/rules.h"
#include "fix/plan.h"

static struct kvt_rules *rules;

static void test_they_load(void)
{
	g_autoptr(GError) error = NULL;

	rules = kvt_rules_load(&error);
	g_assert_no_error(error);
	g_assert_cmpuint(kvt_rules_count(rules), >, 80);
}

/* "vm-set" changes a definition and is src/vmdef's; every other remedy is a line of our table. */
static void test_every_remedy_is_in_the_table(void)
{
	for (guint i = 0; i < kvt_rules_count(rules); i++) {
		const struct kvt_rule *rule = kvt_rules_at(rules, i);
		g_autoptr(GError) error = NULL;

		if (rule->fix != NULL && strstr(rule->fix, "vm-set") == NULL &&
		    !kvt_remedy_check(rule->fix, &error))
			g_error("%s: %s", rule->id, error->message);
	}
}

static void test_every_cause_is_a_rule(void)
{
	for (guint i = 0; i < kvt_rules_count(rules); i++) {
		const struct kvt_rule *rule = kvt_rules_at(rules, i);
		g_auto(GStrv) causes =
			g_strsplit_set(rule->cause != NULL ? rule->cause : "", " ,;", -1);

		for (guint k = 0; causes[k] != NULL; k++)
			if (causes[k][0] != '\0' && kvt_rules_find(rules, causes[k]) == NULL)
				g_error("%s: no rule %s", rule->id, causes[k]);
	}
}

/* No remedy may ever add the word that document 001 copied from an unrelated page. */
static void test_no_rule_adds_emergency(void)
{
	for (guint i = 0; i < kvt_rules_count(rules); i++) {
		const struct kvt_rule *rule = kvt_rules_at(rules, i);

		g_assert_true(rule->fix == NULL || strstr(rule->fix, "boot-add emergency") == NULL);
	}
}

/* ---- doc/seeds.md: each statement of the mission's documents ---- */

static void test_every_id_of_the_seed_table_is_a_rule(void)
{
	g_autofree char *path = g_build_filename(g_getenv("KVT_SOURCE"), "doc", "seeds.md", NULL);
	g_autofree char *text = NULL;
	g_autoptr(GRegex) regex = g_regex_new("KVT-[0-9]+", 0, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	guint seen = 0;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	for (g_regex_match(regex, text, 0, &match); g_match_info_matches(match);
	     g_match_info_next(match, NULL)) {
		g_autofree char *id = g_match_info_fetch(match, 0);

		if (kvt_rules_find(rules, id) == NULL)
			g_error("doc/seeds.md names %s, which is no rule", id);
		seen++;
	}
	g_assert_cmpuint(seen, >, 40);
}

/* A row says what a statement comes to: ids, or a reason. */
static void test_no_row_of_the_seed_table_is_empty(void)
{
	g_autofree char *path = g_build_filename(g_getenv("KVT_SOURCE"), "doc", "seeds.md", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	guint rows = 0;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) cells = NULL;

		if (lines[i][0] != '|' || g_str_has_prefix(lines[i], "|-") ||
		    g_str_has_prefix(lines[i], "| statement"))
			continue;
		cells = g_strsplit(lines[i], "|", -1);
		g_assert_cmpuint(g_strv_length(cells), ==, 5);
		rows++;
		if (g_strstrip(cells[2])[0] == '\0' && strlen(g_strstrip(cells[3])) < 10)
			g_error("doc/seeds.md:%u says neither rule nor reason", i + 1);
	}
	g_assert_cmpuint(rows, >, 50);
}

/* ---- doc/rules.md: each line of the catalogue ---- */

static void check_row(const char *line)
{
	g_auto(GStrv) cells = g_strsplit(line, "|", -1);
	g_auto(GStrv) ids = NULL;

	g_assert_cmpuint(g_strv_length(cells), ==, 5);
	ids = g_strsplit(g_strstrip(cells[2]), " ", -1);
	if (cells[2][0] == '\0' && strlen(g_strstrip(cells[3])) < 10)
		g_error("doc/rules.md says neither rule nor reason: %s", line);
	for (guint i = 0; ids[i] != NULL; i++)
		if (ids[i][0] != '\0' && kvt_rules_find(rules, ids[i]) == NULL)
			g_error("doc/rules.md names %s, which is no rule", ids[i]);
}

static void test_the_catalogue_is_whole(void)
{
	static const struct {
		char letter;
		guint count;
	} parts[] = { { 'H', 23 }, { 'V', 24 }, { 'G', 47 } };
	g_autofree char *path = g_build_filename(g_getenv("KVT_SOURCE"), "doc", "rules.md", NULL);
	g_autofree char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	for (guint p = 0; p < G_N_ELEMENTS(parts); p++)
		for (guint i = 1; i <= parts[p].count; i++) {
			g_autofree char *head = g_strdup_printf("\n| %c%02u ", parts[p].letter, i);
			const char *row = strstr(text, head);
			g_autofree char *line = NULL;

			if (row == NULL)
				g_error("doc/rules.md has no line for%s", head + 2);
			line = g_strndup(row + 1, strcspn(row + 1, "\n"));
			check_row(line);
			g_assert_null(strstr(row + 1, head));
		}
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_ALL, "C");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rules/load", test_they_load);
	g_test_add_func("/rules/remedies", test_every_remedy_is_in_the_table);
	g_test_add_func("/rules/causes", test_every_cause_is_a_rule);
	g_test_add_func("/rules/emergency", test_no_rule_adds_emergency);
	g_test_add_func("/rules/seeds-ids", test_every_id_of_the_seed_table_is_a_rule);
	g_test_add_func("/rules/catalogue", test_the_catalogue_is_whole);
	g_test_add_func("/rules/seeds-rows", test_no_row_of_the_seed_table_is_empty);
	status = g_test_run();
	kvt_rules_free(rules);
	return status;
}
