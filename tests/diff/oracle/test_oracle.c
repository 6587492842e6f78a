/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other people's devices are the judge: random programs of accesses run in a bare guest under
 * QEMU (TCG, where the time stamp counter is device time to the nanosecond) and under KVM, and
 * our devices must give the same answers. GTest prints the seed; --seed repeats a run.
 * KVT_LONG=1: a million steps a device. KVT_ORACLE_SAVE=DIR keeps transcripts.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "generate.h"
#include "transcript.h"

#define MEMORY_BYTES  (64u << 20)
#define STEPS         30000u
#define LONG_STEPS    1000000u
#define BATCH_STEPS   50000u
#define PROGRAM_STEPS 120u

typedef void generate_function(GArray *steps, GRand *rand, unsigned count, bool interrupts);

/* ---- running programs ---- */

static char *folder;

static bool write_program(const GArray *steps, uint32_t cycles_per_1024_ns)
{
	g_autofree char *path = g_build_filename(folder, "program", NULL);
	const struct oracle_program header = { ORACLE_MAGIC, steps->len, cycles_per_1024_ns,
					       (MEMORY_BYTES - ORACLE_LOG -
						sizeof(struct oracle_log)) /
						       sizeof(struct oracle_entry) };
	FILE *file = fopen(path, "wb");

	if (file == NULL)
		return false;
	fwrite(&header, sizeof(header), 1, file);
	fwrite(steps->data, sizeof(struct oracle_step), steps->len, file);
	return fclose(file) == 0;
}

static bool run_qemu(const char *accelerator)
{
	g_autofree char *guest =
		g_build_filename(g_getenv("KVT_BUILD"), "tests/diff/oracle_guest.elf", NULL);
	g_autofree char *memory = g_strdup_printf(
		"memory-backend-file,id=m,size=64M,share=on,mem-path=%s/memory", folder);
	g_autofree char *program = g_build_filename(folder, "program", NULL);
	const bool tcg = strcmp(accelerator, "tcg") == 0;
	const char *argv[] = { "timeout",
			       "300",
			       "qemu-system-x86_64",
			       "-machine",
			       "pc,memory-backend=m",
			       "-m",
			       "64M",
			       "-object",
			       memory,
			       "-accel",
			       accelerator,
			       "-display",
			       "none",
			       "-nodefaults",
			       "-no-reboot",
			       "-kernel",
			       guest,
			       "-initrd",
			       program,
			       "-device",
			       "isa-debug-exit,iobase=0xf4",
			       "-rtc",
			       "base=2020-01-01T00:00:00,clock=vm",
			       tcg ? "-icount" : NULL,
			       "shift=0,sleep=off",
			       NULL };
	g_autofree char *errors = NULL;
	int status;

	if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
			  G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			  &errors, &status, NULL))
		return false;
	/* isa-debug-exit: 2 * 0 + 1 */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return true;
	g_test_message("QEMU: status %d: %s", status, errors);
	return false;
}

static uint64_t to_ns(uint64_t tsc, uint32_t cycles_per_1024_ns)
{
	return cycles_per_1024_ns == 1024 ? tsc
					  : (uint64_t)((double)tsc * 1024 / cycles_per_1024_ns);
}

static void add_event(struct transcript *transcript, const struct oracle_step *steps,
		      const struct oracle_entry *entry, uint32_t rate)
{
	static const enum event_kind kinds[] = { [OP_OUT] = EVENT_OUT,
						 [OP_IN] = EVENT_IN,
						 [OP_WRITE] = EVENT_WRITE,
						 [OP_READ] = EVENT_READ };
	struct event event = { .before_ns = to_ns(entry->before, rate),
			       .after_ns = to_ns(entry->after, rate),
			       .value = entry->value };

	if (entry->step >= ORACLE_IRQ) {
		event.kind = EVENT_IRQ;
		event.address = entry->step - ORACLE_IRQ;
	} else {
		const struct oracle_step *step = &steps[entry->step];

		event.kind = kinds[step->op];
		event.width = step->width;
		event.address = step->address;
		event.step = entry->step;
		event.mask =
			step->mask == 0xffff ? UINT32_MAX >> (32 - 8 * step->width) : step->mask;
	}
	g_array_append_val(transcript->events, event);
}

/* The masks are not in the log: they are put back, from step @at to @end or the first that waits.
 */
static uint32_t add_masks(struct transcript *transcript, const struct oracle_step *step,
			  uint32_t at, uint32_t end, bool at_once)
{
	for (; at < end; at++) {
		const struct event mask = { .kind = EVENT_MASK,
					    .value = step[at].value,
					    .step = at };

		if (step[at].op == OP_MASK)
			g_array_append_val(transcript->events, mask);
		else if (step[at].op != OP_GROUP && at_once)
			break;
	}
	return at;
}

static struct transcript *read_log(const GArray *steps, const char *device, bool exact,
				   uint32_t rate)
{
	g_autofree char *path = g_build_filename(folder, "memory", NULL);
	g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);
	const struct oracle_step *const step = (const struct oracle_step *)(void *)steps->data;
	struct transcript *transcript = transcript_new(device, exact);
	const struct oracle_log *log;
	uint32_t at = 0;

	g_assert_nonnull(file);
	log = (const void *)(g_mapped_file_get_contents(file) + ORACLE_LOG);
	g_assert_cmphex(log->magic, ==, ORACLE_MAGIC);
	for (uint32_t i = 0; i < log->entries; i++) {
		const struct oracle_entry *entry = &log->entry[i];

		if (entry->step < ORACLE_IRQ)
			at = add_masks(transcript, step, at, entry->step, false);
		add_event(transcript, step, entry, rate);
		if (entry->step <
		    ORACLE_IRQ) /* those at once after it come before its interrupts */
			at = add_masks(transcript, step, entry->step + 1, steps->len, true);
	}
	return transcript;
}

static struct transcript *run_program(const GArray *steps, const char *device,
				      const char *accelerator)
{
	const bool tcg = strcmp(accelerator, "tcg") == 0;
	const uint32_t rate =
		tcg ? 1024
		    : (uint32_t)(g_ascii_strtoull(g_getenv("KVT_ORACLE_TSC_KHZ"), NULL, 10) * 1024 /
				 1000000);

	if (!write_program(steps, rate) || !run_qemu(accelerator))
		return NULL;
	return read_log(steps, device, tcg, rate);
}

/* ---- comparing ---- */

static void tell(const struct transcript *transcript, guint at, const char *why, guint events)
{
	for (guint i = at > events ? at - events : 0; i <= at; i++) {
		g_autofree char *text =
			event_text(&g_array_index(transcript->events, struct event, i));

		g_test_message("%s%s", i == at ? "-> " : "   ", text);
	}
	g_test_message("ours: %s", why);
}

static bool agrees(const GArray *steps, const char *device, const char *accelerator, bool loud)
{
	g_autoptr(Transcript) transcript = run_program(steps, device, accelerator);
	g_autofree char *why = NULL;
	guint at;

	g_assert_nonnull(transcript);
	if (transcript_matches(transcript, device_by_name(device), &at, &why))
		return true;
	if (loud)
		tell(transcript, at, why, 60);
	return false;
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
static GArray *shrink(const GArray *steps, const char *device, const char *accelerator)
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
			if (!agrees(less, device, accelerator, false)) {
				g_array_unref(best);
				best = g_array_ref(less);
			}
		}
		g_array_unref(less);
		at = start;
	}
	return best;
}

static void fail(const GArray *steps, const char *device, const char *accelerator)
{
	GArray *least;

	g_test_fail();
	least = shrink(steps, device, accelerator);
	g_test_message("%s under %s disagrees; the program shrunk to %u steps:", device,
		       accelerator, least->len);
	(void)agrees(least, device, accelerator, true);
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
			    guint to, const char *accelerator)
{
	GArray *program;
	g_autofree char *why = NULL;
	guint at;

	if (transcript_matches(transcript, device_by_name(transcript->device), &at, &why))
		return true;
	program = g_array_new(FALSE, FALSE, sizeof(struct oracle_step));
	g_array_append_vals(program, &g_array_index(steps, struct oracle_step, from), to - from);
	if (!agrees(program, transcript->device, accelerator, false)) {
		tell(transcript, at, why, 20);
		fail(program, transcript->device, accelerator);
	}
	g_array_unref(program);
	return false;
}

static void compare_batch(const char *device, generate_function *generate, const char *accelerator,
			  unsigned count)
{
	GArray *steps = g_array_new(FALSE, FALSE, sizeof(struct oracle_step));
	GArray *starts = g_array_new(FALSE, FALSE, sizeof(guint));
	GRand *rand = g_rand_new_with_seed((guint32)g_test_rand_int());
	g_autoptr(Transcript) transcript = NULL;
	unsigned once = 0;

	while (steps->len < count) {
		g_array_append_val(starts, steps->len);
		generate(steps, rand, PROGRAM_STEPS, g_rand_boolean(rand));
	}
	g_array_append_val(starts, steps->len);
	transcript = run_program(steps, device, accelerator);
	g_assert_nonnull(transcript);
	for (guint i = 0; i + 1 < starts->len && !g_test_failed(); i++) {
		const guint from = g_array_index(starts, guint, i),
			    to = g_array_index(starts, guint, i + 1);
		g_autoptr(Transcript) one = part(transcript, from, to);

		if (!compare_program(one, steps, from, to, accelerator))
			once++;
		save(one, device, i);
	}
	/* QEMU's timers and its halted processor are two threads: an interrupt can get lost there
	 */
	if (once > 1 + starts->len / 50)
		g_test_fail();
	if (once > 0)
		g_test_message("%s: %u of %u programs disagreed once and then agreed alone", device,
			       once, starts->len - 1);
	g_rand_free(rand);
	g_array_unref(starts);
	g_array_unref(steps);
}

struct comparison {
	const char *device;
	generate_function *generate;
	const char *accelerator;
};

static const struct comparison comparisons[] = {
	{ "i8254", generate_i8254, "tcg" },
	{ "mc146818", generate_mc146818, "tcg" },
	{ "hpet", generate_hpet, "tcg" },
	{ "acpi_pm", generate_acpi_pm, "tcg" },
	{ "lapic_timer", generate_lapic_timer, "tcg" },
};

static void test_compare(gconstpointer data)
{
	const struct comparison *c = data;
	const unsigned total = g_getenv("KVT_LONG") != NULL ? LONG_STEPS : STEPS;

	for (unsigned done = 0; done < total && !g_test_failed(); done += BATCH_STEPS)
		compare_batch(c->device, c->generate, c->accelerator, MIN(total, BATCH_STEPS));
	g_test_message("%s: %u steps under %s", c->device, total, c->accelerator);
}

int main(int argc, char **argv)
{
	g_autofree char *qemu = g_find_program_in_path("qemu-system-x86_64");
	int status;

	g_test_init(&argc, &argv, NULL);
	if (qemu == NULL) {
		printf("1..0 # SKIP qemu-system-x86_64 is not installed\n");
		return 0;
	}
	folder = g_dir_make_tmp("kvt-oracle-XXXXXX", NULL);
	g_assert_nonnull(folder);
	for (size_t i = 0; i < G_N_ELEMENTS(comparisons); i++) {
		const struct comparison *c = &comparisons[i];
		g_autofree char *name =
			g_strdup_printf("/oracle/our_%s_agrees_with_that_of_QEMU", c->device);

		g_test_add_data_func(name, c, test_compare);
	}
	status = g_test_run();
	{
		g_autofree char *memory = g_build_filename(folder, "memory", NULL);
		g_autofree char *program = g_build_filename(folder, "program", NULL);

		(void)g_unlink(memory);
		(void)g_unlink(program);
		(void)g_rmdir(folder);
	}
	g_free(folder);
	return status;
}
