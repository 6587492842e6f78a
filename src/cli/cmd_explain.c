/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtime explain: what a rule, a message, a pasted log line or a word means, in general and here.
 */
#include <stdio.h>
#include <string.h>

#include "check/ini.h"
#include "check/messages.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "cli/verbs.h"

static const char description[] =
	"WORD is the id of a rule or of a message, a line of a log (quoted or not), a term, or - for\n"
	"lines on standard input. Of a rule it is said too whether it is found on this machine.\n"
	"\n"
	"Examples:\n"
	"  kvmtime explain KVT-0201\n"
	"  kvmtime explain 'Clocksource tsc unstable (delta = 6824818792 ns)'\n"
	"  kvmtime explain master clock\n"
	"\n"
	"Exit status: 0 explained, 2 usage, 4 nothing is known about it.\n";

struct explainer {
	struct kvt_common common;
	struct kvt_rules *rules;
	struct kvt_messages *messages;
	GPtrArray *sets;                 /* facts of this machine, or NULL */
	struct kvt_judgement *judgement; /* of this machine, or NULL */
	JsonBuilder *json;               /* NULL = text */
	guint explained;
};

static void field(struct explainer *explainer, const char *label, const char *member,
		  const char *value)
{
	g_autofree char *safe = NULL;
	g_autofree char *line = NULL;

	if (explainer->json != NULL) {
		kvt_json_string(explainer->json, member, value);
		return;
	}
	if (value == NULL || value[0] == '\0')
		return;
	safe = kvt_text_printable(value);
	/* the label stands on the first line of a wrapped paragraph */
	line = g_strdup_printf("%s: %s", label, safe);
	kvt_text_wrap(2, line);
}

static void begin(struct explainer *explainer, const char *kind, const char *id, const char *title)
{
	if (explainer->json != NULL) {
		json_builder_begin_object(explainer->json);
		kvt_json_string(explainer->json, "kind", kind);
		kvt_json_string(explainer->json, "id", id);
		kvt_json_string(explainer->json, "title", title);
	} else {
		g_autofree char *bold = kvt_text_paint(KVT_BOLD, title);

		printf("%s%s%s%s\n", explainer->explained > 0 ? "\n" : "", id,
		       id[0] != '\0' ? "  " : "", bold);
	}
	explainer->explained++;
}

static void end(struct explainer *explainer)
{
	if (explainer->json != NULL)
		json_builder_end_object(explainer->json);
}

/* ---- this machine, read when it is first asked for ---- */

static const struct kvt_finding *here(struct explainer *explainer, const char *id)
{
	if (explainer->sets == NULL) {
		explainer->sets = kvt_target_read(NULL, NULL);
		if (explainer->sets != NULL)
			explainer->judgement =
				kvt_judge(explainer->rules, explainer->sets->pdata[0]);
	}
	return explainer->judgement != NULL ? kvt_judgement_find(explainer->judgement, id) : NULL;
}

static char *verdict_here(struct explainer *explainer, const char *id)
{
	const struct kvt_finding *finding = here(explainer, id);

	if (finding == NULL)
		return g_strdup("this machine cannot be read");
	if (finding->verdict == KVT_FOUND)
		return g_strdup("found on this machine; see kvmtime check");
	return g_strdup_printf("not found on this machine (%s): %s",
			       kvt_verdict_name(finding->verdict),
			       finding->reason != NULL ? finding->reason : "no reason is known");
}

static char *conditions_of(const struct kvt_rule *rule)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < rule->conditions->len; i++) {
		const struct kvt_condition *condition = rule->conditions->pdata[i];

		g_string_append_printf(out, "%s%s", out->len > 0 ? "; " : "", condition->text);
	}
	return g_string_free(out, FALSE);
}

static void explain_rule(struct explainer *explainer, const struct kvt_rule *rule)
{
	g_autofree char *verdict = verdict_here(explainer, rule->id);
	g_autofree char *conditions = conditions_of(rule);
	g_autofree char *file = g_strdup_printf("%s:%d", rule->file, rule->line);

	begin(explainer, "rule", rule->id, rule->title);
	field(explainer, "severity", "severity", kvt_severity_name(rule->severity));
	field(explainer, "scope", "scope", rule->scope);
	field(explainer, "here", "here", verdict);
	field(explainer, "if", "conditions", conditions);
	field(explainer, "why", "cause", rule->why);
	field(explainer, "who", "who", rule->who);
	field(explainer, "do", "remedy", rule->run);
	field(explainer, "kvmtime fix does", "fix", rule->fix);
	field(explainer, "risk", "risk", rule->risk);
	field(explainer, "verify", "verify", rule->verify);
	field(explainer, "ask for", "send", rule->send);
	field(explainer, "the guest alone", "alone", rule->alone);
	field(explainer, "source", "source", rule->source);
	field(explainer, "rule", "file", file);
	end(explainer);
}

/* ---- messages ---- */

/* The rules that ask for a message's fact, each with its verdict here. */
static char *rules_of(struct explainer *explainer, const struct kvt_message *message)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; message->def != NULL && i < kvt_rules_count(explainer->rules); i++) {
		const struct kvt_rule *rule = kvt_rules_at(explainer->rules, i);

		for (guint k = 0; k < rule->conditions->len; k++) {
			const struct kvt_condition *condition = rule->conditions->pdata[k];
			g_autofree char *verdict = NULL;

			if (condition->def != message->def || condition->when)
				continue;
			verdict = verdict_here(explainer, rule->id);
			g_string_append_printf(out, "%s%s %s", out->len > 0 ? ". " : "", rule->id,
					       verdict);
			break;
		}
	}
	return g_string_free(out, FALSE);
}

static void explain_message(struct explainer *explainer, const struct kvt_message *message)
{
	g_autofree char *rules = rules_of(explainer, message);

	begin(explainer, "message", message->id, message->title);
	field(explainer, "severity", "severity", message->severity);
	field(explainer, "printed by", "era", message->era);
	field(explainer, "why", "cause", message->cause);
	field(explainer, "do", "remedy", message->remedy);
	field(explainer, "rules", "rules", rules);
	field(explainer, "source", "source", message->source);
	end(explainer);
}

static bool explain_line(struct explainer *explainer, const char *line)
{
	g_autoptr(GPtrArray) found = kvt_messages_match(explainer->messages, line);

	for (guint i = 0; i < found->len; i++)
		explain_message(explainer, found->pdata[i]);
	return found->len > 0;
}

/* ---- terms ---- */

static char *value_of(const struct kvt_ini_section *section, const char *key)
{
	const gsize len = strlen(key);

	for (guint i = 0; i < section->lines->len; i++) {
		const char *text = ((struct kvt_ini_line *)section->lines->pdata[i])->text;
		const char *equals = strchr(text, '=');

		if (strncmp(text, key, len) == 0 && equals != NULL &&
		    strspn(text + len, " \t") == (gsize)(equals - text) - len)
			return g_strstrip(g_strdup(equals + 1));
	}
	return NULL;
}

static bool is_term(const struct kvt_ini_section *section, const char *word)
{
	g_autofree char *also = value_of(section, "also");
	g_auto(GStrv) names = g_strsplit(also != NULL ? also : "", ",", -1);

	if (g_ascii_strcasecmp(section->name, word) == 0)
		return true;
	for (guint i = 0; names[i] != NULL; i++)
		if (g_ascii_strcasecmp(g_strstrip(names[i]), word) == 0)
			return true;
	return false;
}

static GPtrArray *load_terms(GError **error)
{
	g_autofree char *folder = kvt_data_dir();
	g_autofree char *path = g_build_filename(folder, "terms", "10-time.terms", NULL);
	g_autofree char *text = NULL;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, error))
		return NULL;
	return kvt_ini_parse(path, text, len, error);
}

static bool explain_term(struct explainer *explainer, const char *word)
{
	g_autoptr(GPtrArray) terms = load_terms(NULL);

	for (guint i = 0; terms != NULL && i < terms->len; i++) {
		const struct kvt_ini_section *section = terms->pdata[i];
		g_autofree char *about = NULL;
		g_autofree char *rules = NULL;

		if (!is_term(section, word))
			continue;
		about = value_of(section, "about");
		rules = value_of(section, "rules");
		begin(explainer, "term", "", section->name);
		field(explainer, "it is", "about", about);
		field(explainer, "rules", "rules", rules);
		end(explainer);
		return true;
	}
	return false;
}

/* ---- what was asked for ---- */

static bool explain_message_id(struct explainer *explainer, const char *id)
{
	for (guint i = 0; i < kvt_messages_count(explainer->messages); i++) {
		const struct kvt_message *message = kvt_messages_at(explainer->messages, i);

		if (strcmp(message->id, id) == 0) {
			explain_message(explainer, message);
			return true;
		}
	}
	return false;
}

static bool explain(struct explainer *explainer, const char *text)
{
	const struct kvt_rule *rule = kvt_rules_find(explainer->rules, text);

	if (rule != NULL) {
		explain_rule(explainer, rule);
		return true;
	}
	return explain_message_id(explainer, text) || explain_term(explainer, text) ||
	       explain_line(explainer, text);
}

static void explain_input(struct explainer *explainer)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		explain_line(explainer, line);
	}
}

static void list_terms(void)
{
	g_autoptr(GPtrArray) terms = load_terms(NULL);

	fprintf(stderr, "Terms:");
	for (guint i = 0; terms != NULL && i < terms->len; i++)
		fprintf(stderr, "%s %s", i > 0 ? "," : "",
			((struct kvt_ini_section *)terms->pdata[i])->name);
	fprintf(stderr, "\n");
}

static int run(struct explainer *explainer, const char *text)
{
	if (explainer->common.json) {
		explainer->json = kvt_json_begin("kvmtime.explain/1", text, true);
		json_builder_set_member_name(explainer->json, "explained");
		json_builder_begin_array(explainer->json);
	}
	if (strcmp(text, "-") == 0)
		explain_input(explainer);
	else
		explain(explainer, text);
	if (explainer->json != NULL) {
		json_builder_end_array(explainer->json);
		kvt_json_end(explainer->json, true);
	}
	if (explainer->explained > 0)
		return KVT_STATUS_OK;
	{
		g_autofree char *safe = kvt_text_printable(text);

		fprintf(stderr, "kvmtime explain: nothing is known about '%s'\n", safe);
	}
	list_terms();
	return KVT_STATUS_BAD_INPUT;
}

int cmd_explain(int argc, char **argv)
{
	struct explainer explainer = { 0 };
	g_autoptr(kvt_rules) rules = NULL;
	g_autoptr(kvt_messages) messages = NULL;
	g_autofree char *text = NULL;
	GError *error = NULL;
	int status;

	if (!kvt_options_parse("explain", "ID|LOG LINE|WORD", description, NULL, &explainer.common,
			       &argc, &argv, &status))
		return status;
	if (argc < 2)
		return kvt_usage("explain", "what is to be explained?");
	rules = kvt_rules_load(&error);
	messages = rules != NULL ? kvt_messages_load(&error) : NULL;
	if (messages == NULL)
		return kvt_fail("explain", error);
	explainer.rules = rules;
	explainer.messages = messages;
	text = g_strjoinv(" ", argv + 1);
	status = run(&explainer, text);
	kvt_judgement_free(explainer.judgement);
	g_clear_pointer(&explainer.sets, g_ptr_array_unref);
	return status;
}
