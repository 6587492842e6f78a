/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/check_move.h"

#include <stdio.h>

#include "cli/json.h"
#include "cli/targets.h"
#include "cli/text.h"
#include "guests/preflight.h"

struct move {
	GPtrArray *kept;  /* arrays of sets that own the facts */
	GPtrArray *hosts; /* struct kvt_facts, borrowed */
	const struct kvt_facts *vm;
};

static bool read_targets(struct move *move, int count, char **names, GError **error)
{
	for (int i = 0; i < count; i++) {
		GPtrArray *sets = kvt_target_read(names[i], error);

		if (sets == NULL)
			return false;
		g_ptr_array_add(move->kept, sets);
		if (kvt_facts_roles(sets->pdata[0]) == KVT_VM)
			move->vm = sets->pdata[0];
		else
			g_ptr_array_add(move->hosts, sets->pdata[0]);
	}
	return true;
}

static void print_pair(const struct kvt_facts *from, const struct kvt_facts *to,
		       const GArray *items)
{
	static const enum kvt_colour colours[] = { KVT_GREEN, KVT_PLAIN, KVT_YELLOW, KVT_RED };
	static const char *const verdicts[] = { "may move", "may move, as far as is known",
						"may move, with care", "should not move" };
	const enum kvt_preflight_verdict worst = kvt_preflight_worst(items);
	g_autofree char *verdict = kvt_text_paint(colours[worst], verdicts[worst]);

	printf("%s %s %s: %s\n", kvt_facts_target(from), kvt_text_symbol("→", "->"),
	       kvt_facts_target(to), verdict);
	for (guint i = 0; i < items->len; i++) {
		const struct kvt_preflight_item *item =
			&g_array_index(items, struct kvt_preflight_item, i);

		printf("  %-8s %-14s %s\n", kvt_preflight_word(item->verdict), item->topic,
		       item->text);
	}
}

static void json_pair(JsonBuilder *b, const struct kvt_facts *from, const struct kvt_facts *to,
		      const GArray *items)
{
	json_builder_begin_object(b);
	kvt_json_string(b, "from", kvt_facts_target(from));
	kvt_json_string(b, "to", kvt_facts_target(to));
	kvt_json_string(b, "verdict", kvt_preflight_word(kvt_preflight_worst(items)));
	json_builder_set_member_name(b, "items");
	json_builder_begin_array(b);
	for (guint i = 0; i < items->len; i++) {
		const struct kvt_preflight_item *item =
			&g_array_index(items, struct kvt_preflight_item, i);

		json_builder_begin_object(b);
		kvt_json_string(b, "topic", item->topic);
		kvt_json_string(b, "verdict", kvt_preflight_word(item->verdict));
		kvt_json_string(b, "text", item->text);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
}

static int judge_pairs(const struct move *move, const struct kvt_common *common, JsonBuilder *b)
{
	int status = KVT_STATUS_OK;
	bool first = true;

	for (guint i = 0; i < move->hosts->len; i++)
		for (guint j = 0; j < move->hosts->len; j++) {
			const struct kvt_facts *from = move->hosts->pdata[i],
					       *to = move->hosts->pdata[j];
			g_autoptr(GArray) items = i != j ? kvt_preflight(from, to, move->vm) : NULL;

			if (items == NULL)
				continue;
			if (kvt_preflight_worst(items) >= KVT_PREFLIGHT_CARE)
				status = KVT_STATUS_FOUND;
			if (b != NULL)
				json_pair(b, from, to, items);
			else if (!common->quiet) {
				printf("%s", first ? "" : "\n");
				print_pair(from, to, items);
			}
			first = false;
		}
	return status;
}

static int judge(const struct move *move, const struct kvt_common *common)
{
	JsonBuilder *b;
	int status;

	if (!common->json)
		return judge_pairs(move, common, NULL);
	b = kvt_json_begin("kvmtime.move/1", "hosts", true);
	kvt_json_string(b, "definition", move->vm != NULL ? kvt_facts_target(move->vm) : NULL);
	json_builder_set_member_name(b, "pairs");
	json_builder_begin_array(b);
	status = judge_pairs(move, common, b);
	json_builder_end_array(b);
	kvt_json_end(b, true);
	return status;
}

int kvt_check_move(const struct kvt_common *common, int count, char **names)
{
	struct move move = {
		.kept = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref),
		.hosts = g_ptr_array_new(),
	};
	GError *error = NULL;
	int status;

	if (!read_targets(&move, count, names, &error))
		status = kvt_fail("check", error);
	else if (move.hosts->len < 2)
		status = kvt_usage("check", "--move takes two hosts or more");
	else
		status = judge(&move, common);
	g_ptr_array_unref(move.hosts);
	g_ptr_array_unref(move.kept);
	return status;
}
