/* SPDX-License-Identifier: BSD-2-Clause */
#include "check/seek.h"

#include <string.h>

struct literal {
	char *text;
	guint number;
	guint twin; /* index + 1 of another literal of the same text; 0 = none */
};

struct state {
	guint fail;
	guint output; /* index + 1 of a literal that ends here; 0 = none */
	guint link;   /* the next state on the fail path that has an output; 0 = none */
};

struct kvt_seek {
	GPtrArray *literals;
	guint8 class_of[256]; /* 0 = in no literal */
	guint classes;
	GArray *states;
	GArray *next; /* guint32, states x classes */
	bool built;
};

static void literal_free(gpointer data)
{
	struct literal *literal = data;

	g_free(literal->text);
	g_free(literal);
}

struct kvt_seek *kvt_seek_new(void)
{
	struct kvt_seek *seek = g_new0(struct kvt_seek, 1);

	seek->literals = g_ptr_array_new_with_free_func(literal_free);
	seek->states = g_array_new(FALSE, TRUE, sizeof(struct state));
	seek->next = g_array_new(FALSE, TRUE, sizeof(guint32));
	seek->classes = 1;
	return seek;
}

void kvt_seek_free(struct kvt_seek *seek)
{
	if (seek == NULL)
		return;
	g_ptr_array_unref(seek->literals);
	g_array_unref(seek->states);
	g_array_unref(seek->next);
	g_free(seek);
}

void kvt_seek_add(struct kvt_seek *seek, const char *text, guint number)
{
	struct literal *literal = g_new0(struct literal, 1);

	literal->text = g_strdup(text);
	literal->number = number;
	g_ptr_array_add(seek->literals, literal);
	for (const guint8 *c = (const guint8 *)text; *c != '\0'; c++)
		if (seek->class_of[*c] == 0 && seek->classes < 256)
			seek->class_of[*c] = (guint8)seek->classes++;
	seek->built = false;
}

static guint32 *step(struct kvt_seek *seek, guint state, guint class)
{
	return &g_array_index(seek->next, guint32, state * seek->classes + class);
}

static guint add_state(struct kvt_seek *seek)
{
	const guint count = seek->states->len + 1;

	g_array_set_size(seek->states, count);
	g_array_set_size(seek->next, count * seek->classes);
	return count - 1;
}

static void add_path(struct kvt_seek *seek, guint index)
{
	const struct literal *literal = seek->literals->pdata[index];
	guint state = 0;

	for (const guint8 *c = (const guint8 *)literal->text; *c != '\0'; c++) {
		guint to = *step(seek, state, seek->class_of[*c]);

		if (to == 0) {
			to = add_state(seek);
			*step(seek, state, seek->class_of[*c]) = to;
		}
		state = to;
	}
	((struct literal *)seek->literals->pdata[index])->twin =
		g_array_index(seek->states, struct state, state).output;
	g_array_index(seek->states, struct state, state).output = index + 1;
}

/* Breadth first, so that a state's fail state is complete before it. */
static void link_states(struct kvt_seek *seek)
{
	g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(guint));

	for (guint c = 0; c < seek->classes; c++)
		if (*step(seek, 0, c) != 0)
			g_array_append_val(queue, *step(seek, 0, c));
	for (guint i = 0; i < queue->len; i++) {
		const guint s = g_array_index(queue, guint, i);
		const guint fail = g_array_index(seek->states, struct state, s).fail;
		const struct state *f = &g_array_index(seek->states, struct state, fail);

		g_array_index(seek->states, struct state, s).link = f->output != 0 ? fail : f->link;
		for (guint c = 0; c < seek->classes; c++) {
			const guint to = *step(seek, s, c);

			if (to == 0) {
				*step(seek, s, c) = *step(seek, fail, c);
				continue;
			}
			g_array_index(seek->states, struct state, to).fail = *step(seek, fail, c);
			g_array_append_val(queue, to);
		}
	}
}

static void build(struct kvt_seek *seek)
{
	g_array_set_size(seek->states, 0);
	g_array_set_size(seek->next, 0);
	add_state(seek);
	for (guint i = 0; i < seek->literals->len; i++)
		add_path(seek, i);
	link_states(seek);
	seek->built = true;
}

/* every literal that ends in this state; returns where to go on */
static gsize report(const struct kvt_seek *seek, guint state, gsize at, kvt_seek_found found,
		    gpointer user)
{
	gsize on = at;

	for (; state != 0; state = g_array_index(seek->states, struct state, state).link) {
		guint index = g_array_index(seek->states, struct state, state).output;

		while (index != 0) {
			const struct literal *literal = seek->literals->pdata[index - 1];
			const gsize to = found(user, literal->number, at);

			on = MAX(on, to);
			index = literal->twin;
		}
	}
	return on;
}

void kvt_seek_run(struct kvt_seek *seek, const char *bytes, gsize len, kvt_seek_found found,
		  gpointer user)
{
	const struct state *states;
	const guint32 *next;
	guint state = 0;

	if (!seek->built)
		build(seek);
	states = &g_array_index(seek->states, struct state, 0);
	next = &g_array_index(seek->next, guint32, 0);
	for (gsize i = 0; i < len;) {
		state = next[state * seek->classes + seek->class_of[(guint8)bytes[i]]];
		i++;
		if (states[state].output != 0 || states[state].link != 0)
			i = report(seek, state, i, found, user);
	}
}
