/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "sim/load.h"
#include "sys/error.h"

#define MS           UINT64_C(1000000)
#define STEAL_OFF_NS (20 * MS)
#define SLICE_MS     30.0 /* of an overcommitted host */

static bool read_trace(struct kvt_load *load, const char *path, GError **error)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(path, &text, NULL, error)) {
		g_prefix_error(error, "trace %s: ", path);
		return false;
	}
	lines = g_strsplit(text, "\n", -1);
	load->trace = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	for (guint i = 0; lines[i] != NULL; i++) {
		uint64_t interval[2];
		char *end;

		if (lines[i][0] == '\0' || lines[i][0] == '#')
			continue;
		interval[0] = g_ascii_strtoull(lines[i], &end, 10);
		interval[1] = g_ascii_strtoull(end, &end, 10);
		if (*end != '\0' || interval[0] + interval[1] == 0 || interval[0] >> 60 != 0 ||
		    interval[1] >> 60 != 0) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
				    "trace %s, line %u: wanted ns run and ns stolen, found '%s'",
				    path, i + 1, lines[i]);
			return false;
		}
		g_array_append_vals(load->trace, interval, 2);
	}
	return true;
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
	load->kind = KVT_LOAD_PAUSE;
	load->off_ns = (uint64_t)(a * 1000 * (double)MS);
	return b < 0 && (strcmp(name, "pause") == 0 || strcmp(name, "sleep") == 0 ||
			 strcmp(name, "migration") == 0);
}

struct kvt_load *kvt_load_parse(const char *text, GError **error)
{
	struct kvt_load *load = g_new0(struct kvt_load, 1);
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);
	bool ok;

	load->text = g_strdup(text);
	if (strcmp(text, "none") == 0)
		return load;
	if (g_strcmp0(parts[0], "trace") == 0 && parts[1] != NULL) {
		load->kind = KVT_LOAD_TRACE;
		if (read_trace(load, parts[1], error))
			return load;
		kvt_load_free(load);
		return NULL;
	}
	ok = parts[0] != NULL && parts[1] != NULL && parse_value(load, parts[0], parts[1]);
	if (ok)
		return load;
	kvt_load_free(load);
	g_set_error(
		error, KVT_ERROR, KVT_STATUS_USAGE,
		"load '%s': wanted none, steal:PERCENT, onoff:RUN,OFF (ms), overcommit:N, pause:S, "
		"migration:S, sleep:S or trace:FILE",
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
	case KVT_LOAD_PAUSE:
		if (!walk->runs)
			return load->off_ns;
		return walk->at++ == 0 ? walk->until_ns / 10 : UINT64_MAX;
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
	/* a pause is whole, other loads end with their time */
	walk->next_ns = from + length;
	if (walk->load->kind != KVT_LOAD_PAUSE && walk->next_ns > walk->until_ns)
		walk->next_ns = walk->until_ns;
}
