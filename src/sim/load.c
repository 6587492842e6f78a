/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "sim/load.h"
#include "sim/recording.h"
#include "sys/error.h"

#define MS           UINT64_C(1000000)
#define STEAL_OFF_NS (20 * MS)
#define SLICE_MS     30.0 /* of an overcommitted host */

static bool parse_stop(struct kvt_load *load, const char *name, double seconds)
{
	/* in the order of enum kvt_load_stop */
	static const char *const stops[] = { "pause", "migration", "sleep" };

	for (guint i = 0; i < G_N_ELEMENTS(stops); i++)
		if (strcmp(name, stops[i]) == 0 && load->stop == KVT_STOP_NONE) {
			load->stop = (enum kvt_load_stop)(i + 1);
			load->stop_ns = (uint64_t)(seconds * 1000 * (double)MS);
			return true;
		}
	return false;
}

static bool parse_value(struct kvt_load *load, const char *name, const char *value)
{
	char *end;
	const double a = g_ascii_strtod(value, &end);
	const double b = *end == ',' ? g_ascii_strtod(end + 1, &end) : -1;

	if (end == value || *end != '\0' || !(a >= 0 && a <= 1e6))
		return false;
	if (strcmp(name, "steal") == 0) {
		load->kind = KVT_LOAD_STEAL;
		load->percent = a;
		return a > 0 && a < 100 && b < 0;
	}
	if (strcmp(name, "onoff") == 0 || strcmp(name, "overcommit") == 0) {
		const bool slices = name[1] == 'v';

		load->kind = KVT_LOAD_ONOFF;
		load->run_ns = (uint64_t)((slices ? SLICE_MS : a) * (double)MS);
		load->off_ns = (uint64_t)((slices ? SLICE_MS * (a - 1) : b) * (double)MS);
		return slices ? a >= 1 && b < 0 : a > 0 && b >= 0 && b <= 1e6;
	}
	return b < 0 && parse_stop(load, name, a);
}

static const struct {
	const char *prefix;
	GArray *(*read)(const char *what, GError **error);
} recordings[] = { { "trace:", kvt_recording_intervals },
		   { "schedstat:", kvt_recording_schedstat },
		   { "sched:", kvt_recording_sched } };

/* True if @text names a recording; it could not be read if load->trace is NULL then. */
static bool parse_recording(struct kvt_load *load, const char *text, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(recordings); i++) {
		const char *prefix = recordings[i].prefix;

		if (!g_str_has_prefix(text, prefix))
			continue;
		load->kind = KVT_LOAD_TRACE;
		load->trace = recordings[i].read(text + strlen(prefix), error);
		return true;
	}
	return false;
}

/* One load, without a "+"; *@error is set for a recording only. */
static bool parse_part(struct kvt_load *load, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);

	if (strcmp(text, "none") == 0)
		return true;
	if (parse_recording(load, text, error))
		return load->trace != NULL;
	return parts[0] != NULL && parts[1] != NULL && parse_value(load, parts[0], parts[1]);
}

/* The name of a file may have a "+" too: the last one counts, if a stop comes after it. */
static bool parse_both(struct kvt_load *load, const char *text, GError **error)
{
	const char *plus = strrchr(text, '+');
	g_autofree char *first = NULL;

	if (plus == NULL || !parse_part(load, plus + 1, NULL) || load->kind != KVT_LOAD_NONE ||
	    load->stop == KVT_STOP_NONE)
		return parse_part(load, text, error);
	first = g_strndup(text, (gsize)(plus - text));
	return parse_part(load, first, error);
}

struct kvt_load *kvt_load_parse(const char *text, GError **error)
{
	struct kvt_load *load = g_new0(struct kvt_load, 1);
	GError *problem = NULL;

	load->text = g_strdup(text);
	if (parse_both(load, text, &problem))
		return load;
	kvt_load_free(load);
	if (problem != NULL)
		g_propagate_error(error, problem);
	else
		g_set_error(
			error, KVT_ERROR, KVT_STATUS_USAGE,
			"load '%s': wanted none, steal:PERCENT, onoff:RUN,OFF (ms), overcommit:N, "
			"trace:FILE, schedstat:FILE or sched:TID:FILE, and after a + or alone pause:S, "
			"migration:S or sleep:S",
			text);
	return NULL;
}

void kvt_load_free(struct kvt_load *load)
{
	if (load == NULL)
		return;
	g_free(load->text);
	if (load->trace != NULL)
		g_array_unref(load->trace);
	g_free(load);
}

/* splitmix64: small, and the same everywhere, so that a seed means the same run */
static uint64_t random_next(struct kvt_load_walk *walk)
{
	uint64_t z = walk->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* half to one and a half of @mean_ns */
static uint64_t around(struct kvt_load_walk *walk, double mean_ns)
{
	const double part = (double)(random_next(walk) >> 11) / 9007199254740992.0;

	return (uint64_t)(mean_ns * (0.5 + part)) + 1;
}

static uint64_t length_ns(struct kvt_load_walk *walk)
{
	const struct kvt_load *load = walk->load;

	switch (load->kind) {
	case KVT_LOAD_STEAL:
		return around(walk, walk->runs ? (double)STEAL_OFF_NS * (100 - load->percent) /
							 load->percent
					       : (double)STEAL_OFF_NS);
	case KVT_LOAD_ONOFF:
		return walk->runs ? load->run_ns : load->off_ns;
	case KVT_LOAD_TRACE:
		return walk->at < load->trace->len
			       ? g_array_index(load->trace, uint64_t, walk->at++)
			       : UINT64_MAX;
	default:
		return UINT64_MAX;
	}
}

void kvt_load_start(struct kvt_load_walk *walk, const struct kvt_load *load, uint64_t until_ns,
		    uint64_t seed)
{
	*walk = (struct kvt_load_walk){ .load = load, .until_ns = until_ns, .random = seed };
	kvt_load_step(walk);
}

void kvt_load_stand(struct kvt_load_walk *walk, uint64_t ns)
{
	walk->until_ns += ns;
	if (walk->next_ns != UINT64_MAX)
		walk->next_ns += ns;
}

void kvt_load_step(struct kvt_load_walk *walk)
{
	const uint64_t from = walk->next_ns;
	uint64_t length;

	walk->runs = !walk->runs;
	length = from >= walk->until_ns ? UINT64_MAX : length_ns(walk);
	if (from >= walk->until_ns || length == UINT64_MAX) {
		walk->runs = true;
		walk->next_ns = UINT64_MAX;
		return;
	}
	walk->next_ns = MIN(from + length, walk->until_ns);
}
