/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/accept.h"

#include <string.h>

#include "check/ini.h"
#include "sys/error.h"
#include "sys/root.h"

/* An entry is one line of text a key: what is longer is no such file. */
#define FILE_LIMIT (1024u * 1024u)

static void accepted_free(gpointer data)
{
	struct kvt_accepted *accepted = data;

	g_free(accepted->id);
	g_free(accepted->scope);
	g_strfreev(accepted->names);
	g_free(accepted->reason);
	g_free(accepted->until);
	g_free(accepted->place);
	g_free(accepted);
}

static bool is_date(const char *text)
{
	unsigned n[3] = { 0 };

	if (strlen(text) != 10)
		return false;
	for (int i = 0; i < 10; i++) {
		if (i == 4 || i == 7 ? text[i] != '-' : !g_ascii_isdigit(text[i]))
			return false;
		if (i != 4 && i != 7)
			n[i < 4   ? 0
			  : i < 7 ? 1
				  : 2] = n[i < 4   ? 0
					   : i < 7 ? 1
						   : 2] *
						 10 +
					 (unsigned)(text[i] - '0');
	}
	return n[1] <= 12 && n[2] <= 31 &&
	       g_date_valid_dmy((GDateDay)n[2], (GDateMonth)n[1], (GDateYear)n[0]);
}

/* "guest build* web1": the first word is the scope. */
static bool take_scope(struct kvt_accepted *accepted, const struct kvt_rule *rule,
		       const char *value)
{
	g_auto(GStrv) words = g_strsplit_set(value, " \t", -1);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 1; words[0] != NULL && words[i] != NULL; i++)
		if (words[i][0] != '\0')
			g_ptr_array_add(names, g_strdup(words[i]));
	g_ptr_array_add(names, NULL);
	g_ptr_array_set_free_func(names, NULL);
	accepted->scope = g_strdup(words[0] != NULL ? words[0] : "");
	accepted->names = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
	return strcmp(accepted->scope, rule->scope) == 0;
}

static bool take_line(struct kvt_accepted *accepted, const struct kvt_rule *rule, const char *file,
		      const struct kvt_ini_line *line, GError **error)
{
	const char *equals = strchr(line->text, '=');
	g_autofree char *key = g_strstrip(
		g_strndup(line->text, equals != NULL ? (gsize)(equals - line->text) : 0));
	g_autofree char *value = g_strstrip(g_strdup(equals != NULL ? equals + 1 : ""));
	char **place = strcmp(key, "scope") == 0    ? &accepted->scope
		       : strcmp(key, "reason") == 0 ? &accepted->reason
		       : strcmp(key, "until") == 0  ? &accepted->until
						    : NULL;

	if (place == NULL)
		kvt_ini_fail(error, file, line->number, "scope, reason or until is wanted: %s",
			     line->text);
	else if (*place != NULL)
		kvt_ini_fail(error, file, line->number, "%s is given twice", key);
	else if (value[0] == '\0')
		kvt_ini_fail(error, file, line->number, "%s has no value", key);
	else if (place == &accepted->scope && !take_scope(accepted, rule, value))
		kvt_ini_fail(error, file, line->number, "the scope of %s is %s, not %s", rule->id,
			     rule->scope, accepted->scope);
	else if (place == &accepted->until && !is_date(value))
		kvt_ini_fail(error, file, line->number,
			     "until takes a day such as 2027-03-31, not '%s'", value);
	else {
		if (place != &accepted->scope)
			*place = g_steal_pointer(&value);
		return true;
	}
	return false;
}

static struct kvt_accepted *take_section(const char *file, const struct kvt_ini_section *section,
					 const struct kvt_rules *rules, GError **error)
{
	const struct kvt_rule *rule = kvt_rules_find(rules, section->name);
	struct kvt_accepted *accepted;
	bool good = true;

	if (rule == NULL) {
		kvt_ini_fail(error, file, section->number, "no rule has the id %s", section->name);
		return NULL;
	}
	accepted = g_new0(struct kvt_accepted, 1);
	accepted->id = g_strdup(section->name);
	accepted->place = g_strdup_printf("%s:%d", file, section->number);
	for (guint i = 0; good && i < section->lines->len; i++)
		good = take_line(accepted, rule, file, section->lines->pdata[i], error);
	if (good && (accepted->reason == NULL || accepted->scope == NULL)) {
		kvt_ini_fail(error, file, section->number, "%s has no %s", section->name,
			     accepted->reason == NULL ? "reason" : "scope");
		good = false;
	}
	if (good)
		return accepted;
	accepted_free(accepted);
	return NULL;
}

GPtrArray *kvt_accept_parse(const char *file, const char *text, gsize len,
			    const struct kvt_rules *rules, GError **error)
{
	g_autoptr(GPtrArray) sections = kvt_ini_parse(file, text, len, error);
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(accepted_free);

	if (sections == NULL)
		return NULL;
	for (guint i = 0; i < sections->len; i++) {
		struct kvt_accepted *accepted =
			take_section(file, sections->pdata[i], rules, error);

		if (accepted == NULL)
			return NULL;
		g_ptr_array_add(all, accepted);
	}
	return g_steal_pointer(&all);
}

GPtrArray *kvt_accept_load(const char *file, bool may_lack, const struct kvt_rules *rules,
			   GError **error)
{
	g_autoptr(kvt_root) root = NULL;
	g_autofree char *path = NULL;
	g_autofree char *text = NULL;
	gsize len;

	root = kvt_root_open("/", error);
	path = g_canonicalize_filename(file, NULL);
	if (root == NULL)
		return NULL;
	if (may_lack && !kvt_root_exists(root, path))
		return g_ptr_array_new_with_free_func(accepted_free);
	text = kvt_root_read(root, path, FILE_LIMIT, &len, error);
	return text != NULL ? kvt_accept_parse(file, text, len, rules, error) : NULL;
}

bool kvt_accept_is_over(const struct kvt_accepted *accepted, const char *today)
{
	return accepted->until != NULL && strcmp(accepted->until, today) < 0;
}

char *kvt_accept_today(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();

	return g_date_time_format(now, "%Y-%m-%d");
}

/* ---- on a judgement ---- */

static bool is_about(const struct kvt_accepted *accepted, const char *target)
{
	for (char **name = accepted->names; *name != NULL; name++)
		if (g_pattern_match_simple(*name, target))
			return true;
	return accepted->names[0] == NULL;
}

static void look_up(GPtrArray *all, const char *today, const char *target,
		    struct kvt_finding *finding)
{
	for (guint i = 0; i < all->len; i++) {
		const struct kvt_accepted *accepted = all->pdata[i];

		if (strcmp(accepted->id, finding->rule->id) != 0 || !is_about(accepted, target))
			continue;
		if (kvt_accept_is_over(accepted, today))
			finding->lapsed = accepted;
		else
			finding->accepted = accepted;
	}
}

bool kvt_accept_covers(GPtrArray *all, const char *today, const char *target, const char *id)
{
	for (guint i = 0; i < all->len; i++) {
		const struct kvt_accepted *accepted = all->pdata[i];

		if (strcmp(accepted->id, id) == 0 && is_about(accepted, target) &&
		    !kvt_accept_is_over(accepted, today))
			return true;
	}
	return false;
}

void kvt_accept_apply(GPtrArray *all, const char *today, struct kvt_judgement *judgement)
{
	const char *target = kvt_facts_target(judgement->facts);

	for (guint i = 0; i < judgement->found->len;) {
		struct kvt_finding *finding = judgement->found->pdata[i];

		look_up(all, today, target, finding);
		if (finding->accepted == NULL) {
			i++;
			continue;
		}
		judgement->by_severity[finding->rule->severity]--;
		g_ptr_array_add(judgement->accepted, finding);
		g_ptr_array_remove_index(judgement->found, i);
	}
	for (guint i = 0; i < judgement->found->len; i++) {
		struct kvt_finding *finding = judgement->found->pdata[i];

		while (finding->cause != NULL && finding->cause->accepted != NULL)
			finding->cause = finding->cause->cause;
	}
}
