/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/facts.h"

#include <string.h>

/* How a measure becomes a fact. */
enum kind {
	NUMBER, /* its value */
	RIGHT,  /* yes if it was judged good, no if bad; several may share one: all must be good */
	WORD    /* a word in a list if it is bad: its name without the ending */
};

static const struct line {
	const char *experiment;
	const char *measure; /* with '*': the ending of its name */
	enum kind kind;
	const char *fact;
} table[] = {
	{ "clock", "stable", RIGHT, "lab.clock.stable" },
	{ "clock", "offset_bound", NUMBER, "lab.clock.bound_ns" },
	{ "clock", "offset_bound", RIGHT, "lab.clock.bound_good" },
	{ "clock", "get_clock_agree", RIGHT, "lab.clock.agrees" },
	{ "clock", "guest_view", RIGHT, "lab.clock.agrees" },
	{ "clock", "rate_error", NUMBER, "lab.clock.rate_ppb" },
	{ "clock", "rate_error", RIGHT, "lab.clock.rate_good" },
	{ "clock", "hidden_step", NUMBER, "lab.clock.step_ns" },
	{ "clock", "hidden_step", RIGHT, "lab.clock.step_good" },
	{ "clock", "vcpu_difference", NUMBER, "lab.clock.vcpus_ns" },
	{ "clock", "vcpu_difference", RIGHT, "lab.clock.vcpus_agree" },
	{ "clock", "warps", RIGHT, "lab.clock.vcpus_agree" },
	{ "clock", "wall_offset", NUMBER, "lab.clock.wall_ns" },
	{ "clock", "wall_offset", RIGHT, "lab.clock.wall_good" },
	{ "pause", "flag_told", RIGHT, "lab.pause.told" },
	{ "pause", "flag_untold", RIGHT, "lab.pause.told" },
	{ "pause", "jump_left_alone", RIGHT, "lab.pause.kept" },
	{ "pause", "jump_set_clock", RIGHT, "lab.pause.kept" },
	{ "pause", "jump_realtime", RIGHT, "lab.pause.kept" },
	{ "steal", "difference", NUMBER, "lab.steal.difference_ns" },
	{ "steal", "difference", RIGHT, "lab.steal.right" },
	{ "migrate", "jump_right", NUMBER, "lab.migrate.jump_ns" },
	{ "migrate", "jump_right", RIGHT, "lab.migrate.right" },
	{ "migrate", "jump_right_guest", RIGHT, "lab.migrate.right" },
	{ "ticks", "*_lost", WORD, "lab.ticks.broken" },
	{ "timers", "*_late", WORD, "lab.timers.late" },
};

static char *source_of(const struct lab_measure *measure)
{
	return g_strdup_printf("measured: %s%s%s", measure->name,
			       measure->meaning != NULL ? ": " : "",
			       measure->meaning != NULL ? measure->meaning : "");
}

static bool fits(const struct line *line, const char *experiment, const char *measure)
{
	if (!g_str_equal(line->experiment, experiment))
		return false;
	return line->measure[0] == '*' ? g_str_has_suffix(measure, line->measure + 1)
				       : g_str_equal(line->measure, measure);
}

/* No beats unknown beats yes: one bad measure is enough. */
static void set_right(struct kvt_facts *facts, const char *fact, const struct lab_measure *measure,
		      const char *source)
{
	const struct kvt_fact *before = kvt_facts_get(facts, KVT_HOST, fact);
	const bool is_no = before != NULL && before->state == KVT_KNOWN && !before->flag;

	if (measure->verdict == LAB_INFO || is_no)
		return;
	if (measure->verdict == LAB_UNKNOWN)
		kvt_facts_set_unknown(facts, KVT_HOST, fact, false,
				      measure->meaning != NULL ? measure->meaning
							       : "could not be measured");
	else if (measure->verdict == LAB_BAD || before == NULL || before->state == KVT_KNOWN)
		kvt_facts_set_bool(facts, KVT_HOST, fact, measure->verdict == LAB_GOOD, source);
}

static void add_word(struct kvt_facts *facts, const struct line *line,
		     const struct lab_measure *measure, const char *source)
{
	g_autofree char *word =
		g_strndup(measure->name, strlen(measure->name) - strlen(line->measure + 1));

	if (measure->verdict == LAB_BAD)
		kvt_facts_add_word(facts, KVT_HOST, line->fact, word, source);
}

static void add_measure(struct kvt_facts *facts, const char *experiment,
			const struct lab_measure *measure)
{
	g_autofree char *source = source_of(measure);
	bool covered = false;

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		const struct line *line = &table[i];

		if (!fits(line, experiment, measure->name))
			continue;
		covered = covered || line->kind != NUMBER;
		if (line->kind == RIGHT)
			set_right(facts, line->fact, measure, source);
		else if (line->kind == WORD)
			add_word(facts, line, measure, source);
		else if (measure->verdict != LAB_UNKNOWN)
			kvt_facts_set_real(facts, KVT_HOST, line->fact, measure->value, source);
	}
	if (!covered && measure->verdict == LAB_BAD) {
		g_autofree char *name = g_strconcat(experiment, ".", measure->name, NULL);

		kvt_facts_add_word(facts, KVT_HOST, "lab.other", name, source);
	}
}

/* "rtc_pic" and its kin; the experiment's own example has a word before. */
static void add_qemu(struct kvt_facts *facts, const struct lab_measure *measure)
{
	g_autofree char *source = source_of(measure);
	const char *name = measure->name;

	if (g_str_has_prefix(name, "slew_"))
		name += strlen("slew_");
	if (g_str_has_prefix(name, "rtc_") || g_str_has_prefix(name, "pit_")) {
		g_autofree char *chip = g_strndup(name, 3);
		g_autofree char *ticks = g_strdup_printf("lab.%s.%s_ticks", chip, name + 4);
		g_autofree char *wrong = g_strdup_printf("lab.%s.wrong_behind", chip);

		kvt_facts_set_real(facts, KVT_VM, ticks, measure->value, source);
		if (measure->verdict == LAB_BAD)
			kvt_facts_add_word(facts, KVT_VM, wrong, name + 4, source);
	}
}

static void add_controls(struct kvt_facts *facts, const struct lab_result *result)
{
	for (guint i = 0; i < result->controls->len; i++) {
		const struct lab_control *control = result->controls->pdata[i];
		g_autofree char *what = g_strdup_printf("%s: %s", result->name, control->what);

		if (!control->detected)
			kvt_facts_add_word(facts, KVT_HOST, "lab.controls_missed", what,
					   control->seen);
	}
}

/* Read and empty is another thing than unknown. */
static void set_empty(struct kvt_facts *facts)
{
	static const struct {
		unsigned who;
		const char *name;
	} lists[] = {
		{ KVT_HOST, "lab.failed" },         { KVT_HOST, "lab.controls_missed" },
		{ KVT_HOST, "lab.ticks.broken" },   { KVT_HOST, "lab.timers.late" },
		{ KVT_HOST, "lab.other" },          { KVT_VM, "lab.rtc.wrong_behind" },
		{ KVT_VM, "lab.pit.wrong_behind" },
	};

	kvt_facts_set_list(facts, KVT_HOST, "lab.measured", NULL, "kvmtime lab");
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		kvt_facts_set_list(facts, lists[i].who, lists[i].name, NULL, "kvmtime lab");
}

static void add_result(struct kvt_facts *facts, const struct lab_result *result)
{
	const bool is_qemu = g_str_equal(result->name, "qemu");

	if (result->state == LAB_FAILED)
		kvt_facts_add_word(facts, KVT_HOST, "lab.failed", result->name, result->reason);
	if (result->state != LAB_MEASURED)
		return;
	kvt_facts_add_word(facts, KVT_HOST, "lab.measured", result->name, "kvmtime lab");
	if (is_qemu)
		kvt_facts_set_list(facts, KVT_VM, "lab.measured",
				   (const char *const[]){ "qemu", NULL }, "kvmtime lab qemu");
	for (guint i = 0; i < result->measures->len; i++)
		if (is_qemu)
			add_qemu(facts, result->measures->pdata[i]);
		else
			add_measure(facts, result->name, result->measures->pdata[i]);
	add_controls(facts, result);
}

void lab_facts_add(struct kvt_facts *facts, const GPtrArray *results)
{
	unsigned roles = KVT_HOST;

	set_empty(facts);
	for (guint i = 0; i < results->len; i++) {
		const struct lab_result *result = results->pdata[i];

		add_result(facts, result);
		if (g_str_equal(result->name, "qemu") && result->state == LAB_MEASURED)
			roles |= KVT_VM;
	}
	kvt_facts_set_roles(facts, kvt_facts_roles(facts) | roles);
}
