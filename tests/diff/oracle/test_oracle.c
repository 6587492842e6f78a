/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other people's devices are the judge: random programs of accesses run in a bare guest under
 * QEMU (TCG, where the time stamp counter is device time to the nanosecond) and under KVM, or on
 * QEMU's qtest socket, and our devices must give the same answers. GTest prints the seed; --seed
 * repeats a run. KVT_LONG=1: a million steps a device. KVT_ORACLE_SAVE=DIR keeps transcripts of
 * QEMU's. KVT_ORACLE_LOUD=1 tells of each disagreement, also of one that did not come again.
 */
#include <glib.h>

#include "generate.h"
#include "peer.h"
#include "transcript.h"

#define STEPS            30000u
#define LONG_STEPS       1000000u
#define BATCH_STEPS      50000u
#define QTEST_STEPS      12000u
#define QTEST_LONG_STEPS 100000u
/* in real time */
#define KVM_STEPS       12000u
#define KVM_LONG_STEPS  100000u
#define KVM_BATCH_STEPS 3000u
#define PROGRAM_STEPS   120u
#define REPEATS         3u
#define WIDE_NS         50000u /* the host took the CPU away in the middle of such an access */

typedef void generate_function(GArray *steps, GRand *rand, unsigned count, bool interrupts);

/* ---- comparing ---- */

/* A read that took too long is not compared; after such a write, nothing is. */
static bool is_narrow(struct transcript *transcript)
{
	for (guint i = 0; i < transcript->events->len; i++) {
		struct event *event = &g_array_index(transcript->events, struct event, i);

		if (event->after_ns - event->before_ns <= WIDE_NS)
			continue;
		if (event->kind == EVENT_OUT || event->kind == EVENT_WRITE)
			return false;
		event->mask = 0;
	}
	return true;
}

static void tell(const struct transcript *transcript, guint at, const char *why, guint events)
{
	for (guint i = at > events ? at - events : 0; i <= at; i++) {
		g_autofree char *text =
			event_text(&g_array_index(transcript->events, struct event, i));

		g_test_message("%s%s", i == at ? "-> " : "   ", text);
	}
	g_test_message("ours: %s", why);
}

/* Does this event concern one channel of a PIT? */
static bool is_of_channel(const struct event *event, unsigned channel)
{
	if (event->kind == EVENT_IRQ || event->kind == EVENT_MASK)
		return channel == 0;
	if (event->address == 0x61)
		return channel == 2;
	if (event->address != 0x43)
		return event->address == 0x40 + channel;
	return event->value >> 6 == 3 ? event->value >> (channel + 1) & 1
				      : event->value >> 6 == channel;
}

/*
 * With windows, each channel by itself: they share nothing, and the moments of the writes to one
 * need not be tried with all those of the others.
 */
static struct transcript *of_channel(const struct transcript *whole, unsigned channel)
{
	struct transcript *transcript = transcript_new(whole->device, whole->exact);

	for (guint i = 0; i < whole->events->len; i++) {
		const struct event *event = &g_array_index(whole->events, struct event, i);

		if (is_of_channel(event, channel))
			g_array_append_val(transcript->events, *event);
	}
	return transcript;
}

/* @events: tell of so many before the disagreement; 0 = be quiet */
static bool matches(const struct transcript *transcript, guint events)
{
	g_autofree char *why = NULL;
	guint at;

	if (!transcript->exact) {
		for (unsigned channel = 0; channel < 3; channel++) {
			g_autoptr(Transcript) one = of_channel(transcript, channel);

			if (!transcript_matches(one, device_by_name(one->device), &at, &why)) {
				if (events > 0)
					tell(one, at, why, events);
				return false;
			}
		}
		return true;
	}
	if (transcript_matches(transcript, device_by_name(transcript->device), &at, &why))
		return true;
	if (events > 0)
		tell(transcript, at, why, events);
	return false;
}

/*
 * Does it disagree each time? QEMU's timers and its halted processor are two threads, and a busy
 * host takes KVM's processor away: what comes of that does not come again.
 */
static bool disagrees(const GArray *steps, const char *device, const struct peer *peer, bool loud)
{
	for (unsigned i = 0; i < REPEATS; i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Transcript) transcript = peer->run(steps, device, &error);

		g_assert_no_error(error);
		if (!is_narrow(transcript) ||
		    matches(transcript, loud && i + 1 == REPEATS ? 60 : 0))
			return false;
	}
	return true;
}

/* The next place from @at where a program may be cut; its end if there is none. */
static guint cut_after(const GArray *steps, guint at)
{
	while (at < steps->len && g_array_index(steps, struct oracle_step, at).op != OP_GROUP)
		at++;
	return at;
}

/* Without writes: to leave one out could make a program of what the generators avoid. */
static bool only_looks(const GArray *steps, guint from, guint to)
{
	for (; from < to; from++) {
		const uint8_t op = g_array_index(steps, struct oracle_step, from).op;

		if (op == OP_OUT || op == OP_WRITE || op == OP_MASK)
			return false;
	}
	return true;
}

/* Cuts the end off and leaves out the looks that are not needed to disagree. */
static GArray *shrink(const GArray *steps, const char *device, const struct peer *peer)
{
	GArray *best = g_array_copy((GArray *)(uintptr_t)steps);
	guint at = best->len;
	unsigned runs = 0;

	while (at > 0 && runs < 100) {
		GArray *less = g_array_copy(best);
		guint start = at - 1, end;

		while (start > 0 && g_array_index(best, struct oracle_step, start).op != OP_GROUP)
			start--;
		end = cut_after(best, start + 1);
		if (start > 0 && (end >= best->len || only_looks(best, start, end))) {
			g_array_remove_range(less, start, end - start);
			runs++;
			if (disagrees(less, device, peer, false)) {
				g_array_unref(best);
				best = g_array_ref(less);
			}
		}
		g_array_unref(less);
		at = start;
	}
	return best;
}

static void fail(const GArray *steps, const char *device, const struct peer *peer)
{
	GArray *least;

	g_test_fail();
	least = shrink(steps, device, peer);
	g_test_message("%s beside that of %s disagrees; the program shrunk to %u steps:", device,
		       peer->name, least->len);
	(void)disagrees(least, device, peer, true);
	g_array_unref(least);
}

static void save(const struct transcript *transcript, const char *device, guint number)
{
	const char *into = g_getenv("KVT_ORACLE_SAVE");
	g_autofree char *name = NULL;
	FILE *file;

	if (into == NULL || number >= 3)
		return;
	name = g_strdup_printf("%s/%s-%u.kvtv", into, device, number);
	file = fopen(name, "w");
	g_assert_nonnull(file);
	transcript_write(transcript, file, "recorded from QEMU, -accel tcg -icount shift=0");
	fclose(file);
}

/* The events of program @number alone; its device starts anew. */
static struct transcript *part(const struct transcript *whole, uint32_t from, uint32_t to)
{
	struct transcript *transcript = transcript_new(whole->device, whole->exact);

	for (guint i = 0; i < whole->events->len; i++) {
		struct event event = g_array_index(whole->events, struct event, i);

		if (event.kind == EVENT_IRQ) /* belongs to the step before */
			event.step =
				i > 0 ? g_array_index(whole->events, struct event, i - 1).step : 0;
		g_array_index(whole->events, struct event, i).step = event.step;
		if (event.step >= from && event.step < to)
			g_array_append_val(transcript->events, event);
	}
	return transcript;
}

/* A disagreement counts if the program repeats it alone. */
static bool compare_program(const struct transcript *transcript, const GArray *steps, guint from,
			    guint to, const struct peer *peer)
{
	GArray *program;

	if (matches(transcript, g_getenv("KVT_ORACLE_LOUD") != NULL ? 12 : 0))
		return true;
	program = g_array_new(FALSE, FALSE, sizeof(struct oracle_step));
	g_array_append_vals(program, &g_array_index(steps, struct oracle_step, from), to - from);
	if (disagrees(program, transcript->device, peer, false)) {
		(void)matches(transcript, 20);
		fail(program, transcript->device, peer);
	}
	g_array_unref(program);
	return false;
}

/* A batch of programs in one run; the number of steps that were compared. */
static unsigned compare_batch(const char *device, generate_function *generate,
			      const struct peer *peer, unsigned count)
{
	GArray *steps = g_array_new(FALSE, FALSE, sizeof(struct oracle_step));
	GArray *starts = g_array_new(FALSE, FALSE, sizeof(guint));
	GRand *rand = g_rand_new_with_seed((guint32)g_test_rand_int());
	g_autoptr(Transcript) transcript = NULL;
	g_autoptr(GError) error = NULL;
	unsigned once = 0, compared = 0;

	while (steps->len < count) {
		g_array_append_val(starts, steps->len);
		generate(steps, rand, PROGRAM_STEPS, g_rand_boolean(rand));
	}
	g_array_append_val(starts, steps->len);
	transcript = peer->run(steps, device, &error);
	g_assert_no_error(error);
	for (guint i = 0; i + 1 < starts->len && !g_test_failed(); i++) {
		const guint from = g_array_index(starts, guint, i),
			    to = g_array_index(starts, guint, i + 1);
		g_autoptr(Transcript) one = part(transcript, from, to);

		if (!is_narrow(one))
			continue;
		if (!compare_program(one, steps, from, to, peer))
			once++;
		compared += to - from;
		if (peer == &peer_qemu)
			save(one, device, i);
	}
	if (once > 1 + starts->len / 50)
		g_test_fail();
	if (once > 0)
		g_test_message("%s: %u of %u programs disagreed once and then agreed alone", device,
			       once, starts->len - 1);
	g_rand_free(rand);
	g_array_unref(starts);
	g_array_unref(steps);
	return compared;
}

struct comparison {
	const char *device;
	generate_function *generate;
	const struct peer *peer;
	unsigned steps, long_steps, batch_steps;
};

static const struct comparison comparisons[] = {
	{ "i8254", generate_i8254, &peer_qemu, STEPS, LONG_STEPS, BATCH_STEPS },
	{ "mc146818", generate_mc146818, &peer_qemu, STEPS, LONG_STEPS, BATCH_STEPS },
	{ "hpet", generate_hpet, &peer_qemu, STEPS, LONG_STEPS, BATCH_STEPS },
	{ "acpi_pm", generate_acpi_pm, &peer_qemu, STEPS, LONG_STEPS, BATCH_STEPS },
	{ "lapic_timer", generate_lapic_timer, &peer_qemu, STEPS, LONG_STEPS, BATCH_STEPS },
	{ "i8254", generate_kvm_i8254, &peer_kvm, KVM_STEPS, KVM_LONG_STEPS, KVM_BATCH_STEPS },
	{ "i8254", generate_i8254, &peer_qtest, QTEST_STEPS, QTEST_LONG_STEPS, QTEST_STEPS },
	{ "mc146818", generate_mc146818, &peer_qtest, QTEST_STEPS, QTEST_LONG_STEPS, QTEST_STEPS },
	{ "hpet", generate_hpet, &peer_qtest, QTEST_STEPS, QTEST_LONG_STEPS, QTEST_STEPS },
	{ "acpi_pm", generate_acpi_pm, &peer_qtest, QTEST_STEPS, QTEST_LONG_STEPS, QTEST_STEPS },
};

static void test_compare(gconstpointer data)
{
	const struct comparison *c = data;
	const unsigned total = g_getenv("KVT_LONG") != NULL ? c->long_steps : c->steps;
	g_autofree char *why_not = c->peer->why_not();
	unsigned done = 0, batches = 0;

	if (why_not != NULL) {
		g_test_skip(why_not);
		return;
	}
	while (done < total && !g_test_failed() && batches++ < 2 + 3 * (total / c->batch_steps))
		done += compare_batch(c->device, c->generate, c->peer, MIN(total, c->batch_steps));
	g_test_message("%s: %u steps compared with those of %s", c->device, done, c->peer->name);
	if (done < total && !g_test_failed())
		g_test_skip("this machine is too busy to compare what takes real time");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(comparisons); i++) {
		const struct comparison *c = &comparisons[i];
		g_autofree char *name = g_strdup_printf("/oracle/our_%s_agrees_with_that_of_%s",
							c->device, c->peer->name);

		g_test_add_data_func(name, c, test_compare);
	}
	return g_test_run();
}
