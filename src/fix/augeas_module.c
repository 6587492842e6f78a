/* SPDX-License-Identifier: BSD-2-Clause */
#include <augeas.h>
#include <string.h>

#include "fix/augeas.h"
#include "sys/error.h"

struct kvt_document {
	augeas *augeas;
	char *lens;
};

extern const struct kvt_augeas kvt_module;

static char *full(const char *path)
{
	return g_strconcat("/text/", path, NULL);
}

static bool fail(struct kvt_document *document, const char *what, const char *path, GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s %s: %s", what, path,
		    aug_error_message(document->augeas));
	return false;
}

static void close_document(struct kvt_document *document)
{
	if (document == NULL)
		return;
	aug_close(document->augeas);
	g_free(document->lens);
	g_free(document);
}

static bool store(struct kvt_document *document, const char *text, GError **error)
{
	augeas *a = document->augeas;
	const char *line = NULL;

	if (aug_set(a, "/in", text) == 0 && aug_text_store(a, document->lens, "/in", "/text") == 0)
		return true;
	aug_get(a, "/augeas/text/text/error/line", &line);
	if (line != NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "line %s is not understood (Augeas, %s)", line, document->lens);
	else
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "not understood: %s",
			    aug_error_message(a));
	return false;
}

static struct kvt_document *open_document(const char *lens, const char *text, GError **error)
{
	struct kvt_document *document;
	augeas *a = aug_init(NULL, NULL, AUG_NO_LOAD | AUG_NO_MODL_AUTOLOAD);

	if (a == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "Augeas cannot be started");
		return NULL;
	}
	document = g_new0(struct kvt_document, 1);
	document->augeas = a;
	document->lens = g_strdup(lens);
	if (store(document, text, error))
		return document;
	close_document(document);
	return NULL;
}

static unsigned count(struct kvt_document *document, const char *path)
{
	g_autofree char *whole = full(path);
	const int found = aug_match(document->augeas, whole, NULL);

	return found > 0 ? (unsigned)found : 0;
}

static char *get(struct kvt_document *document, const char *path)
{
	g_autofree char *whole = full(path);
	const char *value = NULL;

	return aug_get(document->augeas, whole, &value) == 1 ? g_strdup(value) : NULL;
}

static bool set(struct kvt_document *document, const char *path, const char *value, GError **error)
{
	g_autofree char *whole = full(path);

	return aug_set(document->augeas, whole, value) == 0 ||
	       fail(document, "setting", path, error);
}

static bool insert(struct kvt_document *document, const char *path, const char *label, bool before,
		   GError **error)
{
	g_autofree char *whole = full(path);

	return aug_insert(document->augeas, whole, label, before) == 0 ||
	       fail(document, "inserting at", path, error);
}

static void remove_nodes(struct kvt_document *document, const char *path)
{
	g_autofree char *whole = full(path);

	aug_rm(document->augeas, whole);
}

/* Every node with its value, in order. */
static GPtrArray *dump(struct kvt_document *document)
{
	GPtrArray *nodes = g_ptr_array_new_with_free_func(g_free);
	char **paths = NULL;
	const int found = aug_match(document->augeas, "/text/descendant::*", &paths);

	for (int i = 0; i < found; i++) {
		const char *value = NULL;

		aug_get(document->augeas, paths[i], &value);
		g_ptr_array_add(nodes,
				g_strdup_printf("%s=%s", paths[i], value != NULL ? value : ""));
		free(paths[i]);
	}
	free(paths);
	return nodes;
}

static bool same_tree(struct kvt_document *a, struct kvt_document *b)
{
	g_autoptr(GPtrArray) x = dump(a);
	g_autoptr(GPtrArray) y = dump(b);

	if (x->len != y->len)
		return false;
	for (guint i = 0; i < x->len; i++)
		if (strcmp(x->pdata[i], y->pdata[i]) != 0)
			return false;
	return true;
}

static char *text_of(struct kvt_document *document, GError **error)
{
	struct kvt_document *again;
	const char *text = NULL;
	bool same;

	if (aug_text_retrieve(document->augeas, document->lens, "/in", "/text", "/out") != 0 ||
	    aug_get(document->augeas, "/out", &text) != 1 || text == NULL) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "the change cannot be written in this file's form (Augeas, %s)",
			    document->lens);
		return NULL;
	}
	again = open_document(document->lens, text, error);
	if (again == NULL)
		return NULL;
	same = same_tree(document, again);
	close_document(again);
	if (!same) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "the change would not read back as it was wished (Augeas, %s)",
			    document->lens);
		return NULL;
	}
	return g_strdup(text);
}

const struct kvt_augeas kvt_module = {
	.open = open_document,
	.count = count,
	.get = get,
	.set = set,
	.insert = insert,
	.remove = remove_nodes,
	.text = text_of,
	.close = close_document,
};
