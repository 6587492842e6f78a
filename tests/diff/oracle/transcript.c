/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "transcript.h"

#define EXACT_OFFSETS 12u   /* distances from the first time that are tried, ns */
#define SAMPLE_NS     300u  /* on a machine that is not exact: less than half a clock of the PIT */
#define SAMPLES       200u  /* tried of one access */
#define MAX_MOMENTS   512u  /* kept; an even choice of them if there are more */
#define IRQ_LATE_NS   4000u /* from the edge to the handler, interrupts being on */
#define IRQ_EARLY_NS  1000u /* QEMU's timers round down */
#define IRQ_TWICE_NS  1000u
#define NEVER         UINT64_MAX

struct transcript *transcript_new(const char *device, bool exact)
{
	struct transcript *transcript = g_new0(struct transcript, 1);

	transcript->device = g_strdup(device);
	transcript->exact = exact;
	transcript->events = g_array_new(FALSE, TRUE, sizeof(struct event));
	return transcript;
}

void transcript_free(struct transcript *transcript)
{
	if (transcript == NULL)
		return;
	g_free(transcript->device);
	g_array_unref(transcript->events);
	g_free(transcript);
}

/* ---- text ---- */

static const char *const kind_names[] = { "out", "in", "write", "read", "irq", "masked" };

char *event_text(const struct event *event)
{
	const char *name = kind_names[event->kind];
	const unsigned digits = event->width * 2;

	if (event->kind == EVENT_MASK)
		return g_strdup_printf("masked 0x%04x", event->value);
	if (event->kind == EVENT_IRQ)
		return g_strdup_printf("irq %u @ %" G_GUINT64_FORMAT, event->address,
				       event->before_ns);
	if (event->kind == EVENT_IN || event->kind == EVENT_READ)
		return g_strdup_printf(
			"%s%u 0x%x = 0x%0*x & 0x%0*x @ %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
			name, event->width * 8, event->address, (int)digits, event->value,
			(int)digits, event->mask, event->before_ns, event->after_ns);
	return g_strdup_printf("%s%u 0x%x 0x%0*x @ %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, name,
			       event->width * 8, event->address, (int)digits, event->value,
			       event->before_ns, event->after_ns);
}

void transcript_write(const struct transcript *transcript, FILE *file, const char *comment)
{
	fprintf(file, "kvtv 1\n# %s\ndevice %s\nclock %s\n", comment, transcript->device,
		transcript->exact ? "exact" : "window");
	for (guint i = 0; i < transcript->events->len; i++) {
		g_autofree char *text =
			event_text(&g_array_index(transcript->events, struct event, i));

		fprintf(file, "%s\n", text);
	}
	fprintf(file, "end\n");
}

static bool parse_event(const char *line, struct event *event)
{
	char name[16];
	unsigned bits;

	*event = (struct event){ 0 };
	if (sscanf(line, "masked %i", (int *)&event->value) == 1) {
		event->kind = EVENT_MASK;
		return true;
	}
	if (sscanf(line, "irq %u @ %" G_GUINT64_FORMAT, &event->address, &event->before_ns) == 2) {
		event->kind = EVENT_IRQ;
		event->after_ns = event->before_ns;
		return event->address < 16;
	}
	if (sscanf(line, "%15[a-z]%u %i", name, &bits, (int *)&event->address) != 3 ||
	    (bits != 8 && bits != 16 && bits != 32))
		return false;
	event->width = bits / 8;
	for (event->kind = EVENT_OUT; event->kind <= EVENT_READ; event->kind++)
		if (strcmp(name, kind_names[event->kind]) == 0)
			break;
	line = strchr(line, ' ') + 1;
	if (event->kind == EVENT_IN || event->kind == EVENT_READ)
		return sscanf(line, "%*i = %x & %x @ %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
			      &event->value, &event->mask, &event->before_ns,
			      &event->after_ns) == 4;
	return event->kind <= EVENT_WRITE &&
	       sscanf(line, "%*i %x @ %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &event->value,
		      &event->before_ns, &event->after_ns) == 3;
}

struct transcript *transcript_read(FILE *file, const char *name, GError **error)
{
	g_autoptr(Transcript) transcript = transcript_new("", true);
	char line[256], word[32];
	struct event event;
	unsigned number = 0;
	bool ended = false;

	while (!ended && fgets(line, sizeof(line), file) != NULL) {
		number++;
		if (number == 1 ? strcmp(line, "kvtv 1\n") == 0 : line[0] == '#' || line[0] == '\n')
			continue;
		if (number == 1)
			break;
		if (sscanf(line, "device %31s", word) == 1) {
			g_free(transcript->device);
			transcript->device = g_strdup(word);
		} else if (sscanf(line, "clock %31s", word) == 1) {
			transcript->exact = strcmp(word, "exact") == 0;
		} else if (strcmp(line, "end\n") == 0) {
			ended = true;
		} else if (parse_event(line, &event)) {
			g_array_append_val(transcript->events, event);
		} else {
			break;
		}
	}
	if (ended)
		return g_steal_pointer(&transcript);
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s:%u: not a line of format kvtv 1",
		    name, number);
	return NULL;
}

/* ---- agreement ---- */

/* One assumption about the moments so far, and the device as it would be then. */
struct moment {
	uint64_t offset_ns[2];     /* of reads and of writes */
	uint64_t pending_ns[2][2]; /* edges of IRQ 0 and 8 that no handler has told yet */
	uint64_t touched_ns;       /* last write: QEMU's PIT makes an edge of a load in mode 3 */
	uint64_t told_ns[2];       /* the last one that a handler told of */
	bool early[2];             /* a handler told of an edge that is still to come */
	unsigned edges, told;      /* on a machine that is not exact */
	bool dead;
	char *state;
};

struct matcher {
	const struct device *device;
	bool exact;
	uint32_t masked;
	GPtrArray *moments; /* struct moment */
	char *why;
};

static void moment_free(void *data)
{
	struct moment *moment = data;

	g_free(moment->state);
	g_free(moment);
}

static struct moment *moment_copy(const struct matcher *matcher, const struct moment *moment)
{
	struct moment *copy = g_new(struct moment, 1);

	*copy = *moment;
	copy->state = g_memdup2(moment->state, matcher->device->size);
	return copy;
}

static void note_edges(struct moment *moment, unsigned lines, uint64_t now_ns)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t *const pending = moment->pending_ns[i];

		if (!(lines & (i == 0 ? 1u : 1u << 8)))
			continue;
		moment->edges++;
		if (moment->early[i])
			moment->early[i] = false;
		else if (pending[0] == NEVER)
			pending[0] = now_ns;
		else if (pending[1] == NEVER)
			pending[1] = now_ns; /* a PIC holds one while another is served */
	}
}

static void advance(const struct matcher *matcher, struct moment *moment, uint64_t to_ns)
{
	/* one by one only where somebody looks at the times */
	if ((matcher->masked & 0x101) != 0x101) {
		uint64_t next;

		while ((next = matcher->device->next_ns(moment->state)) <= to_ns) {
			const unsigned lines = matcher->device->run(moment->state, next);

			if (lines == 0 && matcher->device->next_ns(moment->state) <= next)
				break;
			note_edges(moment, lines & ~matcher->masked, next);
		}
	}
	note_edges(moment, matcher->device->run(moment->state, to_ns) & ~matcher->masked, to_ns);
}

static void kill_moment(struct matcher *matcher, struct moment *moment, char *why)
{
	moment->dead = true;
	g_free(matcher->why);
	matcher->why = why;
}

static bool rises_soon(const struct matcher *matcher, const struct moment *moment,
		       const struct event *event)
{
	const uint64_t next_ns = matcher->device->next_ns(moment->state);
	g_autofree void *state = NULL;

	if (next_ns > event->before_ns + IRQ_EARLY_NS)
		return false;
	state = g_memdup2(moment->state, matcher->device->size);
	return matcher->device->run(state, next_ns) >> event->address & 1;
}

static void match_irq(struct matcher *matcher, struct moment *moment, const struct event *event)
{
	const unsigned line = event->address == 8;
	uint64_t *const pending = moment->pending_ns[line];
	/* one that is told of from a while after it may be as late as that while is long */
	const uint64_t late_ns = IRQ_LATE_NS + event->after_ns - event->before_ns;

	advance(matcher, moment, event->before_ns);
	if (matcher->masked & 1u << event->address)
		return; /* it came just before its line was masked */
	if (pending[0] != NEVER && pending[0] + late_ns >= event->before_ns) {
		pending[0] = pending[1];
		pending[1] = NEVER;
	} else if (rises_soon(matcher, moment, event)) {
		moment->early[line] = true;
	} else if (matcher->device->lags_ns != 0 &&
		   event->before_ns - moment->told_ns[line] <=
			   IRQ_TWICE_NS + event->after_ns - event->before_ns) {
		; /* see the differences */
	} else if (event->before_ns - moment->touched_ns > late_ns) {
		kill_moment(matcher, moment,
			    g_strdup_printf("no edge; one waiting since %" G_GINT64_FORMAT,
					    (int64_t)pending[0]));
	}
	moment->told_ns[line] = event->before_ns;
}

/* Edges that no handler told in time. */
static bool is_overdue(const struct matcher *matcher, const struct moment *moment, uint64_t now_ns)
{
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t edge_ns = moment->pending_ns[i][0];

		if (!(matcher->masked & (i == 0 ? 1u : 1u << 8)) && edge_ns != NEVER &&
		    edge_ns + IRQ_LATE_NS < now_ns && edge_ns - moment->touched_ns > IRQ_LATE_NS)
			return true;
	}
	return false;
}

/* QEMU looks at its timers between blocks of instructions: a write can come before one that is due,
 * and change or end it. */
static void cancel_young_edges(struct moment *moment, uint64_t now_ns)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t *const pending = moment->pending_ns[i];

		if (pending[0] != NEVER && now_ns - pending[0] <= IRQ_EARLY_NS) {
			pending[0] = pending[1];
			pending[1] = NEVER;
		}
	}
}

/* @before: the state before time came to @event, or NULL */
static bool try_access(struct matcher *matcher, struct moment *moment, const struct event *event,
		       uint64_t now_ns, void *before)
{
	uint32_t value;

	if (event->kind == EVENT_OUT || event->kind == EVENT_WRITE) {
		cancel_young_edges(moment, now_ns);
		matcher->device->out(moment->state, event, now_ns);
		moment->touched_ns = now_ns;
		return true;
	}
	value = matcher->device->in(moment->state, event, now_ns);
	if (((value ^ event->value) & event->mask) == 0)
		return true;
	if (matcher->device->lags_ns != 0 && before != NULL) {
		value = matcher->device->in(before, event, now_ns - matcher->device->lags_ns);
		if (((value ^ event->value) & event->mask) == 0)
			return true;
	}
	kill_moment(matcher, moment, g_strdup_printf("0x%x at %" G_GUINT64_FORMAT, value, now_ns));
	return false;
}

static void match_exact(struct matcher *matcher, struct moment *moment, const struct event *event)
{
	const uint64_t now_ns =
		event->before_ns +
		moment->offset_ns[event->kind == EVENT_OUT || event->kind == EVENT_WRITE];
	g_autofree void *before = NULL;

	if (matcher->device->lags_ns != 0)
		before = g_memdup2(moment->state, matcher->device->size);
	advance(matcher, moment, event->before_ns);
	if (is_overdue(matcher, moment, event->before_ns))
		kill_moment(
			matcher, moment,
			g_strdup_printf("an edge at %" G_GUINT64_FORMAT " that was not seen",
					MIN(moment->pending_ns[0][0], moment->pending_ns[1][0])));
	else if (now_ns > event->after_ns)
		moment->dead = true;
	else
		(void)try_access(matcher, moment, event, now_ns, before);
}

static bool is_known(const GPtrArray *moments, const struct moment *moment, size_t size)
{
	for (guint i = 0; i < moments->len; i++)
		if (memcmp(((struct moment *)moments->pdata[i])->state, moment->state, size) == 0)
			return true;
	return false;
}

/* Interrupts may be late there, but none comes without its edge; one may still come from before. */
static void match_irq_window(struct matcher *matcher, struct moment *moment,
			     const struct event *event)
{
	advance(matcher, moment, event->before_ns + IRQ_EARLY_NS);
	if (matcher->masked & 1u << event->address)
		return;
	moment->told++;
	if (moment->told > moment->edges + 1)
		kill_moment(
			matcher, moment,
			g_strdup_printf("%u interrupts of %u edges", moment->told, moment->edges));
}

/* A write that changes when the next edge comes: interrupts are counted anew. */
static bool try_window(struct matcher *matcher, struct moment *moment, const struct event *event,
		       uint64_t now_ns)
{
	uint64_t next_ns;

	advance(matcher, moment, now_ns);
	next_ns = matcher->device->next_ns(moment->state);
	if (!try_access(matcher, moment, event, now_ns, NULL))
		return false;
	if (matcher->device->next_ns(moment->state) != next_ns)
		moment->told = moment->edges = 0;
	advance(matcher, moment, event->after_ns);
	return true;
}

/* Every sampled moment of a write goes on as its own; of a read the first that agrees. */
static void match_window(struct matcher *matcher, const struct moment *moment,
			 const struct event *event, GPtrArray *out)
{
	const bool write = event->kind == EVENT_OUT || event->kind == EVENT_WRITE;
	const uint64_t width = event->after_ns - event->before_ns;
	const unsigned samples = (unsigned)CLAMP(width / SAMPLE_NS, 2, SAMPLES);

	for (unsigned i = 0; i < samples; i++) {
		struct moment *copy = moment_copy(matcher, moment);

		if (!try_window(matcher, copy, event,
				event->before_ns + width * i / (samples - 1))) {
			moment_free(copy);
			continue;
		}
		if (is_known(out, copy, matcher->device->size))
			moment_free(copy);
		else
			g_ptr_array_add(out, copy);
		if (!write)
			break;
	}
}

static void thin_out(GPtrArray *moments)
{
	while (moments->len > MAX_MOMENTS)
		for (guint i = 0; i < moments->len && moments->len > MAX_MOMENTS; i++)
			g_ptr_array_remove_index_fast(moments, i);
}

static void match_event(struct matcher *matcher, const struct event *event)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(moment_free);

	for (guint i = 0; i < matcher->moments->len; i++) {
		struct moment *moment = matcher->moments->pdata[i];

		if (event->kind == EVENT_IRQ && matcher->exact)
			match_irq(matcher, moment, event);
		else if (event->kind == EVENT_IRQ)
			match_irq_window(matcher, moment, event);
		else if (event->kind != EVENT_IRQ && matcher->exact)
			match_exact(matcher, moment, event);
		else if (event->kind != EVENT_IRQ)
			match_window(matcher, moment, event, out);
		if ((matcher->exact || event->kind == EVENT_IRQ) && !moment->dead)
			g_ptr_array_add(out, moment_copy(matcher, moment));
	}
	g_ptr_array_unref(matcher->moments);
	matcher->moments = out;
	thin_out(out);
}

static void first_moments(struct matcher *matcher)
{
	matcher->moments = g_ptr_array_new_with_free_func(moment_free);
	for (unsigned i = 0; i < (matcher->exact ? EXACT_OFFSETS * EXACT_OFFSETS : 1); i++) {
		struct moment *moment = g_new0(struct moment, 1);

		moment->offset_ns[0] = i % EXACT_OFFSETS;
		moment->offset_ns[1] = i / EXACT_OFFSETS;
		memset(moment->pending_ns, 0xff, sizeof(moment->pending_ns));
		moment->state = g_malloc0(matcher->device->size);
		matcher->device->init(moment->state);
		g_ptr_array_add(matcher->moments, moment);
	}
}

/* Interrupts are counted anew: a line that is unmasked comes with what its controller kept. */
static void match_mask(struct matcher *matcher, const struct event *event)
{
	matcher->masked = event->value;
	for (guint i = 0; i < matcher->moments->len && !matcher->exact; i++) {
		struct moment *moment = matcher->moments->pdata[i];

		moment->told = moment->edges = 0;
	}
}

bool transcript_matches(const struct transcript *transcript, const struct device *device,
			guint *ret_event, char **ret_why)
{
	struct matcher matcher = { .device = device, .exact = transcript->exact, .masked = 0xffff };
	guint i;

	first_moments(&matcher);
	for (i = 0; i < transcript->events->len && matcher.moments->len > 0; i++) {
		const struct event *event = &g_array_index(transcript->events, struct event, i);

		if (event->kind == EVENT_MASK)
			match_mask(&matcher, event);
		else
			match_event(&matcher, event);
	}
	if (matcher.moments->len == 0) {
		*ret_event = i - 1;
		*ret_why = g_steal_pointer(&matcher.why);
		g_ptr_array_unref(matcher.moments);
		return false;
	}
	g_free(matcher.why);
	g_ptr_array_unref(matcher.moments);
	return true;
}
