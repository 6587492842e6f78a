/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/watch_plot.h"

#include <stdio.h>
#include <errno.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "cli/gnuplot.h"
#include "cli/options.h"
#include "cli/text.h"

/* "TIME OFFSET BOUND" of one line, in s, to its guest's block; false if the line is no such line */
static bool add_line(GHashTable *blocks, const char *line)
{
	g_autoptr(JsonNode) root = json_from_string(line, NULL);
	JsonObject *object, *offset;
	JsonNode *node;
	const char *schema, *when, *name;
	g_autoptr(GDateTime) time = NULL;
	GString *block;

	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root))
		return false;
	object = json_node_get_object(root);
	schema = json_object_get_string_member_with_default(object, "schema", "");
	node = json_object_get_member(object, "offset");
	if (strcmp(schema, "kvmtime.watch/1") != 0 || node == NULL)
		return false;
	if (!JSON_NODE_HOLDS_OBJECT(node))
		return true; /* unknown: a gap in the line */
	offset = json_node_get_object(node);
	name = json_object_get_string_member_with_default(object, "target", "?");
	when = json_object_get_string_member_with_default(offset, "time", "");
	time = g_date_time_new_from_iso8601(when, NULL);
	if (time == NULL)
		return false;
	block = g_hash_table_lookup(blocks, name);
	if (block == NULL) {
		block = g_string_new(NULL);
		g_hash_table_insert(blocks, g_strdup(name), block);
	}
	g_string_append_printf(
		block, "%.3f %.9f %.9f\n",
		(double)g_date_time_to_unix(time) + g_date_time_get_microsecond(time) / 1e6,
		g_ascii_strtod(json_object_get_string_member_with_default(offset, "offset_ns", "0"),
			       NULL) /
			1e9,
		g_ascii_strtod(json_object_get_string_member_with_default(offset, "bound_ns", "0"),
			       NULL) /
			1e9);
	return true;
}

static void free_block(gpointer data)
{
	g_string_free(data, TRUE);
}

static GHashTable *read_recording(const char *recording, GError **error)
{
	GHashTable *blocks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_block);
	FILE *file = strcmp(recording, "-") == 0 ? stdin : fopen(recording, "re");
	char line[65536];

	if (file == NULL) {
		kvt_error_errno(error, recording, errno);
		g_hash_table_unref(blocks);
		return NULL;
	}
	while (fgets(line, sizeof(line), file) != NULL)
		add_line(blocks, line);
	if (file != stdin)
		fclose(file);
	if (g_hash_table_size(blocks) > 0)
		return blocks;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "%s: no measured line of kvmtime watch --json in it", recording);
	g_hash_table_unref(blocks);
	return NULL;
}

static char *script_of(GHashTable *blocks, const char *output)
{
	GString *script = g_string_new(NULL);
	GHashTableIter iter;
	gpointer name, block;
	guint n = 0;

	g_hash_table_iter_init(&iter, blocks);
	while (g_hash_table_iter_next(&iter, &name, &block))
		g_string_append_printf(script, "$block%u << END_OF_BLOCK\n%sEND_OF_BLOCK\n", n++,
				       ((GString *)block)->str);
	kvt_gnuplot_output(script, output);
	g_string_append(script, "set xdata time\nset timefmt \"%s\"\nset format x \"%H:%M:%S\"\n"
				"set ylabel \"guest - host, s\"\nset key outside top\nplot ");
	n = 0;
	g_hash_table_iter_init(&iter, blocks);
	while (g_hash_table_iter_next(&iter, &name, &block)) {
		g_autofree char *safe = kvt_text_printable(name);

		g_strdelimit(safe, "\"\\`", '?');
		g_string_append_printf(script,
				       "%s$block%u using 1:2:3 with yerrorlines title \"%s\"",
				       n > 0 ? ", " : "", n, safe);
		n++;
	}
	g_string_append_c(script, '\n');
	return g_string_free(script, FALSE);
}

int kvt_watch_plot(const char *recording, const char *output)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) blocks = read_recording(recording, &error);
	g_autofree char *script = blocks != NULL ? script_of(blocks, output) : NULL;

	fflush(stdout);
	if (script == NULL || !kvt_gnuplot_run(script, &error))
		return kvt_fail("watch", g_steal_pointer(&error));
	return KVT_STATUS_OK;
}
