/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/rules.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "check/ini.h"
#include "config.h"
#include "sys/error.h"

#define LOCAL_RULES "/etc/kvmtime/rules"

struct kvt_rules {
	GPtrArray *all;
	GHashTable *by_id; /* borrowed keys and values */
};

/* The keys beside conditions: where they go, and whether they must be there. */
static const struct {
	const char *name;
	size_t offset;
	bool required;
} keys[] = {
	{ "title", offsetof(struct kvt_rule, title), true },
	{ "scope", offsetof(struct kvt_rule, scope), true },
	{ "why", offsetof(struct kvt_rule, why), true },
	{ "who", offsetof(struct kvt_rule, who), true },
	{ "source", offsetof(struct kvt_rule, source), true },
	{ "checked", offsetof(struct kvt_rule, checked), true },
	{ "fix", offsetof(struct kvt_rule, fix), false },
	{ "do", offsetof(struct kvt_rule, run), false },
	{ "risk", offsetof(struct kvt_rule, risk), false },
	{ "verify", offsetof(struct kvt_rule, verify), false },
	{ "send", offsetof(struct kvt_rule, send), false },
	{ "alone", offsetof(struct kvt_rule, alone), false },
	{ "cause", offsetof(struct kvt_rule, cause), false },
	{ "show", offsetof(struct kvt_rule, show), false },
	{ "confidence", offsetof(struct kvt_rule, confidence), false },
};

static char **field(struct kvt_rule *rule, size_t offset)
{
	return (char **)(void *)((char *)rule + offset);
}

static void condition_free(gpointer data)
{
	struct kvt_condition *condition = data;

	g_strfreev(condition->words);
	g_free(condition->text);
	g_free(condition);
}

static void rule_free(gpointer data)
{
	struct kvt_rule *rule = data;

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		g_free(*field(rule, keys[i].offset));
	g_ptr_array_unref(rule->conditions);
	g_free(rule->id);
	g_free(rule->file);
	g_free(rule);
}

typedef struct kvt_rule rule_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rule_auto, rule_free)

struct kvt_rules *kvt_rules_new(void)
{
	struct kvt_rules *rules = g_new0(struct kvt_rules, 1);

	rules->all = g_ptr_array_new_with_free_func(rule_free);
	rules->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	return rules;
}

void kvt_rules_free(struct kvt_rules *rules)
{
	if (rules == NULL)
		return;
	g_hash_table_unref(rules->by_id);
	g_ptr_array_unref(rules->all);
	g_free(rules);
}

guint kvt_rules_count(const struct kvt_rules *rules)
{
	return rules->all->len;
}

const struct kvt_rule *kvt_rules_at(const struct kvt_rules *rules, guint i)
{
	return i < rules->all->len ? rules->all->pdata[i] : NULL;
}

const struct kvt_rule *kvt_rules_find(const struct kvt_rules *rules, const char *id)
{
	return g_hash_table_lookup(rules->by_id, id);
}

static const char *const severities[] = { "info", "low", "medium", "high", "critical" };

const char *kvt_severity_name(enum kvt_severity severity)
{
	return severities[severity];
}

bool kvt_severity_parse(const char *name, enum kvt_severity *ret_severity)
{
	for (guint i = 0; i < G_N_ELEMENTS(severities); i++)
		if (strcmp(name, severities[i]) == 0) {
			*ret_severity = (enum kvt_severity)i;
			return true;
		}
	return false;
}

/* ---- one condition ---- */

static bool parse_subject(const char *word, unsigned *ret_subject)
{
	static const struct {
		const char *name;
		unsigned bit;
	} subjects[] = {
		{ "host", KVT_HOST },
		{ "vm", KVT_VM },
		{ "guest", KVT_GUEST },
		{ "machine", KVT_MACHINE },
	};

	for (guint i = 0; i < G_N_ELEMENTS(subjects); i++)
		if (strcmp(word, subjects[i].name) == 0) {
			*ret_subject = subjects[i].bit;
			return true;
		}
	return false;
}

/* "guest.clocksource.current": the subject ends at the first dot */
static bool parse_name(struct kvt_condition *condition, const char *word)
{
	const char *dot = strchr(word, '.');
	g_autofree char *subject = NULL;

	if (dot == NULL)
		return false;
	subject = g_strndup(word, (gsize)(dot - word));
	condition->def = kvt_fact_def_find(dot + 1);
	return parse_subject(subject, &condition->subject) && condition->def != NULL &&
	       (condition->def->subjects & condition->subject) != 0;
}

/* words[0] is the operator */
static bool parse_operator(struct kvt_condition *condition, char **words)
{
	const char *first = words[0] != NULL ? words[0] : "";
	const char *second = words[0] != NULL && words[1] != NULL ? words[1] : "";
	guint used = 1;

	if (strcmp(first, "=") == 0)
		condition->op = KVT_OP_EQ;
	else if (strcmp(first, "<") == 0)
		condition->op = KVT_OP_LESS;
	else if (strcmp(first, ">=") == 0)
		condition->op = KVT_OP_AT_LEAST;
	else if (strcmp(first, "in") == 0)
		condition->op = KVT_OP_IN;
	else if (strcmp(first, "absent") == 0)
		condition->op = KVT_OP_ABSENT;
	else if (strcmp(first, "not") == 0 && strcmp(second, "in") == 0)
		condition->op = KVT_OP_NOT_IN, used = 2;
	else if (strcmp(first, "not") == 0 && strcmp(second, "absent") == 0)
		condition->op = KVT_OP_NOT_ABSENT, used = 2;
	else if (strcmp(first, "not") == 0)
		condition->op = KVT_OP_NOT;
	else
		return false;
	condition->words = g_strdupv(words + used);
	return true;
}

static bool is_number(const char *word, enum kvt_fact_type type)
{
	char *end;

	if (type == KVT_FACT_INT)
		g_ascii_strtoll(word, &end, 10);
	else
		g_ascii_strtod(word, &end);
	return word[0] != '\0' && *end == '\0';
}

/* What is wrong with the values, or NULL. */
static const char *values_fault(const struct kvt_condition *condition)
{
	const enum kvt_fact_type type = condition->def->type;
	const guint count = g_strv_length(condition->words);
	const bool ordered = condition->op == KVT_OP_LESS || condition->op == KVT_OP_AT_LEAST;

	if (condition->op == KVT_OP_ABSENT || condition->op == KVT_OP_NOT_ABSENT)
		return count == 0 ? NULL : "absent takes no value";
	if (count == 0)
		return "a value is missing";
	if (condition->op != KVT_OP_IN && condition->op != KVT_OP_NOT_IN && count != 1)
		return "one word is wanted";
	if (ordered && (type == KVT_FACT_BOOL || type == KVT_FACT_TEXT))
		return "this fact has no order";
	if (ordered && type == KVT_FACT_LIST && !is_number(condition->words[0], KVT_FACT_INT))
		return "a number of words is wanted";
	for (guint i = 0; i < count; i++) {
		if (type == KVT_FACT_BOOL && strcmp(condition->words[i], "yes") != 0 &&
		    strcmp(condition->words[i], "no") != 0)
			return "yes or no is wanted";
		if ((type == KVT_FACT_INT || type == KVT_FACT_REAL) &&
		    !is_number(condition->words[i], type))
			return "a number is wanted";
	}
	return NULL;
}

static char **split_words(const char *text)
{
	g_auto(GStrv) all = g_strsplit_set(text, " \t", -1);
	GPtrArray *kept = g_ptr_array_new();

	for (guint i = 0; all[i] != NULL; i++)
		if (all[i][0] != '\0')
			g_ptr_array_add(kept, g_strdup(all[i]));
	g_ptr_array_add(kept, NULL);
	return (char **)g_ptr_array_free(kept, FALSE);
}

/* Whether a "when" may still come: they stand before the other conditions. */
static bool when_in_order(const struct kvt_rule *rule)
{
	for (guint i = 0; i + 1 < rule->conditions->len; i++)
		if (!((const struct kvt_condition *)rule->conditions->pdata[i])->when)
			return false;
	return true;
}

/* [when] [configured] SUBJECT.FACT OPERATOR VALUE... */
static bool parse_condition(struct kvt_rule *rule, const struct kvt_ini_line *line, GError **error)
{
	struct kvt_condition *condition = g_new0(struct kvt_condition, 1);
	g_auto(GStrv) words = split_words(line->text);
	guint at = 0;

	g_ptr_array_add(rule->conditions, condition);
	condition->line = line->number;
	if (words[at] != NULL && strcmp(words[at], "when") == 0)
		condition->when = true, at++;
	if (condition->when && !when_in_order(rule)) {
		kvt_ini_fail(error, rule->file, line->number,
			     "'when' stands before the other conditions: %s", line->text);
		return false;
	}
	condition->text = g_strjoinv(" ", words + at);
	if (words[at] != NULL && strcmp(words[at], "configured") == 0)
		condition->configured = true, at++;
	if (words[at] == NULL || !parse_name(condition, words[at])) {
		kvt_ini_fail(error, rule->file, line->number, "unknown key or fact: %s",
			     words[at] != NULL ? words[at] : line->text);
		return false;
	}
	if (!parse_operator(condition, words + at + 1)) {
		kvt_ini_fail(error, rule->file, line->number, "unknown operator: %s", line->text);
		return false;
	}
	if (values_fault(condition) != NULL) {
		kvt_ini_fail(error, rule->file, line->number, "%s: %s", values_fault(condition),
			     line->text);
		return false;
	}
	return true;
}

/* ---- one rule ---- */

/* Splits "key = value" at the first '='; false if the word before it is no key of a rule. */
static bool take_key(struct kvt_rule *rule, const struct kvt_ini_line *line, bool *ret_twice)
{
	const char *equals = strchr(line->text, '=');
	g_autofree char *name = NULL;

	*ret_twice = false;
	if (equals == NULL)
		return false;
	name = g_strstrip(g_strndup(line->text, (gsize)(equals - line->text)));
	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		char **place = field(rule, keys[i].offset);

		if (strcmp(name, keys[i].name) != 0)
			continue;
		*ret_twice = *place != NULL;
		g_free(*place);
		*place = g_strstrip(g_strdup(equals + 1));
		return true;
	}
	return false;
}

static bool take_severity(struct kvt_rule *rule, const char *text, bool *seen)
{
	const char *value = text + strlen("severity");

	while (g_ascii_isspace(*value))
		value++;
	if (*value++ != '=' || *seen)
		return false;
	while (g_ascii_isspace(*value))
		value++;
	*seen = true;
	return kvt_severity_parse(value, &rule->severity);
}

static bool take_line(struct kvt_rule *rule, const struct kvt_ini_line *line, bool *severity_seen,
		      GError **error)
{
	bool twice;

	if (g_str_has_prefix(line->text, "severity")) {
		if (take_severity(rule, line->text, severity_seen))
			return true;
		kvt_ini_fail(error, rule->file, line->number,
			     "severity is given once, as critical, high, medium, low or info: %s",
			     line->text);
		return false;
	}
	if (!take_key(rule, line, &twice))
		return parse_condition(rule, line, error);
	if (twice)
		kvt_ini_fail(error, rule->file, line->number, "this key is there twice: %s",
			     line->text);
	return !twice;
}

/* {fact.name}, {subject.fact.name}: every name must stand in the table */
static bool braces_hold(const struct kvt_rule *rule, const char *text, GError **error)
{
	const char *open = text;

	while (open != NULL && (open = strchr(open, '{')) != NULL) {
		const char *close = strchr(open, '}');
		g_autofree char *name =
			close != NULL ? g_strndup(open + 1, (gsize)(close - open - 1)) : NULL;
		struct kvt_condition probe = { 0 };

		if (name == NULL ||
		    (kvt_fact_def_find(name) == NULL && !parse_name(&probe, name))) {
			kvt_ini_fail(error, rule->file, rule->line, "no such fact in braces: %s",
				     open);
			return false;
		}
		open = close;
	}
	return true;
}

static bool names_hold(const struct kvt_rule *rule, GError **error)
{
	g_auto(GStrv) show = g_strsplit(rule->show != NULL ? rule->show : "", " ", -1);
	const char *const texts[] = { rule->title, rule->why, rule->run, rule->send, rule->alone };

	for (guint i = 0; show[i] != NULL; i++)
		if (show[i][0] != '\0' && kvt_fact_def_find(show[i]) == NULL) {
			kvt_ini_fail(error, rule->file, rule->line, "no such fact in show: %s",
				     show[i]);
			return false;
		}
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		if (texts[i] != NULL && !braces_hold(rule, texts[i], error))
			return false;
	return true;
}

static bool is_id(const char *id)
{
	if (strlen(id) != 8 || !g_str_has_prefix(id, "KVT-"))
		return false;
	for (int i = 4; i < 8; i++)
		if (!g_ascii_isdigit(id[i]))
			return false;
	return true;
}

static bool words_hold(struct kvt_rule *rule, GError **error)
{
	static const char *const who[] = { "guest", "host", "provider", NULL };
	static const char *const doubt[] = { "high", "medium", "low", NULL };
	const bool set = strcmp(rule->scope, "set") == 0;

	if (!set && !parse_subject(rule->scope, &rule->subject))
		kvt_ini_fail(error, rule->file, rule->line,
			     "scope is host, vm, guest, machine or set: %s", rule->scope);
	else if (!g_strv_contains(who, rule->who))
		kvt_ini_fail(error, rule->file, rule->line, "who is guest, host or provider: %s",
			     rule->who);
	else if (rule->confidence != NULL && !g_strv_contains(doubt, rule->confidence))
		kvt_ini_fail(error, rule->file, rule->line, "confidence is high, medium or low: %s",
			     rule->confidence);
	else
		return true;
	return false;
}

static bool rule_holds(struct kvt_rule *rule, bool severity_seen, GError **error)
{
	guint conditions = 0;

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].required && *field(rule, keys[i].offset) == NULL) {
			kvt_ini_fail(error, rule->file, rule->line, "%s has no key '%s'", rule->id,
				     keys[i].name);
			return false;
		}
	for (guint i = 0; i < rule->conditions->len; i++)
		conditions += !((const struct kvt_condition *)rule->conditions->pdata[i])->when;
	if (!severity_seen || conditions == 0) {
		kvt_ini_fail(error, rule->file, rule->line, "%s has no %s", rule->id,
			     severity_seen ? "condition" : "severity");
		return false;
	}
	return words_hold(rule, error) && names_hold(rule, error);
}

static bool add_rule(struct kvt_rules *rules, const char *file,
		     const struct kvt_ini_section *section, GError **error)
{
	g_autoptr(rule_auto) rule = g_new0(struct kvt_rule, 1);
	const struct kvt_rule *twin = kvt_rules_find(rules, section->name);
	bool severity_seen = false;

	rule->conditions = g_ptr_array_new_with_free_func(condition_free);
	rule->id = g_strdup(section->name);
	rule->file = g_strdup(file);
	rule->line = section->number;
	if (!is_id(rule->id)) {
		kvt_ini_fail(error, file, section->number, "an id is KVT- and four digits: %s",
			     rule->id);
		return false;
	}
	if (twin != NULL) {
		kvt_ini_fail(error, file, section->number, "%s is already at %s:%d", rule->id,
			     twin->file, twin->line);
		return false;
	}
	for (guint i = 0; i < section->lines->len; i++)
		if (!take_line(rule, section->lines->pdata[i], &severity_seen, error))
			return false;
	if (!rule_holds(rule, severity_seen, error))
		return false;
	g_hash_table_insert(rules->by_id, rule->id, rule);
	g_ptr_array_add(rules->all, g_steal_pointer(&rule));
	return true;
}

bool kvt_rules_parse(struct kvt_rules *rules, const char *file, const char *text, gsize len,
		     GError **error)
{
	g_autoptr(GPtrArray) sections = kvt_ini_parse(file, text, len, error);

	if (sections == NULL)
		return false;
	for (guint i = 0; i < sections->len; i++)
		if (!add_rule(rules, file, sections->pdata[i], error))
			return false;
	return true;
}

/* ---- where they are ---- */

char *kvt_data_dir(void)
{
	const char *chosen = g_getenv("KVT_DATA");
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);

	if (chosen != NULL && chosen[0] != '\0')
		return g_strdup(chosen);
	if (program != NULL && g_str_has_prefix(program, KVT_BUILDDIR "/"))
		return g_build_filename(KVT_SOURCEDIR, "data", NULL);
	return g_strdup(KVT_DATADIR);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool kvt_data_load(const char *folder, const char *suffix, kvt_data_parse parse, gpointer set,
		   GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		if (g_str_has_suffix(name, suffix))
			g_ptr_array_add(names, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(names, by_name);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *text = NULL;
		g_autoptr(GError) cause = NULL;
		gsize len;

		if (!g_file_get_contents(names->pdata[i], &text, &len, &cause)) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s", cause->message);
			return false;
		}
		if (!parse(set, names->pdata[i], text, len, error))
			return false;
	}
	return true;
}

static bool parse_into(gpointer set, const char *file, const char *text, gsize len, GError **error)
{
	return kvt_rules_parse(set, file, text, len, error);
}

struct kvt_rules *kvt_rules_load(GError **error)
{
	g_autofree char *data = kvt_data_dir();
	g_autofree char *shipped = g_build_filename(data, "rules", NULL);
	g_autoptr(kvt_rules) rules = kvt_rules_new();

	if (!kvt_data_load(shipped, ".rules", parse_into, rules, error))
		return NULL;
	if (rules->all->len == 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: no rules there", shipped);
		return NULL;
	}
	if (!kvt_data_load(LOCAL_RULES, ".rules", parse_into, rules, error))
		return NULL;
	return g_steal_pointer(&rules);
}
