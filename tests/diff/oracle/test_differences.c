/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doc/device-differences.md cannot rot: each of its rows has a program here, which QEMU and KVM
 * must still answer as the table says they do, and ours as it says of ours.
 */
#include <string.h>

#include "differences.h"
#include "peer.h"
#include "transcript.h"

#define REPEATS 5u /* of one that takes real time, on a busy machine */

/* ---- answers ---- */

static void note_read(struct answers *answers, const struct event *event, uint32_t value,
		      uint64_t now_ns)
{
	if (event->mask == 0 || answers->values == MAX_ANSWERS)
		return;
	answers->value[answers->values] = value & event->mask;
	answers->read_ns[answers->values++] = now_ns;
}

static void note_write(struct answers *answers, uint64_t now_ns)
{
	if (answers->first_irq_ns == 0 && answers->values == 0)
		answers->written_ns = now_ns;
}

static void note_irq(struct answers *answers, uint64_t now_ns)
{
	if (answers->irqs++ == 0)
		answers->first_irq_ns = now_ns;
}

static struct answers of_peer(const struct transcript *transcript)
{
	struct answers answers = { 0 };

	for (guint i = 0; i < transcript->events->len; i++) {
		const struct event *event = &g_array_index(transcript->events, struct event, i);

		if (event->kind == EVENT_IRQ)
			note_irq(&answers, event->before_ns);
		else if (event->kind == EVENT_OUT || event->kind == EVENT_WRITE)
			note_write(&answers, event->before_ns);
		else if (event->kind != EVENT_MASK)
			note_read(&answers, event, event->value, event->before_ns);
	}
	return answers;
}

static void run_to(const struct device *device, void *state, uint32_t masked, uint64_t to_ns,
		   struct answers *answers)
{
	uint64_t next_ns;

	while ((next_ns = device->next_ns(state)) <= to_ns) {
		const unsigned lines = device->run(state, next_ns) & ~masked;

		if (lines & 0x101)
			note_irq(answers, next_ns);
		else if (device->next_ns(state) <= next_ns)
			break;
	}
	(void)device->run(state, to_ns);
}

/* Our device, asked the same at the same times. */
static struct answers of_ours(const struct transcript *transcript)
{
	const struct device *device = device_by_name(transcript->device);
	g_autofree void *state = g_malloc0(device->size);
	struct answers answers = { 0 };
	uint32_t masked = 0xffff;

	device->init(state);
	for (guint i = 0; i < transcript->events->len; i++) {
		const struct event *event = &g_array_index(transcript->events, struct event, i);
		const uint64_t now_ns = (event->before_ns + event->after_ns) / 2;

		if (event->kind == EVENT_MASK) {
			masked = event->value;
			continue;
		}
		run_to(device, state, masked, now_ns, &answers);
		if (event->kind == EVENT_OUT || event->kind == EVENT_WRITE) {
			device->out(state, event, now_ns);
			note_write(&answers, now_ns);
		} else if (event->kind != EVENT_IRQ) {
			note_read(&answers, event, device->in(state, event, now_ns), now_ns);
		}
	}
	return answers;
}

static void tell(const char *who, const struct answers *answers)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < answers->values; i++)
		g_string_append_printf(text, " 0x%x", answers->value[i]);
	g_test_message("%s:%s; %u interrupts, the first %" G_GINT64_FORMAT " ns after the write",
		       who, text->str, answers->irqs,
		       (int64_t)(answers->first_irq_ns - answers->written_ns));
}

/* ---- one row on one peer ---- */

static bool holds(const struct difference *row, const struct peer *peer, check_function *check,
		  bool loud)
{
	GArray *steps = g_array_new(FALSE, FALSE, sizeof(struct oracle_step));
	g_autoptr(GError) error = NULL;
	g_autoptr(Transcript) transcript = NULL;
	struct answers theirs, ours;
	bool ok;

	row->program(steps);
	transcript = peer->run(steps, row->device, &error);
	g_assert_no_error(error);
	theirs = of_peer(transcript);
	ours = of_ours(transcript);
	ok = check(&theirs) && row->ours(&ours);
	if (!ok && loud) {
		tell("ours", &ours);
		tell(peer->name, &theirs);
	}
	g_array_unref(steps);
	return ok;
}

static void try_peer(const struct difference *row, const struct peer *peer, check_function *check)
{
	g_autofree char *why_not = peer->why_not();
	bool ok = false;

	if (why_not != NULL) {
		g_test_skip(why_not);
		return;
	}
	for (unsigned i = 0; i < REPEATS && !ok; i++)
		ok = holds(row, peer, check, i + 1 == REPEATS);
	if (!ok)
		g_test_message("not as the table says, beside %s: %s", peer->name, row->what);
	g_assert_true(ok);
}

static void test_qemu(gconstpointer data)
{
	const struct difference *row = data;

	try_peer(row, &peer_qemu, row->qemu);
}

static void test_kvm(gconstpointer data)
{
	const struct difference *row = data;

	try_peer(row, &peer_kvm, row->kvm);
}

/* ---- the table ---- */

/* Words of column @number of a table's row; owned. */
static char *column(const char *line, unsigned number)
{
	g_auto(GStrv) cells = g_strsplit(line, "|", -1);

	return g_strv_length(cells) > number + 1 ? g_strdup(g_strstrip(cells[number + 1]))
						 : g_strdup("");
}

static const struct difference *row_of(const char *what)
{
	const struct difference *const lists[] = { pit_differences, other_differences };

	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		for (const struct difference *row = lists[i]; row->what != NULL; row++)
			if (strcmp(row->what, what) == 0)
				return row;
	return NULL;
}

static const char *kvm_words(const struct difference *row)
{
	if (row->kvm == NULL)
		return "-";
	return row->kvm == row->ours ? "as ours" : row->kvm == row->qemu ? "as QEMU" : "";
}

static void check_line(const char *line)
{
	g_autofree char *what = column(line, 1), *kvm = column(line, 4);
	const struct difference *row = row_of(what);

	if (row == NULL)
		g_test_message("the table's row '%s' has no program", what);
	g_assert_nonnull(row);
	if (kvm_words(row)[0] != '\0')
		g_assert_cmpstr(kvm, ==, kvm_words(row));
}

static unsigned count_rows(const struct difference *row)
{
	unsigned number = 0;

	while (row[number].what != NULL)
		number++;
	return number;
}

static void test_table(void)
{
	g_autofree char *path =
		g_build_filename(g_getenv("KVT_SOURCE"), "doc/device-differences.md", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	unsigned rows = 0;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines[i] != NULL && !g_str_has_prefix(lines[i], "## "); i++) {
		if (lines[i][0] != '|' || g_str_has_prefix(lines[i], "|--") ||
		    g_str_has_prefix(lines[i], "| device "))
			continue;
		check_line(lines[i]);
		rows++;
	}
	g_assert_cmpuint(rows, ==, count_rows(pit_differences) + count_rows(other_differences));
}

static void add_rows(const struct difference *row)
{
	for (; row->what != NULL; row++) {
		g_autofree char *words = g_strdelimit(g_strdup(row->what), " /,", '_');
		g_autofree char *qemu = g_strdup_printf("/differences/QEMU/%s", words);
		g_autofree char *kvm = g_strdup_printf("/differences/KVM/%s", words);

		g_test_add_data_func(qemu, row, test_qemu);
		if (row->kvm != NULL)
			g_test_add_data_func(kvm, row, test_kvm);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/differences/each_row_of_the_table_has_a_program", test_table);
	add_rows(pit_differences);
	add_rows(other_differences);
	return g_test_run();
}
