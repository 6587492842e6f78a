/* SPDX-License-Identifier: BSD-2-Clause */
#include "sim/recording.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sys/error.h"

#define MAX_NS (UINT64_C(1) << 60) /* 36 years */

/* ---- lines of numbers ---- */

/* A function that takes one line's numbers; false if they cannot be. */
typedef bool take_function(GArray *intervals, const uint64_t *numbers, uint64_t *before);

static void add(GArray *intervals, uint64_t run_ns, uint64_t stolen_ns)
{
	g_array_append_val(intervals, run_ns);
	g_array_append_val(intervals, stolen_ns);
}

static bool take_interval(GArray *intervals, const uint64_t *numbers, uint64_t *before)
{
	(void)before;
	if (numbers[0] + numbers[1] == 0)
		return false;
	add(intervals, numbers[0], numbers[1]);
	return true;
}

/* time, run, wait; @before: time and wait of the sample before, time 0 = none */
static bool take_sample(GArray *intervals, const uint64_t *numbers, uint64_t *before)
{
	if (numbers[0] == 0 ||
	    (before[0] != 0 && (numbers[0] <= before[0] || numbers[2] < before[1])))
		return false;
	if (before[0] != 0) {
		const uint64_t passed = numbers[0] - before[0];
		const uint64_t stolen = MIN(numbers[2] - before[1], passed);

		add(intervals, passed - stolen, stolen);
	}
	before[0] = numbers[0];
	before[1] = numbers[2];
	return true;
}

/* @most and @least numbers, below the largest time; nothing else */
static bool parse_numbers(const char *line, unsigned least, unsigned most, uint64_t *ret_numbers)
{
	unsigned number = 0;

	while (*line != '\0' && number < most) {
		char *end;

		if (!g_ascii_isdigit(*line))
			return false;
		ret_numbers[number] = g_ascii_strtoull(line, &end, 10);
		/* the first may be a time since 1970 */
		if (ret_numbers[number] > (number == 0 ? UINT64_MAX / 4 : MAX_NS))
			return false;
		number++;
		line = end + strspn(end, " \t\r");
	}
	return *line == '\0' && number >= least;
}

static GArray *read_lines(const char *path, unsigned least, unsigned most, take_function *take,
			  const char *wanted, GError **error)
{
	GArray *intervals = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t before[2] = { 0 }, numbers[4] = { 0 };
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(path, &text, NULL, error)) {
		g_prefix_error(error, "recording %s: ", path);
		g_array_unref(intervals);
		return NULL;
	}
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		if (lines[i][0] == '\0' || lines[i][0] == '#')
			continue;
		if (parse_numbers(lines[i], least, most, numbers) &&
		    take(intervals, numbers, before))
			continue;
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "recording %s, line %u: wanted %s, found '%.80s'", path, i + 1, wanted,
			    lines[i]);
		g_array_unref(intervals);
		return NULL;
	}
	return intervals;
}

GArray *kvt_recording_intervals(const char *path, GError **error)
{
	return read_lines(path, 2, 2, take_interval, "ns run and ns stolen", error);
}

GArray *kvt_recording_schedstat(const char *path, GError **error)
{
	return read_lines(path, 3, 4, take_sample,
			  "the time in ns, later than before, and the thread's schedstat", error);
}

/* ---- trace events ---- */

enum thread_state { UNKNOWN, RUNS, SLEEPS, STOLEN };

struct trace {
	GRegex *event, *from, *to, *woken;
	char *tid;
	enum thread_state state;
	uint64_t since_ns, run_ns;
	GArray *intervals;
};

static bool field_is(GRegex *regex, const char *text, const char *tid)
{
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *found = NULL;

	if (!g_regex_match(regex, text, 0, &match))
		return false;
	found = g_match_info_fetch(match, 1);
	return strcmp(found, tid) == 0;
}

/* Of the last field prev_state: R, or R+ when it was preempted. */
static bool was_runnable(const char *text)
{
	const char *state = strstr(text, " prev_state=");

	return state != NULL && state[12] == 'R';
}

static enum thread_state next_state(const struct trace *trace, const char *text, bool is_switch)
{
	if (is_switch && field_is(trace->to, text, trace->tid))
		return RUNS;
	if (is_switch && field_is(trace->from, text, trace->tid))
		return was_runnable(text) ? STOLEN : SLEEPS;
	/* a wakeup of one that runs, on its way to sleep, changes nothing */
	if (!is_switch && trace->state == SLEEPS && field_is(trace->woken, text, trace->tid))
		return STOLEN;
	return UNKNOWN;
}

static void enter(struct trace *trace, enum thread_state state, uint64_t now_ns)
{
	const uint64_t passed = now_ns - trace->since_ns;

	if (trace->state == RUNS || trace->state == SLEEPS) {
		trace->run_ns += passed;
	} else if (trace->state == STOLEN && trace->run_ns + passed > 0) {
		add(trace->intervals, trace->run_ns, passed);
		trace->run_ns = 0;
	}
	trace->state = state;
	trace->since_ns = now_ns;
}

/* Its time may not run back: the file would be of several CPUs, not sorted. */
static bool take_event(struct trace *trace, const GMatchInfo *match)
{
	g_autofree char *seconds = g_match_info_fetch(match, 1);
	g_autofree char *fraction = g_match_info_fetch(match, 2);
	g_autofree char *kind = g_match_info_fetch(match, 3);
	g_autofree char *text = g_match_info_fetch(match, 4);
	uint64_t now_ns = g_ascii_strtoull(fraction, NULL, 10);
	enum thread_state state;

	for (size_t digits = strlen(fraction); digits < 9; digits++)
		now_ns *= 10;
	now_ns += MIN(g_ascii_strtoull(seconds, NULL, 10), MAX_NS / 1000000000) * 1000000000;
	state = next_state(trace, text, strcmp(kind, "switch") == 0);
	if (state == UNKNOWN)
		return true;
	if (trace->state != UNKNOWN && now_ns < trace->since_ns)
		return false;
	enter(trace, state, now_ns);
	return true;
}

static bool read_events(struct trace *trace, const char *path, GError **error)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(path, &text, NULL, error)) {
		g_prefix_error(error, "recording %s: ", path);
		return false;
	}
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		g_autoptr(GMatchInfo) match = NULL;

		if (!g_regex_match(trace->event, lines[i], 0, &match) || take_event(trace, match))
			continue;
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "recording %s, line %u: its time lies before that of an earlier line",
			    path, i + 1);
		return false;
	}
	if (trace->state != UNKNOWN)
		enter(trace, UNKNOWN, trace->since_ns);
	if (trace->run_ns > 0)
		add(trace->intervals, trace->run_ns, 0);
	if (trace->intervals->len > 0)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "recording %s: no sched_switch of thread %s", path, trace->tid);
	return false;
}

GArray *kvt_recording_sched(const char *what, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(what, ":", 2);
	struct trace trace = { .tid = parts[0] };
	bool ok;

	if (parts[0] == NULL || parts[1] == NULL || parts[0][0] == '\0' ||
	    parts[0][strspn(parts[0], "0123456789")] != '\0') {
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE,
			    "sched:%s: wanted the thread's number, a colon and a file", what);
		return NULL;
	}
	trace.event =
		g_regex_new(" ([0-9]+)\\.([0-9]{6,9}): +(?:sched:)?sched_(switch|wakeup): (.*)",
			    G_REGEX_OPTIMIZE | G_REGEX_RAW, 0, NULL);
	trace.from = g_regex_new("(?:^| )prev_pid=([0-9]+) ", G_REGEX_RAW, 0, NULL);
	trace.to = g_regex_new(".* next_pid=([0-9]+) ", G_REGEX_RAW, 0, NULL);
	trace.woken = g_regex_new(".*\\bpid=([0-9]+) ", G_REGEX_RAW, 0, NULL);
	trace.intervals = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	ok = read_events(&trace, parts[1], error);
	g_regex_unref(trace.event);
	g_regex_unref(trace.from);
	g_regex_unref(trace.to);
	g_regex_unref(trace.woken);
	if (ok)
		return trace.intervals;
	g_array_unref(trace.intervals);
	return NULL;
}
